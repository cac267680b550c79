# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by every lab test, which runs as root in a virtual host. Speaks TAP.

test_count=0
test_failed=0

# A test that dies on the way has not passed.
trap 'finish' EXIT

finish() {
	local status=$?

	trap - EXIT
	kill $(jobs -p) 2>/dev/null
	[ "$status" = 0 ] || { echo "# ended early with status $status"; test_failed=1; }
	echo "1..$test_count"
	[ "$test_failed" = 0 ] && [ "$test_count" -gt 0 ]
	# Without a number it were the status from before the trap.
	exit $?
}

result() {
	test_count=$((test_count + 1))
	if [ "$1" = 0 ]; then
		echo "ok - $2"
	else
		echo "not ok - $2"
		test_failed=1
	fi
	return 0
}

# check WHAT COMMAND...: passes if the command does.
check() {
	local what=$1 status=0

	shift
	"$@" >/tmp/check.out 2>&1 || status=$?
	result "$status" "$what"
	[ "$status" = 0 ] || sed 's/^/#   /' /tmp/check.out
}

# refuses WHAT STATUS PATTERN COMMAND...: fails with that status, and says why.
refuses() {
	local what=$1 want=$2 pattern=$3 status=0

	shift 3
	"$@" >/tmp/check.out 2>/tmp/check.err || status=$?
	if [ "$status" = "$want" ] && grep -qE "$pattern" /tmp/check.out /tmp/check.err; then
		result 0 "$what"
	else
		result 1 "$what"
		echo "#   status $status, wanted $want with /$pattern/:"
		sed 's/^/#   /' /tmp/check.out /tmp/check.err
	fi
}

# equal WHAT GOT WANTED
equal() {
	result "$([ "$2" = "$3" ]; echo $?)" "$1"
	[ "$2" = "$3" ] || echo "#   got '$2', wanted '$3'"
}

# number WHAT GOT -OP LIMIT, as in: number "some were boosted" "$n" -gt 0
number() {
	local status=1

	if [[ $2 =~ ^-?[0-9]+$ && $4 =~ ^-?[0-9]+$ ]]; then
		test "$2" "$3" "$4" && status=0
	fi
	result "$status" "$1"
	[ "$status" = 0 ] || echo "#   '$2' $3 '$4' is not so"
}

is_debug_kernel() {
	[[ $(uname -r) == *-k[ac]san ]]
}

# On a debug kernel every function takes many times as long. What a test bounds in time is
# multiplied with $slower; hooks overdraw their budget, as they should, and get one without end.
slower=1
hook_budget=250ms
! is_debug_kernel || slower=10 hook_budget=1s

# rounds N LEAST: how often to repeat what takes a debug kernel ten times as long: N, or N / 4 there.
rounds() {
	if is_debug_kernel; then
		echo $(($1 / 4 > $2 ? $1 / 4 : $2))
	else
		echo "$1"
	fi
}

lift_budget() {
	! is_debug_kernel || vdctl set budget_hook=$hook_budget >/dev/null
}

modprobe() {
	command modprobe "$@" || return
	[ "$1" != vcpu_deboost ] || lift_budget
}

# until_true SECONDS COMMAND...: poll, never sleep and hope.
until_true() {
	local tries=$(($1 * 20 * slower))

	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.05
	done
}

# What is shown of a test of soon() that fails: a script says what helps there.
why_not() { :; }

# soon WHAT COMMAND...: passes if the command does within $patience seconds.
patience=30
soon() {
	local what=$1 status=0

	shift
	until_true "$patience" "$@" || status=1
	result "$status" "$what"
	[ "$status" = 0 ] && return
	echo "#   $*"
	why_not | sed 's/^/#   /'
}

# soon_says WHAT PATTERN [SECONDS]: passes if the daemon's $log has such a line, from line $log_from
# on. Reading, not polling: the VMs shall have the CPUs.
log_from=1
soon_says() {
	local status=0

	timeout "${3:-60}" grep -qm1 -E -- "$2" <(tail -n +"$log_from" -f "$log") || status=1
	result "$status" "$1"
	[ "$status" = 0 ] || sed 's/^/#   log: /' "$log"
}

