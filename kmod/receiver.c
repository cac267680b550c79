// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits for an IPI: yield to the receiver, looked up by index, longest waiting
 * first.
 *
 * One that has sent its EOI may not have handled the interrupt yet: it is waited for as long
 * as the sender goes on spinning.
 *
 * A receiver may be stuck: it was caught spinning after the IPI had been sent,
 * and still has not answered, so it spins with interrupts off, and waits for
 * somebody itself. To run it would only make it spin again. Then the chain is
 * followed to the one it waits for, and so on, first come first served, over at
 * most VDB_CHAIN vCPUs, none of them twice.
 */
#include "breaker.h"
#include "fields.h"
#include "trace.h"
#include "vdb.h"

/* vCPUs whose waits are looked at for one spin, the spinning one included. */
#define VDB_CHAIN 6

/**
 * struct search - state of one walk
 * @spin: for whom
 * @queue: vCPUs whose waits are to be looked at; never one twice
 * @n: filled
 * @running: a receiver was seen that runs
 * @stuck: first receiver that is ready but stuck: better than nobody
 */
struct search {
	struct vdb_spin *spin;
	struct vdb_vcpu *queue[VDB_CHAIN];
	unsigned int n;
	bool running;
	struct {
		struct vdb_vcpu *vcpu;
		struct vdb_pair pair;
	} stuck;
};

static bool enqueue(struct search *s, struct vdb_vcpu *vcpu)
{
	unsigned int i;

	for (i = 0; i < s->n; i++) {
		if (s->queue[i] == vcpu)
			return false;
	}
	if (s->n == VDB_CHAIN)
		return false;
	s->queue[s->n++] = vcpu;
	return true;
}

static bool is_stuck(const struct search *s, const struct vdb_vcpu *receiver,
		     const struct vdb_pair *pair)
{
	return READ_ONCE(s->spin->vm->tuning.chain) &&
	       (s64)(READ_ONCE(receiver->spin_ns) - (s->spin->now_ns - pair->age_ns)) > 0;
}

static bool take(struct vdb_spin *spin, struct vdb_vcpu *target, const struct vdb_pair *pair,
		 bool chained)
{
	spin->target = target;
	spin->target_vcpu = vdb_kvm_vcpu_at(spin->kvm, target->idx);
	spin->why = chained ? VCPU_DEBOOST_STATS_A_BOOSTED_CHAIN : VCPU_DEBOOST_STATS_A_BOOSTED;
	spin->waited_ns = pair->age_ns;
	spin->vector = pair->vector;
	return spin->target_vcpu;
}

/*
 * A receiver that runs answers within this time, unless its interrupts are off: to go
 * on spinning costs less than to give the CPU away. In the lab the answer of a running
 * vCPU takes 30 us.
 */
#define NEAR_NS 100000ULL

static bool answer_is_near(const struct vdb_spin *spin, const struct vdb_vcpu *receiver, u64 age_ns)
{
	return min(age_ns, spin->now_ns - READ_ONCE(receiver->loaded_ns)) < NEAR_NS;
}

static void note_near(struct vdb_spin *spin, struct vdb_vcpu *receiver, const struct vdb_pair *pair)
{
	spin->near = receiver;
	spin->why = VCPU_DEBOOST_STATS_A_BOOSTED;
	spin->waited_ns = pair->age_ns;
	spin->vector = pair->vector;
}

/* Look at one that @from waits for. Return: true if it is the target. */
static bool visit(struct search *s, const struct vdb_pair *pair, bool chained)
{
	struct vdb_vcpu *receiver = vdb_vcpu_by_idx(s->spin->vm, pair->receiver);
	struct kvm_vcpu *vcpu = vdb_kvm_vcpu_at(s->spin->kvm, pair->receiver);
	enum vdb_candidate candidate;

	if (!vdb_is_sane(receiver, s->spin->vm, "a pair names a vCPU that is not there") || !vcpu ||
	    receiver == s->spin->me)
		return false;
	candidate = vdb_candidate(vcpu, NULL);
	s->running |= candidate == VDB_CANDIDATE_RUNNING && !chained;
	if (candidate == VDB_CANDIDATE_RUNNING && !chained &&
	    answer_is_near(s->spin, receiver, pair->age_ns))
		note_near(s->spin, receiver, pair);
	if (candidate == VDB_CANDIDATE_BLOCKED)
		return false;
	if (!is_stuck(s, receiver, pair))
		return candidate == VDB_CANDIDATE_READY && take(s->spin, receiver, pair, chained);
	if (enqueue(s, receiver) && candidate == VDB_CANDIDATE_READY && !chained &&
	    !s->stuck.vcpu) {
		s->stuck.vcpu = receiver;
		s->stuck.pair = *pair;
	}
	return false;
}

/**
 * vdb_receivers - whom a vCPU waits for, within the VM's window
 * @vm: its VM
 * @vcpu: the vCPU
 * @now_ns: time now
 * @waiting: filled, longest waiting first
 *
 * What is older is dropped and counted.
 *
 * Context: any, preemption off.
 * Return: number of entries of @waiting that are filled.
 */
