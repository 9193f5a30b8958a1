/* A file is read as a whole: what comes of it, and each mistake to the letter. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mistakes.h"
#include "config/config.h"
#include "connector/connector.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct config *load(const char *text, struct mistakes *m)
{
	mistakes_init(m);
	return config_load(&(struct config_source){ .path = "t.yaml",
			       .text = text,
			       .len = strlen(text) },
	    m);
}

/* What serve would say; warnings, where wanted, one per line. */
static void told(const struct mistakes *m, bool warnings, struct buf *out)
{
	size_t i;

	buf_init(out);
	buf_adds(out, "");
	if (!warnings) {
		mistakes_print(out, m);
		return;
	}
	for (i = 0; i < m->all; i++) {
		if (!m->items[i].warning)
			continue;
		mistake_print(out, m, &m->items[i]);
		buf_addc(out, '\n');
	}
}

static int set_environment(void **state)
{
	(void)state;
	unsetenv("CHATWOOT_TOKEN");
	unsetenv("TIELINE_LISTEN");
	unsetenv("TIELINE_ADMIN_LISTEN");
	unsetenv("TIELINE_STORE");
	setenv("SMARTIFY_PASSWORD", "pass-of-shop", 1);
	setenv("TOKEN", "token-of-desk", 1);
	setenv("EMPTY", "", 1);
	setenv("NOT_UTF8", "\xff", 1);
	setenv("TWO_LINES", "a\nb", 1);
	return 0;
}

/* --- the mistakes of the manual ---------------------------------------------------------------- */

static const char manual_yaml[] = "public_url: https://relay.example.com\n"
				  "endpoints:\n"
				  "  shop:\n"
				  "    platform: smartify\n"
				  "    project_id: 5e2c35c8f0dbc10017bb3aac\n"
				  "    email: relay@example.com\n"
				  "    password: \"${SMARTIFY_PASSWORD}\"\n"
				  "    webhook_secret: \"${TOKEN}\"\n"
				  "\n"
				  "  desk:\n"
				  "    platform: chatwoot\n"
				  "    base_url: https://chat.example.com\n"
				  "    account_id: 1\n"
				  "    api_token: \"${CHATWOOT_TOKEN}\"\n"
				  "    webhook_secret: \"${TOKEN}\"\n"
				  "\n"
				  "bridges:\n"
				  "  support:\n"
				  "    customers: shop\n"
				  "    agents: desk\n"
				  "    reopen: new_after 7\n"
				  "    agent_name: show\n";

static void test_manual(void **state)
{
	struct mistakes m;
	struct buf out;

	(void)state;
	mistakes_init(&m);
	assert_null(config_load(&(struct config_source){ .path = "tieline.yaml",
				    .text = manual_yaml,
				    .len = strlen(manual_yaml) },
	    &m));
	told(&m, false, &out);
	assert_string_equal(out.data,
	    "tieline.yaml:14:16: endpoints.desk.api_token: environment variable CHATWOOT_TOKEN is not set; allowed: a set variable, ${CHATWOOT_TOKEN:-default} or file:PATH\n"
	    "tieline.yaml:21:13: bridges.support.reopen: found \"new_after 7\"; allowed: always, never, new_after D with D like 30m, 12h, 7d; did you mean \"new_after 7d\"?\n"
	    "tieline.yaml:22:5: bridges.support.agent_name: unknown option; allowed: the keys in tieline options; did you mean \"agent_names\"?\n"
	    "3 mistakes in tieline.yaml; nothing was started\n");
	assert_int_equal(m.exit, 78);
	buf_fini(&out);
	mistakes_fini(&m);
}

/* --- every other mistake ----------------------------------------------------------------------- */

#define URL "public_url: https://relay.example.com\n"
#define SHOP \
	"  shop: {platform: smartify, project_id: 5e2c35c8f0dbc10017bb3aac, email: relay@example.com, password: \"${SMARTIFY_PASSWORD}\", webhook_secret: \"${TOKEN}\""
#define DESK \
	"  desk: {platform: chatwoot, base_url: https://chat.example.com, api_token: \"${TOKEN}\", webhook_secret: \"${TOKEN}\""
#define ENDPOINTS "endpoints:\n" SHOP "}\n" DESK "}\n"
#define BRIDGES "bridges: {support: {customers: shop, agents: desk}}\n"

