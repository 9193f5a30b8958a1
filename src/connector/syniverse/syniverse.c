/* Syniverse: the table, its options, who may call us. See syniverse.h. */
#include "connector/syniverse/syniverse.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/secret.h"
#include "base/url.h"

#define CHAT_API "chat_api"
#define ESS "ess"
#define POLL "poll"
#define HOOK_USER "tieline"
#define POLL_MSECS (15 * 1000)
#define POLL_WIDE_MSECS (60 * 1000)

static const char *const source_words[] = { CHAT_API, ESS, POLL, NULL };
static const char *const consent_words[] = { "none", "opt_in", "opt_out", NULL };

/* Names of the maps' keys, in the order of the enums. */
static const char *const field_names[FIELD_COUNT + 1] = { "session", "type", "chat", "contact",
	"address", "name", "message", "direction", "text", "attachments", "author", "author_name",
	"time", NULL };
static const char *const type_names[TYPE_COUNT + 1] = { "message", "opened", "closed", "delivery",
	"ended", NULL };
static const char *const direction_names[DIRECTION_COUNT + 1] = { "incoming", "outgoing", NULL };

static const char *const field_defaults[FIELD_COUNT] = {
	"sessionId, session.id, integrationId, id",
	"type, event, eventType",
	"chat.id, chatId, conversation.id, conversationId",
	"contact.id, contactId, chat.contact.id",
	"contact.address, contact.phone, from, chat.contact.address",
	"contact.name, chat.contact.name",
	"message.id, messageId",
	"message.direction, direction",
	"message.text, message.body, text, body",
	"message.attachments, attachments",
	"message.author.id, user.id",
	"message.author.name, user.name",
	"message.createdAt, timestamp, createdAt",
};
static const char *const type_defaults[TYPE_COUNT] = {
	"message, messagecreated, messagereceived, messagesent, newmessage, chatmessage",
	"chatstarted, chatopened, newchat",
	"chatended, chatclosed",
	"messagestatus, messagestatechange, deliverystatus",
	"sessionexpired, loggedout, deregistered",
};
static const char *const direction_defaults[DIRECTION_COUNT] = {
	"MO, IN, INBOUND, INCOMING, RECEIVED",
	"MT, OUT, OUTBOUND, OUTGOING, SENT",
};

/* name@company, both there. */
static bool is_user(const char *text)
{
	const char *at = strrchr(text, '@');

	return at != NULL && at != text && at[1] != '\0' && strchr(text, ':') == NULL;
}

/* SOURCE_POLL + 1: it is none. */
static int source_of(const char *text)
{
	int i;

	for (i = 0; source_words[i] != NULL && strcmp(source_words[i], text) != 0; i++)
		;
	return i;
}

static bool is_inbound(const char *text)
{
	return source_words[source_of(text)] != NULL;
}

#define C(field) offsetof(struct syniverse_conf, field)

