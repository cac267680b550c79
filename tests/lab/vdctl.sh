#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# all of them on: 6.12
# vdctl with the real module: whom a name means, what it prints, who may change what.
. ./lib.sh

as_nobody() {
	su -s /bin/bash nobody -c "$*"
}

boot_vm() {
	vdvm --name "$1" --workload ipi --vcpus "$2" --forever >/dev/null 2>&1 &
}

ids() {
	vdctl vms | awk 'NR > 1 { print $1 }' | wc -l
}

equal "status without the module exits 3" "$(vdctl status >/dev/null; echo $?)" 3
# Without what lib.sh sets on debug kernels: the defaults are looked at first.
command modprobe vcpu_deboost mode=observe
equal "status when armed exits 0" "$(vdctl status >/dev/null; echo $?)" 0
check "an armed hook is listed" eval 'vdctl hooks | grep -q "armed.*kvm_vcpu_on_spin"'
defaults=(mode=observe ipi_tracking=on window=50ms order=age relaxed_boost=on chain=on slots=8
	eoi_clear=vector sched=loan budget_hook=250ms budget_boosts=1000000 budget_failed=100
	budget_wait=5s)
equal "get prints what set takes" "$(vdctl get | xargs)" "${defaults[*]}"
lift_budget

boot_vm twin 2
twin=$!
boot_vm twin 2
boot_vm $'evil\033[2J"\\\nname' 4
boot_vm 0 2
check "four VMs are listed" until_true 60 eval '[ "$(ids)" = 4 ]'
check "a hostile name is harmless" eval 'vdctl vms | grep -q " evil_\[2J___name "'
check "and valid JSON with its name" eval 'vdctl vms --json | grep -q "\"evil_\[2J___name\""'

refuses "a name of two VMs" 4 '2 VMs answer to "twin": id .*id:N' vdctl get --vm twin
refuses "a name of none" 4 'there is no VM "nope"' vdctl get --vm nope
refuses "no id as name" 4 'there is no VM "name:1"' vdctl get --vm name:1
equal "a VM by its process" "$(vdctl set window=5ms --vm pid:$twin)" "window: 50ms -> 5ms"
equal "now it is its own" "$(vdctl get window --vm $twin)" $'window=5ms\town'
equal "a VM called 0" "$(vdctl get window --vm 0)" $'window=50ms\tglobal'
equal "the other twin keeps the global one" "$(vdctl vms | grep -c ' twin .* 50ms ')" 1
check "the table marks it" eval 'vdctl vms | grep -q " twin .* 5ms\* "'
equal "unchanged is said" "$(vdctl set window=5ms --vm pid:$twin)" "window: 5ms (unchanged)"
equal "reset gives it back" "$(vdctl reset --vm pid:$twin)" "window: 5ms -> 50ms"
equal "twice does no harm" "$(vdctl reset --vm pid:$twin)" \
	"twin follows the global tuning already"

refuses "nobody may not set" 5 'run as root' as_nobody vdctl set window=10ms
refuses "nor set a VM" 5 'run as root' as_nobody vdctl set window=10ms --vm pid:$twin
refuses "nor reset one" 5 'run as root' as_nobody vdctl reset --vm pid:$twin
check "nobody may look" as_nobody vdctl status
check "at the VMs, too" eval 'as_nobody vdctl vms | grep -q " twin "'
equal "and nothing has changed" "$(vdctl get window)" "window=50ms"

refuses "half a set is none" 2 'out of range' vdctl set window=10ms window=2s
equal "so the first half is not there" "$(vdctl get window)" "window=50ms"
equal "mode off exits 3" "$(vdctl set mode=off >/dev/null; vdctl status >/dev/null; echo $?)" 3
check "and says so" eval 'vdctl status | grep -q "not armed"'
