#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# VMs of every manager: real cgroups, made as each of them makes them, real processes with their
# command lines. On cgroup v2, or with "lab/run --cgroup v1" on v1 and hybrid (see trees1.sh).
. ./lib.sh

prom=/tmp/x.prom
conf=/tmp/d.conf
log=/tmp/log
uuid=4dea22b3-1d52-d8f3-2516-782e98ab3fa0
pod=0c1fd4b6_1a2b_3c4d_5e6f_708192a3b4c5
root=/sys/fs/cgroup
hybrid=
if ! [ -e $root/cgroup.controllers ]; then
	root=/sys/fs/cgroup/cpu
	hybrid=/sys/fs/cgroup/unified
	mkdir $hybrid && mount -t cgroup2 cgroup2 $hybrid
fi

# start TREE PATH PROGRAM [ARG...]: a VM in that cgroup, with that command line.
start() {
	local tree=$1 path=$2 program=$3

	shift 3
	mkdir -p "$tree$path"
	(
		echo $BASHPID >"$tree$path/cgroup.procs"
		exec -a "$program" ./stress vm "$@"
	) &
	vm=$!
}

# label KEY: of the line of process $pid in the metrics.
label() {
	grep "^vcpu_deboost_vm_info{.*,pid=\"$pid\"," $prom |
		sed -nE "s/.*[{,]$1=\"([^\"]*)\".*/\1/p"
}

is_called() { [ "$(label vm)/$(label manager)" = "$1/$2" ]; }

