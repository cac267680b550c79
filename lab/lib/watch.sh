# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Follow a running virtual host: stream the script's output, notice trouble, end it in time.

# What a kernel says when something is wrong, right after the time stamp of a console line.
watch_trouble=(
	'Kernel panic' 'BUG: ' 'kernel BUG at' 'WARNING: ' 'Oops: ' 'general protection fault'
	'watchdog: .*(lockup|stuck)' 'NMI watchdog: Watchdog' 'INFO: task .* blocked for'
	'INFO: rcu' 'rcu: INFO: ' 'INFO: trying to register' 'unable to handle' 'stack-protector: '
	'refcount_t: ' '[a-z_]+ corruption' 'UBSAN: ' 'KASAN: ' 'KCSAN: ' 'KFENCE: '
	'scheduling while atomic' '.*page allocation failure' 'Out of memory: '
	'unregister_netdevice: waiting' '.*possible (circular|recursive) lock'
	'.*inconsistent lock state' '.*suspicious RCU usage' 'sysfs: cannot create duplicate'
)

# watch_races CONSOLE: print it without the data races that KCSAN has found in the kernel alone. A
# report ends with the line it began with. One that is still being written is left out: its first
# line, perhaps half of it, does not say what it is. What an interrupt was in the middle of, the
# frames below its entry, took no part in its race.
watch_races() {
	awk '
		/=====\r?$/ && !report {
			report = 1; kept = race = ours = interrupted = ""; lines = 0; next
		}
		/=====\r?$/ { report = 0; if (!race || ours) printf "%s", kept; next }
		report {
			kept = kept $0 "\n"
			lines++
			race = race || /BUG: KCSAN: /
			if (/\] \r?$/) interrupted = ""
			ours = ours || !interrupted && /\[vcpu_deboost\]|KCSAN: assert/
			interrupted = interrupted || / asm_(sysvec_|exc_|common_interrupt)/
			next
		}
		{ print }
		END { if (report && !race && lines > 1) printf "%s", kept }' "$1"
}

# watch_find CONSOLE: print the first line of trouble.
watch_find() {
	local IFS='|'

	if grep -qa '=====' "$1"; then
		watch_races "$1"
	else
		cat "$1"
	fi | grep -a -E "^\\[ *[0-9]+\\.[0-9]+\\] (watchdog: )?(${watch_trouble[*]})" | sed -n 1p
}

# Copy what the script has written since the last call.
watch_stream() {
	local size

	size=$(stat -c %s "$1")
	if [ "$size" -gt "$watch_done" ]; then
		tail -c +$((watch_done + 1)) "$1" | head -c $((size - watch_done))
		watch_done=$size
	fi
}

# watch_host PID DIR TIMEOUT SILENCE: return 0 when QEMU ended by itself, else set watch_reason.
watch_host() {
	local pid=$1 dir=$2 timeout=$3 silence=$4
	local seen=-1 now size last=$SECONDS start=$SECONDS alive=1 line

	watch_done=0
	watch_reason=
	while [ "$alive" = 1 ]; do
		sleep 0.1
		kill -0 "$pid" 2>/dev/null || alive=0
		size=$(stat -c %s "$dir/console" "$dir/script" "$dir/result.tar" | xargs)
		now=$SECONDS
		if [ "$size" != "$seen" ]; then
			seen=$size
			last=$now
			watch_stream "$dir/script"
			if [ -z "$watch_reason" ] && line=$(watch_find "$dir/console"); then
				watch_reason="the kernel of the virtual host complained: $line"
				timeout=$((now - start + 5))	# long enough for the trace
			fi
		fi
		[ "$alive" = 1 ] || break
		if [ $((now - start)) -ge "$timeout" ]; then
			: "${watch_reason:=the virtual host was still running after $timeout s}"
			break
		fi
		if [ $((now - last)) -ge "$silence" ]; then
			: "${watch_reason:=the virtual host has been silent for $silence s}"
			break
		fi
	done
	[ -z "$watch_reason" ]
}
