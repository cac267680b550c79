# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# A private apt: other suites of the machine's own mirrors, without touching its configuration.

# Another apt may be at work: wait for it.
apt_wait=(-o DPkg::Lock::Timeout=600)

# Print "uri suite signed-by" for every binary entry of the machine's apt sources.
# A key that is written into the entry itself is copied to a file in $1 and named instead.
apt_entries() {
	local keydir=$1 f

	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -r "$f" ] || continue
		awk '
			$1 != "deb" { next }
			{
				sub(/#.*/, ""); opts = ""; key = "-"
				if (match($0, /\[[^]]*\]/)) {
					opts = substr($0, RSTART + 1, RLENGTH - 2)
					$0 = substr($0, 1, RSTART - 1) " " substr($0, RSTART + RLENGTH)
				}
				n = split(opts, o, /[ \t]+/)
				for (i = 1; i <= n; i++)
					if (o[i] ~ /^signed-by=/) key = substr(o[i], 11)
				print $2, $3, key
			}' "$f"
	done
	for f in /etc/apt/sources.list.d/*.sources; do
		[ -r "$f" ] || continue
		awk -v keydir="$keydir" -v base="$(basename "$f" .sources)" '
			function flush(	i, j, nu, ns, u, s, k, file) {
				k = field["signed-by"]
				if (k ~ /BEGIN PGP/) {
					file = keydir "/" base "-" ++keys ".asc"
					print k > file; close(file); k = file
				}
				gsub(/^[ \t\n]+|[ \t\n]+$/, "", k); gsub(/[ \t\n]+/, ",", k)
				if (field["types"] ~ /(^|[ \t])deb([ \t]|$)/ && field["enabled"] !~ /no|false|0/) {
					nu = split(field["uris"], u, /[ \t\n]+/)
					ns = split(field["suites"], s, /[ \t\n]+/)
					for (i = 1; i <= nu; i++) for (j = 1; j <= ns; j++)
						if (u[i] != "" && s[j] != "") print u[i], s[j], (k == "" ? "-" : k)
				}
				split("", field); last = ""
			}
			/^#/ { next }
			/^[ \t]*$/ { flush(); next }
			/^[ \t]/ {
				line = $0; sub(/^[ \t]/, "", line); if (line == ".") line = ""
				field[last] = field[last] "\n" line; next
			}
			{
				last = tolower($0); sub(/:.*/, "", last)
				field[last] = $0; sub(/^[^:]*:[ \t]*/, "", field[last])
			}
			END { flush() }' "$f"
	done
}

# apt_line SUITE: a sources line for SUITE from the entry that serves the running release.
apt_line() {
	local suite=$1 want uri key

	case $suite in
	*-security) want="$lab_codename-security $lab_codename/updates stable-security" ;;
	*) want="$lab_codename stable oldstable" ;;
	esac
	read -r uri key < <(awk -v want="$want" '
		BEGIN { n = split(want, w, " ") }
		{ for (i = 1; i <= n; i++) if ($2 == w[i] && !(i in got)) got[i] = $1 " " $3 }
		END { for (i = 1; i <= n; i++) if (i in got) { print got[i]; exit } }' \
		"$apt_state/entries") || return 1
	if [ "$key" = - ]; then
		echo "deb $uri $suite main"
	else
		echo "deb [signed-by=$key] $uri $suite main"
	fi
}

# apt_prepare SUITE...: write the private sources and fetch their lists.
apt_prepare() {
	local suite

	apt_state=$lab_cache/apt
	mkdir -p "$apt_state/lists/partial" "$apt_state/archives/partial" "$apt_state/keys"
	apt_entries "$apt_state/keys" >"$apt_state/entries"
	: >"$apt_state/sources.list"
	: >"$apt_state/status"
	for suite in "$@"; do
		apt_line "$suite" >>"$apt_state/sources.list" && continue
		case $suite in
		*-security) ;;	# the release suite has the package too, only older
		*) die "the machine's apt sources have no entry for $lab_codename," \
			"so $suite cannot be derived from them; add one under /etc/apt" ;;
		esac
	done
	apt_options=(
		-o "Dir::Etc::sourcelist=$apt_state/sources.list" -o Dir::Etc::sourceparts=-
		-o "Dir::State::lists=$apt_state/lists" -o "Dir::Cache::archives=$apt_state/archives"
		-o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=root
		-o APT::Get::List-Cleanup=true -o APT::Update::Error-Mode=any
	)
	apt_try "fetching the package lists of $*" apt-get "${apt_options[@]}" update
}

# apt_try WHAT COMMAND...: run quietly; on failure show what apt said and end with a sentence.
apt_try() {
	local what=$1 log=$lab_cache/apt.log

	shift
	if ! DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1 </dev/null; then
		tail -n 15 "$log" >&2
		die "$what failed; check the network and the mirror, then run lab/setup again"
	fi
}

# apt_fetch DIR PACKAGE...: download packages as files, ignoring what is installed.
apt_fetch() {
	local dir=$1

	shift
	(cd "$dir" && apt_try "downloading $*" \
		apt-get "${apt_options[@]}" -o "Dir::State::status=$apt_state/status" download "$@")
}

apt_cache() {
	apt-cache "${apt_options[@]}" -o "Dir::State::status=$apt_state/status" "$@"
}
