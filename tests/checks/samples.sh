#!/usr/bin/env bash
# Every sample in config is taken by `tieline check`, with something in each variable it asks for.
#
#   TIELINE_BIN=… tests/checks/samples.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
tieline=${TIELINE_BIN:-build/dev/tieline}

# ${NAME} without a default; what stands behind $$ or in comments does no harm here.
while read -r name; do
	export "$name=sample-0123456789abcdef"
done < <(grep -ohE '\$\{[A-Z_]+\}' config/*.yaml | tr -d '${}' | LC_ALL=C sort -u)

failures=0
for sample in config/*.yaml; do
	if ! out=$("$tieline" check -c "$sample" 2>&1); then
		printf '%s is refused:\n%s\n' "$sample" "$out"
		failures=$((failures + 1))
	fi
done
[ "$failures" -eq 0 ]
