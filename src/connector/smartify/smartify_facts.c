/* What callbacks and answers tell of a contact ("lead") and of a conversation besides words and status, and
 * the requests that write it. One look at the conversation shows both. */
#include "connector/smartify/smartify.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"

#define COLOR "#43b1f2" /* of a tag that we add: the server wants one */
#define DEFAULT_PRIORITY "medium"

/* --- told -------------------------------------------------------------------------------------- */

static const char *filled(const char *text)
{
	return text != NULL && text[strspn(text, " \t\r\n")] != '\0' ? text : NULL;
}

void smartify_read_lead_facts(struct arena *a, const struct json *lead, struct facts *out)
{
	out->v[FACT_NAME] = fact_form(a, FACT_NAME, filled(json_id(lead, "fullname")));
	out->v[FACT_EMAIL] = fact_form(a, FACT_EMAIL, filled(json_text(lead, "email")));
	out->v[FACT_PHONE] = fact_form(a, FACT_PHONE, filled(json_id(lead, "phone")));
}

/* Of the people in it the first who is not the relay's own account. */
static const char *agent_of(const struct via *via, const struct json *request)
{
	const struct json *list = json_array(request, "participants"), *j;
	const char *relay = smartify_user(via);

	if (list == NULL)
		return NULL;
	for (j = list->child; j != NULL; j = j->next)
		if (j->type == JSON_STRING && smartify_is_id(j->text)
		    && (relay == NULL || strcmp(j->text, relay) != 0))
			return j->text;
	return "";
}

static const char *full_name(struct arena *a, const struct json *user)
{
	const char *first = json_text(user, "firstname"), *last = json_text(user, "lastname");

	if (filled(first) == NULL || filled(last) == NULL)
		return filled(first) != NULL ? first : last;
	return arena_printf(a, "%s %s", first, last);
}

void smartify_read_assignee(const struct via *via, struct arena *a, const struct json *request,
    struct author *out)
{
	const struct json *list = json_array(request, "participatingAgents"), *j;
	const char *id = agent_of(via, request), *is;

	if (id == NULL || *id == '\0')
		return;
	*out = (struct author){ .role = ROLE_AGENT, .id = id };
	for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next) {
		is = json_id(j, "_id");
		if (is == NULL || strcmp(is, id) != 0)
			continue;
		out->email = json_text(j, "email");
		out->name = full_name(a, j);
	}
}

static const char *labels_of(struct arena *a, const struct json *request)
{
	const struct json *list = json_array(request, "tags"), *j;
	const char **labels;
	size_t n = 0;

	if (list == NULL)
		return NULL;
	labels = arena_alloc(a, (list->count + 1) * sizeof(*labels));
	for (j = list->child; j != NULL; j = j->next) {
		labels[n] = filled(j->type == JSON_STRING ? j->text : json_text(j, "tag"));
		n += labels[n] != NULL;
	}
	return fact_labels(a, labels, n);
}

void smartify_read_request_facts(const struct via *via, struct arena *a, const struct json *request,
    struct facts *out)
{
	const char *department = json_id(request, "department._id");

	out->v[FACT_AGENT] = agent_of(via, request);
	out->v[FACT_TEAM] = department != NULL ? department : json_id(request, "department");
	out->v[FACT_LABELS] = labels_of(a, request);
	out->v[FACT_PRIORITY] = json_text(request, "priority");
	if (json_object(request, "attributes") != NULL)
		out->v[FACT_ATTRIBUTES] =
		    fact_attributes(a, json_object(request, "attributes"), "tieline");
}

