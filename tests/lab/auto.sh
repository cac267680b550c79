#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# mode = auto with real VMs: active where it helps, and vdctl says why.
. ./lib.sh

dir=$(mktemp -d)
conf=$dir/d.conf
log=$dir/log

# Reading, not polling: the VMs shall have the CPUs.
said() {
	timeout "$2" grep -qm1 -E -- "$1" <(tail -n +1 -f "$log")
}

soon() {
	local status=0

	said "$2" 120 || status=1
	result "$status" "$1"
	[ "$status" = 0 ] || sed 's/^/#   log: /' "$log"
}

cat >"$conf" <<'CONF'
[daemon]
interval = 100ms
heartbeat_grace = 5s
auto_window = 100ms
CONF
: >"$log"
modprobe vcpu_deboost
vcpu-deboostd --config "$conf" --textfile off 2>>"$log" &
daemon=$!

vdvm --name helped --workload ipi --vcpus 4 --forever >/dev/null 2>&1 &
helped=$!
soon "a VM that spins is tried" 'auto of helped: watch -> trial'
soon "and ends active where that helps" 'auto of helped: trial -> active .gain after [0-9]+ pairs'
equal "as the module knows" "$(vm_stat helped mode)" active
check "vdctl explain says why" eval 'vdctl explain helped | grep -q "gain was shown"'
check "vdctl ab shows the evidence" eval 'vdctl ab helped | grep "^helped: active for"'
kill "$helped"

sed -n 's/.*\(auto of\)/# \1/p' "$log"
sed -n 's/.*\(window of\)/# \1/p' "$log"
kill "$daemon"
wait "$daemon"
