/* What an endpoint needs at Chatwoot:
 *
 *   profile, version   whose token it is, of which account, an administrator's; what is running there
 *   inboxes            as agents' side an API inbox, made where there is none, that calls us back
 *   webhooks           as customers' side an account webhook: the inbox's callback is somebody else's there
 *
 * The secret that signs callbacks is drawn by the server and read from it. */
#include "connector/setup.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_out.h"
#include "connector/chatwoot/chatwoot.h"

#define INBOX_NAME "Tieline"
#define SECRET_SINCE "4.13"

#define NEEDED_EVENTS 3 /* the first; nothing is wrong without the others */
static const char *const wanted_events[] = { "message_created", "message_updated",
	"conversation_status_changed", "conversation_updated", "contact_updated",
	"conversation_typing_on", "conversation_typing_off", NULL };

/* --- requests ---------------------------------------------------------------------------------- */

static const char *account_of(const struct setup *s)
{
	const struct chatwoot_conf *conf = s->via.conf;

	return conf->account != NULL ? conf->account : setup_fact(s, "account");
}

static void ask(const struct setup *s, struct setup_step *out, const char *name, const char *method,
    const char *tail)
{
	const struct chatwoot_conf *conf = s->via.conf;
	const char *account = account_of(s);

	out->name = name;
	out->req = (struct http_req){
		.method = method,
		.url = *tail == '/'
		    ? arena_printf(s->arena, "%s/api/v1/accounts/%s%s", s->via.endpoint->base_url,
			account, tail)
		    : arena_printf(s->arena, "%s/%s", s->via.endpoint->base_url, tail),
		.headers = { { "Api-Access-Token", conf->api_token, true } },
		.nheaders = 1,
		.timeout_msecs = s->via.endpoint->timeout_msecs,
		.repeatable = strcmp(method, "GET") == 0,
	};
}

static struct json_out *begin(const struct setup *s)
{
	struct json_out *o = json_out_new(s->arena);

	json_begin_object(o);
	return o;
}

static void end(struct setup_step *out, struct json_out *o)
{
	json_end_object(o);
	out->req.content_type = "application/json";
	out->req.body = json_done(o, &out->req.body_len);
}

static void change_inbox(const struct setup *s, struct setup_step *out, const char *name,
    const char *method, const char *tail, bool is_new)
{
	struct json_out *o = begin(s);

	ask(s, out, name, method, tail);
	if (is_new)
		json_member_text(o, "name", INBOX_NAME);
	json_key(o, "channel");
	json_begin_object(o);
	if (is_new)
		json_member_text(o, "type", "api");
	json_member_text(o, "webhook_url", s->hook_url);
	json_end_object(o);
	end(out, o);
}

static void change_webhook(const struct setup *s, struct setup_step *out, const char *name,
    const char *method, const char *tail)
{
	struct json_out *o = begin(s);
	size_t i;

	ask(s, out, name, method, tail);
	json_member_text(o, "url", s->hook_url);
	json_member_text(o, "name", INBOX_NAME);
	json_key(o, "subscriptions");
	json_begin_array(o);
	for (i = 0; wanted_events[i] != NULL; i++)
		json_put_text(o, wanted_events[i]);
	json_end_array(o);
	end(out, o);
}

/* --- which is next ----------------------------------------------------------------------------- */

static bool next_of_agents(struct setup *s, struct setup_step *out)
{
	const char *inbox = setup_fact(s, "inbox");
	const struct chatwoot_conf *conf = s->via.conf;

	if (!s->may_change || s->hook_url == NULL)
		return false;
	if (inbox == NULL && conf->inbox == NULL && !setup_did(s, "create_inbox")) {
		change_inbox(s, out, "create_inbox", "POST", "/inboxes", true);
		out->what = "make the API inbox \"" INBOX_NAME "\", which calls us back";
		return true;
	}
	if (setup_fact(s, "callback_wrong") != NULL && !setup_did(s, "set_callback")) {
		change_inbox(s, out, "set_callback", "PATCH",
		    arena_printf(s->arena, "/inboxes/%s", inbox), false);
		out->what = arena_printf(s->arena, "let inbox %s call us back", inbox);
		return true;
	}
	if (s->rotates && inbox != NULL && !s->is_secret_in_file && !setup_did(s, "rotate")) {
		ask(s, out, "rotate", "POST",
		    arena_printf(s->arena, "/inboxes/%s/reset_secret", inbox));
		end(out, begin(s));
		out->what = arena_printf(s->arena, "draw a new secret for inbox %s", inbox);
		return true;
	}
	return false;
}

