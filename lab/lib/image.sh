# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Build the initramfs of the virtual host: a cached base (tools of this machine) and a small
# part per run (modules, our artefacts, the script).

# Programs taken from the machine beside the busybox applets.
image_tools=(bash chrt taskset)

# What L1's kernel needs beside what is built in; absent names are built in or not offered.
image_modules=(kvm kvm-amd ccp irqbypass msr overlay 9p 9pnet_virtio virtio_pci)

# Fixed, so that the same inputs give the same image.
image_mtime=@1767225600

# Built file, its place in the virtual host, the make target that builds it.
image_artefacts() {
	cat <<ROWS
build/kmod-$1/vcpu_deboost.ko /usr/lib/modules/$("$lab_dir/kernel" release "$1")/updates/vcpu_deboost.ko kmod
build/vcpu-deboostd /usr/sbin/vcpu-deboostd daemon
build/vdctl /usr/bin/vdctl cli
build/lab/vdvm /usr/bin/vdvm lab
ROWS
}

image_skeleton() {
	local d

	mkdir -p "$1"/{usr/{bin,sbin,lib,lib64},etc,dev,proc,sys,run,tmp,root,var/lib/prometheus/node-exporter,lab/work}
	for d in bin sbin lib lib64; do
		ln -s "usr/$d" "$1/$d"
	done
	ln -s ../run "$1/var/run"
	chmod 1777 "$1/tmp"
}

# image_put ROOT FILE DEST: copy FILE, and the shared libraries it needs at their own paths.
image_put() {
	local root=$1 file=$2 dest=$1$3 lib

	mkdir -p "$(dirname "$dest")"
	cp -L --preserve=mode -- "$file" "$dest"
	[ "$(head -c 4 -- "$file" | tr -d '\0')" = $'\x7fELF' ] || return 0
	while IFS= read -r lib; do
		[ -e "$root$lib" ] && continue
		mkdir -p "$root$(dirname "$lib")"
		cp -L --preserve=mode -- "$lib" "$root$lib"
	done < <(ldd "$file" 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// { print $3 }
		$1 ~ /^\// { print $1 }')
	if ldd "$file" 2>/dev/null | grep -q 'not found'; then
		die "$file needs a shared library that is not installed:" \
			"$(ldd "$file" | awk '/not found/ { print $1 }' | xargs)"
	fi
}

image_pack() {
	find "$1" -mindepth 1 -exec touch -h -d "$image_mtime" {} +
	(cd "$1" && find . -mindepth 1 -printf '%P\0' | LC_ALL=C sort -z |
		cpio -0 -o -H newc --reproducible -R 0:0 --quiet)
}

# Print the path of the base archive, built at the first use and after a change of its parts.
image_base() {
	local -a files
	local tool key path root applet

	files=("$(command -v busybox)" "$lab_dir/lib/image.sh")
	for tool in "${image_tools[@]}"; do
		files+=("$(command -v "$tool")")
	done
	key=$(stat -L -c '%n %s %Y' "${files[@]}" | sha256sum | cut -c1-16)
	path=$lab_cache/base/$key.cpio
	if [ ! -e "$path" ]; then
		root=$(mktemp -d "$run_dir/base.XXXXXX")
		image_skeleton "$root"
		image_put "$root" "$(command -v busybox)" /usr/bin/busybox
		for applet in $(busybox --list | grep -vx busybox); do
			ln -sf busybox "$root/usr/bin/$applet"
		done
		for tool in "${image_tools[@]}"; do
			rm -f "$root/usr/bin/$tool"
			image_put "$root" "$(command -v "$tool")" "/usr/bin/$tool"
		done
		printf 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n' \
			>"$root/etc/passwd"
		printf 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n' >"$root/etc/group"
		echo 'PRETTY_NAME="vcpu-deboostd lab"' >"$root/etc/os-release"
		mkdir -p "$lab_cache/base"
		find "$lab_cache/base" -type f -mtime +2 -delete
		image_pack "$root" >"$root.cpio"
		mv "$root.cpio" "$path"
		rm -rf "$root"
	fi
	echo "$path"
}

# image_lab_modules VERSION: print the directory of the lab's own modules, built when their source
# changed.
image_lab_modules() {
	local version=$1 dir key path

	key=$(cat "$lab_dir"/kmod/* | sha256sum | cut -c1-16)
	path=$lab_cache/$version/lab-modules-$key
	if [ ! -e "$path" ]; then
		dir=$(mktemp -d "$run_dir/kmod.XXXXXX")
		cp "$lab_dir"/kmod/* "$dir"
		"$lab_dir/kbuild" "$version" "$dir" -s modules >"$dir/log" 2>&1 ||
			{ cat "$dir/log" >&2; die "lab/kmod does not build for kernel $version"; }
		mkdir "$path.$$"
		cp "$dir"/*.ko "$path.$$"
		# Somebody else may have been as quick: either is good.
		mv -T "$path.$$" "$path" 2>/dev/null || rm -rf "$path.$$"
		rm -rf "$dir"
	fi
	echo "$path"
}

# image_add_modules ROOT VERSION: the kernel's modules and the lab's own.
image_add_modules() {
	local root=$1 from release to file

	from=$("$lab_dir/kernel" modules "$2")
	release=$("$lab_dir/kernel" release "$2")
	to=$root/usr/lib/modules/$release
	mkdir -p "$to/updates"
	cp "$from"/modules.{builtin,builtin.modinfo,order} "$to"
	while IFS= read -r file; do
		mkdir -p "$(dirname "$to/$file")"
		cp "$from/$file" "$to/$file"
	done < <(printf '%s\n' "${image_modules[@]}" | awk -v dep="$from/modules.dep" '
		function take(m,	i, n, d) {
			if (!(m in deps) || taken[m]++) return
			print m
			n = split(deps[m], d, " ")
			for (i = 1; i <= n; i++) take(d[i])
		}
		BEGIN {
			while ((getline line < dep) > 0) {
				m = line; sub(/:.*/, "", m); sub(/^[^:]*: */, "", line)
				deps[m] = line
				name = m; sub(/.*\//, "", name); sub(/\.ko.*/, "", name)
				gsub(/-/, "_", name); file[name] = m
			}
		}
		{ gsub(/-/, "_"); if ($0 in file) take(file[$0]) }')
	cp "$(image_lab_modules "$2")"/*.ko "$to/updates/"
}

# image_add_ours ROOT VERSION BARE: what make builds, the default configuration and the units.
image_add_ours() {
	local root=$1 version=$2 bare=$3 file place target

	while read -r file place target; do
		if [ -e "$lab_top/$file" ]; then
			image_put "$root" "$lab_top/$file" "$place"
		elif [ -z "$bare" ]; then
			die "$file is not built; run make $target first, or use --bare"
		fi
	done < <(image_artefacts "$version")
	depmod -b "$root" "$("$lab_dir/kernel" release "$version")"
	cp -r "$lab_top/etc/." "$root/etc/"
	mkdir -p "$root"/usr/lib/{systemd/system,sysusers.d,tmpfiles.d}
	cp "$lab_top"/systemd/*.service "$root/usr/lib/systemd/system/"
	cp "$lab_top"/systemd/sysusers.d/*.conf "$root/usr/lib/sysusers.d/"
	cp "$lab_top"/systemd/tmpfiles.d/*.conf "$root/usr/lib/tmpfiles.d/"
}
