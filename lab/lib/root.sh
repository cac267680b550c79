# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Small roots of another Debian release, only to compile with its compiler: modules, and whole kernels.

# One row per root: name, release, what it needs beside the essential packages.
root_table() {
	cat <<'ROWS'
trixie trixie make,gcc-14,pahole,libelf1t64,libdw1t64
trixie-debug trixie make,gcc-14,libc6-dev,pahole,libelf-dev,libdw1t64,flex,bison,bc,kmod,python3-minimal
ROWS
}

# root_install NAME: fill $lab_cache/root-NAME; complete or absent.
root_install() {
	local name=$1 dir=$lab_cache/root-$1 new=$lab_cache/root-$1.new release packages uri key
	local -a options

	read -r release packages < <(root_table | awk -v n="$name" '$1 == n { print $2, $3 }')
	read -r uri key < <(apt_line "$release" | sed -E 's/^deb (\[signed-by=([^]]*)\] )?([^ ]+) .*/\3 \2/')
	options=(--variant=minbase --include="$packages")
	[ -z "$key" ] || options+=(--keyring="$key")
	say "making a root of Debian $release to compile in"
	rm -rf "$new" "$dir"
	apt_try "making a root of Debian $release" \
		debootstrap "${options[@]}" "$release" "$new" "$uri"
	rm -rf "$new"/var/cache/apt/archives/*.deb "$new"/usr/share/{doc,locale,man}
	mv "$new" "$dir"
}

# Called by root_run, in a mount namespace of its own: root_enter ROOT DIR... -- COMMAND...
root_enter() {
	local root=$1

	shift
	while [ "$1" != -- ]; do
		mkdir -p "$root$1"
		mount --bind "$1" "$root$1"
		shift
	done
	shift
	mount -t proc proc "$root/proc"
	exec chroot "$root" /usr/bin/env -u CC -u LD "$@"
}

# root_run NAME DIR... -- COMMAND...: run COMMAND in a root, which sees each DIR at its own place.
# Mounts are private to it; objtool reads /proc.
root_run() {
	local root=$lab_cache/root-$1

	shift
	[ -d "$root" ] || die "there is no root ${root##*/root-}; run lab/setup first"
	[ "$(id -u)" = 0 ] || die "building in a root of another release needs root"
	export -f root_enter
	unshare --mount bash -euc 'root_enter "$@"' bash "$root" "$@"
}
