#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Whom we choose, what came of it, and whom KVM would have chosen: the books balance, the
# trace agrees, and equals take turns.
. ./lib.sh

tracing=/sys/kernel/tracing
load_plain
echo 40000 >$tracing/buffer_size_kb
echo 1 >$tracing/events/vcpu_deboost/vcpu_deboost_choose/enable

# A wait that was open when the VM had measured may end after it.
is_quiet() {
	local before

	before=$(vm_stat "$vm" spin_exits)
	sleep 0.1
	[ "$(vm_stat "$vm" spin_exits)" = "$before" ]
}

# pair NAME WORKLOAD [OPTION...]: two VMs on two CPUs, so that vCPUs are queued; NAME is looked at.
pair() {
	vm=$1
	shift
	echo >$tracing/trace
	rm -f /dev/shm/pair /tmp/pair.json
	vdvm --name beside --workload "$@" --vcpus 4 --time 300ms --barrier /dev/shm/pair \
		--parties 2 >/dev/null &
	vdvm --name "$vm" --json --linger 60s --workload "$@" --vcpus 4 --time 300ms \
		--barrier /dev/shm/pair --parties 2 >/tmp/pair.json &
	looked_at=$!
	until_true 60 test -s /tmp/pair.json
	until_true 60 is_quiet
	id=$(vm_stat "$vm" id)
	grep "vcpu_deboost_choose: vm=$id " $tracing/trace >/tmp/pair.trace
}

end() {
	kill $looked_at
	wait
}

sum() {
	local key sum=0

	for key in "$@"; do
		sum=$((sum + $(vm_stat "$vm" "$key")))
	done
	echo $sum
}

yields="boosted boosted_chain boosted_pending boosted_in_kernel boosted_relaxed boosted_at_work
	boosted_oldest"

# balance: every spin, and every yield, is accounted for.
balance() {
	local begun over

	equal "$vm: every spin ends in one way" "$(sum $yields redundant fell_through)" \
		"$(vm_stat "$vm" spin_exits)"
	begun=$(sum $yields)
	over=$(sum ran failed)
	number "$vm: no more yields end than begin" "$over" -le "$begun"
	number "$vm: at most one a vCPU is open" $((begun - over)) -le 4
	equal "$vm: as many in the histogram as ran" "$(vm_stat "$vm" runs)" "$(vm_stat "$vm" ran)"
	equal "$vm: each yield is traced" "$(grep -c 'act=yield' /tmp/pair.trace)" "$begun"
	equal "$vm: each spin that went on is traced" "$(grep -c 'act=spin-on' /tmp/pair.trace)" \
		"$(vm_stat "$vm" redundant)"
	equal "$vm: nobody yields to itself" \
		"$(grep -cE 'spinner=([0-9]+) target=\1 ' /tmp/pair.trace)" 0
}

# turns WHY LIMIT: of four equals the one chosen most is chosen at most LIMIT % of the time.
turns() {
	awk -v why="why=$1" -v limit="$2" '$0 ~ why && /act=yield/ {
			match($0, /target=[0-9]+/); n[substr($0, RSTART, RLENGTH)]++; all++
		}
		END {
			for (t in n) { seen++; if (n[t] > most) most = n[t] }
			exit !(seen == 4 && most * 100 <= limit * all)
		}' /tmp/pair.trace
}

pair receivers ipi
balance
number "receivers: most yields run" "$(vm_stat receivers ran)" -gt \
	"$(vm_stat receivers failed)"
check "receivers: every vCPU has its turn" turns receiver 40
end

vdctl set order=tiers >/dev/null
pair tiers lock
balance
number "tiers: some were preempted in their kernel" "$(vm_stat tiers boosted_in_kernel)" -gt 0
check "tiers: equals take turns" turns in-kernel 40
end

# Without tracking a receiver is only one that has an interrupt pending.
vdctl set ipi_tracking=off >/dev/null
pair pending ipi
balance
number "pending: some had an interrupt to handle" "$(vm_stat pending boosted_pending)" -gt 0
equal "pending: no receiver is known" "$(vm_stat pending boosted)" 0
end
vdctl set ipi_tracking=on >/dev/null

vdctl set order=age >/dev/null
pair age lockipi
balance
number "age: locks and IPIs both lead to somebody" "$(vm_stat age boosted)" -gt 0
number "age: by age too" "$(sum boosted_at_work boosted_oldest)" -gt 0
end

# An EOI comes before the answer, or after it. No vector: the EOI has come, and the sender spins on.
finishing() { grep -cE 'why=receiver act=yield vector=0x0 ' /tmp/pair.trace; }

vdctl set sched=loan >/dev/null
pair first initiator
balance
first=$(finishing)
end
pair last initiator --eoi last
balance
last=$(finishing)
end
echo "# yields to one that had sent its EOI: $first; with the answer before it: $last"
number "one that has sent its EOI and lost its CPU is waited for" "$first" -gt 2

vdctl set mode=observe order=stock sched=none >/dev/null
pair watched ipi
equal "watched: nobody is yielded to" "$(sum $yields redundant ran failed)" 0
would=$(vm_stat watched would_boost)
stock=$(sum stock_same stock_other stock_none)
number "watched: it says what it would have done" "$would" -gt 10
number "watched: each such choice is compared with KVM's" "$stock" -le "$would"
number "watched: but the last of each vCPU" $((would - stock)) -le 4
number "watched: KVM chose somebody else at times" \
	"$(sum stock_other stock_none)" -gt 0
number "watched: and the same at times" "$(vm_stat watched stock_same)" -gt 0
end
