// SPDX-License-Identifier: GPL-2.0-only
/* Finding VMs: a made-up /proc with what the real one may hold, and the real one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/discover.h"
#include "tree.h"

#define UUID  "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"
#define OTHER "00000000-1111-2222-3333-444444444444"

struct tree {
	char path[64];
	struct vmtab tab;
};

static void put(const struct tree *t, int pid, const char *name, const char *data, size_t len)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%d/%s", t->path, pid, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void add_fd(const struct tree *t, int pid, int fd, const char *to)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%d/fd/%d", t->path, pid, fd);
	assert_int_equal(symlink(to, path), 0);
}

static void drop_fd(const struct tree *t, int pid, int fd)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%d/fd/%d", t->path, pid, fd);
	assert_int_equal(unlink(path), 0);
}

/* A process as the kernel shows it; @vms of its descriptors are VMs. */
static void add_process(const struct tree *t, int pid, const char *comm, unsigned long start,
			int vms)
{
	char path[256], text[512];
	int i;

	snprintf(path, sizeof(path), "%s/%d", t->path, pid);
	assert_int_equal(mkdir(path, 0755), 0);
	strcat(path, "/fd");
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(text, sizeof(text),
		 "%d (%s) S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 %lu 1000 200 1844\n", pid,
		 comm, start);
	put(t, pid, "stat", text, strlen(text));
	snprintf(text, sizeof(text), "Name:\t%s\nUmask:\t0022\nTgid:\t%d\nPid:\t%d\n", comm, pid,
		 pid);
	put(t, pid, "status", text, strlen(text));
	snprintf(text, sizeof(text), "%s\n", comm);
	put(t, pid, "comm", text, strlen(text));
	put(t, pid, "cmdline", "", 0);
	put(t, pid, "cgroup", "0::/\n", 5);
	add_fd(t, pid, 0, "/dev/null");
	add_fd(t, pid, 1, "socket:[123]");
	add_fd(t, pid, 2, "anon_inode:kvm-vcpu:0");
	add_fd(t, pid, 3, "anon_inode:kvm-vmx");
	add_fd(t, pid, 4, "anon_inode:kvm-v");
	for (i = 0; i < vms; i++)
		add_fd(t, pid, 10 + i, "anon_inode:kvm-vm");
}

static int setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	strcpy(t->path, "/tmp/vdb-proc-XXXXXX");
	assert_non_null(mkdtemp(t->path));
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct tree *t = *state;

	remove_tree(t->path);
	vmtab_free(&t->tab);
	free(t);
	return 0;
}

static void test_scan(void **state)
{
	struct tree *t = *state;
	char path[256];

	add_process(t, 100, "qemu-system-x86", 555, 1);
	add_process(t, 200, "two in one", 777, 2);
	add_process(t, 300, "no vm", 888, 0);
	/* What else is there, or half gone. */
	snprintf(path, sizeof(path), "%s/sys", t->path);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/12x", t->path);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/99999999999", t->path);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/400", t->path);
	assert_int_equal(mkdir(path, 0755), 0);
	add_process(t, 500, "gone", 1, 1);
	put(t, 500, "stat", "", 0);

	assert_int_equal(discover_scan(t->path, &t->tab), 2);
	assert_int_equal(t->tab.nr, 2);
	assert_non_null(vmtab_find_process(&t->tab, 100, 555));
	assert_non_null(vmtab_find_process(&t->tab, 200, 777));
	assert_int_equal(discover_scan(t->path, &t->tab), 0);
	assert_int_equal(discover_count_vms(t->path, 200), 2);
	assert_int_equal(discover_count_vms(t->path, 300), 0);
	assert_int_equal(discover_count_vms(t->path, 400), -ENOENT);
	assert_int_equal(discover_scan("/nonexistent/proc", &t->tab), -ENOENT);
}

/* The name in stat may hold anything that looks like the rest of the line. */
static void test_start(void **state)
{
	struct tree *t = *state;
	uint64_t ticks = 0;
	size_t n;
	static const char line[] = "7 (a) b) S 1 (x) S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 9";

	add_process(t, 7, "evil) S 1 2 3 (x", 4242, 1);
	assert_int_equal(discover_start(t->path, 7, &ticks), 0);
	assert_int_equal(ticks, 4242);

	for (n = 0; n < sizeof(line); n++) {
		put(t, 7, "stat", line, n);
		(void)discover_start(t->path, 7, &ticks);
	}
	ticks = 1;
	put(t, 7, "stat", "7 (a) S 1 1 1", 13);
	assert_int_equal(discover_start(t->path, 7, &ticks), -ESRCH);
	assert_int_equal(discover_start(t->path, 8, &ticks), -ESRCH);
	assert_int_equal(ticks, 1);
}