# expect PID NAME MANAGER UUID PATH
expect() {
	local pid=$1 path=${5//\\/\\\\}

	until_true 8 is_called "$2" "$3"
	equal "$2 of $3 ($5)" "$(label vm) $(label manager) $(label uuid) $(label cgroup)" \
		"$2 $3 $4 $path"
}

scope='/machine.slice/machine-qemu\x2d1\x2dweb\x2dfront.scope'
part='/production.slice/production-gold.slice/machine-qemu\x2d12\x2ddb.scope'
pods=/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod$pod.slice
pods_fs=/kubepods/besteffort/pod${pod//_/-}
pods_kind=/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod$pod.slice
table=()
# row TREE PATH NAME MANAGER UUID PROGRAM [ARG...]
row() {
	local tree=$1 path=$2 name=$3 manager=$4 id=$5

	shift 5
	start "$tree" "$path" "$@"
	table+=("$vm|${name/PID/$vm}|$manager|$id|$path")
}

printf '%s\n' '[daemon]' 'interval = 500ms' '[metrics]' 'textfile_interval = 1s' >$conf
mounts=$(cat /proc/mounts)
modprobe vcpu_deboost

rows_of_all() {
	row $root /plain web0 none $uuid qemu-system-x86_64 -name web0 -uuid $uuid
	row $root /nameless stress-PID none "" qemu-system-x86_64 -m 512
	row $root "$scope/libvirt/emulator" web-front libvirt $uuid qemu-system-x86_64 -name \
		guest=web-front,debug-threads=on -uuid $uuid
	row $root "${scope/front/back}" web-back libvirt "" qemu-system-x86_64
	row $root "$part/libvirt/vcpu0" db libvirt "" qemu-system-x86_64
	row $root '/machine.slice/machine-qemu\x2dold.scope' old libvirt "" qemu-system-x86_64
	row $root /machine/qemu-3-flat.libvirt-qemu/emulator flat libvirt "" qemu-system-x86_64
	row $root /machine/gold.partition/qemu-4-part.libvirt-qemu part libvirt "" qemu
	row $root /libvirt/qemu/ancient/emulator ancient libvirt "" qemu-kvm
	row $root '/machine.slice/machine-\xc3\xa4.scope' ä machined "" vmspawn
	row $root '/machine.slice/machine-fedora.scope' fedora machined "" vmspawn
	row $root /qemu.slice/100.scope mail proxmox $uuid /usr/bin/kvm -id 100 -name \
		mail,debug-threads=on -smbios "type=1,uuid=$uuid"
	row $root /qemu.slice/101.scope 101 proxmox "" /usr/bin/kvm -id 101
	row $root "$pods/cri-containerd-0123456789.scope" default_testvm kubepods $uuid \
		/usr/libexec/qemu-kvm -name guest=default_testvm,debug-threads=on -uuid $uuid
	row $root "$pods_fs/0123456789" ${pod//_/-} kubepods "" /usr/libexec/qemu-kvm
	row $root "$pods_kind/crio-01.scope" \
		default_kind kubepods "" /usr/libexec/qemu-kvm -name guest=default_kind
	row $root /firecracker/551e7604 551e7604 none "" /usr/bin/firecracker --id 551e7604 \
		--api-sock /run/fc.sock
	row $root /system.slice/ch.service stress-PID none $uuid cloud-hypervisor --api-socket \
		/run/ch.sock --platform "uuid=$uuid"
}

# Half of them before the daemon, half of them later: both ways of finding must do.
rows_of_all
vcpu-deboostd --config $conf --textfile $prom 2>>$log &
daemon=$!
check "the daemon runs" until_true 60 test -s $prom
start $root /qemu.slice/200.scope /usr/bin/kvm
late=$vm
for line in "${table[@]}"; do
	IFS='|' read -r pid name manager id path <<<"$line"
	expect "$pid" "$name" "$manager" "$id" "$path"
done
expect $late 200 proxmox "" /qemu.slice/200.scope

# Started first, put into its cgroup then.
start $root /elsewhere /usr/bin/kvm
moved=$vm
check "a VM without a place" until_true 20 grep -q "pid=\"$moved\".*manager=\"none\"" $prom
mkdir -p $root/qemu.slice/201.scope
echo $moved >$root/qemu.slice/201.scope/cgroup.procs
expect $moved 201 proxmox "" /qemu.slice/201.scope
check "that is said" grep -q "is now known as 201" $log

if [ -n "$hybrid" ]; then
	start $hybrid "/machine.slice/machine-qemu\\x2d9\\x2dhybrid.scope" qemu-system-x86_64
	expect $vm hybrid libvirt "" '/machine.slice/machine-qemu\x2d9\x2dhybrid.scope'
fi

# The real VMM, with a thread in every cgroup, as libvirt has it.
vdvm --workload ipi --vcpus 2 --forever --cgroup-per-vcpu \
	--cgroup "$root/machine.slice/machine-qemu\\x2d5\\x2dreal.scope" >/dev/null 2>&1 &
expect $! real libvirt "" '/machine.slice/machine-qemu\x2d5\x2dreal.scope/libvirt/emulator'

# A cgroup that nobody should choose: quotes, a backslash, an escape, no UTF-8; and very deep.
wicked=$'/wick"ed\\x\e[31m\xff'
start $root "$wicked/100.scope" qemu -name wicked
check "a wicked cgroup is harmless" until_true 20 grep -qF \
	$'{vm="wicked",' $prom
check "and recognised" grep -qF \
	$'cgroup="/wick\\"ed\\\\x\xef\xbf\xbd[31m\xef\xbf\xbd/100.scope"' $prom
deep=$(printf '/%.0s0123456789abcdefghijklmnopqrstuvwxyz' {1..20})
start $root "$deep" qemu -name deep
deep_is_left_out() { grep -F '{vm="deep",' $prom | grep -qF "pid=\"$vm\",cgroup=\"\","; }
check "a cgroup that is too deep is left out" until_true 20 deep_is_left_out

# Names that nobody should choose.
long=$(head -c 4096 /dev/zero | tr '\0' x)
evil=$'e"v\nil\e['
cp stress "./$evil"
hostile=()
while IFS= read -r -d '' name; do
	start $root /hostile qemu -name "$name"
	hostile+=("$vm")
done < <(printf '%s\0' $'new\nline' 'quo"te\\' "$long" $'\xff\xfe' $'\e[31mred' '$(reboot)`x`')
"./$evil" vm &
hostile+=($!)
want=(new_line quo_te__ "${long:0:127}" __ '_[31mred' '_(reboot)_x_' "e_v_il_[-$!")
for i in "${!hostile[@]}"; do
	expect "${hostile[i]}" "${want[i]}" none "" "$([ "$i" = 6 ] && echo / || echo /hostile)"
done
control() { LC_ALL=C tr -d '\n\t -~' | wc -c; }
vdctl set mode=active --vm "$(vdctl vms --json | awk -v pid="${hostile[6]}" '
	/"id":/ { id = $2 + 0 } /"pid":/ && $2 + 0 == pid { print id }')" >/dev/null
check "its setting is said" until_true 20 grep -q "mode of e_v_il" $log
for i in "${hostile[@]}"; do
	id=$(vdctl vms --json | awk -v pid="$i" '
		/"id":/ { id = $2 + 0 } /"pid":/ && $2 + 0 == pid { print id }')
	vdctl explain "id:$id"
	vdctl ab "id:$id"
done >/tmp/explained 2>&1
number "vdctl explains each of them" "$(grep -c 'Mode is' /tmp/explained)" -ge 7
equal "without a byte that is none of its own" "$(control </tmp/explained)" 0
check "a rule fits such a name" eval '
	printf "[vm \"new_line\"]\nslots = 3\n" >>$conf; kill -HUP $daemon
	until_true 20 eval "vdctl get --vm new_line | grep -qx \"slots=3.own\""'
equal "vdctl prints no byte that is none of its own" \
	"$(vdctl vms | grep -v ä | control)" 0
equal "nor does the log" "$(grep -v ä $log | control)" 0
equal "nor the metrics" "$(grep -v 'ä\|wick' $prom | control)" 0
equal "not even in a cgroup" "$(tr -d '\n -~\200-\377' <$prom | wc -c)" 0
check "no line of the metrics is malformed" eval \
	'! grep -vE "^(# (HELP|TYPE) .*|[a-z_]+(\{.*\})? [0-9.e+-]+)$" $prom'
check "and no line of the log" eval '! grep -v "^vcpu-deboostd: " $log'
equal "nothing was mounted" "$(cat /proc/mounts)" "$mounts"
kill $daemon