/* Each with one mistake, told as "t.yaml:…". */
static const struct {
	const char *yaml, *mistake;
} wrong[] = {
	/* the file as a whole */
	{ "", "1:1: endpoints: is missing; allowed: at least one endpoint" },
	{ URL "endpoints:\n", "2:1: endpoints: is missing; allowed: at least one endpoint" },
	{ URL "endpoints: [a]\nlog: {level: info}\n",
	    "2:12: endpoints: found a list; allowed: a map from names to options" },
	{ ENDPOINTS BRIDGES,
	    "1:1: public_url: is missing, and needed by what receives callbacks: shop, desk; allowed: an address like https://relay.example.com" },
	{ URL ENDPOINTS BRIDGES "brigdes: {}\n",
	    "6:1: brigdes: unknown option; allowed: the keys in tieline options; did you mean \"bridges\"?" },
	{ "public_url: https://relay.example.com/?x=1\n" ENDPOINTS BRIDGES,
	    "1:13: public_url: holds a query; allowed: an address like https://relay.example.com" },

	/* the process */
	{ URL ENDPOINTS BRIDGES "listen: 8480\n",
	    "6:9: listen: found \"8480\"; allowed: host:port or [v6]:port, or a list of them" },
	{ URL ENDPOINTS BRIDGES "listen: ['127.0.0.1:1', ':2']\n",
	    "6:25: listen[1]: found \":2\"; allowed: host:port or [v6]:port, or a list of them" },
	{ URL ENDPOINTS BRIDGES "store: postgresql://me:secret1@db/x\n",
	    "6:8: store: postgresql: is kept for a later version; allowed: sqlite:PATH" },
	{ URL ENDPOINTS BRIDGES "store: /var/x.db\n",
	    "6:8: store: is no sqlite:PATH; allowed: sqlite:PATH" },
	{ URL ENDPOINTS BRIDGES "instance_key: secret1\n",
	    "6:15: instance_key: found [secret]; allowed: 64 hex digits" },
	{ URL ENDPOINTS BRIDGES "log: {level: inof}\n",
	    "6:14: log.level: found \"inof\"; allowed: error, warn, info, debug; did you mean \"info\"?" },
	{ URL ENDPOINTS BRIDGES "log:\n  levle: info\n",
	    "7:3: log.levle: unknown option; allowed: the keys in tieline options; did you mean \"level\"?" },
	{ URL ENDPOINTS BRIDGES "limits: {body: 1KiB}\n",
	    "6:16: limits.body: found \"1KiB\"; allowed: a size from 64KiB to 64MiB" },
	{ URL ENDPOINTS BRIDGES "limits: {disk_reserve: 1MiB}\n",
	    "6:24: limits.disk_reserve: found \"1MiB\"; allowed: a size of at least 16MiB" },
	{ URL ENDPOINTS BRIDGES "limits: {hops: 9}\n",
	    "6:16: limits.hops: found \"9\"; allowed: a whole number from 1 to 8" },
	{ URL ENDPOINTS BRIDGES "admin: {listen: 0.0.0.0:8481}\n",
	    "6:1: admin.token: is missing: admin.listen can be reached from elsewhere; allowed: a secret, or admin.listen on 127.0.0.1, ::1, none or same" },
	{ URL ENDPOINTS BRIDGES "admin: {password: secret1}\n",
	    "6:19: admin.password: found [secret]; allowed: a secret of at least 12 characters" },
	{ URL ENDPOINTS BRIDGES "tls: {cert: a.pem}\n",
	    "6:1: tls.key: is missing: tls needs cert and key; allowed: a path" },
	{ URL ENDPOINTS BRIDGES "trusted_proxies: 10.0.0.0/99\n",
	    "6:18: trusted_proxies: found \"10.0.0.0/99\"; allowed: networks like 10.0.0.0/8 or fd00::/8, or a list of them" },
	{ URL ENDPOINTS BRIDGES "retention: {callbacks: forever}\n",
	    "6:24: retention.callbacks: found \"forever\"; allowed: a duration from 1h to 30d, never" },
	{ URL ENDPOINTS BRIDGES "alarms: {secret: whsec_c2VjcmV0MQ==}\n",
	    "6:18: alarms.secret: found [secret]; allowed: whsec_ and base64 of 24 to 64 bytes" },

	/* endpoints */
	{ URL "endpoints:\n  Shop: {platform: nothing}\n",
	    "3:3: endpoints.Shop: cannot be a name; allowed: a letter a-z, then up to 31 of a-z 0-9 _ -\n"
	    "t.yaml:3:20: endpoints.Shop.platform: found \"nothing\"; allowed: smartify, chatwoot, smartsender, syniverse (the platforms of this version)" },
	{ URL "endpoints:\n  shop: smartify\n",
	    "3:9: endpoints.shop: found a text; allowed: a map of options" },
	{ URL "endpoints:\n  crm: {platform: intercom, user: x}\n",
	    "3:19: endpoints.crm.platform: found \"intercom\"; allowed: smartify, chatwoot, smartsender, syniverse (the platforms of this version)" },
	{ URL
	    "endpoints:\n  crm: {platform: smartsender, api_token: \"${TOKEN}\", receive: callbacks}\n",
	    "3:64: endpoints.crm.receive: smartsender tells nothing by callbacks; allowed: poll D with D from 2s to 1h" },
	{ URL
	    "endpoints:\n  crm: {platform: smartsender, api_token: \"${TOKEN}\", rate: 200/min}\n",
	    "3:61: endpoints.crm.rate: more than 180/min: whoever asks more often is locked out there" },
	{ URL
	    "endpoints:\n  crm: {platform: smartsender, api_token: \"${TOKEN}\", timezone: Europe/Kiew}\n",
	    "3:65: endpoints.crm.timezone: found \"Europe/Kiew\"; allowed: UTC, the name of a zone like Europe/Kyiv, or an offset like +03:00" },
	{ URL
	    "endpoints:\n" SHOP
	    "}\n  crm: {platform: smartsender, api_token: \"${TOKEN}\"}\nbridges:\n  b: {customers: shop, agents: crm}\n",
	    "6:32: bridges.b.agents: crm cannot be an agents' side: nothing can be posted there as a customer" },
	{ URL "endpoints:\n  shop: {email: a}\n",
	    "3:3: endpoints.shop.platform: is missing; allowed: smartify, chatwoot, smartsender, syniverse" },
	{ URL
	    "endpoints:\n" SHOP
	    "}\n  desk: {platform: chatwot, base_url: https://c.example, api_token: \"${TOKEN}\"}\n" BRIDGES,
	    "4:20: endpoints.desk.platform: found \"chatwot\"; allowed: smartify, chatwoot, smartsender, syniverse (the platforms of this version); did you mean \"chatwoot\"?" },
	{ URL "endpoints:\n" SHOP
	      "}\n  desk: {platform: chatwoot, api_token: \"${TOKEN}\"}\n" BRIDGES,
	    "4:3: endpoints.desk.base_url: is missing; allowed: an https: address; http: only to this host, or with insecure: true" },
	{ URL
	    "endpoints:\n" SHOP
	    "}\n  desk: {platform: chatwoot, base_url: http://c.example, api_token: \"${TOKEN}\"}\n" BRIDGES,
	    "4:40: endpoints.desk.base_url: found \"http://c.example\"; allowed: an https: address; http: only to this host, or with insecure: true" },
	{ URL
	    "endpoints:\n" SHOP
	    "}\n  desk: {platform: chatwoot, base_url: https://u:secret1@c.example, api_token: \"${TOKEN}\"}\n" BRIDGES,
	    "4:40: endpoints.desk.base_url: holds a user or a password; allowed: an https: address; http: only to this host, or with insecure: true" },
	{ URL
	    "endpoints:\n  shop: {platform: smartify, project_id: 5e2c, email: a, password: \"${TOKEN}\"}\n",
	    "3:42: endpoints.shop.project_id: found \"5e2c\"; allowed: 24 hex digits" },
	{ URL
	    "endpoints:\n  shop: {platform: smartify, project_id: 5e2c35c8f0dbc10017bb3aac, password: \"${TOKEN}\"}\n",
	    "3:3: endpoints.shop.email: is missing; allowed: a text" },
	{ URL "endpoints:\n" SHOP ", pasword: secret1}\n" DESK "}\n" BRIDGES,
	    "3:156: endpoints.shop.pasword: unknown option; allowed: the keys in tieline options; did you mean \"password\"?" },
	{ URL "endpoints:\n" SHOP "}\n" DESK ", hook_key: secret1}\n" BRIDGES,
	    "4:127: endpoints.desk.hook_key: found [secret]; allowed: 16 to 64 of A-Z a-z 0-9 _ -, or a list of two" },
	{ URL "endpoints:\n" SHOP "}\n" DESK ", receive: poll}\n" BRIDGES,
	    "4:126: endpoints.desk.receive: found \"poll\"; allowed: callbacks, poll D with D from 2s to 1h" },
	{ URL "endpoints:\n" SHOP "}\n" DESK ", receive: poll 1s}\n" BRIDGES,
	    "4:126: endpoints.desk.receive: found \"poll 1s\"; allowed: callbacks, poll D with D from 2s to 1h" },
	{ URL "endpoints:\n" SHOP "}\n" DESK ", receive: poll 5s}\n" BRIDGES,
	    "4:126: endpoints.desk.receive: chatwoot is not polled in this version; allowed: callbacks" },
	{ URL "endpoints:\n" SHOP "}\n" DESK ", concurrency: 65}\n" BRIDGES,
	    "4:130: endpoints.desk.concurrency: found \"65\"; allowed: a whole number from 1 to 64" },
	{ URL "endpoints:\n" SHOP "}\n" DESK ", timeout: 30}\n" BRIDGES,
	    "4:126: endpoints.desk.timeout: found \"30\"; allowed: a duration from 1s to 2m; did you mean \"30s\"?" },
	{ URL "endpoints:\n" SHOP "}\n" DESK "}\n" DESK "}\n" BRIDGES,
	    "5:3: endpoints.desk: given twice, before in line 4; allowed: every key once" },
	{ "public_url: http://127.0.0.1:8480\nendpoints:\n" SHOP
	  "}\n  a: {platform: chatwoot, base_url: 'http://127.0.0.1:1', account_id: 1, api_token: \"${TOKEN}\"}\n"
	  "  b: {platform: chatwoot, base_url: 'http://127.0.0.1:2', account_id: 1, api_token: \"${TOKEN}\"}\n",
	    "5:37: endpoints.b.base_url: is the same host and account as a by another address: their messages could not be told apart; allowed: one address per host, or another account there" },

	/* variables and files */
	{ URL "endpoints:\n" SHOP ", department: \"${1X}\"}\n" DESK "}\n" BRIDGES,
	    "3:168: endpoints.shop.department: has a ${ that is not closed, or holds no name; allowed: ${NAME}, ${NAME:-text}, $$ for a single $" },
	{ URL "endpoints:\n" SHOP ", department: \"${X\"}\n" DESK "}\n" BRIDGES,
	    "3:168: endpoints.shop.department: has a ${ that is not closed, or holds no name; allowed: ${NAME}, ${NAME:-text}, $$ for a single $" },
	{ URL "endpoints:\n" SHOP ", department: \"${EMPTY}\"}\n" DESK "}\n" BRIDGES,
	    "3:168: endpoints.shop.department: is empty; allowed: a text" },
	{ URL "endpoints:\n" SHOP ", department: \"${NOT_UTF8}\"}\n" DESK "}\n" BRIDGES,
	    "3:168: endpoints.shop.department: an environment variable holds bytes that are no UTF-8; allowed: UTF-8" },
	{ URL
	    "endpoints:\n" SHOP
	    "}\n  desk: {platform: chatwoot, base_url: https://c.example, api_token: \"${TWO_LINES}\"}\n" BRIDGES,
	    "4:70: endpoints.desk.api_token: holds a line feed or another control character; allowed: a secret as ${NAME} or file:PATH" },
	{ URL "endpoints:\n" SHOP ", department: file:/nonexistent/x}\n" DESK "}\n" BRIDGES,
	    "3:168: endpoints.shop.department: cannot read file \"/nonexistent/x\": No such file or directory; allowed: a file that can be read" },
	{ URL "endpoints:\n" SHOP ", department: file:/dev/null}\n" DESK "}\n" BRIDGES,
	    "3:168: endpoints.shop.department: cannot read file \"/dev/null\": not a regular file; allowed: a file that can be read" },

	/* bridges */
	{ URL ENDPOINTS "bridges: {support: {customers: shp, agents: desk}}\n",
	    "5:32: bridges.support.customers: there is no endpoint \"shp\"; allowed: shop, desk; did you mean \"shop\"?" },
	{ URL ENDPOINTS "bridges: {support: {customers: shop, agents: shop}}\n",
	    "5:46: bridges.support.agents: found \"shop\", which is customers too; allowed: two different endpoints" },
	{ URL ENDPOINTS "bridges: {support: {customers: shop}}\n",
	    "5:11: bridges.support.agents: is missing; allowed: the name of another endpoint" },
	{ URL ENDPOINTS "bridges: {support: {customers: shop, agents: desk, reopen: allways}}\n",
	    "5:60: bridges.support.reopen: found \"allways\"; allowed: always, never, new_after D with D like 30m, 12h, 7d; did you mean \"always\"?" },
	{ URL ENDPOINTS
	    "bridges: {support: {customers: shop, agents: desk, only: {chanel: web}}}\n",
	    "5:59: bridges.support.only.chanel: unknown option; allowed: the keys in tieline options; did you mean \"channel\"?" },
	{ URL ENDPOINTS "bridges: {support: {customers: shop, agents: desk, map: {labels: all}}}\n",
	    "5:66: bridges.support.map.labels: found \"all\"; allowed: same, or a map of texts" },
	{ URL ENDPOINTS
	    "bridges: {support: {customers: shop, agents: desk, map: {priority: {urgent: highest}}}}\n",
	    "5:77: bridges.support.map.priority.urgent: found \"highest\"; allowed: low, medium, high, urgent; * for all others at the left" },
	{ URL ENDPOINTS
	    "bridges: {support: {customers: shop, agents: desk, map: {priority: {p1: urgent}}}}\n",
	    "5:73: bridges.support.map.priority.p1: found \"p1\"; allowed: low, medium, high, urgent; * for all others at the left" },
	{ URL ENDPOINTS
	    "bridges:\n  a: {customers: shop, agents: desk, only: {channel: [x, y]}}\n  b: {customers: shop, agents: desk, only: {channel: y, tag: z}}\n",
	    "7:44: bridges.b.only: lets through what bridge a carries between the same ends; allowed: an only that shares no channel, no department or no tag with the other's" },
	{ URL ENDPOINTS
	    "bridges:\n  a: {customers: shop, agents: desk}\n  b: {customers: shop, agents: desk}\n",
	    "7:3: bridges.b.only: lets through what bridge a carries between the same ends; allowed: an only that shares no channel, no department or no tag with the other's" },
	/* Names whose digests begin alike. */
	{ URL ENDPOINTS
	    "bridges:\n  b6609: {customers: shop, agents: desk, only: {channel: a}}\n  b7829: {customers: shop, agents: desk, only: {channel: b}}\n",
	    "7:3: bridges.b7829: has the same short mark as bridge b6609; allowed: another name" },
};

