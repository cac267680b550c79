# SPDX-License-Identifier: GPL-2.0-only
# Compiler, warnings, libraries.

ifeq ($(origin CC),default)
CC	:= gcc
endif
CFLAGS	?= -O2 -g

WARN	:= -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef \
	-Wvla -Wformat=2 -Wwrite-strings -Wpointer-arith
BASE	:= -std=gnu11 -D_GNU_SOURCE -DVD_VERSION='"$(VERSION)"' -I. -Iinclude/uapi -MMD -MP
HARDEN	:= -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
HARDEN_LD := -pie -Wl,-z,relro,-z,now -Wl,--as-needed
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

PKG_CONFIG ?= pkg-config

# $(call pkg,NAME,MODULES): NAME_CFLAGS and NAME_LIBS, or NAME_MISSING.
define pkg
$(1)_MISSING := $$(if $$(shell command -v $(PKG_CONFIG)),$$(strip $$(foreach m,$(2),\
	$$(shell $(PKG_CONFIG) --exists $$(m) || echo $$(m)))),pkg-config)
ifeq ($$($(1)_MISSING),)
$(1)_CFLAGS := $$(shell $(PKG_CONFIG) --cflags $(2))
$(1)_LIBS := $$(shell $(PKG_CONFIG) --libs $(2))
endif
endef
$(eval $(call pkg,LIB,libnl-3.0 libnl-genl-3.0))
$(eval $(call pkg,CLI,jansson))
$(eval $(call pkg,DAEMON,libsystemd libcgroup inih jansson))
$(eval $(call pkg,TEST,cmocka))

# $(call need,NAME...): end with a sentence when a library is missing.
need	= $(if $(strip $(foreach n,$(1),$($(n)_MISSING))),\
	$(error missing: $(foreach n,$(1),$($(n)_MISSING)); "make deps" installs what is needed))