static bool next_of_customers(struct setup *s, struct setup_step *out)
{
	const char *webhook;

	if (!setup_did(s, "webhooks")) {
		ask(s, out, "webhooks", "GET", "/webhooks");
		return true;
	}
	webhook = setup_fact(s, "webhook");
	if (!s->may_change || s->hook_url == NULL)
		return false;
	if (webhook == NULL && !setup_did(s, "create_webhook")) {
		change_webhook(s, out, "create_webhook", "POST", "/webhooks");
		out->what = "make an account webhook that calls us back";
		return true;
	}
	if (setup_fact(s, "events_missing") != NULL && !setup_did(s, "set_events")) {
		change_webhook(s, out, "set_events", "PATCH",
		    arena_printf(s->arena, "/webhooks/%s", webhook));
		out->what = "let the account webhook tell all that is needed";
		return true;
	}
	return false;
}

/* --- a note that should come back -------------------------------------------------------------- */

/* In the newest conversation of the inbox; in an API inbox that has none yet one is made, with a contact of
 * that name. */
static bool next_of_test(struct setup *s, struct setup_step *out)
{
	const char *inbox = setup_fact(s, "inbox"), *place = setup_fact(s, "test_place");
	const char *contact = setup_fact(s, "test_contact_id");
	struct json_out *o;

	if (!s->tests || inbox == NULL || setup_did(s, SETUP_TESTED))
		return false;
	if (!setup_did(s, "test_find")) {
		ask(s, out, "test_find", "GET",
		    arena_printf(s->arena,
			"/conversations?inbox_id=%s&status=all&sort_by=created_at_desc", inbox));
		return true;
	}
	if (place != NULL) {
		o = begin(s);
		ask(s, out, SETUP_TESTED, "POST",
		    arena_printf(s->arena, "/conversations/%s/messages", place));
		json_member_text(o, "content", s->test_text);
		json_member_text(o, "message_type", "outgoing");
		json_member_bool(o, "private", true);
		end(out, o);
		out->what = arena_printf(s->arena,
		    "write a private note into conversation %s, which agents see", place);
		return true;
	}
	if (!s->agents || setup_did(s, "test_conversation"))
		return false;
	o = begin(s);
	json_member_id(o, "inbox_id", inbox);
	if (!setup_did(s, "test_contact")) {
		ask(s, out, "test_contact", "POST", "/contacts");
		json_member_text(o, "name", "Tieline test");
	} else if (contact != NULL) {
		ask(s, out, "test_conversation", "POST", "/conversations");
		json_member_id(o, "contact_id", contact);
	}
	end(out, o);
	out->what = "make a contact \"Tieline test\" with a conversation, which agents see";
	return out->name != NULL;
}

static void judge_test(struct setup *s, const struct setup_step *step, const struct json *answer)
{
	const struct json *list = json_array(answer, "data.payload");

	if (strcmp(step->name, "test_find") == 0 && list != NULL && list->child != NULL)
		setup_learn(s, "test_place", json_id(list->child, "id"));
	else if (strcmp(step->name, "test_find") == 0 && !s->agents)
		setup_line(s, "test", CHECK_WARN,
		    "there is no conversation yet in which a note could be written", NULL);
	else if (strcmp(step->name, "test_contact") == 0)
		setup_learn(s, "test_contact_id", json_id(answer, "payload.contact.id"));
	else if (strcmp(step->name, "test_conversation") == 0)
		setup_learn(s, "test_place", json_id(answer, "id"));
}

static bool next(struct setup *s, struct setup_step *out)
{
	*out = (struct setup_step){ 0 };
	if (!setup_did(s, "profile"))
		ask(s, out, "profile", "GET", "api/v1/profile");
	else if (account_of(s) == NULL || setup_fact(s, "stop") != NULL)
		return false;
	else if (!setup_did(s, "version"))
		ask(s, out, "version", "GET", "api");
	else if (!setup_did(s, "inboxes"))
		ask(s, out, "inboxes", "GET", "/inboxes");
	else if (setup_fact(s, "stop") != NULL)
		return false;
	else if ((s->agents && next_of_agents(s, out))
	    || (s->customers && next_of_customers(s, out)))
		return true;
	else
		return next_of_test(s, out);
	return true;
}

