// SPDX-License-Identifier: GPL-2.0-only
/*
 * The metrics file: exact text, names meant to break it, and its replacement
 * on a file system that fails. "test_daemon_prom --print" writes a full sample,
 * which test_prom_tools.py gives to the tools of Prometheus.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/prom.h"
#include "daemon/prom_write.h"
#include "lib/counter.h"

#define METRICS_DOC "docs/METRICS.md"

struct sample {
	struct vd_info info;
	struct vd_tuning tuning;
	struct vm vms[4];
	struct prom_input in;
	struct prom_buf buf;
};

static void make_sample(struct sample *s)
{
	memset(s, 0, sizeof(*s));
	s->info = (struct vd_info){ .version = "1.2", .armed = 1, .vms_seen = 5, .fallbacks = 1 };
	s->info.trips = 2;
	s->info.trip.kind = VCPU_DEBOOST_TRIP_STARVATION;
	s->tuning = (struct vd_tuning){ .have = 0xff, .mode = VCPU_DEBOOST_MODE_ACTIVE };
	s->tuning.window_ns = 50000000;
	s->in = (struct prom_input){
		.version = "0.1",
		.module_up = true,
		.info = &s->info,
		.tuning = &s->tuning,
		.vms = s->vms,
		.nr_vms = 1,
		.collected_ms = 1700000000042,
		.collection_errors = 3,
	};
	s->vms[0] = (struct vm){
		.tgid = 4242,
		.id = 7,
		.nr_vcpus = 4,
		.name = "web",
		.uuid = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0",
		.cgroup = "/machine.slice/machine-qemu\\x2d1\\x2dweb.scope",
		.manager = CGNAME_LIBVIRT,
		.tuning = { .have = 0xff, .mode = VCPU_DEBOOST_MODE_OBSERVE, .window_ns = 1500 },
		.have_stats = true,
		.steer = { .automatic = true, .trial.state = AUTO_REST },
	};
	s->vms[0].stats.ipis = 1000;
	s->vms[0].stats.boosted = UINT64_MAX;
	s->vms[0].stats.answer_ns = 12345678901;
	s->vms[0].stats.answer_hist[0] = 1;
	s->vms[0].stats.answer_hist[9] = 2;
	s->vms[0].stats.answer_hist[10] = 4;
	s->vms[0].stats.answer_hist[30] = 8;
	s->vms[0].stats.answer_hist[31] = 16;
}

static const char *render(struct sample *s)
{
	assert_int_equal(prom_render(&s->buf, &s->in), 0);
	/* For strstr() only: what is written is not terminated. */
	s->buf.data = realloc(s->buf.data, s->buf.cap + 1);
	s->buf.data[s->buf.len] = '\0';
	return s->buf.data;
}

static void assert_has(const char *text, const char *line)
{
	char wanted[1024];

	snprintf(wanted, sizeof(wanted), "\n%s\n", line);
	if (!strstr(text, wanted))
		fail_msg("lacks: %s\nin:\n%s", line, text);
}

#define VM   "vm=\"web\",vm_id=\"7\""
#define HIST "vcpu_deboost_vm_ipi_answer_seconds_"

