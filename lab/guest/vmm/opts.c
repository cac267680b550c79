// SPDX-License-Identifier: GPL-2.0-only
/* The command line: one table says what there is, what it may be and what it does. */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "vdvm.h"

#define UNSET	UINT64_MAX

enum kind { KIND_FLAG, KIND_NUMBER, KIND_DURATION, KIND_CHOICE, KIND_TEXT };

struct opt_row {
	const char *name;
	enum kind kind;
	size_t offset;
	uint64_t min;
	uint64_t max;
	const char *arg;	/* for KIND_CHOICE: the words, '|' between them, counted from 0 */
	const char *help;
};

#define AT(field)	offsetof(struct opts, field)
#define SECONDS(n)	((n) * NSEC_PER_SEC)

static const struct opt_row rows[] = {
	{ "workload", KIND_TEXT, AT(workload_name), 0, 0, "NAME", "what the guest does (below)" },
	{ "vcpus", KIND_NUMBER, AT(vcpus), 1, VD_MAX_VCPUS, "N", "vCPUs [2]" },
	{ "name", KIND_TEXT, AT(name), 0, 0, "NAME", "name in the report [vm]" },
	{ "cs", KIND_DURATION, AT(cs_ns), 0, SECONDS(1), "TIME", "work in the critical section" },
	{ "ncs", KIND_DURATION, AT(ncs_ns), 1, SECONDS(1), "TIME", "mean work outside of it" },
	{ "spin-window", KIND_NUMBER, AT(spin_window), 1, 1ull << 32, "N",
	  "plain spin iterations before each PAUSE [250]" },
	{ "time", KIND_DURATION, AT(time_ns), 1, SECONDS(86400), "TIME",
	  "length of the run; limit of a finite workload [2s]" },
	{ "warmup", KIND_DURATION, AT(warmup_ns), 0, SECONDS(60), "TIME",
	  "the guest works this long before anything counts [100ms]" },
	{ "forever", KIND_FLAG, AT(forever), 0, 0, NULL, "run until SIGTERM or SIGINT" },
	{ "count", KIND_NUMBER, AT(count), 1, 1ull << 40, "N",
	  "operations of a finite workload [1000]" },
	{ "seed", KIND_NUMBER, AT(seed), 0, UINT64_MAX - 1, "N", "of all random choices [1]" },
	{ "vector", KIND_NUMBER, AT(vector), 32, 254, "N", "IPI vector [236]" },
	{ "apic", KIND_CHOICE, AT(apic), 0, 0, "x2apic|xapic|none",
	  "APIC access: MSRs or MMIO, or no APIC in the kernel [x2apic]" },
	{ "eoi", KIND_CHOICE, AT(eoi), 0, 0, "first|last",
	  "EOI before the answer, as Linux does, or after it [first]" },
	{ "pv", KIND_FLAG, AT(pv), 0, 0, NULL,
	  "show KVM's paravirtual CPUID leaves, send IPIs by hypercall" },
	{ "pv-eoi", KIND_FLAG, AT(pv_eoi), 0, 0, NULL, "end interrupts as KVM's guests may" },
	{ "send", KIND_CHOICE, AT(send), 0, 0,
	  "unicast|multicast|all|allbutself|self|selfmsr|pv|hyperv",
	  "how the workload broadcast sends [unicast]" },
	{ "id-stride", KIND_NUMBER, AT(id_stride), 1, 8, "N", "APIC id of vCPU n is n * N [1]" },
	{ "idle", KIND_FLAG, AT(idle), 0, 0, NULL, "vCPUs that would compute halt instead" },
	{ "pin", KIND_FLAG, AT(pin), 0, 0, NULL, "vCPU n runs on CPU n of the host only" },
	{ "cgroup", KIND_TEXT, AT(cgroup), 0, 0, "PATH",
	  "run in this cgroup (v2, or v1 cpu), created and removed; parents stay" },
	{ "cgroup-per-vcpu", KIND_FLAG, AT(per_vcpu), 0, 0, NULL,
	  "libvirt's layout below it: libvirt/emulator, libvirt/vcpuN" },
	{ "barrier", KIND_TEXT, AT(barrier), 0, 0, "FILE",
	  "start and stop together with the other users of FILE" },
	{ "parties", KIND_NUMBER, AT(parties), 1, 1024, "N", "VMs at the barrier" },
	{ "linger", KIND_DURATION, AT(linger_ns), 0, SECONDS(3600), "TIME",
	  "keep the idle VM that long after the report, or until SIGTERM [0s]" },
	{ "json", KIND_FLAG, AT(json), 0, 0, NULL, "report as one line of JSON" },
};

static const struct workload {
	const char *name;
	uint64_t min_vcpus;
	uint64_t cs_ns;
	uint64_t ncs_ns;
	bool finite;
	const char *help;
} workloads[] = {
#define VD_ROW(name, min, cs, ncs, finite, help)	{ #name, min, cs, ncs, finite, help },
	VD_WORKLOADS(VD_ROW)
#undef VD_ROW
};

static void usage(void)
{
	char left[48];
	size_t i;

	printf("Usage: vdvm --workload NAME [OPTION]...\n"
	       "One KVM virtual machine with a guest that waits for itself; reports how long.\n\n"
	       "Options (TIME is a number with ns, us, ms or s):\n");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].arg ? " " : "",
			 rows[i].arg ? rows[i].arg : "");
		printf("  %-22s %s\n", left, rows[i].help);
	}
	printf("\nWorkloads (default cs, ncs in us):\n");
	for (i = 0; i < VD_WL_MAX; i++)
		printf("  %-10s %s (%llu, %llu)\n", workloads[i].name, workloads[i].help,
		       (unsigned long long)workloads[i].cs_ns / 1000,
		       (unsigned long long)workloads[i].ncs_ns / 1000);
}

