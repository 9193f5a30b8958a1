/* What callbacks and answers tell of a contact and of a conversation besides words and status, and the requests
 * that write it. What is written here replaces the whole: labels and attributes are merged before, with what
 * was read just now. */
#include "connector/chatwoot/chatwoot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/json_out.h"
#include "core/text.h"

/* --- told -------------------------------------------------------------------------------------- */

static const char *filled(const char *text)
{
	return text != NULL && text[strspn(text, " \t\r\n")] != '\0' ? text : NULL;
}

void chatwoot_read_contact_facts(struct arena *a, const struct json *contact, struct facts *out)
{
	out->v[FACT_NAME] = fact_form(a, FACT_NAME, filled(json_text(contact, "name")));
	out->v[FACT_EMAIL] = fact_form(a, FACT_EMAIL, filled(json_text(contact, "email")));
	out->v[FACT_PHONE] = fact_form(a, FACT_PHONE, filled(json_text(contact, "phone_number")));
	out->v[FACT_AVATAR] = filled(json_text(contact, "thumbnail"));
}

/* A bot that has it is no matter of people. What is null is nobody; what is not there was not said: answers
 * leave out who does not have it, callbacks do not. */
static const char *assignee_of(const struct json *c)
{
	const struct json *who = json_at(c, "meta.assignee");
	const char *type = json_text(c, "meta.assignee_type"), *id = json_id(who, "id");

	if (type != NULL && strcmp(type, "User") != 0)
		return NULL;
	if (id != NULL)
		return id;
	return who != NULL && who->type == JSON_NULL ? "" : NULL;
}

void chatwoot_read_assignee(const struct json *c, struct author *out)
{
	const char *id = assignee_of(c);

	if (id == NULL || *id == '\0')
		return;
	*out = (struct author){ .role = ROLE_AGENT,
		.id = id,
		.name = json_text(c, "meta.assignee.name"),
		.email = json_text(c, "meta.assignee.email") };
}

static const char *team_of(const struct json *c)
{
	const struct json *team = json_at(c, "meta.team");
	const char *id = json_id(team, "id");

	if (id != NULL)
		return id;
	return team != NULL && team->type == JSON_NULL ? "" : NULL;
}

static const char *labels_of(struct arena *a, const struct json *c)
{
	const struct json *list = json_array(c, "labels"), *j;
	const char **labels;
	size_t n = 0;

	if (list == NULL)
		return NULL;
	labels = arena_alloc(a, (list->count + 1) * sizeof(*labels));
	for (j = list->child; j != NULL; j = j->next)
		if (j->type == JSON_STRING)
			labels[n++] = j->text;
	return fact_labels(a, labels, n);
}

void chatwoot_read_conversation_facts(struct arena *a, const struct json *c, struct facts *out)
{
	const struct json *priority = json_member(c, "priority");
	const struct json *attributes = json_object(c, "custom_attributes");

	out->v[FACT_AGENT] = assignee_of(c);
	out->v[FACT_TEAM] = team_of(c);
	out->v[FACT_LABELS] = labels_of(a, c);
	if (priority != NULL)
		out->v[FACT_PRIORITY] = priority->type == JSON_STRING ? priority->text : "";
	if (attributes != NULL)
		out->v[FACT_ATTRIBUTES] = fact_attributes(a, attributes, NULL);
}

/* --- written ----------------------------------------------------------------------------------- */

static const char *path_of(const struct job *job, struct arena *a)
{
	const struct known *k = job->known;
	const char *c = k->conversation != NULL ? k->conversation : "{conversation}";

	if (job->kind == JOB_FACTS)
		return arena_printf(a, "/conversations/%s", c);
	switch (job->step) {
	case STEP_ASSIGN: return arena_printf(a, "/conversations/%s/assignments", c);
	case STEP_SET_LABELS: return arena_printf(a, "/conversations/%s/labels", c);
	case STEP_SET_ATTRIBUTES: return arena_printf(a, "/conversations/%s/custom_attributes", c);
	case STEP_SET_PRIORITY: return arena_printf(a, "/conversations/%s", c);
	default:
		return arena_printf(a, "/contacts/%s",
		    k->contact != NULL ? k->contact : "{contact}");
	}
}

static bool is_refused(const struct job *job, const char *field)
{
	return job->cursor != NULL && strstr(job->cursor, field) != NULL;
}

