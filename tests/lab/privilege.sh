#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# lab: --systemd
# Who may do what, tried by real users: what the daemon has, what it is kept from, that it works
# all the same, and what others get.
. ./lib.sh

unit=vcpu-deboostd.service
user=vcpu-deboost
run=/run/vcpu-deboostd
folder=/var/lib/prometheus/node-exporter
prom=$folder/vcpu_deboost.prom
needs='needs CAP_NET_ADMIN and CAP_SYS_ADMIN: run as root'

show() { systemctl show -P "$1" $unit; }
is() { [ "$(show "$1")" = "$2" ]; }
of_status() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/$main/status"; }
sample() { [ "$(grep -c "^vcpu_deboost_$1\$" "$prom")" = 1 ]; }
logged() { journalctl -q -o cat -u $unit | grep -qE -- "$1"; }

# caps NAME...: the mask of these, by their numbers in linux/capability.h
caps() {
	local number mask=0

	for number; do
		mask=$((mask | 1 << number))
	done
	printf '%016x\n' $mask
}

# as USER GROUPS COMMAND...
as() {
	local who=$1 groups=$2

	shift 2
	setpriv --reuid "$who" --regid 65534 --inh-caps=-all --groups "$groups" "$@"
}

inside() { nsenter --target "$main" --mount -- "$@"; }

# option PLACE WORD: the mount at PLACE, as the daemon has it, has that option
option() {
	awk -v at="$1" '$5 == at { options = $6 } END { print "," options "," }' \
		"/proc/$main/mountinfo" | grep -q ",$2,"
}

why_not() { systemctl status --no-pager -l $unit; }

mkdir -p /etc/vcpu-deboostd/conf.d
printf '[metrics]\ntextfile_interval = 1s\n' >/etc/vcpu-deboostd/conf.d/10-test.conf
mkdir -p /run/systemd/system/$unit.d
# A machine that tests much at once is no reason to be killed.
printf '[Service]\nTimeoutStopSec=90\nWatchdogSec=300\n' >/run/systemd/system/$unit.d/busy.conf
chmod 666 /dev/kvm
check "there is a user" getent passwd $user
rm -rf $folder
mkdir $folder
check "the folder is not his" never as $user 65534 touch $folder/x

# By hand as root first: what that leaves must not be in the way of the unit.
vcpu-deboostd 2>/tmp/by-hand &
check "root runs it by hand" until_true 60 grep -q started /tmp/by-hand
kill -9 $!
wait $! 2>/dev/null
check "that leaves files of root" test -O $run/lock

systemd-run --quiet --unit vm-web --uid 65534 vdvm --name web --workload compute \
	--idle --vcpus 2 --forever
check "it starts" systemctl start $unit
main=$(show MainPID)
soon "it works: the metrics" sample 'module_up 1'
soon "a VM of another user" sample 'vm_info{vm="web",vm_id="[0-9]*",.*} 1'
sed -i 's/1s/2s/' /etc/vcpu-deboostd/conf.d/10-test.conf
check "a reload" timeout 20 systemctl reload $unit
soon "is said" logged 'configuration reloaded'
check "a question is answered" vdctl explain web
vdctl set mode=active >/dev/null
soon "a change is seen" logged 'mode of the host: observe -> active'

# What it has.
equal "it is not root" "$(of_status Uid)" "$(id -u $user)"
mask=$(caps 2 12 19 21)	# DAC_READ_SEARCH, NET_ADMIN, SYS_PTRACE, SYS_ADMIN
for set in CapEff CapPrm CapBnd CapAmb; do
	equal "$set is four capabilities" "$(of_status $set)" "$mask"
done
equal "it gains no other" "$(of_status NoNewPrivs)" 1
equal "system calls are filtered" "$(of_status Seccomp)" 2
list=$(show SystemCallFilter)
for call in fork vfork clone clone3 ptrace setns unshare mount bpf perf_event_open \
	process_vm_readv process_vm_writev init_module keyctl kexec_load; do
	[[ " $list " != *" $call "* ]] || allowed+=" $call"