/* --- what was answered ------------------------------------------------------------------------- */

static void stop(struct setup *s)
{
	setup_learn(s, "stop", "1");
}

static const struct json *find_account(const struct setup *s, const struct json *profile)
{
	const struct chatwoot_conf *conf = s->via.conf;
	const struct json *list = json_array(profile, "accounts"), *j;

	if (list == NULL)
		return NULL;
	if (conf->account == NULL)
		return list->count == 1 ? list->child : NULL;
	for (j = list->child; j != NULL; j = j->next)
		if (json_id(j, "id") != NULL && strcmp(json_id(j, "id"), conf->account) == 0)
			return j;
	return NULL;
}

static void judge_profile(struct setup *s, const struct http_resp *resp, const struct json *answer)
{
	const struct chatwoot_conf *conf = s->via.conf;
	const char *host = s->via.endpoint->host, *why = json_text(answer, "error");
	const struct json *account;

	if (resp->status == 401) {
		setup_line(s, "token", CHECK_FAIL,
		    arena_printf(s->arena, "%s refused our api_token (\"%s\")", host,
			why != NULL ? why : "Invalid Access Token"),
		    "copy a new token from the relay user's profile in Chatwoot");
		stop(s);
		return;
	}
	if (setup_failed(s, "token", resp)) {
		stop(s);
		return;
	}
	setup_line(s, "token", CHECK_OK,
	    arena_printf(s->arena, "the token is that of \"%s\"",
		json_text(answer, "name") != NULL ? json_text(answer, "name") : "?"),
	    NULL);
	account = find_account(s, answer);
	if (account == NULL) {
		setup_line(s, "account", CHECK_FAIL,
		    conf->account != NULL ? arena_printf(s->arena,
			"the token's user has no account %s", conf->account)
					  : "the token's user has not exactly one account",
		    "set account_id to one of its accounts");
		stop(s);
		return;
	}
	setup_learn(s, "account", json_id(account, "id"));
	if (json_text(account, "role") == NULL
	    || strcmp(json_text(account, "role"), "administrator") != 0)
		setup_line(s, "role", CHECK_FAIL,
		    arena_printf(s->arena,
			"its role in account %s is not administrator: what it answers would be "
			"assigned to it, and it cannot see the callback",
			json_id(account, "id")),
		    "give the relay's user the role administrator");
	else
		setup_line(s, "role", CHECK_OK,
		    arena_printf(s->arena, "administrator of account %s", json_id(account, "id")),
		    NULL);
}

static void judge_version(struct setup *s, const struct http_resp *resp, const struct json *answer)
{
	const char *version = json_text(answer, "version");

	if (resp->status != 200 || version == NULL)
		setup_line(s, "version", CHECK_WARN, "it does not say which version it is", NULL);
	else
		setup_line(s, "version", CHECK_OK, arena_printf(s->arena, "Chatwoot %s", version),
		    NULL);
}

static bool is_api(const struct json *inbox)
{
	const char *type = json_text(inbox, "channel_type");

	return type != NULL && strcmp(type, "Channel::Api") == 0;
}

static bool has_url(const struct setup *s, const struct json *j, const char *key)
{
	const char *url = json_text(j, key);

	return url != NULL && s->hook_url != NULL && strcmp(url, s->hook_url) == 0;
}

/* The one that is configured, or kept; else the API inbox that calls us, or the only one. */
static const struct json *find_inbox(const struct setup *s, const struct json *list)
{
	const struct chatwoot_conf *conf = s->via.conf;
	const char *kept = memo_get(&s->via, KEPT_INBOX);
	const char *id = conf->inbox != NULL ? conf->inbox : kept;
	const struct json *j;

	for (j = list->child; id != NULL && j != NULL; j = j->next)
		if (json_id(j, "id") != NULL && strcmp(json_id(j, "id"), id) == 0)
			return j;
	for (j = list->child; conf->inbox == NULL && j != NULL; j = j->next)
		if (is_api(j) && has_url(s, j, "webhook_url"))
			return j;
	return NULL;
}

