/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside of the VMM: what its files share. */
#ifndef VDVM_H
#define VDVM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../abi.h"

#define NSEC_PER_SEC	1000000000ull

enum apic_mode { APIC_X2APIC, APIC_XAPIC, APIC_NONE };
enum eoi_order { EOI_FIRST, EOI_LAST };

/**
 * struct opts - the command line; every number is a uint64_t so that one table describes all
 * @cs_ns:	UINT64_MAX until the workload's default is filled in; @ncs_ns likewise
 * @parties:	VMs that share @barrier, 1 when there is no barrier
 * @time_ns:	length of the run phase; for finite workloads the limit
 * @linger_ns:	how long the VM stays after its report, so that others can look at it
 */
struct opts {
	const char *name;
	const char *workload_name;
	const char *cgroup;
	const char *barrier;
	uint64_t workload;
	uint64_t vcpus;
	uint64_t vector;
	uint64_t apic;
	uint64_t eoi;
	uint64_t pv;
	uint64_t pv_eoi;
	uint64_t send;
	uint64_t id_stride;
	uint64_t idle;
	uint64_t pin;
	uint64_t spin_window;
	uint64_t cs_ns;
	uint64_t ncs_ns;
	uint64_t count;
	uint64_t seed;
	uint64_t warmup_ns;
	uint64_t time_ns;
	uint64_t linger_ns;
	uint64_t parties;
	uint64_t forever;
	uint64_t per_vcpu;
	uint64_t json;
};

/* Return: 0 to go on, 1 when help was asked for and printed, -EINVAL after an error sentence. */
int opts_parse(struct opts *opts, int argc, char **argv);
bool workload_finite(const struct opts *opts);

/* "250us" -> 250000. Return: 0, -EINVAL (no number, no unit, unknown unit), -ERANGE. */
int duration_parse(const char *text, uint64_t *ret_ns);

struct vm;

/**
 * struct vcpu - one vCPU and its thread
 * @cpu_ns:	CPU time of the thread inside the run phase
 */
struct vcpu {
	struct vm *vm;
	struct kvm_run *run;
	pthread_t thread;
	uint64_t cpu_ns;
	unsigned int id;	/* index; the APIC id is a multiple, see struct opts */
	int fd;
	bool started;
};

/**
 * struct vm - one virtual machine = one process
 * @lock:	guards @ready, @done, @phase_set; @changed is broadcast with it
 * @event_fd:	raised at every done vCPU and every failure; the main thread waits on it
 * @stop_fd:	raised once when the run must end early; the timing thread waits on it
 * @failed:	set once, after the error sentence was printed
 * @quit:	vCPU threads leave at their next exit
 */
struct vm {
	const struct opts *opts;
	struct vd_shared *shared;
	struct vcpu *vcpu;
	struct kvm_cpuid2 *cpuid;
	uint8_t *mem;
	size_t run_bytes;
	uint64_t tsc_khz;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int ready;
	unsigned int done;
	bool released;
	bool failed;
	bool quit;
	int kvm_fd;
	int fd;
	int event_fd;
	int stop_fd;
};

/* vm.c */
int vm_create(struct vm *vm, const struct opts *opts);
void vm_destroy(struct vm *vm);
void vm_fail(struct vm *vm);

/* vcpu.c */
int vcpu_create(struct vm *vm, unsigned int id);
int vcpu_start(struct vcpu *vcpu);
void vcpu_stop(struct vcpu *vcpu);
void vcpu_destroy(struct vcpu *vcpu);

/**
 * struct timing - the thread that moves the phase word, and when it did
 * @run_start_ns: CLOCK_MONOTONIC when the run phase began, 0 if it never did
 * @run_ns:	its length
 * @realtime:	the thread got its SCHED_FIFO priority
 * @interrupted: the run was ended before its time
 */
struct timing {
	struct vm *vm;
	struct barrier *barrier;
	pthread_t thread;
	uint64_t run_start_ns;
	uint64_t run_ns;
	bool started;
	bool realtime;
	bool interrupted;
};

int timing_start(struct timing *timing, struct vm *vm, struct barrier *barrier);
void timing_join(struct timing *timing);
uint64_t monotonic_ns(void);

/* barrier.c: the common start of several VMMs, in a file that each of them maps */
struct barrier;

int barrier_open(const char *path, unsigned int parties, struct barrier **ret_barrier);
int barrier_wait(struct barrier *barrier, int stop_fd, uint64_t *ret_start_ns);
void barrier_fail(struct barrier *barrier);
void barrier_close(struct barrier *barrier);

/* cgroup.c */
struct cgroup;

int cgroup_enter(const char *path, bool per_vcpu, unsigned int vcpus, struct cgroup **ret_cgroup);
int cgroup_join_vcpu(const char *path, unsigned int vcpu);
void cgroup_leave(struct cgroup *cgroup);

/* report.c */
void report_text(FILE *out, const struct vm *vm, const struct timing *timing);
void report_json(FILE *out, const struct vm *vm, const struct timing *timing);

#endif
