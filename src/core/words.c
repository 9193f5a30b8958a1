/* See words.h. */
#include "core/words.h"

#include <stddef.h>
#include <string.h>

static const char *word_of(const char *const *words, size_t count, int value)
{
	return value >= 0 && (size_t)value < count ? words[value] : "?";
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define WORD(name, word, ...) word,
#define WORDS_OF(LIST, function) \
	static const char *const function##s[] = { LIST(WORD) }; \
	const char *function(int value) \
	{ \
		return word_of(function##s, COUNT(function##s), value); \
	}

WORDS_OF(EVENT_KINDS, event_kind_word)
WORDS_OF(ROLES, role_word)
WORDS_OF(STATES, state_word)
WORDS_OF(LINK_HOWS, link_how_word)
WORDS_OF(FORMATS, format_word)
WORDS_OF(ATTACHMENT_KINDS, attachment_kind_word)
WORDS_OF(WIDGET_KINDS, widget_kind_word)
WORDS_OF(DROPS, drop_word)
WORDS_OF(REFUSALS, refusal_word)
WORDS_OF(UNPARSABLES, unparsable_word)
WORDS_OF(STEPS, step_word)
WORDS_OF(EFFECTS, effect_word)
WORDS_OF(REASONS, reason_word)
WORDS_OF(WHENS, when_word)
WORDS_OF(ALARM_KINDS, alarm_kind_word)

int refusal_status(enum refusal refusal)
{
	static const int statuses[] = {
#define X(name, word, status) status,
		REFUSALS(X)
#undef X
	};

	return statuses[refusal];
}

const char *delivery_state_word(int state)
{
	switch (state) {
#define X(name, word, number) \
	case number: return word;
		DELIVERY_STATES(X)
#undef X
	}
	return "?";
}

static int value_of(const char *const *words, size_t count, const char *word)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return (int)i;
	return -1;
}

int step_by_word(const char *word)
{
	return value_of(step_words, COUNT(step_words), word);
}

int reason_by_word(const char *word)
{
	return value_of(reason_words, COUNT(reason_words), word);
}
