// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Prometheus text file. Pure: structs in, text out.
 *
 * node_exporter drops a whole file over one bad line, and the names in it come
 * from whoever starts VMs: no label is written but through put_label().
 */
#include "prom.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/counter.h"
#include "lib/hist.h"
#include "lib/units.h"

/* Below 2 us an answer is as good as none: fewer series per VM. */
#define FIRST_BUCKET 10

void prom_buf_free(struct prom_buf *buf)
{
	if (!buf)
		return;
	free(buf->data);
	memset(buf, 0, sizeof(*buf));
}

static bool reserve(struct prom_buf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 4096;
	char *data;

	if (b->failed)
		return false;
	while (cap - b->len < more)
		cap *= 2;
	if (cap == b->cap)
		return true;
	data = realloc(b->data, cap);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->cap = cap;
	return true;
}

static void put_bytes(struct prom_buf *b, const char *s, size_t n)
{
	if (!reserve(b, n))
		return;
	memcpy(b->data + b->len, s, n);
	b->len += n;
}

__attribute__((format(printf, 2, 3))) static void put(struct prom_buf *b, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		put_bytes(b, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static void put_text(struct prom_buf *b, const char *s)
{
	put_bytes(b, s, strlen(s));
}

/* Most of the file is numbers: no printf for those of each VM. */
static void put_u64(struct prom_buf *b, uint64_t value)
{
	char text[20];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	put_bytes(b, text + at, sizeof(text) - at);
}

/* Bytes of the UTF-8 character at @s, 0 when it is none. */
static size_t utf8_len(const unsigned char *s, size_t left)
{
	size_t i, n = s[0] < 0x80	? 1
		      : s[0] >> 5 == 6	? 2
		      : s[0] >> 4 == 14 ? 3
		      : s[0] >> 3 == 30 ? 4
					: 0;
	uint32_t c;

	if (!n || n > left)
		return 0;
	if (n == 1)
		return 1;
	c = s[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < (n == 2	  ? 0x80u
		 : n == 3 ? 0x800u
			  : 0x10000u) ||
	    c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return n;
}

/* Of C0 and C1: legal in a label, but the file may meet a terminal. */
static bool is_control(const unsigned char *s, size_t n)
{
	return n == 1 ? *s < 0x20 || *s == 0x7f : n == 2 && s[0] == 0xc2 && s[1] < 0xa0;
}

static void put_value(struct prom_buf *b, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;
	size_t left = strnlen(value, PROM_LABEL_MAX + 4), used = 0;

	/* What nearly every name is made of needs no second look. */
	while (used < left && used < PROM_LABEL_MAX && isalnum(s[used]))
		used++;
	put_bytes(b, value, used);
	s += used;
	left -= used;
	while (left) {
		size_t n = utf8_len(s, left), step = n ? n : 1;

		if (used + step > PROM_LABEL_MAX)
			break;
		if (*s == '\n')
			put_bytes(b, "\\n", 2);
		else if (!n || is_control(s, n))
			put_bytes(b, "\xef\xbf\xbd", 3);
		else if (*s == '"' || *s == '\\')
			put(b, "\\%c", *s);
		else
			put_bytes(b, (const char *)s, n);
		s += step;
		left -= step;
		used += step;
	}
}

static void put_label(struct prom_buf *b, const char *name, const char *value)
{
	put_text(b, name);
	put_text(b, "=\"");
	put_value(b, value);
	put_text(b, "\"");
}

/* Nanoseconds as seconds, exactly. */
static void put_seconds(struct prom_buf *b, uint64_t ns)
{
	put(b, "%llu.%09llu", ns / UNIT_NSEC_PER_SEC, ns % UNIT_NSEC_PER_SEC);
}

/* "NAMESUFFIX{vm=..,vm_id=..": the caller closes the brace. */
static void begin_labels(struct prom_buf *b, const char *name, const char *suffix,
			 const struct vm *vm)
{
	put_text(b, name);
	put_text(b, suffix);
	put_text(b, "{");
	put_label(b, "vm", vm->name);
	put_text(b, ",vm_id=\"");
	if (vm->id)
		put_u64(b, vm->id);
	put_text(b, "\"");
}

static void begin_vm(struct prom_buf *b, const char *name, const char *suffix, const struct vm *vm)
{
	put_text(b, PROM_PREFIX);
	begin_labels(b, name, suffix, vm);
}

struct family {
	const char *name;
	const char *type;
	const char *help;
	void (*put)(struct prom_buf *b, const struct family *f, const struct prom_input *in);
};

static void put_build_info(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	put(b, PROM_PREFIX "%s{", f->name);
	put_label(b, "version", in->version);
	put(b, ",");
	put_label(b, "module_version", in->module_up ? in->info->version : "");
	put(b, ",abi=\"%u\"} 1\n", VCPU_DEBOOST_ABI);
}

static void put_module_up(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	put(b, PROM_PREFIX "%s %d\n", f->name, in->module_up);
}

static void put_armed(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	if (in->module_up)
		put(b, PROM_PREFIX "%s %d\n", f->name, !!in->info->armed);
}

static void put_mode(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	uint32_t m;

	for (m = 0; in->module_up && m <= VCPU_DEBOOST_MODE_MAX; m++)
		put(b, PROM_PREFIX "%s{mode=\"%s\"} %d\n", f->name, vd_mode_name(m),
		    in->tuning->mode == m);
}

static void put_window(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	if (!in->module_up)
		return;
	put(b, PROM_PREFIX "%s ", f->name);
	put_seconds(b, in->tuning->window_ns);
	put(b, "\n");
}

static void put_vms(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	put(b, PROM_PREFIX "%s %zu\n", f->name, in->nr_vms);
}

static void put_vms_seen(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	if (in->module_up)
		put(b, PROM_PREFIX "%s %" PRIu64 "\n", f->name, in->info->vms_seen);
}

static void put_vms_refused(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	if (in->module_up)
		put(b, PROM_PREFIX "%s %" PRIu64 "\n", f->name, in->info->vms_refused);
}

static void put_fallbacks(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	if (in->module_up)
		put(b, PROM_PREFIX "%s %" PRIu64 "\n", f->name, in->info->fallbacks);
}

static void put_tripped(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	uint32_t kind;

	for (kind = 1; in->module_up && kind <= VCPU_DEBOOST_TRIP_MAX; kind++)
		put(b, PROM_PREFIX "%s{reason=\"%s\"} %d\n", f->name, vd_trip_name(kind),
		    in->info->trip.kind == kind);
}

static void put_trips(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	if (in->module_up)
		put(b, PROM_PREFIX "%s %" PRIu64 "\n", f->name, in->info->trips);
}

static void put_collected(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	if (in->collected_ms)
		put(b, PROM_PREFIX "%s %" PRIu64 ".%03" PRIu64 "\n", f->name,
		    in->collected_ms / 1000, in->collected_ms % 1000);
}

static void put_errors(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	put(b, PROM_PREFIX "%s %" PRIu64 "\n", f->name, in->collection_errors);
}

static void put_vm_info(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	size_t i;

	for (i = 0; i < in->nr_vms; i++) {
		const struct vm *vm = &in->vms[i];

		begin_vm(b, f->name, "", vm);
		put(b, ",");
		put_label(b, "uuid", vm->uuid);
		put(b, ",pid=\"%d\",", (int)vm->tgid);
		put_label(b, "cgroup", vm->cgroup);
		put(b, ",");
		put_label(b, "manager", cgname_kind_str(vm->manager));
		put(b, "} 1\n");
	}
}

static void put_vm_vcpus(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	size_t i;

	for (i = 0; i < in->nr_vms; i++) {
		if (!in->vms[i].id)
			continue;
		begin_vm(b, f->name, "", &in->vms[i]);
		put(b, "} %" PRIu32 "\n", in->vms[i].nr_vcpus);
	}
}

static void put_vm_mode(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	uint32_t m;
	size_t i;

	for (i = 0; i < in->nr_vms; i++) {
		if (!in->vms[i].id || !in->vms[i].tuning.have)
			continue;
		for (m = 0; m <= VCPU_DEBOOST_MODE_MAX; m++) {
			begin_vm(b, f->name, "", &in->vms[i]);
			put(b, ",mode=\"%s\"} %d\n", vd_mode_name(m), in->vms[i].tuning.mode == m);
		}
	}
}

static void put_vm_window(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	size_t i;

	for (i = 0; i < in->nr_vms; i++) {
		if (!in->vms[i].id || !in->vms[i].tuning.have)
			continue;
		begin_vm(b, f->name, "", &in->vms[i]);
		put(b, "} ");
		put_seconds(b, in->vms[i].tuning.window_ns);
		put(b, "\n");
	}
}

static void put_vm_auto(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	int state;
	size_t i;

	for (i = 0; i < in->nr_vms; i++) {
		const struct vm *vm = &in->vms[i];

		for (state = 0; vm->id && vm->steer.automatic && state < AUTO_STATE_MAX; state++) {
			begin_vm(b, f->name, "", vm);
			put(b, ",state=\"%s\"} %d\n", auto_state_str((enum auto_state)state),
			    vm->steer.trial.state == (enum auto_state)state);
		}
	}
}

/* The bounds of the buckets, once for all VMs. */
struct bounds {
	char text[VCPU_DEBOOST_HIST_BUCKETS][24];
};

static void fill_bounds(struct bounds *bounds)
{
	size_t k;

	for (k = FIRST_BUCKET; k < VCPU_DEBOOST_HIST_BUCKETS - 1; k++)
		snprintf(bounds->text[k], sizeof(bounds->text[k]), "%.10g",
			 (double)hist_upper_ns(k) / (double)UNIT_NSEC_PER_SEC);
}

/* Buckets are cumulative here. The last of the module's is open: +Inf. */
static void put_hist(struct prom_buf *b, const struct family *f, const struct vm *vm,
		     const struct bounds *bounds, const uint64_t *hist, uint64_t sum_ns)
{
	uint64_t sum = 0;
	size_t k;

	for (k = 0; k < VCPU_DEBOOST_HIST_BUCKETS; k++) {
		sum += hist[k];
		if (k < FIRST_BUCKET || k == VCPU_DEBOOST_HIST_BUCKETS - 1)
			continue;
		begin_vm(b, f->name, "_bucket", vm);
		put_text(b, ",le=\"");
		put_text(b, bounds->text[k]);
		put_text(b, "\"} ");
		put_u64(b, sum);
		put_text(b, "\n");
	}
	begin_vm(b, f->name, "_bucket", vm);
	put(b, ",le=\"+Inf\"} %" PRIu64 "\n", sum);
	begin_vm(b, f->name, "_sum", vm);
	put(b, "} ");
	put_seconds(b, sum_ns);
	put(b, "\n");
	begin_vm(b, f->name, "_count", vm);
	put(b, "} %" PRIu64 "\n", sum);
}

static void put_vm_answer(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	struct bounds bounds;
	size_t i;

	fill_bounds(&bounds);
	for (i = 0; i < in->nr_vms; i++)
		if (in->vms[i].id && in->vms[i].have_stats)
			put_hist(b, f, &in->vms[i], &bounds, in->vms[i].stats.answer_hist,
				 in->vms[i].stats.answer_ns);
}

static void put_vm_run(struct prom_buf *b, const struct family *f, const struct prom_input *in)
{
	struct bounds bounds;
	size_t i;

	fill_bounds(&bounds);
	for (i = 0; i < in->nr_vms; i++)
		if (in->vms[i].id && in->vms[i].have_stats)
			put_hist(b, f, &in->vms[i], &bounds, in->vms[i].stats.run_hist,
				 in->vms[i].stats.run_ns);
}

static const struct family families[] = {
	{ "build_info", "gauge", "Version of the daemon, of the module, and of their protocol.",
	  put_build_info },
	{ "module_up", "gauge", "1 when the kernel module is loaded and answers.", put_module_up },
	{ "hooks_armed", "gauge", "1 when the module has its hooks in place.", put_armed },
	{ "mode", "gauge", "1 for the mode of the host, 0 for the others.", put_mode },
	{ "window_seconds", "gauge", "Recency window of the host.", put_window },
	{ "vms", "gauge", "VMs known on this host, tracked by the module or not.", put_vms },
	{ "vms_seen_total", "counter", "VMs tracked since the module was loaded.", put_vms_seen },
	{ "vms_refused_total", "counter", "VMs that the module could not track.", put_vms_refused },
	{ "heartbeat_fallbacks_total", "counter",
	  "Times the module fell back to observing because no daemon was there.", put_fallbacks },
	{ "tripped", "gauge",
	  "1 for the reason why the breaker has stopped the module, 0 for the others.",
	  put_tripped },
	{ "trips_total", "counter", "Trips of the breaker since the module was loaded.",
	  put_trips },
	{ "last_collection_timestamp_seconds", "gauge",
	  "Unix time of the last look at the module that was answered, absence included.",
	  put_collected },
	{ "collection_errors_total", "counter", "Looks at the module that failed.", put_errors },
	{ "vm_info", "gauge", "One per VM. vm_id is empty for a VM that the module does not track.",
	  put_vm_info },
	{ "vm_vcpus", "gauge", "vCPUs of the VM that the module has seen.", put_vm_vcpus },
	{ "vm_mode", "gauge", "1 for the mode of the VM, 0 for the others.", put_vm_mode },
	{ "vm_window_seconds", "gauge", "Recency window of the VM.", put_vm_window },
	{ "vm_auto_state", "gauge",
	  "With mode = auto, 1 for the state of the VM: watch, trial, active or rest.",
	  put_vm_auto },
	{ "vm_ipi_answer_seconds", "histogram",
	  "Time from an IPI between two vCPUs to its end-of-interrupt.", put_vm_answer },
	{ "vm_yield_run_seconds", "histogram",
	  "Time from a yield to the moment when its target runs.", put_vm_run },
};

#define NR_FAMILIES (sizeof(families) / sizeof(families[0]))

static void put_counter(struct prom_buf *b, const struct counter *c, const struct prom_input *in)
{
	size_t i;

	put(b, "# HELP " PROM_PREFIX "vm_%s_total %s.\n", c->name, c->help);
	put(b, "# TYPE " PROM_PREFIX "vm_%s_total counter\n", c->name);
	for (i = 0; i < in->nr_vms; i++) {
		const struct vm *vm = &in->vms[i];

		if (!vm->id || !vm->have_stats)
			continue;
		put_text(b, PROM_PREFIX "vm_");
		begin_labels(b, c->name, "_total", vm);
		put_text(b, "} ");
		put_u64(b, counter_get(c, &vm->stats));
		put_text(b, "\n");
	}
}

int prom_render(struct prom_buf *buf, const struct prom_input *in)
{
	size_t i;

	buf->len = 0;
	buf->failed = false;
	for (i = 0; i < NR_FAMILIES; i++) {
		const struct family *f = &families[i];

		put(buf, "# HELP " PROM_PREFIX "%s %s\n", f->name, f->help);
		put(buf, "# TYPE " PROM_PREFIX "%s %s\n", f->name, f->type);
		f->put(buf, f, in);
	}
	for (i = 0; i < nr_counters; i++)
		put_counter(buf, &counters[i], in);
	return buf->failed ? -ENOMEM : 0;
}

int prom_family_at(size_t i, char *name, size_t size, const char **ret_help)
{
	if (i < NR_FAMILIES) {
		snprintf(name, size, PROM_PREFIX "%s", families[i].name);
		*ret_help = families[i].help;
		return 0;
	}
	i -= NR_FAMILIES;
	if (i >= nr_counters)
		return -ENOENT;
	snprintf(name, size, PROM_PREFIX "vm_%s_total", counters[i].name);
	*ret_help = counters[i].help;
	return 0;
}
