#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# In the virtual host: lab tests with the programs that count what they reach. What they
# counted comes back in ./out. lab.sh STRIP TEST...: the first STRIP parts of the paths of
# the objects are the machine's.

strip=$1
shift
status=0

install -m 755 cov-vdctl "$(command -v vdctl)"
install -m 755 cov-vcpu-deboostd "$(command -v vcpu-deboostd)"
# Also for what runs as nobody.
umask 0
mkdir -p out/lib out/cli out/daemon
chmod 777 . out out/*
export GCOV_PREFIX=$PWD/out GCOV_PREFIX_STRIP=$strip
for name in "$@"; do
	echo "# $name"
	bash "./$name.sh" || { echo "# $name failed"; status=1; }
	rmmod vcpu_deboost 2>/dev/null
done
exit "$status"
