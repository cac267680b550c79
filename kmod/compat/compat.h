/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place that may ask which kernel this is. Each entry names what it
 * papers over and when it can go.
 */
#ifndef VDB_COMPAT_H
#define VDB_COMPAT_H

#include <linux/ftrace.h>
#include <linux/version.h>
#include <net/genetlink.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "vcpu_deboost is written for and tested on Linux 6.1 and later"
#endif

/*
 * v6.8 "genetlink: Use internal flags for multicast groups" (in 6.1.y since
 * 6.1.68): who may join. Before that the core lets anybody in, so there is no
 * safe group to offer. Drop with the last 6.1 kernel older than that.
 */
#ifdef GENL_MCAST_CAP_NET_ADMIN
#define VDB_MCGRP_FLAGS .flags = GENL_MCAST_CAP_NET_ADMIN,
#else
#error "this kernel lets anybody join a netlink group; update it to 6.1.68 or later"
#endif

/*
 * Every hook runs with preemption off, which is an RCU reader by itself. Later
 * kernels call tracepoint probes with preemption on; lockdep wants to see the
 * reader all the same. Drop the first with the last kernel before v6.13.
 */
#if defined(CONFIG_PROVE_RCU)
#define vdb_hook_enter()                   \
	do {                               \
		preempt_disable_notrace(); \
		rcu_read_lock();           \
	} while (0)
#define vdb_hook_leave()                  \
	do {                              \
		rcu_read_unlock();        \
		preempt_enable_notrace(); \
	} while (0)
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define vdb_hook_enter() ((void)0)
#define vdb_hook_leave() ((void)0)
#else
#define vdb_hook_enter() preempt_disable_notrace()
#define vdb_hook_leave() preempt_enable_notrace()
#endif

/*
 * v6.13 "ftrace: Make ftrace_regs abstract from direct use", backported here and
 * there: what a callback is given. On x86 it begins with the registers, of which
 * the parameters and the address are always filled and taken back (arch/x86's
 * ftrace_caller). Drop the second with the last kernel that lacks the macro.
 */
#ifdef arch_ftrace_regs
#define vdb_ftrace_regs(fregs) (&arch_ftrace_regs(fregs)->regs)
#else
#define vdb_ftrace_regs(fregs) (&(fregs)->regs)
#endif

/*
 * v6.13 "hrtimers: Introduce hrtimer_setup() to replace hrtimer_init()". Drop
 * with the last kernel before it.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#include <linux/hrtimer.h>

static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock_id, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock_id, mode);
	timer->function = function;
}
#endif

#endif /* VDB_COMPAT_H */
