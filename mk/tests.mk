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

# The larger forms, which "make check" does not run.

# The tests of the module on the debug kernels that "lab/setup --debug-kernel" has built. They are
# slow: one at a time, in fewer rounds, and the tests of the daemon's own are left to the others.
MODULE_TESTS := load unload churn cycles failslab modes window count kinds clear choose chain \
	order sched sight bigvm netlink vdctl grace breaker throttle relaxed fair fuzz

debug-test: lib cli daemon lab $(KMOD_DEBUG:%=$(B)/kmod-%/vcpu_deboost.ko)
	@test -n "$(KMOD_DEBUG)" || { echo "debug-test: no debug kernel;" \
		"run lab/setup --debug-kernel first" >&2; exit 1; }
	@tests/run --stream debug tests/lab/run-all $(KMOD_DEBUG:%=--kernel %) --slow \
		--jobs 1 $(MODULE_TESTS)

# 1000 loads, 5000 VMs, 50 times a CPU goes and comes.
cycles: all
	@tests/run --stream cycles lab/run --silence 7200 --timeout 86400 \
		--add tests/lab/lib.sh -- tests/lab/cycles.sh 1000 5000 50

# Each allocation of a load fails but the middle of those that read the kernel's types.
failslab: all
	@tests/run --stream failslab lab/run --silence 3600 --timeout 14400 \
		--add tests/lab/lib.sh -- tests/lab/failslab.sh 1

# What all of the above compiles, so that a broken build is one clear failure.
unit-build: need-lib need-cli need-daemon need-test $(UNIT) $(ASAN) $(REPLAY) $(B)/vdctl \
	$(B)/asan/vdctl

# A step that fails must not keep the others from running; the sum decides. lint uses one CPU and
# the programs' tests the other; lab-test uses both.
check-all:
	@tests/run --begin
	@tests/run build $(MAKE) --no-print-directory -s all unit-build || :
	@$(MAKE) --no-print-directory -s lint & \
	for step in unit asan fuzz-replay; do \
		$(MAKE) --no-print-directory -s $$step || :; \
	done; wait
	@$(MAKE) --no-print-directory -s lab-test || :
	@tests/run --end

.PHONY: unit asan lint lab-test debug-test cycles failslab unit-build check-all

# Longer forms of single tests: not part of "make check".
SOAK_TIME ?= 1h
KILLS	?= 1000
soak_s	= $(shell echo '$(SOAK_TIME)' | sed -nE 's/^([0-9]+)(s?)$$/\1/p; s/^([0-9]+)m$$/\1*60/p; \
	s/^([0-9]+)h$$/\1*3600/p')
lab_long = tests/lab/run-all --compile && lab/run --silence 900 --timeout $(1) \
	--add tests/lab/lib.sh --add $(B)/lab-test/busy

# By the machine's clock: an hour is an hour.
soak: all
	@test -n '$(soak_s)' || { echo 'SOAK_TIME is a number with s, m or h: 1h' >&2; exit 2; }
	$(Q)$(call lab_long,$$(($(soak_s) + 600))) --fast -- \
		tests/lab/soak.sh 1000000 $$(($(soak_s)))

kills: all
	$(Q)$(call lab_long,$$(($(KILLS) * 20 + 600))) -- tests/lab/two.sh $(KILLS) 500

.PHONY: soak kills
