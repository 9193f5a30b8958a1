/* Smartify (panel.smartifyai.in and other installations): the table, its options, who may call us, and
 * the ids we choose.
 *
 * Both sides of a bridge: as customers' side its conversations come to us by callback and agents'
 * answers go back under the relay account; as agents' side each customer is a person of his own there,
 * who signs in with a token that we make. */
#include "connector/smartify/smartify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/secret.h"

#define HEX "0123456789abcdefABCDEF"
#define CHANNEL_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_-"

bool smartify_is_id(const char *text)
{
	return text != NULL && strlen(text) == 24 && strspn(text, HEX) == 24;
}

/* A dot would stop the platform's own events of that channel. In email and form it mails people. */
static bool is_channel(const char *text)
{
	size_t len = strlen(text);

	return len >= 1 && len <= 32 && strspn(text, CHANNEL_CHARS) == len
	    && strcmp(text, "email") != 0 && strcmp(text, "form") != 0;
}

static const struct option options[] = {
	{ "project_id", OPT_TEXT, offsetof(struct smartify_conf, project_id), .required = true,
	    .valid = smartify_is_id, .allowed = "24 hex digits", .help = "The project." },
	{ "email", OPT_TEXT, offsetof(struct smartify_conf, email), .required = true,
	    .help = "Team account of the relay, of its own, role admin or owner." },
	{ "password", OPT_SECRET, offsetof(struct smartify_conf, password), .required = true,
	    .help = "Its password." },
	{ "department", OPT_TEXT, offsetof(struct smartify_conf, department),
	    .help = "Name or id of the department that conversations we open go to; without it the "
		    "project's default." },
	{ "channel", OPT_TEXT, offsetof(struct smartify_conf, channel), .fallback = "tieline",
	    .valid = is_channel, .allowed = "1 to 32 of a-z 0-9 _ -, not email, not form",
	    .help = "Channel of conversations we open." },
	{ "subscription_id", OPT_TEXT, offsetof(struct smartify_conf, subscription_id),
	    .valid = smartify_is_id, .allowed = "24 hex digits",
	    .help =
		"The message.create subscription whose secret is webhook_secret; without it the "
		"one that points at our hook address." },
	{ "upload_max", OPT_SIZE, offsetof(struct smartify_conf, upload_max), .fallback = "1000KiB",
	    .min = 1, .max = INT64_MAX,
	    .help = "Largest file it takes; larger ones go as a link to our media address." },
	{ "upload_types", OPT_LIST, offsetof(struct smartify_conf, upload_types),
	    .fallback = "jpg, jpeg, png, gif, pdf, txt",
	    .help = "Extensions it takes; others go as a link." },
	{ 0 }
};

static const struct caps caps = {
	.customers_side = true,
	.agents_side = true,
	.searchable = true,
	.marks_echo = true,
	.answers_reopen = true,
	.notes = true,
	.facts = FACTS_ALL,
	.routes = true,
	.keeps_notes = true,
	.quotes = true,
	.pages = true,
	.asks_history = true,
	.lists_conversations = true,
	.states = true,
	.reopens = true,
	.widgets = true,
	.keeps = 1 << FORMAT_MARKDOWN | 1 << FORMAT_HTML,
	.max_idle_msecs = 4000, /* the server closes after 5 s */
	.kinds = smartify_kinds,
};

static int configure(struct arena *a, struct endpoint_conf *endpoint, void *conf, const char **key,
    struct err *err)
{
	const struct smartify_conf *c = conf;

	(void)a, (void)key, (void)err;
	endpoint->tenant = c->project_id;
	return 0;
}

static int64_t settle(const struct via *via)
{
	(void)via;
	return 0; /* callbacks come in order */
}

/* Neither hook._id nor token decides: a repeated callback may bear those of another subscriber. */
static enum verify verify(const struct via *via, const struct http_in *hook)
{
	return verify_shared(&via->endpoint->webhook_secret,
	    http_header(hook->headers, hook->nheaders, "x-hook-secret"));
}

/* Not a secret, so there is no key in it: the same person after the store is lost. The prefix keeps it
 * from being 12 bytes or 24 hex digits, which the server takes for one of the team. */
const char *smartify_address(const struct via *via, struct arena *a, const char *identity)
{
	const struct smartify_conf *conf = via->conf;

	return arena_printf(a, "tl1-%s",
	    ids_sha32(a, IDS_PARTS("person", identity, conf->project_id)));
}

/* Who knows a request_id reads the transcript, so it is keyed; being derived, a create that is repeated
 * meets the conversation of the first attempt. */
const char *smartify_conversation(const struct via *via, struct arena *a,
    const struct message *message)
{
	const struct smartify_conf *conf = via->conf;
	char generation[24];

	snprintf(generation, sizeof(generation), "%" PRId64, message->generation);
	return arena_printf(a, "support-group-%s-%s", conf->project_id,
	    ids_hmac32(a, via->keys,
		IDS_PARTS("rq", message->bridge, message->conversation_root, generation)));
}

static const char *title(const struct via *via)
{
	return memo_get(via, MEMO_TITLE);
}

const struct connector smartify_connector = {
	.name = SMARTIFY_PLATFORM,
	.words = {
		.credential = "email and password",
		.renew = "try them at the dashboard's sign-in, and set a new password there",
		.refused_callback = "It does not repeat what is refused so: such messages are missing.",
	},
	.options = options,
	.conf_size = sizeof(struct smartify_conf),
	.caps = &caps,
	.default_body = 4 * 1024 * 1024,
	.default_base_url = "https://panel.smartifyai.in/api",
	.default_rate = { 200, 60 * 1000 },
	.configure = configure,
	.settle = settle,
	.verify = verify,
	.parse = smartify_parse,
	.parse_page = smartify_parse_page,
	.recognise = smartify_recognise,
	.plan = smartify_plan,
	.build = smartify_build,
	.interpret = smartify_interpret,
	.next = smartify_next,
	.address = smartify_address,
	.conversation = smartify_conversation,
	.title = title,
};
