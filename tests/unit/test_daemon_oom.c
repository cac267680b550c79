// SPDX-License-Identifier: GPL-2.0-only
/*
 * The daemon without memory: each allocation of each step fails in turn. A step says so or
 * goes on; it leaves nothing half done, nothing behind, and works once there is memory again.
 */
#include "oom.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "daemon/ctl.h"
#include "daemon/discover.h"
#include "daemon/manager.h"
#include "daemon/own.h"
#include "lib/vdnl.h"
#include "tree.h"

struct world {
	char dir[64];
	char conf[96];
	char prom[96];
};

static void make_dir(const char *dir, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

/* Three files of configuration, and a process that runs a VM. */
static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char path[256], text[512];

	strcpy(w->dir, "/tmp/vdb-oom-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->conf, sizeof(w->conf), "%s/d.conf", w->dir);
	snprintf(w->prom, sizeof(w->prom), "%s/x.prom", w->dir);
	snprintf(text, sizeof(text),
		 "[global]\nmode = auto\n[vm \"web-*\"]\nwindow = 2ms\n[metrics]\ntextfile = %s\n",
		 w->prom);
	put_in(w->dir, "d.conf", text);
	make_dir(w->dir, "conf.d");
	put_in(w->dir, "conf.d/10.conf", "[daemon]\ninterval = 2s\n");
	put_in(w->dir, "conf.d/20.conf", "[vm \"cgroup:/machine.slice/*\"]\nmode = active\n");
	make_dir(w->dir, "proc");
	make_dir(w->dir, "proc/100");
	make_dir(w->dir, "proc/100/fd");
	put_in(w->dir, "proc/100/stat",
	       "100 (qemu) S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 555 1000 200 1844\n");
	put_in(w->dir, "proc/100/comm", "qemu\n");
	put_in(w->dir, "proc/100/cmdline", "qemu -name");
	put_in(w->dir, "proc/100/cgroup", "0::/machine.slice/machine-qemu\\x2d1\\x2dweb.scope\n");
	snprintf(path, sizeof(path), "%s/proc/100/fd/9", w->dir);
	assert_int_equal(symlink("anon_inode:kvm-vm", path), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	remove_tree(w->dir);
	free(w);
	return 0;
}

static void try_config(void *arg)
{
	static struct config config;
	struct world *w = arg;
	char error[CONFIG_ERROR_SIZE] = "";
	int r;

	config.interval_ns = 4711;
	oom_begin();
	r = config_load(w->conf, &config, error, sizeof(error));
	oom_end();
	if (r < 0) {
		assert_true(error[0]);
		assert_int_equal(config.interval_ns, 4711);
		return;
	}
	/* All of it, not what there was memory for. */
	assert_int_equal(config.interval_ns, 2000000000);
	assert_int_equal(config.rules.nr, 2);
	assert_true(config.mode_auto);
}

static void test_config(void **state)
{
	oom_each(try_config, *state);
}

static void try_vmtab(void *arg)
{
	struct vd_vm vm = { .comm = "qemu" };
	struct vmtab tab = { 0 };
	size_t known = 0;
	uint32_t i;

	(void)arg;
	for (i = 1; i <= 40; i++) {
		int r;

		vm.id = i;
		vm.tgid = 1000 + i;
		oom_begin();
		r = i % 2 ? vmtab_add_module(&tab, &vm) : vmtab_add_process(&tab, 1000, i);
		oom_end();
		assert_true(r == 1 || (r == -ENOMEM && oom.failed));
		known += r == 1;
		assert_int_equal(tab.nr, known);
		if (i % 2)
			assert_int_equal(!vmtab_find(&tab, i), r != 1);
	}
	vmtab_free(&tab);
}

static void test_vmtab(void **state)
{
	oom_each(try_vmtab, *state);
}

/* More VMs than the text of them has room for at first. */
#define OWN_VMS 400

struct own_case {
	struct vm vm[OWN_VMS];
	const char *dir;
};

/* What an earlier daemon has set, and what this one notes of it. */
static void try_own(void *arg)
{
	struct own own = { 0 }, noted = { 0 };
	struct own_case *c = arg;
	struct vmtab tab = { .vms = c->vm, .nr = OWN_VMS };
	char path[96];
	int r, s;

	snprintf(path, sizeof(path), "%s/own", c->dir);
	put_in(c->dir, "own", "fallbacks 4\nvm 1 2 3 slots=2\nvm 2 3 4 slots=2\n");
	oom_begin();
	r = own_load(path, &own);
	s = own_save(path, &tab, 5);
	oom_end();
	assert_true(!r || oom.failed);
	assert_true(!s || oom.failed);
	if (!r)
		assert_int_equal(own.nr, 2);
	/* The new note, or all of the old one. */
	assert_int_equal(own_load(path, &noted), 0);
	assert_int_equal(noted.fallbacks, s ? 4 : 5);
	assert_int_equal(noted.nr, s ? 2 : OWN_VMS);
	own_free(&own);
	own_free(&noted);
}

static void test_own(void **state)
{
	struct own_case *c = calloc(1, sizeof(*c));
	struct world *w = *state;
	uint32_t i;

	c->dir = w->dir;
	for (i = 0; i < OWN_VMS; i++) {
		struct vm *vm = &c->vm[i];

		vm->id = vm->steer.id = i + 1;
		vm->steer.own.have = VD_BIT(VCPU_DEBOOST_TUNING_A_SLOTS);
		vm->steer.own.slots = 3;
	}
	oom_each(try_own, c);
	free(c);
}

struct prom_case {
	struct vm vm[12];
	struct vd_info info;
	struct vd_tuning tuning;
	struct prom_buf whole;
	struct prom_input in;
};

static void try_prom(void *arg)
{
	struct prom_case *c = arg;
	struct prom_buf buf = { 0 };
	int r;

	oom_begin();
	r = prom_render(&buf, &c->in);
	oom_end();
	assert_int_equal(r, oom.failed ? -ENOMEM : 0);
	/* The next time there is memory. */
	assert_int_equal(prom_render(&buf, &c->in), 0);
	assert_int_equal(buf.len, c->whole.len);
	assert_memory_equal(buf.data, c->whole.data, buf.len);
	prom_buf_free(&buf);
}

static void test_prom(void **state)
{
	struct prom_case *c = calloc(1, sizeof(*c));
	size_t i;

	(void)state;
	for (i = 0; i < 12; i++) {
		c->vm[i].id = (uint32_t)i + 1;
		c->vm[i].have_stats = true;
		snprintf(c->vm[i].name, sizeof(c->vm[i].name), "web%zu", i);
	}
	c->in = (struct prom_input){ .version = "1",
				     .module_up = true,
				     .info = &c->info,
				     .tuning = &c->tuning,
				     .vms = c->vm,
				     .nr_vms = 12 };
	assert_int_equal(prom_render(&c->whole, &c->in), 0);
	oom_each(try_prom, c);
	prom_buf_free(&c->whole);
	free(c);
}

struct question {
	struct manager m;
	struct vm vm;
	const char *request;
};

static void try_ctl(void *arg)
{
	struct question *q = arg;
	json_t *answer;
	char *text;

	oom_begin();
	text = ctl_answer(&q->m, q->request, strlen(q->request));
	oom_end();
	assert_true(text || oom.failed);
	if (!text)
		return;
	answer = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(answer))
		fail_msg("answer to %s: %s", q->request, text);
	json_decref(answer);
	free(text);
}

static void test_ctl(void **state)
{
	static const char *const requests[] = {
		"{\"verb\":\"ab\",\"vm\":7}",
		"{\"verb\":\"explain\",\"vm\":7}",
		"{\"verb\":\"ab\",\"vm\":8}",
		"nonsense",
	};
	struct question *q = calloc(1, sizeof(*q));
	size_t i;

	(void)state;
	q->vm.id = 7;
	strcpy(q->vm.name, "web");
	q->vm.tuning.have = UINT64_MAX;
	q->vm.steer.automatic = true;
	auto_init(&q->vm.steer.trial, 1, 0);
	q->m.vms.vms = &q->vm;
	q->m.vms.nr = 1;
	for (i = 0; i < ARRAY_LEN(requests); i++) {
		q->request = requests[i];
		oom_each(try_ctl, q);
	}
	free(q);
}

static void try_scan(void *arg)
{
	struct vmtab tab = { 0 };
	struct world *w = arg;
	char proc[96];
	int r;

	snprintf(proc, sizeof(proc), "%s/proc", w->dir);
	oom_begin();
	r = discover_scan(proc, &tab);
	oom_end();
	/* One that cannot be looked into is passed over. */
	assert_true(r == -ENOMEM || r == (int)tab.nr);
	assert_true(oom.failed || r == 1);
	if (tab.nr) {
		oom.failed = false;
		oom_begin();
		discover_describe(proc, &tab.vms[0]);
		oom_end();
		assert_true(tab.vms[0].described);
		assert_string_equal(tab.vms[0].name, oom.failed ? tab.vms[0].name : "web");
		assert_true(tab.vms[0].name[0]);
	}
	vmtab_free(&tab);
}

static void test_scan(void **state)
{
	oom_each(try_scan, *state);
}

/* The real one, so that libcgroup is in it. */
static void try_describe(void *arg)
{
	struct vm vm = { .tgid = getpid() };

	(void)arg;
	assert_int_equal(discover_start(DISCOVER_PROC, vm.tgid, &vm.start_ticks), 0);
	oom_begin();
	discover_describe(DISCOVER_PROC, &vm);
	oom_end();
	assert_true(vm.described && vm.name[0]);
}

static void test_describe(void **state)
{
	oom_each(try_describe, *state);
}

static void try_client(void *arg)
{
	struct vdnl *client = NULL;
	struct vd_info info;
	int r;

	(void)arg;
	oom_begin();
	r = vdnl_open(&client);
	if (!r)
		(void)vdnl_subscribe(client);
	if (!r)
		r = vdnl_info(client, &info);
	oom_end();
	if (client) {
		/* A loaded module, or none; not the lack of memory that is over. */
		r = vdnl_info(client, &info);
		assert_true(!r || r == -ENOPKG);
	} else {
		assert_int_equal(r, -ENOMEM);
	}
	assert_null(vdnl_close(client));
}

static void test_client(void **state)
{
	oom_each(try_client, *state);
}

struct start {
	struct options options;
	struct config config;
};

/* Everything from nothing, a few rounds of the loop, and back. */
static void try_manager(void *arg)
{
	struct start *s = arg;
	struct manager *m = NULL;
	int i, r;

	oom_begin();
	r = manager_new(&s->options, &s->config, &m);
	for (i = 0; !r && i < 6; i++)
		if (sd_event_run(m->loop, 0) < 0)
			break;
	oom_end();
	assert_true(!r == !!m);
	assert_true(!r || oom.failed);
	manager_free(m);
}

static void test_manager(void **state)
{
	struct world *w = *state;
	struct start *s = calloc(1, sizeof(*s));
	char error[CONFIG_ERROR_SIZE];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", 1);
	s->options = (struct options){ .config_path = w->conf, .runtime_dir = w->dir };
	assert_int_equal(config_load(w->conf, &s->config, error, sizeof(error)), 0);
	oom_each(try_manager, s);
	assert_int_equal(access(w->prom, F_OK), 0);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_config, setup, teardown),
		cmocka_unit_test(test_vmtab),
		cmocka_unit_test_setup_teardown(test_own, setup, teardown),
		cmocka_unit_test(test_prom),
		cmocka_unit_test(test_ctl),
		cmocka_unit_test_setup_teardown(test_scan, setup, teardown),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_client),
		cmocka_unit_test_setup_teardown(test_manager, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
