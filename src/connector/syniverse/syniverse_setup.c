/* What an endpoint needs at Syniverse. The callback's address and password are entered there by hand, in the
 * portal; what can be looked at are the two credentials:
 *
 *   messages   the application's token, and what is told by its sender
 *   account    user and password of Two-Way Chat: by ending a session that there is not, since to open one
 *              might end the relay's own */
#include "connector/setup.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/secret.h"
#include "connector/syniverse/syniverse.h"

#define NO_SESSION "000000000000000000000000"

static bool next(struct setup *s, struct setup_step *out)
{
	const struct syniverse_conf *c = s->via.conf;
	const char *both;

	*out = (struct setup_step){ 0 };
	if (!setup_did(s, "messages")) {
		out->name = "messages";
		out->req = (struct http_req){
			.method = "GET",
			.url = arena_printf(s->arena,
			    "%s/scg-external-api/api/v1/messaging/messages?direction=MO&limit=1",
			    s->via.endpoint->base_url),
			.headers = { { "Authorization",
			    arena_printf(s->arena, "Bearer %s", syniverse_token(&s->via, s->arena)),
			    true } },
			.nheaders = 1,
		};
	} else if (c->source == SOURCE_CHAT && !setup_did(s, "account")) {
		both = arena_printf(s->arena, "%s:%s", c->user, c->password);
		out->name = "account";
		out->req = (struct http_req){
			.method = "DELETE",
			.url = arena_printf(s->arena,
			    "%s/scg-web-chat-api/api/v2/integration/" NO_SESSION, c->chat_base_url),
			.headers = { { "Authorization",
					 arena_printf(s->arena, "Basic %s",
					     base64_encode(s->arena, both, strlen(both))),
					 true },
			    { "Content-Type", "application/json", false } },
			.nheaders = 2,
		};
	} else {
		return false;
	}
	out->req.timeout_msecs = s->via.endpoint->timeout_msecs;
	out->req.repeatable = true;
	return true;
}

static void judge_messages(struct setup *s, const struct http_resp *resp, const struct json *answer)
{
	const struct syniverse_conf *c = s->via.conf;
	int code = syniverse_code(answer);
	bool renews = c->scg_consumer_key != NULL && c->scg_consumer_secret != NULL;

	if (resp->status == 401 || (resp->status == 404 && code == 4046))
		setup_line(s, "token", renews ? CHECK_WARN : CHECK_FAIL,
		    arena_printf(s->arena, "the messaging API refused scg_token (%s)",
			resp->status == 401 ? "it is none" : "it has expired"),
		    renews ? "nothing, if it has only expired: the relay renews it"
			   : "make a new token in the application's settings, or set "
			     "scg_consumer_key and scg_consumer_secret");
	else if (!setup_failed(s, "token", resp))
		setup_line(s, "token", CHECK_OK, "the messaging API takes scg_token", NULL);
	if (!renews)
		setup_line(s, "renewal", CHECK_WARN,
		    "without scg_consumer_key and scg_consumer_secret an expired token stops the "
		    "endpoint",
		    "set both, from the application's settings");
}

static void judge_account(struct setup *s, const struct http_resp *resp, const struct json *answer)
{
	const struct syniverse_conf *c = s->via.conf;
	const char *why = syniverse_words(s->arena, resp, answer);

	why = why != NULL ? why : "no reason given";
	if (resp->status == 401)
		setup_line(s, "account", CHECK_FAIL,
		    arena_printf(s->arena, "Two-Way Chat answered 401 \"%s\"", why),
		    "correct user and password, or let the account use the Chat API");
	else if (resp->status == 409)
		setup_line(s, "account", CHECK_FAIL,
		    arena_printf(s->arena, "Syniverse answered 409 \"%s\" for %s", why,
			strrchr(c->user, '@') + 1),
		    "ask Syniverse to enable the Chat API for the company");
	else if (resp->status == 404 || !setup_failed(s, "account", resp))
		setup_line(s, "account", CHECK_OK, "Two-Way Chat takes user and password", NULL);
}

/* There is no way to see them from here. */
static void draw_secret(struct setup *s)
{
	const struct syniverse_conf *c = s->via.conf;
	bool has = s->via.endpoint->webhook_secret.n > 0;

	if (s->may_change && !s->is_secret_in_file && (!has || s->rotates)) {
		setup_take_secret(s, s->drawn);
		setup_line(s, "callback", CHECK_WARN,
		    "a password for callbacks is drawn (user tieline)",
		    arena_printf(s->arena,
			"enter address and password in the portal: tieline setup --print %s",
			s->via.endpoint->name));
	} else if (!has && c->source == SOURCE_ESS) {
		setup_line(s, "signature", CHECK_FAIL,
		    "events are not signed, and there is no password for them: they are refused",
		    arena_printf(s->arena, "tieline setup %s draws one", s->via.endpoint->name));
	} else {
		setup_line(s, "source", CHECK_OK,
		    arena_printf(s->arena, "customers' messages come by %s alone", c->inbound),
		    NULL);
	}
}

static void judge(struct setup *s, const struct setup_step *step, const struct http_resp *resp)
{
	struct json_error error;
	const struct json *answer = json_read(s->arena, resp->body, resp->body_len, &error);

	if (strcmp(step->name, "account") == 0) {
		judge_account(s, resp, answer);
		return;
	}
	judge_messages(s, resp, answer);
	draw_secret(s);
}

const struct connector_setup syniverse_setup = {
	.name = SYNIVERSE_PLATFORM,
	.next = next,
	.judge = judge,
};
