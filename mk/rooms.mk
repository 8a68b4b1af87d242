# SPDX-License-Identifier: GPL-2.0-or-later
# The rooms of src/: each folder is one archive, each uses only those below it.

# Lowest first. Linking goes the other way.
ROOMS := $(foreach r,base seat elf kbuild bundle diff match create live replace feed fleet,$(if $(wildcard src/$(r)/*.c),$(r)))
room_lib = $(O)/lib$(1).a
reverse = $(if $(1),$(call reverse,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))
ROOM_LIBS := $(foreach r,$(call reverse,$(ROOMS)),$(call room_lib,$(r)))

.DEFAULT_GOAL := all
.PHONY: all
all: $(O)/upkeep $(O)/init $(O)/resume $(O)/catch $(O)/gather $(O)/criu/seat.so $(O)/tree.so ## Build build/upkeep and what goes with it

$(O)/obj/%.o: %.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(UK_CFLAGS) $(PKG_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

define room_rules
$(O)/lib$(1).a: $(patsubst %.c,$(O)/obj/%.o,$(sort $(wildcard src/$(1)/*.c)))
	$(say) AR $$@
	@rm -f $$@
	$(Q)$(AR) rcsD $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rules,$(r))))

CLI_OBJS := $(patsubst %.c,$(O)/obj/%.o,$(sort $(wildcard src/cli/*.c)))
$(O)/upkeep: $(CLI_OBJS) $(ROOM_LIBS)
	$(say) LD $@
	$(Q)$(CC) $(OPTIMISE) $(LDFLAGS) -o $@ $(CLI_OBJS) $(ROOM_LIBS) $(PKG_LIBS)

# What the new kernel of a replacement runs: init alone in its initramfs, then resume.
INIT_OBJS := $(addprefix $(O)/obj/src/init/,init.o supervise.o go_home.o)
$(O)/init: $(INIT_OBJS) $(ROOM_LIBS)
	$(say) LD $@
	$(Q)$(CC) $(OPTIMISE) -static -o $@ $(INIT_OBJS) $(O)/libreplace.a $(O)/libbase.a $$($(PKG_CONFIG) --static --libs blkid)
$(O)/catch $(O)/gather: $(O)/%: $(O)/obj/src/init/%.o
	$(say) LD $@
	$(Q)$(CC) $(OPTIMISE) -static -o $@ $<
# Static, too: services wait while it is loaded from a disk that nothing was read from yet. Of libarchive
# it has what reads tar; without the sections that nobody refers to it needs no library for other formats.
$(O)/resume: $(O)/obj/src/init/resume.o $(ROOM_LIBS)
	$(say) LD $@
	$(Q)$(CC) $(OPTIMISE) -static -Wl,--gc-sections -o $@ $< $(ROOM_LIBS) \
		$$($(PKG_CONFIG) --static --libs libsodium json-c blkid) -larchive -lacl

# A plugin of criu, in a folder that holds nothing else.
PLUGIN_SRCS := src/plugin/seat.c $(wildcard src/seat/*.c)
$(O)/criu/seat.so: $(PLUGIN_SRCS) $(wildcard src/seat/*.h)
	$(say) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(UK_CFLAGS) -fPIC -shared $(LDFLAGS) -o $@ $(PLUGIN_SRCS)

# A library that is loaded into criu where what it dumps is no tree.
$(O)/tree.so: src/plugin/tree.c
	$(say) LD $@
	$(Q)$(CC) $(UK_CFLAGS) -fPIC -shared $(LDFLAGS) -o $@ $<

-include $(shell find $(O)/obj -name '*.d' 2>/dev/null)

.PHONY: clean
clean: ## Remove everything that was built (not the cache of kernels)
	rm -rf $(O)
