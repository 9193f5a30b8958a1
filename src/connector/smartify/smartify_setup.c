/* What an endpoint needs at Smartify: an account that may see everything, and subscriptions that call us
 * with a secret of our own. The server never shows a secret, and gives a new subscription one that it shares
 * with others: so ours is set on all, whenever one is new, or nobody knows a present one. */
#include "connector/setup.h"

#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "connector/smartify/smartify.h"

static const struct wanted {
	const char *event, *fact, *create, *secret;
	bool is_extra; /* only as customers' side, and nothing is wrong without it */
} wanted[] = {
	{ "message.create", "sub_message", "create_message", "secret_message", false },
	{ "request.update", "sub_request", "create_request", "secret_request", false },
	{ "event.emit.typing.start", "sub_typing", "create_typing", "secret_typing", true },
};
#define WANTED (sizeof(wanted) / sizeof(*wanted))

/* --- requests ---------------------------------------------------------------------------------- */

static struct json_out *ask(const struct setup *s, struct setup_step *out, const char *name,
    const char *method, const char *path)
{
	struct json_out *o = NULL;

	out->name = name;
	out->req = (struct http_req){
		.method = method,
		.url = arena_printf(s->arena, "%s%s", s->via.endpoint->base_url, path),
		.timeout_msecs = s->via.endpoint->timeout_msecs,
		.repeatable = strcmp(method, "GET") == 0,
	};
	if (setup_fact(s, "token") != NULL)
		smartify_add_auth(&out->req, setup_fact(s, "token"));
	if (strcmp(method, "GET") != 0) {
		o = json_out_new(s->arena);
		json_begin_object(o);
	}
	return o;
}

static void end(struct setup_step *out, struct json_out *o)
{
	json_end_object(o);
	out->req.content_type = "application/json";
	out->req.body = json_done(o, &out->req.body_len);
}

static const char *project_path(const struct setup *s, const char *tail)
{
	const struct smartify_conf *conf = s->via.conf;

	return arena_printf(s->arena, "/%s%s", conf->project_id, tail);
}

/* The secret both are to have; NULL: they may stay as they are. */
static const char *secret_to_set(const struct setup *s)
{
	const struct secrets *known = &s->via.endpoint->webhook_secret;

	if (s->rotates && !s->is_secret_in_file)
		return s->drawn;
	if (known->n == 0)
		return s->drawn;
	return setup_fact(s, "made_one") != NULL ? known->v[0] : NULL;
}

static bool next_change(struct setup *s, struct setup_step *out)
{
	const char *secret, *id;
	struct json_out *o;
	size_t i;

	for (i = 0; i < WANTED; i++) {
		if (setup_fact(s, wanted[i].fact) != NULL || setup_did(s, wanted[i].create)
		    || (wanted[i].is_extra && !s->customers))
			continue;
		o = ask(s, out, wanted[i].create, "POST", project_path(s, "/subscriptions"));
		json_member_text(o, "event", wanted[i].event);
		json_member_text(o, "target", s->hook_url);
		end(out, o);
		out->what = arena_printf(s->arena, "subscribe to %s", wanted[i].event);
		return true;
	}
	secret = secret_to_set(s);
	for (i = 0; secret != NULL && i < WANTED; i++) {
		id = setup_fact(s, wanted[i].fact);
		if (id == NULL || setup_did(s, wanted[i].secret))
			continue;
		o = ask(s, out, wanted[i].secret, "PUT",
		    project_path(s, arena_printf(s->arena, "/subscriptions/%s", id)));
		json_member_text(o, "secret", secret);
		end(out, o);
		out->what = arena_printf(s->arena, "set %s secret on the subscription to %s",
		    secret == s->drawn ? "a new" : "the present", wanted[i].event);
		return true;
	}
	return false;
}