static void test_mistakes(void **state)
{
	struct mistakes m;
	struct buf out, expected;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(wrong); i++) {
		buf_init(&expected);
		buf_addf(&expected, "t.yaml:%s\n", wrong[i].mistake);
		assert_null(load(wrong[i].yaml, &m));
		buf_addf(&expected, "%zu mistake%s in t.yaml; nothing was started\n", m.count,
		    m.count == 1 ? "" : "s");
		told(&m, false, &out);
		assert_string_equal(out.data, expected.data);
		assert_null(strstr(out.data, "secret1"));
		assert_int_equal(m.exit, 78);
		buf_fini(&out);
		buf_fini(&expected);
		mistakes_fini(&m);
	}
}

static const struct {
	const char *yaml, *warnings;
} warned[] = {
	{ URL ENDPOINTS BRIDGES, "" },
	{ "public_url: http://127.0.0.1:8480\n" ENDPOINTS BRIDGES, "" },
	{ "public_url: http://relay.example.com\n" ENDPOINTS BRIDGES,
	    "t.yaml:1:13: public_url: is not encrypted: callbacks and their secrets can be read on the way; allowed: an address like https://relay.example.com\n" },
	{ URL ENDPOINTS,
	    "t.yaml:3:3: endpoints.shop: is an end of no bridge: what it hears is dropped\n"
	    "t.yaml:4:3: endpoints.desk: is an end of no bridge: what it hears is dropped\n" },
	{ URL
	    "endpoints:\n" SHOP
	    "}\n  desk: {platform: chatwoot, base_url: https://c.example, api_token: secret1}\n" BRIDGES,
	    "t.yaml:4:3: endpoints.desk.webhook_secret: is not in the file: callbacks are refused, unless tieline setup keeps one\n"
	    "t.yaml:4:70: endpoints.desk.api_token: a secret is written out; allowed: ${NAME} or file:PATH\n" },
	{ URL ENDPOINTS
	    "bridges: {support: {customers: shop, agents: desk, on_uncertain: resend, edits: drop, labels: both}}\n",
	    "t.yaml:5:66: bridges.support.on_uncertain: resend may repeat a message, and bill it again\n"
	    "t.yaml:5:95: bridges.support.labels: does nothing without its map\n" },
	{ URL ENDPOINTS
	    "bridges: {support: {customers: shop, agents: desk, labels: both, assignment: to_agents, map: {agents: same, labels: {a: x, b: X, \"*\": x}}}}\n",
	    "t.yaml:5:127: bridges.support.map.labels.b: is \"X\" like \"a\", which is what comes back for both\n" },
	{ URL ENDPOINTS
	    "bridges:\n  a: {customers: shop, agents: desk, only: {tag: x}}\n  b: {customers: shop, agents: desk, only: {tag: y}}\n",
	    "t.yaml:7:44: bridges.b.only: differs from bridge a by tags alone: a conversation with tags of both is carried by both\n" },
	{ URL ENDPOINTS
	    "bridges:\n  a: {customers: shop, agents: desk, only: {channel: x}}\n  b: {customers: shop, agents: desk, only: {channel: y}}\n",
	    "" },
	{ URL ENDPOINTS
	    "bridges:\n  a: {customers: shop, agents: desk}\n  b: {customers: desk, agents: shop}\n",
	    "" },
};

