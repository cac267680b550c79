// SPDX-License-Identifier: GPL-2.0-only
/* The report: text for people, one line of JSON with integers for programs. */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "vdvm.h"

struct totals {
	uint64_t ops;
	uint64_t ops_min;
	uint64_t compute_ops;
	uint64_t off_cpu_max_ns;
	uint64_t ipis_sent;
	uint64_t requests_answered;
	uint64_t irqs;
	uint64_t commands;
	uint64_t eois;
	uint64_t pv_eois;
	uint64_t pauses;
	uint64_t cpu_ns;
	struct vd_hist ipi_wait;
	struct vd_hist lock_wait;
};

static void sum_up(const struct vm *vm, struct totals *totals)
{
	const struct vd_result *result;
	unsigned int i;

	memset(totals, 0, sizeof(*totals));
	totals->ops_min = UINT64_MAX;
	for (i = 0; i < vm->opts->vcpus; i++) {
		result = &vm->shared->result[i];
		totals->ops += result->ops;
		if (result->ops < totals->ops_min)
			totals->ops_min = result->ops;
		totals->compute_ops += result->compute_ops;
		if (result->off_cpu_max_ns > totals->off_cpu_max_ns)
			totals->off_cpu_max_ns = result->off_cpu_max_ns;
		totals->ipis_sent += result->ipis_sent;
		totals->requests_answered += result->requests_answered;
		totals->irqs += result->irqs;
		totals->commands += result->commands;
		totals->eois += result->eois;
		totals->pv_eois += result->pv_eois;
		totals->pauses += result->pauses;
		totals->cpu_ns += vm->vcpu[i].cpu_ns;
		vd_hist_merge(&totals->ipi_wait, &result->ipi_wait);
		vd_hist_merge(&totals->lock_wait, &result->lock_wait);
	}
}

static uint64_t mean(const struct vd_hist *h)
{
	return h->count ? h->sum / h->count : 0;
}

static void text_hist(FILE *out, const char *what, const struct vd_hist *h)
{
	if (!h->count)
		return;
	fprintf(out, "  %-10s %" PRIu64
		" waits: mean %.1f us, p50 %.1f us, p99 %.1f us, max %.1f us\n", what, h->count,
		(double)mean(h) / 1e3, (double)vd_hist_quantile(h, 500) / 1e3,
		(double)vd_hist_quantile(h, 990) / 1e3, (double)h->max / 1e3);
}

void report_text(FILE *out, const struct vm *vm, const struct timing *timing)
{
	const struct opts *opts = vm->opts;
	struct totals totals;
	unsigned int i;

	sum_up(vm, &totals);
	fprintf(out, "%s: %s, %" PRIu64 " vCPUs, %.3f s%s\n", opts->name, opts->workload_name,
		opts->vcpus, (double)timing->run_ns / 1e9,
		timing->interrupted ? " (interrupted)" : "");
	fprintf(out, "  operations %" PRIu64 " (per vCPU:", totals.ops);
	for (i = 0; i < opts->vcpus; i++)
		fprintf(out, " %" PRIu64, vm->shared->result[i].ops);
	fprintf(out, ")\n");
	if (totals.compute_ops)
		fprintf(out, "  compute    %" PRIu64 " steps, longest time off CPU %.1f ms\n",
			totals.compute_ops, (double)totals.off_cpu_max_ns / 1e6);
	text_hist(out, "IPI answer", &totals.ipi_wait);
	text_hist(out, "lock", &totals.lock_wait);
	fprintf(out, "  IPIs %" PRIu64 " sent, %" PRIu64 " answered in %" PRIu64
		" handler runs, %" PRIu64 " EOIs, %" PRIu64 " PAUSEs, CPU time %.3f s\n",
		totals.ipis_sent, totals.requests_answered, totals.irqs, totals.eois,
		totals.pauses, (double)totals.cpu_ns / 1e9);
}

static void json_string(FILE *out, const char *key, const char *text)
{
	fprintf(out, "\"%s\":\"", key);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			fprintf(out, "\\u%04x", (unsigned int)*text);
		else
			fputc(*text, out);
	}
	fprintf(out, "\",");
}

static void json_number(FILE *out, const char *key, uint64_t number)
{
	fprintf(out, "\"%s\":%" PRIu64 ",", key, number);
}