/* A note in the newest conversation should come back. */
static bool next_of_test(struct setup *s, struct setup_step *out)
{
	const char *place = setup_fact(s, "test_place");
	struct json_out *o;

	if (!s->tests || setup_did(s, SETUP_TESTED))
		return false;
	if (!setup_did(s, "test_find")) {
		ask(s, out, "test_find", "GET",
		    project_path(s, "/requests?status=all&sort=createdAt&direction=-1&limit=1"));
		return true;
	}
	if (place == NULL)
		return false;
	o = ask(s, out, SETUP_TESTED, "POST",
	    project_path(s,
		arena_printf(s->arena, "/requests/%s/messages", http_encode(s->arena, place))));
	json_member_text(o, "text", s->test_text);
	json_member_text(o, "sender", setup_fact(s, "user"));
	json_key(o, "attributes");
	json_begin_object(o);
	json_member_text(o, "subtype", "private");
	json_end_object(o);
	end(out, o);
	out->what = "write a private note into the newest conversation, which agents see";
	return true;
}

static void judge_test(struct setup *s, const struct setup_step *step, const struct json *answer)
{
	const struct json *list = json_array(answer, "requests");

	if (strcmp(step->name, "test_find") != 0)
		return;
	if (list != NULL && list->child != NULL)
		setup_learn(s, "test_place", json_text(list->child, "request_id"));
	else
		setup_line(s, "test", CHECK_WARN,
		    "there is no conversation yet in which a note could be written", NULL);
}

static bool next(struct setup *s, struct setup_step *out)
{
	const struct smartify_conf *conf = s->via.conf;
	struct json_out *o;

	*out = (struct setup_step){ 0 };
	if (setup_fact(s, "stop") != NULL)
		return false;
	if (!setup_did(s, "sign_in")) {
		o = ask(s, out, "sign_in", "POST", "/auth/signin");
		json_member_text(o, "email", conf->email);
		json_member_text(o, "password", conf->password);
		end(out, o);
	} else if (!setup_did(s, "role")) {
		ask(s, out, "role", "GET",
		    project_path(s,
			arena_printf(s->arena, "/project_users/users/%s", setup_fact(s, "user"))));
	} else if (s->agents && !setup_did(s, "departments")) {
		ask(s, out, "departments", "GET", project_path(s, "/departments/allstatus"));
	} else if (!setup_did(s, "subscriptions")) {
		ask(s, out, "subscriptions", "GET", project_path(s, "/subscriptions"));
	} else {
		return (s->may_change && s->hook_url != NULL && next_change(s, out))
		    || next_of_test(s, out);
	}
	return true;
}

/* --- what was answered ------------------------------------------------------------------------- */

static void stop(struct setup *s)
{
	setup_learn(s, "stop", "1");
}

static void judge_sign_in(struct setup *s, const struct http_resp *resp, const struct json *answer)
{
	const char *token = json_text(answer, "token"), *user = json_id(answer, "user._id");

	if (resp->status == 401 || resp->status == 403 || resp->status == 422) {
		setup_line(s, "token", CHECK_FAIL,
		    arena_printf(s->arena, "%s refused email and password (%s)",
			s->via.endpoint->host, smartify_words(s->arena, resp)),
		    "try them at the dashboard's sign-in, and set a new password there");
		stop(s);
	} else if (setup_failed(s, "token", resp)) {
		stop(s);
	} else if (token == NULL || user == NULL) {
		setup_line(s, "token", CHECK_FAIL, "what it answers to a sign-in is no sign-in",
		    "look whether base_url is right");
		stop(s);
	} else {
		setup_learn(s, "token", smartify_token(s->arena, token));
		setup_learn(s, "user", user);
		setup_line(s, "token", CHECK_OK, "email and password are taken", NULL);
	}
}

static void judge_role(struct setup *s, const struct http_resp *resp, const struct json *answer)
{
	const struct json *member =
	    answer != NULL && answer->type == JSON_ARRAY ? answer->child : answer;
	const char *role = json_text(member, "role");

	if (resp->status != 200 || role == NULL) {
		setup_line(s, "role", CHECK_FAIL, "the account is no member of the project",
		    "invite it to the project as admin");
		stop(s);
	} else if (strcmp(role, "admin") != 0 && strcmp(role, "owner") != 0) {
		setup_line(s, "role", CHECK_FAIL,
		    arena_printf(s->arena,
			"the account's role is %s: it cannot see the subscriptions, and sees only "
			"its own conversations",
			role),
		    "give it the role admin");
		stop(s);
	} else {
		setup_line(s, "role", CHECK_OK, arena_printf(s->arena, "the account is %s", role),
		    NULL);
	}
}

