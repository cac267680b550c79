# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# A small root of another Debian release, only to compile modules with its compiler.

# What such a root needs beside the essential packages.
root_packages=make,gcc-14,pahole,libelf1t64,libdw1t64

# root_install RELEASE: fill $lab_cache/root-RELEASE; complete or absent.
root_install() {
	local release=$1 dir=$lab_cache/root-$1 new=$lab_cache/root-$1.new uri key
	local -a options

	read -r uri key < <(apt_line "$release" | sed -E 's/^deb (\[signed-by=([^]]*)\] )?([^ ]+) .*/\3 \2/')
	options=(--variant=minbase --include="$root_packages")
	[ -z "$key" ] || options+=(--keyring="$key")
	say "making a root of Debian $release to compile in"
	rm -rf "$new" "$dir"
	apt_try "making a root of Debian $release" \
		debootstrap "${options[@]}" "$release" "$new" "$uri"
	rm -rf "$new"/var/cache/apt/archives/*.deb "$new"/usr/share/{doc,locale,man}
	mv "$new" "$dir"
}
