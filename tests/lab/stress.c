// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the daemon has to bear: VMs by the hundred, and processes that write to its sockets.
 * Prints one line; the scripts judge it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UEVENT_GROUP 1

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "stress: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long long now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ll + ts.tv_nsec / 1000;
}

static long long now_ms(void)
{
	return now_us() / 1000;
}

/* A VM with one vCPU that nobody runs, until we are killed. Its birth goes to @log, if any. */
__attribute__((noreturn)) static void be_a_vm(int log)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	long long born = now_us();
	int vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);

	if (log >= 0)
		dprintf(log, "%d %lld\n", getpid(), born);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_DFL);
	if (vm < 0 || ioctl(vm, KVM_CREATE_VCPU, 0) < 0)
		die("a VM");
	for (;;)
		pause();
}

/* Start @nr VMs, @per_second of them a second; keep them until SIGTERM. */
static void make_vms(int nr, int per_second, const char *path)
{
	int log = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
	long long began = now_ms();
	int i;

	signal(SIGTERM, SIG_IGN);
	for (i = 0; i < nr; i++) {
		long long early = began + i * 1000ll / per_second - now_ms();

		if (early > 0)
			usleep((useconds_t)early * 1000);
		switch (fork()) {
		case -1:
			die("fork");
		case 0:
			be_a_vm(log);
		}
	}
	printf("%d VMs in %lld ms\n", nr, now_ms() - began);
	fflush(stdout);
	signal(SIGTERM, SIG_DFL);
	/* The first VM that ends on its own account is a failure. */
	wait(NULL);
	die("a VM has ended");
}

/* Copy lines, each with the time at which it came. */
static void stamp(void)
{
	char line[4096];

	while (fgets(line, sizeof(line), stdin)) {
		printf("%lld %s", now_us(), line);
		fflush(stdout);
	}
}

/* Be the service manager that sd_notify() writes to: print what it is told, in lines. */
static void listen_at(const char *path)
{
	struct sockaddr_un me = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[4096];
	ssize_t n;

	snprintf(me.sun_path, sizeof(me.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (void *)&me, sizeof(me)) < 0)
		die(path);
	while ((n = recv(fd, text, sizeof(text), 0)) >= 0) {
		printf("%.*s\n", (int)n, text);
		fflush(stdout);
	}
}

static int netlink(int protocol, unsigned int groups)
{
	struct sockaddr_nl me = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd < 0 || bind(fd, (void *)&me, sizeof(me)) < 0)
		die("netlink");
	return fd;
}

/* Write @nr messages to the port of another process; say how many the kernel took. */
static void inject(int protocol, unsigned int port, int nr)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = port };
	struct nlmsghdr header = { .nlmsg_len = sizeof(header), .nlmsg_type = 0x77 };
	int fd = netlink(protocol, 0), taken = 0, i;

	for (i = 0; i < nr; i++)
		taken += sendto(fd, &header, sizeof(header), MSG_DONTWAIT, (void *)&to,
				sizeof(to)) > 0;
	printf("%d of %d taken\n", taken, nr);
}

/* Tell all listeners that process @pid has made a VM, and see that it was heard. */
static void forge(const char *pid)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = UEVENT_GROUP };
	int ear = netlink(NETLINK_KOBJECT_UEVENT, UEVENT_GROUP);
	int fd = netlink(NETLINK_KOBJECT_UEVENT, 0);
	struct pollfd p = { .fd = ear, .events = POLLIN };
	char text[256], heard[256];
	int len;

	len = snprintf(text, sizeof(text),
		       "change@/devices/virtual/misc/kvm%cACTION=change%c"
		       "DEVPATH=/devices/virtual/misc/kvm%cSUBSYSTEM=misc%cEVENT=create%cPID=%s",
		       0, 0, 0, 0, 0, pid);
	if (sendto(fd, text, (size_t)len + 1, 0, (void *)&to, sizeof(to)) < 0)
		die("a forged event");
	if (poll(&p, 1, 5000) <= 0 || recv(ear, heard, sizeof(heard), 0) != len + 1)
		die("nobody hears forged events");
	printf("heard\n");
}

int main(int argc, char **argv)
{
	if ((argc == 4 || argc == 5) && !strcmp(argv[1], "vms"))
		make_vms(atoi(argv[2]), atoi(argv[3]), argv[4]);
	else if (argc >= 2 && !strcmp(argv[1], "vm"))
		be_a_vm(-1);
	else if (argc == 2 && !strcmp(argv[1], "stamp"))
		stamp();
	else if (argc == 3 && !strcmp(argv[1], "listen"))
		listen_at(argv[2]);
	else if (argc == 5 && !strcmp(argv[1], "inject"))
		inject(atoi(argv[2]), (unsigned int)strtoul(argv[3], NULL, 10), atoi(argv[4]));
	else if (argc == 3 && !strcmp(argv[1], "forge"))
		forge(argv[2]);
	else
		return fprintf(stderr, "usage: stress vms NR PER_SECOND [LOG] | "
				       "vm [ANYTHING]... | stamp | listen PATH | "
				       "inject PROTOCOL PORT NR | forge PID\n"),
		       2;
	return 0;
}