unsigned int vdb_receivers(struct vdb_vm *vm, struct vdb_vcpu *vcpu, u64 now_ns,
			   struct vdb_pair waiting[VDB_PAIRS])
{
	unsigned int expired, n;

	n = vdb_pairs_waiting(&vcpu->pairs, now_ns, READ_ONCE(vm->tuning.window_ns), waiting,
			      &expired);
	if (expired)
		vdb_count_add(vm, VCPU_DEBOOST_STATS_A_EXPIRED, expired);
	return n;
}

/* Return: number of receivers that the i-th of the queue waits for; target set if found. */
static unsigned int look(struct search *s, unsigned int i)
{
	struct vdb_spin *spin = s->spin;
	struct vdb_pair waiting[VDB_PAIRS];
	unsigned int n, k;

	n = vdb_receivers(spin->vm, s->queue[i], spin->now_ns, waiting);
	for (k = 0; k < n; k++) {
		if (visit(s, &waiting[k], i > 0))
			break;
	}
	return n;
}

/*
 * Whether it still spins for its last answer: that came less than a spin takes to be caught
 * ago, or it has not worked since it spun before. Without ages that cannot be told.
 */
static bool is_same_wait(const struct vdb_spin *spin)
{
	const struct vdb_age *age = &spin->me->age;

	return age->spun_ns == spin->now_ns &&
	       (age->since_ns != spin->now_ns || spin->now_ns - READ_ONCE(spin->me->answered_ns) <
							 2 * READ_ONCE(spin->vm->spin_window_ns));
}

/* Whether one that has answered may not be done with it: it has not run enough since. */
static bool is_finishing(const struct vdb_spin *spin, const struct vdb_vcpu *it, bool running,
			 u64 age_ns)
{
	u64 asked_ns = READ_ONCE(spin->me->asked_ns);

	if (running)
		return answer_is_near(spin, it, age_ns);
	return !asked_ns || (s64)(READ_ONCE(it->loaded_ns) - asked_ns) < 0;
}

/**
 * vdb_receiver_finish - a vCPU goes on spinning after its last answer
 * @spin: target, or who is near, are filled if there is one
 *
 * An EOI comes before what the sender waits for: Linux acknowledges an interrupt before it
 * handles it. A receiver that loses its CPU in between is still waited for.
 *
 * Context: the vCPU's thread, preemption off, rcu_read_lock().
 * Return: true if there is a target that can use the CPU now, or if none is needed.
 */
bool vdb_receiver_finish(struct vdb_spin *spin)
{
	struct vdb_pair pair = { .age_ns = spin->now_ns - READ_ONCE(spin->me->answered_ns) };
	u16 last = READ_ONCE(spin->me->answerer);
	enum vdb_candidate candidate;
	struct kvm_vcpu *vcpu;
	struct vdb_vcpu *it;
	bool running;

	if (!last)
		return false;
	it = vdb_vcpu_by_idx(spin->vm, last - 1);
	vcpu = it ? vdb_kvm_vcpu_at(spin->kvm, it->idx) : NULL;
	candidate = vcpu ? vdb_candidate(vcpu, NULL) : VDB_CANDIDATE_BLOCKED;
	running = candidate == VDB_CANDIDATE_RUNNING;
	if (candidate == VDB_CANDIDATE_BLOCKED || !is_same_wait(spin) ||
	    !is_finishing(spin, it, running, pair.age_ns)) {
		WRITE_ONCE(spin->me->answerer, 0);
		return false;
	}
	vdb_count(spin->vm, VCPU_DEBOOST_STATS_A_RECEIVER_FOUND);
	if (running) {
		note_near(spin, it, &pair);
		return true;
	}
	WRITE_ONCE(spin->me->asked_ns, spin->now_ns);
	return take(spin, it, &pair, false);
}

/**
 * vdb_receiver_choose - whom a spinning vCPU waits for
 * @spin: target, reason and age are filled if one is found
 *
 * Context: the vCPU's thread, preemption off, rcu_read_lock().
 * Return: true if there is a target that can use the CPU now, or if none is needed.
 */
bool vdb_receiver_choose(struct vdb_spin *spin)
{
	struct search s;
	unsigned int i;

	if (vdb_pairs_are_ready(&spin->me->pairs))
		return false;
	s = (struct search){ .spin = spin, .queue = { spin->me }, .n = 1 };
	spin->nr_waits = look(&s, 0);
	if (!spin->nr_waits)
		return false;
	vdb_count(spin->vm, VCPU_DEBOOST_STATS_A_RECEIVER_FOUND);
	WRITE_ONCE(spin->me->spun, true);
	WRITE_ONCE(spin->me->answerer, 0);
	for (i = 1; i < s.n && !spin->target; i++)
		look(&s, i);
	if (spin->target || (s.stuck.vcpu && take(spin, s.stuck.vcpu, &s.stuck.pair, false)))
		return true;
	vdb_count(spin->vm, s.running ? VCPU_DEBOOST_STATS_A_RECEIVER_RUNNING
				      : VCPU_DEBOOST_STATS_A_RECEIVER_BLOCKED);
	return spin->near;
}