bool smartify_take_facts(const struct via *via, struct arena *a, const struct job *job,
    const struct json *request, struct outcome *out)
{
	const struct json *lead = json_object(request, "lead"), *j;
	const char *lead_id = json_id(lead, "lead_id"), *ours = job->known->address;
	struct json_out *o;

	if (json_id(request, "_id") == NULL)
		return false;
	if (job->step == STEP_FIND_CONTACT) {
		/* Somebody may have given the conversation to another contact. */
		out->found = lead_id != NULL && ours != NULL && strcmp(lead_id, ours) == 0
		    && smartify_is_id(json_id(lead, "_id"));
		smartify_read_lead_facts(a, lead, &out->facts);
		out->learned.contact = out->found ? json_id(lead, "_id") : NULL;
		return true;
	}
	out->found = true;
	smartify_read_request_facts(via, a, request, &out->facts);
	o = json_out_new(a);
	json_begin_object(o);
	for (j = request->child; j != NULL; j = j->next)
		if (strcmp(j->key, "participants") == 0 || strcmp(j->key, "tags") == 0) {
			json_key(o, j->key);
			json_put(o, j);
		}
	json_end_object(o);
	out->learned.upload = json_done(o, NULL);
	return true;
}

/* --- written ----------------------------------------------------------------------------------- */

/* What was read just now. */
static const struct json *was(struct arena *a, const struct job *job, const char *key)
{
	const char *text = job->known->upload;
	struct json_error error;

	return text == NULL ? NULL : json_array(json_read(a, text, strlen(text), &error), key);
}

/* People, and the bots that a person relieves, make room; the relay's own account stays. */
static void put_participants(const struct via *via, struct arena *a, const struct job *job,
    struct json_out *o)
{
	const char *agent = job->message->facts->v[FACT_AGENT], *relay = smartify_user(via);
	const struct json *list = was(a, job, "participants"), *j;
	bool is_relay, is_bot;

	json_begin_array(o);
	for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next) {
		is_relay = relay != NULL && j->type == JSON_STRING && strcmp(j->text, relay) == 0;
		is_bot = j->type == JSON_STRING && strncmp(j->text, "bot_", 4) == 0;
		if (is_relay || (is_bot && *agent == '\0'))
			json_put(o, j);
	}
	if (*agent != '\0')
		json_put_text(o, agent);
	json_end_array(o);
}

static const struct json *tag_of(const struct json *tags, const char *label)
{
	const struct json *j;
	const char *tag;

	for (j = tags != NULL ? tags->child : NULL; j != NULL; j = j->next) {
		tag = json_text(j, "tag");
		if (tag != NULL && strcmp(tag, label) == 0)
			return j;
	}
	return NULL;
}

static void put_tags(struct arena *a, const struct job *job, struct json_out *o)
{
	const char *labels = job->message->facts->v[FACT_LABELS];
	const struct json *tags = was(a, job, "tags"), *j, *tag;
	struct json_error error;

	json_key(o, "tags");
	json_begin_array(o);
	j = json_read(a, labels, strlen(labels), &error);
	for (j = j != NULL ? j->child : NULL; j != NULL; j = j->next) {
		tag = tag_of(tags, j->text);
		if (tag != NULL) {
			json_put(o, tag);
			continue;
		}
		json_begin_object(o);
		json_member_text(o, "tag", j->text);
		json_member_text(o, "color", COLOR);
		json_end_object(o);
	}
	json_end_array(o);
}

static void put_lead(struct json_out *o, const struct facts *f)
{
	json_member_text(o, "fullname", f->v[FACT_NAME]);
	json_member_text(o, "email", f->v[FACT_EMAIL]);
	json_member_text(o, "phone", f->v[FACT_PHONE]);
}

/* What goes into an object. */
static void put_fact(struct arena *a, const struct job *job, struct json_out *o)
{
	const struct facts *f = job->message->facts;
	const char *value = f->v[job->fact];

	json_begin_object(o);
	switch (job->step) {
	case STEP_ASSIGN:
		json_member_text(o, "departmentid", value);
		json_member_bool(o, "nobot", true);
		break;
	case STEP_SET_LABELS: put_tags(a, job, o); break;
	case STEP_SET_PRIORITY:
		json_member_text(o, "priority", *value != '\0' ? value : DEFAULT_PRIORITY);
		break;
	default: put_lead(o, f);
	}
	json_end_object(o);
}

