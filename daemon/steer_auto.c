// SPDX-License-Identifier: GPL-2.0-only
/* The two parts of steering that learn: the window, and mode = auto. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/discover.h"
#include "daemon/log.h"
#include "daemon/manager.h"
#include "daemon/sched.h"
#include "daemon/steer_priv.h"
#include "lib/units.h"

uint64_t steer_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / UNIT_NSEC_PER_MSEC;
}

/* Once per look at most, and only in looks that end a window. */
static void read_sched(struct manager *m)
{
	size_t i;

	if (m->sched_fresh)
		return;
	m->sched_fresh = true;
	for (i = 0; i < m->vms.nr; i++) {
		struct vm *vm = &m->vms.vms[i];
		struct steer *s = &vm->steer;

		/* One that ends takes its sums along: the pair is void then. */
		if (sched_read(DISCOVER_PROC, vm->tgid, &s->cpu_ns, &s->wait_ns) < 0) {
			s->cpu_ns = s->wait_ns = 0;
			memset(&s->witness, 0, sizeof(s->witness));
			continue;
		}
		witness_look(&s->witness, s->cpu_ns, s->wait_ns, vm->stats.spin_exits);
	}
}

static void read_counters(struct manager *m, const struct vm *vm, struct auto_counters *ret)
{
	const struct vd_stats *s = &vm->stats;
	size_t i;

	memset(ret, 0, sizeof(*ret));
	ret->spins = s->spin_exits;
	ret->ipi_spins = s->receiver_found + s->receiver_running + s->receiver_blocked;
	ret->ipis = s->ipis;
	for (i = 0; i < VCPU_DEBOOST_HIST_BUCKETS; i++)
		ret->answers += s->answer_hist[i];
	ret->answer_ns = s->answer_ns;
	ret->chances = s->would_boost + s->would_order + s->boosted + s->boosted_pending +
		       s->boosted_in_kernel + s->boosted_relaxed + s->boosted_at_work +
		       s->boosted_oldest;
	ret->ran = s->ran;
	ret->failed = s->failed;
	if (vm->steer.trial.state != AUTO_TRIAL)
		return;
	read_sched(m);
	ret->cpu_ns = vm->steer.cpu_ns;
	ret->wait_ns = vm->steer.wait_ns;
	for (i = 0; i < m->vms.nr; i++) {
		const struct vm *other = &m->vms.vms[i];

		if (other->tgid == vm->tgid)
			continue;
		ret->others_cpu_ns += other->steer.witness.cpu_ns;
		ret->others_wait_ns += other->steer.witness.wait_ns;
	}
}

/* "gain after 6 pairs: spins -8.6 %, work -3.1 %": the signals that most pairs have. */
static void put_verdict(char *text, size_t size, const struct auto_vm *a)
{
	const char *sep = ":";
	struct auto_effect e;
	size_t used;
	int s;

	used = (size_t)snprintf(text, size, "%s after %u pairs", auto_verdict_str(a->verdict),
				a->pairs);
	for (s = 0; s < AUTO_SIGNAL_MAX && used < size; s++) {
		auto_effect(a, (enum auto_signal)s, &e);
		if (!auto_has(a, &e))
			continue;
		used += (size_t)snprintf(text + used, size - used, "%s %s %+.1f %%", sep,
					 auto_signal_str((enum auto_signal)s), 100 * expm1(e.mean));
		sep = ",";
	}
}

static void say_state(const struct vm *vm, enum auto_state old)
{
	const struct auto_vm *a = &vm->steer.trial;
	char reason[160] = "it spins and has whom to yield to";
	struct log_fields f = { .vm = vm->name, .reason = reason };

	f.old_value = auto_state_str(old);
	f.new_value = auto_state_str(a->state);
	if (old == AUTO_TRIAL)
		put_verdict(reason, sizeof(reason), a);
	else if (a->state == AUTO_WATCH || a->verdict != AUTO_NONE)
		snprintf(reason, sizeof(reason), "the last verdict is to be proved again");
	log_event(LOG_EVENT_POLICY, LOG_NOTICE, &f, "auto of %s: %s -> %s (%s)", vm->name,
		  f.old_value, f.new_value, reason);
}

void steer_try(struct manager *m, struct vm *vm)
{
	struct auto_times times = { .window_ms = m->config.auto_window_ns / UNIT_NSEC_PER_MSEC,
				    .probe_ms = m->config.auto_probe_ns / UNIT_NSEC_PER_MSEC };
	struct steer *s = &vm->steer;
	enum auto_state old = s->trial.state;
	uint64_t now_ms = steer_now_ms();
	struct auto_counters counters;

	if (!s->automatic) {
		s->automatic = true;
		auto_init(&s->trial, now_ms * 64 + vm->id, now_ms);
		old = s->trial.state;
	}
	if (!auto_due(&s->trial, now_ms))
		return;
	read_counters(m, vm, &counters);
	if (auto_step(&s->trial, &counters, &times, now_ms))
		say_state(vm, old);
	/* The first counters of a trial were taken without the CPU times. */
	if (old != AUTO_TRIAL && s->trial.state == AUTO_TRIAL)
		read_counters(m, vm, &s->trial.start);
}
