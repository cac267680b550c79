// SPDX-License-Identifier: GPL-2.0-only
/*
 * mode = auto: is a VM better off active? Pure: counters, a clock and dice come
 * from the caller.
 *
 * A trial is pairs of windows, one active and one observing, in random order and
 * of random length, so that nothing periodic in the guest falls in with them.
 * The differences within pairs, as logarithms of ratios, get a confidence
 * interval; the verdict asks for one that shows gain and excludes harm.
 */
#include "auto.h"

#include <math.h>
#include <string.h>

static const char *const states[AUTO_STATE_MAX] = { "watch", "trial", "active", "rest" };
static const char *const verdicts[AUTO_VERDICT_MAX] = { "none", "gain", "harm", "no gain", "idle" };
static const char *const signals[AUTO_SIGNAL_MAX] = { "spins", "answers", "work", "neighbours" };

/* ln(active / observe): a whole interval below @gain, above @harm, below @no_harm. */
static const struct limits {
	double gain, harm, no_harm;
} limits[AUTO_SIGNAL_MAX] = {
	[AUTO_SPINS] = { AUTO_GAIN, AUTO_HARM, AUTO_NO_HARM },
	[AUTO_ANSWER] = { AUTO_GAIN, AUTO_HARM, AUTO_NO_HARM },
	[AUTO_WORK] = { AUTO_GAIN, AUTO_WORK_HARM, AUTO_WORK_NO_HARM },
	/* That others wait less is no reason of its own. */
	[AUTO_NEIGHBOURS] = { -INFINITY, AUTO_HARM, AUTO_NO_HARM },
};

/* Looking after every pair would find something in noise sooner or later. */
static const unsigned int looks[] = { 6, 10, 16, AUTO_MAX_PAIRS };

/* 99.5 % quantile of Student's t, by degrees of freedom. */
static const double student[AUTO_MAX_PAIRS] = {
	INFINITY, 63.66, 9.92, 5.84, 4.60, 4.03, 3.71, 3.50, 3.36, 3.25, 3.17, 3.11,
	3.05,	  3.01,	 2.98, 2.95, 2.92, 2.90, 2.88, 2.86, 2.85, 2.83, 2.82, 2.81,
};

const char *auto_state_str(enum auto_state state)
{
	return states[state];
}

const char *auto_verdict_str(enum auto_verdict verdict)
{
	return verdicts[verdict];
}

const char *auto_signal_str(enum auto_signal signal)
{
	return signals[signal];
}

/* xorshift64 */
static uint64_t dice(struct auto_vm *a)
{
	a->rng ^= a->rng << 13;
	a->rng ^= a->rng >> 7;
	a->rng ^= a->rng << 17;
	return a->rng;
}

void auto_init(struct auto_vm *a, uint64_t seed, uint64_t now_ms)
{
	memset(a, 0, sizeof(*a));
	/* Small seeds give small first numbers. */
	a->rng = (seed + 1) * 0x9e3779b97f4a7c15ULL | 1;
	a->backoff = 1;
	a->since_ms = now_ms;
}

bool auto_due(const struct auto_vm *a, uint64_t now_ms)
{
	return now_ms >= a->until_ms;
}

static void begin_window(struct auto_vm *a, const struct auto_counters *now,
			 const struct auto_times *times, uint64_t now_ms)
{
	a->start = *now;
	a->start_ms = now_ms;
	a->primed = true;
	a->until_ms = now_ms + times->window_ms / 2 + dice(a) % (times->window_ms + 1);
}

static void begin_pair(struct auto_vm *a)
{
	a->second = false;
	a->active = dice(a) >> 32 & 1;
}

static bool enter(struct auto_vm *a, enum auto_state state, uint64_t now_ms)
{
	a->state = state;
	a->since_ms = now_ms;
	a->active = false;
	if (state == AUTO_TRIAL) {
		a->pairs = 0;
		a->voids = 0;
		a->ran = 0;
		a->failed = 0;
		begin_pair(a);
	}
	return true;
}

