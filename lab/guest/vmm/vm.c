// SPDX-License-Identifier: GPL-2.0-only
/* The machine: memory with payload and page tables, in-kernel irqchip, vCPUs. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vdvm.h"

#define PTE_PRESENT	0x001ull
#define PTE_WRITE	0x002ull
#define PTE_USER	0x004ull	/* for the workload that computes in user mode */
#define PTE_UNCACHED	0x018ull	/* PCD | PWT */
#define PTE_LARGE	0x080ull
#define LARGE_BYTES	0x200000ull
#define GDT_CODE64	0x00af9b000000ffffull
#define GDT_DATA	0x00cf93000000ffffull
#define MAX_CPUID	256
#define KVM_PV_LEAF	0x40000000u
#define HYPERV_LEAVES	6
#define HYPERV_IS_HV1	0x31237648u	/* "Hv#1" */
#define HYPERV_MSRS	0xffu		/* hypercalls, VP index and others */
/* Below the real-mode areas that nested or old hardware may want; outside of guest memory. */
#define TSS_GPA		0xfffbd000ul

extern const char payload_start[], payload_end[];

static int say(const char *what, int err)
{
	fprintf(stderr, "vdvm: %s: %s\n", what, strerror(err));
	return -err;
}

static uint64_t *table_at(struct vm *vm, uint64_t gpa)
{
	return (uint64_t *)(void *)(vm->mem + gpa);
}

static void build_tables(struct vm *vm)
{
	uint64_t apic = VD_APIC_GPA & ~(LARGE_BYTES - 1), gpa;
	uint64_t *low = table_at(vm, VD_PD_LOW_GPA);

	table_at(vm, VD_PML4_GPA)[0] = VD_PDPT_GPA | PTE_PRESENT | PTE_WRITE | PTE_USER;
	table_at(vm, VD_PDPT_GPA)[0] = VD_PD_LOW_GPA | PTE_PRESENT | PTE_WRITE | PTE_USER;
	table_at(vm, VD_PDPT_GPA)[VD_APIC_GPA >> 30] = VD_PD_APIC_GPA | PTE_PRESENT | PTE_WRITE;
	/* The first 2 MiB stay unmapped, see abi.h. */
	for (gpa = LARGE_BYTES; gpa < VD_MEM_BYTES; gpa += LARGE_BYTES)
		low[gpa / LARGE_BYTES] =
			gpa | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_LARGE;
	table_at(vm, VD_PD_APIC_GPA)[(apic / LARGE_BYTES) % 512] =
		apic | PTE_PRESENT | PTE_WRITE | PTE_LARGE | PTE_UNCACHED;
	table_at(vm, VD_GDT_GPA)[VD_CODE_SEL / 8] = GDT_CODE64;
	table_at(vm, VD_GDT_GPA)[VD_DATA_SEL / 8] = GDT_DATA;
}

static int map_memory(struct vm *vm)
{
	struct kvm_userspace_memory_region region = { .memory_size = VD_MEM_BYTES };

	vm->mem = mmap(NULL, VD_MEM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	if (vm->mem == MAP_FAILED) {
		vm->mem = NULL;
		return say("guest memory", errno);
	}
	region.userspace_addr = (uint64_t)(uintptr_t)vm->mem;
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		return say("KVM_SET_USER_MEMORY_REGION", errno);
	vm->shared = (struct vd_shared *)(void *)(vm->mem + VD_SHARED_GPA);
	memcpy(vm->mem + VD_PAYLOAD_GPA, payload_start, (size_t)(payload_end - payload_start));
	build_tables(vm);
	return 0;
}

/* What the host supports, x2APIC or not as asked, paravirtual leaves only when asked. */
static int get_cpuid(struct vm *vm)
{
	struct kvm_cpuid_entry2 *entry;
	uint32_t i, kept = 0;

	vm->cpuid = calloc(1, sizeof(*vm->cpuid) + MAX_CPUID * sizeof(*entry));
	if (!vm->cpuid)
		return say("CPUID table", ENOMEM);
	vm->cpuid->nent = MAX_CPUID;
	if (ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, vm->cpuid))
		return say("KVM_GET_SUPPORTED_CPUID", errno);
	for (i = 0; i < vm->cpuid->nent; i++) {
		entry = &vm->cpuid->entries[i];
		if (!vm->opts->pv && (entry->function & 0xf0000000u) == KVM_PV_LEAF)
			continue;
		if (entry->function == 1)
			entry->ecx = (entry->ecx & ~(1u << 21)) |
				     (vm->opts->apic == APIC_X2APIC ? 1u << 21 : 0);
		vm->cpuid->entries[kept++] = *entry;
	}
	for (i = 0; vm->opts->send == VD_SEND_hyperv && i < HYPERV_LEAVES; i++)
		vm->cpuid->entries[kept++] = (struct kvm_cpuid_entry2){
			.function = KVM_PV_LEAF + i,
			.eax = i == 0 ? KVM_PV_LEAF + HYPERV_LEAVES - 1 :
			       i == 1 ? HYPERV_IS_HV1 : i == 3 ? HYPERV_MSRS : 0,
		};
	vm->cpuid->nent = kept;
	return 0;
}

