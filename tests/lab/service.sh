#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# lab: --systemd
# The unit under a real systemd, hardening included: what a user types is enough.
. ./lib.sh

unit=vcpu-deboostd.service
prom=/var/lib/prometheus/node-exporter/vcpu_deboost.prom

show() { systemctl show -P "$1" $unit; }
is() { [ "$(show "$1")" = "$2" ]; }
status_has() { show StatusText | grep -qE -- "$1"; }
sample() { [ "$(grep -c "^vcpu_deboost_$1\$" "$prom")" = 1 ]; }
logged() { journalctl -q -o cat -u $unit "$@" | grep -q .; }

why_not() { systemctl status --no-pager -l $unit; }

mkdir -p /etc/vcpu-deboostd/conf.d
printf '[metrics]\ntextfile_interval = 1s\n' >/etc/vcpu-deboostd/conf.d/10-test.conf
mkdir -p /run/systemd/system/$unit.d
printf '[Service]\nWatchdogSec=10\n' >/run/systemd/system/$unit.d/sooner.conf
check "the unit has a watchdog" grep -q '^WatchdogSec=' /usr/lib/systemd/system/$unit

# As another user, so that looking into it takes the capabilities of the unit.
chmod 666 /dev/kvm
systemd-run --quiet --unit vm-web --uid 65534 vdvm --name web --workload ipi --vcpus 2 --forever

check "it is enabled and started with one command" systemctl enable --now $unit
check "that loaded the module" test -d /sys/module/vcpu_deboost
check "it is active" is ActiveState active
soon "its status tells what it does" status_has '^observe, [0-9]+ IPIs/s, .* 1 VM$'
soon "it writes where it may" sample 'module_up 1'
soon "it sees a VM of another user" sample 'vm_info{vm="web",vm_id="1",.*} 1'
check "others can read the file" setpriv --reuid 65534 --clear-groups cat $prom

check "what nobody logged is not in the journal" never logged VCPU_DEBOOST_VM=nobody
check "the journal has the VM as a field" logged VCPU_DEBOOST_VM=web

# A name that tries to write a field of its own.
systemd-run --quiet --unit vm-evil vdvm --name $'guest=evil\nVCPU_DEBOOST_OLD=forged\n' \
	--workload compute --idle --vcpus 1 --forever
soon "a hostile name is in its field" logged VCPU_DEBOOST_VM=evil_VCPU_DEBOOST_OLD=forged_
check "and nowhere else" never logged VCPU_DEBOOST_OLD=forged
equal "as text, in one line" "$(journalctl -q -o json --output-fields=MESSAGE -u $unit \
	VCPU_DEBOOST_VM=evil_VCPU_DEBOOST_OLD=forged_ | grep -c '"MESSAGE":"VM evil_')" 1
vdctl set window=9ms --vm evil_VCPU_DEBOOST_OLD=forged_ >/dev/null
soon "a change has VM, old, new and reason" logged VCPU_DEBOOST_OLD=50ms VCPU_DEBOOST_NEW=9ms \
	VCPU_DEBOOST_VM=evil_VCPU_DEBOOST_OLD=forged_ VCPU_DEBOOST_REASON=request
equal "once" "$(journalctl -q -o cat -u $unit VCPU_DEBOOST_OLD=50ms \
	VCPU_DEBOOST_VM=evil_VCPU_DEBOOST_OLD=forged_ | wc -l)" 1
systemctl kill -s KILL vm-evil
soon "its end is seen" sample 'vms 1'
vdctl set mode=active >/dev/null
soon "and a change with old and new" logged VCPU_DEBOOST_OLD=observe VCPU_DEBOOST_NEW=active
soon "the status follows" status_has '^active, '

modprobe -r vcpu_deboost
soon "without the module it is idle" status_has '^idle: module vcpu_deboost not loaded'
check "and not failed" is ActiveState active
soon "a VM of another user is still seen" sample 'vm_info{vm="web",vm_id="",.*} 1'
systemctl stop vm-web
soon "and seen to end" sample 'vms 0'
systemd-run --quiet --unit vm-two --uid 65534 vdvm --name two --workload ipi --vcpus 2 --forever
soon "a new one is seen too" sample 'vm_info{vm="two",vm_id="",.*} 1'
modprobe vcpu_deboost
soon "the module is taken up again" status_has '^active, '

printf '[global]\nmode = sometimes\n' >/etc/vcpu-deboostd/conf.d/20-test.conf
check "a reload with a bad line returns" timeout 20 systemctl reload $unit
soon "says so" status_has 'reload refused'
refuses "a check names the line" 2 '20-test.conf:2: .*off, observe, active' \
	vcpu-deboostd --check-config
printf '[global]\nmode = observe\n' >/etc/vcpu-deboostd/conf.d/20-test.conf
check "a reload with a good one returns" timeout 20 systemctl reload $unit
soon "is in force" is_mode observe
check "it is active again" is ActiveState active

systemctl kill -s KILL $unit
soon "killed, it is started again" is NRestarts 1
soon "and works" status_has '^observe, '
main=$(show MainPID)
check "a second one is refused" eval '! vcpu-deboostd 2>/tmp/second'
check "with the process to blame" grep -q "process $main" /tmp/second
kill -STOP "$main"
soon "one that hangs is started again" is NRestarts 2
soon "and works" status_has '^observe, '

# A host, or a sandbox, on which the module cannot be asked at all.
printf '[Service]\nRestrictAddressFamilies=\nRestrictAddressFamilies=AF_UNIX\n' \
	>/run/systemd/system/$unit.d/unix.conf
systemctl daemon-reload
check "without netlink it starts" systemctl restart $unit
soon "says why it idles" status_has '^idle: this host or our sandbox has no netlink: '
sleep 11
check "is not taken for one that hangs" is NRestarts 0
check "and stops" systemctl stop $unit
check "well" is Result success
rm /run/systemd/system/$unit.d/unix.conf
systemctl daemon-reload
check "with netlink it works again" systemctl start $unit
soon "as before" status_has '^observe, '

check "it stops" systemctl stop $unit
check "well" is Result success
check "the host is stock" is_mode off
check "the file is gone" never test -e $prom

printf '[global]\nmode = sometimes\n' >/etc/vcpu-deboostd/conf.d/20-test.conf
check "with a bad line it does not start" eval "! systemctl start $unit"
check "and is not tried again" is ExecMainStatus 2
check "the journal has the line" eval "journalctl -o cat -u $unit | grep -q '20-test.conf:2: '"