static void test_warnings(void **state)
{
	struct mistakes m;
	struct config *c;
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(warned); i++) {
		c = load(warned[i].yaml, &m);
		told(&m, true, &out);
		assert_string_equal(out.data, warned[i].warnings);
		assert_non_null(c);
		assert_int_equal(m.exit, 0);
		buf_fini(&out);
		config_unref(c);
		mistakes_fini(&m);
	}
}

/* --- what comes of it -------------------------------------------------------------------------- */

static void test_defaults(void **state)
{
	struct mistakes m;
	struct config *c = load(URL ENDPOINTS BRIDGES, &m);
	const struct endpoint_conf *shop, *desk;
	const struct bridge_conf *b;

	(void)state;
	assert_non_null(c);
	mistakes_fini(&m); /* nothing of the configuration lies in there */
	assert_string_equal(c->path, "t.yaml");
	assert_null(c->instance_key);
	assert_int_equal(c->listen.count, 1);
	assert_string_equal(c->listen.items[0], "127.0.0.1:8480");
	assert_string_equal(c->store, "/var/lib/tieline/tieline.db");
	assert_int_equal(c->admin.how, ADMIN_LISTEN_ADDRESS);
	assert_string_equal(c->admin.listen, "127.0.0.1:8481");
	assert_int_equal(c->log.level, LOG_INFO);
	assert_int_equal(c->log.format, LOG_LOGFMT);
	assert_int_equal(c->limits.bodies, 32 << 20);
	assert_int_equal(c->limits.drain_msecs, 30000);
	assert_int_equal(c->limits.fuse.count, 30);
	assert_int_equal(c->retention.bodies_msecs, INT64_C(30) * 86400000);
	assert_true(c->retention.links_msecs == MSECS_NEVER);
	assert_int_equal(c->retention.callbacks_msecs, 0);
	assert_int_equal(c->alarms.backlog_age_msecs, 300000);

	assert_int_equal(c->nendpoints, 2);
	shop = config_endpoint(c, "shop");
	desk = config_endpoint(c, "desk");
	assert_ptr_equal(shop, &c->endpoints[0]);
	assert_null(config_endpoint(c, "nobody"));
	assert_string_equal(shop->connector->name, "smartify");
	assert_string_equal(shop->base_url, "https://panel.smartifyai.in/api");
	assert_string_equal(shop->host, "panel.smartifyai.in");
	assert_string_equal(shop->tenant, "5e2c35c8f0dbc10017bb3aac");
	assert_int_equal(shop->body_max, 4 << 20);
	assert_int_equal(desk->body_max, 8 << 20);
	assert_int_equal(shop->rate.count, 200);
	assert_int_equal(desk->rate.count, 2400);
	assert_int_equal(shop->concurrency, 4);
	assert_int_equal(shop->timeout_msecs, 20000);
	assert_int_equal(shop->webhook_secret.n, 1);
	assert_string_equal(shop->webhook_secret.v[0], "token-of-desk");
	assert_int_equal(shop->hook_key.n, 0);
	assert_false(shop->poll || shop->insecure);

	assert_int_equal(c->nbridges, 1);
	b = config_bridge(c, "support");
	assert_ptr_equal(b->customers, shop);
	assert_ptr_equal(b->agents, desk);
	assert_string_equal(b->tag, "a18603");
	assert_int_equal(b->reopen, REOPEN_NEW_AFTER);
	assert_int_equal(b->new_after_msecs, 7 * 86400000);
	assert_int_equal(b->agent_started, AGENT_STARTED_CREATE);
	assert_true(b->agent_names && b->failure_notice && b->quotes_inline);
	assert_false(b->system_lines || b->private_notes || b->resend_uncertain || b->markup_keep);
	assert_false(b->stop_on_rejected || b->labels_to_agents || b->profile_to_customers);
	assert_true(b->profile_to_agents && b->typing_to_customers && b->status_to_agents);
	assert_int_equal(b->mirror_agents, CHOICE_RELAY);
	assert_int_equal(b->take_over, TAKE_OVER_FIRST_ANSWER);
	assert_int_equal(b->only.nchannels, 0);
	assert_null(b->title);
	assert_int_equal(b->retention.raw_msecs, c->retention.raw_msecs);
	config_unref(c);
}

