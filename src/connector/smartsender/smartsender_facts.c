/* Who the contact is and who has his chat: what a chat tells of it, and the requests that write it.
 *
 * Nothing published tells who has a chat, nor takes it from somebody; it can only be given to an operator
 * ("forward"). Operators are listed where a bridge maps agents, page by page, once in a while. */
#include "connector/smartsender/smartsender.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "core/facts.h"

#define ASK_AGAIN_MSECS ((int64_t)5 * 60 * 1000)
#define PAGES_MAX 50
#define WORDS "The desk has given this chat to you."

/* --- told -------------------------------------------------------------------------------------- */

static const char *filled(const char *text)
{
	return text != NULL && text[strspn(text, " \t\r\n")] != '\0' ? text : NULL;
}

static const char *name_of(struct arena *a, const struct json *contact)
{
	const char *first = filled(json_text(contact, "firstName"));
	const char *last = filled(json_text(contact, "lastName"));
	const char *full = filled(json_text(contact, "fullName"));

	if (full != NULL)
		return full;
	return first != NULL && last != NULL ? arena_printf(a, "%s %s", first, last)
	    : first != NULL                  ? first
					     : last;
}

bool smartsender_take_facts(struct arena *a, const struct job *job, const struct json *answer,
    struct outcome *out)
{
	const char *id = json_id(answer, "id");

	if (id == NULL || *id == '\0')
		return false;
	out->found = true;
	if (job->step != STEP_FIND_CONTACT)
		return true; /* a chat does not say who has it */
	out->facts.v[FACT_NAME] = fact_form(a, FACT_NAME, name_of(a, answer));
	out->facts.v[FACT_EMAIL] = fact_form(a, FACT_EMAIL, filled(json_text(answer, "email")));
	out->facts.v[FACT_PHONE] = fact_form(a, FACT_PHONE, filled(json_id(answer, "phone")));
	out->learned.contact = id;
	return true;
}

/* --- written ----------------------------------------------------------------------------------- */

const char *smartsender_facts_path(struct arena *a, const struct job *job)
{
	const char *chat = job->known->conversation, *person = job->known->address;

	if (job->step == STEP_FIND_CONTACT || job->step == STEP_UPDATE_CONTACT)
		return arena_printf(a, "/contacts/%s",
		    person != NULL ? http_encode(a, person) : "{person}");
	chat = chat != NULL ? http_encode(a, chat) : "{conversation}";
	if (job->step == STEP_ASSIGN)
		return arena_printf(a, "/chats/%s/forward/%s", chat,
		    http_encode(a, job->message->facts->v[FACT_AGENT]));
	return arena_printf(a, "/chats/%s", chat);
}

const char *smartsender_facts_body(struct arena *a, const struct job *job, size_t *len)
{
	const struct facts *f = job->message->facts;
	struct json_out *o = json_out_new(a);

	json_begin_object(o);
	if (job->step == STEP_ASSIGN) {
		json_member_text(o, "text", WORDS);
	} else {
		json_key(o, "values");
		json_begin_object(o);
		json_member_text(o, "fullName", f->v[FACT_NAME]);
		json_member_text(o, "email", f->v[FACT_EMAIL]);
		json_member_text(o, "phone", f->v[FACT_PHONE]);
		json_end_object(o);
	}
	json_end_object(o);
	return json_done(o, len);
}

/* --- who works there --------------------------------------------------------------------------- */

static int64_t page_of(const struct via *via)
{
	const char *text = memo_get(via, MEMO_TEAM_PAGE);
	int64_t page = text != NULL ? strtoll(text, NULL, 10) : 1;

	return page >= 1 ? page : 1;
}

int64_t smartsender_next_team(const struct via *via, struct job *job)
{
	const char *asked = memo_get(via, MEMO_TEAM_ASKED);

	if (!via->endpoint->wants_team)
		return INT64_MAX;
	job->step = STEP_LOOK_UP;
	return asked != NULL ? strtoll(asked, NULL, 10) + TEAM_LIFE_MSECS : via->now_ms;
}

const char *smartsender_team_path(const struct via *via, struct arena *a)
{
	return arena_printf(a, "/operators?limitation=%d&page=%" PRId64, SMARTSENDER_PAGE,
	    page_of(via));
}

static void put_operators(struct json_out *o, const struct json *list)
{
	const struct json *j;

	for (j = list->child; j != NULL; j = j->next) {
		if (json_id(j, "id") == NULL)
			continue;
		json_begin_object(o);
		json_member_text(o, "id", json_id(j, "id"));
		json_member_text(o, "email", json_text(j, "info.email"));
		json_member_text(o, "name", json_text(j, "info.fullName"));
		json_end_object(o);
	}
}

static void put_former(struct arena *a, const struct via *via, struct json_out *o)
{
	const char *text = memo_get(via, MEMO_TEAM_READ);
	struct json_error error;
	const struct json *list = text != NULL ? json_read(a, text, strlen(text), &error) : NULL,
			  *j;

	for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next)
		json_put(o, j);
}

static void learn(struct outcome *out, const char *key, const char *value)
{
	out->memo[out->nmemo++] = (struct memo){ key, value, .lasting = false };
}

/* What was read is kept until the last page is there. Whatever comes of it, nobody waits: it is asked for again
 * later. */
void smartsender_take_team(const struct via *via, struct arena *a, const struct json *answer,
    struct outcome *out)
{
	const struct json *list = smartsender_list(answer, "collection");
	struct json_out *o = json_out_new(a);
	int64_t page = page_of(via);
	const char *all;

	out->effect = (struct effect){ .kind = EFFECT_NEXT_STEP, .wait_msecs = -1 };
	json_begin_array(o);
	if (page > 1)
		put_former(a, via, o);
	if (list != NULL)
		put_operators(o, list);
	json_end_array(o);
	all = json_done(o, NULL);
	if (list != NULL && list->count > 0 && page < json_int(answer, "cursor.pages", 0)
	    && page < PAGES_MAX) {
		learn(out, MEMO_TEAM_READ, all);
		learn(out, MEMO_TEAM_PAGE, arena_printf(a, "%" PRId64, page + 1));
		return;
	}
	if (list != NULL)
		learn(out, MEMO_TEAM, all);
	learn(out, MEMO_TEAM_READ, NULL);
	learn(out, MEMO_TEAM_PAGE, NULL);
	learn(out, MEMO_TEAM_ASKED,
	    arena_printf(a, "%" PRId64,
		list != NULL ? via->now_ms : via->now_ms - TEAM_LIFE_MSECS + ASK_AGAIN_MSECS));
}