static void judge_departments(struct setup *s, const struct json *answer)
{
	const struct json *j = answer != NULL && answer->type == JSON_ARRAY ? answer->child : NULL;
	const char *name;

	for (; j != NULL; j = j->next) {
		name = json_text(j, "name");
		if (json_true(j, "hasBot") || json_text(j, "id_bot") != NULL)
			setup_line(s, "department", CHECK_WARN,
			    arena_printf(s->arena, "a bot answers in the department \"%s\"",
				name != NULL ? name : "?"),
			    "choose another one with department, or take the bot out there");
	}
}

static void judge_subscriptions(struct setup *s, const struct json *answer)
{
	const struct json *list = answer != NULL && answer->type == JSON_ARRAY ? answer : NULL, *j;
	const char *event, *target,
	    *setup = arena_printf(s->arena, "tieline setup %s", s->via.endpoint->name);
	size_t i, n;

	for (i = 0; i < WANTED; i++) {
		n = 0;
		for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next) {
			event = json_text(j, "event");
			target = json_text(j, "target");
			if (event == NULL || target == NULL || s->hook_url == NULL
			    || strcmp(event, wanted[i].event) != 0
			    || strcmp(target, s->hook_url) != 0)
				continue;
			if (n++ == 0)
				setup_learn(s, wanted[i].fact, json_id(j, "_id"));
		}
		if (n > 1)
			setup_line(s, "callback", CHECK_WARN,
			    arena_printf(s->arena, "%zu subscriptions to %s call us", n,
				wanted[i].event),
			    "delete all but one of them");
		else if (n == 1)
			setup_line(s, "callback", CHECK_OK,
			    arena_printf(s->arena, "subscribed to %s", wanted[i].event), NULL);
		else if (!s->may_change && !wanted[i].is_extra)
			setup_line(s, "callback", CHECK_FAIL,
			    arena_printf(s->arena, "no subscription to %s calls us",
				wanted[i].event),
			    setup);
	}
	if (s->via.endpoint->webhook_secret.n == 0 && !s->may_change)
		setup_line(s, "signature", CHECK_FAIL,
		    "the relay knows no secret of the subscriptions: callbacks are refused", setup);
}

static void judge_change(struct setup *s, const struct setup_step *step,
    const struct http_resp *resp, const struct json *answer)
{
	size_t i;

	if (setup_failed(s, "callback", resp)) {
		stop(s);
		return;
	}
	for (i = 0; i < WANTED; i++) {
		if (strcmp(step->name, wanted[i].create) == 0) {
			setup_learn(s, wanted[i].fact, json_id(answer, "_id"));
			setup_learn(s, "made_one", "1");
			if (i == 0)
				setup_keep(s, KEPT_SUBSCRIPTION, json_id(answer, "_id"));
			setup_line(s, "callback", CHECK_OK,
			    arena_printf(s->arena, "subscribed to %s", wanted[i].event), NULL);
		}
		if (strcmp(step->name, wanted[i].secret) == 0 && secret_to_set(s) == s->drawn)
			setup_take_secret(s, s->drawn);
		if (strcmp(step->name, wanted[i].secret) == 0)
			setup_line(s, "signature", CHECK_OK,
			    arena_printf(s->arena, "what tells %s bears the relay's secret",
				wanted[i].event),
			    NULL);
	}
}

static void judge(struct setup *s, const struct setup_step *step, const struct http_resp *resp)
{
	struct json_error error;
	const struct json *answer = json_read(s->arena, resp->body, resp->body_len, &error);

	if (strcmp(step->name, "sign_in") == 0)
		judge_sign_in(s, resp, answer);
	else if (strcmp(step->name, "role") == 0)
		judge_role(s, resp, answer);
	else if (strcmp(step->name, "departments") == 0)
		judge_departments(s, answer);
	else if (strncmp(step->name, "test_", 5) == 0 && !setup_failed(s, "test", resp))
		judge_test(s, step, answer);
	else if (strcmp(step->name, "subscriptions") != 0)
		judge_change(s, step, resp, answer);
	else if (!setup_failed(s, "callback", resp))
		judge_subscriptions(s, answer);
	else
		stop(s);
}

const struct connector_setup smartify_setup = {
	.name = SMARTIFY_PLATFORM,
	.next = next,
	.judge = judge,
};