/* What another contact has is shown to the agents all the same. */
static void put_contact(struct json_out *o, const struct job *job, const struct facts *f)
{
	bool no_email = is_refused(job, "email"), no_phone = is_refused(job, "phone_number");

	json_member_text(o, "name", f->v[FACT_NAME]);
	json_member_text(o, "email", no_email ? NULL : f->v[FACT_EMAIL]);
	json_member_text(o, "phone_number", no_phone ? NULL : f->v[FACT_PHONE]);
	json_member_text(o, "avatar_url", f->v[FACT_AVATAR]);
	if (!no_email && !no_phone)
		return;
	json_key(o, "custom_attributes");
	json_begin_object(o);
	if (no_phone)
		json_member_text(o, "unverified_phone", f->v[FACT_PHONE]);
	if (no_email)
		json_member_text(o, "unverified_email", f->v[FACT_EMAIL]);
	json_end_object(o);
}

/* A number of more than ten digits the server refuses. */
static void put_value(struct json_out *o, const struct json *j)
{
	json_key(o, j->key);
	if (j->type == JSON_NUMBER && j->len > 10 && strspn(j->text, "0123456789") == j->len)
		json_put_text(o, j->text);
	else
		json_put(o, j);
}

/* What stood there when it was read, with what is to change in it. */
static void put_attributes(struct json_out *o, struct arena *a, const char *current,
    const char *changes)
{
	struct json_error error;
	const struct json *all =
	    current != NULL ? json_read(a, current, strlen(current), &error) : NULL;
	const struct json *new = json_read(a, changes, strlen(changes), &error), *j;

	json_key(o, "custom_attributes");
	json_begin_object(o);
	for (j = all != NULL ? all->child : NULL; j != NULL; j = j->next)
		if (json_member(new, j->key) == NULL) {
			json_key(o, j->key);
			json_put(o, j);
		}
	for (j = new != NULL ? new->child : NULL; j != NULL; j = j->next)
		if (j->type != JSON_NULL)
			put_value(o, j);
	json_end_object(o);
}

static void put_fact(struct json_out *o, struct arena *a, const struct job *job)
{
	const struct facts *f = job->message->facts;
	const char *value = f->v[job->fact];

	switch (job->step) {
	case STEP_ASSIGN:
		json_member_id(o, job->fact == FACT_TEAM ? "team_id" : "assignee_id",
		    *value != '\0' ? value : "0");
		break;
	case STEP_SET_LABELS:
		json_key(o, "labels");
		json_put_raw(o, value, strlen(value));
		break;
	case STEP_SET_PRIORITY:
		json_member_text_or_null(o, "priority", *value != '\0' ? value : NULL);
		break;
	case STEP_SET_ATTRIBUTES: put_attributes(o, a, job->known->upload, value); break;
	default: put_contact(o, job, f);
	}
}

bool chatwoot_is_of_facts(const struct job *job)
{
	return (job->kind == JOB_FACTS && job->step == STEP_FIND_CONVERSATION)
	    || (job->message != NULL && job->message->facts != NULL);
}

void chatwoot_build_facts(const struct via *via, struct arena *a, const struct job *job,
    struct http_req *out)
{
	const char *account = chatwoot_account(via);
	struct json_out *o;

	out->url = arena_printf(a, "%s/api/v1/accounts/%s%s", via->endpoint->base_url,
	    account != NULL ? account : "{account}", path_of(job, a));
	out->repeatable = true;
	if (job->kind == JOB_FACTS) {
		out->method = "GET";
		return;
	}
	out->method =
	    job->step == STEP_UPDATE_CONTACT || job->step == STEP_SET_PRIORITY ? "PATCH" : "POST";
	out->content_type = "application/json";
	o = json_out_new(a);
	json_begin_object(o);
	put_fact(o, a, job);
	json_end_object(o);
	out->body = json_done(o, &out->body_len);
}

/* --- answers ----------------------------------------------------------------------------------- */

/* The contact of the address, or the conversation, as it is. */
bool chatwoot_take_facts(struct arena *a, const struct job *job, const struct json *body,
    struct outcome *out)
{
	const struct json *attributes = json_object(body, "custom_attributes");
	struct json_out *o;

	if (!chatwoot_is_id(json_id(body, "id")))
		return false;
	out->found = true;
	if (job->step == STEP_FIND_CONTACT) {
		chatwoot_read_contact_facts(a, body, &out->facts);
		out->learned.contact = json_id(body, "id");
		return true;
	}
	chatwoot_read_conversation_facts(a, body, &out->facts);
	if (attributes != NULL) {
		o = json_out_new(a);
		json_put(o, attributes);
		out->learned.upload = json_done(o, NULL);
	}
	return true;
}

