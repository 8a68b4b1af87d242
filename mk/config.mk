# SPDX-License-Identifier: GPL-2.0-or-later
# Tools, flags and the version: what may be overridden on the command line.

VERSION := 0.1.0

CC ?= gcc-12
ifeq ($(origin CC),default)
CC := gcc-12
endif
AR ?= ar
PKG_CONFIG ?= pkg-config

O ?= build
prefix ?= /usr
bindir ?= $(prefix)/bin
datadir ?= $(prefix)/share
libdir ?= $(prefix)/lib
sysconfdir ?= /etc
mandir ?= $(datadir)/man
bashcompdir ?= $(datadir)/bash-completion/completions

PACKAGES := libelf libdw libsodium libarchive libzstd json-c libkmod libcrypto blkid

WARNINGS := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes \
	-Wshadow -Wno-unused-parameter -Wno-missing-field-initializers
OPTIMISE ?= -O2 -g
UK_CFLAGS := -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 $(WARNINGS) $(OPTIMISE) \
	-ffunction-sections -fdata-sections -ffile-prefix-map=$(CURDIR)=. -Isrc -Iinclude \
	-DUPKEEP_VERSION='"$(VERSION)"' -DUPKEEP_DATADIR='"$(datadir)/upkeep"' \
	-DUPKEEP_SYSCONFDIR='"$(sysconfdir)/upkeep"' \
	-DUPKEEP_LIBDIR='"$(libdir)/upkeep"'

# Asked of pkg-config only when something is compiled, so that `make help` and
# `make deps` work on a machine that has none of it yet.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell $(PKG_CONFIG) --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $$(shell $(PKG_CONFIG) --libs $(PACKAGES)) -lZydis)$(PKG_LIBS)

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n'
endif
