// SPDX-License-Identifier: GPL-2.0-only
/* One vCPU: its first registers, its thread, its exits. */
#include <errno.h>
#include <linux/kvm.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vdvm.h"

#define CR0_LONG	0x80050033ull	/* PG AM WP NE ET MP PE */
#define CR4_PAE		0x20ull
#define EFER_LONG	0x500ull	/* LME LMA */
#define APIC_BASE_BSP	0x100ull
#define APIC_BASE_ON	0x800ull
#define APIC_BASE_X2	0x400ull
#define RFLAGS_FIXED	0x2ull
#define HALT_MS		10	/* without an APIC in the kernel HLT ends here, and is repeated */

static int say(const struct vcpu *vcpu, const char *what, int err)
{
	fprintf(stderr, "vdvm: vCPU %u: %s: %s\n", vcpu->id, what, strerror(err));
	return -err;
}

static struct kvm_segment flat_segment(uint16_t selector, uint8_t type, uint8_t is_code)
{
	return (struct kvm_segment){
		.limit = 0xffffffff, .selector = selector, .type = type, .present = 1, .s = 1,
		.g = 1, .l = is_code, .db = !is_code,
	};
}

static int set_sregs(struct vcpu *vcpu)
{
	struct kvm_segment data = flat_segment(VD_DATA_SEL, 3, 0);
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return say(vcpu, "KVM_GET_SREGS", errno);
	sregs.cs = flat_segment(VD_CODE_SEL, 11, 1);
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	/* A busy 64-bit TSS that nothing uses: entering a guest without one is refused. */
	sregs.tr = (struct kvm_segment){ .limit = 0xffff, .type = 11, .present = 1 };
	sregs.ldt = (struct kvm_segment){ .type = 2, .unusable = 1 };
	sregs.gdt = (struct kvm_dtable){ .base = VD_GDT_GPA, .limit = VD_DATA_SEL + 7 };
	sregs.idt = (struct kvm_dtable){ 0 };
	sregs.cr0 = CR0_LONG;
	sregs.cr3 = VD_PML4_GPA;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LONG;
	sregs.apic_base = VD_APIC_GPA | APIC_BASE_ON | (vcpu->id ? 0 : APIC_BASE_BSP) |
			  (vcpu->vm->opts->apic == APIC_X2APIC ? APIC_BASE_X2 : 0);
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs))
		return say(vcpu, "KVM_SET_SREGS", errno);
	return 0;
}

static int set_regs(struct vcpu *vcpu)
{
	struct kvm_mp_state runnable = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_regs regs = {
		.rip = VD_PAYLOAD_GPA,
		.rsp = VD_STACKS_GPA + (vcpu->id + 1) * VD_STACK_BYTES,
		.rdi = vcpu->id,
		.rflags = RFLAGS_FIXED,
	};

	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs))
		return say(vcpu, "KVM_SET_REGS", errno);
	/* Instead of INIT and SIPI. */
	if (ioctl(vcpu->fd, KVM_SET_MP_STATE, &runnable))
		return say(vcpu, "KVM_SET_MP_STATE", errno);
	return 0;
}

/* The table is the VM's; the APIC id in it is this vCPU's. */
static int set_cpuid(struct vcpu *vcpu)
{
	uint32_t apic_id = vcpu->id * (uint32_t)vcpu->vm->opts->id_stride;
	struct kvm_cpuid2 *cpuid = vcpu->vm->cpuid;
	uint32_t i;

	for (i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		if (entry->function == 1)
			entry->ebx = (entry->ebx & 0xffffff) | apic_id << 24;
		else if (entry->function == 0xb || entry->function == 0x1f)
			entry->edx = apic_id;
	}
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid))
		return say(vcpu, "KVM_SET_CPUID2", errno);
	return 0;
}

int vcpu_create(struct vm *vm, unsigned int id)
{
	struct vcpu *vcpu = &vm->vcpu[id];
	void *run;
	int r;

	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)(id * vm->opts->id_stride));
	if (vcpu->fd < 0)
		return say(vcpu, "KVM_CREATE_VCPU", errno);
	run = mmap(NULL, vm->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (run == MAP_FAILED)
		return say(vcpu, "mmap", errno);
	vcpu->run = run;
	r = set_cpuid(vcpu);
	if (!r)
		r = set_sregs(vcpu);
	return r ? r : set_regs(vcpu);
}

void vcpu_destroy(struct vcpu *vcpu)
{
	if (vcpu->run)
		munmap(vcpu->run, vcpu->vm->run_bytes);
	if (vcpu->fd >= 0)
		close(vcpu->fd);
}