/* KVM names the thread that made the VM, which need not be the first one. */
static void test_thread(void **state)
{
	static const char status[] = "Name:\tTgid: 5\nTgid:\t100\nPid:\t101\n";
	struct tree *t = *state;
	uint64_t start = 0;
	pid_t tgid = 0;

	add_process(t, 100, "vmm", 555, 1);
	add_process(t, 101, "vmm-thread", 556, 1);
	put(t, 101, "status", status, sizeof(status) - 1);
	assert_int_equal(discover_thread(t->path, 101, &tgid, &start), 0);
	assert_int_equal(tgid, 100);
	assert_int_equal(start, 555);
	assert_int_equal(discover_thread(t->path, 102, &tgid, &start), -ESRCH);
	put(t, 101, "status", "Name:\tx\n", 8);
	assert_int_equal(discover_thread(t->path, 101, &tgid, &start), -ESRCH);
	put(t, 101, "status", "Name:\tx\nTgid:\t-3\n", 17);
	assert_int_equal(discover_thread(t->path, 101, &tgid, &start), -ESRCH);
}

static const struct {
	const char *cmdline;
	size_t len;
	const char *cgroup;
	const char *name, *uuid, *path;
	enum cgname_kind manager;
} described[] = {
#define CMD(_s) _s, sizeof(_s)
	{ CMD("/usr/bin/qemu-system-x86_64\0-name\0guest=web,debug-threads=on\0-uuid\0" UUID),
	  "0::/machine.slice/machine-qemu\\x2d1\\x2dweb\\x2dtrunc.scope/libvirt/emulator\n", "web",
	  UUID, "/machine.slice/machine-qemu\\x2d1\\x2dweb\\x2dtrunc.scope/libvirt/emulator",
	  CGNAME_LIBVIRT },
	/* No name on the command line: the cgroup's. */
	{ CMD("kvm\0-uuid\0not-a-uuid"), "0::/qemu.slice/100.scope\n", "100", "",
	  "/qemu.slice/100.scope", CGNAME_PROXMOX },
	/* v1: the line of cpu, whichever other controllers share it. */
	{ CMD("kvm"),
	  "3:cpuset:/a\n2:cpu,cpuacct:/machine/qemu-1-v1.libvirt-qemu\n1:name=systemd:/b\n0::/c\n",
	  "v1", "", "/machine/qemu-1-v1.libvirt-qemu", CGNAME_LIBVIRT },
	/* Hybrid: nothing in cpu, but a place in the unified tree. */
	{ CMD("kvm"), "2:cpu:/\n0::/machine.slice/machine-qemu\\x2d1\\x2dhy.scope\n", "hy", "",
	  "/machine.slice/machine-qemu\\x2d1\\x2dhy.scope", CGNAME_LIBVIRT },
	/* Neither: COMM-PID. */
	{ CMD("kvm"), "0::/\n", "vmm-100", "", "/", CGNAME_NONE },
	{ CMD("kvm"), "", "vmm-100", "", "", CGNAME_NONE },
	{ CMD("kvm"), "garbage\n:\n::\n1:\n", "vmm-100", "", "", CGNAME_NONE },
	{ CMD("kvm"), "0::/with space:and colon/x\n", "vmm-100", "", "/with space:and colon/x",
	  CGNAME_NONE },
};

static void test_describe(void **state)
{
	struct tree *t = *state;
	size_t i;

	add_process(t, 100, "vmm", 555, 1);
	for (i = 0; i < sizeof(described) / sizeof(described[0]); i++) {
		struct vm vm = { .tgid = 100, .start_ticks = 555 };

		put(t, 100, "cmdline", described[i].cmdline, described[i].len);
		put(t, 100, "cgroup", described[i].cgroup, strlen(described[i].cgroup));
		discover_describe(t->path, &vm);
		assert_true(vm.described);
		assert_string_equal(vm.name, described[i].name);
		assert_string_equal(vm.uuid, described[i].uuid);
		assert_string_equal(vm.cgroup, described[i].path);
		assert_int_equal(vm.manager, described[i].manager);
	}
}