static const struct option options[] = {
	{ "user", OPT_TEXT, C(user), .valid = is_user, .allowed = "name@company",
	    .help = "Two-Way Chat account that opens sessions; needed for inbound: chat_api." },
	{ "password", OPT_SECRET, C(password), .help = "Its password." },
	{ "act_for", OPT_TEXT, C(act_for), .valid = is_user, .allowed = "name@company",
	    .fallback_words = "user",
	    .help = "Whose chats are told; another one than user needs a global manager." },
	{ "inbound", OPT_TEXT, C(inbound), .valid = is_inbound, .allowed = "chat_api, ess, poll",
	    .fallback_words = "chat_api when user is set, else ess",
	    .help = "Who tells of customers' messages: sessions of Two-Way Chat, events of the "
		    "messaging API, or nobody, so that it is asked. Exactly one source." },
	{ "chat_base_url", OPT_URL, C(chat_base_url), .fallback = "https://chat.syniverse.com",
	    .help = "Two-Way Chat." },
	{ "scg_base_url", OPT_URL, C(scg_base_url), .fallback_words = "base_url",
	    .help = "The messaging API; the same as base_url." },
	{ "scg_from", OPT_TEXT, C(scg_from), .required = true,
	    .help = "Who sends: a sender's id, sender_id:ID or channel:ID." },
	{ "scg_token", OPT_SECRET, C(scg_token), .required = true,
	    .help = "Token of the application there." },
	{ "scg_consumer_key", OPT_SECRET, C(scg_consumer_key),
	    .help = "With scg_consumer_secret an expired token is renewed; without, that stops the "
		    "endpoint." },
	{ "scg_consumer_secret", OPT_SECRET, C(scg_consumer_secret),
	    .help = "See scg_consumer_key." },
	{ "renew_margin", OPT_MSECS, C(renew_margin), .max = 7LL * 24 * 3600 * 1000,
	    .fallback = "0", .fallback_words = "computed",
	    .help = "So long before its end a session is renewed; 0: a tenth of its life, at least "
		    "5 minutes, at most half of it." },
	{ "reregister_idle", OPT_MSECS, C(reregister_idle), .max = 7LL * 24 * 3600 * 1000,
	    .fallback = "6h",
	    .help = "After so long without a callback a new session is opened, since nobody tells "
		    "when one dies; 0: never." },
	{ "deregister_on_exit", OPT_BOOL, C(deregister_on_exit), .fallback = "true",
	    .help = "A stop ends the session; false for restarts that take it over." },
	{ "paths", OPT_MAP, C(paths), .words = field_names, .of_lists = true,
	    .fallback_words = "see the manual",
	    .help =
		"Where a callback of Two-Way Chat keeps what; given keys replace, others stay." },
	{ "types", OPT_MAP, C(types), .words = type_names, .of_lists = true,
	    .fallback_words = "see the manual", .help = "What it calls its events; likewise." },
	{ "directions", OPT_MAP, C(directions), .words = direction_names, .of_lists = true,
	    .fallback_words = "see the manual",
	    .help = "What it calls a message's direction; likewise." },
	{ "text_max", OPT_INT, C(text_max), .fallback = "1500", .min = 1, .max = 10000,
	    .help = "Characters in one message; longer texts go in parts." },
	{ "escape_templates", OPT_BOOL, C(escape_templates), .fallback = "true",
	    .help = "What the messaging API would carry out (${x}, #if( and the like) is made "
		    "harmless." },
	{ "consent", OPT_WORD, C(consent), .words = consent_words, .fallback = "none",
	    .help = "What the messaging API must know of the customer's consent before it sends." },
	{ "thread_per_chat", OPT_BOOL, C(thread_per_chat), .fallback = "false",
	    .help = "Each chat of Two-Way Chat is a conversation of its own; else all of one "
		    "address are one." },
	{ "dedupe_window", OPT_MSECS, C(dedupe_window), .fallback = "30s", .max = 3600LL * 1000,
	    .later = true, .help = "For two sources at once, which this version does not take." },
	{ 0 }
};

static const struct caps caps = {
	.customers_side = true,
	.messages_people = true, /* each message is an SMS, and paid for */
	.loose_callbacks = true,
	.tells_later = true,
	.one_source = true,
	.key_proves = true,
	.kinds = syniverse_kinds,
};
/* Two-Way Chat calls a message by another id than the messaging API, so what the latter lists can be compared
 * with its own events alone. */
static const struct caps caps_ess = {
	.customers_side = true,
	.loose_callbacks = true,
	.tells_later = true,
	.one_source = true,
	.pages = true,
};
static const struct caps caps_poll = {
	.customers_side = true,
	.loose_callbacks = true,
	.tells_later = true,
	.one_source = true,
	.key_proves = true,
	.pages = true,
	.polls = true,
};

/* --- words ------------------------------------------------------------------------------------- */

