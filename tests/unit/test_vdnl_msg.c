// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>

#include "lib/vdnl_msg.h"

#define GOLDEN_DIR "tests/unit/golden/"

static const char *const golden_names[] = {
	"info_reply",	  "hook_reply",	  "tuning_set_request", "tuning_get_reply",
	"vm_get_request", "vm_reply",	  "stats_reply",	"heartbeat_request",
	"vm_event",	  "tuning_event", "trip_event",		"empty",
};

struct bytes {
	uint8_t *at;
	size_t len;
};

static struct bytes read_golden(const char *name)
{
	struct bytes bytes = { test_malloc(VD_MSG_MAX), 0 };
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), GOLDEN_DIR "%s.bin", name);
	file = fopen(path, "rb");
	if (!file)
		fail_msg("cannot open %s (run from the top of the tree)", path);
	bytes.len = fread(bytes.at, 1, VD_MSG_MAX, file);
	fclose(file);
	return bytes;
}

static struct vd_msg decode_golden(const char *name)
{
	struct bytes bytes = read_golden(name);
	struct vd_msg msg;

	assert_int_equal(vd_msg_decode(bytes.at, bytes.len, &msg), 0);
	test_free(bytes.at);
	return msg;
}

static void assert_trip(const struct vd_trip *trip)
{
	assert_int_equal(trip->have,
			 VD_BIT(VCPU_DEBOOST_TRIP_A_MAX + 1) - VD_BIT(VCPU_DEBOOST_TRIP_A_KIND));
	assert_int_equal(trip->kind, VCPU_DEBOOST_TRIP_BOOST_RATE);
	assert_string_equal(vd_trip_name(trip->kind), "boost_rate");
	assert_string_equal(trip->reason, "boost rate: VM 7 yielded 3 times");
	assert_true(trip->value == 3 && trip->budget == 2);
	assert_true(trip->boottime_ns == (UINT64_C(1) << 40) + 1);
}

static void test_info(void **state)
{
	struct vd_msg msg = decode_golden("info_reply");

	(void)state;
	assert_int_equal(msg.have, VD_BIT(VCPU_DEBOOST_A_INFO));
	assert_int_equal(msg.info.have,
			 VD_BIT(VCPU_DEBOOST_INFO_A_MAX + 1) - VD_BIT(VCPU_DEBOOST_INFO_A_VERSION));
	assert_string_equal(msg.info.version, "0.1.0");
	assert_int_equal(msg.info.abi, 1);
	assert_int_equal(msg.info.armed, 0);
	assert_string_equal(msg.info.reason, "mode is off");
	assert_int_equal(msg.info.nr_vms, 3);
	assert_true(msg.info.vms_seen == UINT64_C(1) << 33);
	assert_int_equal(msg.info.vms_refused, 1);
	assert_int_equal(msg.info.grace_ms, 60000);
	assert_int_equal(msg.info.grace_left_ms, 59321);
	assert_int_equal(msg.info.fallbacks, 2);
	assert_int_equal(msg.info.trips, 5);
	assert_trip(&msg.info.trip);
}

static void test_trip_event(void **state)
{
	struct vd_msg msg = decode_golden("trip_event");

	(void)state;
	assert_int_equal(msg.have, VD_BIT(VCPU_DEBOOST_A_INFO));
	assert_int_equal(msg.info.trips, 1);
	assert_trip(&msg.info.trip);
	/* Before, or after it was cleared. */
	msg = decode_golden("empty");
	assert_int_equal(msg.info.trip.kind, VCPU_DEBOOST_TRIP_NONE);
	assert_string_equal(vd_trip_name(VCPU_DEBOOST_TRIP_SWITCH), "switch");
	assert_string_equal(vd_trip_name(VCPU_DEBOOST_TRIP_MAX + 1), "unknown");
}

static void test_hook(void **state)
{
	struct vd_msg msg = decode_golden("hook_reply");

	(void)state;
	assert_int_equal(msg.have, VD_BIT(VCPU_DEBOOST_A_HOOK));
	assert_string_equal(msg.hook.name, "on_spin");
	assert_string_equal(msg.hook.symbol, "kvm_vcpu_on_spin");
	assert_int_equal(msg.hook.kind, VCPU_DEBOOST_HOOK_KIND_REDIRECT);
	assert_int_equal(msg.hook.required, 1);
	assert_int_equal(msg.hook.state, VCPU_DEBOOST_HOOK_STATE_REFUSED);
	assert_string_equal(msg.hook.reason, "a livepatch holds this function");
}

static void assert_vm(const struct vd_vm *vm)
{
	assert_int_equal(vm->id, 7);
	assert_int_equal(vm->tgid, 4242);
	assert_true(vm->start_boottime_ns == UINT64_C(123456789012));
	assert_int_equal(vm->nr_vcpus, 8);
	assert_string_equal(vm->comm, "qemu-system-x86");
}