static void test_values(void **state)
{
	struct mistakes m;
	struct config *c;
	const struct bridge_conf *b;

	(void)state;
	c = load("public_url: https://relay.example.com/\nlimits: {body: 1MiB}\n"
		 "listen: ['127.0.0.1:1', '[::1]:2']\nadmin: {listen: none, socket: /tmp/s}\n"
		 "log: {level: debug, format: json}\nretention: {links: 60d, callbacks: 2h}\n"
		 "endpoints:\n" SHOP
		 ", rate: 0, concurrency: 64, receive: callbacks, reconcile: never}\n" DESK
		 ", base_url2: x}\n",
	    &m);
	assert_null(c);
	mistakes_fini(&m);
	c = load("public_url: https://relay.example.com/\nlimits: {body: 1MiB}\n"
		 "listen: ['127.0.0.1:1', '[::1]:2']\nadmin: {listen: none, socket: /tmp/s}\n"
		 "log: {level: debug, format: json}\nretention: {links: 60d, callbacks: 2h}\n"
		 "endpoints:\n" SHOP
		 ", rate: 0, concurrency: 64, receive: callbacks, reconcile: never}\n" DESK
		 ", hook_key: [0123456789abcdef, fedcba9876543210]}\n"
		 "bridges:\n  support:\n    customers: shop\n    agents: desk\n    reopen: always\n"
		 "    only: {channel: [web, app], tag: vip}\n    title: Help desk\n    bots: drop\n"
		 "    map: {labels: {a: b}, agents: same}\n    status: none\n"
		 "    retention: {bodies: 1d}\n    texts: {edited: Changed}\n",
	    &m);
	assert_non_null(c);
	mistakes_fini(&m); /* nothing of the configuration lies in there */
	assert_string_equal(c->public_url, "https://relay.example.com");
	assert_int_equal(c->listen.count, 2);
	assert_int_equal(c->admin.how, ADMIN_LISTEN_NONE);
	assert_int_equal(c->log.level, LOG_DEBUG);
	assert_int_equal(c->retention.callbacks_msecs, 7200000);
	assert_int_equal(c->endpoints[0].rate.count, 0);
	assert_int_equal(c->endpoints[0].concurrency, 64);
	assert_false(c->endpoints[0].poll);
	assert_true(c->endpoints[0].reconcile_msecs == MSECS_NEVER);
	assert_int_equal(c->endpoints[1].body_max, 1 << 20);
	assert_int_equal(c->endpoints[1].hook_key.n, 2);
	b = &c->bridges[0];
	assert_int_equal(b->reopen, REOPEN_ALWAYS);
	assert_int_equal(b->only.nchannels, 2);
	assert_string_equal(b->only.channels[1], "app");
	assert_string_equal(b->only.tags[0], "vip");
	assert_string_equal(b->title, "Help desk");
	assert_int_equal(b->bots, CHOICE_DROP);
	assert_true(b->map.agents.same && b->labels_to_agents && !b->attributes_to_agents);
	assert_false(b->status_to_agents || b->status_to_customers);
	assert_int_equal(b->retention.bodies_msecs, 86400000);
	assert_int_equal(b->retention.links_msecs, INT64_C(60) * 86400000);
	assert_string_equal(b->texts.values[0], "Changed");
	config_unref(c);
}

