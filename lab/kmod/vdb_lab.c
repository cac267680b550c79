// SPDX-License-Identifier: GPL-2.0-only
/*
 * Give the emulated CPU of the virtual host what a real one has. For the lab only: on real
 * hardware this module would announce features that are not there.
 *
 * TCG exits on every PAUSE of a nested guest but does not announce the pause filter, so KVM would
 * run its guests with PAUSE passed through and never see them spin. Load this before kvm_amd.
 *
 * QEMU ends the slice of an emulated CPU at the next virtual timer, so the PIT decides how finely
 * the CPUs interleave. It keeps counting while its interrupt line is off.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bug.h>
#include <linux/i8253.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>

#define PIT_IRQ			0
#define PIT_CH0_RATE_GENERATOR	0x34	/* channel 0, low then high byte, mode 2 */
#define PIT_CH0_ONE_SHOT	0x30	/* mode 0: counts once, then rests */
#define PIT_TICKS_MAX		0xffff

static bool warn;
module_param(warn, bool, 0444);
MODULE_PARM_DESC(warn, "emit one kernel warning at load, to test that the lab notices");

static const struct {
	unsigned int bit;
	const char *name;
} lab_features[] = {
	{ X86_FEATURE_PAUSEFILTER, "pausefilter" },
	{ X86_FEATURE_PFTHRESHOLD, "pfthreshold" },
};

static unsigned long features_set;

static void features_announce(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lab_features); i++) {
		if (cpu_has(&boot_cpu_data, lab_features[i].bit))
			continue;
		set_cpu_cap(&boot_cpu_data, lab_features[i].bit);
		__set_bit(i, &features_set);
		pr_info("announced %s\n", lab_features[i].name);
	}
}

static void features_withdraw(void)
{
	unsigned int i;

	for_each_set_bit(i, &features_set, ARRAY_SIZE(lab_features))
		clear_bit(lab_features[i].bit, (unsigned long *)boot_cpu_data.x86_capability);
}

static void pit_program(unsigned int mode, unsigned int ticks)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&i8253_lock, flags);
	outb_p(mode, PIT_MODE);
	outb_p(ticks & 0xff, PIT_CH0);
	outb_p(ticks >> 8, PIT_CH0);
	raw_spin_unlock_irqrestore(&i8253_lock, flags);
}

/* Writable at run time: loading kvm_amd is an order of magnitude slower under short slices. */
static unsigned int pit_ticks;

static int pit_ticks_set(const char *val, const struct kernel_param *kp)
{
	unsigned int ticks;
	int ret;

	ret = kstrtouint(val, 0, &ticks);
	if (ret)
		return ret;
	if (ticks > PIT_TICKS_MAX)
		return -ERANGE;
	if (ticks && !pit_ticks)
		disable_irq(PIT_IRQ);
	pit_program(ticks ? PIT_CH0_RATE_GENERATOR : PIT_CH0_ONE_SHOT, ticks);
	if (!ticks && pit_ticks)
		enable_irq(PIT_IRQ);
	pit_ticks = ticks;
	return 0;
}

static const struct kernel_param_ops pit_ticks_ops = {
	.set = pit_ticks_set,
	.get = param_get_uint,
};
module_param_cb(pit_ticks, &pit_ticks_ops, &pit_ticks, 0644);
MODULE_PARM_DESC(pit_ticks, "period of PIT channel 0 in ticks of 838 ns; 0 leaves the PIT alone");

static int __init vdb_lab_init(void)
{
	features_announce();
	WARN(warn, "requested with warn=1\n");
	return 0;
}

static void __exit vdb_lab_exit(void)
{
	if (pit_ticks) {
		pit_program(PIT_CH0_ONE_SHOT, 0);
		enable_irq(PIT_IRQ);
	}
	features_withdraw();
}

module_init(vdb_lab_init);
module_exit(vdb_lab_exit);

MODULE_DESCRIPTION("vcpu-deboostd lab: features and timing of the virtual host");
MODULE_LICENSE("GPL");
