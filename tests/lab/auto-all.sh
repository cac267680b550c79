#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# lab: --silence 1200
# by name: for docs/RESULTS.md; auto.sh has one VM of each kind
# mode = auto with every workload of the bench, beside a VM of the same kind and beside one that
# computes: the evidence, and whether it ends as the bench says that it should.
. ./lib.sh

# start NAME WORKLOAD VCPUS SEED
start() {
	vdvm --name "$1" --workload "$2" --vcpus "$3" --seed "$4" --forever >/dev/null 2>&1 &
	pids+=($!)
}

# one NAME STATE: how the trial of that VM ends.
one() {
	soon_says "$1 ends in $2" "auto of $1: trial -> ($2) " 240
	vdctl ab "$1" | sed 's/^/# /'
}

# pair WORKLOAD VCPUS STATE: two VMs of the kind; with a third, which computes, in place of one.
pair() {
	local vm pids=()

	start "$1$2-a" "$1" "$2" 1
	start "$1$2-b" "$1" "$2" 2
	for vm in a b; do
		one "$1$2-$vm" "$3"
	done
	kill "${pids[@]}"
	wait "${pids[@]}"
	pids=()
	start "$1$2-c" "$1" "$2" 1
	start "compute$2" compute "$2" 2
	one "$1$2-c" "$3"
	kill "${pids[@]}"
	wait "${pids[@]}"
}

auto_daemon
pair ipi 4 active
pair initiator 4 active
pair lockipi 4 active
pair lockipi 8 active
pair lock 4 active
pair lock 8 active
# Short answers at the price of operations: TUNING.md has why.
pair shootdown 4 'active|rest'
pair shootdown 8 rest

sed -n 's/.*\(auto of .*trial ->\)/# \1/p' "$log"
kill "$daemon"
wait "$daemon"
