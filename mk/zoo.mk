# SPDX-License-Identifier: GPL-2.0-or-later
# The workload that checks itself before and after a kernel swap: see tests/replace/zoo/README.md.

ZOO_SRCS := $(sort $(wildcard tests/replace/zoo/*.c))
ZOO_OBJS := $(patsubst %.c,$(O)/%.o,$(ZOO_SRCS))
CHECK_PROGRAMS += $(O)/tests/replace/zoo/zoo

$(O)/tests/replace/zoo/%.o: tests/replace/zoo/%.c $(wildcard tests/replace/zoo/*.h)
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(STATIC_CFLAGS) -pthread -c -o $@ $<

$(O)/tests/replace/zoo/zoo: $(ZOO_OBJS)
	$(say) LD $@
	$(Q)$(CC) -static -pthread -o $@ $^ -lm

.PHONY: zoo check-zoo zoo-criu
zoo: $(O)/tests/replace/zoo/zoo ## Build the workload that checks itself over a kernel swap
check-zoo: zoo ## Check the zoo itself: all ok without a swap, all FAILED when sabotaged (root)
	prove -v --exec '' tests/replace/zoo-control
# A quarter of an hour for each kernel.
zoo-criu: zoo ## Write the tables of docs/replace-criu.md: what the stock criu makes of each case
	tests/replace/zoo-criu 6.1.0-47-cloud-amd64
	tests/replace/zoo-criu 6.12.107+deb12-cloud-amd64