static bool conclude(struct auto_vm *a, enum auto_verdict verdict, const struct auto_times *times,
		     uint64_t now_ms)
{
	a->backoff = a->verdict != verdict	     ? 1
		     : a->backoff < AUTO_MAX_BACKOFF ? a->backoff * 2
						     : AUTO_MAX_BACKOFF;
	a->verdict = verdict;
	a->next_ms = now_ms + times->probe_ms * a->backoff;
	switch (verdict) {
	case AUTO_VERDICT_GAIN:
		return enter(a, AUTO_ACTIVE, now_ms);
	case AUTO_VERDICT_IDLE:
		return enter(a, AUTO_WATCH, now_ms);
	default:
		return enter(a, AUTO_REST, now_ms);
	}
}

/* All fields are u64: one loop. Returns false when one went back. */
static bool growth(const struct auto_counters *from, const struct auto_counters *to,
		   struct auto_counters *ret)
{
	uint64_t a[sizeof(*from) / sizeof(uint64_t)], b[sizeof(*from) / sizeof(uint64_t)];
	size_t i;

	memcpy(a, from, sizeof(a));
	memcpy(b, to, sizeof(b));
	for (i = 0; i < sizeof(a) / sizeof(a[0]); i++) {
		if (b[i] < a[i])
			return false;
		b[i] -= a[i];
	}
	memcpy(ret, b, sizeof(b));
	return true;
}

/* ln of the ratio of two rates; NaN when one of them is nothing. */
static double ratio(double on, double on_per, double off, double off_per)
{
	if (on_per <= 0 || off_per <= 0 || on + off <= 0)
		return NAN;
	/* Half an event more: a rate of 0 has no logarithm. */
	return log((on + 0.5) / on_per) - log((off + 0.5) / off_per);
}

static double per(uint64_t cpu_ns, uint64_t wall_ms)
{
	return cpu_ns ? (double)cpu_ns : (double)wall_ms;
}

static bool waits_for_ipis(const struct auto_counters *c)
{
	return c->ipi_spins * 2 > c->spins;
}

/*
 * A vCPU that waits for answers spins as often as it asks: with quick answers it gets more done,
 * and spins more in all. Who waits for locks has no measure of its own but the CPU time.
 */
static double spins(const struct auto_counters *on, uint64_t on_ms, const struct auto_counters *off,
		    uint64_t off_ms)
{
	bool cpu = on->cpu_ns && off->cpu_ns;

	if (waits_for_ipis(on) && waits_for_ipis(off))
		return ratio((double)on->spins, (double)on->ipis, (double)off->spins,
			     (double)off->ipis);
	return ratio((double)on->spins, per(cpu ? on->cpu_ns : 0, on_ms), (double)off->spins,
		     per(cpu ? off->cpu_ns : 0, off_ms));
}

/*
 * What a guest does for its users the host cannot see, only what goes with it: a guest that does
 * one thing for each so many IPIs, and takes more CPU time for it, does less. Spins and answers may
 * improve at the same time, by the very yields that cost the time.
 */
static double work(const struct auto_counters *on, const struct auto_counters *off)
{
	if (on->ipis < AUTO_MIN_IPIS || off->ipis < AUTO_MIN_IPIS)
		return NAN;
	return ratio((double)on->cpu_ns, (double)on->ipis, (double)off->cpu_ns, (double)off->ipis);
}

/*
 * Stock, a VM that spins yields CPU time to others. If they wait longer because it does so no more,
 * that is no harm as long as it is still the one that waits longer for its share.
 */
static double neighbours(const struct auto_counters *on, const struct auto_counters *off)
{
	double d = ratio((double)on->others_wait_ns, (double)on->others_cpu_ns,
			 (double)off->others_wait_ns, (double)off->others_cpu_ns);
	bool takes_less = (double)on->wait_ns * (double)on->others_cpu_ns >=
			  (double)on->others_wait_ns * (double)on->cpu_ns;

	return takes_less && d > 0 ? 0 : d;
}

static void add_pair(struct auto_vm *a, const struct auto_counters *on, uint64_t on_ms,
		     const struct auto_counters *off, uint64_t off_ms)
{
	double *d = a->diff[a->pairs++];

	d[AUTO_SPINS] = spins(on, on_ms, off, off_ms);
	d[AUTO_ANSWER] = ratio((double)on->answer_ns, (double)on->answers, (double)off->answer_ns,
			       (double)off->answers);
	d[AUTO_WORK] = work(on, off);
	d[AUTO_NEIGHBOURS] = neighbours(on, off);
	a->ran += on->ran;
	a->failed += on->failed;
}