static void judge_secret(struct setup *s, const char *secret, const char *of)
{
	const char *name = s->via.endpoint->name;

	if (secret == NULL)
		setup_line(s, "signature", CHECK_WARN,
		    arena_printf(s->arena,
			"the %s has no secret: Chatwoot signs since " SECRET_SINCE, of),
		    "update Chatwoot");
	else if (setup_knows_secret(s, secret))
		setup_line(s, "signature", CHECK_OK,
		    arena_printf(s->arena,
			"callbacks are signed with the %s's secret, and the relay "
			"knows it",
			of),
		    NULL);
	else if (s->is_secret_in_file)
		setup_line(s, "signature", CHECK_FAIL,
		    arena_printf(s->arena,
			"webhook_secret in the file is not the %s's secret: "
			"callbacks are refused, agents see messages as failed",
			of),
		    arena_printf(s->arena,
			"take webhook_secret out of the file; tieline setup %s reads the present one",
			name));
	else if (!s->may_change)
		setup_line(s, "signature", CHECK_FAIL,
		    arena_printf(s->arena,
			"the relay does not know the %s's secret: callbacks are "
			"refused",
			of),
		    arena_printf(s->arena, "tieline setup %s reads it", name));
	else {
		setup_take_secret(s, secret);
		setup_line(s, "signature", CHECK_OK,
		    arena_printf(s->arena, "the %s's secret %s read, and kept in the store", of,
			s->is_dry ? "would be" : "is"),
		    NULL);
	}
}

/* What of its settings gets in the way of a relay; nothing of it is changed. */
static void list_settings(struct setup *s, const struct json *inbox)
{
	if (json_true(inbox, "lock_to_single_conversation") && s->wants_one_per_person)
		setup_line(s, "lock", CHECK_FAIL,
		    "the inbox keeps one conversation per contact, so a bridge's reopen has to be "
		    "`always`",
		    "switch that off in the inbox's settings, or set reopen: always");
	if (json_true(inbox, "greeting_enabled"))
		setup_line(s, "greeting", CHECK_WARN, "the inbox greets: customers get that too",
		    "automatic: drop, or switch it off there");
	if (json_true(inbox, "csat_survey_enabled"))
		setup_line(s, "survey", CHECK_WARN,
		    "the inbox sends a survey when a conversation is resolved", NULL);
}

static void take_inbox(struct setup *s, const struct json *inbox)
{
	const struct chatwoot_conf *conf = s->via.conf;
	const char *id = json_id(inbox, "id"), *name = json_text(inbox, "name");

	if (s->agents && !is_api(inbox)) {
		setup_line(s, "inbox", CHECK_FAIL,
		    arena_printf(s->arena,
			"inbox %s \"%s\" is a %s; agents' side needs an API inbox", id, name,
			json_text(inbox, "channel_type")),
		    arena_printf(s->arena, "tieline setup %s makes one, or set inbox_id",
			s->via.endpoint->name));
		stop(s);
		return;
	}
	setup_learn(s, "inbox", id);
	setup_line(s, "inbox", CHECK_OK, arena_printf(s->arena, "inbox %s \"%s\"", id, name), NULL);
	if (conf->inbox == NULL)
		setup_keep(s, KEPT_INBOX, id);
	list_settings(s, inbox);
	if (!s->agents) {
		if (has_url(s, inbox, "webhook_url"))
			setup_line(s, "callback", CHECK_FAIL,
			    "the inbox's own callback points at us: at the customers' side that is "
			    "its channel's",
			    "take our address out of the inbox's settings");
		return;
	}
	if (has_url(s, inbox, "webhook_url")) {
		setup_line(s, "callback", CHECK_OK,
		    arena_printf(s->arena, "inbox %s calls us back", id), NULL);
		if (!s->rotates)
			judge_secret(s, json_text(inbox, "secret"), "inbox");
		return;
	}
	setup_learn(s, "callback_wrong", "1");
	if (!s->may_change)
		setup_line(s, "callback", CHECK_FAIL,
		    arena_printf(s->arena, "inbox %s calls %s back, not us", id,
			json_text(inbox, "webhook_url") != NULL
				&& *json_text(inbox, "webhook_url") != '\0'
			    ? "another address"
			    : "nobody"),
		    arena_printf(s->arena, "tieline setup %s", s->via.endpoint->name));
}

