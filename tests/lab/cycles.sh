#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# by name: it has not been run to its end yet
# Endurance: loading and unloading, VMs, kvm_amd and CPUs that come and go, and what is left of the
# memory. Arguments: how many loads, VMs and CPU cycles; "make cycles" gives 1000, 5000 and 50.
. ./lib.sh

loads=${1:-100}
vms=${2:-200}
plugs=${3:-5}

# kib NAME: a line of /proc/meminfo.
kib() {
	awk -v name="$1:" '$1 == name { print $2 }' /proc/meminfo
}

# Without what is only cached: dentries, inodes, and slabs that CPUs hold back half empty. What is
# freed by RCU and by workers takes a moment: the least of three looks.
settled() {
	local least=0 now i shrink

	for i in 1 2 3; do
		sleep 0.2
		echo 3 >/proc/sys/vm/drop_caches
		for shrink in /sys/kernel/slab/*/shrink; do
			echo 1 >"$shrink"
		done
		now=$(kib "$1")
		[ "$i" != 1 ] && [ "$now" -ge "$least" ] || least=$now
	done
	echo "$least"
}

# drift WHAT COMMAND...: run it, and compare the memory before and after. What the kernel keeps by
# itself, $stock KiB, is not ours.
stock=0
growth=0
drift() {
	local what=$1 slab percpu after begin

	shift
	slab=$(settled Slab)
	percpu=$(settled Percpu)
	begin=$(now_ms)
	check "$what" "$@"
	after=$(settled Slab)
	echo "# $what: $(($(now_ms) - begin)) ms, slab $slab -> $after KiB," \
		"per CPU $percpu -> $(kib Percpu) KiB"
	growth=$((after - slab))
	number "$what: slab grows by less than 1 %" $(((growth - stock) * 100)) -lt "$slab"
	number "$what: and so does the per-CPU memory" \
		$((($(kib Percpu) - percpu) * 100)) -lt "$percpu"
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
		if [ $((i % 5)) = 0 ]; then
			rmmod vcpu_deboost && modprobe vcpu_deboost mode=active || return 1
		fi
		echo 1 >$cpu || return 1
	done
}

echo "# $loads loads, $vms VMs, $plugs times a CPU"
load_cycles 6
drift "$loads cycles of loading and unloading" load_cycles "$loads"
equal "nothing is hooked" "$(hooks_in_kernel)" 0

# Each VM costs the kernel half a KiB of slab, with us and without.
vm_cycles 20
before=$(settled Slab)
vm_cycles "$vms"
stock=$(($(settled Slab) - before))
echo "# $vms VMs without the module: slab $before -> $((before + stock)) KiB"
modprobe vcpu_deboost mode=active
vm_cycles 20
seen=$(status_of seen)
drift "$vms VMs one after the other" vm_cycles "$vms"
equal "each was seen" $(($(status_of seen) - seen)) "$vms"
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
