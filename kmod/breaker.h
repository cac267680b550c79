/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The breaker: steps aside by itself when this module costs or does too much, or
 * sees what must not be.
 *
 * A trip is one word, vdb.tripped, and a new vdb.generation, which makes void what
 * CPUs remember: see loaded.h. From then on every hook finds no vCPU and leaves
 * everything to KVM; that is at once, and all that a hook can do. A worker takes
 * the hooks out, tells user space, and the mode is off until somebody has cleared
 * the trip.
 */
#ifndef VDB_BREAKER_H
#define VDB_BREAKER_H

#include <linux/percpu.h>

#include "clock.h"
#include "vdb.h"

DECLARE_PER_CPU(s32, vdb_hook_until_timed);

void vdb_breaker_init(void);
void vdb_breaker_exit(void);
void vdb_breaker_start(void);
void vdb_breaker_trip(u32 kind, const struct vdb_vm *vm, u64 value, u64 budget);
void vdb_breaker_inconsistent(const struct vdb_vm *vm, const char *what);
void vdb_breaker_clear(void);
const char *vdb_breaker_reason(void);
int vdb_breaker_put(struct sk_buff *skb);

/* Budgets. */
void vdb_breaker_hook_took(u64 took_ns);
void vdb_breaker_yield(struct vdb_vm *vm, u64 now_ns);
void vdb_breaker_failed(struct vdb_vm *vm, u64 now_ns);

/**
 * vdb_is_sane - what must be so, or the breaker trips
 * @condition: as it must be
 * @vm: which it is about, or NULL
 * @what: a clause without a final period: "a pair names a vCPU that is not there"
 *
 * Context: any, run-queue locks and NMI included.
 * Return: @condition; the caller leaves it to KVM if it is false.
 */
static inline bool vdb_is_sane(bool condition, const struct vdb_vm *vm, const char *what)
{
	if (likely(condition))
		return true;
	vdb_breaker_inconsistent(vm, what);
	return false;
}

/**
 * vdb_hook_begin_usual - a hook with a short way for the usual case begins
 *
 * Context: any; preemption is off until vdb_hook_leave(), or vdb_hook_end().
 * Return: true if this call is not timed; else vdb_hook_time() is to be called.
 */
static inline bool vdb_hook_begin_usual(void)
{
	vdb_hook_enter();
	this_cpu_dec(vdb_hook_until_timed);
	return likely(this_cpu_read(vdb_hook_until_timed) > 0);
}

/**
 * vdb_hook_time - it goes the long way
 *
 * Return: for vdb_hook_end(): the time if this call is timed, else 0.
 */
static inline u64 vdb_hook_time(void)
{
	if (likely(this_cpu_read(vdb_hook_until_timed) > 0))
		return 0;
	this_cpu_write(vdb_hook_until_timed, VDB_TIMED_ONE_IN);
	return vdb_clock_ns();
}

/**
 * vdb_hook_begin - a hook begins
 *
 * Context: any; preemption is off until vdb_hook_end().
 * Return: for vdb_hook_end(): the time if this call is timed, else 0.
 */
static inline u64 vdb_hook_begin(void)
{
	return vdb_hook_begin_usual() ? 0 : vdb_hook_time();
}

/**
 * vdb_hook_end - it ends
 * @begun_ns: of vdb_hook_begin(), or vdb_hook_time()
 */
static inline void vdb_hook_end(u64 begun_ns)
{
	if (unlikely(begun_ns))
		vdb_breaker_hook_took(vdb_clock_ns() - begun_ns);
	vdb_hook_leave();
}

#endif /* VDB_BREAKER_H */