static void judge_inboxes(struct setup *s, const struct json *answer)
{
	const struct chatwoot_conf *conf = s->via.conf;
	const struct json *list = json_array(answer, "payload"), *inbox;

	inbox = list != NULL ? find_inbox(s, list) : NULL;
	if (inbox != NULL) {
		take_inbox(s, inbox);
	} else if (conf->inbox != NULL) {
		setup_line(s, "inbox", CHECK_FAIL,
		    arena_printf(s->arena, "there is no inbox %s", conf->inbox),
		    "set inbox_id to one of the account's inboxes, or take it out");
		stop(s);
	} else if (!s->agents) {
		setup_line(s, "inbox", CHECK_FAIL,
		    "nothing says which of the account's inboxes customers write to",
		    "set inbox_id");
		stop(s);
	} else if (!s->may_change) {
		setup_line(s, "inbox", CHECK_FAIL, "no API inbox calls us back",
		    arena_printf(s->arena, "tieline setup %s makes one", s->via.endpoint->name));
	}
}

static bool tells_all(const struct json *webhook)
{
	const struct json *list = json_array(webhook, "subscriptions"), *j;
	size_t i;

	for (i = 0; i < NEEDED_EVENTS; i++) {
		for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next)
			if (j->type == JSON_STRING && strcmp(j->text, wanted_events[i]) == 0)
				break;
		if (j == NULL)
			return false;
	}
	return true;
}

static void take_webhook(struct setup *s, const struct json *webhook)
{
	setup_learn(s, "webhook", json_id(webhook, "id"));
	setup_learn(s, "events_missing", tells_all(webhook) ? NULL : "1");
	if (tells_all(webhook))
		setup_line(s, "callback", CHECK_OK, "an account webhook calls us back", NULL);
	else if (!s->may_change)
		setup_line(s, "callback", CHECK_FAIL,
		    "the account webhook that calls us back does not tell all that is needed",
		    arena_printf(s->arena, "tieline setup %s", s->via.endpoint->name));
	judge_secret(s, json_text(webhook, "secret"), "webhook");
}

static void judge_webhooks(struct setup *s, const struct json *answer)
{
	const struct json *list = json_array(answer, "payload.webhooks"), *j;

	for (j = list != NULL ? list->child : NULL; j != NULL; j = j->next)
		if (has_url(s, j, "url")) {
			take_webhook(s, j);
			return;
		}
	if (!s->may_change)
		setup_line(s, "callback", CHECK_FAIL, "no account webhook calls us back",
		    arena_printf(s->arena, "tieline setup %s makes one", s->via.endpoint->name));
}

static void judge(struct setup *s, const struct setup_step *step, const struct http_resp *resp)
{
	struct json_error error;
	const struct json *answer = json_read(s->arena, resp->body, resp->body_len, &error);
	const struct json *webhook = json_object(answer, "payload.webhook");

	if (strcmp(step->name, "profile") == 0) {
		judge_profile(s, resp, answer);
	} else if (strcmp(step->name, "version") == 0) {
		judge_version(s, resp, answer);
	} else if (setup_failed(s, step->name, resp)) {
		stop(s);
	} else if (strcmp(step->name, "inboxes") == 0) {
		judge_inboxes(s, answer);
	} else if (strcmp(step->name, "webhooks") == 0) {
		judge_webhooks(s, answer);
	} else if (strcmp(step->name, "create_webhook") == 0
	    || strcmp(step->name, "set_events") == 0) {
		take_webhook(s, webhook != NULL ? webhook : answer);
	} else if (strncmp(step->name, "test_", 5) == 0) {
		judge_test(s, step, answer);
	} else if (strcmp(step->name, "rotate") == 0) {
		judge_secret(s, json_text(answer, "secret"), "inbox");
	} else {
		setup_learn(s, "callback_wrong", NULL);
		take_inbox(s, answer);
	}
}

const struct connector_setup chatwoot_setup = {
	.name = CHATWOOT,
	.next = next,
	.judge = judge,
};
