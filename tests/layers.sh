#!/usr/bin/env bash
# Holds the tree to its layout: who may include whom, where each outside library lives, where a
# platform may be named, which functions are not called, that every header stands alone, and that
# nothing names the machine it was written on.
#
#   tests/layers.sh [ROOT]     silent and 0 when all is well; else one line per mistake, and 1
#
# tests/checks/layers_fail.sh feeds it trees with one mistake each.
set -euo pipefail

root=$(cd "${1:-$(dirname "${BASH_SOURCE[0]}")/..}" && pwd)
cd "$root"
if [ ! -d src ]; then
	echo "layers: $root has no src" >&2
	exit 1
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
found=$scratch/found
: > "$found"

report() { # report RULE: turns file:line:text on stdin into mistakes
	sed -E "s#^([^:]*:[0-9]+): *[[:space:]]*#\1: $1: #" >> "$found"
}

# --- the sources, as file:line:code with comments blanked out, strings kept -----------------------
mapfile -t sources < <(find src -name '*.[ch]' | LC_ALL=C sort)
if [ "${#sources[@]}" -eq 0 ]; then
	sources=(/dev/null)
fi
awk '
	FNR == 1 { comment = 0 }
	{
		out = ""; quote = ""
		n = length($0)
		for (i = 1; i <= n; i++) {
			c = substr($0, i, 1); two = substr($0, i, 2)
			if (comment) {
				if (two == "*/") { comment = 0; i++ }
			} else if (quote != "") {
				out = out c
				if (c == "\\") { i++; out = out substr($0, i, 1) }
				else if (c == quote) quote = ""
			} else if (two == "/*") { comment = 1; i++ }
			else if (two == "//") break
			else { if (c == "\"" || c == "\047") quote = c; out = out c }
		}
		if (out ~ /[^ \t]/) print FILENAME ":" FNR ":" out
	}' "${sources[@]}" > "$scratch/code"
# The same without what stands inside strings: here a name followed by "(" is a call.
sed -E 's/"([^"\\]|\\.)*"/""/g' "$scratch/code" > "$scratch/calls"

# --- who may include whom -------------------------------------------------------------------------
# One line per folder: what its files may include, as patterns of the shell. The first that fits
# the file decides. A connector sees what lies in src/connector itself, never another connector.
may_include() {
	case $1 in
	src/base/*) echo 'base/*' ;;
	src/core/*) echo 'base/* core/*' ;;
	src/connector/registry.c) echo 'base/* core/* connector/*' ;;
	src/connector/*/*) own=${1#src/connector/}; echo "base/* core/* connector/${own%%/*}/* +connector" ;;
	src/connector/*) echo 'base/* core/* +connector' ;;
	src/store/*) echo 'base/* core/* store/*' ;;
	src/net/*) echo 'base/* net/*' ;;
	src/config/*) echo 'base/* core/* config/* +connector' ;;
	src/flow/*) echo 'base/* core/* config/* store/* net/* flow/* +connector' ;;
	src/admin/cli/*) echo 'base/* core/* config/* store/* net/* flow/* admin/+([!/]) admin/cli/* admin/explain/* +connector' ;;
	src/admin/web/*) echo 'base/* core/* config/* store/* net/* flow/* admin/+([!/]) admin/web/* +connector' ;;
	src/admin/*) echo 'base/* core/* config/* store/* net/* flow/* admin/* +connector' ;;
	src/*/*) echo '' ;;          # a folder this page does not know yet
	*) echo 'base/* core/* config/* store/* net/* flow/* admin/* +connector app.h' ;;
	esac
}