static int bad_value(const struct opt_row *row, const char *value, const char *why)
{
	fprintf(stderr, "vdvm: --%s %s: %s\n", row->name, value, why);
	return -EINVAL;
}

static int parse_number(const char *text, uint64_t *ret_number)
{
	unsigned long long number;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (*end)
		return -EINVAL;
	if (errno)
		return -ERANGE;
	*ret_number = number;
	return 0;
}

static int parse_choice(const char *words, const char *text, uint64_t *ret_index)
{
	size_t length = strlen(text);
	uint64_t index = 0;

	for (;; index++) {
		size_t word = strcspn(words, "|");

		if (word == length && !strncmp(words, text, length)) {
			*ret_index = index;
			return 0;
		}
		if (!words[word])
			return -EINVAL;
		words += word + 1;
	}
}

static int store(const struct opt_row *row, struct opts *opts, const char *value)
{
	void *field = (char *)opts + row->offset;
	uint64_t number = 1;
	char why[128];
	int r = 0;

	switch (row->kind) {
	case KIND_TEXT:
		*(const char **)field = value;
		return *value ? 0 : bad_value(row, value, "must not be empty");
	case KIND_CHOICE:
		r = parse_choice(row->arg, value, &number);
		snprintf(why, sizeof(why), "expected one of %s", row->arg);
		break;
	case KIND_DURATION:
		r = duration_parse(value, &number);
		snprintf(why, sizeof(why), "a duration needs a number and a unit: ns, us, ms or s");
		break;
	case KIND_NUMBER:
		r = parse_number(value, &number);
		snprintf(why, sizeof(why), "expected a whole number");
		break;
	case KIND_FLAG:
		break;
	}
	if (r == -EINVAL)
		return bad_value(row, value, why);
	if (r || (row->max && (number < row->min || number > row->max))) {
		snprintf(why, sizeof(why), "out of range %llu..%llu%s",
			 (unsigned long long)row->min, (unsigned long long)row->max,
			 row->kind == KIND_DURATION ? " ns" : "");
		return bad_value(row, value, why);
	}
	*(uint64_t *)field = number;
	return 0;
}

static int find_workload(struct opts *opts)
{
	const struct workload *w;
	size_t i;

	if (!opts->workload_name) {
		fprintf(stderr, "vdvm: --workload is missing; vdvm --help lists them\n");
		return -EINVAL;
	}
	for (i = 0; i < VD_WL_MAX && strcmp(workloads[i].name, opts->workload_name); i++)
		;
	if (i == VD_WL_MAX) {
		fprintf(stderr, "vdvm: no workload '%s'; vdvm --help lists them\n",
			opts->workload_name);
		return -EINVAL;
	}
	w = &workloads[i];
	opts->workload = i;
	if (opts->cs_ns == UNSET)
		opts->cs_ns = w->cs_ns;
	if (opts->ncs_ns == UNSET)
		opts->ncs_ns = w->ncs_ns;
	if (opts->vcpus < w->min_vcpus) {
		fprintf(stderr, "vdvm: workload '%s' needs at least %llu vCPUs\n", w->name,
			(unsigned long long)w->min_vcpus);
		return -EINVAL;
	}
	return 0;
}

static int check_together(const struct opts *opts)
{
	const char *wrong = NULL;

	if (opts->per_vcpu && !opts->cgroup)
		wrong = "--cgroup-per-vcpu needs --cgroup PATH";
	else if (opts->barrier && opts->parties < 1)
		wrong = "--barrier needs --parties N";
	else if (!opts->barrier && opts->parties)
		wrong = "--parties needs --barrier FILE";
	else if (opts->send == VD_SEND_pv && !opts->pv)
		wrong = "--send pv needs --pv";
	else if (opts->pv && opts->id_stride > 1)
		wrong = "--pv cannot send with --id-stride";
	else if (opts->apic == APIC_XAPIC && opts->vcpus * opts->id_stride > 255)
		wrong = "--apic xapic has 8 bits for an id";
	else if (opts->forever && workload_finite(opts))
		wrong = "a finite workload cannot run --forever";
	if (!wrong)
		return 0;
	fprintf(stderr, "vdvm: %s\n", wrong);
	return -EINVAL;
}

bool workload_finite(const struct opts *opts)
{
	return workloads[opts->workload].finite;
}

int opts_parse(struct opts *opts, int argc, char **argv)
{
	const struct opt_row *row;
	size_t n;
	int i, r;

	*opts = (struct opts){
		.name = "vm", .vcpus = 2, .vector = 236, .spin_window = 250, .count = 1000,
		.cs_ns = UNSET, .ncs_ns = UNSET, .seed = 1, .id_stride = 1,
		.warmup_ns = NSEC_PER_SEC / 10, .time_ns = SECONDS(2),
	};
	for (i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (!strcmp(word, "--help")) {
			usage();
			return 1;
		}
		row = NULL;
		for (n = 0; !strncmp(word, "--", 2) && n < sizeof(rows) / sizeof(rows[0]); n++)
			if (!strcmp(word + 2, rows[n].name))
				row = &rows[n];
		if (!row) {
			fprintf(stderr, "vdvm: unknown option '%s'; try vdvm --help\n", word);
			return -EINVAL;
		}
		if (row->kind != KIND_FLAG && ++i == argc) {
			fprintf(stderr, "vdvm: %s needs a value (%s)\n", word, row->arg);
			return -EINVAL;
		}
		r = store(row, opts, argv[i]);
		if (r)
			return r;
	}
	r = find_workload(opts);
	return r ? r : check_together(opts);
}
