/* What an endpoint needs at Smart Sender: a token. It is asked, and calls us only to say that asking is worth
 * while; that call is entered there by hand (setup --print shows it), with a secret that is drawn here. */
#include "connector/setup.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "connector/smartsender/smartsender.h"

static bool next(struct setup *s, struct setup_step *out)
{
	const struct smartsender_conf *conf = s->via.conf;

	if (setup_did(s, "me"))
		return false;
	*out = (struct setup_step){
		.name = "me",
		.req = {
			.method = "GET",
			.url = arena_printf(s->arena, "%s/me", s->via.endpoint->base_url),
			.headers = { { "Authorization",
			    arena_printf(s->arena, "Bearer %s", conf->api_token), true } },
			.nheaders = 1,
			.timeout_msecs = s->via.endpoint->timeout_msecs,
			.repeatable = true,
		},
	};
	return true;
}

static void judge(struct setup *s, const struct setup_step *step, const struct http_resp *resp)
{
	struct json_error error;
	const struct json *answer = json_read(s->arena, resp->body, resp->body_len, &error);
	const char *name = json_text(answer, "name");
	bool is_refused = resp->status == 401 || resp->status == 403
	    || (resp->status == 200 && json_id(answer, "id") == NULL);

	(void)step;
	if (is_refused)
		setup_line(s, "token", CHECK_FAIL,
		    arena_printf(s->arena, "%s refused our api_token", s->via.endpoint->host),
		    "copy the token anew from the project's Integrations tab");
	else if (resp->status == 429)
		setup_line(s, "token", CHECK_WARN, "it has locked us out for a moment",
		    "try again in some minutes; lower rate if it repeats");
	else if (!setup_failed(s, "token", resp))
		setup_line(s, "token", CHECK_OK,
		    arena_printf(s->arena, "the token is that of the project \"%s\"",
			name != NULL ? name : "?"),
		    NULL);
	if (s->via.endpoint->webhook_secret.n == 0 && s->may_change && resp->status == 200) {
		setup_take_secret(s, s->drawn);
		setup_line(s, "callback", CHECK_OK,
		    "a secret for the funnel's call is drawn: tieline setup --print shows it",
		    NULL);
	} else if (s->rotates && !s->is_secret_in_file && resp->status == 200) {
		setup_take_secret(s, s->drawn);
		setup_line(s, "callback", CHECK_WARN, "a new secret is drawn",
		    "enter it in the funnel: tieline setup --print shows it");
	}
}

const struct connector_setup smartsender_setup = {
	.name = SMARTSENDER_PLATFORM,
	.next = next,
	.judge = judge,
};
