// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that take something from others: a CPU ("hog"), or the kernel's patience with
 * whoever listens to events and never reads them ("deaf").
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Generic netlink gives its groups the next free number. */
#define MOST_GROUPS 64

static volatile sig_atomic_t stopped;

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "busy: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void on_stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Compute until SIGTERM; say how many steps a second, and the longest time without one. */
static void hog(int niceness)
{
	uint64_t began = now_ns(), last = began, now, steps = 0, longest = 0;
	volatile unsigned int i;

	signal(SIGTERM, on_stop);
	if (setpriority(PRIO_PROCESS, 0, niceness) < 0)
		die("setpriority");
	while (!stopped) {
		for (i = 0; i < 1000; i++)
			;
		now = now_ns();
		if (now - last > longest)
			longest = now - last;
		last = now;
		steps++;
	}
	printf("{\"ops\":%llu,\"off_cpu_max_ns\":%llu}\n",
	       (unsigned long long)(steps * 1000000 / ((last - began) / 1000 + 1)),
	       (unsigned long long)longest);
}

/* A socket that hears all groups there are. Gives how many it has joined. */
static int listen_to_all(int protocol)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, protocol), group, joined = 0, few = 1;
	struct sockaddr_nl me = { .nl_family = AF_NETLINK };

	/* The kernel gives the least it has: full after a few events. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &few, sizeof(few)) < 0)
		die("socket");
	/* Without a port of its own it has the kernel's, which hears nothing of the kernel. */
	if (bind(fd, (void *)&me, sizeof(me)) < 0)
		die("bind");
	for (group = 1; group <= MOST_GROUPS; group++)
		joined +=
			!setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
	return joined;
}

/* Listen with @nr sockets to the module and with as many to KVM, and never read. */
static void deaf(int nr)
{
	int groups = 0, i;

	for (i = 0; i < nr; i++) {
		groups += listen_to_all(NETLINK_GENERIC);
		groups += listen_to_all(NETLINK_KOBJECT_UEVENT);
	}
	if (groups < 2 * nr)
		die("groups");
	printf("%d sockets\n", 2 * nr);
	fflush(stdout);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "hog"))
		hog(atoi(argv[2]));
	else if (argc == 3 && !strcmp(argv[1], "deaf"))
		deaf(atoi(argv[2]));
	else
		return fprintf(stderr, "usage: busy hog NICE | deaf NR\n"), 2;
	return 0;
}
