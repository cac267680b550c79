#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# by name: it has not been run to its end yet
# No memory: each allocation of the module fails in turn, when it loads, when VMs come and go, and
# when it is asked. It says so or does without, and nothing stays behind. Argument: of those made
# while hooks are armed, which take long, each so many-th fails; "make failslab" gives 1.
. ./lib.sh

step=${1:-9}

fail=/sys/module/vdb_fail/parameters
modprobe vdb_fail victim=vcpu_deboost

failures() {
	cat $fail/failed
}

# Let the N-th allocation from now fail; 0: none any more.
fail_nth() {
	echo "$1" >$fail/nth
}

complain() {
	echo "allocation $n: $*"
	false
}

# Loaded with one failure: armed all the same, or not armed and able to say why, and once there
# is memory again it arms when told to.
loaded_well() {
	if [ "$(status_of armed)" != true ]; then
		unarmed=$((unarmed + 1))
		[ -n "$(status_of reason)" ] || complain "not armed, and no reason" || return
		[ "$(hooks_in_kernel)" = 0 ] || complain "not armed, but hooked" || return
		vdctl set mode=off && vdctl set mode=active || complain "cannot be armed" || return
	fi
	[ "$(hooks_in_kernel)" -gt 3 ] || complain "not hooked" || return
	rmmod vcpu_deboost
}

# Until a load in which nothing failed, as there were fewer allocations.
loads() {
	local status

	for ((n = 1; n < 1000; n += step)); do
		fail_nth "$n"
		modprobe vcpu_deboost mode=active 2>/tmp/modprobe
		status=$?
		[ "$(failures)" != 0 ] || break
		fail_nth 0
		if [ $status = 0 ]; then
			loaded_well || return
		else
			refused=$((refused + 1))
			grep -q 'Cannot allocate memory' /tmp/modprobe ||
				complain "refused: $(cat /tmp/modprobe)" || return
			[ ! -e /sys/module/vcpu_deboost ] || complain "refused, but there" || return
		fi
		[ "$(hooks_in_kernel)" = 0 ] || complain "hooks are left" || return
	done
	fail_nth 0
	[ $status = 0 ]
}

refused=0
unarmed=0
loads >/tmp/loads
result $? "loading: each ${step}th of some $((n - 1)) allocations failed in turn"
sed 's/^/#   /' /tmp/loads
number "loading: some of them matter" $((refused + unarmed)) -gt 1
echo "# $refused loads were refused, $unarmed did not arm"

# one_vm: a VM that lives and ends, with APIC ids that take an entry of their own.
one_vm() {
	vdvm --name poor --workload ipi --vcpus 3 --id-stride 2 --time 2ms --warmup 0ms \
		>/tmp/vm 2>&1 || complain "the VM: $(cat /tmp/vm)" || return
	until_true 60 eval '[ "$(status_of now)" = 0 ]' || complain "the VM is kept"
}

refused_of() {
	vdctl status --json | awk '/"vms"/ { v = 1 } v && /"refused"/' | head -n 1 | tr -dc 0-9
}

vms() {
	for ((n = 1; n < 200; n++)); do
		fail_nth "$n"
		one_vm || return
		[ "$(failures)" != 0 ] || break
	done
	fail_nth 0
}
vms >/tmp/vms
result $? "VMs: each of $((n - 1)) allocations failed in turn"
sed 's/^/#   /' /tmp/vms
number "VMs: there were some" "$n" -gt 5

# Nothing left at all: left to stock KVM, and counted.
before=$(($(refused_of) + 0))
seen=$(status_of seen)
echo 1 >$fail/all
fail_nth 1
vdvm --name starved --workload ipi --vcpus 3 --time 5ms --warmup 0ms >/tmp/vm 2>&1
result $? "without any memory the VM runs"
number "and was refused memory" "$(failures)" -gt 2
echo 0 >$fail/all
fail_nth 0
number "it is counted as refused" "$(refused_of)" -gt "$before"
equal "and not as seen" "$(status_of seen)" "$seen"
check "nothing is kept of it" until_true 60 eval '[ "$(status_of now)" = 0 ]'
vdvm --name rich --workload ipi --vcpus 3 --time 50ms --linger 60s --json >/tmp/rich.json &
until_true 60 test -s /tmp/rich.json
equal "the next VM is tracked again" "$(vm_stat rich vcpus)" 3

# asked STEP COMMAND...: each allocation fails in turn; the answer is right, or a sentence.
asked() {
	local by=$1

	shift
	for ((n = 1; n < 1000; n += by)); do
		fail_nth "$n"
		if ! "$@" >/tmp/answer 2>&1; then
			[ "$(failures)" != 0 ] || complain "refused: $(cat /tmp/answer)" || return
			grep -qi 'memory' /tmp/answer ||
				complain "not a word of memory: $(cat /tmp/answer)" || return
		fi
		[ "$(failures)" != 0 ] || break
	done
	fail_nth 0
}

for request in "status" "vms" "hooks" "get --vm rich" "set window=3ms" \
	"set window=4ms --vm rich" "reset --vm rich"; do
	check "vdctl $request, with no memory at each point" asked 1 vdctl $request
done

off_and_on() {
	vdctl set mode=off && vdctl set mode=active
}
check "vdctl set mode, with no memory at each ${step}th point" asked "$step" off_and_on
check "mode off" vdctl set mode=off
equal "nothing is hooked" "$(hooks_in_kernel)" 0
check "and active" vdctl set mode=active
number "is hooked" "$(hooks_in_kernel)" -gt 3
kill $!
wait $!
check "unloads" rmmod vcpu_deboost
equal "nothing is hooked at the end" "$(hooks_in_kernel)" 0
