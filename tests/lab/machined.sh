#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# lab: --systemd
# The real systemd-machined over a real bus, with the daemon in the sandbox of its unit.
. ./lib.sh

unit=vcpu-deboostd.service
prom=/var/lib/prometheus/node-exporter/vcpu_deboost.prom
manager="org.freedesktop.machine1 /org/freedesktop/machine1 org.freedesktop.machine1.Manager"

if ! [ -x /usr/lib/systemd/systemd-machined ] || ! [ -x /usr/bin/dbus-daemon ]; then
	result 0 "machined # SKIP no systemd-machined here: apt-get install systemd-container dbus"
	exit 0
fi

machined() { busctl call $manager "$@"; }
info() { [ "$(grep -c "^vcpu_deboost_vm_info{vm=\"$1\",.*pid=\"$2\".*manager=\"$3\"} 1\$" \
	"$prom")" = 1 ]; }
main_pid() { systemctl show -P MainPID "$1"; }

# start_vm UNIT: a VM whose command line has no name.
start_vm() {
	systemd-run --quiet --unit "$1" vdvm --workload ipi --vcpus 2 --forever
	until_true 30 [ "$(main_pid "$1")" != 0 ]
	main_pid "$1"
}

why_not() {
	grep vm_info "$prom"
	journalctl -q -o cat -u $unit | tail -n 20
}

mkdir -p /etc/vcpu-deboostd/conf.d
printf '[metrics]\ntextfile_interval = 1s\n' >/etc/vcpu-deboostd/conf.d/10-test.conf
check "the bus is there" systemctl start dbus.socket

# Registered before the daemon is there, in a unit of the registrar's own.
before=$(start_vm vm-before)
check "a machine is registered" machined RegisterMachine sayssus before 0 lab vm "$before" ""
check "the daemon starts" systemctl start $unit
soon "a machine from before has its name" info before "$before" machined

# A VM first, the machine after it.
late=$(start_vm vm-late)
soon "a VM that is no machine has its number" info "vdvm-$late" "$late" none
check "now it is one" machined RegisterMachine sayssus "late-1" 0 lab vm "$late" ""
soon "and has its name" info late-1 "$late" machined
check "which is said" eval "journalctl -q -o cat -u $unit |
	grep -q 'VM vdvm-$late is now known as late-1'"

# As libvirt does: a scope of machine.slice, made by machined around the process.
web=$(start_vm vm-web)
check "libvirt makes a machine" machined CreateMachine 'sayssusa(sv)' "qemu-7-web.front" 0 \
	libvirt-qemu vm "$web" "" 0
soon "it is libvirt's" info web.front "$web" libvirt
check "and lives in its scope" grep -q "pid=\"$web\".*machine-qemu.*scope" "$prom"

# Rates go on through all of that: what the last interval grew by is no total.
ipis() { awk '/^vcpu_deboost_vm_ipis_total\{vm="late-1"/ { print $NF }' "$prom"; }
one=$(ipis)
check "the counters go on" until_true 30 eval '[ "$(ipis)" -gt "${one:-0}" ]'

# The bus goes away and comes back.
systemctl stop dbus.socket dbus.service
systemctl start dbus.socket
check "the daemon lives on" systemctl is-active $unit
soon "what was known stays" info late-1 "$late" machined
kill "$web"
soon "an end is seen" eval "! grep -q 'pid=\"$web\"' $prom"
check "it stops" systemctl stop $unit
systemctl kill -s KILL vm-before vm-late
