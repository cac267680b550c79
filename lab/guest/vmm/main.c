// SPDX-License-Identifier: GPL-2.0-only
/* vdvm: one virtual machine, from the command line to the report. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "vdvm.h"

#define DRAIN_LIMIT_NS	(60 * NSEC_PER_SEC)
#define EXIT_USAGE	2

static void kick_handler(int signal)
{
	(void)signal;
}

/* SIGUSR1 only interrupts KVM_RUN; SIGTERM and SIGINT are read from the descriptor. */
static int setup_signals(void)
{
	struct sigaction kick = { .sa_handler = kick_handler };
	sigset_t stop;

	sigaction(SIGUSR1, &kick, NULL);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	return signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool all_done(struct vm *vm)
{
	bool done;

	pthread_mutex_lock(&vm->lock);
	done = vm->done == vm->opts->vcpus;
	pthread_mutex_unlock(&vm->lock);
	return done;
}

static int start_threads(struct vm *vm, struct timing *timing, struct barrier *barrier)
{
	unsigned int i;
	int r = 0;

	for (i = 0; !r && i < vm->opts->vcpus; i++)
		r = vcpu_start(&vm->vcpu[i]);
	return r ? r : timing_start(timing, vm, barrier);
}

static uint64_t phase_stop_limit(const struct vm *vm, uint64_t limit_ns)
{
	if (limit_ns != UINT64_MAX ||
	    __atomic_load_n(&vm->shared->phase, __ATOMIC_ACQUIRE) != VD_PHASE_STOP)
		return limit_ns;
	return monotonic_ns() + DRAIN_LIMIT_NS;
}

/* Return: 0 when every vCPU is done, -EPROTO after a failure, -ETIME when they do not end. */
static int supervise(struct vm *vm, int signal_fd, bool *ret_signalled)
{
	struct pollfd fds[] = {
		{ .fd = signal_fd, .events = POLLIN },
		{ .fd = vm->event_fd, .events = POLLIN },
	};
	uint64_t limit_ns = UINT64_MAX;
	struct signalfd_siginfo info;
	eventfd_t ignored;

	while (!all_done(vm)) {
		/* The phase word moves without an event: look once in a while. */
		poll(fds, 2, 250);
		eventfd_read(vm->event_fd, &ignored);
		if (__atomic_load_n(&vm->failed, __ATOMIC_ACQUIRE))
			return -EPROTO;
		if (read(signal_fd, &info, sizeof(info)) == sizeof(info)) {
			if (*ret_signalled)
				return -EINTR;
			*ret_signalled = true;
			eventfd_write(vm->stop_fd, 1);
		}
		limit_ns = phase_stop_limit(vm, limit_ns);
		if (monotonic_ns() > limit_ns) {
			fprintf(stderr,
				"vdvm: only %u of %llu vCPUs ended within %llu s of the stop\n",
				vm->done, (unsigned long long)vm->opts->vcpus,
				DRAIN_LIMIT_NS / NSEC_PER_SEC);
			return -ETIME;
		}
	}
	return 0;
}

static void stop_vcpus(struct vm *vm)
{
	unsigned int i;

	/* Without a timing thread nobody released the vCPUs. */
	pthread_mutex_lock(&vm->lock);
	vm->released = true;
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
	__atomic_store_n(&vm->quit, true, __ATOMIC_RELEASE);
	for (i = 0; i < vm->opts->vcpus; i++)
		vcpu_stop(&vm->vcpu[i]);
}

static int check_finite(const struct vm *vm, bool signalled)
{
	uint64_t ops = vm->shared->result[0].ops;

	if (!workload_finite(vm->opts) || signalled || ops == vm->opts->count)
		return 0;
	fprintf(stderr, "vdvm: only %llu of %llu operations within --time\n",
		(unsigned long long)ops, (unsigned long long)vm->opts->count);
	return -ETIME;
}

/* Every vCPU is halted; whoever wants to read about this VM elsewhere can still do so. */
static void linger(const struct vm *vm, int signal_fd)
{
	struct pollfd fd = { .fd = signal_fd, .events = POLLIN };

	fflush(stdout);
	if (vm->opts->linger_ns)
		poll(&fd, 1, (int)(vm->opts->linger_ns / 1000000));
}

static int run(const struct opts *opts, struct barrier *barrier, int signal_fd)
{
	struct timing timing = { 0 };
	bool signalled = false;
	struct vm vm = { 0 };
	int r;

	r = vm_create(&vm, opts);
	if (!r)
		r = start_threads(&vm, &timing, barrier);
	if (!r)
		r = supervise(&vm, signal_fd, &signalled);
	eventfd_write(vm.stop_fd, 1);
	timing_join(&timing);
	if (!r && vm.failed)
		r = -EPROTO;
	timing.interrupted = signalled;
	if (!r) {
		(opts->json ? report_json : report_text)(stdout, &vm, &timing);
		linger(&vm, signal_fd);
	}
	if (vm.vcpu)
		stop_vcpus(&vm);
	if (!r)
		r = check_finite(&vm, signalled);
	if (r)
		barrier_fail(barrier);
	vm_destroy(&vm);
	return r;
}

int main(int argc, char **argv)
{
	struct barrier *barrier = NULL;
	struct cgroup *cgroup = NULL;
	struct opts opts;
	int signal_fd, r;

	r = opts_parse(&opts, argc, argv);
	if (r)
		return r > 0 ? 0 : EXIT_USAGE;
	signal_fd = setup_signals();
	if (signal_fd < 0) {
		fprintf(stderr, "vdvm: signalfd: %s\n", strerror(errno));
		return 1;
	}
	r = barrier_open(opts.barrier, (unsigned int)opts.parties, &barrier);
	if (!r && opts.cgroup)
		r = cgroup_enter(opts.cgroup, opts.per_vcpu, (unsigned int)opts.vcpus, &cgroup);
	if (!r)
		r = run(&opts, barrier, signal_fd);
	else
		barrier_fail(barrier);
	cgroup_leave(cgroup);
	barrier_close(barrier);
	close(signal_fd);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "vdvm: the report could not be written\n");
		return 1;
	}
	return r ? 1 : 0;
}