static void test_five_lines(void **state)
{
	static const char yaml[] =
	    "public_url: https://relay.example.com\n"
	    "endpoints:\n"
	    "  shop: {platform: smartify, project_id: 5e2c35c8f0dbc10017bb3aac, email: relay@example.com, password: \"${SMARTIFY_PASSWORD}\"}\n"
	    "  desk: {platform: chatwoot, base_url: https://chat.example.com, api_token: \"${TOKEN}\"}\n"
	    "bridges: {support: {customers: shop, agents: desk}}\n";
	struct mistakes m;
	struct config *c = load(yaml, &m);

	(void)state;
	assert_non_null(c);
	assert_int_equal(m.warnings, 2); /* no webhook_secret: that is for setup */
	assert_ptr_equal(config_ref(c), c);
	config_unref(c);
	config_unref(c);
	config_unref(NULL);
	mistakes_fini(&m);
}

/* --- where a value comes from ------------------------------------------------------------------ */

static void test_expansion(void **state)
{
	static const struct {
		const char *written, *value;
	} rows[] = {
		{ "'${TOKEN}'", "token-of-desk" },
		{ "'a${TOKEN}b${TOKEN}'", "atoken-of-deskbtoken-of-desk" },
		{ "'${UNSET_HERE:-text}'", "text" },
		{ "'${EMPTY:-a b:c}'", "a b:c" },
		{ "'${TOKEN:-text}'", "token-of-desk" },
		{ "'$$'", "$" },
		{ "'$${TOKEN}'", "${TOKEN}" },
		{ "'$TOKEN $ $'", "$TOKEN $ $" },
		{ "'a$'", "a$" },
		{ "'$$$$'", "$$" },
		{ "'x file:y'", "x file:y" },
		{ "'${YAML}'", "x, agents: shop}} #" },
	};
	struct mistakes m;
	struct config *c;
	struct buf yaml;
	size_t i;

	(void)state;
	setenv("YAML", "x, agents: shop}} #", 1);
	for (i = 0; i < COUNT(rows); i++) {
		buf_init(&yaml);
		buf_addf(&yaml,
		    URL ENDPOINTS "bridges: {s: {customers: shop, agents: desk, title: %s}}\n",
		    rows[i].written);
		c = load(yaml.data, &m);
		assert_non_null(c);
		assert_string_equal(c->bridges[0].title, rows[i].value);
		config_unref(c);
		mistakes_fini(&m);
		buf_fini(&yaml);
	}
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void test_files(void **state)
{
	char folder[] = "/tmp/test_config.XXXXXX", path[64], secret[64];
	struct mistakes m;
	struct config *c;
	struct buf out;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/t.yaml", folder);
	snprintf(secret, sizeof(secret), "%s/token", folder);
	write_file(secret, "s3cret\n\n", 0600);
	write_file(path,
	    URL
	    "endpoints:\n" SHOP
	    "}\n  desk: {platform: chatwoot, base_url: https://c.example, api_token: \"${TOKEN}\", webhook_secret: file:token}\n" BRIDGES,
	    0600);
	mistakes_init(&m);
	c = config_load(&(struct config_source){ .path = path }, &m);
	assert_null(c); /* one final line feed is removed, not two */
	mistakes_fini(&m);

	write_file(secret, "s3cret\n", 0600);
	mistakes_init(&m);
	c = config_load(&(struct config_source){ .path = path }, &m);
	assert_non_null(c);
	assert_int_equal(m.all, 0);
	assert_string_equal(c->endpoints[1].webhook_secret.v[0], "s3cret");
	config_unref(c);
	mistakes_fini(&m);

	write_file(secret, "s3cret", 0644);
	mistakes_init(&m);
	c = config_load(&(struct config_source){ .path = path }, &m);
	assert_non_null(c);
	assert_int_equal(m.warnings, 1);
	assert_string_equal(m.items[0].wrong, "the file of this secret can be read by everybody");
	config_unref(c);
	mistakes_fini(&m);

	/* What a file holds is not shown, not even where no secret is expected. */
	write_file(path, URL ENDPOINTS BRIDGES "log: {level: file:token}\n", 0600);
	mistakes_init(&m);
	assert_null(config_load(&(struct config_source){ .path = path }, &m));
	told(&m, false, &out);
	assert_null(strstr(out.data, "s3cret"));
	assert_non_null(strstr(out.data, "log.level: found what file"));
	buf_fini(&out);
	mistakes_fini(&m);

	unlink(path);
	unlink(secret);
	mistakes_init(&m);
	assert_null(config_load(&(struct config_source){ .path = path }, &m));
	assert_int_equal(m.exit, 66);
	assert_string_equal(m.items[0].wrong, "cannot be read: No such file or directory");
	mistakes_fini(&m);
	rmdir(folder);
}

static void test_ranks(void **state)
{
	static const char yaml[] = URL ENDPOINTS BRIDGES;
	static const char full[] = URL ENDPOINTS BRIDGES
	    "listen: 127.0.0.1:1\nadmin: {listen: 127.0.0.1:2}\nstore: sqlite:/a\nlog: {level: warn}\n";
	struct config_source source = { .path = "t.yaml", .text = yaml, .len = strlen(yaml) };
	struct mistakes m;
	struct config *c;

	(void)state;
	setenv("TIELINE_LISTEN", "0.0.0.0:8480", 1);
	setenv("TIELINE_ADMIN_LISTEN", "same", 1);
	setenv("TIELINE_STORE", "sqlite:/data/t.db", 1);
	mistakes_init(&m);
	c = config_load(&source, &m);
	assert_non_null(c);
	assert_string_equal(c->listen.items[0], "0.0.0.0:8480");
	assert_int_equal(c->admin.how, ADMIN_LISTEN_SAME);
	assert_string_equal(c->store, "/data/t.db");
	config_unref(c);
	mistakes_fini(&m);

	source = (struct config_source){ .path = "t.yaml", .text = full, .len = strlen(full) };
	mistakes_init(&m);
	c = config_load(&source, &m);
	assert_non_null(c);
	assert_string_equal(c->listen.items[0], "127.0.0.1:1");
	assert_string_equal(c->admin.listen, "127.0.0.1:2");
	assert_string_equal(c->store, "/a");
	assert_int_equal(c->log.level, LOG_WARN);
	config_unref(c);
	mistakes_fini(&m);

	source.listen = "127.0.0.1:9";
	source.log_level = "debug";
	mistakes_init(&m);
	c = config_load(&source, &m);
	assert_non_null(c);
	assert_string_equal(c->listen.items[0], "127.0.0.1:9");
	assert_int_equal(c->log.level, LOG_DEBUG);
	config_unref(c);
	mistakes_fini(&m);

	source.log_level = "loud";
	mistakes_init(&m);
	assert_null(config_load(&source, &m));
	assert_string_equal(m.items[0].key, "--log-level");
	mistakes_fini(&m);
	set_environment(NULL);
}

/* --- a platform that cannot be everything ------------------------------------------------------ */

struct fake_conf {
	const char *account, *port;
};

static const struct option fake_options[] = {
	{ "account", OPT_TEXT, offsetof(struct fake_conf, account), .help = "Which." },
	{ "port", OPT_TEXT, offsetof(struct fake_conf, port), .help = "Where." }, { 0 }
};

static int fake_configure(struct arena *a, struct endpoint_conf *e, void *conf, const char **key,
    struct err *err)
{
	struct fake_conf *c = conf;

	(void)a;
	e->tenant = c->account;
	if (c->port == NULL)
		return 0;
	*key = "port";
	return err_set(err, "is of no use");
}

static const struct caps customers_only = { .customers_side = true };
static const struct connector fake = { .name = "fake",
	.options = fake_options,
	.conf_size = sizeof(struct fake_conf),
	.caps = &customers_only,
	.default_base_url = "https://fake.example",
	.configure = fake_configure };
static const struct connector *const fakes[] = { &fake, NULL };

static const struct {
	const char *yaml, *mistakes;
} fake_wrong[] = {
	{ "  a: {platform: fake}\n  b: {platform: fake}\nbridges: {x: {customers: a, agents: b}}\n"
	  "public_url: https://r.example\n",
	    "t.yaml:4:37: bridges.x.agents: b cannot be an agents' side: nothing can be posted there as a customer\n" },
	{ "  a: {platform: fake, port: 7}\npublic_url: https://r.example\n",
	    "t.yaml:2:29: endpoints.a.port: is of no use\n" },
};

static void test_fake(void **state)
{
	struct mistakes m;
	struct buf yaml, out;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(fake_wrong); i++) {
		buf_init(&yaml);
		buf_addf(&yaml, "endpoints:\n%s", fake_wrong[i].yaml);
		mistakes_init(&m);
		assert_null(config_load(&(struct config_source){ .path = "t.yaml",
					    .text = yaml.data,
					    .len = yaml.len,
					    .connectors = fakes },
		    &m));
		told(&m, false, &out);
		assert_int_equal(m.count, 1);
		assert_true(
		    strncmp(out.data, fake_wrong[i].mistakes, strlen(fake_wrong[i].mistakes)) == 0);
		buf_fini(&out);
		mistakes_fini(&m);
		buf_fini(&yaml);
	}
}

