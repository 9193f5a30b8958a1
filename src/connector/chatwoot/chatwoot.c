/* Chatwoot, on either side of a bridge: as agents' side over an API inbox, as customers' side over any
 * inbox and an account webhook.
 *
 * This file is the table that the rest of the program sees, what it takes to trust a callback, and what
 * the endpoint finds out about itself: whose token it has (GET /profile), and its inbox's name. The
 * others: chatwoot_parse.c (callback → event), chatwoot_page.c (page of history → events),
 * chatwoot_send.c (message → requests), chatwoot_answer.c (answer → outcome), chatwoot_facts.c (contacts, and
 * who and what a conversation belongs to). */
#include "connector/chatwoot/chatwoot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/secret.h"
#include "connector/setup.h"

enum { TIMESTAMP_MAX = 20, CLOCKS_APART_MSECS = 5 * 60 * 1000, HISTORY_PER_MINUTE = 150 };

static const struct option chatwoot_options[] = {
	{ "api_token", OPT_SECRET, offsetof(struct chatwoot_conf, api_token), .required = true,
	    .help = "Token of a user of its own, an administrator." },
	{ "account_id", OPT_INT, offsetof(struct chatwoot_conf, account_id), .min = 1,
	    .max = INT64_MAX, .fallback_words = "the token's only account",
	    .help = "Which account." },
	{ "inbox_id", OPT_INT, offsetof(struct chatwoot_conf, inbox_id), .min = 1, .max = INT64_MAX,
	    .fallback_words = "the account's only API inbox",
	    .help = "Which inbox: as agents an API inbox, as customers any." },
	{ "settle", OPT_MSECS, offsetof(struct chatwoot_conf, settle_msecs), .max = 10000,
	    .fallback = "400ms",
	    .help = "Callbacks are unordered: messages wait this long and then go by id." },
	{ "conversation_rate", OPT_RATE, offsetof(struct chatwoot_conf, conversation_rate),
	    .fallback = "180/min",
	    .help =
		"Messages into one conversation; the server refuses above 200. Of history that is moved "
		"there at most 150/min." },
	{ "contact_events", OPT_BOOL, offsetof(struct chatwoot_conf, contact_events),
	    .fallback = "false", .later = true,
	    .fallback_words = "true where a bridge's profile writes to customers, else false",
	    .help = "Whether setup makes an account webhook for contact changes also as agents' "
		    "side. One made by hand is heard whatever stands here, and as customers' side "
		    "setup's tells of them." },
	{ 0 }
};

static const struct caps chatwoot_caps = {
	.customers_side = true,
	.agents_side = true,
	.dedicated = true,
	.unordered = true,
	.searchable = true,
	.marks_echo = true,
	.typing = true,
	.deletes_answers = true,
	.reports = true,
	.notes = true,
	.facts = FACTS_ALL,
	.keeps_notes = true,
	.replies = true,
	.quotes = true,
	.pages = true,
	.lists_conversations = true,
	.asks_history = true,
	.states = true,
	.reopens = true,
	.rate_by_host = true,
	.shows = 1 << FORMAT_MARKDOWN,
	.max_idle_msecs = 15000,
	.kinds = chatwoot_kinds,
};

/* --- what both directions need ----------------------------------------------------------------- */

const char *chatwoot_account(const struct via *via)
{
	const struct chatwoot_conf *conf = via->conf;

	return conf->account != NULL ? conf->account : memo_get(via, MEMO_TENANT);
}

const char *chatwoot_inbox(const struct via *via)
{
	const struct chatwoot_conf *conf = via->conf;

	if (conf->inbox != NULL)
		return conf->inbox;
	return memo_get(via, KEPT_INBOX) != NULL ? memo_get(via, KEPT_INBOX)
						 : memo_get(via, MEMO_INBOX);
}

bool chatwoot_is_id(const char *text)
{
	static const char largest[] = "9223372036854775807";
	size_t len = text == NULL ? 0 : strlen(text);

	if (len < 1 || len >= sizeof(largest) || strspn(text, "0123456789") != len)
		return false;
	return len < sizeof(largest) - 1 || strcmp(text, largest) <= 0;
}

const char *chatwoot_mark(const struct json *m, const char **place)
{
	const char *mark = json_text(m, "source_id");

	*place = "source_id";
	if (mark != NULL && strncmp(mark, "tl1:", 4) == 0)
		return mark;
	*place = "content_attributes.tieline";
	return json_text(m, "content_attributes.tieline");
}

/* Keyed, because whoever knows it may act as the contact; of the person, not of the conversation, so
 * that a conversation which an agent begins bears it too. */
const char *chatwoot_address(const struct via *via, struct arena *a, const char *identity)
{
	const char *account = chatwoot_account(via), *inbox = chatwoot_inbox(via);

	if (account == NULL || inbox == NULL)
		return via->explain ? "{address}" : NULL;
	return arena_printf(a, "tl1-%s",
	    ids_hmac32(a, via->keys,
		IDS_PARTS("ci", identity, via->endpoint->host, account, inbox)));
}

/* --- the table's small functions --------------------------------------------------------------- */

/* What people say in a conversation has to fit beside what is moved there. */
static struct rate history_rate_of(struct rate all)
{
	static const struct rate most = { HISTORY_PER_MINUTE, 60 * 1000 };

