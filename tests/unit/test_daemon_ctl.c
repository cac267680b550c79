// SPDX-License-Identifier: GPL-2.0-only
/* What the control socket answers, and the sentences of vdctl explain. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/ctl.h"
#include "daemon/explain.h"
#include "daemon/manager.h"
#include "lib/ctl.h"

#define MODE   VD_BIT(VCPU_DEBOOST_TUNING_A_MODE)
#define WINDOW VD_BIT(VCPU_DEBOOST_TUNING_A_WINDOW_NS)
#define SLOTS  VD_BIT(VCPU_DEBOOST_TUNING_A_SLOTS)

static struct manager *manager(struct vm *vm)
{
	struct manager *m = calloc(1, sizeof(*m));

	memset(vm, 0, sizeof(*vm));
	vm->id = 7;
	strcpy(vm->name, "web\"1");
	vm->tuning.have = UINT64_MAX;
	vm->tuning.mode = VCPU_DEBOOST_MODE_OBSERVE;
	vm->tuning.window_ns = 50000000;
	vm->tuning.slots = 8;
	m->k.tuning.mode = VCPU_DEBOOST_MODE_OBSERVE;
	m->vms.vms = vm;
	m->vms.nr = 1;
	return m;
}

static void assert_answer(const struct manager *m, const char *request, const char *part)
{
	char *text = ctl_answer(m, request, strlen(request));

	assert_non_null(text);
	assert_true(strlen(text) <= VD_CTL_ANSWER_MAX);
	if (!strstr(text, part))
		fail_msg("no %s in %s", part, text);
	free(text);
}

static void test_bad_requests(void **state)
{
	struct vm vm;
	struct manager *m = manager(&vm);

	(void)state;
	assert_answer(m, "", "the request is not JSON");
	assert_answer(m, "{\"verb\":\"ab\"", "the request is not JSON");
	assert_answer(m, "{\"verb\":\"ab\",\"verb\":\"ab\",\"vm\":7}", "not JSON");
	assert_answer(m, "[]", "a request is");
	assert_answer(m, "{\"verb\":7,\"vm\":7}", "a request is");
	assert_answer(m, "{\"verb\":\"ab\",\"vm\":\"web\"}", "a request is");
	assert_answer(m, "{\"verb\":\"ab\",\"vm\":8}", "does not know this VM");
	assert_answer(m, "{\"verb\":\"ab\",\"vm\":0}", "does not know this VM");
	assert_answer(m, "{\"verb\":\"ab\",\"vm\":-4294967289}", "does not know this VM");
	assert_answer(m, "{\"verb\":\"reboot\",\"vm\":7}", "unknown verb");
	free(m);
}

static void test_ab(void **state)
{
	struct vm vm;
	struct manager *m = manager(&vm);
	struct auto_vm *a = &vm.steer.trial;
	int i;

	(void)state;
	assert_answer(m, "{\"verb\":\"ab\",\"vm\":7}", "\"state\":\"none\"");
	vm.steer.automatic = true;
	auto_init(a, 1, 0);
	assert_answer(m, "{\"verb\":\"ab\",\"vm\":7}", "\"effect_percent\":null");
	a->state = AUTO_TRIAL;
	for (i = 0; i < 4; i++)
		a->diff[i][AUTO_SPINS] = -0.1054 + (i % 2 ? 0.01 : -0.01);
	a->pairs = 4;
	assert_answer(m, "{\"verb\":\"ab\",\"vm\":7}", "\"state\":\"trial\"");
	assert_answer(m, "{\"verb\":\"ab\",\"vm\":7}",
		      "{\"signal\":\"spins\",\"pairs\":4,\"effect_percent\":-10.0");
	assert_answer(m, "{\"verb\":\"ab\",\"vm\":7}", "\"name\":\"web\\\"1\"");
	free(m);
}

static void assert_says(const struct manager *m, const char *part)
{
	struct explain e;
	size_t i;

	explain_vm(m->vms.vms, &m->k.tuning, 1000, &e);
	assert_in_range(e.nr, 1, EXPLAIN_SENTENCES);
	for (i = 0; i < e.nr; i++) {
		/* A whole sentence: nothing was cut. */
		assert_int_equal(e.sentence[i][strlen(e.sentence[i]) - 1], '.');
		if (strstr(e.sentence[i], part))
			return;
	}
	fail_msg("nothing says \"%s\", but: %s / %s", part, e.sentence[0], e.sentence[1]);
}

