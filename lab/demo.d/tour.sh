#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Inside the virtual host: what an operator sees with two VMs and the daemon.
set -euo pipefail

prom=/run/metrics/vcpu_deboost.prom

say() {
	printf '\n--- %s\n' "$*"
}

modprobe vcpu_deboost
mkdir -p /run/metrics /etc/vcpu-deboostd/conf.d
cat >/etc/vcpu-deboostd/conf.d/demo.conf <<CONF
[global]
mode = active
[metrics]
textfile = $prom
textfile_interval = 1s
CONF
for vm in alpha beta; do
	vdvm --name $vm --workload ipi --vcpus 4 --forever \
		--cgroup /sys/fs/cgroup/machine.slice/$vm.scope >/dev/null &
done
vcpu-deboostd 2>/run/daemon.log &
daemon=$!

say "Two 4-vCPU VMs on 2 CPUs, the daemon active: vdctl vms"
sleep 3
vdctl vms
say "vdctl set window=20ms --vm alpha"
vdctl set window=20ms --vm alpha
say "vdctl status"
vdctl status
say "First lines of $prom"
grep -v '^# HELP' $prom | grep -m 14 -E 'module_up|vm_info|boosted|spin_exits|recorded'
say "systemctl stop leaves the host stock"
kill $daemon
wait $daemon || { cat /run/daemon.log; exit 1; }
# Exit status 3: not working, which is what was asked for.
vdctl status | head -3 || :
