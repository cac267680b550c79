# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Fetch one kernel: image and headers, extracted into the cache, never installed.

# Print the newest image package that the suites offer.
kernel_newest() {
	local regex number

	regex=$(lab_kernel_field "$1" image)
	number=$(. /etc/os-release && echo "${VERSION_ID:-}")
	apt_cache pkgnames linux-image- | grep -xE -- "${regex//@/$number}" | sort -V | tail -n 1
}

# kernel_image_packages PACKAGE: the image and, where Debian has split it, its parts.
kernel_image_packages() {
	echo "$1"
	apt_cache depends "$1" |
		awk '$1 == "Depends:" && $2 ~ /^linux-(base|binary|modules)-/ { print $2 }'
}

# kernel_header_packages RELEASE: the headers and what they need to build a module.
kernel_header_packages() {
	local headers=linux-headers-$1

	echo "$headers"
	apt_cache depends "$headers" |
		awk '$1 == "Depends:" && $2 ~ /^linux-(headers|kbuild)-/ { print $2 }'
}

# kernel_install VERSION: fill $lab_cache/VERSION; complete or absent, never half.
kernel_install() {
	local version=$1 dir=$lab_cache/$1 new=$lab_cache/$1.new image release deb
	local -a packages

	image=$(kernel_newest "$version")
	[ -n "$image" ] || die "no suite of this machine's mirror offers a $version kernel image"
	release=${image#linux-image-}
	mapfile -t packages < <(kernel_image_packages "$image"; kernel_header_packages "$release")
	say "downloading kernel $release and its headers"
	rm -rf "$new" "$dir"
	mkdir -p "$new/debs" "$new/image" "$new/headers"
	apt_fetch "$new/debs" "${packages[@]}"
	for deb in "$new"/debs/*.deb; do
		case $(basename "$deb") in
		linux-image-* | linux-base-* | linux-binary-* | linux-modules-*)
			dpkg-deb -x "$deb" "$new/image" ;;
		*) dpkg-deb -x "$deb" "$new/headers" ;;
		esac
	done
	echo "$release" >"$new/release"
	mv "$(kernel_find_vmlinuz "$new/image" "$release")" "$new/vmlinuz"
	kernel_unpack_vmlinux "$new/vmlinuz" >"$new/vmlinux" ||
		die "cannot unpack the kernel of $image"
	kernel_take_modules "$new" "$release"
	kernel_relocate_headers "$new/headers" "$dir/headers" "$release" "$version"
	rm -rf "$new/debs" "$new/image"
	echo "$image" >"$new/stamp"
	mv "$new" "$dir"
}

kernel_find_vmlinuz() {
	local f

	for f in "$1/boot/vmlinuz-$2" "$1/usr/lib/modules/$2/vmlinuz" "$1/lib/modules/$2/vmlinuz"; do
		[ -e "$f" ] && { echo "$f"; return; }
	done
	die "the packages of kernel $2 hold no vmlinuz"
}

# Keep the modules uncompressed: unpacking them inside the virtual host costs seconds.
kernel_take_modules() {
	local new=$1 release=$2 lib

	lib=$new/image/usr/lib/modules/$release
	[ -d "$lib" ] || lib=$new/image/lib/modules/$release
	mkdir -p "$new/modules/lib/modules"
	mv "$lib" "$new/modules/lib/modules/$release"
	find "$new/modules" -name '*.ko.xz' -exec xz -d {} +
	find "$new/modules" -name '*.ko.zst' -exec zstd -q -d --rm {} +
	depmod -b "$new/modules" "$release"
}

# kernel_relocate_headers WHERE FINAL RELEASE VERSION: make headers in WHERE work from FINAL.
# Debian's Makefiles and links name /usr/src, /usr/lib and the compiler the kernel was built with.
kernel_relocate_headers() {
	local where=$1 final=$2 vars=$1/usr/src/linux-headers-$3/.kernelvariables f gcc

	while IFS= read -r f; do
		sed -i "s#\\(^\\|[ =]\\)/usr/\\(src\\|lib\\)/linux-#\\1$final/usr/\\2/linux-#g" "$f"
	done < <(grep -rlE '(^|[ =])/usr/(src|lib)/linux-' "$where/usr/src" \
		--include=Makefile --include=.kernelvariables || true)
	while IFS= read -r f; do
		ln -sfn "$final$(readlink "$f")" "$f"
	done < <(find "$where" -type l -lname '/usr/*')
	[ -f "$vars" ] && [ -z "$(lab_kernel_root "$4")" ] || return 0
	gcc=$(grep -oE 'gcc-[0-9]+' "$vars" | head -n 1 || true)
	if [ -n "$gcc" ] && ! command -v "$gcc" >/dev/null; then
		sed -i "s/$gcc/gcc/" "$vars"
	fi
}

# kernel_unpack_vmlinux VMLINUZ: print the kernel inside a bzImage. Booted through its PVH entry
# it needs no decompressor, which costs seconds under emulation.
kernel_unpack_vmlinux() {
	local sectors start length from

	sectors=$(od -An -tu1 -j $((0x1f1)) -N 1 "$1")
	start=$(od -An -tu4 -j $((0x248)) -N 4 "$1")
	length=$(od -An -tu4 -j $((0x24c)) -N 4 "$1")
	from=$(((sectors + 1) * 512 + start))
	# The last four bytes are the unpacked size, not part of the stream.
	dd if="$1" bs=1M iflag=skip_bytes,count_bytes skip="$from" count=$((length - 4)) \
		status=none | case $(od -An -tx4 -j "$from" -N 4 "$1") in
	*fd2fb528) zstd -dcq ;;
	*587a37fd) xz -dc ;;
	*) die "the kernel in $1 is packed with something other than xz or zstd" ;;
	esac
}
