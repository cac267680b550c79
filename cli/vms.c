// SPDX-License-Identifier: GPL-2.0-only
#include "cli/vms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/mem.h"
#include "cli/out.h"
#include "cli/proc.h"
#include "lib/units.h"

/* Ids that an ambiguous name is answered with. */
#define AMBIGUOUS_SHOWN 10

void vm_list_free(struct vm_list *list)
{
	free(list->rows);
	*list = (struct vm_list){ 0 };
}

static int take_vm(const struct vd_msg *msg, void *arg)
{
	struct vm_list *list = arg;
	struct vm_row *row;

	if (!msg) {
		list->nr = 0;
		return 0;
	}
	if (list->nr == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 16;
		list->rows = xreallocarray(list->rows, list->cap, sizeof(list->rows[0]));
	}
	row = &list->rows[list->nr++];
	memset(row, 0, sizeof(*row));
	row->vm = msg->vm;
	if (msg->have & VD_BIT(VCPU_DEBOOST_A_TUNING))
		row->tuning = msg->tuning;
	return 0;
}

static int take_stats(const struct vd_msg *msg, void *arg)
{
	struct vm_list *list = arg;

	for (size_t i = 0; msg && i < list->nr; i++)
		if (list->rows[i].vm.id == msg->vm_id)
			list->rows[i].stats = msg->stats;
	return 0;
}

/* What the dump did not say; drops the VMs that have ended since. */
static int complete(struct vdnl *client, struct vm_list *list)
{
	size_t kept = 0;
	int r;

	for (size_t i = 0; i < list->nr; i++) {
		struct vm_row *row = &list->rows[i];

		if (!row->tuning.have) {
			r = vdnl_tuning_get(client, row->vm.id, &row->tuning);
			if (r == -ENOENT)
				continue;
			if (r < 0)
				return r;
		}
		proc_vm_name(&row->vm, row->name, sizeof(row->name));
		if (kept != i)
			list->rows[kept] = *row;
		kept++;
	}
	list->nr = kept;
	return 0;
}

int vm_list_load(struct vdnl *client, bool with_stats, struct vm_list *ret_list)
{
	struct vm_list list = { 0 };
	int r;

	r = vdnl_vms_dump(client, take_vm, &list);
	if (r >= 0 && with_stats)
		r = vdnl_stats_dump(client, take_stats, &list);
	if (r >= 0)
		r = complete(client, &list);
	if (r < 0) {
		vm_list_free(&list);
		return r;
	}
	*ret_list = list;
	return 0;
}

static const char *after(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(text, prefix, n) ? NULL : text + n;
}

static bool is_number(const char *text, uint32_t number)
{
	uint32_t value;

	return !unit_parse_u32(text, 0, UINT32_MAX, &value) && value == number;
}

bool vm_match(const struct vm_row *row, const char *spec)
{
	const char *rest;

	if ((rest = after(spec, "id:")))
		return is_number(rest, row->vm.id);
	if ((rest = after(spec, "pid:")))
		return is_number(rest, row->vm.tgid);
	if ((rest = after(spec, "name:")))
		return !strcmp(row->name, rest);
	return !strcmp(row->name, spec) || is_number(spec, row->vm.id) ||
	       is_number(spec, row->vm.tgid);
}

static int fail_ambiguous(const struct ctx *ctx, const struct vm_list *list, size_t matches,
			  const char *spec)
{
	char *ids = xasprintf("%s", "");
	size_t shown = 0;
	int code;

	for (size_t i = 0; i < list->nr && shown < AMBIGUOUS_SHOWN; i++) {
		const struct vm_row *row = &list->rows[i];
		char *more;

		if (!vm_match(row, ctx->vm))
			continue;
		more = xasprintf("%s%s%u (pid %u)", ids, shown ? ", " : "", row->vm.id,
				 row->vm.tgid);
		free(ids);
		ids = more;
		shown++;
	}
	code = fail(ctx, EXIT_NO_VM, "%zu VMs answer to \"%s\": id %s%s; name one with --vm id:N",
		    matches, spec, ids, shown < matches ? ", ..." : "");
	free(ids);
	return code;
}

int vm_resolve(struct ctx *ctx, struct vm_row *ret_row)
{
	size_t matches = 0, found = 0;
	struct vm_list list = { 0 };
	char spec[VMNAME_SIZE];
	int r, code = EXIT_OK;

	r = vm_list_load(ctx->client, false, &list);
	if (r < 0)
		return fail_client(ctx, "cannot list the VMs", r);
	for (size_t i = 0; i < list.nr; i++) {
		if (!vm_match(&list.rows[i], ctx->vm))
			continue;
		found = i;
		matches++;
	}

	vmname_sanitize(ctx->vm, strlen(ctx->vm), spec, sizeof(spec));
	if (!matches)
		code = fail(ctx, EXIT_NO_VM, "there is no VM \"%s\"; `vdctl vms` lists them", spec);
	else if (matches > 1)
		code = fail_ambiguous(ctx, &list, matches, spec);
	else
		*ret_row = list.rows[found];
	vm_list_free(&list);
	return code;
}