static void test_many_bridges(void **state)
{
	struct mistakes m;
	struct buf yaml;
	int i;

	(void)state;
	buf_init(&yaml);
	buf_adds(&yaml, URL ENDPOINTS "bridges:\n");
	for (i = 0; i < 16; i++) {
		if (i == 15) {
			struct config *c = load(yaml.data, &m);

			assert_non_null(c);
			config_unref(c);
			mistakes_fini(&m);
		}
		buf_addf(&yaml, "  b%d: {customers: shop, agents: desk, only: {channel: c%d}}\n", i,
		    i);
	}
	assert_null(load(yaml.data, &m));
	assert_int_equal(m.count, 2); /* of both ends */
	assert_string_equal(m.items[0].wrong, "is an end of 16 bridges");
	assert_string_equal(m.items[0].allowed, "at most 15");
	mistakes_fini(&m);
	buf_fini(&yaml);
}

/* --- a reload ---------------------------------------------------------------------------------- */

static void test_reload(void **state)
{
	struct mistakes m, other;
	struct config *running = load(URL ENDPOINTS BRIDGES, &m);
	struct config *wanted = load(URL ENDPOINTS BRIDGES
	    "listen: 127.0.0.1:1\nlimits: {drain: 5s}\nadmin: {socket: /tmp/s}\n",
	    &other);

	(void)state;
	config_check_reload(running, running, &m);
	assert_int_equal(m.count, 0);
	config_check_reload(running, wanted, &m);
	assert_int_equal(m.count, 2);
	assert_string_equal(m.items[0].key, "listen");
	assert_string_equal(m.items[0].wrong, "needs a restart");
	assert_string_equal(m.items[1].key, "admin.socket");
	config_unref(running);
	config_unref(wanted);
	mistakes_fini(&m);
	mistakes_fini(&other);
}

