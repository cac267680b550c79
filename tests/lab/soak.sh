#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# usage: soak.sh [ROUNDS [TIME]]
# A host in use: VMs come and go, settings change, a CPU goes and comes, the daemon tries modes.
# What daemon and kernel hold must not grow. One round is about a second; the first third is
# warm-up. It ends after ROUNDS, or after TIME seconds if that is sooner.
. ./lib.sh

rounds=${1:-60}
limit=${2:-3600}
dir=$(mktemp -d)
prom=$dir/x.prom
conf=$dir/d.conf
log=$dir/log
samples=$dir/samples

pick() { eval "echo \${$((RANDOM % $# + 1))}"; }
rss() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$daemon/status"; }

none_left() { [ "$(status_of now)" = 0 ]; }

# One VM of any kind for a moment; a third of them is killed.
visitor() {
	local kind

	kind=$(pick ipi lock lockipi initiator compute)
	if ((RANDOM % 3)); then
		vdvm --name "v$1" --workload "$kind" --vcpus $((2 + RANDOM % 3)) --warmup 0ms \
			--time "$((30 + RANDOM % 90))ms" >/dev/null 2>&1
	else
		vdvm --name "v$1" --workload "$kind" --vcpus $((2 + RANDOM % 3)) --forever \
			>/dev/null 2>&1 &
		sleep "0.0$((RANDOM % 90 + 10))"
		kill -9 $!
		wait $! 2>/dev/null
	fi
}

setting() {
	pick mode=active mode=observe window=1ms window=50ms order=stock order=tiers \
		order=age chain=on chain=off slots=1 slots=8 sched=none sched=loan
}

# One round: some VMs beside each other, a setting or two, now and then a CPU or a reload.
round() {
	local visitors=() i

	for i in 1 2; do
		visitor "$1-$i" &
		visitors+=($!)
	done
	vdctl set "$(setting)" >/dev/null 2>&1
	vdctl set "$(setting)" --vm "v$1-1" >/dev/null 2>&1
	((RANDOM % 4)) || vdctl reset --vm "v$1-1" >/dev/null 2>&1
	((RANDOM % 4)) || kill -HUP "$daemon"
	# Not for longer: while it is off the module sees no VM.
	((RANDOM % 6)) || { vdctl set mode=off && vdctl set mode=observe; } >/dev/null 2>&1
	if ! (($1 % 6)); then
		echo 0 >/sys/devices/system/cpu/cpu1/online
		echo 1 >/sys/devices/system/cpu/cpu1/online
	fi
	wait "${visitors[@]}"
}

# drift COLUMN [OF]: growth from the second third to the last one, in hundredths of a percent, of OF
# KiB if that is given
drift() {
	awk -v c="$1" -v of="$2" -v n="$(wc -l <"$samples")" '
		NR > n / 3 && NR <= 2 * n / 3 { early += $c; ne++ }
		NR > 2 * n / 3 { late += $c; nl++ }
		END { if (!ne || !nl) exit 1
			grown = late / nl - early / ne
			printf "%.0f\n", grown / (of ? of : early / ne) * 10000 }' "$samples"
}

cat >"$conf" <<'CONF'
[global]
window = 20ms
mode = auto
[daemon]
interval = 100ms
heartbeat_grace = 60s
auto_window = 100ms
auto_probe = 1s
[metrics]
textfile_interval = 1s
CONF
modprobe vcpu_deboost
vcpu-deboostd --config "$conf" --textfile "$prom" 2>"$log" &
daemon=$!
check "the daemon works" until_true 60 test -s "$prom"

began=$(now_ms)
for ((n = 0; n < rounds && $(now_ms) - began < limit * 1000; n++)); do
	round $n
	until_true 60 none_left || break
	echo "$(rss) $(objects_kib)" >>"$samples"
	((n % 50)) || echo "# round $n: $(tail -n 1 "$samples") KiB of daemon and kernel," \
		"$(status_of seen) VMs so far"
done
check "no VM is left" none_left
check "the daemon lives" kill -0 $daemon
number "the VMs were seen" "$(status_of seen)" -ge $((n * 3 / 2))
equal "nothing fell back" "$(status_of fallbacks)" 0
equal "every look was answered" "$(awk '/^vcpu_deboost_collection_errors_total/ { print $2 }' \
	"$prom")" 0
echo "# $n rounds in $((($(now_ms) - began) / 1000)) s, $(status_of seen) VMs; KiB of daemon," \
	"kernel: first $(head -n 1 "$samples"), last $(tail -n 1 "$samples")"
echo "# growth in 1/100 %: daemon $(drift 1), kernel $(drift 2 "$(slab_kib)") of its slabs"
number "the daemon grows by less than 1 %" "$(drift 1)" -lt 100
number "the kernel by less than 1 % of its slabs" "$(drift 2 "$(slab_kib)")" -lt 100
until_true 30 eval '! grep -q "vm=\"v" $prom'
check "no VM is left in the metrics" eval "! grep -q 'vm=\"v' $prom"
kill $daemon
status=0
wait $daemon || status=$?
equal "it ends well" $status 0
check "and the module goes" rmmod vcpu_deboost
