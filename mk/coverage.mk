# SPDX-License-Identifier: GPL-2.0-only
# "make coverage": how much of user space and of the module's pure logic the tests reach.
# A third way to compile, without optimisation, so that a branch of the source is a branch
# of the object. Not part of "make check": it takes minutes, and finds no fault of its own.

COV_LINES ?= 85
COV_BRANCHES ?= 95
# Tests of the lab whose programs are counted, too; empty: unit tests alone.
COV_LAB	?= vdctl rules grace auto

cov_CFLAGS := -O0 --coverage -fprofile-abs-path
cov_LDFLAGS := --coverage

$(eval $(call variant,cov))
$(eval $(call unit_variant,cov))

COV	:= $(UNIT_SRC:%.c=$(B)/cov/%)
COV_STRIP := $(words $(subst /, ,$(abspath $(B)/cov)))

cov-build: need-lib need-cli need-daemon need-test $(COV) $(B)/cov/vdctl $(B)/cov/vcpu-deboostd

# Some of vdctl's tests run it as nobody, who has to be able to count, too.
cov-unit: cov-build
	@find $(B)/cov -name '*.gcda' -delete; find $(B)/cov -type d -exec chmod 777 {} +
	@export $(call unit_env,cov); umask 0; failed=; \
	$(foreach t,$(COV),$(call suite,cov/$(notdir $(t)),$(t))) \
	test -z "$$failed"

cov-lab: cov-build all
	@rm -rf $(B)/cov-lab && mkdir -p $(B)/cov-lab
	@cd $(B)/cov && find lib cli daemon -name '*.gcno' -exec cp --parents {} ../cov-lab/ \;
	lab/run --timeout 7200 --silence 3600 --out $(B)/cov-lab --add tests/lab/lib.sh \
		--add $(B)/cov/vdctl:cov-vdctl --add $(B)/cov/vcpu-deboostd:cov-vcpu-deboostd \
		$(COV_LAB:%=--add tests/lab/%.sh) -- tests/coverage/lab.sh $(COV_STRIP) $(COV_LAB)

coverage:
	$(Q)tools/deps --coverage
	$(Q)$(MAKE) --no-print-directory cov-unit $(if $(COV_LAB),cov-lab)
	$(Q)tests/coverage/report $(COV_LINES) $(COV_BRANCHES) $(PURE_SRC)

.PHONY: coverage cov-build cov-unit cov-lab
