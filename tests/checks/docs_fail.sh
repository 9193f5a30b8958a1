#!/usr/bin/env bash
# tests/checks/docs.sh must fail. It takes a copy of this tree as it is; each row below spoils one thing
# in that copy, and must be found under the right name.
#
#   TIELINE_BIN=… tests/checks/docs_fail.sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
TIELINE_BIN=$(realpath "${TIELINE_BIN:-build/dev/tieline}")
export TIELINE_BIN
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

tar -c --exclude=./build --exclude=./.git --exclude=__pycache__ . | tar -x -C "$scratch"

if ! out=$("$here/docs.sh" "$scratch" 2>&1); then
	printf 'FAIL: the tree as it is is refused:\n%s\n' "$out"
	exit 1
fi

spoil() { # spoil FILE SED EXPECTED: changes FILE of the copy, looks, and puts it back
	local out
	sed -E "$2" "$1" > "$scratch/$1"
	if cmp -s "$1" "$scratch/$1"; then
		printf 'FAIL: %s: %s changes nothing\n' "$1" "$2"
	elif out=$("$here/docs.sh" "$scratch" 2>&1); then
		printf 'FAIL: %s: %s: not found\n' "$1" "$2"
	elif ! grep -qE "$3" <<< "$out"; then
		printf 'FAIL: %s: %s: expected %s, got:\n%s\n' "$1" "$2" "$3" "$out"
	else
		cp "$1" "$scratch/$1"
		return 0
	fi
	cp "$1" "$scratch/$1"
	failures=$((failures + 1))
}

spoil README.md 's,\(docs/mapping\.md\),(docs/maping.md),' 'README.md: there is no docs/maping.md'
spoil docs/commands.md 's/operations\.md#is-all-well/operations.md#is-all-bad/' 'operations.md has no heading for #is-all-bad'
spoil docs/architecture.md 's,src/app\.c,src/application.c,' 'docs/architecture.md: there is no src/application.c'
spoil docs/configuration.md '/^\| `log.level`/d' 'docs/configuration.md is not what the option tables say'
spoil docs/configuration.md '/^\| `api_token`/s/required/none/' 'docs/configuration.md is not what the option tables say'
spoil docs/configuration.md 's,^(\| `timeout` .*)`20s`,\1`30s`,' 'docs/configuration.md is not what the option tables say'
spoil man/tieline.yaml.5 '/^\.It Ic reopen/d' 'man/tieline.yaml.5 is not what the option tables say'
spoil docs/commands.md 's/^## check$/## Check/' 'docs/commands.md: nothing about the command check'
spoil man/tieline.1 '/^\.It Cm serve/d' 'man/tieline.1: nothing about the command serve'
spoil docs/mapping.md 's/`wrong_side`/wrong side/' 'the word wrong_side of src/core/words.h'
spoil src/core/words.h 's/^(\tX\(LOOP, "loop"\).*)/\1\n\tX(NEW, "brand_new") \\/' 'the word brand_new of src/core/words.h'
spoil docs/operations.md 's/`tieline_oldest_seconds`/the oldest/' 'docs/operations.md: nothing about tieline_oldest_seconds'
spoil docs/operations.md 's/`unparsable` \| kept as/something | kept as/; s/`unparsable`/unreadable/' 'nothing about unparsable'

if [ "$failures" -gt 0 ]; then
	echo "$failures failures"
	exit 1
fi
