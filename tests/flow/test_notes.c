/* No customer ever reads what the team notes. Every platform, at either side, is handed notes as if all that
 * should have stopped them had failed: whatever it then asks of the far side with a word of them in it has to
 * say that it is the team's alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/mistakes.h"
#include "config/config.h"
#include "connector/connector.h"
#include "core/file.h"
#include "flow/plan.h"

#define SECRET "fraudster"

#define ENDPOINTS \
	"public_url: https://relay.example.com\n" \
	"endpoints:\n" \
	"  shop: {platform: smartify, project_id: 5e2c35c8f0dbc10017bb3aac, email: a@b.example," \
	" password: secret, webhook_secret: secret}\n" \
	"  team: {platform: smartify, project_id: 5e2c35c8f0dbc10017bb3aad, email: a@b.example," \
	" password: secret, webhook_secret: secret}\n" \
	"  site: {platform: chatwoot, base_url: https://chat.example.com, api_token: secret," \
	" account_id: 1, inbox_id: 11, webhook_secret: secret}\n" \
	"  desk: {platform: chatwoot, base_url: https://chat.example.com, api_token: secret," \
	" account_id: 2, inbox_id: 12, webhook_secret: secret}\n" \
	"  crm: {platform: smartsender, api_token: secret}\n" \
	"  sms: {platform: syniverse, user: r@acme, password: secret, scg_from: '1', scg_token: " \
	"secret, webhook_secret: secret}\n"

/* As an earlier life may have run it; today it is refused where one end has no notes. */
#define OPTIONS ", private_notes: drop, system_lines: note}\n"

static const char config_text[] = ENDPOINTS
    "bridges:\n"
    "  b1: {customers: shop, agents: desk" OPTIONS "  b2: {customers: site, agents: team" OPTIONS
    "  b3: {customers: crm, agents: desk" OPTIONS "  b4: {customers: sms, agents: desk" OPTIONS
    "  b5: {customers: crm, agents: team" OPTIONS "  b6: {customers: sms, agents: team" OPTIONS;

static struct config *load(struct mistakes *m, const char *text)
{
	mistakes_init(m);
	return config_load(&(struct config_source){ .path = "t.yaml",
			       .text = text,
			       .len = strlen(text) },
	    m);
}

/* ---- what is asked ---- */

static const char *part_of(const struct http_req *req, const char *name)
{
	size_t i;

	for (i = 0; i < req->nparts; i++)
		if (strcmp(req->parts[i].name, name) == 0)
			return req->parts[i].body;
	return NULL;
}

static bool tells(const struct http_req *req)
{
	size_t i;

	if (strstr(req->url, SECRET) != NULL
	    || (req->body != NULL && strstr(req->body, SECRET) != NULL))
		return true;
	for (i = 0; i < req->nparts; i++)
		if ((req->parts[i].body != NULL && strstr(req->parts[i].body, SECRET) != NULL)
		    || (req->parts[i].filename != NULL
			&& strstr(req->parts[i].filename, SECRET) != NULL))
			return true;
	return false;
}

/* An upload puts a file where only who is told its address finds it. */
static bool is_for_the_team(struct arena *a, const struct http_req *req, enum step step)
{
	const char *private = part_of(req, "private"), *subtype;
	struct json_error error;
	const struct json *j;

	if (step == STEP_UPLOAD)
		return true;
	if (req->nparts > 0)
		return private != NULL && strcmp(private, "true") == 0;
	j = json_read(a, req->body, req->body_len, &error);
	subtype = json_text(j, "attributes.subtype");
	return json_true(j, "private")
	    || (subtype != NULL
		&& (strcmp(subtype, "private") == 0 || strcmp(subtype, "info") == 0));
}

struct case_of {
	const char *what;
	bool is_line, is_linked, has_file, is_long, is_closed;
};

static const struct case_of kinds[] = {
	{ "a note", .is_linked = true },
	{ "a note with a file", .is_linked = true, .has_file = true },
	{ "a long note", .is_linked = true, .is_long = true },
	{ "a note in what is closed", .is_linked = true, .is_closed = true },
	{ "a note that is the first", 0 },
	{ "a note with a file that is the first", .has_file = true },
	{ "a line", .is_line = true, .is_linked = true },
	{ "a line that is the first", .is_line = true },
};

static const char *words_of(struct arena *a, const struct case_of *k)
{
	size_t len = k->is_long ? 700000 : 0, i;
	char *text = arena_alloc(a, len + 64);

	for (i = 0; i < len; i++)
		text[i] = i % 10 == 9 ? ' ' : 'x';
	snprintf(text + len, 64, " a %s, mind {{ him }}", SECRET);
	return text;
}

