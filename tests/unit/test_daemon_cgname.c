// SPDX-License-Identifier: GPL-2.0-only
/* Cgroup paths as the managers make them, and as nobody should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/cgname.h"

#define LIBVIRT_SCOPE "/machine.slice/machine-qemu\\x2d1\\x2dweb\\x2dfront.scope"
#define POD	      "0c1fd4b6_1a2b_3c4d_5e6f_708192a3b4c5"
#define POD_UID	      "0c1fd4b6-1a2b-3c4d-5e6f-708192a3b4c5"

static const struct {
	const char *path;
	enum cgname_kind kind;
	const char *name;
} rows[] = {
	/* libvirt with systemd: the VM, its emulator, one of its vCPUs. */
	{ LIBVIRT_SCOPE, CGNAME_LIBVIRT, "web-front" },
	{ LIBVIRT_SCOPE "/libvirt/emulator", CGNAME_LIBVIRT, "web-front" },
	{ LIBVIRT_SCOPE "/libvirt/vcpu0", CGNAME_LIBVIRT, "web-front" },
	{ "/machine.slice/machine-engineering.slice/machine-qemu\\x2d12\\x2ddb.scope",
	  CGNAME_LIBVIRT, "db" },
	{ "/machine.slice/machine-qemu\\x2d3\\x2dqemu\\x2d4\\x2dx.scope", CGNAME_LIBVIRT,
	  "qemu-4-x" },
	{ "/machine.slice/machine-qemu\\x2D4\\x2Dup.scope", CGNAME_LIBVIRT, "up" },
	/* libvirt without systemd, v1. */
	{ "/machine/qemu-1-web.libvirt-qemu", CGNAME_LIBVIRT, "web" },
	{ "/machine/qemu-1-web.libvirt-qemu/vcpu3", CGNAME_LIBVIRT, "web" },
	{ "/machine/eng.partition/qemu-22-web.1.libvirt-qemu", CGNAME_LIBVIRT, "web.1" },
	{ "/machine/old.libvirt-qemu", CGNAME_LIBVIRT, "old" },
	/* Other machines that systemd-machined knows. */
	{ "/machine.slice/machine-fedora.scope", CGNAME_MACHINED, "fedora" },
	{ "/machine.slice/machine-qemux.scope", CGNAME_MACHINED, "qemux" },
	{ "/machine.slice/machine-qemu\\x2d.scope", CGNAME_MACHINED, "qemu-" },
	/* libvirt before 1.3.3 and before 1.0.5; a name that looks like an ID alone. */
	{ "/machine.slice/machine-qemu\\x2dx\\x2dy.scope", CGNAME_LIBVIRT, "x-y" },
	{ "/machine.slice/machine-qemu\\x2d7.scope", CGNAME_LIBVIRT, "7" },
	{ "/libvirt/qemu/web/vcpu0", CGNAME_LIBVIRT, "web" },
	{ "/system/libvirtd.service/libvirt/qemu/web", CGNAME_LIBVIRT, "web" },
	{ "/libvirt/qemu", CGNAME_NONE, "" },
	{ "/xlibvirt/qemu/web", CGNAME_NONE, "" },
	{ "/production.slice/machine-qemu\\x2d1\\x2dweb.scope/libvirt/vcpu1", CGNAME_LIBVIRT,
	  "web" },
	/* Proxmox. */
	{ "/qemu.slice/100.scope", CGNAME_PROXMOX, "100" },
	{ "/qemu.slice/100.scope/x", CGNAME_PROXMOX, "100" },
	{ "/qemu.slice/100a.scope", CGNAME_NONE, "" },
	{ "/other.slice/100.scope", CGNAME_NONE, "" },
	{ "/qemu.slice/.scope", CGNAME_NONE, "" },
	/* KubeVirt, both cgroup drivers and all classes of service. */
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD ".slice/"
	  "cri-containerd-"
	  "0123.scope",
	  CGNAME_KUBEPODS, POD_UID },
	{ "/kubepods.slice/kubepods-pod" POD ".slice/crio-0123.scope", CGNAME_KUBEPODS, POD_UID },
	{ "/kubepods/burstable/pod" POD_UID "/0123", CGNAME_KUBEPODS, POD_UID },
	{ "/kubepods.slice/kubepods-besteffort.slice", CGNAME_KUBEPODS, "" },
	{ "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
	  "kubelet-kubepods-burstable-pod" POD ".slice/cri-containerd-0123.scope",
	  CGNAME_KUBEPODS, POD_UID },
	{ "/xkubepods-pod" POD ".slice", CGNAME_NONE, "" },
	{ "/kubepods/burstable/pod", CGNAME_KUBEPODS, "" },
	/* Nobody's. */
	{ "/", CGNAME_NONE, "" },
	{ "", CGNAME_NONE, "" },
	{ "////", CGNAME_NONE, "" },
	{ "/user.slice/user-1000.slice/session-1.scope", CGNAME_NONE, "" },
	{ "/system.slice/kubepods", CGNAME_KUBEPODS, "" },
	{ "/system.slice/xmachine-a.scope", CGNAME_NONE, "" },
	/* Hostile: control bytes, half an escape, nothing where a name should be. */
	{ "/machine.slice/machine-qemu\\x2d1\\x2da\\x00b.scope", CGNAME_MACHINED, "" },
	{ "/machine.slice/machine-qemu\\x2d1\\x2da\\x0ab.scope", CGNAME_MACHINED, "" },
	{ "/machine.slice/machine-a\x1b[31m.scope", CGNAME_MACHINED, "" },
	{ "/machine.slice/machine-a\\x2.scope", CGNAME_MACHINED, "a\\x2" },
	{ "/machine.slice/machine-a\\x.scope", CGNAME_MACHINED, "a\\x" },
	{ "/machine.slice/machine-a\\.scope", CGNAME_MACHINED, "a\\" },
	{ "/machine.slice/machine-.scope", CGNAME_MACHINED, "" },
	{ "/machine-.scop", CGNAME_NONE, "" },
	{ "/machine.slice/machine-qemu\\x2d1\\x2d.scope", CGNAME_MACHINED, "qemu-1-" },
	{ "/machine/qemu-1-.libvirt-qemu", CGNAME_LIBVIRT, "qemu-1-" },
	{ "/machine/.libvirt-qemu", CGNAME_LIBVIRT, "" },
	{ "/machine/qemu-1-a\\x2fb.libvirt-qemu", CGNAME_LIBVIRT, "a/b" },
	{ "/machine/qemu-1-\xc3\xa9t\xc3\xa9.libvirt-qemu", CGNAME_LIBVIRT, "\xc3\xa9t\xc3\xa9" },
};