static void assert_tuning(const struct vd_tuning *tuning)
{
	assert_int_equal(tuning->overrides, VD_BIT(VCPU_DEBOOST_TUNING_A_WINDOW_NS));
	assert_int_equal(tuning->mode, VCPU_DEBOOST_MODE_ACTIVE);
	assert_int_equal(tuning->ipi_tracking, 1);
	assert_true(tuning->window_ns == 20000000);
	assert_int_equal(tuning->slots, 4);
	assert_int_equal(tuning->eoi_clear, VCPU_DEBOOST_EOI_CLEAR_SERIES);
	assert_int_equal(tuning->sched, VCPU_DEBOOST_SCHED_LOAN);
	assert_true(tuning->budget_hook_ns == 5000000);
	assert_int_equal(tuning->budget_boosts, 3000000000U);
	assert_int_equal(tuning->budget_failed, 42);
	assert_true(tuning->budget_wait_ns == UINT64_C(3600000000000));
}

static void test_vm(void **state)
{
	struct vd_msg msg = decode_golden("vm_reply");

	(void)state;
	assert_int_equal(msg.have, VD_BIT(VCPU_DEBOOST_A_VM_ID) | VD_BIT(VCPU_DEBOOST_A_VM) |
					   VD_BIT(VCPU_DEBOOST_A_TUNING));
	assert_int_equal(msg.vm_id, 7);
	assert_vm(&msg.vm);
	assert_tuning(&msg.tuning);
}

static void test_stats(void **state)
{
	struct vd_msg msg = decode_golden("stats_reply");
	const uint64_t *counter = &msg.stats.ipis;

	(void)state;
	assert_vm(&msg.vm);
	assert_tuning(&msg.tuning);
	/* In the golden message the n-th counter of the protocol is 1000 n. */
	for (unsigned int i = 1; i <= 35; i++)
		assert_true(counter[i - 1] == 1000 * i);
	assert_ptr_equal(&counter[34], &msg.stats.stock_none);
	assert_true(msg.stats.answer_ns == (UINT64_C(1) << 40) + 5);
	assert_true(msg.stats.run_ns == (UINT64_C(1) << 41) + 7);
	assert_int_equal(msg.stats.spin_window_ns, 66000);
	for (unsigned int i = 0; i < VCPU_DEBOOST_HIST_BUCKETS; i++) {
		assert_true(msg.stats.answer_hist[i] == i * i);
		assert_true(msg.stats.run_hist[i] == i + 3);
	}
}

static void test_events(void **state)
{
	struct vd_msg msg = decode_golden("tuning_event");

	(void)state;
	assert_int_equal(msg.vm_id, 7);
	assert_int_equal(msg.cause, VCPU_DEBOOST_CAUSE_HEARTBEAT);
	assert_tuning(&msg.tuning);
	msg = decode_golden("vm_event");
	assert_int_equal(msg.have, VD_BIT(VCPU_DEBOOST_A_VM));
	assert_vm(&msg.vm);
}

/* What vdctl and the daemon send, built by hand, is the golden message. */
static void test_requests(void **state)
{
	struct vd_msg set = {
		.have = VD_BIT(VCPU_DEBOOST_A_VM_ID) | VD_BIT(VCPU_DEBOOST_A_TUNING),
		.vm_id = 7,
		.tuning = {
			.have = VD_BIT(VCPU_DEBOOST_TUNING_A_MODE) |
				VD_BIT(VCPU_DEBOOST_TUNING_A_WINDOW_NS),
			.mode = VCPU_DEBOOST_MODE_OBSERVE,
			.ipi_tracking = 99, /* not marked, so not sent */
			.window_ns = 50000000,
		},
	};
	struct vd_msg beat = { .have = VD_BIT(VCPU_DEBOOST_A_GRACE_MS), .grace_ms = 3600000 };
	struct vd_msg get = { .have = VD_BIT(VCPU_DEBOOST_A_VM_ID), .vm_id = UINT32_MAX };
	const struct {
		const char *name;
		const struct vd_msg *msg;
	} rows[] = {
		{ "tuning_set_request", &set },
		{ "heartbeat_request", &beat },
		{ "vm_get_request", &get },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bytes golden = read_golden(rows[i].name);
		uint8_t buf[VD_MSG_MAX];

		assert_int_equal(vd_msg_encode(rows[i].msg, buf, sizeof(buf)), golden.len);
		assert_memory_equal(buf, golden.at, golden.len);
		test_free(golden.at);
	}
}

