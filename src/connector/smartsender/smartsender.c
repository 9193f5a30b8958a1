/* Smart Sender: the table, its options, who may call us, and what the endpoint finds out about itself.
 *
 * Customers' side only: all that is posted there reaches a person's phone. Nothing is told by callbacks, so
 * its chats are asked for again and again; a block in its funnels may call us to say that asking is worth
 * while, and that is all such a call is good for. */
#include "connector/smartsender/smartsender.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/secret.h"
#include "base/zone.h"

#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

static bool is_timezone(const char *text)
{
	struct arena *a = arena_new();
	bool is = zone_load(a, text, NULL) != NULL;

	arena_free(a);
	return is;
}

/* Names and dots. */
static bool is_path(const char *text)
{
	return *text != '\0' && *text != '.' && strstr(text, "..") == NULL
	    && text[strlen(text) - 1] != '.' && strlen(text) <= 200;
}

static bool is_object(const char *text)
{
	struct arena *a = arena_new();
	struct json_error error;
	const struct json *j = json_read(a, text, strlen(text), &error);
	bool is = j != NULL && j->type == JSON_OBJECT;

	arena_free(a);
	return is;
}

static const struct option options[] = {
	{ "api_token", OPT_SECRET, offsetof(struct smartsender_conf, api_token), .required = true,
	    .help = "The project's token, from its Integrations tab." },
	{ "sweep", OPT_MSECS, offsetof(struct smartsender_conf, sweep_msecs), .fallback = "60s",
	    .min = 10 * SECOND, .max = HOUR,
	    .help = "How often all open chats are looked through, not only those with something "
		    "unread." },
	{ "sweep_full", OPT_INT, offsetof(struct smartsender_conf, sweep_full), .fallback = "10",
	    .min = 1, .max = 100,
	    .help = "Every so many of these go through to the last chat; the others end where "
		    "nothing has changed." },
	{ "timezone", OPT_TEXT, offsetof(struct smartsender_conf, timezone), .fallback = "UTC",
	    .valid = is_timezone,
	    .allowed = "UTC, the name of a zone like Europe/Kyiv, or an offset like +03:00",
	    .help = "What its times are, since they do not say." },
	{ "mark_read", OPT_BOOL, offsetof(struct smartsender_conf, mark_read), .fallback = "false",
	    .help = "Marks what was taken as read; takes that mark from people who work there." },
	{ "text_max", OPT_INT, offsetof(struct smartsender_conf, text_max), .fallback = "4096",
	    .min = 100, .max = 20000,
	    .help = "Characters of one message; longer texts go as several." },
	{ "user_id_path", OPT_TEXT, offsetof(struct smartsender_conf, user_id_path),
	    .fallback = "userId", .valid = is_path, .allowed = "names with dots between them",
	    .help = "Where a wake-up names the contact." },
	{ "send_extra", OPT_TEXT, offsetof(struct smartsender_conf, send_extra), .valid = is_object,
	    .allowed = "a JSON object", .fallback_words = "none",
	    .help = "Members that every message sent has besides its own." },
	{ 0 }
};

static const struct caps caps = {
	.customers_side = true,
	.messages_people = true, /* all that is sent reaches a phone */
	.polls = true,
	.quotes = true,
	.locks = true,
	.pages = true,
	.states = true,
	.forwards = true,
	.facts = 1u << FACT_NAME | 1u << FACT_EMAIL | 1u << FACT_PHONE | 1u << FACT_AGENT,
	.max_idle_msecs = 4000,
	.kinds = smartsender_kinds,
};

static int configure(struct arena *a, struct endpoint_conf *endpoint, void *conf, const char **key,
    struct err *err)
{
	struct smartsender_conf *c = conf;

	c->zone = zone_load(a, c->timezone, err);
	if (c->zone == NULL) {
		*key = "timezone";
		return -1;
	}
	endpoint->sweep_msecs = c->sweep_msecs;
	endpoint->sweep_full = c->sweep_full;
	if (endpoint->rate.count == 0
	    || endpoint->rate.count * MINUTE > 180 * endpoint->rate.period_msecs) {
		*key = "rate";
		return err_set(err,
		    "more than 180/min: whoever asks more often is locked out there");
	}
	return 0;
}

static int64_t settle(const struct via *via)
{
	(void)via;
	return 0; /* pages are in order */
}

static enum verify verify(const struct via *via, const struct http_in *hook)
{
	return verify_shared(&via->endpoint->webhook_secret,
	    http_header(hook->headers, hook->nheaders, "X-Relay-Secret"));
}

/* Once: whether the token is good, and whose it is. Then who works there, where anybody wants to know. */
static int64_t next(const struct via *via, struct job *job)
{
	*job = (struct job){ .kind = JOB_ENDPOINT, .attempt = 1, .step = STEP_SIGN_IN };
	return memo_get(via, MEMO_USER) != NULL ? smartsender_next_team(via, job) : via->now_ms;
}

const char *smartsender_tenant(const struct via *via)
{
	const char *tenant = memo_get(via, MEMO_TENANT);

	return tenant != NULL ? tenant : via->endpoint->name;
}

static const char *title(const struct via *via)
{
	return memo_get(via, MEMO_TITLE);
}

const struct connector smartsender_connector = {
	.name = SMARTSENDER_PLATFORM,
	.words = {
		.credential = "api_token",
		.renew = "copy the token anew from the project's Integrations tab",
		.refused_callback = "It only says that there is something to ask for; that is found without it, later.",
	},
	.options = options,
	.conf_size = sizeof(struct smartsender_conf),
	.caps = &caps,
	.default_body = 1024 * 1024,
	.default_base_url = "https://api.smartsender.com/v1",
	.default_rate = { 120, MINUTE },
	.default_poll_msecs = 5 * SECOND,
	.configure = configure,
	.settle = settle,
	.verify = verify,
	.parse = smartsender_parse,
	.parse_page = smartsender_parse_page,
	.recognise = smartsender_recognise,
	.plan = smartsender_plan,
	.build = smartsender_build,
	.interpret = smartsender_interpret,
	.next = next,
	.title = title,
};