/* One that has exited and was not waited for has neither; what is known of it stays. */
static void test_describe_exited(void **state)
{
	struct tree *t = *state;
	struct vm vm = { .tgid = 100, .start_ticks = 555 };

	add_process(t, 100, "vmm", 555, 1);
	put(t, 100, "cmdline", CMD("x\0-name\0web\0-uuid\0" UUID));
	put(t, 100, "cgroup", "0::/qemu.slice/9.scope\n", 23);
	discover_describe(t->path, &vm);
	put(t, 100, "cmdline", "", 0);
	put(t, 100, "cgroup", "0::/\n", 5);
	vm.described = false;
	discover_describe(t->path, &vm);
	assert_true(vm.described);
	assert_string_equal(vm.name, "web");
	assert_string_equal(vm.uuid, UUID);
	assert_string_equal(vm.cgroup, "/qemu.slice/9.scope");
	assert_int_equal(vm.manager, CGNAME_PROXMOX);
}

/* The number was given to another process meanwhile: say nothing about that one. */
static void test_describe_reused(void **state)
{
	struct tree *t = *state;
	struct vm vm = { .tgid = 100, .start_ticks = 554, .comm = "old" };
	struct vm gone = { .tgid = 101, .start_ticks = 1 };

	add_process(t, 100, "new", 555, 1);
	put(t, 100, "cmdline", CMD("x\0-name\0stranger\0-uuid\0" UUID));
	put(t, 100, "cgroup", "0::/qemu.slice/9.scope\n", 23);
	discover_describe(t->path, &vm);
	assert_string_equal(vm.name, "old-100");
	assert_string_equal(vm.uuid, "");
	assert_string_equal(vm.cgroup, "");
	assert_int_equal(vm.manager, CGNAME_NONE);

	discover_describe(t->path, &gone);
	assert_string_equal(gone.name, "vm-101");
}

static void test_uuid(void **state)
{
	static const struct {
		const char *s;
		size_t len;
		const char *uuid;
	} rows[] = {
		{ CMD("a\0-uuid\0" UUID), UUID },
		{ CMD("a\0--uuid\0" UUID "\0b"), UUID },
		{ CMD("a\0-uuid\0" UUID "0"), "" },
		{ CMD("a\0-uuid\0-uuid\0" UUID), UUID },
		{ CMD("a\0" UUID), "" },
		{ CMD("a\0-uuid"), "" },
		{ CMD("a\0-uuid\0"
		      "4dea22b3x1d52-d8f3-2516-782e98ab3fa0"),
		  "" },
		{ CMD("a\0-uuid\0"
		      "4DEA22B3-1D52-d8f3-2516-782E98AB3FA0"),
		  UUID },
		{ CMD("kvm\0-smbios\0type=1,uuid=" UUID), UUID },
		{ CMD("kvm\0-smbios\0uuid=" UUID ",type=1\0-uuid\0" OTHER), OTHER },
		{ CMD("kvm\0-smbios\0type=1,uuid=" UUID "x"), "" },
		{ CMD("kvm\0-smbios\0type=1,xuuid=" UUID), "" },
		{ CMD("ch\0--platform\0num_pci_segments=1,uuid=" UUID), UUID },
		{ CMD("ch\0--platform\0" UUID), "" },
		{ "", 0, "" },
		{ "\0\0\0", 3, "" },
		{ "-uuid", 5, "" },
	};
	char buf[VM_UUID_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		discover_uuid(rows[i].s, rows[i].len, buf);
		assert_string_equal(buf, rows[i].uuid);
	}
}

static void test_over(void **state)
{
	struct tree *t = *state;
	struct vm *vm;

	add_process(t, 100, "vmm", 555, 1);
	assert_int_equal(discover_scan(t->path, &t->tab), 1);
	vm = &t->tab.vms[0];
	assert_false(discover_is_over(t->path, &t->tab, vm));

	/* Its last descriptor goes, but nobody said so: too costly to look. */
	drop_fd(t, 100, 10);
	assert_false(discover_is_over(t->path, &t->tab, vm));
	vmtab_check_process(&t->tab, 100, 555);
	assert_true(discover_is_over(t->path, &t->tab, vm));

	/* Said too early, and seen a look later. */
	add_fd(t, 100, 10, "anon_inode:kvm-vm");
	assert_false(discover_is_over(t->path, &t->tab, vm));
	vmtab_age(&t->tab);
	drop_fd(t, 100, 10);
	assert_true(discover_is_over(t->path, &t->tab, vm));

	/* The process is another one, or none. */
	vm->checks_left = 0;
	vm->start_ticks = 554;
	assert_true(discover_is_over(t->path, &t->tab, vm));
	vm->tgid = 999;
	assert_true(discover_is_over(t->path, &t->tab, vm));
}