	return all.count * most.period_msecs > most.count * all.period_msecs ? most : all;
}

static int chatwoot_configure(struct arena *a, struct endpoint_conf *endpoint, void *arg,
    const char **key, struct err *err)
{
	struct chatwoot_conf *conf = arg;

	(void)key;
	(void)err;
	if (conf->account_id != 0)
		conf->account = arena_printf(a, "%" PRId64, conf->account_id);
	if (conf->inbox_id != 0)
		conf->inbox = arena_printf(a, "%" PRId64, conf->inbox_id);
	endpoint->tenant = conf->account;
	endpoint->place = conf->inbox;
	endpoint->conversation_rate = conf->conversation_rate;
	endpoint->history_rate = history_rate_of(conf->conversation_rate);
	return 0;
}

static int64_t chatwoot_settle(const struct via *via)
{
	const struct chatwoot_conf *conf = via->conf;

	return conf->settle_msecs;
}

static const char *chatwoot_conversation(const struct via *via, struct arena *a,
    const struct message *message)
{
	(void)via;
	(void)a;
	(void)message;
	return NULL; /* a number that the server draws */
}

static const char *chatwoot_title(const struct via *via)
{
	return memo_get(via, MEMO_TITLE);
}

/* --- verify ------------------------------------------------------------------------------------ */

/* The signature covers the timestamp, a dot, and the body as it came. */
static bool is_signed(const char *secret, const char *timestamp, const struct http_in *hook,
    const char *signature)
{
	unsigned char mac[SHA256_SIZE];
	char head[TIMESTAMP_MAX + 2], expected[sizeof("sha256=") + 2 * SHA256_SIZE] = "sha256=";
	int len = snprintf(head, sizeof(head), "%s.", timestamp);

	hmac_sha256_joined(secret, strlen(secret), head, (size_t)len, hook->body, hook->body_len,
	    mac);
	hex_encode(mac, sizeof(mac), expected + strlen("sha256="));
	return secret_equal(signature, expected);
}

static bool is_recent(const char *timestamp, int64_t now_ms)
{
	int64_t apart = now_ms / 1000 - strtoll(timestamp, NULL, 10);

	return llabs(apart) <= CLOCKS_APART_MSECS / 1000;
}

/* Every secret is tried, whether or not one fitted already: how long it takes tells nothing. */
static enum verify chatwoot_verify(const struct via *via, const struct http_in *hook)
{
	const struct secrets *secrets = &via->endpoint->webhook_secret;
	const char *signature = http_header(hook->headers, hook->nheaders, "X-Chatwoot-Signature");
	const char *timestamp = http_header(hook->headers, hook->nheaders, "X-Chatwoot-Timestamp");
	bool good = false;
	size_t i;

	if (secrets->n == 0)
		return VERIFY_UNCHECKED;
	if (signature == NULL || timestamp == NULL)
		return VERIFY_NO_SIGNATURE;
	if (!chatwoot_is_id(timestamp))
		return VERIFY_BAD_SIGNATURE;
	for (i = 0; i < secrets->n; i++)
		if (is_signed(secrets->v[i], timestamp, hook, signature))
			good = true;
	if (!good)
		return VERIFY_BAD_SIGNATURE;
	return is_recent(timestamp, hook->received_ms) ? VERIFY_OK : VERIFY_OLD_TIMESTAMP;
}

/* --- next -------------------------------------------------------------------------------------- */

/* First whose token it is and which account that opens, then the inbox. What was learned lasts; another
 * inbox in the configuration is looked at anew. */
static int64_t chatwoot_next(const struct via *via, struct job *job)
{
	const char *inbox = chatwoot_inbox(via), *seen = memo_get(via, MEMO_INBOX);
	const char *again = memo_get(via, MEMO_ASK_AGAIN);

	*job = (struct job){ .kind = JOB_ENDPOINT, .attempt = 1 };
	if (memo_get(via, MEMO_USER) == NULL || chatwoot_account(via) == NULL)
		job->step = STEP_SIGN_IN;
	else if (inbox == NULL || seen == NULL || strcmp(inbox, seen) != 0
	    || memo_get(via, MEMO_IDENTIFIER) == NULL)
		job->step = STEP_LOOK_UP;
	else
		return chatwoot_next_list(via, job);
	return again != NULL ? strtoll(again, NULL, 10) : via->now_ms;
}

const struct connector chatwoot_connector = {
	.name = CHATWOOT,
	.words = {
		.credential = "api_token",
		.renew = "copy a new token from the relay user's profile in Chatwoot",
		.refused_callback = "It never repeats them; on an API inbox agents see such messages as failed.",
	},
	.options = chatwoot_options,
	.conf_size = sizeof(struct chatwoot_conf),
	.caps = &chatwoot_caps,
	.default_body = 8 * 1024 * 1024,
	.default_rate = { 2400, 60 * 1000 },
	.configure = chatwoot_configure,
	.settle = chatwoot_settle,
	.verify = chatwoot_verify,
	.parse = chatwoot_parse,
	.parse_page = chatwoot_parse_page,
	.recognise = chatwoot_recognise,
	.plan = chatwoot_plan,
	.build = chatwoot_build,
	.interpret = chatwoot_interpret,
	.next = chatwoot_next,
	.address = chatwoot_address,
	.conversation = chatwoot_conversation,
	.title = chatwoot_title,
};
