/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef AUTO_H
#define AUTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pairs after which the evidence is looked at; after the last there is a verdict. */
#define AUTO_MAX_PAIRS 24

/* Fewer spins in both windows of a pair, and the pair tells nothing. */
#define AUTO_MIN_SPINS 20

/* So many such pairs one after the other end a trial. */
#define AUTO_MAX_VOID 5

/* In a window of watching, so many chances to act begin a trial. */
#define AUTO_MIN_CHANCES 10

/* Fewer IPIs in one window of a pair, and they do not tell how much work was done in it. */
#define AUTO_MIN_IPIS 100

/* Gain: the whole interval below -2 %. Harm: above +5 %. No harm: below +10 %. */
#define AUTO_GAIN    (-0.0202)
#define AUTO_HARM    0.0488
#define AUTO_NO_HARM 0.0953

/* Of the work done these are too much: it is what the VM is there for. +2 % and +5 %. */
#define AUTO_WORK_HARM	  0.0198
#define AUTO_WORK_NO_HARM 0.0488

/* The time to the next probe doubles with the same verdict, up to so many times. */
#define AUTO_MAX_BACKOFF 8

enum auto_state {
	AUTO_WATCH, /* observing; too little happens to try anything */
	AUTO_TRIAL, /* active and observe in turns */
	AUTO_ACTIVE, /* gain was shown, harm was excluded */
	AUTO_REST, /* observing: gain was not shown, or harm was */
	AUTO_STATE_MAX
};

enum auto_verdict {
	AUTO_NONE,
	AUTO_VERDICT_GAIN,
	AUTO_VERDICT_HARM,
	AUTO_VERDICT_NO_GAIN,
	AUTO_VERDICT_IDLE,
	AUTO_VERDICT_MAX
};

enum auto_signal {
	AUTO_SPINS, /* spin exits per IPI, or per second of the VM's CPU time */
	AUTO_ANSWER, /* mean time from an IPI to its answer */
	AUTO_WORK, /* CPU time for each IPI it sends, as a measure of what it gets done */
	AUTO_NEIGHBOURS, /* waiting for a CPU per second of CPU time, other VMs that hardly spin */
	AUTO_SIGNAL_MAX
};

/**
 * struct auto_counters - what the host sees of a VM, since some fixed moment
 * @spins: spin exits
 * @ipi_spins: those of a vCPU that waits for the answer to an IPI
 * @ipis: IPIs sent
 * @answers: IPIs answered
 * @answer_ns: the time that took
 * @chances: yields made, or that would have been made
 * @ran: yields whose target ran
 * @failed: yields whose target did not
 * @cpu_ns: CPU time of the VM's process, 0 if unknown
 * @wait_ns: its time of waiting for a CPU
 * @others_cpu_ns: CPU time of all other VMs, while they are witnesses, see witness.h
 * @others_wait_ns: time in which they waited for a CPU
 */
struct auto_counters {
	uint64_t spins;
	uint64_t ipi_spins;
	uint64_t ipis;
	uint64_t answers;
	uint64_t answer_ns;
	uint64_t chances;
	uint64_t ran;
	uint64_t failed;
	uint64_t cpu_ns;
	uint64_t wait_ns;
	uint64_t others_cpu_ns;
	uint64_t others_wait_ns;
};

/**
 * struct auto_effect - what active changes about one signal
 * @n: pairs that have it
 * @mean: mean of ln(active / observe); below 0 is better
 * @low: lower end of the 99 % confidence interval
 * @high: upper end
 */
struct auto_effect {
	unsigned int n;
	double mean;
	double low;
	double high;
};

/**
 * struct auto_vm - the trial of one VM
 * @state: where it stands
 * @verdict: of the last trial
 * @since_ms: begin of @state
 * @until_ms: end of the window
 * @next_ms: ACTIVE, REST: time of the next trial
 * @backoff: 1..AUTO_MAX_BACKOFF
 * @active: the window that runs is active
 * @second: it is the second of its pair
 * @primed: @start is valid
 * @start: counters at its begin
 * @start_ms: its begin
 * @first: what grew in the first window of the pair
 * @first_ms: how long that was
 * @first_active: it was active
 * @diff: of every pair and signal, ln(active / observe); NaN: not known
 * @pairs: used rows of @diff
 * @voids: pairs without meaning, one after the other
 * @ran: in the active windows of the trial
 * @failed: in the active windows of the trial
 * @rng: state of the dice, not 0
 */
struct auto_vm {
	enum auto_state state;
	enum auto_verdict verdict;
	uint64_t since_ms;
	uint64_t until_ms;
	uint64_t next_ms;
	unsigned int backoff;
	bool active;
	bool second;
	bool primed;
	struct auto_counters start;
	uint64_t start_ms;
	struct auto_counters first;
	uint64_t first_ms;
	bool first_active;
	double diff[AUTO_MAX_PAIRS][AUTO_SIGNAL_MAX];
	unsigned int pairs;
	unsigned int voids;
	uint64_t ran;
	uint64_t failed;
	uint64_t rng;
};

/**
 * struct auto_times - what the configuration says
 * @window_ms: mean length of a window; each is 0.5 to 1.5 times as long
 * @probe_ms: from a verdict to the next trial
 */
struct auto_times {
	uint64_t window_ms;
	uint64_t probe_ms;
};

/**
 * auto_init() - begin to watch
 * @a: overwritten
 * @seed: of the dice; different for every VM
 * @now_ms: any clock that only goes forward
 */
void auto_init(struct auto_vm *a, uint64_t seed, uint64_t now_ms);

/**
 * auto_due() - does auto_step() want fresh counters
 * @a: the trial
 * @now_ms: as always
 *
 * Return: true at the end of a window.
 */
bool auto_due(const struct auto_vm *a, uint64_t now_ms);

/**
 * auto_step() - a window has ended
 * @a: the trial, see auto_due()
 * @now: counters as they are; any that went back makes the pair void
 * @times: of the configuration
 * @now_ms: as always
 *
 * Return: true when the state changed.
 */
bool auto_step(struct auto_vm *a, const struct auto_counters *now, const struct auto_times *times,
	       uint64_t now_ms);

/* Shall the VM be active now? */
static inline bool auto_is_active(const struct auto_vm *a)
{
	return a->state == AUTO_ACTIVE || (a->state == AUTO_TRIAL && a->active);
}

/**
 * auto_effect() - the evidence of the running or the last trial
 * @a: the trial
 * @signal: which
 * @ret: overwritten; the interval is infinite with fewer than two pairs
 */
void auto_effect(const struct auto_vm *a, enum auto_signal signal, struct auto_effect *ret);

/* Most pairs have the signal: one without neighbours, or without IPIs, says nothing. */
static inline bool auto_has(const struct auto_vm *a, const struct auto_effect *e)
{
	return e->n && e->n * 2 >= a->pairs;
}

/* "watch", "trial", "active", "rest"; "gain", "harm", "no gain", "idle", "none". */
const char *auto_state_str(enum auto_state state);
const char *auto_verdict_str(enum auto_verdict verdict);
const char *auto_signal_str(enum auto_signal signal);

#endif /* AUTO_H */
