// SPDX-License-Identifier: GPL-2.0-only
/*
 * Let an allocation of one module fail: the n-th from now, or each from the n-th on. For the lab
 * only. Debian's kernels have no fault injection; kprobes on the allocators' entries do the same.
 *
 * An allocation is the victim's if one of its functions is on the stack, however deep: what the
 * kernel allocates for it when it registers something is meant, too.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/stacktrace.h>
#include <linux/string.h>

#define STACK_DEPTH 64

static char *victim = "vcpu_deboost";
module_param(victim, charp, 0444);
MODULE_PARM_DESC(victim, "module whose allocations fail, to be loaded after this one");

/* 0: none fails. Counts down with each allocation of the victim. */
static atomic_t nth = ATOMIC_INIT(0);
static atomic_t failed = ATOMIC_INIT(0);

static bool all;
module_param(all, bool, 0644);
MODULE_PARM_DESC(all, "not only the n-th fails, but each one after it");

static struct module *victim_module;

/* The lowest that have a name. One that calls another gives two chances to fail. */
static const char *const allocators[] = {
	/* v6.1 */
	"kmem_cache_alloc",
	"kmem_cache_alloc_lru",
	"kmem_cache_alloc_node",
	"__kmalloc",
	"__kmalloc_node",
	"__kmalloc_node_track_caller",
	"kmalloc_trace",
	"kmalloc_node_trace",
	"kmalloc_large",
	"kmalloc_large_node",
	"__vmalloc_node_range",
	"pcpu_alloc",
	/* since v6.10 */
	"kmem_cache_alloc_noprof",
	"kmem_cache_alloc_lru_noprof",
	"kmem_cache_alloc_node_noprof",
	"__kmalloc_noprof",
	"__kmalloc_node_noprof",
	"__kmalloc_node_track_caller_noprof",
	"__kmalloc_cache_noprof",
	"__kmalloc_cache_node_noprof",
	"__kmalloc_large_noprof",
	"__kmalloc_large_node_noprof",
	"__vmalloc_node_range_noprof",
	"pcpu_alloc_noprof",
	"__kvmalloc_node_noprof",
};

static struct kprobe probes[ARRAY_SIZE(allocators)];

static bool on_stack(const struct module *mod)
{
	unsigned long entries[STACK_DEPTH];
	unsigned int n = stack_trace_save(entries, STACK_DEPTH, 0);
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (within_module(entries[i], mod))
			return true;
	}
	return false;
}

static void *no_memory(void)
{
	return NULL;
}

/* Preemption is off here. The allocator's function continues as one that returns NULL. */
static int allocates(struct kprobe *probe, struct pt_regs *regs)
{
	const struct module *mod = READ_ONCE(victim_module);
	int left;

	if (!atomic_read(&nth) || !mod || !in_task() || !on_stack(mod))
		return 0;
	left = atomic_dec_return(&nth);
	if (left > 0)
		return 0;
	/* One below zero would be the next to fail: keep it at the last one. */
	atomic_set(&nth, READ_ONCE(all) ? 1 : 0);
	atomic_inc(&failed);
	regs->ip = (unsigned long)no_memory;
	return 1;
}
NOKPROBE_SYMBOL(allocates);

static int victim_comes_and_goes(struct notifier_block *nb, unsigned long action, void *data)
{
	struct module *mod = data;

	if (strcmp(mod->name, victim))
		return NOTIFY_DONE;
	if (action == MODULE_STATE_COMING) {
		WRITE_ONCE(victim_module, mod);
	} else if (action == MODULE_STATE_GOING) {
		WRITE_ONCE(victim_module, NULL);
		synchronize_rcu();
	}
	return NOTIFY_DONE;
}

static struct notifier_block victim_nb = {
	.notifier_call = victim_comes_and_goes,
};

static int nth_set(const char *val, const struct kernel_param *kp)
{
	unsigned int n;
	int ret = kstrtouint(val, 0, &n);

	if (ret)
		return ret;
	atomic_set(&failed, 0);
	atomic_set(&nth, n);
	return 0;
}

static int count_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d\n", atomic_read((atomic_t *)kp->arg));
}

static const struct kernel_param_ops nth_ops = { .set = nth_set, .get = count_get };
static const struct kernel_param_ops failed_ops = { .get = count_get };

module_param_cb(nth, &nth_ops, &nth, 0644);
MODULE_PARM_DESC(nth, "which allocation from now fails, 0 for none; reading tells what is left");
module_param_cb(failed, &failed_ops, &failed, 0444);
MODULE_PARM_DESC(failed, "how many have failed since nth was written");

static void probes_remove(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		if (probes[i].addr)
			unregister_kprobe(&probes[i]);
	}
}

/* Names that this kernel does not have are left out. */
static unsigned int probes_add(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		probes[i].symbol_name = allocators[i];
		probes[i].pre_handler = allocates;
		if (register_kprobe(&probes[i]))
			probes[i].addr = NULL;
		else
			n++;
	}
	return n;
}

static int __init vdb_fail_init(void)
{
	unsigned int n;
	int ret = register_module_notifier(&victim_nb);

	if (ret)
		return ret;
	n = probes_add();
	pr_info("%u allocators watched\n", n);
	if (n >= 8)
		return 0;
	pr_err("this kernel has too few of the known allocators; add its own to vdb_fail.c\n");
	probes_remove();
	unregister_module_notifier(&victim_nb);
	return -EOPNOTSUPP;
}

static void __exit vdb_fail_exit(void)
{
	probes_remove();
	unregister_module_notifier(&victim_nb);
}

module_init(vdb_fail_init);
module_exit(vdb_fail_exit);

MODULE_DESCRIPTION("vcpu-deboostd lab: allocations of a module that fail");
MODULE_LICENSE("GPL");