static void test_golden(void **state)
{
	static const char *const lines[] = {
		"# TYPE vcpu_deboost_build_info gauge",
		"vcpu_deboost_build_info{version=\"0.1\",module_version=\"1.2\",abi=\"1\"} 1",
		"vcpu_deboost_module_up 1",
		"vcpu_deboost_hooks_armed 1",
		"vcpu_deboost_mode{mode=\"off\"} 0",
		"vcpu_deboost_mode{mode=\"active\"} 1",
		"vcpu_deboost_window_seconds 0.050000000",
		"vcpu_deboost_vms 1",
		"# TYPE vcpu_deboost_vms_seen_total counter",
		"vcpu_deboost_vms_seen_total 5",
		"vcpu_deboost_heartbeat_fallbacks_total 1",
		"vcpu_deboost_tripped{reason=\"hook_time\"} 0",
		"vcpu_deboost_tripped{reason=\"starvation\"} 1",
		"vcpu_deboost_tripped{reason=\"switch\"} 0",
		"# TYPE vcpu_deboost_trips_total counter",
		"vcpu_deboost_trips_total 2",
		"vcpu_deboost_last_collection_timestamp_seconds 1700000000.042",
		"vcpu_deboost_collection_errors_total 3",
		"vcpu_deboost_vm_info{" VM ",uuid=\"4dea22b3-1d52-d8f3-2516-782e98ab3fa0\","
		"pid=\"4242\",cgroup=\"/machine.slice/machine-qemu\\\\x2d1\\\\x2dweb.scope\","
		"manager=\"libvirt\"} 1",
		"vcpu_deboost_vm_vcpus{" VM "} 4",
		"vcpu_deboost_vm_mode{" VM ",mode=\"observe\"} 1",
		"vcpu_deboost_vm_mode{" VM ",mode=\"active\"} 0",
		"vcpu_deboost_vm_auto_state{" VM ",state=\"rest\"} 1",
		"vcpu_deboost_vm_auto_state{" VM ",state=\"trial\"} 0",
		"vcpu_deboost_vm_window_seconds{" VM "} 0.000001500",
		"# TYPE vcpu_deboost_vm_ipi_answer_seconds histogram",
		HIST "bucket{" VM ",le=\"2.048e-06\"} 7",
		HIST "bucket{" VM ",le=\"4.096e-06\"} 7",
		HIST "bucket{" VM ",le=\"1.073741824\"} 7",
		HIST "bucket{" VM ",le=\"2.147483648\"} 15",
		HIST "bucket{" VM ",le=\"+Inf\"} 31",
		HIST "sum{" VM "} 12.345678901",
		HIST "count{" VM "} 31",
		"# TYPE vcpu_deboost_vm_ipis_total counter",
		"vcpu_deboost_vm_ipis_total{" VM "} 1000",
		"vcpu_deboost_vm_boosted_total{" VM "} 18446744073709551615",
		"vcpu_deboost_vm_fell_through_total{" VM "} 0",
	};
	struct sample s;
	const char *text;
	size_t i;

	(void)state;
	make_sample(&s);
	text = render(&s);
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_has(text, lines[i]);
	assert_int_equal(text[s.buf.len - 1], '\n');
	assert_null(strstr(text, "le=\"1.024e-06\""));
	for (i = 0; i < nr_counters; i++) {
		char line[256];

		snprintf(line, sizeof(line), "# TYPE vcpu_deboost_vm_%s_total counter",
			 counters[i].name);
		assert_has(text, line);
	}
	prom_buf_free(&s.buf);
}

/* Without the module nothing that only it knows is claimed. */
static void test_absent(void **state)
{
	struct sample s;
	const char *text;

	(void)state;
	make_sample(&s);
	s.in.module_up = false;
	s.in.info = NULL;
	s.in.tuning = NULL;
	s.vms[0].id = 0;
	s.vms[0].have_stats = false;
	text = render(&s);
	assert_has(text, "vcpu_deboost_module_up 0");
	assert_has(text, "vcpu_deboost_vms 1");
	assert_non_null(strstr(text, "\nvcpu_deboost_vm_info{vm=\"web\",vm_id=\"\",uuid="));
	assert_null(strstr(text, "\nvcpu_deboost_mode{"));
	assert_null(strstr(text, "\nvcpu_deboost_vm_mode{"));
	assert_null(strstr(text, "\nvcpu_deboost_vm_ipis_total{"));
	assert_null(strstr(text, "_bucket{"));
	prom_buf_free(&s.buf);
}

static const struct {
	const char *name, *label;
} hostile[] = {
	{ "a\"b", "a\\\"b" },
	{ "a\\b", "a\\\\b" },
	{ "a\nb", "a\\nb" },
	{ "\"} 1\nevil_total 1", "\\\"} 1\\nevil_total 1" },
	{ "\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\x1b[31m\x7f\xc2\x9b", "\xef\xbf\xbd[31m\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xc3", "\xef\xbf\xbd" },
	{ "\xc3(", "\xef\xbf\xbd(" },
	{ "\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xf5\x80\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xf0\x9f\x90\x84", "\xf0\x9f\x90\x84" },
	{ "\xc3\xa9\xe2\x82\xac", "\xc3\xa9\xe2\x82\xac" },
	{ "", "" },
};