const char *syniverse_word(struct arena *a, const char *text)
{
	char *out = arena_alloc(a, strlen(text) + 1), *o = out;

	for (; *text != '\0'; text++)
		if (strchr("_-. ", *text) == NULL)
			*o++ = (char)tolower((unsigned char)*text);
	*o = '\0';
	return out;
}

const char *syniverse_address(struct arena *a, const char *text)
{
	size_t digits, len;
	char *out, *o;

	if (text == NULL)
		return NULL;
	while (isspace((unsigned char)*text))
		text++;
	for (len = strlen(text); len > 0 && isspace((unsigned char)text[len - 1]); len--)
		;
	if (len == 0)
		return NULL;
	out = o = arena_strndup(a, text, len);
	digits = strspn(out, "+0123456789 -.()/");
	if (digits < len)
		return out;
	for (; *text != '\0'; text++)
		if (strchr("+0123456789", *text) != NULL)
			*o++ = *text;
	*o = '\0';
	return *out != '\0' ? out : NULL;
}

/* "[n]" in a path as the reader of JSON wants it. */
static const char *path_of(struct arena *a, const char *text)
{
	char *out = arena_alloc(a, strlen(text) + 1), *o = out;

	for (; *text != '\0'; text++) {
		if (*text == '[' && o != out)
			*o++ = '.';
		else if (*text != '[' && *text != ']')
			*o++ = *text;
	}
	*o = '\0';
	return out;
}

/* A list with ", " between. */
static const char *const *list_of(struct arena *a, const char *text,
    const char *(*as)(struct arena *a, const char *text))
{
	const char **list = arena_zalloc(a, (strlen(text) + 2) * sizeof(*list));
	size_t n = 0, len;

	for (;;) {
		text += strspn(text, ", ");
		len = strcspn(text, ",");
		if (len == 0)
			break;
		list[n++] = as(a, arena_strndup(a, text, len));
		text += len;
	}
	return list;
}

static void fill_lists(struct arena *a, const struct option_map *given, const char *const *names,
    const char *const *defaults, const char *(*as)(struct arena *a, const char *text),
    const char *const **out)
{
	const char *text;
	size_t i, k;

	for (i = 0; names[i] != NULL; i++) {
		text = defaults[i];
		for (k = 0; k < given->count; k++)
			if (strcmp(given->keys[k], names[i]) == 0)
				text = given->values[k];
		out[i] = list_of(a, text, as);
	}
}

/* --- after the options are read ---------------------------------------------------------------- */

static int check_address(struct arena *a, const struct endpoint_conf *endpoint, const char *text,
    struct err *err)
{
	struct url url;

	if (url_parse(a, text, &url, err) != 0)
		return -1;
	if (!url.https && !endpoint->insecure && !host_is_loopback(url.host))
		return err_set(err,
		    "http: is only for this host; allowed: https:, or insecure: true");
	return 0;
}

static int check_inbound(struct syniverse_conf *c, const char **key, struct err *err)
{
	if (c->inbound == NULL)
		c->inbound = c->user != NULL ? CHAT_API : ESS;
	c->source = (enum syniverse_source)source_of(c->inbound);
	if (c->source == SOURCE_CHAT && (c->user == NULL || c->password == NULL)) {
		*key = c->user == NULL ? "user" : "password";
		return err_set(err, "is missing: inbound: chat_api opens sessions with it");
	}
	if ((c->scg_consumer_key == NULL) != (c->scg_consumer_secret == NULL)) {
		*key = c->scg_consumer_key == NULL ? "scg_consumer_key" : "scg_consumer_secret";
		return err_set(err, "is missing: the two go together");
	}
	return 0;
}

/* Once a minute a little more is looked at than what is new; never all there has ever been. */
static void set_source(struct endpoint_conf *endpoint, const struct syniverse_conf *c)
{
	switch (c->source) {
	case SOURCE_CHAT: return;
	case SOURCE_ESS: endpoint->caps = &caps_ess; return;
	case SOURCE_POLL: break;
	}
	endpoint->caps = &caps_poll;
	if (!endpoint->poll)
		endpoint->poll_msecs = POLL_MSECS;
	endpoint->poll = true;
	endpoint->sweep_msecs = POLL_WIDE_MSECS;
	endpoint->sweep_full = INT64_MAX;
}

