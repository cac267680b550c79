#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Inside the virtual host: run the measurements that PLAN lists, one line of JSON each.
#
# PLAN is made of lines, a run is what lies between two `go`:
#   setting stock | setting KEY=VALUE...   stock = our module is not loaded
#   vm VDVM-OPTION...                      one VM; name, cgroup, barrier are added here
#   go ID
# Every line of a result starts with "bench: ".
set -euo pipefail

module=vcpu_deboost
slice=/sys/fs/cgroup/machine.slice
plan=${1:?usage: cell.sh PLAN}
dir=$(mktemp -d /tmp/cell.XXXXXX)
vdvm=$(command -v ./vdvm || command -v vdvm)

fail() {
	echo "bench-failed: $*"
	exit 1
}

apply_setting() {
	if [ "$*" = stock ]; then
		[ ! -d /sys/module/$module ] || rmmod $module || fail "$module does not unload"
		return
	fi
	[ -d /sys/module/$module ] || modprobe $module || fail "$module does not load"
	vdctl set "$@" >"$dir/set" 2>&1 || fail "vdctl set $*: $(cat "$dir/set")"
}

# start_vm NAME PARTIES VDVM-OPTION...
start_vm() {
	local name=$1 parties=$2 fd

	shift 2
	# Waiting for the report is a blocking read: whatever polls here takes time from the VMs.
	exec {fd}< <(exec "$vdvm" --name "$name" --json --linger 30s --barrier "$dir/barrier" \
		--parties "$parties" --cgroup "$slice/$name.scope" "$@" 2>"$dir/$name.err")
	pids+=("$!")
	fds+=("$fd")
}

# Wait until every VM has reported; all of them still exist then.
wait_reports() {
	local i line

	reports=()
	for i in "${!fds[@]}"; do
		IFS= read -r line <&"${fds[i]}" ||
			fail "$1: ${names[i]}: $(cat "$dir/${names[i]}.err")"
		reports+=("$line")
	done
}

end_vms() {
	local i fd

	kill -TERM "${pids[@]}" || true
	for i in "${!pids[@]}"; do
		fd=${fds[i]}
		exec {fd}<&-
		wait "${pids[i]}" || fail "$1: ${names[i]}: $(cat "$dir/${names[i]}.err")"
	done
}

module_counters() {
	if [ ! -d /sys/module/$module ]; then
		echo null
		return
	fi
	# 3: no hook is armed, which mode=off asks for.
	vdctl --json status >"$dir/status" 2>&1 || [ $? -eq 3 ] ||
		fail "vdctl status: $(cat "$dir/status")"
	tr -d '\n' <"$dir/status"
}

# run_vms ID: the VMs that were collected
run_vms() {
	local i counters

	pids=()
	fds=()
	rm -f "$dir/barrier"
	for i in "${!names[@]}"; do
		# shellcheck disable=SC2086 # the options are words
		start_vm "${names[i]}" "${#names[@]}" ${options[i]}
	done
	wait_reports "$1"
	counters=$(module_counters) || fail "$1: $counters"
	end_vms "$1"
	printf 'bench: {"id":%s,"release":"%s","module":%s,"vms":[' "$1" "$(uname -r)" "$counters"
	for i in "${!names[@]}"; do
		[ "$i" = 0 ] || printf ','
		printf '%s' "${reports[i]}"
	done
	printf ']}\n'
}

names=()
options=()
while read -r verb rest; do
	case $verb in
	setting)
		# shellcheck disable=SC2086
		apply_setting $rest
		;;
	vm)
		names+=("vm$((${#names[@]} + 1))")
		options+=("$rest")
		;;
	go)
		run_vms "$rest"
		names=()
		options=()
		;;
	*) fail "$plan: unknown line '$verb $rest'" ;;
	esac
done <"$plan"
[ ! -d /sys/module/$module ] || rmmod $module
rm -rf "$dir"
echo "bench-done"