static void test_hostile(void **state)
{
	char wanted[256];
	struct sample s;
	size_t i;

	(void)state;
	make_sample(&s);
	for (i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		snprintf(s.vms[0].name, sizeof(s.vms[0].name), "%s", hostile[i].name);
		snprintf(wanted, sizeof(wanted), "vcpu_deboost_vm_vcpus{vm=\"%s\",vm_id=\"7\"} 4",
			 hostile[i].label);
		assert_has(render(&s), wanted);
		assert_null(strstr(s.buf.data, "\nevil"));
	}
	/* Long, and cut between characters. */
	for (i = 0; i + 2 < sizeof(s.vms[0].cgroup); i += 2)
		memcpy(s.vms[0].cgroup + i, "\xc3\xa9", 3);
	s.vms[0].cgroup[0] = 'x';
	s.vms[0].cgroup[1] = 'y';
	memmove(s.vms[0].cgroup + 1, s.vms[0].cgroup + 2, sizeof(s.vms[0].cgroup) - 2);
	render(&s);
	assert_null(strstr(s.buf.data, "\xef\xbf\xbd"));
	assert_non_null(strstr(s.buf.data, "\xc3\xa9\",manager=\"libvirt\"} 1\n"));
	prom_buf_free(&s.buf);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Same name, same process, tracked or not: no series may occur twice. */
static void test_unique(void **state)
{
	char *series[4096], *p, *save = NULL;
	struct sample s;
	size_t i, n = 0;

	(void)state;
	make_sample(&s);
	s.vms[1] = s.vms[0];
	s.vms[1].id = 8;
	s.vms[2] = s.vms[0];
	s.vms[2].id = 0;
	s.vms[3] = s.vms[2];
	s.vms[3].tgid = 4243;
	s.in.nr_vms = 4;
	render(&s);
	for (p = strtok_r(s.buf.data, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
		if (*p == '#')
			continue;
		*strrchr(p, ' ') = '\0';
		series[n++] = p;
	}
	qsort(series, n, sizeof(series[0]), by_text);
	for (i = 1; i < n; i++)
		if (!strcmp(series[i - 1], series[i]))
			fail_msg("twice: %s", series[i]);
	assert_true(n > 100);
	prom_buf_free(&s.buf);
}

static void test_steady(void **state)
{
	struct sample s;
	char *data;
	size_t cap;
	int i;

	(void)state;
	make_sample(&s);
	assert_int_equal(prom_render(&s.buf, &s.in), 0);
	data = s.buf.data;
	cap = s.buf.cap;
	for (i = 0; i < 10; i++) {
		s.vms[0].stats.ipis += 1000;
		assert_int_equal(prom_render(&s.buf, &s.in), 0);
		assert_ptr_equal(s.buf.data, data);
		assert_int_equal(s.buf.cap, cap);
	}
	prom_buf_free(&s.buf);
}

static void test_documented(void **state)
{
	char *doc = calloc(1, 1 << 16), name[128];
	FILE *f = fopen(METRICS_DOC, "re");
	const char *help;
	size_t i;

	(void)state;
	if (!f)
		fail_msg("%s: %s (tests run in the top directory)", METRICS_DOC, strerror(errno));
	assert_true(fread(doc, 1, (1 << 16) - 1, f) > 0);
	fclose(f);
	for (i = 0; !prom_family_at(i, name, sizeof(name), &help); i++) {
		char wanted[160];

		snprintf(wanted, sizeof(wanted), "\n| `%s", name);
		if (!strstr(doc, wanted) || !help[0])
			fail_msg("%s lacks %s", METRICS_DOC, name);
	}
	assert_true(i > nr_counters);
	free(doc);
}

static void make_dir(char *dir, char *file)
{
	strcpy(dir, "/tmp/vdb-prom-XXXXXX");
	assert_non_null(mkdtemp(dir));
	sprintf(file, "%s/x.prom", dir);
}

static void assert_content(const char *file, const char *text)
{
	char buf[64] = "";
	FILE *f = fopen(file, "re");

	assert_non_null(f);
	assert_int_equal(fread(buf, 1, sizeof(buf) - 1, f), strlen(text));
	fclose(f);
	assert_string_equal(buf, text);
}

static void test_write(void **state)
{
	char dir[64], file[96], temp[96];
	struct stat st;
	mode_t mask = umask(0077);

	(void)state;
	make_dir(dir, file);
	assert_int_equal(prom_write(file, "one\n", 4), 0);
	assert_content(file, "one\n");
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(prom_write(file, "two\n", 4), 0);
	assert_content(file, "two\n");

	/* What a killed daemon, or somebody bad, left where the new one goes. */
	sprintf(temp, "%s/.x.prom.tmp", dir);
	assert_int_equal(symlink("/nonexistent/target", temp), 0);
	assert_int_equal(prom_write(file, "three\n", 6), 0);
	assert_content(file, "three\n");
	assert_int_equal(lstat(file, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(access(temp, F_OK), -1);

	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(dir), 0);
	umask(mask);
}

static void test_write_fails(void **state)
{
	char dir[64], file[96];

	(void)state;
	make_dir(dir, file);
	assert_int_equal(prom_write("/nonexistent/x.prom", "a", 1), -ENOENT);
	assert_int_equal(prom_write("/dev/null/x.prom", "a", 1), -ENOTDIR);
	assert_int_equal(mkdir(file, 0755), 0);
	assert_int_equal(prom_write(file, "a", 1), -EISDIR);
	assert_int_equal(rmdir(file), 0);
	/* Nothing is left behind, or this fails. */
	assert_int_equal(rmdir(dir), 0);
}

/* A full and then a read-only file system: the old file stays, alone. */
static void test_full(void **state)
{
	char dir[64], file[96], temp[128];
	char *big = calloc(1, 1 << 20);

	(void)state;
	make_dir(dir, file);
	if (geteuid() || mount("none", dir, "tmpfs", 0, "size=64k") < 0) {
		rmdir(dir);
		free(big);
		skip();
	}
	snprintf(temp, sizeof(temp), "%s/.x.prom.tmp", dir);
	assert_int_equal(prom_write(file, "old\n", 4), 0);
	assert_int_equal(prom_write(file, big, 1 << 20), -ENOSPC);
	assert_content(file, "old\n");
	assert_int_equal(access(temp, F_OK), -1);
	assert_int_equal(prom_write(file, "new\n", 4), 0);
	assert_int_equal(mount("none", dir, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_int_equal(prom_write(file, "newer\n", 6), -EROFS);
	assert_content(file, "new\n");
	assert_int_equal(umount(dir), 0);
	assert_int_equal(rmdir(dir), 0);
	free(big);
}

static int print_sample(void)
{
	struct sample s;

	make_sample(&s);
	s.vms[1] = s.vms[0];
	s.vms[1].id = 8;
	strcpy(s.vms[1].name, "we\"ird\\na\nme\xff");
	s.vms[2] = s.vms[0];
	s.vms[2].id = 0;
	s.in.nr_vms = 3;
	if (prom_render(&s.buf, &s.in) < 0)
		return 1;
	fwrite(s.buf.data, 1, s.buf.len, stdout);
	prom_buf_free(&s.buf);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),	cmocka_unit_test(test_absent),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_unique),
		cmocka_unit_test(test_steady),	cmocka_unit_test(test_documented),
		cmocka_unit_test(test_write),	cmocka_unit_test(test_write_fails),
		cmocka_unit_test(test_full),
	};

	if (argc > 1 && !strcmp(argv[1], "--print"))
		return print_sample();
	return cmocka_run_group_tests_name("daemon prom", tests, NULL, NULL);
}