included_is_allowed() { # FILE INCLUDED
	local pattern
	for pattern in $(set -f; may_include "$1"); do
		case $pattern in
		+connector) case $2 in connector/*/*) ;; connector/*) return 0 ;; esac ;;
		*) [[ $2 != $pattern ]] || return 0 ;;   # not quoted: it is a pattern
		esac
	done
	return 1
}

set -f
grep -E ':[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$scratch/code" > "$scratch/own" || true
while IFS= read -r line; do
	file=${line%%:*}
	included=${line#*\"}
	included=${included%%\"*}
	if ! included_is_allowed "$file" "$included"; then
		echo "$line" | report "may not include this"
	fi
done < "$scratch/own"

# --- each outside library has one home ------------------------------------------------------------
# library | what its headers look like | files that may include them
homes='
libevent|event2/|evhttp\.h|event\.h|evdns\.h|evutil\.h#src/base/loop\.[ch]|src/net/[^:]*
libcurl|curl/#src/net/[^:]*
sqlite3|sqlite3(ext)?\.h#src/store/sqlite[^:/]*
yajl|yajl/#src/base/json_[^:/]*
libyaml|yaml\.h#src/base/yaml_in\.[ch]
md4c|md4c(-html)?\.h#src/core/rich_markdown\.c
gumbo|gumbo\.h|tag_enum\.h#src/core/rich_html\.c
OpenSSL|openssl/#src/base/secret\.[ch]'
while IFS= read -r line; do
	[ -n "$line" ] || continue
	library=${line%%|*}
	rest=${line#*|}
	headers=${rest%%#*}
	home=${rest#*#}
	{ grep -E ":[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($headers)" "$scratch/code" || true; } \
	    | { grep -vE "^($home):" || true; } | report "$library has another home"
done <<< "$homes"

# --- functions that are not called ----------------------------------------------------------------
forbid() { # RULE FUNCTIONS [FILES THAT MAY]
	{ grep -E "(^|[^A-Za-z0-9_.>])($2)[[:space:]]*\(" <(sed -E 's/^([^:]*:[0-9]+:)/\1 /' "$scratch/calls") || true; } \
	    | { grep -vE "^(${3:-nothing}):" || true; } | report "$1"
}
forbid "writes without a bound" 'sprintf|vsprintf|strcpy|stpcpy|strcat|gets'
forbid "hides mistakes in numbers, use strtol" 'atoi|atol|atoll|atof'
forbid "starts a shell" 'system|popen'
forbid "the clock is base/clock.h" 'time|gettimeofday|clock_gettime' 'src/base/clock\.c'
forbid "memory is base/mem.h" \
    'malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf' 'src/base/[^:]*'

# --- platforms are named in their connector, and nowhere else in the program ----------------------
mapfile -t elsewhere < <(find src schema cmake -type f 2>/dev/null | grep -v '^src/connector/' | LC_ALL=C sort)
if [ "${#elsewhere[@]}" -gt 0 ]; then
	{ grep -nHiE 'smartify|chatwoot|smart[_ -]?sender|syniverse|tiledesk' "${elsewhere[@]}" || true; } \
	    | report "a platform is named outside src/connector"
fi

# --- nothing of the machine it was written on -----------------------------------------------------
set +f
find . \( -name .git -o -name build -o -name __pycache__ -o -name .cache \) -prune -o -type f -print \
    | sed 's,^\./,,' | LC_ALL=C sort > "$scratch/all"
{ tr '\n' '\0' < "$scratch/all" | xargs -0 -r grep -nHIE \
    '(^|[^A-Za-z0-9_.}-])/(home|root|wor[k]|Users)/[A-Za-z]|\.\./shar[e]d' || true; } \
    | cut -c1-200 | report "a path of one machine"

# --- every header compiles alone, and twice -------------------------------------------------------
header_alone() {
	local name=${1#src/} out
	if ! out=$(printf '#include "%s"\n#include "%s"\n' "$name" "$name" \
	    | "${CC:-cc}" -std=gnu17 -D_GNU_SOURCE -DTIELINE_VERSION='""' -Isrc -Wall -Werror \
	        -fsyntax-only -x c - 2>&1); then
		printf '%s:1: does not compile alone: %s\n' "$1" "$(grep -m1 -E 'error|warning' <<< "$out")"
	fi
}
export -f header_alone
find src -name '*.h' | LC_ALL=C sort | xargs -r -P "$(nproc)" -I{} bash -c 'header_alone {}' >> "$found"

if [ -s "$found" ]; then
	LC_ALL=C sort -t: -k1,1 -k2,2n "$found" >&2
	echo "layers: $(wc -l < "$found") mistakes" >&2
	exit 1
fi
