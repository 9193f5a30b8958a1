/* The keys of the process, of every endpoint and of every bridge: what they are called, may be, are
 * when nothing is said, and mean. A platform's own keys stand with its connector. */
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/url.h"
#include "config/config_draft.h"
#include "connector/connector.h"
#include "core/texts.h"

#define KIB (INT64_C(1) << 10)
#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

_Static_assert(sizeof(struct bridge_draft) <= OPTION_CUSTOM_MAX, "read_reopen gets all of it");
_Static_assert(sizeof(struct endpoint_draft) <= OPTION_CUSTOM_MAX, "read_receive gets all of it");

static const char *const never[] = { "never", NULL };
static const char *const forever[] = { "forever", NULL };
static const char *const admin_listen_words[] = { "none", "same", NULL };
static const char *const log_levels[] = { "error", "warn", "info", "debug", NULL };
static const char *const log_formats[] = { "logfmt", "json", NULL };

/* --- what a text has to look like ------------------------------------------------------------- */

static bool all_of(const char *text, const char *set, size_t min, size_t max)
{
	size_t len = strlen(text);

	return len >= min && len <= max && strspn(text, set) == len;
}

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool instance_key_valid(const char *text)
{
	return all_of(text, DIGITS "abcdefABCDEF", 64, 64);
}

static bool hook_key_valid(const char *text)
{
	return all_of(text, LOWER UPPER DIGITS "_-", 16, 64);
}

static bool password_valid(const char *text)
{
	return strlen(text) >= 12;
}

bool config_name_valid(const char *name)
{
	return name[0] >= 'a' && name[0] <= 'z' && all_of(name, LOWER DIGITS "_-", 1, 32);
}

/* whsec_ and base64 of 24 to 64 bytes. */
static bool alarm_secret_valid(const char *text)
{
	const char *rest = text + 6;
	size_t len, padding, bytes;

	if (strncmp(text, "whsec_", 6) != 0)
		return false;
	len = strlen(rest);
	padding = len - strcspn(rest, "=");
	bytes = len / 4 * 3 - padding;
	return len % 4 == 0 && padding <= 2 && strspn(rest + len - padding, "=") == padding
	    && strspn(rest, LOWER UPPER DIGITS "+/") == len - padding && bytes >= 24 && bytes <= 64;
}

/* --- values of more than one word ------------------------------------------------------------- */

/* An address of another scheme may hold a password: never repeated. */
static int read_store(struct arena *a, const char *text, void *field, struct err *err)
{
	const char **path = field;

	if (strncmp(text, "postgresql:", 11) == 0)
		return err_set(err, "postgresql: is kept for a later version");
	if (strncmp(text, "sqlite:", 7) != 0 || text[7] == '\0')
		return err_set(err, "is no sqlite:PATH");
	*path = arena_strdup(a, text + 7);
	return 0;
}

static int read_admin_listen(struct arena *a, const char *text, void *field, struct err *err)
{
	struct admin_conf *admin = field;

	(void)err;
	admin->listen = NULL;
	admin->how = ADMIN_LISTEN_ADDRESS;
	if (strcmp(text, "none") == 0)
		admin->how = ADMIN_LISTEN_NONE;
	else if (strcmp(text, "same") == 0)
		admin->how = ADMIN_LISTEN_SAME;
	else if (address_valid(text))
		admin->listen = arena_strdup(a, text);
	else
		return -1;
	return 0;
}

/* "WORD D": the duration behind the word. */
static int read_word_and_msecs(const char *text, const char *word, int64_t *msecs)
{
	size_t len = strlen(word);

	if (strncmp(text, word, len) != 0 || text[len] != ' ')
		return -1;
	return msecs_parse(text + len + strspn(text + len, " "), msecs);
}

static int read_receive(struct arena *a, const char *text, void *field, struct err *err)
{
	struct endpoint_conf *e = field;

	(void)a;
	(void)err;
	e->poll = strcmp(text, "callbacks") != 0;
	e->poll_msecs = 0;
	if (!e->poll)
		return 0;
	if (read_word_and_msecs(text, "poll", &e->poll_msecs) != 0)
		return -1;
	return e->poll_msecs >= 2 * SECOND && e->poll_msecs <= HOUR ? 0 : -1;
}

