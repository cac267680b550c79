#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Observing changes nothing, active acts, and a VM can differ from the rest.
. ./lib.sh

modprobe vcpu_deboost
for vm in a b; do
	vdvm --name $vm --workload ipi --vcpus 4 --forever >/dev/null &
done
check "VMs are seen" until_true 60 eval 'has_vm a && has_vm b'
until_true 60 eval '[ "$(vm_stat a would_boost)" -gt 10 ]'
number "observing: it says whom it would boost" "$(vm_stat a would_boost)" -gt 10
equal "observing: it boosts nobody" "$(vm_stat a boosted)" 0
equal "observing: every spin is left to KVM" "$(($(vm_stat a spin_exits) > 0))" 1

check "one VM is made active" vdctl set mode=active --vm a
equal "it has its own mode" "$(vm_stat a mode)" active
equal "the other has not" "$(vm_stat b mode)" observe
check "it is boosted" until_true 60 eval '[ "$(vm_stat a boosted)" -gt 10 ]'
equal "the other is not" "$(vm_stat b boosted)" 0

check "a global knob reaches both" vdctl set window=20ms
equal "a has it" "$(vm_stat a window_ns)" 20000000
check "an override stays" vdctl set window=30ms --vm a
vdctl set window=10ms >/dev/null
equal "over a later global change" "$(vm_stat a window_ns)" 30000000
check "reset drops the overrides" vdctl reset --vm a
equal "mode is the global one" "$(vm_stat a mode)" observe
equal "window is the global one" "$(vm_stat a window_ns)" 10000000

check "everything active" vdctl set mode=active
check "the other is boosted now" until_true 60 eval '[ "$(vm_stat b boosted)" -gt 10 ]'
check "back to observing" vdctl set mode=observe
before=$(vm_stat b boosted)
sleep 0.3
number "at most what was under way is still boosted" $(($(vm_stat b boosted) - before)) -le 2
check "global off with VMs running" vdctl set mode=off
equal "no function is hooked" "$(hooks_in_kernel)" 0
check "observing again finds both" vdctl set mode=observe
check "with their vCPUs" eval '[ "$(vm_stat a vcpus)" = 4 ] && [ "$(vm_stat b vcpus)" = 4 ]'
check "and their owners" eval '[ "$(vm_stat a comm)" = vdvm ] && [ "$(vm_stat a pid)" -gt 1 ]'
