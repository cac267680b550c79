// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the daemon asks systemd-machined: over a real connection, with the test at
 * its other end. tests/lab/machined.sh has the real one.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/machined.h"

#define PATIENCE_US 20000000

struct world {
	char dir[32];
	char socket[64];
	int listener;
	sd_event *loop;
	sd_event_source *accept;
	sd_bus *server;
	struct vmtab tab;
	struct machined *md;
	const char *path_of_100; /* what is said about that process, NULL for an error */
	unsigned int questions;
	unsigned int added_matches;
	unsigned int changes;
	bool auto_start;
};

static int on_hello(sd_bus_message *m, void *user, sd_bus_error *error)
{
	(void)user;
	(void)error;
	return sd_bus_reply_method_return(m, "s", ":1.7");
}

static int on_add_match(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct world *w = user;

	(void)error;
	w->added_matches++;
	return sd_bus_reply_method_return(m, "");
}

static int on_get(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct world *w = user;
	uint32_t pid = 0;

	assert_true(sd_bus_message_read(m, "u", &pid) >= 0);
	w->questions++;
	w->auto_start |= sd_bus_message_get_auto_start(m) > 0;
	if (pid == 100 && w->path_of_100)
		return sd_bus_reply_method_return(m, "o", w->path_of_100);
	return sd_bus_error_set(error, "org.freedesktop.machine1.NoMachineForPID", "none");
}

static const sd_bus_vtable bus_table[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Hello", "", "s", on_hello, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("AddMatch", "s", "", on_add_match, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable machined_table[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("GetMachineByPID", "u", "o", on_get, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL("MachineNew", "so", 0),
	SD_BUS_SIGNAL("MachineRemoved", "so", 0),
	SD_BUS_VTABLE_END,
};

static int on_accept(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct world *w = user;
	sd_id128_t id = { .bytes = { 1 } };
	int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)source;
	(void)revents;
	assert_true(peer >= 0);
	assert_true(sd_bus_new(&w->server) >= 0);
	assert_true(sd_bus_set_fd(w->server, peer, peer) >= 0);
	assert_true(sd_bus_set_server(w->server, true, id) >= 0);
	assert_true(sd_bus_set_anonymous(w->server, true) >= 0);
	assert_true(sd_bus_add_object_vtable(w->server, NULL, "/org/freedesktop/DBus",
					     "org.freedesktop.DBus", bus_table, w) >= 0);
	assert_true(sd_bus_add_object_vtable(w->server, NULL, "/org/freedesktop/machine1",
					     "org.freedesktop.machine1.Manager", machined_table,
					     w) >= 0);
	assert_true(sd_bus_start(w->server) >= 0);
	assert_true(sd_bus_attach_event(w->server, w->loop, 0) >= 0);
	return 0;
}

