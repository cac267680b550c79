#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What ends a wait: the EOI of its own vector and no other, by whatever way it is given; an INIT; a
# change of the settings.
. ./lib.sh

tracing=/sys/kernel/tracing
modprobe vcpu_deboost
vdctl set window=1s >/dev/null
echo 1 >$tracing/events/vcpu_deboost/vcpu_deboost_record/enable
echo 1 >$tracing/events/vcpu_deboost/vcpu_deboost_clear/enable

# guest NAME OPTION...: to its end; it lingers.
# "record SENDER>RECEIVER VECTOR"
pairs='s/.*vcpu_deboost_(record|clear): .*sender=([0-9]+) receiver=([0-9]+)'
pairs+=' vector=(\S+) .*/\1 \2>\3 \4/p'

guest() {
	vm=$1
	shift
	echo >$tracing/trace
	rm -f /tmp/guest.json
	vdvm --name "$vm" --json --linger 60s "$@" >/tmp/guest.json &
	guest=$!
	until_true 60 test -s /tmp/guest.json
	sed -nE "$pairs" $tracing/trace >/tmp/guest.trace
}

end() {
	kill $guest
	wait $guest
}

# rounds ROUND: the trace is 40 times these four lines.
rounds() {
	local i

	for i in $(seq 40); do
		printf '%s\n' "$@"
	done | cmp -s - /tmp/guest.trace && return
	head -n 12 /tmp/guest.trace
	return 1
}

# vCPU 1 has masked 0x31 when 0 sends it, and handles 0xec of 2 meanwhile.
guest vector --workload wrong --count 40 --vcpus 3
check "vector: the EOI of another vector leaves the wait" rounds "record 0>1 0x31" \
	"record 2>1 0xec" "clear 2>1 0xec" "clear 0>1 0x31"
equal "vector: every wait is ended by its own EOI" "$(vm_stat vector cleared)" 80
end

vdctl set eoi_clear=series >/dev/null
guest series --workload wrong --count 40 --vcpus 3
number "series: the first EOI ends both waits" "$(grep -c "^clear 0>1" /tmp/guest.trace)" -ge 40
check "series: before the other vector is handled" rounds "record 0>1 0x31" "record 2>1 0xec" \
	"clear 0>1 0xff" "clear 2>1 0xff"
end
vdctl set eoi_clear=vector >/dev/null

# KVM learns of a paravirtual EOI at the receiver's next exit: by then the sender may have renewed.
guest pv-eoi --workload count --count 100 --vcpus 2 --pv-eoi
number "pv-eoi: the guest used it" "$(field /tmp/guest.json pv_eois)" -ge 20
equal "pv-eoi: every wait ends by an EOI or is renewed" \
	$(($(vm_stat pv-eoi cleared) + $(vm_stat pv-eoi overwritten))) 100
number "pv-eoi: most end by an EOI" "$(vm_stat pv-eoi cleared)" -gt 40
equal "pv-eoi: none expired" "$(vm_stat pv-eoi expired)" 0
end

guest init --workload init --count 1 --vcpus 2
equal "init: the IPI was recorded" "$(vm_stat init recorded)" 1
equal "init: it was not answered" "$(vm_stat init cleared)" 0
equal "init: the INIT ended the wait" "$(vm_stat init forgotten)" 1
equal "init: the INIT is counted as such" "$(vm_stat init ipis_other)" 1
end

# Settings: what was recorded under others is forgotten. Between the IPI and the INIT, which ends
# the wait, too, the VM stands still; a debug kernel needs the longest time there is to see it.
ncs=400ms
! is_debug_kernel || ncs=1s
vdvm --name mode --workload init --count 1 --vcpus 2 --ncs $ncs >/dev/null &
until_true 60 eval '[ "$(vm_stat mode recorded)" = 1 ]'
kill -STOP $!
vdctl set mode=active >/dev/null
equal "mode: a change forgets what was recorded" "$(vm_stat mode forgotten)" 1
kill -CONT $!
wait