static int print_unexpected(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct kvm_sregs sregs = { 0 };
	struct kvm_regs regs = { 0 };

	ioctl(vcpu->fd, KVM_GET_REGS, &regs);
	ioctl(vcpu->fd, KVM_GET_SREGS, &sregs);
	fprintf(stderr, "vdvm: vCPU %u: unexpected exit %u", vcpu->id, run->exit_reason);
	if (run->exit_reason == KVM_EXIT_SHUTDOWN)
		fprintf(stderr, " (shutdown)");
	else if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		fprintf(stderr, " (internal error %u)", run->internal.suberror);
	else if (run->exit_reason == KVM_EXIT_FAIL_ENTRY)
		fprintf(stderr, " (entry failed, reason %#llx)",
			run->fail_entry.hardware_entry_failure_reason);
	else if (run->exit_reason == KVM_EXIT_MMIO)
		fprintf(stderr, " (MMIO at %#llx)", run->mmio.phys_addr);
	fprintf(stderr, "\n  rip %#llx rsp %#llx rflags %#llx rax %#llx rbx %#llx rcx %#llx"
		" rdx %#llx\n  rdi %#llx rsi %#llx cr0 %#llx cr2 %#llx cr3 %#llx cr4 %#llx"
		" efer %#llx apic_base %#llx\n", regs.rip, regs.rsp, regs.rflags, regs.rax,
		regs.rbx, regs.rcx, regs.rdx, regs.rdi, regs.rsi, sregs.cr0, sregs.cr2, sregs.cr3,
		sregs.cr4, sregs.efer, sregs.apic_base);
	return -EPROTO;
}

static int print_fault(struct vm *vm)
{
	const struct vd_fault *fault = &vm->shared->fault;

	fprintf(stderr, "vdvm: vCPU %u: guest exception %llu at rip %#llx, error code %#llx,"
		" cr2 %#llx\n", fault->vcpu, (unsigned long long)fault->vector,
		(unsigned long long)fault->rip, (unsigned long long)fault->error_code,
		(unsigned long long)fault->cr2);
	return -EPROTO;
}

/* Held here: every vCPU of every VM has run guest code before any of them starts its work. */
static void wait_release(struct vm *vm)
{
	pthread_mutex_lock(&vm->lock);
	vm->ready++;
	pthread_cond_broadcast(&vm->changed);
	while (!vm->released)
		pthread_cond_wait(&vm->changed, &vm->lock);
	pthread_mutex_unlock(&vm->lock);
}

static void count_done(struct vm *vm)
{
	pthread_mutex_lock(&vm->lock);
	vm->done++;
	pthread_mutex_unlock(&vm->lock);
	eventfd_write(vm->event_fd, 1);
}

static int handle_signal(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	uint32_t what;

	if (run->io.port != VD_PORT || run->io.direction != KVM_EXIT_IO_OUT || run->io.size != 4)
		return print_unexpected(vcpu);
	memcpy(&what, (char *)run + run->io.data_offset, sizeof(what));
	switch (what) {
	case VD_SIG_READY:
		wait_release(vcpu->vm);
		return 0;
	case VD_SIG_DONE:
		count_done(vcpu->vm);
		return 0;
	case VD_SIG_FAULT:
		return print_fault(vcpu->vm);
	}
	return print_unexpected(vcpu);
}

static int pin(const struct vcpu *vcpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(vcpu->id % (unsigned int)sysconf(_SC_NPROCESSORS_ONLN), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return say(vcpu, "sched_setaffinity", errno);
	return 0;
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	struct vm *vm = vcpu->vm;
	char name[16];
	int r = 0;

	snprintf(name, sizeof(name), "CPU %u/KVM", vcpu->id);
	pthread_setname_np(pthread_self(), name);
	if (vm->opts->per_vcpu)
		r = cgroup_join_vcpu(vm->opts->cgroup, vcpu->id);
	if (!r && vm->opts->pin)
		r = pin(vcpu);
	while (!r && !__atomic_load_n(&vm->quit, __ATOMIC_ACQUIRE)) {
		if (ioctl(vcpu->fd, KVM_RUN, 0)) {
			if (errno != EINTR && errno != EAGAIN)
				r = say(vcpu, "KVM_RUN", errno);
			continue;
		}
		if (vcpu->run->exit_reason == KVM_EXIT_IO)
			r = handle_signal(vcpu);
		else if (vcpu->run->exit_reason == KVM_EXIT_HLT)
			poll(NULL, 0, HALT_MS);
		else if (vcpu->run->exit_reason != KVM_EXIT_INTR)
			r = print_unexpected(vcpu);
	}
	if (r)
		vm_fail(vm);
	return NULL;
}

int vcpu_start(struct vcpu *vcpu)
{
	int err = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);

	if (err)
		return say(vcpu, "thread", err);
	vcpu->started = true;
	return 0;
}

/* vm->quit is set: make KVM_RUN return, whether it is running or about to, and join. */
void vcpu_stop(struct vcpu *vcpu)
{
	if (!vcpu->started)
		return;
	vcpu->run->immediate_exit = 1;
	pthread_kill(vcpu->thread, SIGUSR1);
	pthread_join(vcpu->thread, NULL);
	vcpu->started = false;
}
