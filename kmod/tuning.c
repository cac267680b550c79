// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tuning: one global set of knobs, and a VM's overrides over it. Hooks read a
 * VM's effective set; it is recomputed on every change.
 */
#include <linux/kernel.h>
#include <net/netlink.h>

#include "clock.h"
#include "hooks.h"
#include "vdb.h"

#define GIVEN(mask, name) ((mask)&BIT(VCPU_DEBOOST_TUNING_A_##name))

#define KNOB(name, field)                                                         \
	{                                                                         \
		VCPU_DEBOOST_TUNING_A_##name, offsetof(struct vdb_tuning, field), \
			sizeof_field(struct vdb_tuning, field) == sizeof(u64)     \
	}

/* Every knob, its attribute, and whether it has 64 bits or 32. */
static const struct {
	u16 attr;
	u16 offset;
	bool wide;
} knobs[] = {
	KNOB(MODE, mode),
	KNOB(IPI_TRACKING, ipi_tracking),
	KNOB(WINDOW_NS, window_ns),
	KNOB(ORDER, order),
	KNOB(SLOTS, slots),
	KNOB(EOI_CLEAR, eoi_clear),
	KNOB(RELAXED_BOOST, relaxed_boost),
	KNOB(CHAIN, chain),
	KNOB(SCHED, sched),
	KNOB(BUDGET_HOOK_NS, budget_hook_ns),
	KNOB(BUDGET_BOOSTS, budget_boosts),
	KNOB(BUDGET_FAILED, budget_failed),
	KNOB(BUDGET_WAIT_NS, budget_wait_ns),
};

static u64 knob_get(const struct vdb_tuning *tuning, unsigned int i)
{
	const void *at = (const char *)tuning + knobs[i].offset;

	return knobs[i].wide ? READ_ONCE(*(const u64 *)at) : READ_ONCE(*(const u32 *)at);
}

static void knob_put(struct vdb_tuning *tuning, unsigned int i, u64 value)
{
	void *at = (char *)tuning + knobs[i].offset;

	if (knobs[i].wide)
		WRITE_ONCE(*(u64 *)at, value);
	else
		WRITE_ONCE(*(u32 *)at, value);
}

static void merge(struct vdb_tuning *to, const struct vdb_tuning *from, u32 given)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		if (given & BIT(knobs[i].attr))
			knob_put(to, i, knob_get(from, i));
	}
}

/**
 * vdb_tuning_parse - knobs from a message
 * @tb: attributes by number, in range
 * @ret: those given are written
 *
 * Return: bit n: attribute n was given.
 */
u32 vdb_tuning_parse(struct nlattr *const *tb, struct vdb_tuning *ret)
{
	u32 given = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		if (!tb[knobs[i].attr])
			continue;
		knob_put(ret, i,
			 knobs[i].wide ? nla_get_u64(tb[knobs[i].attr])
				       : nla_get_u32(tb[knobs[i].attr]));
		given |= BIT(knobs[i].attr);
	}
	return given;
}

/**
 * vdb_tuning_put - knobs into a message
 * @skb: message, inside of the nest
 * @tuning: the knobs
 *
 * Return: 0 or -EMSGSIZE.
 */
int vdb_tuning_put(struct sk_buff *skb, const struct vdb_tuning *tuning)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(knobs) && !ret; i++)
		ret = knobs[i].wide ? nla_put_u64_64bit(skb, knobs[i].attr, knob_get(tuning, i),
							VCPU_DEBOOST_TUNING_A_PAD)
				    : nla_put_u32(skb, knobs[i].attr, knob_get(tuning, i));
	return ret;
}

/**
 * vdb_tuning_init - the defaults: those that docs/RESULTS.md shows to be best
 * @mode: initial mode
 */
void vdb_tuning_init(u32 mode)
{
	vdb.tuning = (struct vdb_tuning){
		.mode = mode,
		.ipi_tracking = 1,
		.window_ns = VCPU_DEBOOST_WINDOW_DEFAULT_NS,
		.order = VCPU_DEBOOST_ORDER_AGE,
		.slots = VCPU_DEBOOST_SLOTS_MAX,
		.eoi_clear = VCPU_DEBOOST_EOI_CLEAR_VECTOR,
		.relaxed_boost = 1,
		.chain = 1,
		.sched = VCPU_DEBOOST_SCHED_LOAN,
		.budget_hook_ns = VCPU_DEBOOST_BUDGET_HOOK_DEFAULT_NS,
		.budget_boosts = VCPU_DEBOOST_BUDGET_BOOSTS_DEFAULT,
		.budget_failed = VCPU_DEBOOST_BUDGET_FAILED_DEFAULT,
		.budget_wait_ns = VCPU_DEBOOST_BUDGET_WAIT_DEFAULT_NS,
	};
}

/* Knobs whose change makes what was recorded before misleading. */
static bool starts_anew(const struct vdb_tuning *was, const struct vdb_tuning *is)
{
	return was->mode != is->mode || was->ipi_tracking != is->ipi_tracking ||
	       was->slots != is->slots || was->eoi_clear != is->eoi_clear;
}

