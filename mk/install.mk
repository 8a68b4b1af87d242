# SPDX-License-Identifier: GPL-2.0-or-later
# Installing, and what has to be there first.

.PHONY: deps
deps: ## Install through apt what building and testing need (root)
	sh mk/deps.sh mk/packages.list

INSTALL ?= install
docdir ?= $(datadir)/doc/upkeep

# `upkeep create` builds the core module for each kernel: its source goes along.
.PHONY: install
install: all ## Install below DESTDIR (default: this machine)
	$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(mandir)/man1 $(DESTDIR)$(bashcompdir) \
		$(DESTDIR)$(docdir) $(DESTDIR)$(libdir)/upkeep/criu $(DESTDIR)$(libdir)/tmpfiles.d \
		$(DESTDIR)$(datadir)/upkeep/kmod \
		$(DESTDIR)$(datadir)/upkeep/include/upkeep $(DESTDIR)$(sysconfdir)/upkeep/trusted.d
	$(INSTALL) -m 755 $(O)/upkeep $(DESTDIR)$(bindir)/upkeep
	$(INSTALL) -m 755 -s $(O)/init $(O)/resume $(O)/catch $(O)/gather $(DESTDIR)$(libdir)/upkeep/
	$(INSTALL) -m 644 -s $(O)/criu/seat.so $(DESTDIR)$(libdir)/upkeep/criu/
	$(INSTALL) -m 644 -s $(O)/tree.so $(DESTDIR)$(libdir)/upkeep/
	$(INSTALL) -m 644 tmpfiles.d/upkeep.conf $(DESTDIR)$(libdir)/tmpfiles.d/
	$(INSTALL) -m 644 docs/man/*.1 $(DESTDIR)$(mandir)/man1/
	$(INSTALL) -m 644 completions/upkeep $(DESTDIR)$(bashcompdir)/upkeep
	$(INSTALL) -m 644 kmod/Kbuild kmod/*.c kmod/*.h $(DESTDIR)$(datadir)/upkeep/kmod/
	$(INSTALL) -m 644 include/upkeep/*.h $(DESTDIR)$(datadir)/upkeep/include/upkeep/
	$(INSTALL) -m 644 COPYING CHANGES $(DESTDIR)$(docdir)/