/* How many requests tell of it. */
static int hand_over(const struct bridge_conf *b, enum side to, const struct case_of *k)
{
	static const struct row_lane lane;
	static const struct person person = { .identity = "tel:+15550100001",
		.address = "+15550100001",
		.name = "Ann" };
	static const struct keys keys;
	struct arena *a = arena_new();
	const struct endpoint_conf *target = to == SIDE_AGENTS ? b->agents : b->customers;
	const struct endpoint_conf *from = to == SIDE_AGENTS ? b->customers : b->agents;
	const struct via via = { .endpoint = target,
		.conf = target->conf,
		.keys = &keys,
		.explain = true };
	const struct event event = {
		.kind = EVENT_MESSAGE,
		.key = "m:7",
		.remote = "7",
		.conversation = "57",
		.author = { k->is_line ? ROLE_SYSTEM : ROLE_AGENT, "9", "Bob" },
		.is_private = !k->is_line,
		.flags = k->is_line ? EVENT_IS_SYSTEM : 0,
		.text = words_of(a, k),
		.format = FORMAT_MARKDOWN,
		.nattachments = k->has_file ? 1 : 0,
		.attachments =
		    &(const struct attachment){ .kind = ATTACHMENT_FILE, .name = SECRET ".pdf" },
	};
	const struct row_link link = { .id = k->is_linked,
		.generation = 1,
		.customers_remote = k->is_linked || to == SIDE_AGENTS ? "57" : NULL,
		.agents_remote = k->is_linked || to == SIDE_CUSTOMERS ? "58" : NULL,
		.customers_state = k->is_closed ? STATE_RESOLVED : STATE_OPEN,
		.agents_state = k->is_closed ? STATE_RESOLVED : STATE_OPEN };
	const struct cargo cargo = { .keys = &keys,
		.event = &event,
		.bridge = b,
		.to = to,
		.target = via,
		.desk = via,
		.from = from,
		.customers = b->customers,
		.link = &link,
		.lane = &lane,
		.person = &person,
		.reopen = k->is_closed };
	const struct file file = { ATTACHMENT_FILE, SECRET ".pdf", "application/pdf", 9, "/tmp/x",
		NULL, "https://relay.example.com/media/1" };
	struct composed words;
	struct effect refused;
	struct known known;
	struct plan plan;
	int told = 0;
	size_t i;

	plan_words(a, &cargo, &words, &known);
	compose_files(a, &words, &file, k->has_file);
	if (!plan_steps(a, &via, &words, &known, &plan, &refused))
		plan.count = 0;
	for (i = 0; i < plan.count; i++) {
		const struct job job = { .kind = JOB_DELIVER,
			.step = plan.steps[i].step,
			.attempt = 1,
			.message = &words.message,
			.known = &known };
		struct http_req req = { 0 };

		assert_int_not_equal(job.step, to == SIDE_CUSTOMERS ? STEP_REOPEN : STEP_NONE);
		assert_int_not_equal(job.step, STEP_TAKE_OVER);
		compose_part(&words, plan.steps[i].part);
		target->connector->build(&via, a, &job, &req);
		if (tells(&req) && !is_for_the_team(a, &req, job.step))
			fail_msg("%s at %s, %s: %s %s tells a customer: %.300s", k->what,
			    target->name, to == SIDE_AGENTS ? "agents" : "customers",
			    step_word((int)job.step), req.url, req.body != NULL ? req.body : "");
		told += tells(&req);
	}
	arena_free(a);
	return told;
}

static void no_customer_reads_a_note(void **state)
{
	struct mistakes m;
	struct config *c = load(&m, config_text);
	size_t i, k;
	int told;

	(void)state;
	mistakes_fini(&m);
	assert_non_null(c);
	for (i = 0; i < c->nbridges; i++)
		for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			const struct bridge_conf *b = &c->bridges[i];

			/* It does get to the agents, or this would prove nothing. */
			assert_true(hand_over(b, SIDE_AGENTS, &kinds[k]) > 0);
			told = hand_over(b, SIDE_CUSTOMERS, &kinds[k]);
			if (!b->customers->caps->keeps_notes || kinds[k].is_line
			    || !kinds[k].is_linked)
				assert_int_equal(told, 0);
			else
				assert_true(told > 0);
		}
	config_unref(c);
}

/* Who has nothing that only the team sees cannot be asked to keep notes. */
static void what_has_no_notes_is_refused(void **state)
{
	static const char *const ends[] = { "crm", "sms" };
	char text[4096];
	struct mistakes m;
	struct config *c;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(text, sizeof(text),
		    "%sbridges:\n  b: {customers: %s, agents: desk, private_notes: mirror}\n",
		    ENDPOINTS, ends[i]);
		c = load(&m, text);
		assert_null(c);
		for (n = 0; n < m.all && m.items[n].warning; n++)
			;
		assert_true(n < m.all);
		assert_string_equal(m.items[n].key, "bridges.b.private_notes");
		mistakes_fini(&m);
	}
	c = load(&m,
	    ENDPOINTS "bridges:\n  b: {customers: shop, agents: desk, private_notes: mirror}\n");
	assert_non_null(c);
	mistakes_fini(&m);
	config_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_customer_reads_a_note),
		cmocka_unit_test(what_has_no_notes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
