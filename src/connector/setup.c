/* See setup.h: what the connectors' own files share. */
#include "connector/setup.h"

#include <string.h>

#include "base/arena.h"
#include "base/secret.h"
#include "connector/answer.h"

extern const struct connector_setup chatwoot_setup, smartify_setup, smartsender_setup,
    syniverse_setup;

static const struct connector_setup *const setups[] = { &chatwoot_setup, &smartify_setup,
	&smartsender_setup, &syniverse_setup, NULL };

const struct connector_setup *connector_setup_find(const char *name)
{
	size_t i;

	for (i = 0; setups[i] != NULL; i++)
		if (strcmp(setups[i]->name, name) == 0)
			return setups[i];
	return NULL;
}

const char *setup_fact(const struct setup *s, const char *key)
{
	size_t i;

	for (i = 0; i < s->nfacts; i++)
		if (strcmp(s->facts[i].key, key) == 0)
			return s->facts[i].value;
	return NULL;
}

void setup_learn(struct setup *s, const char *key, const char *value)
{
	size_t i;

	for (i = 0; i < s->nfacts && strcmp(s->facts[i].key, key) != 0; i++)
		;
	if (i == SETUP_FACTS)
		return;
	if (i == s->nfacts)
		s->nfacts++;
	s->facts[i] = (struct setup_fact){ arena_strdup(s->arena, key),
		value != NULL ? arena_strdup(s->arena, value) : NULL };
}

void setup_keep(struct setup *s, const char *key, const char *value)
{
	size_t i;

	for (i = 0; i < s->nkeeps && strcmp(s->keeps[i].key, key) != 0; i++)
		;
	if (i == SETUP_KEEPS)
		return;
	if (i == s->nkeeps)
		s->nkeeps++;
	s->keeps[i] =
	    (struct memo){ key, value != NULL ? arena_strdup(s->arena, value) : NULL, true };
}

void setup_line(struct setup *s, const char *check, enum check_result result, const char *found,
    const char *next)
{
	if (s->nlines < SETUP_LINES)
		s->lines[s->nlines++] = (struct check_line){ check, result,
			arena_printf(s->arena, "%s: %s", s->via.endpoint->name, found), next };
}

bool setup_did(const struct setup *s, const char *step)
{
	return setup_fact(s, step) != NULL;
}

bool setup_knows_secret(const struct setup *s, const char *secret)
{
	const struct secrets *all = &s->via.endpoint->webhook_secret;
	size_t i;

	for (i = 0; secret != NULL && i < all->n; i++)
		if (secret_equal(all->v[i], secret))
			return true;
	return false;
}

void setup_take_secret(struct setup *s, const char *secret)
{
	const char *before = memo_get(&s->via, KEPT_SECRET);

	if (before != NULL && strcmp(before, secret) == 0)
		return;
	setup_keep(s, KEPT_SECRET, secret);
	if (before != NULL)
		setup_keep(s, KEPT_OLD_SECRET, before);
}

bool setup_failed(struct setup *s, const char *check, const struct http_resp *resp)
{
	const char *host = s->via.endpoint->host;

	if (answer_is_good(resp))
		return false;
	if (resp->status == 0)
		setup_line(s, check, CHECK_FAIL,
		    arena_printf(s->arena, "%s does not answer (%s)", host,
			resp->detail != NULL ? resp->detail : "no reason told"),
		    "look whether base_url is right, and whether it can be reached from here");
	else
		setup_line(s, check, CHECK_FAIL,
		    arena_printf(s->arena, "%s answered %d", host, resp->status),
		    "look at it there, and try again");
	return true;
}
