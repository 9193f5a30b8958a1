#!/usr/bin/env bash
# tests/layers.sh must fail. A small good tree passes it; each row below adds one mistake to that
# tree, and must be found, at the right line and under the right name.
set -euo pipefail

layers=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/layers.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

good_tree() {
	rm -rf "$scratch/tree"
	mkdir -p "$scratch"/tree/{schema,src/{base,core,connector/acme,connector/bolt,config,store,net,flow,admin}}
	cd "$scratch/tree"
	printf '#ifndef BASE_MEM_H\n#define BASE_MEM_H\n#include <stddef.h>\nvoid xfree(void *p);\n#endif\n' \
	    > src/base/mem.h
	printf '#include "base/mem.h"\n#include <stdlib.h>\nvoid xfree(void *p)\n{\n\tfree(p);\n}\n' \
	    > src/base/mem.c
	printf '#ifndef C_H\n#define C_H\nstruct connector;\n#endif\n' > src/connector/connector.h
	printf '#ifndef A_H\n#define A_H\nstruct acme;\n#endif\n' > src/connector/acme/acme.h
	printf '#ifndef B_H\n#define B_H\nstruct bolt;\n#endif\n' > src/connector/bolt/bolt.h
	printf '#include "connector/acme/acme.h"\n' > src/connector/registry.c
	printf '#include "connector/connector.h"\n/* time(2), free(3), "sprintf(" in words */\n' \
	    > src/connector/acme/acme.c
	printf 'static const char *t = "free(x) time(NULL) /* ";\nvoid f(struct s *a)\n{\n\ta->free(a);\n}\n' \
	    > src/flow/words.c
}

check() { # check NAME EXPECTED-LINE; the tree is already spoiled
	local out
	if out=$("$layers" "$scratch/tree" 2>&1); then
		echo "FAIL: $1: not found"
	elif ! grep -qE "$2" <<< "$out"; then
		printf 'FAIL: %s: expected %s, got:\n%s\n' "$1" "$2" "$out"
	else
		return 0
	fi
	failures=$((failures + 1))
}

spoil() { # spoil FILE TEXT EXPECTED: appends TEXT to FILE of a good tree
	good_tree
	mkdir -p "$(dirname "$1")"
	printf '%s\n' "$2" >> "$1"
	check "$1: $2" "$3"
}

good_tree
if ! out=$("$layers" "$scratch/tree" 2>&1); then
	printf 'FAIL: the good tree is refused:\n%s\n' "$out"
	failures=$((failures + 1))
fi

include='may not include this'
spoil src/base/x.c '#include "core/model.h"' "^src/base/x.c:1: $include"
spoil src/core/x.c '#include "store/store.h"' "^src/core/x.c:1: $include"
spoil src/core/x.c '#  include  "connector/connector.h"' "^src/core/x.c:1: $include"
spoil src/store/x.c '#include "net/http_out.h"' "^src/store/x.c:1: $include"
spoil src/net/x.c '#include "core/model.h"' "^src/net/x.c:1: $include"
spoil src/config/x.c '#include "flow/lanes.h"' "^src/config/x.c:1: $include"
spoil src/flow/x.c '#include "admin/cli/cli.h"' "^src/flow/x.c:1: $include"
spoil src/flow/x.c '#include "connector/acme/acme.h"' "^src/flow/x.c:1: $include"
spoil src/admin/cli/x.c '#include "admin/web/web.h"' "^src/admin/cli/x.c:1: $include"
spoil src/admin/x.c '#include "app.h"' "^src/admin/x.c:1: $include"
spoil src/connector/acme/acme.c '#include "connector/bolt/bolt.h"' "acme.c:3: $include"
spoil src/connector/acme/acme.c '#include "flow/lanes.h"' "acme.c:3: $include"
spoil src/novelty/x.c '#include "base/mem.h"' "^src/novelty/x.c:1: $include"
spoil src/base/x.c '#include "mem.h"' "^src/base/x.c:1: $include"

spoil src/flow/x.c '#include <event2/event.h>' 'x.c:1: libevent has another home'
spoil src/base/clock.c '#include <event2/event.h>' 'clock.c:1: libevent has another home'
spoil src/flow/x.c '#include <curl/curl.h>' 'x.c:1: libcurl has another home'
spoil src/store/store.c '#include <sqlite3.h>' 'store.c:1: sqlite3 has another home'
spoil src/connector/acme/x.c '#include <yajl/yajl_parse.h>' 'x.c:1: yajl has another home'
spoil src/base/options.c '#include <yaml.h>' 'options.c:1: libyaml has another home'
spoil src/net/x.c '#include <openssl/hmac.h>' 'x.c:1: OpenSSL has another home'

spoil src/base/x.c 'int f(char *b) { return sprintf(b, "x"); }' 'x.c:1: writes without a bound'
spoil src/flow/x.c 'void f(char *b) { strcat (b, "x"); }' 'x.c:1: writes without a bound'
spoil src/flow/x.c 'int n = atoi("7");' 'x.c:1: hides mistakes in numbers'
spoil src/admin/x.c 'int f(void) { return system("ls"); }' 'x.c:1: starts a shell'
spoil src/flow/x.c 'long f(void) { return time(NULL); }' 'x.c:1: the clock is'
spoil src/net/x.c 'void *f(void) { return malloc(1); }' 'x.c:1: memory is'
spoil src/store/x.c '	free(p); /* once */' 'x.c:1: memory is'

spoil src/flow/x.c '/* as Chatwoot does */' 'x.c:1: a platform is named'
spoil src/core/x.c 'const char *s = "smartify";' 'x.c:1: a platform is named'
spoil schema/0001.sql '-- smart sender' '0001.sql:1: a platform is named'

spoil src/core/lonely.h 'size_t lonely(void);' 'lonely.h:1: does not compile alone'
spoil src/core/twice.h 'struct twice { int n; };' 'twice.h:1: does not compile alone'

spoil docs/x.md "see /wor""k/notes" 'docs/x.md:1: a path of one machine'
spoil script/x "cat ..""/shared/notes" 'script/x:1: a path of one machine'
spoil tests/x.py 'open("/ho''me/somebody/x")' 'tests/x.py:1: a path of one machine'

if [ "$failures" -gt 0 ]; then
	echo "$failures failures"
	exit 1
fi
