// SPDX-License-Identifier: GPL-2.0-only
/* mode = auto, over hours of made-up VMs: who ends active, and who must not. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "daemon/auto.h"
#include "daemon/witness.h"

#define WINDOW_MS 2000
#define PROBE_MS  600000
#define HOUR_MS	  3600000ULL
#define TICK_MS	  1000

static const struct auto_times times = { .window_ms = WINDOW_MS, .probe_ms = PROBE_MS };

static uint64_t seed = 1;

/* Roughly normal, mean 0, deviation 1. */
static double noise(void)
{
	double sum = -6;
	int i;

	for (i = 0; i < 12; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		sum += (double)(seed >> 40) / (double)(1 << 24);
	}
	return sum;
}

/**
 * struct guest - a VM as the host sees it
 * @spins: per second
 * @effect: of active on its spins and answers, as a factor
 * @neighbours: of active on the others' waiting, as a factor
 * @spread: relative deviation from second to second
 * @alone: no other VM, and CPU times are not known
 * @ipis: sent per second of CPU time
 * @done: of active on @ipis, as a factor
 * @asks: it spins for the answers to them
 * @wait: how long it waits for a CPU, per second of its CPU time
 */
struct guest {
	double spins, effect, neighbours, spread;
	double ipis, done, wait;
	bool asks;
	struct auto_counters c;
	struct auto_vm a;
	uint64_t now_ms;
	unsigned int changes;
	bool alone;
};

static void second(struct guest *g)
{
	bool active = auto_is_active(&g->a);
	double wobble = fmax(0.05, 1 + g->spread * noise());
	double spins = g->spins * wobble * (active ? g->effect : 1);
	double ipis;

	g->c.spins += (uint64_t)spins;
	g->c.chances += (uint64_t)(spins / 2);
	ipis = g->ipis * fmax(0.05, 1 + 0.02 * noise()) * (active && g->done > 0 ? g->done : 1);
	g->c.ipis += (uint64_t)ipis;
	g->c.answers += (uint64_t)(g->asks ? ipis : g->spins / 4);
	g->c.answer_ns += (uint64_t)(spins * 100000);
	if (g->asks)
		g->c.ipi_spins += (uint64_t)spins;
	if (!g->alone) {
		g->c.cpu_ns += 900000000;
		g->c.wait_ns += (uint64_t)(9e8 * g->wait);
		g->c.others_cpu_ns += 500000000;
		g->c.others_wait_ns += (uint64_t)(1e8 * fmax(0.05, 1 + 0.1 * noise()) *
						  (active ? g->neighbours : 1));
	}
	g->now_ms += TICK_MS;
	if (auto_due(&g->a, g->now_ms))
		g->changes += auto_step(&g->a, &g->c, &times, g->now_ms);
}

static void run(struct guest *g, uint64_t ms)
{
	uint64_t end = g->now_ms + ms;

	while (g->now_ms < end)
		second(g);
}

/* Out of the trial that may run just now. */
static void settle(struct guest *g)
{
	int i;

	for (i = 0; i < 1000 && g->a.state == AUTO_TRIAL; i++)
		second(g);
	assert_int_not_equal(g->a.state, AUTO_TRIAL);
}

/* So long, and to the end of the trial that runs then. */
static void try_for(struct guest *g, uint64_t ms)
{
	run(g, ms);
	settle(g);
}

static struct guest guest(double spins, double effect, double neighbours, double spread)
{
	struct guest g = {
		.spins = spins, .effect = effect, .neighbours = neighbours, .spread = spread
	};

	auto_init(&g.a, (uint64_t)seed, 0);
	return g;
}

static void test_gain(void **state)
{
	struct guest g = guest(1000, 0.7, 1, 0.15);
	struct auto_effect e;

	(void)state;
	try_for(&g, 120000);
	assert_int_equal(g.a.state, AUTO_ACTIVE);
	assert_int_equal(g.a.verdict, AUTO_VERDICT_GAIN);
	auto_effect(&g.a, AUTO_SPINS, &e);
	assert_true(e.low < log(0.7) && log(0.7) < e.high);
	assert_true(e.high < AUTO_GAIN);
}

static void test_harm(void **state)
{
	struct guest g = guest(1000, 1.3, 1, 0.15);

	(void)state;
	try_for(&g, 120000);
	assert_int_equal(g.a.state, AUTO_REST);
	assert_int_equal(g.a.verdict, AUTO_VERDICT_HARM);
	assert_false(auto_is_active(&g.a));
}

/* Better for itself at the cost of others is no gain. */
static void test_harm_to_others(void **state)
{
	struct guest g = guest(1000, 0.6, 1.4, 0.1);

	(void)state;
	try_for(&g, 120000);
	assert_int_equal(g.a.verdict, AUTO_VERDICT_HARM);
}