void auto_effect(const struct auto_vm *a, enum auto_signal signal, struct auto_effect *ret)
{
	double sum = 0, squares = 0, half;
	unsigned int i;

	memset(ret, 0, sizeof(*ret));
	for (i = 0; i < a->pairs; i++) {
		if (isnan(a->diff[i][signal]))
			continue;
		sum += a->diff[i][signal];
		ret->n++;
	}
	ret->low = -INFINITY;
	ret->high = INFINITY;
	if (ret->n < 2)
		return;
	ret->mean = sum / ret->n;
	for (i = 0; i < a->pairs; i++)
		if (!isnan(a->diff[i][signal]))
			squares += pow(a->diff[i][signal] - ret->mean, 2);
	half = student[ret->n - 1] * sqrt(squares / (ret->n - 1) / ret->n);
	ret->low = ret->mean - half;
	ret->high = ret->mean + half;
}

/* Of AUTO_NONE the trial goes on. */
static enum auto_verdict judge(const struct auto_vm *a)
{
	bool gain = false, harm = false, safe = true;
	struct auto_effect e;
	int s;

	for (s = 0; s < AUTO_SIGNAL_MAX; s++) {
		auto_effect(a, (enum auto_signal)s, &e);
		if (!auto_has(a, &e))
			continue;
		harm |= e.low > limits[s].harm;
		safe &= e.high < limits[s].no_harm;
		gain |= e.high < limits[s].gain;
	}
	if (harm)
		return AUTO_VERDICT_HARM;
	if (gain && safe)
		return AUTO_VERDICT_GAIN;
	return a->pairs == AUTO_MAX_PAIRS ? AUTO_VERDICT_NO_GAIN : AUTO_NONE;
}

static bool is_look(unsigned int pairs)
{
	size_t i;

	for (i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		if (looks[i] == pairs)
			return true;
	return false;
}

static bool end_pair(struct auto_vm *a, const struct auto_counters *second, uint64_t second_ms,
		     const struct auto_times *times, uint64_t now_ms)
{
	enum auto_verdict verdict = AUTO_NONE;

	if (a->first.spins + second->spins < AUTO_MIN_SPINS) {
		if (++a->voids >= AUTO_MAX_VOID)
			verdict = AUTO_VERDICT_IDLE;
	} else {
		a->voids = 0;
		if (a->first_active)
			add_pair(a, &a->first, a->first_ms, second, second_ms);
		else
			add_pair(a, second, second_ms, &a->first, a->first_ms);
		if (is_look(a->pairs))
			verdict = judge(a);
	}
	if (verdict != AUTO_NONE)
		return conclude(a, verdict, times, now_ms);
	begin_pair(a);
	return false;
}

static bool step_trial(struct auto_vm *a, const struct auto_counters *grown, uint64_t ms,
		       const struct auto_times *times, uint64_t now_ms)
{
	if (a->second)
		return end_pair(a, grown, ms, times, now_ms);
	a->first = *grown;
	a->first_ms = ms;
	a->first_active = a->active;
	a->second = true;
	a->active = !a->active;
	return false;
}

static bool step(struct auto_vm *a, const struct auto_counters *grown, uint64_t ms,
		 const struct auto_times *times, uint64_t now_ms)
{
	switch (a->state) {
	case AUTO_WATCH:
		return grown->chances >= AUTO_MIN_CHANCES && grown->spins >= AUTO_MIN_SPINS &&
		       enter(a, AUTO_TRIAL, now_ms);
	case AUTO_TRIAL:
		return step_trial(a, grown, ms, times, now_ms);
	case AUTO_ACTIVE:
		return now_ms >= a->next_ms && enter(a, AUTO_TRIAL, now_ms);
	case AUTO_REST:
		/* By way of watching: perhaps there is nothing to try any more. */
		return now_ms >= a->next_ms && enter(a, AUTO_WATCH, now_ms);
	case AUTO_STATE_MAX:
		break;
	}
	return false;
}

bool auto_step(struct auto_vm *a, const struct auto_counters *now, const struct auto_times *times,
	       uint64_t now_ms)
{
	struct auto_counters grown;
	bool changed = false;

	if (!auto_due(a, now_ms))
		return false;
	if (a->primed && growth(&a->start, now, &grown))
		changed = step(a, &grown, now_ms - a->start_ms, times, now_ms);
	else if (a->state == AUTO_TRIAL)
		begin_pair(a);
	begin_window(a, now, times, now_ms);
	return changed;
}
