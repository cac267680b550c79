# SPDX-License-Identifier: GPL-2.0-only
# The module, in a directory of its own per kernel: kbuild writes next to the sources.
# With KDIR for that kernel, else for every kernel that lab/setup has fetched.

KMOD_SRC := $(shell find kmod -type f -not -name '.*' 2>/dev/null)
UAPI	:= include/uapi/linux/vcpu_deboost.h

ifneq ($(KDIR),)
KMOD_NAMES := host
kmod_dir_host := $(KDIR)
else
KMOD_NAMES := $(foreach v,$(shell lab/kernel list 2>/dev/null),\
	$(if $(shell lab/kernel headers $(v) 2>/dev/null),$(v)))
# Those of "make debug-test", which are built for it alone.
KMOD_DEBUG := $(shell lab/kernel debug 2>/dev/null)
$(foreach v,$(KMOD_NAMES) $(KMOD_DEBUG),\
	$(eval kmod_dir_$(v) := $(shell lab/kernel headers $(v))))
endif

KMODS	:= $(KMOD_NAMES:%=$(B)/kmod-%/vcpu_deboost.ko)

kmod: $(KMODS)
	$(if $(KMODS),@:,@echo 'kmod: no kernel to build for; run lab/setup, or give KDIR=...')

# $(call kbuild,NAME,DIR,TARGET AND VARIABLES): for this host as everywhere, for the lab's kernels
# with the compiler that each wants.
kbuild	= $(if $(filter host,$(1)),$(MAKE) --no-print-directory -C $(KDIR) M=$(abspath $(2)),\
	lab/kbuild $(1) $(abspath $(2))) $(if $(V),,-s) VDB_TOP=$(abspath .) $(3)

$(B)/kmod-%/vcpu_deboost.ko: $(KMOD_SRC) $(UAPI)
	$(call say,KMOD,$*)
	$(Q)test -e "$(kmod_dir_$*)/Makefile" || \
		{ echo "kmod: there are no kernel headers in $(kmod_dir_$*)" >&2; exit 1; }
	$(Q)mkdir -p $(@D) && cp -rpu kmod/. $(@D)/
	$(Q)$(call kbuild,$*,$(@D),modules)
	$(Q)touch $@

kmod-install: $(KMODS)
	$(if $(KDIR),,$(error kmod-install needs KDIR=...))
	$(Q)$(call kbuild,host,$(B)/kmod-host,modules_install \
		$(if $(DESTDIR),INSTALL_MOD_PATH=$(abspath $(DESTDIR))))

# Sparse over the module, once per kernel; prints nothing when it is clean.
kmod-sparse-%:
	$(Q)rm -rf $(B)/sparse-$* && mkdir -p $(B)/sparse-$* && cp -rp kmod/. $(B)/sparse-$*/
	$(Q)$(call kbuild,$*,$(B)/sparse-$*,C=2 CHECK="sparse -Wsparse-error" modules)

.PHONY: kmod kmod-install