static int read_reopen(struct arena *a, const char *text, void *field, struct err *err)
{
	struct bridge_conf *b = field;

	(void)a;
	(void)err;
	b->new_after_msecs = 0;
	if (strcmp(text, "always") == 0)
		b->reopen = REOPEN_ALWAYS;
	else if (strcmp(text, "never") == 0)
		b->reopen = REOPEN_NEVER;
	else if (read_word_and_msecs(text, "new_after", &b->new_after_msecs) == 0)
		b->reopen = REOPEN_NEW_AFTER;
	else
		return -1;
	return 0;
}

/* --- the process ------------------------------------------------------------------------------ */

#define C(field) offsetof(struct config, field)
#define ADDRESSES "host:port or [v6]:port"
#define NETWORKS "networks like 10.0.0.0/8 or fd00::/8, or a list of them"

const struct option process_options[] = {
	{ "instance_key", OPT_SECRET, C(instance_key), .restart = true, .valid = instance_key_valid,
	    .allowed = "64 hex digits",
	    .fallback_words = "drawn at the first start, kept in the store",
	    .help = "Names this relay in the marks it leaves, and signs them." },
	{ "listen", OPT_LIST, C(listen), .restart = true, .fallback = "127.0.0.1:8480",
	    .valid = address_valid, .allowed = ADDRESSES ", or a list of them",
	    .help = "Public side: /hooks, /media, /healthz, /readyz." },
	{ "public_url", OPT_URL, C(public_url), .fallback_words = "none",
	    .help = "How platforms reach `listen`; needed when an endpoint receives callbacks." },
	{ "tls.cert", OPT_TEXT, C(tls.cert), .later = true, .allowed = "a path",
	    .fallback_words = "none", .help = "PEM chain for `listen`; TLS 1.2 and later." },
	{ "tls.key", OPT_TEXT, C(tls.key), .later = true, .allowed = "a path",
	    .fallback_words = "none", .help = "PEM key of that chain." },
	{ "trusted_proxies", OPT_LIST, C(trusted_proxies), .valid = cidr_valid, .allowed = NETWORKS,
	    .fallback_words = "[]",
	    .help =
		"Whose X-Forwarded-For and X-Forwarded-Proto are believed, where the page is signed in to." },
	{ "ca_file", OPT_TEXT, C(ca_file), .restart = true, .allowed = "a path",
	    .fallback_words = "the system's roots",
	    .help = "PEM roots believed beside the system's, for our own requests." },
	{ "store", OPT_CUSTOM, C(store), .restart = true,
	    .fallback = "sqlite:/var/lib/tieline/tieline.db", .allowed = "sqlite:PATH",
	    .read = read_store, .help = "The database; one process per store." },

	{ "admin.listen", OPT_CUSTOM, C(admin), .restart = true, .fallback = "127.0.0.1:8481",
	    .allowed = ADDRESSES ", none, same", .words = admin_listen_words,
	    .read = read_admin_listen,
	    .help =
		"/metrics, /admin, /api; `same` shares `listen`. Not loopback: needs a token." },
	{ "admin.socket", OPT_TEXT, C(admin.socket), .restart = true, .allowed = "a path",
	    .fallback_words =
		SOCKET_PATH ", or <store path>.sock when that folder cannot be written",
	    .help = "Unix socket of the commands, mode 0660." },
	{ "admin.password", OPT_SECRET, C(admin.password), .valid = password_valid,
	    .allowed = "a secret of at least 12 characters", .fallback_words = "none: page off",
	    .help = "Of the status page, at /admin." },
	{ "admin.token", OPT_SECRETS, C(admin.token), .fallback_words = "none: API over TCP off",
	    .help = "Full rights at the API." },
	{ "admin.read_token", OPT_SECRETS, C(admin.read_token), .fallback_words = "none",
	    .help = "GET on /api and /metrics only." },

	{ "log.level", OPT_WORD, C(log.level), .fallback = "info", .words = log_levels,
	    .help = "How much is logged, always on stderr." },
	{ "log.format", OPT_WORD, C(log.format), .fallback = "logfmt", .words = log_formats,
	    .help = "key=value, or the same keys as JSON." },

	{ "limits.body", OPT_SIZE, C(limits.body), .fallback = "8MiB", .min = 64 * KIB,
	    .max = 64 * MIB,
	    .help = "One callback. An endpoint may have a lower limit of its own." },
	{ "limits.bodies", OPT_SIZE, C(limits.bodies), .fallback = "32MiB", .min = MIB, .max = GIB,
	    .help = "All callbacks in flight; above: 503." },
	{ "limits.header", OPT_SIZE, C(limits.header), .fallback = "16KiB", .min = 4 * KIB,
	    .max = 64 * KIB, .help = "Request line and headers of a callback." },
	{ "limits.connections", OPT_INT, C(limits.connections), .fallback = "512", .min = 16,
	    .max = 65536, .help = "Open connections to `listen`." },
	{ "limits.read_timeout", OPT_MSECS, C(limits.read_timeout_msecs), .fallback = "10s",
	    .min = SECOND, .max = 2 * MINUTE, .help = "One whole request, first byte to last." },
	{ "limits.mailbox", OPT_INT, C(limits.mailbox), .restart = true, .fallback = "4096",
	    .min = 256, .max = 65536, .help = "Store operations waiting; above: 503." },
	{ "limits.answer", OPT_SIZE, C(limits.answer), .restart = true, .fallback = "64MiB",
	    .min = MIB, .max = GIB, .help = "Largest answer of a platform that is read." },
	{ "limits.disk_reserve", OPT_SIZE, C(limits.disk_reserve), .fallback = "256MiB",
	    .min = 16 * MIB,
	    .help =
		"Free space under this: 503 to callbacks; sending goes on, and a run that moves "
		"history ends rather than take it (`tieline migrate --resume`)." },
	{ "limits.lane", OPT_INT, C(limits.lane), .fallback = "10000", .min = 100, .max = 1000000,
	    .help = "Deliveries waiting for one person; above: parked as overflow." },
	{ "limits.try_for", OPT_MSECS, C(limits.try_for_msecs), .fallback = "24h", .min = MINUTE,
	    .max = 30 * DAY,
	    .help = "How long a delivery is tried before it is parked as expired." },
	{ "limits.drain", OPT_MSECS, C(limits.drain_msecs), .fallback = "30s", .min = SECOND,
	    .max = 10 * MINUTE, .help = "How long SIGTERM waits for what is in flight." },
	{ "limits.fuse", OPT_RATE, C(limits.fuse), .fallback = "30/min",
	    .help = "Messages of bots or agents to one person without a word from them; above: "
		    "parked as loop." },
	{ "limits.hops", OPT_INT, C(limits.hops), .fallback = "4", .min = 1, .max = 8,
	    .help = "Relays that a message may have passed." },

	{ "retention.bodies", OPT_MSECS, C(retention.bodies_msecs), .fallback = "30d", .min = DAY,
	    .words = forever, .help = "Text of settled messages." },
	{ "retention.links", OPT_MSECS, C(retention.links_msecs), .fallback = "forever", .min = DAY,
	    .words = forever, .help = "Who is who, and which message is which." },
	{ "retention.raw", OPT_MSECS, C(retention.raw_msecs), .fallback = "90d", .min = DAY,
	    .words = forever, .help = "Callbacks that could not be parsed." },
	{ "retention.callbacks", OPT_MSECS, C(retention.callbacks_msecs), .fallback = "never",
	    .min = HOUR, .max = 30 * DAY, .words = never, .word_is_zero = true,
	    .help = "Every callback as it came." },

	{ "media.max_size", OPT_SIZE, C(media.max_size), .fallback = "40MiB", .min = KIB,
	    .help = "Larger attachments become a note with name and size." },
	{ "media.quota", OPT_SIZE, C(media.quota), .fallback = "2GiB", .min = MIB,
	    .help = "All attachments kept beside the store." },
	{ "media.url_life", OPT_MSECS, C(media.url_life_msecs), .fallback = "90d", .min = HOUR,
	    .max = 400 * DAY, .help = "How long an address under /media is good." },
	{ "media.allow_private", OPT_LIST, C(media.allow_private), .valid = cidr_valid,
	    .allowed = NETWORKS, .fallback_words = "[]",
	    .help = "Private networks that attachments may come from." },
	{ "media.deny_types", OPT_LIST, C(media.deny_types), .fallback_words = "[]",
	    .help = "Media types that are not carried." },

	{ "alarms.webhook", OPT_URL, C(alarms.webhook), .fallback_words = "none",
	    .help = "Where alarms are posted, as Standard Webhooks." },
	{ "alarms.secret", OPT_SECRET, C(alarms.secret), .valid = alarm_secret_valid,
	    .allowed = "whsec_ and base64 of 24 to 64 bytes", .fallback_words = "none",
	    .help = "Signs them." },
	{ "alarms.raise_after", OPT_MSECS, C(alarms.raise_after_msecs), .fallback = "2m",
	    .max = HOUR, .help = "The condition must hold, and be over, this long." },
	{ "alarms.remind", OPT_MSECS, C(alarms.remind_msecs), .fallback = "6h", .min = MINUTE,
	    .words = never, .help = "Told again while it lasts." },
	{ "alarms.backlog_age", OPT_MSECS, C(alarms.backlog_age_msecs), .fallback = "5m",
	    .min = SECOND, .help = "Age of the oldest waiting delivery." },
	{ "alarms.silence", OPT_MSECS, C(alarms.silence_msecs), .fallback = "6h", .min = MINUTE,
	    .words = never,
	    .help =
		"No callback for so long, though there were some a week ago. The first one after "
		"such a silence starts a comparison." },
	{ 0 }
};

