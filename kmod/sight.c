// SPDX-License-Identifier: GPL-2.0-only
/* Collects the facts that sight_judge.c judges. */
#include <linux/sched.h>

#include "fields.h"
#include "sight.h"
#include "vdb.h"

static u8 seen(const struct kvm_vcpu *vcpu)
{
	const void *apic;

	if (!vdb_has_field(VDB_F_VCPU_APIC))
		return VDB_SEEN_LOADED;
	apic = vdb_field(vcpu, VDB_F_VCPU_APIC, void *);
	if (!apic)
		return VDB_SEEN_LOADED | VDB_SEEN_NO_APIC;
	if (vdb_has_field(VDB_F_LAPIC_APICV) && vdb_field(apic, VDB_F_LAPIC_APICV, bool))
		return VDB_SEEN_LOADED | VDB_SEEN_APICV;
	return VDB_SEEN_LOADED;
}

/**
 * vdb_sight_sample - a vCPU is loaded: look at what can hide its waits
 * @me: the vCPU
 * @vcpu: the same in KVM
 *
 * Context: its thread, preemption off.
 */
void vdb_sight_sample(struct vdb_vcpu *me, const struct kvm_vcpu *vcpu)
{
	u32 cpu = current->nr_cpus_allowed == 1 ? raw_smp_processor_id() + 1 : 0;

	if (me->cpu != cpu)
		WRITE_ONCE(me->cpu, cpu);
	if (me->tid != current->pid)
		WRITE_ONCE(me->tid, current->pid);
	if (!me->seen)
		WRITE_ONCE(me->seen, seen(vcpu));
}

/* Each vCPU on one CPU, no two on the same. */
static bool all_pinned(const struct vdb_vm *vm, u32 *ret_seen)
{
	DECLARE_BITMAP(taken, 1024) = {};
	u32 n = 0;
	u32 idx;

	*ret_seen = 0;
	for (idx = 0; idx < VDB_MAX_VCPUS; idx++) {
		const struct vdb_vcpu *it = rcu_dereference(vm->vcpu[idx]);
		u32 cpu;

		if (!it || !READ_ONCE(it->seen))
			continue;
		*ret_seen |= READ_ONCE(it->seen);
		cpu = READ_ONCE(it->cpu);
		if (!cpu || cpu > 1024 || __test_and_set_bit(cpu - 1, taken))
			return false;
		n++;
	}
	return n;
}

/**
 * vdb_sight - how much of a VM's waiting shows
 * @vm: the VM
 * @sum: its counters
 * @ret_reason: why not all, or NULL
 *
 * Context: rcu_read_lock().
 * Return: enum vcpu_deboost_visibility.
 */
u32 vdb_sight(const struct vdb_vm *vm, const struct vdb_counters *sum, const char **ret_reason)
{
#define COUNT(name) (sum->count[VCPU_DEBOOST_STATS_A_##name - VDB_C_FIRST])
	struct vdb_sight_facts facts = {
		.tracking = READ_ONCE(vm->tuning.ipi_tracking),
		.refused = READ_ONCE(vm->refused),
		.ipis = COUNT(IPIS),
		.avic = COUNT(IPIS_AVIC),
		.recorded = COUNT(RECORDED),
		.cleared = COUNT(CLEARED),
		.spins = COUNT(SPIN_EXITS),
		.ready = COUNT(BOOSTED) + COUNT(WOULD_BOOST) + COUNT(BOOSTED_CHAIN),
	};
#undef COUNT

	facts.pinned = all_pinned(vm, &facts.seen);
	BUILD_BUG_ON((int)VDB_SIGHT_NONE != (int)VCPU_DEBOOST_VISIBILITY_NONE ||
		     (int)VDB_SIGHT_PARTIAL != (int)VCPU_DEBOOST_VISIBILITY_PARTIAL ||
		     (int)VDB_SIGHT_FULL != (int)VCPU_DEBOOST_VISIBILITY_FULL);
	return vdb_sight_judge(&facts, ret_reason);
}