/* A process with two VMs, both tracked, lets go of one. */
static void test_over_one_of_two(void **state)
{
	struct tree *t = *state;
	struct vd_vm a = { .id = 1, .tgid = 100 }, b = { .id = 2, .tgid = 100 };

	add_process(t, 100, "vmm", 0, 2);
	assert_int_equal(vmtab_add_module(&t->tab, &a), 1);
	assert_int_equal(vmtab_add_module(&t->tab, &b), 1);
	t->tab.vms[0].id = 0;
	t->tab.vms[0].checks_left = 1;
	assert_false(discover_is_over(t->path, &t->tab, &t->tab.vms[0]));
	drop_fd(t, 100, 11);
	assert_true(discover_is_over(t->path, &t->tab, &t->tab.vms[0]));
}

/* Ourselves in the real /proc: what libcgroup says is what the kernel says. */
static void test_real(void **state)
{
	char mine[VM_CGROUP_SIZE], *line = NULL;
	uint64_t start = 0;
	bool found = false;
	size_t cap = 0;
	pid_t tgid = 0;
	FILE *f;

	(void)state;
	assert_int_equal(discover_thread(DISCOVER_PROC, getpid(), &tgid, &start), 0);
	assert_int_equal(tgid, getpid());
	assert_true(start > 0);
	assert_int_equal(discover_count_vms(DISCOVER_PROC, getpid()), 0);

	assert_int_equal(discover_cgroup(DISCOVER_PROC, getpid(), mine, sizeof(mine)), 0);
	f = fopen("/proc/self/cgroup", "re");
	assert_non_null(f);
	while (getline(&line, &cap, f) > 0) {
		char *path = strchr(strchr(line, ':') + 1, ':') + 1;

		path[strcspn(path, "\n")] = '\0';
		found |= !strcmp(path, mine);
	}
	free(line);
	fclose(f);
	assert_true(found);
	assert_int_equal(discover_cgroup(DISCOVER_PROC, 0x7ffffff0, mine, sizeof(mine)), -ESRCH);
}

/* Twice more, and what the last interval is compared with stays. */
static void test_settle(void **state)
{
	struct vd_vm module = { .id = 3, .tgid = 100 };
	struct tree *t = *state;
	struct vm *vm;
	int look, again = 0;

	add_process(t, 100, "vmm", 0, 1);
	assert_int_equal(discover_scan(t->path, &t->tab), 1);
	assert_int_equal(vmtab_add_module(&t->tab, &module), 0);
	vm = &t->tab.vms[0];
	discover_describe(t->path, vm);
	assert_string_equal(vm->name, "vmm-100");
	vm->stats.ipis = 12345;
	vm->have_stats = true;
	vm->announced = true;

	put(t, 100, "cgroup", "0::/qemu.slice/7.scope\n", 23);
	for (look = 1; look <= 3 * VM_SETTLE_LOOKS; look++) {
		vmtab_age(&t->tab);
		if (vm->described)
			continue;
		discover_describe(t->path, vm);
		assert_true(look == 2 || look == VM_SETTLE_LOOKS);
		again++;
	}
	assert_int_equal(again, 2);
	assert_string_equal(vm->name, "7");
	assert_true(vm->have_stats && vm->announced);
	assert_int_equal(vm->stats.ipis, 12345);
	assert_int_equal(vm->id, 3);

	/* A machine that is registered later; what it is called is as harmless as the rest. */
	put(t, 100, "cgroup", "0::/\n", 5);
	strcpy(vm->machine, "a\n\"b");
	discover_describe(t->path, vm);
	assert_string_equal(vm->name, "a__b");
	assert_int_equal(vm->manager, CGNAME_MACHINED);
	put(t, 100, "cmdline", "qemu\0-name\0said", 16);
	discover_describe(t->path, vm);
	assert_string_equal(vm->name, "said");
	assert_int_equal(vm->stats.ipis, 12345);
}