/* --- the samples, and the tables themselves ---------------------------------------------------- */

static void test_samples(void **state)
{
	static const char *const names[] = { "tieline", "chatwoot-customers", "sandbox",
		"compose" };
	static const char *const keys[] = { "SHOP_HOOK_KEY", "DESK_HOOK_KEY", "SITE_HOOK_KEY",
		"TEAM_HOOK_KEY" };
	char path[512];
	struct mistakes m;
	struct config *c;
	struct buf out;
	size_t i;

	(void)state;
	setenv("CHATWOOT_TOKEN", "t", 1);
	setenv("SMARTIFY_WEBHOOK_SECRET", "s", 1);
	setenv("CHATWOOT_WEBHOOK_SECRET", "s", 1);
	for (i = 0; i < COUNT(keys); i++)
		setenv(keys[i], "0123456789abcdef", 1);
	for (i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/config/%s.yaml", TIELINE_SOURCE_DIR, names[i]);
		mistakes_init(&m);
		c = config_load(&(struct config_source){ .path = path }, &m);
		told(&m, false, &out);
		if (c == NULL)
			fail_msg("%s", out.data);
		assert_int_equal(c->nbridges, 1);
		buf_fini(&out);
		config_unref(c);
		mistakes_fini(&m);
	}
	set_environment(NULL);
}

static void check_table(const struct option *table)
{
	struct arena *a = arena_new();
	const struct option *o;

	for (o = table; o->name != NULL; o++) {
		if (o->help == NULL || o->help[0] == '\0')
			fail_msg("%s has no help", o->name);
		assert_true(strlen(option_allowed(a, o)) > 0);
		assert_true(o->type != OPT_CUSTOM || o->read != NULL);
		assert_true((o->type != OPT_WORD && o->type != OPT_FLAG) || o->words != NULL);
		assert_ptr_equal(option_find(table, o->name), o);
	}
	arena_free(a);
}

static void test_tables(void **state)
{
	const struct connector *const *c;

	(void)state;
	check_table(config_process_options());
	check_table(config_endpoint_options());
	check_table(config_bridge_options());
	for (c = connector_all(); *c != NULL; c++)
		check_table((*c)->options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manual),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_five_lines),
		cmocka_unit_test(test_expansion),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_ranks),
		cmocka_unit_test(test_fake),
		cmocka_unit_test(test_many_bridges),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, set_environment, NULL);
}