/* Spins and answers get better while the guest gets less done: that is no gain. */
static void test_lost_work(void **state)
{
	struct guest g = guest(1000, 0.7, 1, 0.15);
	struct auto_effect e;

	(void)state;
	g.ipis = 1000;
	g.done = 0.9;
	try_for(&g, 120000);
	assert_int_equal(g.a.verdict, AUTO_VERDICT_HARM);
	auto_effect(&g.a, AUTO_WORK, &e);
	assert_true(fabs(e.mean - log(1 / 0.9)) < 0.02);
}

/* A loss too small to be certain of, but not excluded. */
static void test_work_in_doubt(void **state)
{
	struct guest g = guest(1000, 0.7, 1, 0.15);

	(void)state;
	g.ipis = 1000;
	g.done = 1 / 1.06;
	try_for(&g, 200000);
	assert_int_not_equal(g.a.verdict, AUTO_VERDICT_GAIN);
	assert_int_equal(g.a.state, AUTO_REST);
}

/* With few IPIs there is no telling, and the other signals decide. */
static void test_few_ipis(void **state)
{
	struct guest g = guest(1000, 0.7, 1, 0.15);
	struct auto_effect e;

	(void)state;
	g.ipis = 20;
	g.done = 0.5;
	try_for(&g, 120000);
	assert_int_equal(g.a.verdict, AUTO_VERDICT_GAIN);
	auto_effect(&g.a, AUTO_WORK, &e);
	assert_int_equal(e.n, 0);
	assert_false(auto_has(&g.a, &e));
}

/* Who gets quick answers asks more often, and spins more per second but not per question. */
static void test_asks_more(void **state)
{
	struct guest g = guest(1000, 2, 1, 0.15);

	(void)state;
	g.ipis = 1000;
	g.done = 4;
	g.asks = true;
	try_for(&g, 120000);
	assert_int_equal(g.a.verdict, AUTO_VERDICT_GAIN);

	/* The same spins for something else are harm. */
	g = guest(1000, 2, 1, 0.15);
	g.ipis = 1000;
	g.done = 4;
	try_for(&g, 120000);
	assert_int_equal(g.a.verdict, AUTO_VERDICT_HARM);
}

/* Others lose what the VM gave away, but it still waits longer than they do. */
static void test_gift(void **state)
{
	struct guest g = guest(1000, 0.6, 1.4, 0.1);
	struct auto_effect e;

	(void)state;
	g.wait = 2;
	try_for(&g, 120000);
	assert_int_equal(g.a.verdict, AUTO_VERDICT_GAIN);
	auto_effect(&g.a, AUTO_NEIGHBOURS, &e);
	assert_true(e.n > 0 && e.mean <= 0);
}

static void test_witness(void **state)
{
	struct witness w = { 0 };

	(void)state;
	/* The first look only shows where it stands. */
	witness_look(&w, 5000000000, 1000000000, 700);
	assert_int_equal(w.cpu_ns, 0);
	assert_int_equal(w.wait_ns, 0);
	witness_look(&w, 6000000000, 1500000000, 700 + WITNESS_MAX_SPINS);
	assert_int_equal(w.cpu_ns, 1000000000);
	assert_int_equal(w.wait_ns, 500000000);
	/* It spins: nothing is counted, and nothing of it later. */
	witness_look(&w, 7000000000, 3500000000, 711 + 2 * WITNESS_MAX_SPINS);
	assert_int_equal(w.cpu_ns, 1000000000);
	witness_look(&w, 7500000000, 3600000000, 711 + 2 * WITNESS_MAX_SPINS);
	assert_int_equal(w.cpu_ns, 1500000000);
	assert_int_equal(w.wait_ns, 600000000);
	/* A thread has ended, counters began anew. */
	witness_look(&w, 7000000000, 3600000000, 740);
	witness_look(&w, 7100000000, 3500000000, 740);
	witness_look(&w, 7200000000, 3500000000, 3);
	assert_int_equal(w.cpu_ns, 1500000000);
	assert_int_equal(w.wait_ns, 600000000);
	/* Idle: no time, no spins. */
	witness_look(&w, 7200000000, 3500000000, 3);
	assert_int_equal(w.cpu_ns, 1500000000);
}

/* Of 200 VMs on which active does nothing at all, few are taken for gain. */
static void test_noise(void **state)
{
	int i, wrong = 0;

	(void)state;
	for (i = 0; i < 200; i++) {
		struct guest g = guest(500, 1, 1, 0.3);

		try_for(&g, 200000);
		wrong += g.a.verdict == AUTO_VERDICT_GAIN;
	}
	assert_in_range(wrong, 0, 8);
}

