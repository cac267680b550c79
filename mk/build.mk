# SPDX-License-Identifier: GPL-2.0-only
# The library, vdctl and the daemon: once as they are installed (build/obj), once for the
# tests with sanitizers (build/asan).

LIB_SRC	:= $(sort $(wildcard lib/*.c))
CLI_SRC	:= $(sort $(wildcard cli/*.c))
DAEMON_SRC := $(sort $(wildcard daemon/*.c))
# The parts of the module that know nothing of the kernel: see kmod/pure.h.
PURE_SRC := $(sort $(shell grep -l 'Pure: no kernel header' kmod/*.c 2>/dev/null))

ALL_CFLAGS = $(BASE) $(WARN) $(LIB_CFLAGS) $(CLI_CFLAGS) $(DAEMON_CFLAGS) $(TEST_CFLAGS) $(CFLAGS)

obj_CFLAGS := $(HARDEN)
obj_LDFLAGS := $(HARDEN_LD)
asan_CFLAGS := $(SANITIZE)
asan_LDFLAGS := $(SANITIZE) -Wl,--as-needed

# $(call objects,VARIANT,SOURCES)
objects	= $(patsubst %.c,$(B)/$(1)/%.o,$(2))

# $(call variant,NAME): the rules of one way to compile.
define variant
$(B)/$(1)/%.o: %.c $(MAKEFILE_LIST)
	$$(call say,CC,$$(if $$(filter obj,$(1)),,[$(1)] )$$<)
	$(Q)mkdir -p $$(@D)
	$(Q)$$(CC) $$(ALL_CFLAGS) $$($(1)_CFLAGS) -c -o $$@ $$<

$(B)/$(1)/libvd.a: $(call objects,$(1),$(LIB_SRC))
$(B)/$(1)/libcli.a: $(call objects,$(1),$(filter-out cli/main.c,$(CLI_SRC)))
$(B)/$(1)/libdaemon.a: $(call objects,$(1),$(filter-out daemon/main.c,$(DAEMON_SRC)))
$(B)/$(1)/libpure.a: $(call objects,$(1),$(PURE_SRC))
$(B)/$(1)/%.a:
	$$(call say,AR,$$@)
	$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^

$(B)/$(1)/vdctl: $(B)/$(1)/cli/main.o $(B)/$(1)/libcli.a $(B)/$(1)/libvd.a
	$$(call say,LD,$$@)
	$(Q)$$(CC) $$($(1)_LDFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(CLI_LIBS) $$(LIB_LIBS)

$(B)/$(1)/vcpu-deboostd: $(B)/$(1)/daemon/main.o $(B)/$(1)/libdaemon.a $(B)/$(1)/libvd.a
	$$(call say,LD,$$@)
	$(Q)$$(CC) $$($(1)_LDFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(DAEMON_LIBS) $$(LIB_LIBS) -lm
endef
$(eval $(call variant,obj))
$(eval $(call variant,asan))

lib: need-lib $(B)/obj/libvd.a
cli: need-lib need-cli $(B)/vdctl
daemon: need-lib need-daemon $(B)/vcpu-deboostd

$(B)/vdctl $(B)/vcpu-deboostd: $(B)/%: $(B)/obj/%
	$(Q)ln -f $< $@

# Sentences instead of a missing header in the middle of the output.
need-%:
	$(call need,$(shell echo $* | tr a-z A-Z))
	@:

-include $(shell find $(B)/obj $(B)/asan -name '*.d' 2>/dev/null)

.SECONDARY:
.PHONY: lib cli daemon
