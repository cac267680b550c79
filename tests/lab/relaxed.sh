#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The relaxed round: one that spins in its guest's kernel waits for nobody in user mode. Only if
# there is nobody else, and only if it is allowed, one that was preempted there is chosen.
. ./lib.sh

tracing=/sys/kernel/tracing
load_plain
echo 20000 >$tracing/buffer_size_kb
echo 1 >$tracing/events/vcpu_deboost/vcpu_deboost_choose/enable

# user NAME: vCPU 0 spins, 1 to 3 compute in user mode; a second VM, so that all are preempted.
user() {
	vm=$1
	echo >$tracing/trace
	rm -f /tmp/user.json
	vdvm --name beside --workload compute --vcpus 2 --forever >/dev/null &
	beside=$!
	vdvm --name "$vm" --json --linger 60s --workload user --vcpus 4 --time 300ms \
		>/tmp/user.json &
	until_true 100 test -s /tmp/user.json
	spins=$(vm_stat "$vm" spin_exits)
	relaxed=$(vm_stat "$vm" boosted_relaxed)
	through=$(vm_stat "$vm" fell_through)
	id=$(vm_stat "$vm" id)
	# The others are in their kernels once, on their way to user mode, and spin there.
	grep "vcpu_deboost_choose: vm=$id spinner=0 .* act=yield" $tracing/trace >/tmp/user.trace
	chosen=$(wc -l </tmp/user.trace)
	number "$vm: it spun" "$spins" -gt 50
	number "$vm: user mode computed" "$(field /tmp/user.json ops)" -gt 100
	kill $beside %%
	wait
}

for order in tiers age; do
	vdctl set order=$order relaxed_boost=off >/dev/null
	user $order-off
	equal "$order, off: nobody is chosen in user mode" "$relaxed" 0
	number "$order, off: nor otherwise, but on the way there" "$chosen" -le 3
	number "$order, off: the spins are left to KVM" "$through" -gt $((spins / 2))

	vdctl set relaxed_boost=on >/dev/null
	user $order-on
	number "$order, on: one in user mode is chosen" "$chosen" -gt 20
	number "$order, on: for no other reason, but on the way there" \
		"$(grep -vc 'why=relaxed' /tmp/user.trace)" -le 3
	equal "$order, on: each of the others" \
		"$(grep -o 'target=[1-3]' /tmp/user.trace | sort -u | wc -l)" 3
	number "$order, on: each is counted" "$relaxed" -ge \
		"$(grep -c 'why=relaxed' /tmp/user.trace)"
done

# Somebody who was preempted in the kernel comes first, whatever the search meets first.
vdctl set order=tiers >/dev/null
vdvm --name beside --workload compute --vcpus 2 --forever >/dev/null &
beside=$!
vdvm --name kernel --json --linger 60s --workload lock --vcpus 4 --time 300ms >/tmp/kernel.json &
until_true 100 test -s /tmp/kernel.json
number "kernel: some are chosen" "$(vm_stat kernel boosted_in_kernel)" -gt 20
equal "kernel: none by the relaxed round" "$(vm_stat kernel boosted_relaxed)" 0
kill $beside %%
wait