bool smartify_is_of_facts(const struct job *job)
{
	return job->kind == JOB_FACTS || (job->message != NULL && job->message->facts != NULL);
}

const char *smartify_facts_path(struct arena *a, const struct job *job, const char **method)
{
	const struct known *k = job->known;
	const char *request = arena_printf(a, "/requests/%s",
	    k->conversation != NULL ? http_encode(a, k->conversation) : "{conversation}");

	*method = "GET";
	if (job->kind == JOB_FACTS)
		return request;
	*method = "PUT";
	if (job->step == STEP_UPDATE_CONTACT)
		return arena_printf(a, "/leads/%s", k->contact != NULL ? k->contact : "{contact}");
	if (job->step == STEP_ASSIGN)
		return arena_printf(a, "%s%s", request,
		    job->fact == FACT_TEAM ? "/departments" : "/participants");
	*method = "PATCH";
	if (job->step == STEP_SET_ATTRIBUTES)
		return arena_printf(a, "%s/attributes", request);
	return request;
}

const char *smartify_facts_body(const struct via *via, struct arena *a, const struct job *job,
    size_t *len)
{
	struct json_out *o = json_out_new(a);
	const char *value;

	if (job->step == STEP_SET_ATTRIBUTES) { /* merged there; null where it is to be none */
		value = job->message->facts->v[FACT_ATTRIBUTES];
		json_put_raw(o, value, strlen(value));
	} else if (job->step == STEP_ASSIGN && job->fact == FACT_AGENT) {
		put_participants(via, a, job, o);
	} else {
		put_fact(a, job, o);
	}
	return json_done(o, len);
}

/* --- who works there --------------------------------------------------------------------------- */

const char *smartify_find_team(const struct via *via, struct arena *a, const struct json *answer)
{
	const struct json *j, *user;
	struct json_out *o = json_out_new(a);

	(void)via;
	if (answer->type != JSON_ARRAY)
		return NULL;
	json_begin_array(o);
	for (j = answer->child; j != NULL; j = j->next) {
		user = json_object(j, "id_user");
		if (user == NULL)
			continue;
		json_begin_object(o);
		json_member_text(o, "id", json_id(user, "_id"));
		json_member_text(o, "email", json_text(user, "email"));
		json_member_text(o, "name", full_name(a, user));
		json_end_object(o);
	}
	json_end_array(o);
	return json_done(o, NULL);
}

const char *smartify_find_teams(const struct via *via, struct arena *a, const struct json *answer)
{
	const struct json *j;
	struct json_out *o = json_out_new(a);

	(void)via;
	if (answer->type != JSON_ARRAY)
		return NULL;
	json_begin_array(o);
	for (j = answer->child; j != NULL; j = j->next) {
		json_begin_object(o);
		json_member_text(o, "id", json_id(j, "_id"));
		json_member_text(o, "name", json_text(j, "name"));
		json_end_object(o);
	}
	json_end_array(o);
	return json_done(o, NULL);
}

/* By id, e-mail or name; NULL: nobody of the project. */
const char *smartify_team_user(const struct via *via, struct arena *a, const char *who)
{
	const char *text = memo_get(via, MEMO_TEAM), *is;
	static const char *const members[] = { "id", "email", "name" };
	const struct json *j;
	struct json_error error;
	size_t i;

	if (text == NULL || who == NULL)
		return NULL;
	j = json_read(a, text, strlen(text), &error);
	for (j = j != NULL ? j->child : NULL; j != NULL; j = j->next)
		for (i = 0; i < 3; i++) {
			is = json_text(j, members[i]);
			if (is != NULL && strcasecmp(is, who) == 0)
				return json_text(j, "id");
		}
	return NULL;
}