/* --- endpoints -------------------------------------------------------------------------------- */

#define E(field) offsetof(struct endpoint_draft, conf.field)

static const char *const receive_words[] = { "callbacks", NULL };

/* Where the default is the connector's, config.c puts it. */
const struct option endpoint_options[] = {
	{ "platform", OPT_TEXT, offsetof(struct endpoint_draft, platform), .required = true,
	    .allowed = "a platform", .help = "Cannot change once the endpoint has links." },
	{ "insecure", OPT_BOOL, E(insecure), .fallback = "false",
	    .help = "Allows http: to other hosts than this one, for sandboxes." },
	{ "base_url", OPT_URL, E(base_url), .fallback_words = "per platform",
	    .allowed = "an https: address; http: only to this host, or with insecure: true",
	    .help = "The platform. Its address may be private: naming it here is the permission." },
	{ "receive", OPT_CUSTOM, 0, .fallback = "callbacks", .read = read_receive,
	    .words = receive_words, .allowed = "callbacks, poll D with D from 2s to 1h",
	    .fallback_words = "callbacks; poll 5s where there are none",
	    .help = "Polling needs no public address, and is slower: only for a platform without "
		    "callbacks." },
	{ "webhook_secret", OPT_SECRETS, E(webhook_secret),
	    .fallback_words = "none: callbacks are refused",
	    .help = "What proves a callback genuine. A list of two while it changes." },
	{ "hook_key", OPT_SECRETS, E(hook_key), .valid = hook_key_valid,
	    .allowed = "16 to 64 of A-Z a-z 0-9 _ -, or a list of two",
	    .fallback_words = "drawn at the first start, kept in the store",
	    .help = "Last segment of the address that callbacks come to." },
	{ "body", OPT_SIZE, E(body_max), .min = KIB, .max = 64 * MIB,
	    .fallback_words = "per platform, at most limits.body", .help = "Largest callback." },
	{ "timeout", OPT_MSECS, E(timeout_msecs), .fallback = "20s", .min = SECOND,
	    .max = 2 * MINUTE, .help = "Longest wait for one answer." },
	{ "concurrency", OPT_INT, E(concurrency), .fallback = "4", .min = 1, .max = 64,
	    .help = "Requests at once." },
	{ "rate", OPT_RATE, E(rate), .fallback_words = "per platform",
	    .help = "Requests per time; 0 is no limit." },
	{ "reconcile", OPT_MSECS, E(reconcile_msecs), .fallback = "15m", .min = MINUTE, .max = DAY,
	    .words = never, .help = "Slow comparison of recent conversations." },
	{ 0 }
};