static void test_explain(void **state)
{
	struct vm vm;
	struct manager *m = manager(&vm);
	struct steer *s = &vm.steer;

	(void)state;
	assert_says(m, "Mode is observe, as for the whole host");
	assert_says(m, "The window is 50ms, as for the whole host");
	s->rule.have = MODE | WINDOW;
	assert_says(m, "Mode is observe by a [vm] section");
	assert_says(m, "The window is 50ms by a [vm] section");
	s->manual = MODE | WINDOW;
	assert_says(m, "set by hand for this VM; \"vdctl reset --vm id:7\"");
	assert_says(m, "set by hand for this VM and left alone");
	vm.tuning.overrides = SLOTS;
	assert_says(m, "of its own: slots = 8 (rule)");

	memset(s, 0, sizeof(*s));
	s->adapting = true;
	assert_says(m, "too few answers");
	s->adapt.weight[10] = 1000;
	assert_says(m, "follows the answers to the VM's IPIs, which ask for");
	s->automatic = true;
	auto_init(&s->trial, 1, 0);
	assert_says(m, "only observed: it has not spun enough");
	s->trial.verdict = AUTO_VERDICT_IDLE;
	assert_says(m, "it stopped spinning");
	s->trial.state = AUTO_TRIAL;
	s->trial.pairs = 3;
	assert_says(m, "3 pairs of at most 24 are done");
	assert_says(m, "In 3 pairs of windows active changed spins");
	s->trial.state = AUTO_ACTIVE;
	s->trial.next_ms = 61000;
	assert_says(m, "gain was shown and harm excluded; this is tried again in 60 s");
	s->trial.state = AUTO_REST;
	assert_says(m, "active was not shown to help");
	s->trial.verdict = AUTO_VERDICT_HARM;
	assert_says(m, "active was shown to harm");
	m->k.tuning.mode = VCPU_DEBOOST_MODE_OFF;
	assert_says(m, "The host is off");
	free(m);
}

/* Over a real socket: good, too long, and somebody who hangs up. */
static void test_socket(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/vdb-ctl-XXXXXX", buf[VD_CTL_ANSWER_MAX];
	struct vm vm;
	struct manager *m = manager(&vm);
	struct stat st;
	ssize_t n;
	int i, fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(sd_event_new(&m->loop), 0);
	m->options.runtime_dir = dir;
	assert_int_equal(ctl_open(m), 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", dir, VD_CTL_NAME);
	assert_int_equal(stat(addr.sun_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	for (i = 0; i < 3 * CTL_PEERS; i++) {
		size_t len = i % 3 ? 24 : VD_CTL_REQUEST_MAX + 1;

		memset(buf, ' ', sizeof(buf));
		memcpy(buf, "{\"verb\":\"explain\",\"vm\":7}", 25);
		fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
		if (i % 3 != 2)
			assert_true(send(fd, buf, len + 1, 0) > 0);
		while (sd_event_run(m->loop, 10000) > 0)
			;
		if (i % 3 != 2) {
			n = recv(fd, buf, sizeof(buf) - 1, 0);
			assert_true(n > 0);
			buf[n] = '\0';
			assert_non_null(strstr(buf, i % 3 ? "\"sentences\"" : "too long"));
			assert_int_equal(recv(fd, buf, sizeof(buf), 0), 0);
		}
		close(fd);
	}
	ctl_close(m);
	assert_int_equal(access(addr.sun_path, F_OK), -1);
	sd_event_unref(m->loop);
	assert_int_equal(rmdir(dir), 0);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_ab),
		cmocka_unit_test(test_explain),
		cmocka_unit_test(test_socket),
	};

	return cmocka_run_group_tests_name("daemon ctl", tests, NULL, NULL);
}