static void json_hist(FILE *out, const char *key, const struct vd_hist *h)
{
	fprintf(out, "\"%s\":{", key);
	json_number(out, "count", h->count);
	json_number(out, "sum_ns", h->sum);
	json_number(out, "mean_ns", mean(h));
	json_number(out, "p50_ns", vd_hist_quantile(h, 500));
	json_number(out, "p99_ns", vd_hist_quantile(h, 990));
	fprintf(out, "\"max_ns\":%" PRIu64 "},", h->max);
}

/* One array over the vCPUs of the number at @offset of @stride-sized objects. */
static void json_per_vcpu(FILE *out, const char *key, const void *first, size_t stride,
			  size_t offset, uint64_t vcpus)
{
	const char *at = (const char *)first + offset;
	uint64_t i;

	fprintf(out, "\"%s\":[", key);
	for (i = 0; i < vcpus; i++, at += stride)
		fprintf(out, "%s%" PRIu64, i ? "," : "", *(const uint64_t *)(const void *)at);
	fprintf(out, "],");
}

static void json_params(FILE *out, const struct vm *vm)
{
	const struct opts *opts = vm->opts;

	json_string(out, "name", opts->name);
	json_string(out, "workload", opts->workload_name);
	json_string(out, "apic", opts->apic == APIC_NONE	 ? "none"
				 : opts->apic == APIC_XAPIC ? "xapic" : "x2apic");
	json_string(out, "eoi", opts->eoi == EOI_LAST ? "last" : "first");
	json_string(out, "cgroup", opts->cgroup ? opts->cgroup : "");
	json_number(out, "cgroup_per_vcpu", opts->per_vcpu);
	json_number(out, "pv", opts->pv);
	json_number(out, "vcpus", opts->vcpus);
	json_number(out, "vector", opts->vector);
	json_number(out, "cs_ns", opts->cs_ns);
	json_number(out, "ncs_ns", opts->ncs_ns);
	json_number(out, "spin_window", opts->spin_window);
	json_number(out, "seed", opts->seed);
	json_number(out, "count", workload_finite(opts) ? opts->count : 0);
	json_number(out, "warmup_ns", opts->warmup_ns);
	json_number(out, "time_ns", opts->time_ns);
	json_number(out, "parties", opts->parties);
	json_number(out, "tsc_khz", vm->tsc_khz);
	json_number(out, "loop_ps", vm->shared->loop_ps);
}

#define JSON_RESULTS(field) \
	json_per_vcpu(out, #field "_vcpu", vm->shared->result, sizeof(struct vd_result), \
		      offsetof(struct vd_result, field), vm->opts->vcpus)

void report_json(FILE *out, const struct vm *vm, const struct timing *timing)
{
	struct totals totals;

	sum_up(vm, &totals);
	fputc('{', out);
	json_params(out, vm);
	json_number(out, "run_start_ns", timing->run_start_ns);
	json_number(out, "run_ns", timing->run_ns);
	json_number(out, "realtime", timing->realtime);
	json_number(out, "interrupted", timing->interrupted);
	json_number(out, "ops", totals.ops);
	json_number(out, "ops_min", totals.ops_min);
	JSON_RESULTS(ops);
	json_number(out, "compute_ops", totals.compute_ops);
	JSON_RESULTS(compute_ops);
	json_number(out, "off_cpu_max_ns", totals.off_cpu_max_ns);
	JSON_RESULTS(off_cpu_max_ns);
	json_number(out, "cpu_ns", totals.cpu_ns);
	json_per_vcpu(out, "cpu_ns_vcpu", vm->vcpu, sizeof(struct vcpu),
		      offsetof(struct vcpu, cpu_ns), vm->opts->vcpus);
	json_hist(out, "ipi_wait", &totals.ipi_wait);
	json_hist(out, "lock_wait", &totals.lock_wait);
	json_number(out, "ipis_sent", totals.ipis_sent);
	json_number(out, "requests_answered", totals.requests_answered);
	json_number(out, "irqs", totals.irqs);
	json_number(out, "commands", totals.commands);
	json_number(out, "eois", totals.eois);
	json_number(out, "pv_eois", totals.pv_eois);
	fprintf(out, "\"pauses\":%" PRIu64 "}\n", totals.pauses);
}
