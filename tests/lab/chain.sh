#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A waits for B, which waits for C with interrupts off: A yields to C.
. ./lib.sh

tracing=/sys/kernel/tracing
load_plain
echo 20000 >$tracing/buffer_size_kb
echo 1 >$tracing/events/vcpu_deboost/vcpu_deboost_choose/enable

# Two VMs, so that C and B are preempted at times.
chain() {
	vm=$1
	echo >$tracing/trace
	rm -f /tmp/chain.json
	vdvm --name beside --workload compute --vcpus 2 --forever >/dev/null &
	beside=$!
	vdvm --name "$vm" --json --linger 60s --workload chain --count 200 --vcpus 5 --time 60s \
		>/tmp/chain.json &
	until_true 200 test -s /tmp/chain.json
	kill $beside
	id=$(vm_stat "$vm" id)
	grep "vcpu_deboost_choose: vm=$id .* act=yield" $tracing/trace >/tmp/chain.trace
	kill %%
	wait
}

# yields WHY SPINNER TARGET
yields() {
	grep -c "spinner=$2 target=$3 why=$1 " /tmp/chain.trace
}

chain on
number "on: A yields to C, whom B waits for" "$(yields chain 0 2)" -ge 4
equal "on: no chain ends anywhere else" "$(grep -c 'why=chain' /tmp/chain.trace)" \
	"$(yields chain 0 2)"
number "on: B yields to C, its own receiver" "$(yields receiver 1 2)" -ge 4
number "on: A yields to B while B is not stuck" "$(yields receiver 0 1)" -ge 1

vdctl set chain=off >/dev/null
chain off
equal "off: no chain is followed" "$(grep -c 'why=chain' /tmp/chain.trace)" 0
number "off: A yields to B" "$(yields receiver 0 1)" -ge 1
