#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The module comes and goes, in each mode, with and without KVM, and leaves nothing.
. ./lib.sh

# The probe counts of KVM's tracepoints are not shown anywhere: kvm itself refuses to unload
# quietly with one left (a WARN of the tracepoint core, which fails the run).

sysctl_ftrace() {
	echo "$1" >/proc/sys/kernel/ftrace_enabled
}

# v7 lets nobody switch it off.
ftrace_switch=
if sysctl_ftrace 0 2>/dev/null; then
	ftrace_switch=1
	sysctl_ftrace 1
fi
check "the older kernels have that switch" eval '[[ $ftrace_switch || $(uname -r) == 7.* ]]'

equal "nothing is hooked before" "$(hooks_in_kernel)" 0
refuses "a mode that does not exist is refused" 1 "." modprobe vcpu_deboost mode=fast
check "the reason is in the log" grep -q "mode=fast is not one of off, observe, active" \
	<(dmesg)

check "loads" modprobe vcpu_deboost
equal "observes by default" "$(status_of mode)" observe
number "functions are hooked" "$(hooks_in_kernel)" -ge 3
equal "as many as our table says" "$(hooks_in_kernel)" "$(functions_hooked)"
equal "no hook is refused" "$(vdctl hooks --json | grep -c '"state": "refused"')" 0

# Without PERMANENT it would be accepted, and the functions' hooks silent.
[ -z "$ftrace_switch" ] || refuses "ftrace cannot be switched off under us" 1 busy sysctl_ftrace 0
check "mode off" vdctl set mode=off
equal "off: no hook is armed in the kernel" "$(hooks_in_kernel)" 0
equal "off: no hook is armed in our table" \
	"$(vdctl hooks --json | grep -c '"state": "armed"')" 0
if [ "$ftrace_switch" ]; then
	check "then it can" sysctl_ftrace 0
	refuses "and nothing is armed" 7 "KVM could not be hooked" vdctl set mode=active
	check "for that reason" grep -q "kernel.ftrace_enabled=0" <(status_of reason)
	equal "nor hooked" "$(hooks_in_kernel)" 0
	check "on again" sysctl_ftrace 1
fi
check "mode active" vdctl set mode=active
equal "active: every function is hooked" "$(hooks_in_kernel)" "$(functions_hooked)"

# KVM goes and comes back while we stay.
check "kvm_amd unloads under us" rmmod kvm_amd
check "kvm unloads under us" rmmod kvm
equal "nothing is armed without kvm" "$(status_of armed)" false
equal "and the reason is given" "$(status_of reason)" "the module kvm is not loaded"
check "kvm loads again" modprobe kvm_amd
check "hooks are armed again" until_true 60 eval '[ "$(status_of armed)" = true ]'
equal "in the mode that was set" "$(status_of mode)" active

# Loaded before kvm.
rmmod vcpu_deboost kvm_amd kvm
check "loads without kvm" modprobe vcpu_deboost
equal "not armed" "$(status_of armed)" false
check "kvm comes later" modprobe kvm_amd
check "and is hooked" until_true 60 eval '[ "$(status_of armed)" = true ]'

# With the mode off it follows KVM, too, by what it says.
check "mode off without hooks" vdctl set mode=off
check "kvm goes" rmmod kvm_amd kvm
equal "that is the reason" "$(status_of reason)" "the module kvm is not loaded"
check "kvm comes" modprobe kvm_amd
says_off() { [ "$(status_of reason)" = "the mode is off" ]; }
check "then the mode is" until_true 60 says_off

cycles() {
	local i modes=(off observe active)

	for i in $(seq 20); do
		rmmod vcpu_deboost && modprobe vcpu_deboost mode="${modes[i % 3]}" || return 1
	done
}
check "20 cycles of unloading and loading" cycles
check "unloads" rmmod vcpu_deboost
equal "nothing is hooked after" "$(hooks_in_kernel)" 0
refuses "vdctl says that it is gone" 3 "not loaded" vdctl status
refuses "and how to load it" 6 "modprobe vcpu_deboost" vdctl set mode=off
