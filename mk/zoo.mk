# SPDX-License-Identifier: GPL-2.0-or-later
# The workload that checks itself before and after a kernel swap: see tests/replace/zoo/README.md.

ZOO_SRCS := $(sort $(wildcard tests/replace/zoo/*.c))
ZOO_OBJS := $(patsubst %.c,$(O)/%.o,$(ZOO_SRCS))
CHECK_PROGRAMS += $(O)/tests/replace/zoo/zoo

$(O)/tests/replace/zoo/%.o: tests/replace/zoo/%.c tests/replace/zoo/zoo.h
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(STATIC_CFLAGS) -pthread -c -o $@ $<

$(O)/tests/replace/zoo/zoo: $(ZOO_OBJS)
	$(say) LD $@
	$(Q)$(CC) -static -pthread -o $@ $^ -lm

.PHONY: zoo
zoo: $(O)/tests/replace/zoo/zoo ## Build the workload that checks itself over a kernel swap
