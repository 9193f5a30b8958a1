/* See migration.h. */
#include "core/migration.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "base/json_out.h"

#define DAY_MSECS ((int64_t)24 * 60 * 60 * 1000)

const char *migration_state_word(int state)
{
	static const char *const words[] = {
#define X(name, word) [MIGRATION_##name] = (word),
		MIGRATION_STATES(X)
#undef X
	};

	return state >= 0 && state < (int)(sizeof(words) / sizeof(words[0])) ? words[state] : "?";
}

bool migration_is_active(enum migration_state state)
{
	return state == MIGRATION_RUNNING || state == MIGRATION_STOPPING;
}

const char *migration_skip_word(int skip)
{
	return skip == SKIP_PRESENT ? "present" : drop_word(skip);
}

/* ---- sums ---- */

void migration_add(struct migration_totals *to, const struct migration_totals *more)
{
	size_t i;

	to->conversations += more->conversations;
	to->read += more->read;
	to->written += more->written;
	to->failed += more->failed;
	to->files += more->files;
	for (i = 0; i < SKIP_COUNT; i++)
		to->skipped[i] += more->skipped[i];
}

int64_t migration_skipped(const struct migration_totals *t)
{
	int64_t sum = 0;
	size_t i;

	for (i = 0; i < SKIP_COUNT; i++)
		sum += t->skipped[i];
	return sum;
}

bool migration_adds_up(const struct migration_totals *t)
{
	return t->read == t->written + t->failed + migration_skipped(t);
}

void migration_put_skipped(struct json_out *o, const struct migration_totals *t)
{
	int i;

	json_begin_object(o);
	for (i = 1; i < SKIP_COUNT; i++)
		if (t->skipped[i] > 0)
			json_member_int(o, migration_skip_word(i), t->skipped[i]);
	json_end_object(o);
}

const char *migration_skipped_text(struct arena *a, const struct migration_totals *t)
{
	struct json_out *o = json_out_new(a);

	migration_put_skipped(o, t);
	return json_done(o, NULL);
}

void migration_read_skipped(struct migration_totals *t, const char *text)
{
	struct arena *a = arena_new();
	struct json_error error;
	const struct json *root = text != NULL ? json_read(a, text, strlen(text), &error) : NULL;
	const struct json *j;
	int i;

	memset(t->skipped, 0, sizeof(t->skipped));
	for (j = root != NULL ? root->child : NULL; j != NULL; j = j->next) {
		for (i = 1; i < SKIP_COUNT && strcmp(migration_skip_word(i), j->key) != 0; i++)
			;
		t->skipped[i < SKIP_COUNT ? i : DROP_UNKNOWN] += json_int(root, j->key, 0);
	}
	arena_free(a);
}

bool migration_is_verified(const struct migration_verdict *v)
{
	return v->missing == 0 && v->twice == 0 && v->disordered == 0 && v->different == 0
	    && v->fileless == 0 && v->unlike == 0;
}

/* ---- what it takes ---- */

/* Contact and conversation are looked for and made, and its state is set. */
#define REQUESTS_PER_CONVERSATION 5

static int64_t takes(int64_t count, struct migration_limit limit)
{
	return limit.count > 0 ? count * limit.period_msecs / limit.count : 0;
}

void migration_estimate(struct migration_estimate *e, int64_t written, int64_t reads,
    struct migration_limit target, struct migration_limit conversation,
    struct migration_limit source)
{
	int64_t requests = written + REQUESTS_PER_CONVERSATION * e->conversations + e->facts;
	const int64_t all[] = { takes(requests, target), takes(e->longest, conversation),
		takes(2 * reads, source) };
	size_t i;

	e->requests = requests;
	e->msecs = 0;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i] > e->msecs)
			e->msecs = all[i];
}

/* ---- times ---- */

const char *migration_time_text(struct arena *a, int64_t at_ms)
{
	char text[TIME_TEXT_SIZE];

	time_format(at_ms, text); /* 2026-03-05T09:24:… */
	return arena_printf(a, "%.10s %.5s UTC", text, text + 11);
}

const char *migration_day_text(struct arena *a, int64_t at_ms)
{
	char text[TIME_TEXT_SIZE];

	return arena_strndup(a, time_format(at_ms, text), 10);
}

bool migration_is_same_day(int64_t a_ms, int64_t b_ms)
{
	return a_ms / DAY_MSECS == b_ms / DAY_MSECS;
}
