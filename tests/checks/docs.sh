#!/usr/bin/env bash
# The manual says what is there: links between its pages resolve; every option is in the two pages made
# from the option tables, every command in docs/commands.md, every closed word of src/core/words.h in
# the docs, every metric and every at= of the log in docs/operations.md; what names a file of this tree
# names one that is there.
#
#   TIELINE_BIN=… tests/checks/docs.sh [ROOT]
#
# With ROOT only another tree's pages are read. docs_fail.sh feeds it trees with one mistake each.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "${1:-$here/../..}" && pwd)
cd "$root"
export TIELINE_BIN=${TIELINE_BIN:-build/dev/tieline}

failures=0
bad() {
	printf '%s\n' "$*"
	failures=$((failures + 1))
}

mapfile -t pages < <(find README.md CHANGELOG.md docs tests/sandbox/README.md -name '*.md' | LC_ALL=C sort)

# --- links: [text](page.md#heading), relative to the page -----------------------------------------
# A heading as a link names it: small letters, blanks as hyphens, all else but letters and digits gone.
anchors() {
	sed -nE '/^```/,/^```/!s/^#+ +//p' "$1" | tr '[:upper:]' '[:lower:]' | sed -E 's/[^a-z0-9 _-]//g; s/ /-/g'
}
for page in "${pages[@]}"; do
	while IFS= read -r link; do
		case $link in *://* | '') continue ;; esac
		file=${link%%#*}
		target=$page
		[ -z "$file" ] || target=$(dirname "$page")/$file
		if [ ! -e "$target" ]; then
			bad "$page: there is no $link"
		elif [[ $link == *'#'* ]] && ! grep -qxF "${link#*#}" <<< "$(anchors "$target")"; then
			bad "$page: $target has no heading for #${link#*#}"
		fi
	done < <(sed '/^```/,/^```/d' "$page" | grep -oE '\]\([^) ]+\)' | sed -E 's/^\]\((.*)\)$/\1/')
done

# --- files of this tree that the pages name -------------------------------------------------------
for page in "${pages[@]}"; do
	while IFS= read -r name; do
		compgen -G "$name" > /dev/null || bad "$page: there is no $name"
	done < <(grep -oE '`(src|tests|docs|script|config|docker|schema|man|cmake)/[A-Za-z0-9_./*-]+`' "$page" \
	    | tr -d '`' | LC_ALL=C sort -u)
done

# --- options ----------------------------------------------------------------------------------------
script/manual --check || failures=$((failures + 1))

# --- commands ---------------------------------------------------------------------------------------
while read -r command; do
	grep -qx "## $command" docs/commands.md || bad "docs/commands.md: nothing about the command $command"
	grep -qE "^\.(It|Ss) (Cm|Ic) $command\b|^\.Ss $command\$" man/tieline.1 \
	    || bad "man/tieline.1: nothing about the command $command"
done < <("$TIELINE_BIN" --help | sed -nE '/^commands:/,/^$/s/^  ([a-z]+) .*/\1/p')

# --- words ------------------------------------------------------------------------------------------
# Each word stands as code in one of these two.
while read -r word; do
	grep -qF "\`$word\`" docs/commands.md docs/mapping.md docs/operations.md \
	    || bad "docs: the word $word of src/core/words.h stands nowhere"
done < <(sed -nE 's/^\tX\([A-Z_]+, "([a-z_]+)".*/\1/p' src/core/words.h | LC_ALL=C sort -u)

# --- metrics, and what the log says -----------------------------------------------------------------
while read -r word; do
	grep -qF "\`$word\`" docs/operations.md || bad "docs/operations.md: nothing about $word"
done < <({
	sed -nE 's/.*family\(p, "(tieline_[a-z_]+)".*/\1/p' src/admin/web/metrics.c
	find src -name '*.c' -exec cat {} + | tr '\n\t' '  ' \
	    | grep -oE '\b(LOG|[a-z]+_log)\([^;"]*LOG_[A-Z]+[^;"]*, *"[a-z_]+"' | sed -E 's/.*"([a-z_]+)"$/\1/'
} | LC_ALL=C sort -u)

if [ "$failures" -gt 0 ]; then
	echo "docs: $failures mistakes"
	exit 1
fi
