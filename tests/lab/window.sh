#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A receiver is chosen within the window and not a moment later.
. ./lib.sh

tracing=/sys/kernel/tracing
load_plain
echo 1 >"$tracing/events/vcpu_deboost/vcpu_deboost_choose/enable"

# Receivers keep interrupts off for 5 ms; four vCPUs on two CPUs make them wait longer yet.
late() {
	vdctl set window="$1" >/dev/null
	echo >"$tracing/trace"
	vdvm --name late --json --linger 60s --workload late --count 60 --vcpus 4 --time 60s \
		>/tmp/late.json &
	until_true 100 test -s /tmp/late.json
	expired=$(vm_stat late expired)
	boosted=$(vm_stat late boosted)
	kill $!
	wait $!
	rm /tmp/late.json
	grep 'vcpu_deboost_choose:.* why=receiver act=yield' "$tracing/trace" >/tmp/late.trace
	traced=$(wc -l </tmp/late.trace)
	oldest=$(sed -E 's/.*waited_ns=([0-9]+).*/\1/' /tmp/late.trace | sort -n | tail -n 1)
}

late 1ms
number "1 ms: pairs expire" "$expired" -gt 0
number "1 ms: some receivers are boosted before that" "$boosted" -gt 0
equal "1 ms: each boost is traced" "$traced" "$boosted"
number "1 ms: none is older than the window" "$oldest" -le 1000000

late 1s
equal "1 s: nothing expires" "$expired" 0
number "1 s: receivers older than 1 ms are boosted" "$oldest" -gt 1000000
equal "1 s: each boost is traced" "$traced" "$boosted"

vdctl set ipi_tracking=off >/dev/null
vdvm --name blind --json --linger 60s --workload ipi --vcpus 4 --time 300ms >/tmp/blind.json &
until_true 60 test -s /tmp/blind.json
equal "tracking off: no IPI is recorded" "$(vm_stat blind recorded)" 0
equal "tracking off: nobody is boosted" "$(vm_stat blind boosted)" 0
number "tracking off: spins are still counted" "$(vm_stat blind spin_exits)" -gt 0
