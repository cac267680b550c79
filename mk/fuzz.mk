# SPDX-License-Identifier: GPL-2.0-only
# Fuzzing. "make check" replays every corpus under the sanitizers (fuzz-replay) and sends
# 10^5 requests to the module (tests/lab/fuzz.sh); the rest are targets of their own:
#   make fuzz FUZZ_TIME=60           each target of user space that many seconds (clang)
#   make fuzz-minimise               add to the corpora what "make fuzz" has found
#   make fuzz-netlink FUZZ_N=10000000 FUZZ_KERNEL=6.12 FUZZ_SEED=1

FUZZ_TIME ?= 60
FUZZ_N	?= 10000000
FUZZ_KERNEL ?= 6.12
FUZZ_SEED ?= 1
FUZZ_CC	?= clang
FUZZ_FLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -O1 -g

FUZZ	:= $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
REPLAY	:= $(FUZZ:%=$(B)/asan/tests/fuzz/replay-%)
NLFUZZ_SRC := $(sort $(wildcard tests/fuzz/nl*.c))

fuzz_env = ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1

# With gcc, as the other tests.
$(B)/asan/tests/fuzz/replay-%: $(B)/asan/tests/fuzz/fuzz_%.o $(B)/asan/tests/fuzz/replay.o \
		$(B)/asan/libdaemon.a $(B)/asan/libvd.a $(B)/asan/libpure.a
	$(call say,LD,$@)
	$(Q)$(CC) $(asan_LDFLAGS) -o $@ $^ $(DAEMON_LIBS) $(LIB_LIBS) -lm

fuzz-replay: need-lib need-daemon $(REPLAY)
	@export $(fuzz_env); failed=; \
	$(foreach t,$(FUZZ),$(call suite,fuzz/$(t),\
		$(B)/asan/tests/fuzz/replay-$(t) tests/fuzz/corpus/$(t)/*)) \
	test -z "$$failed"

# With clang, for libFuzzer.
$(B)/fuzz/%.o: %.c mk/flags.mk mk/fuzz.mk
	$(call say,CC,[fuzz] $<)
	$(Q)mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(filter-out -Werror,$(ALL_CFLAGS)) $(FUZZ_FLAGS) -c -o $@ $<

$(B)/fuzz/fuzz-%: $(B)/fuzz/tests/fuzz/fuzz_%.o \
		$(call objects,fuzz,$(LIB_SRC) $(PURE_SRC)) \
		$(call objects,fuzz,$(filter-out daemon/main.c,$(DAEMON_SRC)))
	$(call say,LD,$@)
	$(Q)$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ $(DAEMON_LIBS) $(LIB_LIBS) -lm

fuzz-deps:
	$(Q)tools/deps --fuzz

# What is found goes to build/fuzz/found; a crash stays there, too, and ends the run.
fuzz-run-%: $(B)/fuzz/fuzz-%
	$(Q)mkdir -p $(B)/fuzz/found/$* tests/fuzz/corpus/$*
	$(Q)$(fuzz_env) $< -max_total_time=$(FUZZ_TIME) -timeout=25 -rss_limit_mb=1024 \
		-max_len=4096 -artifact_prefix=$(B)/fuzz/found/crash-$*- -print_final_stats=1 \
		$(if $(wildcard tests/fuzz/$*.dict),-dict=tests/fuzz/$*.dict) \
		$(B)/fuzz/found/$* tests/fuzz/corpus/$*

fuzz: fuzz-deps
	$(Q)$(MAKE) --no-print-directory $(FUZZ:%=fuzz-run-%)

fuzz-minimise-%: $(B)/fuzz/fuzz-%
	$(Q)tests/fuzz/minimise $* $<

fuzz-minimise: fuzz-deps
	$(Q)$(MAKE) --no-print-directory $(FUZZ:%=fuzz-minimise-%)

$(B)/nlfuzz: $(NLFUZZ_SRC) tests/fuzz/nlfuzz.h $(UAPI)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -g $(WARN) -static -Iinclude/uapi -o $@ $(NLFUZZ_SRC)

fuzz-netlink: all $(B)/nlfuzz
	lab/run --fast --kernel $(FUZZ_KERNEL) --timeout 86400 --silence 86400 \
		--add tests/lab/lib.sh --add $(B)/nlfuzz -- tests/lab/fuzz.sh $(FUZZ_N) $(FUZZ_SEED)

-include $(shell find $(B)/fuzz -name '*.d' 2>/dev/null)

.PHONY: fuzz fuzz-replay fuzz-deps fuzz-minimise fuzz-netlink