static int configure(struct arena *a, struct endpoint_conf *endpoint, void *conf, const char **key,
    struct err *err)
{
	struct syniverse_conf *c = conf;
	struct url url;

	*key = "chat_base_url";
	if (check_address(a, endpoint, c->chat_base_url, err) != 0)
		return -1;
	*key = "scg_base_url";
	if (c->scg_base_url != NULL && check_address(a, endpoint, c->scg_base_url, err) != 0)
		return -1;
	*key = NULL;
	if (check_inbound(c, key, err) != 0)
		return -1;
	set_source(endpoint, c);
	if (c->act_for == NULL)
		c->act_for = c->user;
	if (c->scg_base_url != NULL && url_parse(a, c->scg_base_url, &url, err) == 0) {
		endpoint->base_url = c->scg_base_url;
		endpoint->host = url.host;
	}
	fill_lists(a, &c->paths, field_names, field_defaults, path_of, c->path);
	fill_lists(a, &c->types, type_names, type_defaults, syniverse_word, c->type);
	fill_lists(a, &c->directions, direction_names, direction_defaults, syniverse_word,
	    c->direction);
	endpoint->tenant = c->user != NULL ? strrchr(c->user, '@') + 1 : c->scg_from;
	endpoint->place = c->scg_from;
	return 0;
}

static int64_t settle(const struct via *via)
{
	(void)via;
	return 0;
}

/* --- who calls --------------------------------------------------------------------------------- */

/* Neither service signs. Without a password the secret address is what there is, and for the Chat API the
 * session's id in each event. Every password is compared, so that the time tells nothing. */
static enum verify verify(const struct via *via, const struct http_in *hook)
{
	const struct syniverse_conf *c = via->conf;
	const struct secrets *accepted = &via->endpoint->webhook_secret;
	const char *given = http_header(hook->headers, hook->nheaders, "authorization"), *wanted;
	struct arena *a;
	bool equal = false;
	size_t i;

	if (accepted->n == 0)
		return c->source == SOURCE_CHAT ? VERIFY_OK : VERIFY_UNCHECKED;
	if (given == NULL || strncasecmp(given, "Basic ", 6) != 0)
		return VERIFY_NO_SIGNATURE;
	given += 6 + strspn(given + 6, " ");
	a = arena_new();
	for (i = 0; i < accepted->n; i++) {
		wanted = arena_printf(a, "%s:%s", HOOK_USER, accepted->v[i]);
		if (secret_equal(given, base64_encode(a, wanted, strlen(wanted))))
			equal = true;
	}
	arena_free(a);
	return equal ? VERIFY_OK : VERIFY_BAD_SECRET;
}

const struct connector syniverse_connector = {
	.name = SYNIVERSE_PLATFORM,
	.words = {
		.name = "Syniverse",
		.credential = "scg_token, or user and password",
		.renew = "make a new token in the application's settings, or try the account at the "
			 "chat's sign-in",
		.refused_callback = "Whether it repeats what is refused is not known: messages may be "
				    "missing.",
	},
	.options = options,
	.conf_size = sizeof(struct syniverse_conf),
	.caps = &caps,
	.default_body = 1024 * 1024,
	.default_base_url = "https://api.syniverse.com",
	.default_rate = { 10, 1000 },
	.configure = configure,
	.settle = settle,
	.verify = verify,
	.parse = syniverse_parse,
	.parse_page = syniverse_parse_page,
	.recognise = syniverse_recognise,
	.sign_fetch = syniverse_sign_fetch,
	.plan = syniverse_plan,
	.build = syniverse_build,
	.interpret = syniverse_interpret,
	.next = syniverse_next,
	.session_ends_ms = syniverse_session_ends_ms,
	.leave = syniverse_leave,
};
