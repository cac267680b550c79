# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What every lab script needs: places, the kernel table, one way to fail.

lab_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
lab_top=$(dirname "$lab_dir")
lab_cache=${VDB_LAB_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/vcpu-deboost-lab}

# Exit code of the lab itself; what runs inside the virtual host keeps its own.
LAB_EXIT_HOST=90	# the virtual host crashed, complained, hung or ran out of time
LAB_EXIT_SETUP=91	# the virtual host could not be started

# One row per kernel: version, image package (extended regex; @ is the machine's Debian number, as
# what Debian builds for another release wants another compiler), suites by machine release, and the
# release whose compiler it needs, if that is not the machine's: its modules are built in a root of
# that release then. A row without suites for a release means: not offered there. The last field is
# added to the kernel's command line: 6.1 trusts no counter that lacks a bit which the emulated CPU
# lacks and every host has.
lab_kernel_table() {
	cat <<'ROWS'
6.12 linux-image-6\.12\.[0-9]+\+deb@-amd64 bookworm=bookworm-backports trixie=trixie,trixie-security
6.1 linux-image-6\.1\.0-[0-9]+-amd64 bookworm=bookworm,bookworm-security trixie=bookworm,bookworm-security append=tsc=reliable
7.3 linux-image-7\.3\.[0-9]+\+deb13-amd64 bookworm=trixie,trixie-backports trixie=trixie-backports root=trixie
ROWS
}

# Kernels that only "lab/setup --debug-kernel" makes, out of Debian's source with the configuration
# lab/debug/base.config and lab/debug/NAME.config: version, source package, suites as above, root,
# the flavour's NAME, and what it adds to the kernel command line. No run uses one unless it is named.
lab_debug_table() {
	cat <<'ROWS'
6.12-kasan linux-source-6.12 bookworm=bookworm-backports trixie=trixie root=trixie-debug flavour=kasan append=panic_on_warn=1,reboot=t
6.12-kcsan linux-source-6.12 bookworm=bookworm-backports trixie=trixie root=trixie-debug flavour=kcsan append=reboot=t
ROWS
}

die() {
	printf '%s: %s\n' "${lab_name:-lab}" "$*" >&2
	exit "$LAB_EXIT_SETUP"
}

say() {
	printf '%s: %s\n' "${lab_name:-lab}" "$*"
}

lab_versions() {
	lab_kernel_table | cut -d' ' -f1
}

lab_debug_versions() {
	lab_debug_table | cut -d' ' -f1
}

lab_is_debug() {
	lab_debug_versions | grep -qxF -- "$1"
}

lab_need_version() {
	local all

	all=$(lab_versions; lab_debug_versions)
	grep -qxF -- "$1" <<<"$all" ||
		die "kernel '$1' is not in the lab's table; choose one of: $(xargs <<<"$all")"
}

# lab_kernel_field VERSION image|SUITES-OF-RELEASE|root|flavour|append
lab_kernel_field() {
	{ lab_kernel_table; lab_debug_table; } | awk -v v="$1" -v key="$2" '
		$1 != v { next }
		key == "image" { print $2 }
		{ for (i = 3; i <= NF; i++) if (index($i, key "=") == 1) {
			sub(/^[^=]*=/, "", $i); gsub(/,/, " ", $i); print $i } }'
}

# lab_kernel_root VERSION: the root that its modules are built in; empty: on the machine.
lab_kernel_root() {
	local root

	root=$(lab_kernel_field "$1" root)
	[ "$root" = "$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" ] || echo "$root"
}

lab_need_setup() {
	local how=lab/setup

	[ -e "$lab_cache/$1/stamp" ] && return
	! lab_is_debug "$1" || how="lab/setup --debug-kernel=$1"
	die "kernel $1 is not in $lab_cache yet; run $how first"
}
