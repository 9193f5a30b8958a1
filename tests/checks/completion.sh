#!/usr/bin/env bash
# What `tieline completion` prints completes, in the shell it is for: bash always, zsh and fish where they are
# installed. Every option of every usage line is among what is offered.
#
#   TIELINE_BIN=… tests/checks/completion.sh
set -euo pipefail
TIELINE_BIN=${TIELINE_BIN:-build/dev/tieline}

failures=0
bad() {
	printf '%s\n' "$*"
	failures=$((failures + 1))
}

# shellcheck source=/dev/null
. <("$TIELINE_BIN" completion bash)
complete -p tieline > /dev/null

# What bash would offer behind these words; the last one is being written.
offered() {
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	_tieline
	printf '%s\n' "${COMPREPLY[@]}" | sort -u
}
expect() { # WHAT WORD…
	local want=$1 got
	shift
	got=$(offered "$@" | tr '\n' ' ')
	[ "${got% }" = "$want" ] || bad "behind \"$*\": found \"${got% }\", expected \"$want\""
}
expect "parked pause person" tieline p
expect "parked pause person" tieline -c t.yaml p
expect "parked pause person" tieline --config = t.yaml p
expect "retry" tieline parked re
expect "erase export" tieline person e
expect "bash fish zsh" tieline completion ""
expect "uncertain unparsable unreachable unsupported" tieline parked --reason un
expect "uncertain unparsable unreachable unsupported" tieline parked retry --all --reason = un
expect "always auto never" tieline --color ""
expect "all closed open" tieline migrate --state ""
expect "chatwoot" tieline options ch
expect "answer hook page" tieline explain --as ""
expect "--yes" tieline parked drop --y
expect "" tieline parked --endpoint ""

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here"
expect "completion.sh" tieline backup compl
expect "completion.sh" tieline -c compl
expect "completion.sh" tieline explain --headers compl
cd - > /dev/null

# Every option that a usage line names, and nothing else but the global ones.
global="--color --config --help --json --quiet --socket --verbose --version --yes"
while read -r command; do
	named=$("$TIELINE_BIN" help "$command" | sed -n '/^usage:/,/^$/p' | grep -oE -- '--[a-z][a-z-]+' || true)
	want=$(printf '%s\n' $named $global | sort -u | tr '\n' ' ')
	got=$(offered tieline "$command" -- | tr '\n' ' ')
	[ "$got" = "$want" ] || bad "options of $command: found \"$got\", expected \"$want\""
done < <("$TIELINE_BIN" --help | sed -nE '/^commands:/,/^$/s/^  ([a-z]+) .*/\1/p')

if command -v zsh > /dev/null; then
	"$TIELINE_BIN" completion zsh > "${TMPDIR:-/tmp}/_tieline.$$"
	got=$(zsh -f -c "
		compadd() { shift; print -l -- \"\$@\" }
		compset() { }
		_files() { print FILES }
		compdef() { }
		. '${TMPDIR:-/tmp}/_tieline.$$'
		words=(tieline parked --reason '') CURRENT=4; _tieline
		words=(tieline -c t.yaml backup '') CURRENT=5; _tieline")
	rm -f "${TMPDIR:-/tmp}/_tieline.$$"
	grep -qx uncertain <<< "$got" || bad "zsh does not offer the reasons: $got"
	grep -qx FILES <<< "$got" || bad "zsh does not offer files: $got"
fi
if command -v fish > /dev/null; then
	"$TIELINE_BIN" completion fish > "${TMPDIR:-/tmp}/tieline.$$.fish"
	got=$(HOME=/nonexistent fish --no-config -c "source '${TMPDIR:-/tmp}/tieline.$$.fish'
		complete -C 'tieline pers'
		complete -C 'tieline parked --reason uncer'")
	rm -f "${TMPDIR:-/tmp}/tieline.$$.fish"
	grep -q "^person" <<< "$got" || bad "fish does not offer the commands: $got"
	grep -q "uncertain" <<< "$got" || bad "fish does not offer the reasons: $got"
fi

if [ "$failures" -gt 0 ]; then
	echo "completion: $failures mistakes"
	exit 1
fi
