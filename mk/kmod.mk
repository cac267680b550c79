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
$(foreach v,$(KMOD_NAMES),$(eval kmod_dir_$(v) := $(shell lab/kernel headers $(v))))
endif

KMODS	:= $(KMOD_NAMES:%=$(B)/kmod-%/vcpu_deboost.ko)

kmod: $(KMODS)
	$(if $(KMODS),@:,@echo 'kmod: no kernel to build for; run lab/setup, or give KDIR=...')

# $(call kbuild,NAME,TARGET AND VARIABLES)
kbuild	= $(MAKE) $(if $(V),,-s) --no-print-directory -C $(kmod_dir_$(1)) \
	M=$(abspath $(B)/kmod-$(1)) VDB_TOP=$(abspath .) $(2)

$(B)/kmod-%/vcpu_deboost.ko: $(KMOD_SRC) $(UAPI)
	$(call say,KMOD,$*)
	$(Q)test -e "$(kmod_dir_$*)/Makefile" || \
		{ echo "kmod: there are no kernel headers in $(kmod_dir_$*)" >&2; exit 1; }
	$(Q)mkdir -p $(@D) && cp -rpu kmod/. $(@D)/
	$(Q)$(call kbuild,$*,modules)
	$(Q)touch $@

kmod-install: $(KMODS)
	$(if $(KDIR),,$(error kmod-install needs KDIR=...))
	$(Q)$(call kbuild,host,modules_install \
		$(if $(DESTDIR),INSTALL_MOD_PATH=$(abspath $(DESTDIR))))

# Sparse over the module, once per kernel; prints nothing when it is clean.
kmod-sparse-%:
	$(Q)rm -rf $(B)/sparse-$* && mkdir -p $(B)/sparse-$* && cp -rp kmod/. $(B)/sparse-$*/
	$(Q)$(MAKE) -s --no-print-directory -C $(kmod_dir_$*) M=$(abspath $(B)/sparse-$*) \
		VDB_TOP=$(abspath .) C=2 CHECK="sparse -Wsparse-error" modules

.PHONY: kmod kmod-install
