# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Build a debug kernel out of Debian's source, in a root of its own, and put it into the cache.

# debug_source VERSION: unpack its source package, once for all flavours.
debug_source() {
	local package deb

	package=$(lab_kernel_field "$1" image)
	[ ! -e "$debug_work/src/Makefile" ] || return 0
	say "downloading $package"
	rm -rf "$debug_work/deb" "$debug_work/src"
	mkdir -p "$debug_work/deb" "$debug_work/src.new"
	apt_fetch "$debug_work/deb" "$package"
	for deb in "$debug_work"/deb/*.deb; do
		dpkg-deb -x "$deb" "$debug_work/deb"
	done
	tar -C "$debug_work/src.new" --strip-components=1 -xf \
		"$debug_work/deb/usr/src/$package.tar.xz"
	# The PVH entry compares strings before KASAN has a shadow; with AMD_MEM_ENCRYPT, which wants
	# EFI, this line is in force anyway.
	echo 'KASAN_SANITIZE_string.o := n' >>"$debug_work/src.new/lib/Makefile"
	mv "$debug_work/src.new" "$debug_work/src"
	rm -rf "$debug_work/deb"
}

# debug_make VERSION ARGUMENT...: the kernel's own make, in the root.
debug_make() {
	local version=$1 root

	root=$(lab_kernel_root "$version")
	shift
	# Without LOCALVERSION= a source without its git history gets a "+".
	root_run "$root" "$debug_work" -- make -s -C "$debug_work/src" "O=$debug_obj" -j"$(nproc)" \
		ARCH=x86 CC=gcc-14 HOSTCC=gcc-14 LOCALVERSION= "$@" >>"$debug_log" 2>&1 && return
	tail -n 15 "$debug_log" >&2
	die "the debug kernel $version does not build; all it said is in $debug_log"
}

# debug_configure VERSION: allnoconfig and our two fragments, every line of which must be in force.
debug_configure() {
	local flavour lost

	flavour=$(lab_kernel_field "$1" flavour)
	cat "$lab_dir/debug/base.config" "$lab_dir/debug/$flavour.config" >"$debug_obj/wanted"
	debug_make "$1" "KCONFIG_ALLCONFIG=$debug_obj/wanted" allnoconfig
	lost=$(grep '^CONFIG_' "$debug_obj/wanted" |
		{ grep -vxFf "$debug_obj/.config" || :; } | xargs)
	[ -z "$lost" ] || die "this kernel's Kconfig does not take $lost; change lab/debug/*.config"
}

# debug_key VERSION: changes when what it is built from does.
debug_key() {
	cat "$lab_dir/debug/base.config" "$lab_dir/debug/$(lab_kernel_field "$1" flavour).config" |
		sha256sum | cut -c1-16
}

# debug_install VERSION: fill $lab_cache/VERSION; complete or absent, never half.
debug_install() {
	local version=$1 dir=$lab_cache/$1 new=$lab_cache/$1.new release start=$SECONDS

	debug_obj=$debug_work/obj-$version debug_log=$debug_work/$version.log
	say "building the debug kernel $version; this takes a while"
	mkdir -p "$debug_obj"
	: >"$debug_log"
	debug_configure "$version"
	debug_make "$version" vmlinux modules
	release=$(<"$debug_obj/include/config/kernel.release")
	rm -rf "$debug_work/out" "$new"
	mkdir -p "$debug_work/out/headers" "$new/headers/usr/src" "$new/modules/lib"
	debug_make "$version" modules_install DEPMOD=true INSTALL_MOD_STRIP=--strip-debug \
		"INSTALL_MOD_PATH=$debug_work/out"
	debug_make "$version" run-command "KBUILD_RUN_COMMAND=\$(srctree)/scripts/package/$(
		)install-extmod-build $debug_work/out/headers"
	mv "$debug_work/out/lib/modules" "$new/modules/lib/modules"
	rm -f "$new/modules/lib/modules/$release"/{build,source}
	mv "$debug_work/out/headers" "$new/headers/usr/src/linux-headers-$release"
	strip --strip-debug -o "$new/vmlinux" "$debug_obj/vmlinux"
	depmod -b "$new/modules" "$release"
	echo "$release" >"$new/release"
	debug_key "$version" >"$new/stamp"
	rm -rf "$dir"
	mv "$new" "$dir"
	rm -rf "$debug_obj" "$debug_work/out"
	say "built $version in $(((SECONDS - start) / 60)) min $(((SECONDS - start) % 60)) s"
}