static enum vd_hypercall hypercall_kind(const struct vm *vm)
{
	uint32_t i;

	if (!vm->opts->pv)
		return VD_HYPERCALL_NONE;
	for (i = 0; i < vm->cpuid->nent; i++)
		if (!vm->cpuid->entries[i].function)
			break;
	/* "GenuineIntel" starts with "Genu" */
	if (i < vm->cpuid->nent && !memcmp(&vm->cpuid->entries[i].ebx, "Genu", 4))
		return VD_HYPERCALL_VMCALL;
	return VD_HYPERCALL_VMMCALL;
}

static void fill_params(struct vm *vm)
{
	const struct opts *opts = vm->opts;

	vm->shared->params = (struct vd_params){
		.workload = (uint32_t)opts->workload,
		.vcpus = (uint32_t)opts->vcpus,
		.vector = (uint32_t)opts->vector,
		.send = (uint32_t)opts->send,
		.id_stride = (uint32_t)opts->id_stride,
		.no_apic = opts->apic == APIC_NONE,
		.pv_eoi = (uint32_t)opts->pv_eoi,
		.idle = (uint32_t)opts->idle,
		.xapic = opts->apic == APIC_XAPIC,
		.eoi_last = opts->eoi == EOI_LAST,
		.hypercall = hypercall_kind(vm),
		.spin_window = opts->spin_window,
		.cs_ns = opts->cs_ns,
		.ncs_ns = opts->ncs_ns,
		.count = opts->count,
		.seed = opts->seed,
		.tsc_khz = vm->tsc_khz,
	};
}

static int open_kvm(struct vm *vm)
{
	struct kvm_enable_cap wide_ids = {
		.cap = KVM_CAP_X2APIC_API,
		.args = { KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK },
	};
	int size;

	vm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm_fd < 0)
		return say("/dev/kvm", errno);
	size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(struct kvm_run))
		return say("KVM_GET_VCPU_MMAP_SIZE", size < 0 ? errno : EPROTO);
	vm->run_bytes = (size_t)size;
	vm->fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return say("KVM_CREATE_VM", errno);
	/* Only Intel CPUs need it; elsewhere it is accepted and unused. */
	if (ioctl(vm->fd, KVM_SET_TSS_ADDR, TSS_GPA))
		return say("KVM_SET_TSS_ADDR", errno);
	if (vm->opts->apic == APIC_NONE)
		return 0;
	if (vm->opts->vcpus * vm->opts->id_stride > 255 && ioctl(vm->fd, KVM_ENABLE_CAP, &wide_ids))
		return say("KVM_CAP_X2APIC_API", errno);
	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0))
		return say("KVM_CREATE_IRQCHIP", errno);
	return 0;
}

static int create_vcpus(struct vm *vm)
{
	unsigned int i;
	int khz, r;

	vm->vcpu = calloc(vm->opts->vcpus, sizeof(*vm->vcpu));
	if (!vm->vcpu)
		return say("vCPUs", ENOMEM);
	for (i = 0; i < vm->opts->vcpus; i++)
		vm->vcpu[i].fd = -1;
	for (i = 0; i < vm->opts->vcpus; i++) {
		r = vcpu_create(vm, i);
		if (r)
			return r;
	}
	khz = ioctl(vm->vcpu[0].fd, KVM_GET_TSC_KHZ, 0);
	if (khz <= 0)
		return say("KVM_GET_TSC_KHZ", khz < 0 ? errno : EPROTO);
	vm->tsc_khz = (uint64_t)khz;
	return 0;
}

/**
 * vm_create() - make everything but the threads
 * @vm:		zeroed; vm_destroy() is due even after a failure
 * @opts:	must outlive @vm
 *
 * Return: 0 or negative errno, after an error sentence on stderr.
 */
int vm_create(struct vm *vm, const struct opts *opts)
{
	int r;

	vm->opts = opts;
	vm->kvm_fd = vm->fd = vm->stop_fd = -1;
	pthread_mutex_init(&vm->lock, NULL);
	pthread_cond_init(&vm->changed, NULL);
	vm->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vm->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vm->event_fd < 0 || vm->stop_fd < 0)
		return say("eventfd", errno);
	r = open_kvm(vm);
	if (!r)
		r = get_cpuid(vm);
	if (!r)
		r = map_memory(vm);
	if (!r)
		r = create_vcpus(vm);
	if (!r)
		fill_params(vm);
	return r;
}

/* Tell the main thread that a sentence was printed and the run is over. */
void vm_fail(struct vm *vm)
{
	__atomic_store_n(&vm->failed, true, __ATOMIC_RELEASE);
	eventfd_write(vm->event_fd, 1);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void vm_destroy(struct vm *vm)
{
	unsigned int i;

	for (i = 0; vm->vcpu && i < vm->opts->vcpus; i++)
		vcpu_destroy(&vm->vcpu[i]);
	free(vm->vcpu);
	free(vm->cpuid);
	close_fd(vm->fd);
	close_fd(vm->kvm_fd);
	close_fd(vm->event_fd);
	close_fd(vm->stop_fd);
	if (vm->mem)
		munmap(vm->mem, VD_MEM_BYTES);
	pthread_cond_destroy(&vm->changed);
	pthread_mutex_destroy(&vm->lock);
}