/**
 * vdb_tuning_digest - recompute what the hooks of an IPI look at
 * @vm: its tuning, or the number of its vCPUs has changed
 *
 * Which clock is used changes only while there is no VM.
 *
 * Context: under vdb.vms_lock.
 */
void vdb_tuning_digest(struct vdb_vm *vm)
{
	bool plain = READ_ONCE(vdb_clock_factor);
	u32 tracks = 0;

	if (vm->tuning.ipi_tracking && vm->tuning.mode != VCPU_DEBOOST_MODE_OFF) {
		tracks = VDB_TRACKS_IPIS;
		if (plain)
			tracks |= VDB_TRACKS_ACCEPT_PLAIN;
		if (plain && vm->from_words <= 1 &&
		    vm->tuning.eoi_clear == VCPU_DEBOOST_EOI_CLEAR_VECTOR)
			tracks |= VDB_TRACKS_EOI_PLAIN;
	}
	WRITE_ONCE(vm->tracks, tracks);
}

/**
 * vdb_tuning_inherit - recompute a VM's effective tuning
 * @vm: new, or after a change
 *
 * Context: under vdb.vms_lock.
 */
void vdb_tuning_inherit(struct vdb_vm *vm)
{
	struct vdb_tuning was = vm->tuning;

	merge(&vm->tuning, &vdb.tuning, ~vm->overrides);
	merge(&vm->tuning, &vm->own, vm->overrides);
	vdb_tuning_digest(vm);
	if (starts_anew(&was, &vm->tuning))
		vdb_forget_all(vm);
}

static void inherit_all(void)
{
	struct vdb_vm *vm;
	int bucket;

	spin_lock(&vdb.vms_lock);
	hash_for_each(vdb.by_kvm, bucket, vm, node)
		vdb_tuning_inherit(vm);
	spin_unlock(&vdb.vms_lock);
}

/**
 * vdb_tuning_set - change the global tuning
 * @tuning: new values, in range
 * @given: bit n: attribute n of @tuning is given
 *
 * Arms the hooks when the mode leaves OFF, disarms them when it gets there.
 * That KVM is not loaded is no error: it is hooked when it comes.
 *
 * Context: process, under vdb.lock.
 * Return: 0, or an error of vdb_hooks_arm(); then nothing has changed.
 */
int vdb_tuning_set(const struct vdb_tuning *tuning, u32 given)
{
	struct vdb_tuning old = vdb.tuning;
	int ret = 0;

	lockdep_assert_held(&vdb.lock);
	merge(&vdb.tuning, tuning, given);
	if (vdb.tuning.mode == VCPU_DEBOOST_MODE_OFF)
		vdb_hooks_disarm();
	else
		ret = vdb_hooks_arm();
	if (ret == -ENODEV)
		ret = 0;
	if (ret)
		vdb.tuning = old;
	inherit_all();
	return ret;
}

/**
 * vdb_tuning_override - give a VM knobs of its own
 * @vm: the VM
 * @tuning: new values, in range
 * @given: bit n: attribute n of @tuning is given
 *
 * Context: process, under vdb.lock and rcu_read_lock().
 */
void vdb_tuning_override(struct vdb_vm *vm, const struct vdb_tuning *tuning, u32 given)
{
	lockdep_assert_held(&vdb.lock);
	spin_lock(&vdb.vms_lock);
	merge(&vm->own, tuning, given);
	vm->overrides |= given;
	vdb_tuning_inherit(vm);
	spin_unlock(&vdb.vms_lock);
}

/**
 * vdb_tuning_reset - drop a VM's overrides
 * @vm: the VM
 *
 * Context: process, under vdb.lock and rcu_read_lock().
 */
void vdb_tuning_reset(struct vdb_vm *vm)
{
	lockdep_assert_held(&vdb.lock);
	spin_lock(&vdb.vms_lock);
	vm->overrides = 0;
	vdb_tuning_inherit(vm);
	spin_unlock(&vdb.vms_lock);
}

static bool demote(struct vdb_tuning *tuning)
{
	if (tuning->mode != VCPU_DEBOOST_MODE_ACTIVE)
		return false;
	WRITE_ONCE(tuning->mode, VCPU_DEBOOST_MODE_OBSERVE);
	return true;
}

/**
 * vdb_tuning_demote - from active to observing, everywhere
 *
 * Context: process, under vdb.lock.
 * Return: true if anything was active.
 */
bool vdb_tuning_demote(void)
{
	bool any = demote(&vdb.tuning);
	struct vdb_vm *vm;
	int bucket;

	lockdep_assert_held(&vdb.lock);
	spin_lock(&vdb.vms_lock);
	hash_for_each(vdb.by_kvm, bucket, vm, node) {
		any |= GIVEN(vm->overrides, MODE) && demote(&vm->own);
		vdb_tuning_inherit(vm);
	}
	spin_unlock(&vdb.vms_lock);
	return any;
}