static void test_rows(void **state)
{
	struct cgname got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cgname_parse(rows[i].path, &got);
		if (got.kind != rows[i].kind || strcmp(got.name, rows[i].name))
			fail_msg("\"%s\" gave %s \"%s\"", rows[i].path, cgname_kind_str(got.kind),
				 got.name);
	}
}

static void test_long_names(void **state)
{
	char path[4096];
	struct cgname got;
	size_t n;

	(void)state;
	for (n = 1; n < 600; n++) {
		strcpy(path, "/machine.slice/machine-");
		memset(path + strlen("/machine.slice/machine-"), 'a', n);
		strcpy(path + strlen("/machine.slice/machine-") + n, ".scope");
		cgname_parse(path, &got);
		assert_int_equal(got.kind, CGNAME_MACHINED);
		assert_int_equal(strlen(got.name), n < CGNAME_MAX ? n : 0);
	}
}

/* Any bytes in any order: only has to come back, with a terminated name. */
static void test_random_paths(void **state)
{
	static const char *const parts[] = { "machine-",      "qemu-",	    "1-",
					     ".scope",	      "/",	    "pod",
					     "kubepods",      "\\x2d",	    "\\x",
					     ".slice",	      "qemu.slice", "7",
					     ".libvirt-qemu", "\xff",	    "-" };
	unsigned int seed = 1;
	struct cgname got;
	char path[512];
	int round, i;

	(void)state;
	for (round = 0; round < 50000; round++) {
		path[0] = '\0';
		for (i = 0; i < 12; i++) {
			seed = seed * 1103515245 + 12345;
			strcat(path, parts[(seed >> 16) % (sizeof(parts) / sizeof(parts[0]))]);
		}
		memset(&got, 0xff, sizeof(got));
		cgname_parse(path, &got);
		assert_true(got.kind < CGNAME_KIND_MAX);
		assert_non_null(memchr(got.name, 0, sizeof(got.name)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_random_paths),
	};

	return cmocka_run_group_tests_name("daemon cgname", tests, NULL, NULL);
}