static void test_golden_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(golden_names); i++) {
		struct bytes golden = read_golden(golden_names[i]);
		uint8_t buf[VD_MSG_MAX];
		struct vd_msg msg;

		print_message("# %s\n", golden_names[i]);
		assert_int_equal(vd_msg_decode(golden.at, golden.len, &msg), 0);
		assert_int_equal(vd_msg_encode(&msg, buf, sizeof(buf)), golden.len);
		assert_memory_equal(buf, golden.at, golden.len);

		/* One byte less than needed is refused, and nothing is overrun. */
		for (size_t size = 0; size < golden.len; size++) {
			uint8_t *small = test_malloc(size + 1);

			assert_int_equal(vd_msg_encode(&msg, small, size), -EMSGSIZE);
			test_free(small);
		}
		test_free(golden.at);
	}
}

/*
 * Every prefix, in a buffer of exactly its size: it is refused or, where it ends
 * at an attribute, understood; nothing is read beyond it.
 */
static void test_prefixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(golden_names); i++) {
		struct bytes golden = read_golden(golden_names[i]);
		size_t refused = 0;

		for (size_t len = 0; len < golden.len; len++) {
			struct vd_msg msg = { .have = 0x1234 };
			uint8_t *part = test_malloc(len ? len : 1);
			int r;

			memcpy(part, golden.at, len);
			r = vd_msg_decode(part, len, &msg);
			assert_true(r == 0 || r == -EBADMSG);
			if (r < 0) {
				assert_int_equal(msg.have, 0x1234);
				refused++;
			}
			test_free(part);
		}
		/* At most the two or three ends of a top level attribute are whole. */
		assert_true(golden.len - refused <= 24);
		test_free(golden.at);
	}
}

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

static bool is_terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

/* Random damage to golden messages: no crash, no string without an end. */
static void test_mutations(void **state)
{
	uint64_t seed = 20240611;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(golden_names); i++) {
		struct bytes golden = read_golden(golden_names[i]);

		for (int round = 0; golden.len && round < 20000; round++) {
			uint8_t *bytes = test_malloc(golden.len);
			uint32_t damage = 1 + next_random(&seed) % 4;
			struct vd_msg msg = { 0 };
			uint8_t again[VD_MSG_MAX];

			memcpy(bytes, golden.at, golden.len);
			while (damage--)
				bytes[next_random(&seed) % golden.len] =
					(uint8_t)next_random(&seed);
			if (!vd_msg_decode(bytes, golden.len, &msg)) {
				assert_true(is_terminated(msg.info.version, VD_VERSION_SIZE));
				assert_true(is_terminated(msg.info.reason, VD_REASON_SIZE));
				assert_true(is_terminated(msg.hook.name, VD_NAME_SIZE));
				assert_true(is_terminated(msg.hook.symbol, VD_SYMBOL_SIZE));
				assert_true(is_terminated(msg.hook.reason, VD_REASON_SIZE));
				assert_true(is_terminated(msg.vm.comm, VD_COMM_SIZE));
				assert_true(vd_msg_encode(&msg, again, sizeof(again)) >= 0);
			}
			test_free(bytes);
		}
		test_free(golden.at);
	}
}

static void test_garbage(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (int round = 0; round < 50000; round++) {
		size_t len = next_random(&seed) % 200;
		uint8_t *bytes = test_malloc(len ? len : 1);
		struct vd_msg msg;
		int r;

		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)next_random(&seed);
		/* Small lengths and types, so that it gets past the first header. */
		for (size_t i = 0; i + 4 <= len; i += 4) {
			bytes[i] &= 0x1f;
			bytes[i + 1] = 0;
			bytes[i + 2] &= 0x0f;
			bytes[i + 3] &= 0x80;
		}
		r = vd_msg_decode(bytes, len, &msg);
		assert_true(r == 0 || r == -EBADMSG);
		test_free(bytes);
	}
}

/* Append an attribute to a message under construction. */
static size_t put(uint8_t *buf, size_t used, uint16_t type, const void *data, size_t len)
{
	struct nlattr attr = { .nla_len = (uint16_t)(sizeof(attr) + len), .nla_type = type };
	size_t end = used + sizeof(attr) + len;

	memcpy(buf + used, &attr, sizeof(attr));
	if (len)
		memcpy(buf + used + sizeof(attr), data, len);
	while (end % 4)
		buf[end++] = 0;
	return end;
}

