#!/usr/bin/env bash
# The log's words are a closed list, since people grep for them and programs read them: every `at` and
# every key in a LOG() of src is one of those below, and a conversation's id stands at debug only.
#
#   tests/checks/log_words.sh [ROOT]     silent and 0 when all is well; else one line per mistake, and 1
#
# Without ROOT it first convinces itself that it would find a mistake.
set -euo pipefail

ats='start ready stop reload reload_refused config
stored duplicate refused unparsable dropped unmapped
routed claimed settled retry unsure found resent parked unparked edited discarded
gate_closed gate_open lane_held endpoint_state token_renewed session_up session_down
reconcile repaired silence
adopted
migrate migrate_end export
media_stored media_waits media_failed
alarm alarm_over check
store_slow store_error store_ok disk_low
admin backup erased
internal'
keys='time level at endpoint bridge event delivery lane link field conversation attempt step effect reason status
remote wait_ms took_ms count bytes who migration alarm file line err'

one_of() { # WORD LIST
	case " $(tr '\n' ' ' <<< "$2") " in *" $1 "*) return 0 ;; esac
	return 1
}

# Calls as one line each: of LOG, and of functions that hand an `at` on (they name it third).
calls() { # FILE NAME
	grep -Pzo '(?s)(?<![A-Za-z_#])'"$2"'\(.*?\);' "$1" 2> /dev/null | tr '\0\n\t' '\n  ' || true
}

check_tree() { # ROOT
	local file call at key
	while IFS= read -r file; do
		while IFS= read -r call; do
			at=$(sed -E 's/^LOG\([^,]*, *([^,)]*).*/\1/' <<< "$call")
			# A function that is handed its `at` is looked at where it is called.
			if [ "$at" = at ]; then
				:
			elif ! [[ $at =~ ^\"[a-z_]+\"$ ]]; then
				echo "$file: the word of a line is not written out: $at"
			elif ! one_of "${at//\"/}" "$ats"; then
				echo "$file: at=${at//\"/} is not in the list"
			fi
			if [[ $call == *'("conversation"'* && $call != 'LOG(LOG_DEBUG,'* ]]; then
				echo "$file: a conversation above debug: $call"
			fi
		done < <(calls "$file" LOG)
		while IFS= read -r call; do
			at=$(sed -E 's/^[a-z_]+_log\([^,]*,[^,]*, *([^,)]*).*/\1/' <<< "$call")
			if ! [[ $at =~ ^\"[a-z_]+\"$ ]] || ! one_of "${at//\"/}" "$ats"; then
				echo "$file: at=$at is not in the list"
			fi
		done < <(calls "$file" '[a-z]+_log' | grep -E '^[a-z]+_log\([^)]*LOG_')
		while IFS= read -r key; do
			one_of "$key" "$keys" || echo "$file: the key $key is not in the list"
		done < <(grep -oE 'F_(STR|INT|ID)\("[^"]*"' "$file" | sed -E 's/.*"(.*)"/\1/' || true)
	done < <(grep -rlE '\bLOG\(|F_(STR|INT|ID)\("|_log\(' "$1/src" --include='*.c' | LC_ALL=C sort)
}

must_find() { # CODE EXPECTED
	local out
	mkdir -p "$scratch/src"
	printf 'void f(void)\n{\n\t%s\n}\n' "$1" > "$scratch/src/x.c"
	out=$(check_tree "$scratch")
	if [[ $out != *"$2"* ]]; then
		echo "log_words does not find '$2' in: $1"
		exit 1
	fi
}

root=${1:-}
if [ -z "$root" ]; then
	root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	must_find 'LOG(LOG_INFO, "sent_off");' 'at=sent_off'
	must_find $'LOG(LOG_INFO,\n\t    "sent_off",\n\t    F_INT("count", 1));' 'at=sent_off'
	must_find 'LOG(LOG_INFO, word);' 'not written out'
	must_find 'LOG(LOG_INFO, "stored", F_STR("text", "hello"));' 'the key text'
	must_find $'LOG(LOG_WARN, "stored",\n\t    F_STR("conversation", id));' 'above debug'
	must_find 'trip_log(t, LOG_INFO, "gone", &e);' 'at="gone"'
fi

found=$(check_tree "$root")
if [ -n "$found" ]; then
	echo "$found" >&2
	exit 1
fi
