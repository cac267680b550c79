#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# Endurance: loading and unloading, VMs, kvm_amd and CPUs that come and go, and what is left of the
# memory. Arguments: how many loads, VMs and CPU cycles; "make cycles" gives 1000, 5000 and 50.
. ./lib.sh

loads=${1:-$(rounds 100 50)}
vms=${2:-$(rounds 200 50)}
plugs=${3:-5}

# KiB of the kernel's memory for each CPU.
percpu() {
	awk '$1 == "Percpu:" { print $2 }' /proc/meminfo
}

# KiB of vmalloc(): tables, the kernel's types while they are read, code.
virtual() {
	awk '$1 == "VmallocUsed:" { print $2 }' /proc/meminfo
}

# What RCU and workers free takes a moment: the least of three looks.
settled() {
	local least=0 now i

	for i in 1 2 3; do
		sleep 0.2
		now=$("$1")
		[ "$i" != 1 ] && [ "$now" -ge "$least" ] || least=$now
	done
	echo "$least"
}

smaller() {
	echo $(($1 < $2 ? $1 : $2))
}

# halves COMMAND N: run it N times in two halves; growth of each kind of memory. A leak is in each
# half; what the kernel keeps once, when its caches get as large as they need to be, is in one.
halves() {
	local kib=() held=() virt=() i

	for i in 0 1 2; do
		[ $i = 0 ] || "$1" $((($2 + 1) / 2)) || return 1
		kib[i]=$(settled objects_kib) held[i]=$(settled percpu) virt[i]=$(settled virtual)
	done
	echo "# objects ${kib[*]} KiB, per CPU ${held[*]} KiB, virtual ${virt[*]} KiB"
	slab_growth=$(smaller $((kib[1] - kib[0])) $((kib[2] - kib[1])))
	cpu_growth=$(smaller $((held[1] - held[0])) $((held[2] - held[1])))
	cpu_before=${held[0]}
	virt_growth=$(smaller $((virt[1] - virt[0])) $((virt[2] - virt[1])))
	virt_before=${virt[0]}
}

# drift WHAT COMMAND N: none may grow, but for what the kernel keeps without us, $stock KiB.
stock=0
drift() {
	local begin status=0

	begin=$(now_ms)
	halves "$2" "$3" || status=$?
	echo "# $1: $(($(now_ms) - begin)) ms"
	result "$status" "$1"
	# KASAN keeps what was freed in quarantine; kmemleak asks there what was lost.
	[[ $(uname -r) != *-kasan ]] || return 0
	number "$1: what is in use grows by less than 1 % of all slabs" \
		$(((slab_growth - stock) * 100)) -lt "$(slab_kib)"
	number "$1: and so does the per-CPU memory" $((cpu_growth * 100)) -lt "$cpu_before"
	number "$1: and what vmalloc() gave" $((virt_growth * 100)) -lt "$virt_before"
}

# Every 25th time KVM goes too, before us or after us in turn.
load_cycles() {
	local i modes=(off observe active)

	for i in $(seq "$1"); do
		modprobe vcpu_deboost mode="${modes[i % 3]}" || return 1
		if [ $((i % 50)) = 25 ]; then
			rmmod kvm_amd kvm && modprobe kvm_amd || return 1
		fi
		rmmod vcpu_deboost || return 1
		if [ $((i % 50)) = 0 ]; then
			rmmod kvm_amd kvm && modprobe kvm_amd || return 1
		fi
		[ $((i % 100)) != 0 ] || echo "$i loads" >/dev/ttyS1
	done
}

vm_cycles() {
	local i

	for i in $(seq "$1"); do
		vdvm --name "c$i" --workload ipi --vcpus $((2 + i % 3)) --id-stride $((1 + i % 2)) \
			--time 1ms --warmup 0ms >/dev/null 2>&1 || return 1
		[ $((i % 500)) != 0 ] || echo "$i VMs" >/dev/ttyS1
	done
}

# plug_cycles N: with VMs that spin, and the module coming and going in between.
plug_cycles() {
	local i cpu=/sys/devices/system/cpu/cpu1/online

	for i in $(seq "$1"); do
		echo 0 >$cpu || return 1
		if [ $((i % 2)) = 0 ]; then
			rmmod vcpu_deboost && modprobe vcpu_deboost mode=active || return 1
		fi
		echo 1 >$cpu || return 1
	done
}

echo "# $loads loads, $vms VMs, $plugs times a CPU"
load_cycles 6
drift "$loads cycles of loading and unloading" load_cycles "$loads"
equal "nothing is hooked" "$(hooks_in_kernel)" 0

# Each VM costs the kernel half a KiB, with us and without.
vm_cycles 20
halves vm_cycles "$vms"
stock=$((slab_growth > 0 ? slab_growth : 0))
echo "# $vms VMs without the module: $stock KiB in each half"
modprobe vcpu_deboost mode=active
vm_cycles 20
seen=$(status_of seen)
drift "$vms VMs one after the other" vm_cycles "$vms"
equal "each was seen" $(($(status_of seen) - seen)) $(((vms + 1) / 2 * 2))
stock=0
check "none is kept" until_true 60 eval '[ "$(status_of now)" = 0 ]'

for vm in a b; do
	vdvm --name $vm --workload lockipi --vcpus 3 --forever --json >/tmp/$vm.json &
	pids="$pids $!"
done
until_true 60 eval '[ "$(vm_stat b boosted)" -gt 0 ]'
plug_cycles 1
drift "$plugs times a CPU goes and comes" plug_cycles "$plugs"
check "yields go on" until_true 60 eval '[ "$(vm_stat b boosted)" -gt 0 ]'
kill $pids
for pid in $pids; do
	wait "$pid" || echo "# VM $pid ended with $?"
done
check "unloads" rmmod vcpu_deboost
equal "nothing is hooked at the end" "$(hooks_in_kernel)" 0
