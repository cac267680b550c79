#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Waits for a lock: chosen by age only if asked for, counted and traced one for one.
. ./lib.sh

tracing=/sys/kernel/tracing
load_plain
echo 20000 >$tracing/buffer_size_kb
echo 1 >$tracing/events/vcpu_deboost/vcpu_deboost_choose/enable

# lock NAME: two VMs on two CPUs, so that vCPUs are queued; NAME is looked at.
lock() {
	echo >$tracing/trace
	rm -f /dev/shm/order /tmp/lock.json
	vdvm --name beside --workload lock --vcpus 4 --time 300ms --barrier /dev/shm/order \
		--parties 2 >/dev/null &
	vdvm --name "$1" --json --linger 60s --workload lock --vcpus 4 --time 300ms \
		--barrier /dev/shm/order --parties 2 >/tmp/lock.json &
	lock=$!
	until_true 60 test -s /tmp/lock.json
	at_work=$(vm_stat "$1" boosted_at_work)
	oldest=$(($(vm_stat "$1" boosted_oldest) + $(vm_stat "$1" boosted_relaxed)))
	redundant=$(vm_stat "$1" redundant)
	would=$(vm_stat "$1" would_order)
	through=$(vm_stat "$1" fell_through)
	spins=$(vm_stat "$1" spin_exits)
	id=$(vm_stat "$1" id)
}

end() {
	kill $lock
	wait
}

lock stock
equal "stock: nobody is chosen by age" "$at_work/$oldest/$would" 0/0/0
equal "stock: every spin is left to KVM" "$through" "$spins"
end

check "order=age" vdctl set order=age
lock age
number "age: some were preempted at work" "$at_work" -gt 0
number "age: some had waited longest" "$oldest" -gt 0
equal "age: every spin is accounted for" $((at_work + oldest + redundant + through)) "$spins"
equal "age: each choice is traced" $((at_work + oldest)) \
	"$(grep "vcpu_deboost_choose: vm=$id .* act=yield " $tracing/trace |
		grep -cE 'why=(at-work|oldest|relaxed)')"
equal "age: nobody yields to itself" \
	"$(grep -cE 'spinner=([0-9]+) target=\1 ' $tracing/trace)" 0
end

vdctl set mode=observe >/dev/null
lock watched
number "observing: it says how often it would choose" "$would" -gt 0
equal "observing: it chooses nobody" "$at_work/$oldest" 0/0
equal "observing: every spin is left to KVM" "$through" "$spins"
end