/* As the daemon does when something has changed. */
static void on_changed(void *user)
{
	struct world *w = user;

	w->changes++;
	machined_ask(w->md);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char env[96];

	strcpy(w->dir, "/tmp/vdb-bus-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->socket, sizeof(w->socket), "%s/bus", w->dir);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", w->socket);
	w->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(w->listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(w->listener, 5), 0);
	snprintf(env, sizeof(env), "unix:path=%s", w->socket);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", env, 1);
	assert_true(sd_event_new(&w->loop) >= 0);
	assert_true(sd_event_add_io(w->loop, &w->accept, w->listener, EPOLLIN, on_accept, w) >= 0);
	assert_int_equal(machined_new(w->loop, &w->tab, on_changed, w, &w->md), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	machined_free(w->md);
	sd_bus_close_unref(w->server);
	sd_event_source_unref(w->accept);
	sd_event_unref(w->loop);
	close(w->listener);
	unlink(w->socket);
	rmdir(w->dir);
	vmtab_free(&w->tab);
	free(w);
	return 0;
}

static struct vm *add(struct world *w, pid_t tgid, uint64_t start)
{
	assert_int_equal(vmtab_add_process(&w->tab, tgid, start), 1);
	w->tab.vms[w->tab.nr - 1].described = true;
	return &w->tab.vms[w->tab.nr - 1];
}

/* Until @nr questions were asked and all that follows from them has happened. */
static void run_until(struct world *w, unsigned int nr)
{
	int rounds = 0;

	while (w->questions < nr && rounds++ < 1000)
		assert_true(sd_event_run(w->loop, PATIENCE_US / 100) >= 0);
	assert_int_equal(w->questions, nr);
	for (rounds = 0; rounds < 20; rounds++)
		assert_true(sd_event_run(w->loop, 5000) >= 0);
	assert_int_equal(w->questions, nr);
}

static void signal_machine(struct world *w, const char *member, const char *name)
{
	sd_bus_message *m = NULL;

	assert_true(sd_bus_message_new_signal(w->server, &m, "/org/freedesktop/machine1",
					      "org.freedesktop.machine1.Manager", member) >= 0);
	assert_true(sd_bus_message_set_sender(m, "org.freedesktop.machine1") >= 0);
	assert_true(sd_bus_message_append(m, "so", name, "/org/freedesktop/machine1/machine/x") >=
		    0);
	assert_true(sd_bus_send(w->server, m, NULL) >= 0);
	sd_bus_message_unref(m);
}

#define MACHINE(_name) "/org/freedesktop/machine1/machine/" _name

static void test_names(void **state)
{
	struct world *w = *state;

	w->path_of_100 = MACHINE("qemu_2d1_2dweb");
	add(w, 100, 7);
	add(w, 200, 8);
	machined_ask(w->md); /* too early: nothing happens, and nothing is lost */
	machined_look(w->md);
	run_until(w, 2);
	assert_int_equal(w->added_matches, 2);
	assert_false(w->auto_start);
	assert_string_equal(w->tab.vms[0].machine, "qemu-1-web");
	assert_false(w->tab.vms[0].described);
	assert_string_equal(w->tab.vms[1].machine, "");
	assert_true(w->tab.vms[1].described);
	assert_int_equal(w->changes, 1);

	/* Nobody is asked about twice, a newcomer once. */
	machined_look(w->md);
	machined_ask(w->md);
	add(w, 300, 9);
	machined_ask(w->md);
	machined_ask(w->md);
	run_until(w, 3);
}

static void test_signals(void **state)
{
	struct world *w = *state;

	add(w, 100, 7);
	add(w, 200, 8);
	machined_look(w->md);
	run_until(w, 2);
	assert_string_equal(w->tab.vms[0].machine, "");

	/* Registered later; several at once are one round of questions. */
	w->path_of_100 = MACHINE("late");
	signal_machine(w, "MachineNew", "late");
	signal_machine(w, "MachineNew", "other");
	run_until(w, 4);
	assert_string_equal(w->tab.vms[0].machine, "late");

	/* Then only those without a name are asked about. */
	signal_machine(w, "MachineNew", "third");
	run_until(w, 5);

	/* A removal that is not true is undone by the answer. */
	w->tab.vms[0].described = true;
	signal_machine(w, "MachineRemoved", "late");
	run_until(w, 7);
	assert_string_equal(w->tab.vms[0].machine, "late");
	w->path_of_100 = NULL;
	signal_machine(w, "MachineRemoved", "late");
	run_until(w, 9);
	assert_string_equal(w->tab.vms[0].machine, "");
	assert_false(w->tab.vms[0].described);
}

/* Signals that are not what they are called. */
static void test_malformed_signal(void **state)
{
	struct world *w = *state;
	sd_bus_message *m = NULL;

	w->path_of_100 = MACHINE("web");
	add(w, 100, 7);
	machined_look(w->md);
	run_until(w, 1);
	assert_true(sd_bus_message_new_signal(w->server, &m, "/org/freedesktop/machine1",
					      "org.freedesktop.machine1.Manager",
					      "MachineRemoved") >= 0);
	assert_true(sd_bus_message_set_sender(m, "org.freedesktop.machine1") >= 0);
	assert_true(sd_bus_message_append(m, "u", 7) >= 0);
	assert_true(sd_bus_send(w->server, m, NULL) >= 0);
	sd_bus_message_unref(m);
	run_until(w, 1);
	assert_string_equal(w->tab.vms[0].machine, "web");
	/* The next one is understood. */
	signal_machine(w, "MachineRemoved", "web");
	run_until(w, 2);
}

/* The process ended while it was asked about, and its number has another VM now. */
static void test_reused(void **state)
{
	struct world *w = *state;

	w->path_of_100 = MACHINE("old");
	add(w, 100, 7);
	machined_look(w->md);
	w->tab.vms[0].start_ticks = 8;
	run_until(w, 1);
	assert_string_equal(w->tab.vms[0].machine, "");
	assert_int_equal(w->changes, 0);
}

static void test_hostile(void **state)
{
	struct world *w = *state;
	char path[512] = MACHINE("");

	add(w, 100, 7);
	w->path_of_100 = "/";
	machined_look(w->md);
	run_until(w, 1);
	assert_string_equal(w->tab.vms[0].machine, "");

	/* Longer than any machine's: as good as none. */
	memset(path + strlen(path), 'a', 300);
	w->path_of_100 = path;
	signal_machine(w, "MachineNew", "x");
	run_until(w, 2);
	assert_string_equal(w->tab.vms[0].machine, "");
}

/* The bus goes away and comes back; the daemon does not ask for it all the time. */
static void test_bus_restart(void **state)
{
	struct world *w = *state;
	int i;

	w->path_of_100 = MACHINE("web");
	add(w, 100, 7);
	machined_look(w->md);
	run_until(w, 1);
	w->server = sd_bus_close_unref(w->server);
	for (i = 0; i < 20; i++)
		assert_true(sd_event_run(w->loop, 5000) >= 0);
	machined_look(w->md);
	assert_string_equal(w->tab.vms[0].machine, "web");
	for (i = 0; i < 10; i++)
		machined_look(w->md);
	run_until(w, 1);
	for (i = 0; i < 30; i++)
		machined_look(w->md);
	run_until(w, 2);
}

static void test_no_bus(void **state)
{
	struct world *w = *state;
	int i;

	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
	add(w, 100, 7);
	for (i = 0; i < 100; i++) {
		machined_look(w->md);
		machined_ask(w->md);
		assert_true(sd_event_run(w->loop, 0) >= 0);
	}
	assert_false(w->tab.vms[0].asked);
	machined_look(NULL);
	machined_ask(NULL);
	machined_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_malformed_signal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bus_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_bus, setup, teardown),
	};

	return cmocka_run_group_tests_name("daemon machined", tests, NULL, NULL);
}