# auto_daemon [LINE]...: the module, and $daemon with mode = auto that looks and tries in short
# windows and says to $log what it does; LINEs are added to its configuration.
auto_daemon() {
	local dir

	dir=$(mktemp -d)
	log=$dir/log
	modprobe vcpu_deboost
	printf '%s\n' "[daemon]" "interval = 100ms" "heartbeat_grace = 5s" \
		"auto_window = 100ms" "$@" >"$dir/d.conf"
	: >"$log"
	vcpu-deboostd --config "$dir/d.conf" --textfile off 2>>"$log" &
	daemon=$!
}

never() { ! "$@"; }

# The module acts, but in KVM's order and by KVM's yield, for tests of the choice alone.
load_plain() {
	modprobe vcpu_deboost mode=active
	vdctl set order=stock sched=none >/dev/null
}

# field FILE KEY: a number or string from vdvm's line of JSON.
field() {
	sed -nE "s/.*\"$2\":(\"([^\"]*)\"|(-?[0-9]+)).*/\2\3/p" "$1" | head -n 1
}

# json KEY: the first value of that key in the indented JSON on stdin.
json() {
	sed -nE "s/^ *\"$1\": (\"(.*)\"|([^,\"]+)),?\$/\2\3/p" | head -n 1
}

# vm_stat VM KEY: a value of one VM; of the last one, if several have that name.
vm_stat() {
	vdctl vms --json | awk -v vm="\"$1\"" -v key="$2" '
		function flush() { if (value["name"] == vm) found = value[key]; delete value }
		/^ *"id":/ { flush() }
		match($0, /^ *"[a-z0-9_]+": /) {
			name = substr($0, RSTART, RLENGTH)
			gsub(/[": ]/, "", name)
			rest = substr($0, RSTART + RLENGTH)
			sub(/,$/, "", rest)
			value[name] = rest
		}
		END { flush(); gsub(/"/, "", found); if (found != "") print found }'
}

has_vm() {
	[ -n "$(vm_stat "$1" id)" ]
}

slab_kib() {
	awk '$1 == "Slab:" { print $2 }' /proc/meminfo
}

# What is in use of the caches that a module and its messages allocate from. Not those of files and
# tasks, which every command of a test comes and goes with: CPUs hold their slabs back half empty,
# which is noise of 100 KiB.
objects_kib() {
	local shrink

	echo 3 >/proc/sys/vm/drop_caches
	for shrink in /sys/kernel/slab/*/shrink; do
		echo 1 >"$shrink"
	done
	awk '$1 ~ /^(kmalloc|kvm|skbuff|ftrace|trace_event|pool_workqueue)/ { sum += $2 * $4 }
		END { printf "%d\n", sum / 1024 }' /proc/slabinfo
}

now_ms() {
	awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime
}

status_of() {
	vdctl status --json | json "$1"
}

is_mode() {
	[ "$(status_of mode)" = "$1" ]
}

# strategies: all that vdctl offers; a kernel may refuse some.
strategies() {
	vdctl help set | sed -n '/^ *sched /,/allowed:/s/.*allowed: \([^;]*\);.*/\1/p' | tr -d ,
}

# hooks_in_kernel: what ftrace knows of us, not what we say. Nobody else hooks KVM's functions here;
# our name is not shown where there was no memory for a trampoline of our own.
hooks_in_kernel() {
	grep -c '\[kvm\]' /sys/kernel/tracing/enabled_functions
}

# functions_hooked: what the module itself says it has hooked at a function's entry.
functions_hooked() {
	vdctl hooks --json | awk '
		/"kind":/ { function_kind = !/tracepoint/ }
		/"state": "armed"/ { armed = 1 }
		/}/ { n += armed && function_kind; armed = 0 }
		END { print n + 0 }'
}