/* The load itself grows all the time: pairs are near each other in time. */
static void test_drift(void **state)
{
	struct guest g = guest(200, 0.7, 1, 0.1);
	int i;

	(void)state;
	for (i = 0; i < 150; i++) {
		second(&g);
		g.spins *= 1.01;
	}
	settle(&g);
	assert_int_equal(g.a.state, AUTO_ACTIVE);
}

/* What helped and then harms is left at the next probe; what helps again, taken up. */
static void test_stops(void **state)
{
	struct guest g = guest(1000, 0.7, 1, 0.15);

	(void)state;
	try_for(&g, HOUR_MS);
	assert_int_equal(g.a.state, AUTO_ACTIVE);
	g.effect = 1.2;
	try_for(&g, 3 * HOUR_MS);
	assert_int_not_equal(g.a.state, AUTO_ACTIVE);
	g.effect = 0.6;
	try_for(&g, 3 * HOUR_MS);
	assert_int_equal(g.a.state, AUTO_ACTIVE);
}

/* Probes get rare: in two days a steady VM is tried a few dozen times, not more. */
static void test_rare(void **state)
{
	struct guest g = guest(1000, 0.7, 1, 0.15);

	(void)state;
	run(&g, 48 * HOUR_MS);
	assert_in_range(g.changes, 2, 2 * (8 + 48));
	assert_int_equal(g.a.backoff, AUTO_MAX_BACKOFF);
}

static void test_idle(void **state)
{
	struct guest g = guest(3, 0.7, 1, 0.1);

	(void)state;
	run(&g, HOUR_MS);
	assert_int_equal(g.a.state, AUTO_WATCH);
	assert_int_equal(g.changes, 0);

	/* One that falls asleep in a trial. */
	g.spins = 1000;
	run(&g, 10000);
	assert_int_equal(g.a.state, AUTO_TRIAL);
	g.spins = 0;
	run(&g, 120000);
	assert_int_equal(g.a.state, AUTO_WATCH);
	assert_int_equal(g.a.verdict, AUTO_VERDICT_IDLE);
}

/* Counters that begin anew, every so often, void a pair and nothing else. */
static void test_reset(void **state)
{
	struct guest g = guest(1000, 0.7, 1, 0.15);
	int i;

	(void)state;
	for (i = 0; i < 300; i++) {
		second(&g);
		if (i % 20 == 19)
			memset(&g.c, 0, sizeof(g.c));
	}
	settle(&g);
	assert_int_equal(g.a.state, AUTO_ACTIVE);
}

/* Without neighbours, and without CPU times, the rest still counts. */
static void test_alone(void **state)
{
	struct guest g = guest(1000, 0.7, 1, 0.15);

	(void)state;
	g.alone = true;
	try_for(&g, 120000);
	assert_int_equal(g.a.state, AUTO_ACTIVE);
}

static void test_order_and_length_are_random(void **state)
{
	struct auto_vm a;
	struct auto_counters c = { 0 };
	uint64_t now = 0, min = UINT64_MAX, max = 0;
	int i, first = 0;

	(void)state;
	auto_init(&a, 7, 0);
	a.state = AUTO_TRIAL;
	for (i = 0; i < 2000; i++) {
		uint64_t before = now;

		now = a.until_ms > now ? a.until_ms : now + 1;
		c.spins += 1000 + (uint64_t)(100 * (1 + noise()));
		c.answers += 10;
		auto_step(&a, &c, &times, now);
		if (a.state != AUTO_TRIAL) {
			a.state = AUTO_TRIAL;
			a.pairs = 0;
		}
		first += !a.second && a.active;
		if (i > 1) {
			min = now - before < min ? now - before : min;
			max = now - before > max ? now - before : max;
		}
	}
	assert_in_range(first, 400, 600);
	assert_in_range(min, WINDOW_MS / 2, WINDOW_MS * 6 / 10);
	assert_in_range(max, WINDOW_MS * 14 / 10, WINDOW_MS * 3 / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gain),
		cmocka_unit_test(test_harm),
		cmocka_unit_test(test_harm_to_others),
		cmocka_unit_test(test_lost_work),
		cmocka_unit_test(test_work_in_doubt),
		cmocka_unit_test(test_few_ipis),
		cmocka_unit_test(test_asks_more),
		cmocka_unit_test(test_gift),
		cmocka_unit_test(test_witness),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_drift),
		cmocka_unit_test(test_stops),
		cmocka_unit_test(test_rare),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_order_and_length_are_random),
	};

	return cmocka_run_group_tests_name("daemon auto", tests, NULL, NULL);
}
