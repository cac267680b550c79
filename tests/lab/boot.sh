#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The switch on the kernel's command line: a host that was lost at boot comes up without us.
# lab: --append vcpu_deboost.off=1 --append vcpu_deboost.mode=active
. ./lib.sh

equal "the command line has it" "$(grep -o 'vcpu_deboost.off=1' /proc/cmdline)" vcpu_deboost.off=1
check "the module loads" modprobe vcpu_deboost
equal "off, by the switch" "$(vdctl trip --json | json kind)" switch
equal "the mode is off, whatever else is said there" "$(status_of mode)" off
equal "nothing is hooked" "$(hooks_in_kernel)" 0
refuses "nobody turns it on again" 7 "tripped|trip clear" vdctl set mode=active
equal "still nothing is hooked" "$(hooks_in_kernel)" 0
check "but who clears the trip" vdctl trip clear
check "can" vdctl set mode=active
number "then it is hooked" "$(hooks_in_kernel)" -ge 3
check "unloads" rmmod vcpu_deboost
