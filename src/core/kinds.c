/* See kinds.h. */
#include "core/kinds.h"

const char *kind_word(enum message_kind kind)
{
	static const char *const words[] = {
#define X(name, word, title) word,
		KINDS(X)
#undef X
	};

	return words[kind];
}

const char *kind_title(enum message_kind kind)
{
	static const char *const titles[] = {
#define X(name, word, title) title,
		KINDS(X)
#undef X
	};

	return titles[kind];
}

const char *way_word(enum way way)
{
	switch (way) {
	case WAY_NONE: return "none";
	case WAY_NATIVE: return "native";
	case WAY_FALLBACK: return "fallback";
	case WAY_LATER: return "later";
	case WAY_IMPOSSIBLE: return "impossible";
	}
	return "?";
}
