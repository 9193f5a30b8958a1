#!/usr/bin/env bash
# docs/kinds.md is what the connectors say of themselves, and each of its rows has a run in
# tests/blackbox/kinds.py.
#
#   TIELINE_BIN=… tests/checks/kinds.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
kinds=$(dirname "${TIELINE_BIN:-build/dev/tieline}")/tieline-kinds

if ! diff -u docs/kinds.md <("$kinds"); then
	echo "docs/kinds.md is not what the connectors say; script/kinds writes it anew"
	exit 1
fi
"$kinds" --json | PYTHONPATH=tests/blackbox /usr/bin/python3 -B tests/blackbox/kinds.py