/* --- bridges ---------------------------------------------------------------------------------- */

#define B(field) offsetof(struct bridge_draft, conf.field)
#define D(field) offsetof(struct bridge_draft, field)

/* OPT_DIRECTION writes two bools. */
#define DIRECTIONS(name) \
	_Static_assert(offsetof(struct bridge_conf, name##_to_customers) \
		== offsetof(struct bridge_conf, name##_to_agents) + 1, \
	    #name)
DIRECTIONS(profile);
DIRECTIONS(typing);
DIRECTIONS(status);
DIRECTIONS(assignment);
DIRECTIONS(labels);
DIRECTIONS(attributes);
DIRECTIONS(priority);

static const char *const reopen_words[] = { "always", "never", NULL };
static const char *const agent_started_words[] = { "create", "park", "drop", NULL };
static const char *const agent_names_words[] = { "none", "show", NULL };
static const char *const choice_words[] = { "relay", "drop", NULL };
static const char *const take_over_words[] = { "first_answer", "start", "never", NULL };
static const char *const match_words[] = { "verified", "any", "none", NULL };
static const char *const adopt_words[] = { "person", "marks", NULL };
static const char *const system_lines_words[] = { "drop", "note", NULL };
static const char *const private_notes_words[] = { "drop", "mirror", NULL };
static const char *const receipts_words[] = { "all", "failures", "none", NULL };
static const char *const quotes_words[] = { "drop", "inline", NULL };
static const char *const markup_words[] = { "plain", "keep", NULL };
static const char *const uncertain_words[] = { "park", "resend", NULL };
static const char *const rejected_words[] = { "continue", "stop", NULL };
static const char *const notice_words[] = { "none", "note", NULL };
static const char *const timestamps_words[] = { "prefix", "day_line", "none", NULL };

const struct option bridge_options[] = { { "customers", OPT_TEXT, D(customers), .required = true,
					     .allowed = "the name of an endpoint",
					     .help = "Where the customers write." },
	{ "agents", OPT_TEXT, D(agents), .required = true,
	    .allowed = "the name of another endpoint", .help = "Where the answers are written." },
	{ "only.channel", OPT_LIST, D(channels), .fallback_words = "everything",
	    .help = "Channels of the customers' side whose conversations belong here." },
	{ "only.department", OPT_LIST, D(departments), .fallback_words = "everything",
	    .help = "Departments, by name or id." },
	{ "only.tag", OPT_LIST, D(tags), .fallback_words = "everything",
	    .help = "Tags, of which the conversation has at least one." },
	{ "reopen", OPT_CUSTOM, 0, .fallback = "new_after 7d", .read = read_reopen,
	    .words = reopen_words, .allowed = "always, never, new_after D with D like 30m, 12h, 7d",
	    .help = "A customer writes into a resolved conversation: reopen it; start another; "
		    "reopen it if it was resolved less than D ago." },
	{ "agent_started", OPT_WORD, B(agent_started), .fallback = "create",
	    .words = agent_started_words,
	    .help = "An agent opens a conversation with somebody unknown here." },
	{ "agent_names", OPT_FLAG, B(agent_names), .fallback = "show", .words = agent_names_words,
	    .help = "Customers see who answers; with none everybody is `title`." },
	{ "title", OPT_TEXT, B(title), .fallback_words = "the desk's name",
	    .help = "Whose name stands where no agent's does." },
	{ "mirror_agents", OPT_WORD, B(mirror_agents), .fallback = "relay", .words = choice_words,
	    .fallback_words = "relay; drop where the platform keeps no mark of ours",
	    .help = "What agents and bots write on the customers' platform itself is shown at "
		    "the desk." },
	{ "take_over", OPT_WORD, B(take_over), .fallback = "first_answer", .words = take_over_words,
	    .help = "When the bot of the customers' side leaves the conversation to the desk." },
	{ "match_contacts", OPT_WORD, B(match_contacts), .fallback = "verified",
	    .words = match_words, .help = "Which existing contact may be taken for a new person." },
	{ "adopt", OPT_WORD, B(adopt), .fallback = "person", .words = adopt_words,
	    .help = "How conversations that already exist on both sides are linked." },
	{ "bots", OPT_WORD, B(bots), .fallback = "relay", .words = choice_words,
	    .help = "Messages of bots." },
	{ "automatic", OPT_WORD, B(automatic), .fallback = "relay", .words = choice_words,
	    .help = "Greetings, out-of-office answers, surveys." },
	{ "system_lines", OPT_FLAG, B(system_lines), .fallback = "drop",
	    .words = system_lines_words,
	    .help = "Joined, assigned and the like, which the customers' platform says by itself; "
		    "as a private note at the desk." },
	{ "private_notes", OPT_FLAG, B(private_notes), .fallback = "drop",
	    .words = private_notes_words,
	    .help = "Note to note, where both sides have some; never to a customer." },
	{ "edits", OPT_WORD, B(edits), .fallback = "relay", .words = choice_words,
	    .help = "Changed messages; where the platform cannot, as a labelled line." },
	{ "deletes", OPT_WORD, B(deletes), .fallback = "relay", .words = choice_words,
	    .help = "Deleted messages: deleted there, where it can, else agents are told." },
	{ "typing", OPT_DIRECTION, B(typing_to_agents), .fallback = "both",
	    .help = "Somebody is typing." },
	{ "status", OPT_DIRECTION, B(status_to_agents), .fallback = "both",
	    .help = "Resolved here is resolved there, and reopened." },
	{ "receipts", OPT_WORD, B(receipts), .fallback = "all", .words = receipts_words,
	    .help = "Delivered and failed, written on the agents' messages." },
	{ "quotes", OPT_FLAG, B(quotes_inline), .fallback = "inline", .words = quotes_words,
	    .help = "Quoted text where replies are not native." },
	{ "markup", OPT_FLAG, B(markup_keep), .fallback = "plain", .words = markup_words,
	    .help = "Markdown turned into plain text, or its source kept." },
	{ "profile", OPT_DIRECTION, B(profile_to_agents), .fallback = "to_agents",
	    .help = "Name, e-mail, phone, avatar." },
	{ "assignment", OPT_DIRECTION, B(assignment_to_agents), .fallback = "none",
	    .help = "Who has the conversation; needs map.agents or map.teams." },
	{ "labels", OPT_DIRECTION, B(labels_to_agents), .fallback = "none",
	    .fallback_words = "none; to_agents once map.labels is given",
	    .help = "Labels and tags." },
	{ "attributes", OPT_DIRECTION, B(attributes_to_agents), .fallback = "none",
	    .fallback_words = "none; to_agents once map.attributes is given",
	    .help = "Attributes of the conversation." },
	{ "priority", OPT_DIRECTION, B(priority_to_agents), .fallback = "none",
	    .help = "Needs map.priority." },
	{ "map.agents", OPT_MAP, B(map.agents), .or_same = true, .fallback_words = "none",
	    .help = "Left the customers' side, right the agents'; * stands for all others." },
	{ "map.teams", OPT_MAP, B(map.teams), .or_same = true, .fallback_words = "none",
	    .help = "Departments and teams." },
	{ "map.labels", OPT_MAP, B(map.labels), .or_same = true, .fallback_words = "none",
	    .help = "Labels and tags." },
	{ "map.attributes", OPT_MAP, B(map.attributes), .or_same = true, .fallback_words = "none",
	    .help = "Attributes." },
	{ "map.priority", OPT_MAP, B(map.priority), .or_same = true, .fallback_words = "none",
	    .help = "Priorities." },
	{ "on_uncertain", OPT_FLAG, B(resend_uncertain), .fallback = "park",
	    .words = uncertain_words,
	    .help = "Only for targets that cannot be searched; resend may repeat a message, and "
		    "bill it." },
	{ "on_rejected", OPT_FLAG, B(stop_on_rejected), .fallback = "continue",
	    .words = rejected_words,
	    .help = "Park the message and go on, or hold what follows it." },
	{ "texts", OPT_MAP, B(texts), .words = fixed_keys, .fallback_words = "English",
	    .help = "The fixed texts, by their keys; what stands in braces is put in." },
	{ "failure_notice", OPT_FLAG, B(failure_notice), .fallback = "note", .words = notice_words,
	    .help = "A private note at the agents' side when a message could not be delivered, and "
		    "failed on the agent's message where possible." },
	{ "timestamps", OPT_WORD, B(timestamps), .fallback = "prefix", .words = timestamps_words,
	    .help = "How moved history says when it was said, where that cannot be back-dated." },
	{ "retention.bodies", OPT_MSECS, B(retention.bodies_msecs), .min = DAY, .words = forever,
	    .fallback_words = "the process's", .help = "Text of settled messages." },
	{ "retention.links", OPT_MSECS, B(retention.links_msecs), .min = DAY, .words = forever,
	    .fallback_words = "the process's", .help = "Who is who, and which message is which." },
	{ "retention.raw", OPT_MSECS, B(retention.raw_msecs), .min = DAY, .words = forever,
	    .fallback_words = "the process's", .help = "Callbacks that could not be parsed." },
	{ "retention.callbacks", OPT_MSECS, B(retention.callbacks_msecs), .min = HOUR,
	    .max = 30 * DAY, .words = never, .word_is_zero = true,
	    .fallback_words = "the process's", .help = "Every callback as it came." },
	{ 0 } };

/* --- for the manual --------------------------------------------------------------------------- */

const struct option *config_process_options(void)
{
	return process_options;
}

const struct option *config_endpoint_options(void)
{
	return endpoint_options;
}

const struct option *config_bridge_options(void)
{
	return bridge_options;
}

const char *config_platform_default(struct arena *a, const struct connector *c, const char *name)
{
	if (strcmp(name, "base_url") == 0)
		return c->default_base_url != NULL ? c->default_base_url : OPTION_REQUIRED;
	if (strcmp(name, "body") == 0 && c->default_body > 0)
		return size_text(a, c->default_body);
	if (strcmp(name, "rate") == 0)
		return rate_text(a, c->default_rate);
	return NULL;
}