static void test_table(void **state)
{
	struct vd_vm vm = { .id = 7, .tgid = 50, .nr_vcpus = 4 };
	struct tree *t = *state;
	int i;

	vm.start_boottime_ns = 1234567890123;
	assert_int_equal(vmtab_ns_to_ticks(vm.start_boottime_ns),
			 1234567890123 / (1000000000 / sysconf(_SC_CLK_TCK)));

	/* Known by its process first, then claimed by the module, then let go. */
	assert_int_equal(vmtab_add_process(&t->tab, 50, vmtab_ns_to_ticks(1234567890123)), 1);
	assert_int_equal(vmtab_add_process(&t->tab, 50, vmtab_ns_to_ticks(1234567890123)), 0);
	assert_int_equal(vmtab_add_module(&t->tab, &vm), 0);
	assert_int_equal(t->tab.nr, 1);
	assert_int_equal(t->tab.vms[0].nr_vcpus, 4);
	vm.nr_vcpus = 5;
	assert_int_equal(vmtab_add_module(&t->tab, &vm), 0);
	assert_int_equal(vmtab_find(&t->tab, 7)->nr_vcpus, 5);

	/* The same number, another process; and a module that breaks its word. */
	assert_int_equal(vmtab_add_process(&t->tab, 50, 1), 1);
	assert_null(vmtab_find(&t->tab, 0));
	vm.id = 0;
	assert_int_equal(vmtab_add_module(&t->tab, &vm), -EBADMSG);

	for (i = 8; i < 100; i++) {
		vm.id = (uint32_t)i;
		assert_int_equal(vmtab_add_module(&t->tab, &vm), 1);
	}
	assert_int_equal(t->tab.nr, 94);
	assert_int_equal(vmtab_count_process(&t->tab, 50, t->tab.vms[0].start_ticks), 93);

	vmtab_forget_module(&t->tab);
	assert_int_equal(t->tab.nr, 2);
	assert_int_equal(t->tab.vms[0].id, 0);
	vmtab_remove(&t->tab, &t->tab.vms[0]);
	vmtab_remove(&t->tab, &t->tab.vms[0]);
	assert_int_equal(t->tab.nr, 0);
}

/* A VM's place on v1, hybrid and v2 hosts, and one that is too deep to be told. */
static void test_cgroup(void **state)
{
	struct tree *t = *state;
	char deep[2 * VM_CGROUP_SIZE], text[sizeof(deep) + 64], got[VM_CGROUP_SIZE];
	static const struct {
		const char *lines, *want;
	} rows[] = {
		{ "4:memory:/\n2:cpu,cpuacct:/vm/a b\n1:name=systemd:/\n", "/vm/a b" },
		{ "2:cpu,cpuacct:/\n0::/machine.slice/x\n", "/machine.slice/x" },
		{ "2:cpuset:/wrong\n0::/\n", "/" },
		{ "0::/plain\n", "/plain" },
		{ "2:cpu:/\n", "/" },
	};
	unsigned int i;

	add_process(t, 60, "qemu", 100, 1);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put(t, 60, "cgroup", rows[i].lines, strlen(rows[i].lines));
		assert_int_equal(discover_cgroup(t->path, 60, got, sizeof(got)), 0);
		assert_string_equal(got, rows[i].want);
	}
	memset(deep, 'd', sizeof(deep) - 1);
	deep[0] = '/';
	deep[sizeof(deep) - 1] = '\0';
	/* Not the root of the other tree, where it is not. */
	snprintf(text, sizeof(text), "2:cpu,cpuacct:%s\n0::/\n", deep);
	put(t, 60, "cgroup", text, strlen(text));
	assert_int_equal(discover_cgroup(t->path, 60, got, sizeof(got)), -ENAMETOOLONG);
	snprintf(text, sizeof(text), "2:cpu,cpuacct:%s\n0::/b\n", deep);
	put(t, 60, "cgroup", text, strlen(text));
	assert_int_equal(discover_cgroup(t->path, 60, got, sizeof(got)), 0);
	assert_string_equal(got, "/b");
	snprintf(text, sizeof(text), "0::%s\n", deep);
	put(t, 60, "cgroup", text, strlen(text));
	assert_true(discover_cgroup(t->path, 60, got, sizeof(got)) < 0);
	assert_int_equal(discover_cgroup(t->path, 61, got, sizeof(got)), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_scan, setup, teardown),
		cmocka_unit_test_setup_teardown(test_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(test_describe, setup, teardown),
		cmocka_unit_test_setup_teardown(test_describe_exited, setup, teardown),
		cmocka_unit_test_setup_teardown(test_describe_reused, setup, teardown),
		cmocka_unit_test(test_uuid),
		cmocka_unit_test_setup_teardown(test_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_over_one_of_two, setup, teardown),
		cmocka_unit_test(test_real),
		cmocka_unit_test_setup_teardown(test_cgroup, setup, teardown),
		cmocka_unit_test_setup_teardown(test_settle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_table, setup, teardown),
	};

	return cmocka_run_group_tests_name("daemon discover", tests, NULL, NULL);
}