done
check "by a list of what is allowed" eval '[[ " $list " = *" sendmsg "* && $list != "~"* ]]'
equal "on which is nothing that is dangerous with its capabilities" "$allowed" ""
# filtered COMMAND...: under that list
filtered() {
	systemd-run --quiet --wait --pipe -p SystemCallFilter="$list" \
		-p SystemCallErrorNumber=EPERM "$@"
}
check "a program runs under it" filtered /bin/true
refuses "but starts no other" 254 "fork: .*not permitted" filtered bash -c 'ls / | cat'
refuses "nor takes a namespace" 1 "not permitted" filtered unshare --mount /bin/true
equal "it has one thread" "$(of_status Threads)" 1
equal "and no shell" "$(getent passwd $user | cut -d: -f7)" /usr/sbin/nologin

# What it is kept from: as its kernel has it, then tried by root in its place.
for place in / /proc /proc/sys /sys /sys/fs/cgroup; do
	check "$place is read-only" option $place ro
done
check "only its own places are not" option $folder rw
check "it has a /tmp of its own" eval "awk '\$5 == \"/tmp\" { print \$4 }' \
	/proc/$main/mountinfo | grep -q $unit"
for try in "touch /usr/x" "touch /etc/x" "touch /var/lib/x" "mkdir /sys/fs/cgroup/x" \
	"tee /proc/sys/kernel/hostname" "tee /proc/self/comm" "cat /dev/kmsg" "ls /dev/kvm" \
	"ls /root/.bashrc"; do
	check "no $try" never inside $try
done
check "its own folder can be written" inside touch $run/x
rm -f $run/x

# A second one.
refuses "root cannot start another" 4 "another vcpu-deboostd is running \(process $main\)" \
	vcpu-deboostd
refuses "nor can he himself without its rights" 5 "CAP_NET_ADMIN and CAP_SYS_ADMIN are needed" \
	as $user "$(id -g $user)" vcpu-deboostd

# What others get: to look, and not more.
equal "the lock is for nobody" "$(stat -c %a:%U $run/lock)" "600:$user"
check "nobody cannot hold it" never as nobody 65534 flock -n $run/lock true
for file in lock overrides ctl; do
	# There are no overrides yet; his own file there would be no other.
	[ -e $run/$file ] || as $user "$(id -g $user)" touch $run/$file
	check "nobody cannot take away $file" never as nobody 65534 rm -f $run/$file
done
check "nobody can read the metrics" as nobody 65534 cat $prom
check "nobody can see the module's state" as nobody 65534 vdctl status
check "nobody can see the VMs" as nobody 65534 vdctl vms
refuses "nobody cannot set" 5 "$needs" as nobody 65534 vdctl set mode=off
refuses "nor for a VM" 5 "$needs" as nobody 65534 vdctl set mode=off --vm web
refuses "nor reset" 5 "$needs" as nobody 65534 vdctl reset --vm web
refuses "nobody cannot ask the daemon" 5 'as a member of the group vcpu-deboost' \
	as nobody 65534 vdctl explain web
chmod 666 $run/ctl
check "not even with the door open" never as nobody 65534 vdctl explain web
chmod 660 $run/ctl
check "a member of its group can" as nobody "65534,$(id -g $user)" vdctl explain web
refuses "and cannot set either" 5 "$needs" \
	as nobody "65534,$(id -g $user)" vdctl set mode=off
check "its user alone cannot either" never as $user "$(id -g $user)" vdctl set mode=off
equal "nothing was set" "$(status_of mode)" active
refuses "uid 0 without the capabilities cannot use the switch" 1 "not permitted" \
	setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin \
	bash -c 'echo 1 >/sys/module/vcpu_deboost/parameters/off'
equal "and did not" "$(status_of mode)" active

# Root of another user namespace is nobody here.
refuses "root in a container cannot set" 5 "$needs" as nobody 65534 \
	unshare --user --map-root-user vdctl set mode=off

# A host that hides processes from other users.
check "processes are hidden" mount -o remount,hidepid=invisible /proc
check "from others" never as nobody 65534 test -e /proc/1
check "a restart" systemctl restart $unit
soon "it still sees the VM and its name" sample 'vm_info{vm="web",vm_id="[0-9]*",.*} 1'
mount -o remount,hidepid=off /proc

# The folder comes later, or goes.
systemctl stop $unit
rm -rf $folder
check "without the folder it starts" systemctl start $unit
soon "says so" logged "no metrics file: $folder does not exist"
mkdir $folder
check "with it" systemctl restart $unit
soon "it writes" sample 'module_up 1'
check "it stops" systemctl stop $unit
check "well" is Result success
check "and leaves no directory in /run" never test -e $run
equal "and no metrics" "$(ls -A $folder)" ""