static void test_unknown_attributes_are_passed_over(void **state)
{
	static const uint8_t junk[5] = { 1, 2, 3, 4, 5 };
	uint32_t id = 9, tgid = 44;
	uint8_t nest[64], buf[256];
	size_t n = 0, used = 0;
	struct vd_msg msg;

	(void)state;
	n = put(nest, n, VCPU_DEBOOST_VM_A_MAX + 1, junk, sizeof(junk));
	n = put(nest, n, VCPU_DEBOOST_VM_A_TGID, &tgid, sizeof(tgid));
	n = put(nest, n, 0x3fff, NULL, 0);
	used = put(buf, used, VCPU_DEBOOST_A_MAX + 5, junk, sizeof(junk));
	used = put(buf, used, VCPU_DEBOOST_A_PAD, NULL, 0);
	/* Before its id, and without the flag for nests: both are fine. */
	used = put(buf, used, VCPU_DEBOOST_A_VM, nest, n);
	used = put(buf, used, VCPU_DEBOOST_A_VM_ID, &id, sizeof(id));
	assert_int_equal(vd_msg_decode(buf, used, &msg), 0);
	assert_int_equal(msg.vm_id, 9);
	assert_int_equal(msg.vm.tgid, 44);
	assert_int_equal(msg.vm.have, VD_BIT(VCPU_DEBOOST_VM_A_TGID));
}

static void test_wrong_sizes_are_refused(void **state)
{
	static const struct {
		uint16_t nest;
		uint16_t attr;
		size_t len;
	} bad[] = {
		{ 0, VCPU_DEBOOST_A_VM_ID, 0 },
		{ 0, VCPU_DEBOOST_A_VM_ID, 2 },
		{ 0, VCPU_DEBOOST_A_VM_ID, 8 },
		{ 0, VCPU_DEBOOST_A_TUNING, 3 },
		{ VCPU_DEBOOST_A_TUNING, VCPU_DEBOOST_TUNING_A_WINDOW_NS, 4 },
		{ VCPU_DEBOOST_A_TUNING, VCPU_DEBOOST_TUNING_A_MODE, 8 },
		{ VCPU_DEBOOST_A_STATS, VCPU_DEBOOST_STATS_A_IPIS, 4 },
		{ VCPU_DEBOOST_A_STATS, VCPU_DEBOOST_STATS_A_ANSWER_HIST, 248 },
		{ VCPU_DEBOOST_A_STATS, VCPU_DEBOOST_STATS_A_ANSWER_HIST, 264 },
	};
	static const uint8_t zeros[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		uint8_t nest[600], buf[700];
		size_t n, used;
		struct vd_msg msg;

		n = put(nest, 0, bad[i].attr, zeros, bad[i].len);
		used = bad[i].nest ? put(buf, 0, bad[i].nest, nest, n)
				   : put(buf, 0, bad[i].attr, zeros, bad[i].len);
		assert_int_equal(vd_msg_decode(buf, used, &msg), -EBADMSG);
	}
}

static void test_strings_are_bounded(void **state)
{
	char text[1000];
	uint8_t nest[1100], buf[1200];
	struct vd_msg msg;
	size_t used;

	(void)state;
	memset(text, 'A', sizeof(text));
	used = put(nest, 0, VCPU_DEBOOST_VM_A_COMM, text, sizeof(text));
	used = put(buf, 0, VCPU_DEBOOST_A_VM, nest, used);
	assert_int_equal(vd_msg_decode(buf, used, &msg), 0);
	assert_int_equal(strlen(msg.vm.comm), VD_COMM_SIZE - 1);

	/* Not terminated, and shorter than the field. */
	used = put(nest, 0, VCPU_DEBOOST_VM_A_COMM, text, 5);
	used = put(buf, 0, VCPU_DEBOOST_A_VM, nest, used);
	assert_int_equal(vd_msg_decode(buf, used, &msg), 0);
	assert_string_equal(msg.vm.comm, "AAAAA");

	used = put(nest, 0, VCPU_DEBOOST_VM_A_COMM, NULL, 0);
	used = put(buf, 0, VCPU_DEBOOST_A_VM, nest, used);
	assert_int_equal(vd_msg_decode(buf, used, &msg), 0);
	assert_string_equal(msg.vm.comm, "");
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(vd_mode_name(VCPU_DEBOOST_MODE_OBSERVE), "observe");
	assert_string_equal(vd_mode_name(VCPU_DEBOOST_MODE_MAX + 1), "unknown");
	assert_string_equal(vd_visibility_name(VCPU_DEBOOST_VISIBILITY_PARTIAL), "partial");
	assert_string_equal(vd_hook_kind_name(VCPU_DEBOOST_HOOK_KIND_FTRACE), "ftrace");
	assert_string_equal(vd_hook_state_name(VCPU_DEBOOST_HOOK_STATE_ARMED), "armed");
	assert_string_equal(vd_cause_name(UINT32_MAX), "unknown");
	assert_string_equal(vd_cause_name(VCPU_DEBOOST_CAUSE_REQUEST), "request");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_trip_event),
		cmocka_unit_test(test_hook),
		cmocka_unit_test(test_vm),
		cmocka_unit_test(test_stats),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_golden_both_ways),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_unknown_attributes_are_passed_over),
		cmocka_unit_test(test_wrong_sizes_are_refused),
		cmocka_unit_test(test_strings_are_bounded),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("vdnl_msg", tests, NULL, NULL);
}
