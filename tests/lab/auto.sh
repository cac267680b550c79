#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# lab: --silence 1200
# mode = auto with real VMs: active where that helps, observing where it hurts, and vdctl says why.
. ./lib.sh

# With the series' last strategy a VM that signals vCPUs which cannot answer, and waits for another
# one, is hurt: 0.5 of its operations, where the defaults gain. See docs/RESULTS.md, "The daemon".
auto_daemon '[vm "hurt*"]' "order = stock" "sched = credit"

vdvm --name helped --workload ipi --vcpus 4 --forever >/dev/null 2>&1 &
helped=$!
soon_says "a VM that spins is tried" 'auto of helped: watch -> trial' 120
soon_says "and ends active where that helps" \
	'auto of helped: trial -> active .gain after [0-9]+ pairs' 120
equal "as the module knows" "$(vm_stat helped mode)" active
check "vdctl explain says why" eval 'vdctl explain helped | grep -q "gain was shown"'
check "vdctl ab shows the evidence" eval 'vdctl ab helped | grep "^helped: active for"'
vdctl ab helped | sed 's/^/# /'
kill "$helped"
wait "$helped"

vdvm --name hurt --workload decoy --vcpus 8 --forever >/dev/null 2>&1 &
hurt=$!
soon_says "a VM that active hurts is tried" 'auto of hurt: watch -> trial' 120
soon_says "and rests" 'auto of hurt: trial -> rest .(harm|no gain) after [0-9]+ pairs' 120
equal "as the module knows" "$(vm_stat hurt mode)" observe
check "vdctl explain says why" \
	eval 'vdctl explain hurt | grep -qE "shown to harm|not shown to help"'
check "vdctl ab shows the evidence" eval 'vdctl ab hurt | grep "^hurt: rest for"'
vdctl ab hurt | sed 's/^/# /'
kill "$hurt"
wait "$hurt"

# What a neighbour loses is what a VM that spins had given away, and who gets quick answers spins
# more, because it asks more: neither is harm.
vdvm --name asks --workload initiator --vcpus 4 --forever >/dev/null 2>&1 &
asks=$!
vdvm --name computes --workload compute --vcpus 4 --forever >/dev/null 2>&1 &
computes=$!
soon_says "a VM that asks more and takes up its share is active" \
	'auto of asks: trial -> active .gain after [0-9]+ pairs' 120
vdctl ab asks | sed 's/^/# /'
never_tried() { ! grep -q 'auto of computes' "$log"; }
check "who does not spin is not tried" never_tried
kill "$asks" "$computes"
wait "$asks" "$computes"

sed -n 's/.*\(auto of\)/# \1/p' "$log"
sed -n 's/.*\(window of\)/# \1/p' "$log"
kill "$daemon"
wait "$daemon"
