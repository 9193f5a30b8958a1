#!/usr/bin/env bash
# Every C file is as clang-format 14 would write it. To repair: script/format
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if ! command -v clang-format > /dev/null; then
	echo "clang-format is missing; script/bootstrap installs it" >&2
	exit 1
fi
find src tests -name '*.[ch]' -print0 | LC_ALL=C sort -z | xargs -0 clang-format --dry-run -Werror
