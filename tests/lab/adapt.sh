#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# by name: a quarter of an hour
# kernels: 6.12
# The window follows the answers of the VM's own IPIs: two VMs whose answers differ 100x, one VM
# whose answers become 100 times slower and quick again, one that falls silent, one set by hand.
. ./lib.sh

dir=$(mktemp -d)
conf=$dir/d.conf
log=$dir/log
cg=/sys/fs/cgroup/adapt

# From now on: what the log has so far does not count for soon_says().
now() { log_from=$(($(wc -l <"$log") + 1)); }

# late NAME CS [OPTION]...: vCPU 1 answers when its interrupts are on, once per CS.
late() {
	local name=$1 cs=$2

	shift 2
	began=$(now_ms)
	vdvm --name "$name" --workload late --cs "$cs" --ncs 20us --count 100000000 --time 3600s \
		"$@" >/dev/null 2>&1 &
	vm=$!
	soon_says "$name is seen" "VM $name appeared"
}

end_vm() {
	kill -9 $vm
	wait $vm 2>/dev/null
	soon_says "$1 has ended" "VM $1 is gone"
}

window_us() { echo $(($(vm_stat "$1" window_ns) / 1000)); }
changes() { grep -c " window of $1: " "$log"; }

# settled NAME SECONDS: after that time the window stays for 3 s; what it did is shown.
settled() {
	local before

	sleep "$2"
	before=$(changes "$1")
	sleep 3
	equal "$1: it has found its place" "$(changes "$1")" "$before"
	awk -v from="$began" -v vm="$1" '$0 ~ " window of " vm ": " {
		at = $1 / 1000 - from; sub(/.* window of /, "")
		printf "# %5d ms: window of %s\n", at, $0 }' "$log"
}

# covers NAME LOW HIGH: in us; and next to nothing falls out of the window any more.
covers() {
	local window expired answered

	window=$(window_us "$1")
	number "$1: the window covers the answers ($window us)" "$window" -ge "$2"
	number "$1: and is not far above" "$window" -le "$3"
	expired=$(vm_stat "$1" expired)
	answered=$(vm_stat "$1" recorded)
	sleep 1
	expired=$(($(vm_stat "$1" expired) - expired))
	answered=$(($(vm_stat "$1" recorded) - answered))
	echo "# $1: $expired of $answered pairs fell out of the window in the next second"
	number "$1: it sends" "$answered" -gt 50
	number "$1: at most 1 % fall out" $((expired * 100)) -le "$answered"
}

printf '%s\n' '[global]' 'mode = observe' '[daemon]' 'interval = 100ms' 'heartbeat_grace = 60s' \
	>"$conf"
: >"$log"
modprobe vcpu_deboost
vcpu-deboostd --config "$conf" --textfile off 2> >(./stress stamp >>"$log") &
daemon=$!
soon_says "the daemon runs" ': started'

# From a window of 50 ms down to that of answers within 100 us ...
late quick 100us
settled quick 1
covers quick 100 1000
quick=$(window_us quick)
end_vm quick

# ... and from one of 1 ms up to that of answers within 10 ms.
vdctl set window=1ms >/dev/null
late slow 10ms
settled slow 6
covers slow 10000 100000
slow=$(window_us slow)
end_vm slow
echo "# windows: $quick us and $slow us"
number "their windows differ as their answers do" $((slow / quick)) -ge 50
number "and not much more" $((slow / quick)) -le 200
vdctl set window=50ms >/dev/null

# The same VM: its second vCPU may run 2 ms of every 10 ms, and then as it likes again.
late moved 100us --cgroup $cg --cgroup-per-vcpu
settled moved 1
began=$(now_ms)
echo "2000 10000" >$cg/libvirt/vcpu1/cpu.max
settled moved 17
covers moved 8000 100000
began=$(now_ms)
echo "max 10000" >$cg/libvirt/vcpu1/cpu.max
settled moved 15
number "moved: it is back ($(window_us moved) us)" "$(window_us moved)" -le 1000

# What is set by hand is left alone, said and shown.
now
vdctl set --vm moved window=3ms >/dev/null
soon_says "a window set by hand is left alone" \
	"window of moved is left at 3ms, which was set by hand"
check "vdctl explain says so" eval 'vdctl explain moved | grep -q "set by hand for this VM"'
sleep 1
equal "it stays" "$(window_us moved)" 3000
now
vdctl reset --vm moved >/dev/null
soon_says "a reset gives it back" "window of moved: 50ms -> .*us \(its answers\)"

# Without IPIs it goes back to the window of the host.
now
kill -STOP $vm
soon_says "a silent VM goes back to the host's window" \
	"window of moved: .* -> 50ms \(its answers\)" 300
sleep 3
equal "and has no window of its own" \
	"$(vdctl get --vm moved | awk '/^window=/ { print $2 }')" global
kill "$daemon"
wait "$daemon"
