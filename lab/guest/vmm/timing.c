// SPDX-License-Identifier: GPL-2.0-only
/*
 * The timing thread moves the phase word. It runs under SCHED_FIFO: all VMs measure over the same
 * interval even when their own vCPUs starve each other.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "vdvm.h"

#define FIFO_PRIORITY	50

uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

static uint64_t thread_cpu_ns(pthread_t thread)
{
	struct timespec now;
	clockid_t clock;

	if (pthread_getcpuclockid(thread, &clock) || clock_gettime(clock, &now))
		return 0;
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

/* Return: true when the stop was raised before the time had come. */
static bool sleep_until(int stop_fd, uint64_t when_ns)
{
	struct pollfd stop = { .fd = stop_fd, .events = POLLIN };
	struct timespec left;
	uint64_t now_ns;

	while ((now_ns = monotonic_ns()) < when_ns) {
		left.tv_sec = (time_t)((when_ns - now_ns) / NSEC_PER_SEC);
		left.tv_nsec = (long)((when_ns - now_ns) % NSEC_PER_SEC);
		if (ppoll(&stop, 1, &left, NULL) > 0)
			return true;
	}
	return false;
}

static void set_phase(struct vm *vm, enum vd_phase phase)
{
	__atomic_store_n(&vm->shared->phase, phase, __ATOMIC_RELEASE);
}

static void release_vcpus(struct vm *vm)
{
	pthread_mutex_lock(&vm->lock);
	vm->released = true;
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
}

static bool all_ready(struct vm *vm)
{
	bool ready;

	pthread_mutex_lock(&vm->lock);
	ready = vm->ready == vm->opts->vcpus;
	pthread_mutex_unlock(&vm->lock);
	return ready;
}

static int wait_start(struct timing *timing, uint64_t *ret_start_ns)
{
	struct vm *vm = timing->vm;
	int r;

	while (!all_ready(vm))
		if (sleep_until(vm->stop_fd, monotonic_ns() + 1000000))
			return -EINTR;
	r = barrier_wait(timing->barrier, vm->stop_fd, ret_start_ns);
	if (r && r != -EINTR)
		fprintf(stderr, "vdvm: barrier: %s\n",
			r == -EBUSY ? "more VMs arrived than --parties; use a fresh file" :
			r == -ECANCELED ? "another VM failed" :
			"the other VMs did not arrive in time");
	return r;
}

static void sample_cpu(struct vm *vm, int sign)
{
	unsigned int i;

	for (i = 0; i < vm->opts->vcpus; i++)
		vm->vcpu[i].cpu_ns += (uint64_t)sign * thread_cpu_ns(vm->vcpu[i].thread);
}

static void run_phases(struct timing *timing, uint64_t start_ns)
{
	struct vm *vm = timing->vm;
	const struct opts *opts = vm->opts;
	uint64_t warm_ns = workload_finite(opts) ? 0 : opts->warmup_ns;
	uint64_t end_ns = opts->forever ? UINT64_MAX : start_ns + warm_ns + opts->time_ns;

	timing->interrupted = sleep_until(vm->stop_fd, start_ns);
	/* A finite workload counts from its first operation. */
	set_phase(vm, warm_ns ? VD_PHASE_WARMUP : VD_PHASE_RUN);
	release_vcpus(vm);
	if (timing->interrupted || sleep_until(vm->stop_fd, start_ns + warm_ns)) {
		timing->interrupted = true;
		return;
	}
	set_phase(vm, VD_PHASE_RUN);
	timing->run_start_ns = monotonic_ns();
	sample_cpu(vm, -1);
	timing->interrupted = sleep_until(vm->stop_fd, end_ns);
	set_phase(vm, VD_PHASE_STOP);
	timing->run_ns = monotonic_ns() - timing->run_start_ns;
	sample_cpu(vm, 1);
}

static void *timing_thread(void *arg)
{
	struct timing *timing = arg;
	struct sched_param param = { .sched_priority = FIFO_PRIORITY };
	uint64_t start_ns;
	int r;

	pthread_setname_np(pthread_self(), "timing");
	timing->realtime = !pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
	if (!timing->realtime)
		fprintf(stderr, "vdvm: no SCHED_FIFO for the timing thread; "
			"run as root for figures that count\n");
	r = wait_start(timing, &start_ns);
	if (!r)
		run_phases(timing, start_ns);
	else
		timing->interrupted = true;
	set_phase(timing->vm, VD_PHASE_STOP);
	release_vcpus(timing->vm);
	if (r && r != -EINTR)
		vm_fail(timing->vm);
	return NULL;
}

/**
 * timing_start() - start the timing thread
 * @timing:	zeroed
 * @vm:		created; its vCPU threads are started before or after this call
 * @barrier:	opened
 *
 * Return: 0, or negative errno after an error sentence.
 */
int timing_start(struct timing *timing, struct vm *vm, struct barrier *barrier)
{
	int err;

	timing->vm = vm;
	timing->barrier = barrier;
	err = pthread_create(&timing->thread, NULL, timing_thread, timing);
	if (err) {
		fprintf(stderr, "vdvm: timing thread: %s\n", strerror(err));
		return -err;
	}
	timing->started = true;
	return 0;
}

void timing_join(struct timing *timing)
{
	if (timing->started)
		pthread_join(timing->thread, NULL);
	timing->started = false;
}