/* Fields that another contact has, or that are no such thing here, are left out, one try after the other. */
const char *chatwoot_without_refused(struct arena *a, const struct job *job,
    const struct json *body)
{
	static const char *const optional[] = { "phone_number", "email" };
	const struct json *list = json_array(body, "attributes"), *j;
	const char *left_out = job->cursor != NULL ? job->cursor : "", *more = NULL;
	size_t i;

	for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next)
		for (i = 0; i < 2; i++)
			if (j->type == JSON_STRING && strcmp(j->text, optional[i]) == 0
			    && strstr(left_out, optional[i]) == NULL)
				more = left_out = arena_printf(a, "%s %s", left_out, optional[i]);
	return more;
}

enum { BY_IDENTIFIER, BY_PHONE, BY_EMAIL, BY_NOTHING };

/* By what a contact is the person; the server's own comparison is not trusted. */
static int is_him(struct arena *a, const struct message *m, const struct json *c)
{
	const char *identifier = json_text(c, "identifier"), *email = json_text(c, "email");
	const char *phone = fact_phone(a, json_text(c, "phone_number"));
	const struct person *p = m != NULL ? m->person : NULL;

	if (p == NULL || !chatwoot_is_id(json_id(c, "id")))
		return BY_NOTHING;
	if (identifier != NULL && p->identity != NULL && strcmp(identifier, p->identity) == 0)
		return BY_IDENTIFIER;
	if (m->match_phone && phone != NULL
	    && fact_is_same(FACT_PHONE, phone, fact_phone(a, p->phone)))
		return BY_PHONE;
	if (m->match_email && email != NULL && p->email != NULL && strcasecmp(email, p->email) == 0)
		return BY_EMAIL;
	return BY_NOTHING;
}

const char *chatwoot_choose_contact(struct arena *a, const struct message *m,
    const struct json *list)
{
	const struct json *c, *him = NULL;
	int best = BY_NOTHING, by;

	for (c = list->child; c != NULL; c = c->next) {
		by = is_him(a, m, c);
		if (by < best) {
			best = by;
			him = c;
		}
	}
	return json_id(him, "id");
}

/* --- who works there --------------------------------------------------------------------------- */

#define ASK_AGAIN_MSECS (5 * 60 * 1000)

static const struct list {
	const char *name, *memo, *asked;
} lists[] = {
	{ "agents", MEMO_TEAM, "asked_team" },
	{ "teams", MEMO_TEAMS, "asked_teams" },
};

static const struct list *list_of(const struct job *job)
{
	return job->cursor != NULL && strcmp(job->cursor, lists[1].name) == 0 ? &lists[1]
									      : &lists[0];
}

int64_t chatwoot_next_list(const struct via *via, struct job *job)
{
	int64_t first = INT64_MAX, due;
	const char *asked;
	size_t i;

	if (!via->endpoint->wants_team)
		return INT64_MAX;
	for (i = 0; i < 2; i++) {
		asked = memo_get(via, lists[i].asked);
		due = asked == NULL ? via->now_ms
				    : strtoll(asked, NULL, 10)
			+ (memo_get(via, lists[i].memo) != NULL ? TEAM_LIFE_MSECS
								: ASK_AGAIN_MSECS);
		if (due < first) {
			first = due;
			job->step = STEP_LOOK_UP;
			job->cursor = lists[i].name;
		}
	}
	return first;
}

/* Whatever the answer is, nobody waits for it: it is asked for again some minutes later. */
void chatwoot_take_list(const struct via *via, struct arena *a, const struct job *job,
    const struct json *body, struct outcome *out)
{
	const struct list *l = list_of(job);
	struct json_out *o = json_out_new(a);
	const struct json *j;

	out->effect = (struct effect){ .kind = EFFECT_NEXT_STEP, .wait_msecs = -1 };
	out->memo[out->nmemo++] =
	    (struct memo){ l->asked, arena_printf(a, "%" PRId64, via->now_ms), .lasting = false };
	if (body == NULL || body->type != JSON_ARRAY)
		return;
	json_begin_array(o);
	for (j = body->child; j != NULL; j = j->next) {
		json_begin_object(o);
		json_member_text(o, "id", json_id(j, "id"));
		json_member_text(o, "email", json_text(j, "email"));
		json_member_text(o, "name", json_text(j, "name"));
		json_end_object(o);
	}
	json_end_array(o);
	out->memo[out->nmemo++] = (struct memo){ l->memo, json_done(o, NULL), .lasting = false };
}
