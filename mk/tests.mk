# SPDX-License-Identifier: GPL-2.0-only
# Everything "make check" runs. tests/run adds up what each suite says.

UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
UNIT	:= $(UNIT_SRC:%.c=$(B)/obj/%)
ASAN	:= $(UNIT_SRC:%.c=$(B)/asan/%)
PY_UNIT	:= $(sort $(wildcard tests/unit/test_*.py)) lab/bench/test_stats.py

# Only the daemon's own tests need its libraries.
define unit_variant
$(B)/$(1)/tests/unit/test_daemon_%: $(B)/$(1)/tests/unit/test_daemon_%.o \
		$(B)/$(1)/libdaemon.a $(B)/$(1)/libvd.a
	$$(call say,LD,$$@)
	$(Q)$$(CC) $$($(1)_LDFLAGS) -o $$@ $$^ $$(DAEMON_LIBS) $$(LIB_LIBS) $$(TEST_LIBS) -lm

$(B)/$(1)/tests/unit/test_%: $(B)/$(1)/tests/unit/test_%.o \
		$(B)/$(1)/libcli.a $(B)/$(1)/libvd.a $(B)/$(1)/libpure.a
	$$(call say,LD,$$@)
	$(Q)$$(CC) $$($(1)_LDFLAGS) -o $$@ $$^ $$(CLI_LIBS) $$(LIB_LIBS) $$(TEST_LIBS) -lm
endef
$(eval $(call unit_variant,obj))
$(eval $(call unit_variant,asan))

# $(call suite,NAME,COMMAND): run, count, go on; the target fails if one of them did.
suite	= tests/run $(1) $(2) || failed=1;
unit_env = CMOCKA_MESSAGE_OUTPUT=TAP VDCTL=$(B)/$(1)/vdctl \
	ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1

guest_test = $(MAKE) --no-print-directory -s -C lab/guest O=$(abspath $(B)) test

unit: need-lib need-cli need-daemon need-test $(UNIT) $(B)/vdctl $(B)/obj/vdctl
	@export $(call unit_env,obj); failed=; \
	$(foreach t,$(UNIT),$(call suite,unit/$(notdir $(t)),$(t))) \
	$(foreach t,$(PY_UNIT),$(call suite,unit/$(notdir $(t)),python3 $(t))) \
	$(call suite,unit/lab-guest,$(guest_test)) \
	test -z "$$failed"

asan: need-lib need-cli need-daemon need-test $(ASAN) $(B)/asan/vdctl
	@export $(call unit_env,asan); failed=; \
	$(foreach t,$(ASAN),$(call suite,asan/$(notdir $(t)),$(t))) \
	test -z "$$failed"

lint:
	@tests/run lint tools/lint

lab-test: all
	@tests/run --stream lab tests/lab/run-all

# What all of the above compiles, so that a broken build is one clear failure.
unit-build: need-lib need-cli need-daemon need-test $(UNIT) $(ASAN) $(REPLAY) $(B)/vdctl \
	$(B)/asan/vdctl

# A step that fails must not keep the others from running; the sum decides.
check-all:
	@tests/run --begin
	@tests/run build $(MAKE) --no-print-directory -s all unit-build || :
	@for step in unit asan fuzz-replay lint lab-test; do \
		$(MAKE) --no-print-directory -s $$step || :; \
	done
	@tests/run --end

.PHONY: unit asan lint lab-test unit-build check-all
