#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# No memory: each allocation of the module fails in turn, when it loads, when VMs come and go, and
# when it is asked. It says so or does without, and nothing stays behind. Argument: of the many made
# while hooks are armed each so many-th fails; "make failslab" gives 1.
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

# allocations COMMAND...: how many it makes.
allocations() {
	fail_nth 1000000
	"$@" >/dev/null
	echo $((1000000 - $(cat $fail/nth)))
	fail_nth 0
}

# Which of N to let fail. Most of them read the kernel's types, page by page, and are all alike: the
# first and the last ones count.
points() {
	{
		seq 1 "$step" 40
		seq 40 $((($1 - 200) / 4 + 1)) $(($1 - 200))
		seq $(($1 > 200 ? $1 - 200 : 41)) "$step" "$1"
	} | sort -nu
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
		off_and_on >/dev/null || complain "cannot be armed" || return
	fi
	[ "$(hooks_in_kernel)" -gt 3 ] || complain "not hooked" || return
	rmmod vcpu_deboost
}

off_and_on() {
	vdctl set mode=off && vdctl set mode=active
}

load() {
	modprobe vcpu_deboost mode=active
}

loads() {
	local status

	for n in $(points "$of"); do
		fail_nth "$n"
		status=0
		load 2>/tmp/modprobe || status=$?
		[ "$(failures)" != 0 ] || missed=$((missed + 1))
		fail_nth 0
		tried=$((tried + 1))
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
}

tried=0 missed=0
refused=0
unarmed=0
of=$(allocations load)
rmmod vcpu_deboost
loads >/tmp/loads
result $? "loading: $tried of $of allocations failed in turn"
sed 's/^/#   /' /tmp/loads
number "loading: some of them matter" $((refused + unarmed)) -gt 5
number "loading: but not all of them" $((tried - refused - unarmed)) -gt 0
number "loading: what was to fail did, nearly always" "$missed" -le $((tried / 4))
echo "# $refused loads were refused, $unarmed did not arm, $missed needed less"
load

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

# asked N COMMAND...: fails at the N-th allocation, or not: right, or a sentence.
asked() {
	fail_nth "$1"
	n=$1
	shift
	if ! "$@" >/tmp/answer 2>&1; then
		[ "$(failures)" != 0 ] || complain "refused: $(cat /tmp/answer)" || return
		grep -qiE 'memory|INFO_GET' /tmp/answer ||
			complain "not a word of memory: $(cat /tmp/answer)" || return
	fi
	fail_nth 0
}

each_of() {
	local points=$1 point

	shift
	for point in $points; do
		asked "$point" "$@" || return
	done
}

for request in "status" "vms" "hooks" "get --vm rich" "set window=3ms" \
	"set window=4ms --vm rich" "reset --vm rich"; do
	# shellcheck disable=SC2086
	check "vdctl $request, with no memory at each point" \
		each_of "$(seq "$(allocations vdctl $request)")" vdctl $request
done
of=$(allocations off_and_on)
check "off and active again: without memory at some of $of points" \
	each_of "$(points "$of")" off_and_on
check "mode off" vdctl set mode=off
equal "nothing is hooked" "$(hooks_in_kernel)" 0
check "and active" vdctl set mode=active
number "is hooked" "$(hooks_in_kernel)" -gt 3
kill $!
wait $!
check "unloads" rmmod vcpu_deboost
equal "nothing is hooked at the end" "$(hooks_in_kernel)" 0
