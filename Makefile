# SPDX-License-Identifier: GPL-2.0-only
# vcpu-deboostd: module, daemon, vdctl, lab. "make help" lists the targets.

VERSION	:= 0.1.0
B	:= build

V	?=
Q	:= $(if $(V),,@)
say	= @printf '  %-7s %s\n' "$(1)" "$(2)"

DESTDIR	?=
PREFIX	?= /usr
SBINDIR	?= $(PREFIX)/sbin
BINDIR	?= $(PREFIX)/bin
MANDIR	?= $(PREFIX)/share/man
UNITDIR	?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
ETCDIR	?= /etc

all: lib cli daemon lab kmod

# What stands alone: no compiler, no library, no pkg-config needed to ask for it.
ALONE	:= help deps clean check demo bench distclean
ifneq ($(filter-out $(ALONE),$(or $(MAKECMDGOALS),all)),)
include mk/flags.mk
include mk/build.mk
include mk/kmod.mk
include mk/fuzz.mk
include mk/tests.mk
include mk/coverage.mk
endif

help:
	@echo 'make              build everything into $(B)/ (the module for every lab kernel)'
	@echo 'make deps         install the Debian packages that are missing (Debian 12 and 13)'
	@echo 'make check        install what is missing, run all tests, say "N passed, N failed"'
	@echo 'make demo         install what is missing, show stock against ours in the lab'
	@echo 'make bench        measure in the lab; BENCH_ARGS="..." is for lab/bench/bench'
	@echo 'make kmod         the module; KDIR=/lib/modules/$$(uname -r)/build for this host'
	@echo 'make lib|cli|daemon|lab   one part'
	@echo 'make unit|asan|lint|lab-test   one part of the tests'
	@echo 'make soak         a host in use, SOAK_TIME=1h long'
	@echo 'make kills        the daemon killed at any moment, KILLS=1000 times'
	@echo 'make debug-test   module tests on debug kernels; lab/setup --debug-kernel first'
	@echo 'make cycles       1000 loads, 5000 VMs, 50 CPU hotplugs: an hour or more'
	@echo 'make failslab     each allocation of the module fails in turn: a quarter of an hour'
	@echo 'make coverage     how much of it the tests reach'
	@echo 'make fuzz         fuzz user space with clang, FUZZ_TIME=60 seconds each target'
	@echo 'make fuzz-netlink fuzz the module in the lab, FUZZ_N=10000000 requests'
	@echo 'make install      install; DESTDIR=... stages it, KDIR=... adds the module'
	@echo 'make clean        remove $(B)/'
	@echo 'V=1 shows the commands.'

deps:
	$(Q)tools/deps

# Both begin on a machine that has nothing but make: install first, then start over with
# a make that finds the libraries.
check:
	$(Q)tools/deps
	$(Q)lab/setup --quiet
	$(Q)$(MAKE) --no-print-directory check-all

demo:
	$(Q)tools/deps
	$(Q)lab/setup --quiet
	$(Q)$(MAKE) --no-print-directory all
	$(Q)lab/demo

bench:
	$(Q)tools/deps
	$(Q)lab/setup --quiet
	$(Q)$(MAKE) --no-print-directory all
	$(Q)lab/bench/bench $(BENCH_ARGS)

lab:
	$(Q)$(MAKE) --no-print-directory -C lab/guest O=$(abspath $(B)) V=$(V)

install: lib cli daemon
	$(call say,INSTALL,$(DESTDIR)/)
	$(Q)install -D -m 755 $(B)/vcpu-deboostd $(DESTDIR)$(SBINDIR)/vcpu-deboostd
	$(Q)install -D -m 755 $(B)/vdctl $(DESTDIR)$(BINDIR)/vdctl
	$(Q)install -d $(DESTDIR)$(UNITDIR)
	$(Q)install -m 644 systemd/*.service $(DESTDIR)$(UNITDIR)/
	$(Q)install -D -m 644 -t $(DESTDIR)$(SYSUSERSDIR) systemd/sysusers.d/vcpu-deboostd.conf
	$(Q)install -D -m 644 -t $(DESTDIR)$(TMPFILESDIR) systemd/tmpfiles.d/vcpu-deboostd.conf
	$(Q)for f in man/*.[1-9]; do \
		install -D -m 644 "$$f" "$(DESTDIR)$(MANDIR)/man$${f##*.}/$${f##*/}" || exit 1; done
	$(Q)tools/install-etc etc $(DESTDIR)$(ETCDIR)
	$(if $(DESTDIR),,$(Q)tools/install-user systemd/sysusers.d/vcpu-deboostd.conf)
	$(if $(KDIR),$(Q)$(MAKE) --no-print-directory kmod-install)

clean distclean:
	$(Q)rm -rf $(B)

.PHONY: all help deps check demo bench lab install clean distclean
