/* Any bytes as what the messaging API of Syniverse answers: pages, sends, look-ups, what the endpoint asks for
 * itself, and what setup looks at. Every text can be read, and no walk through pages stands still. */
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "connector/connector.h"
#include "connector/setup.h"
#include "connector/syniverse/syniverse.h"
#include "look.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

extern const struct connector syniverse_connector;

static void looked_at(const struct via *via, struct arena *a, const struct http_resp *resp)
{
	struct setup s = { .arena = a,
		.via = *via,
		.drawn = "a-secret-0123456789",
		.may_change = true };
	const struct connector_setup *setup = connector_setup_find(SYNIVERSE_PLATFORM);
	struct setup_step step;
	size_t i;
	int n;

	for (n = 0; n < 8 && setup->next(&s, &step); n++) {
		setup_learn(&s, step.name, "done");
		setup->judge(&s, &step, resp);
	}
	for (i = 0; i < s.nlines; i++)
		must_be_text(s.lines[i].found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const addresses[] = { NULL, "+15555550123" };
	struct syniverse_conf conf = { .user = "boss@acme-hotel",
		.password = "p",
		.act_for = "boss@acme-hotel",
		.chat_base_url = "https://chat.example.com",
		.inbound = "chat_api",
		.scg_from = "Sn1d",
		.scg_token = "t",
		.text_max = 1500 };
	struct endpoint_conf endpoint = { .name = "hotel",
		.host = "api.example.com",
		.base_url = "https://api.example.com",
		.connector = &syniverse_connector,
		.conf = &conf,
		.tenant = "acme-hotel" };
	static const struct message message = { .text = "Hello", .parts = 1, .mark = "tl1:x" };
	struct via via = { .endpoint = &endpoint, .conf = &conf, .now_ms = 1795207000000 };
	struct arena *a = arena_new();
	struct http_resp resp = { .sent = true, .status = 200, .body_len = len };
	struct known known = { 0 };
	struct job job = { .kind = JOB_PAGE, .known = &known, .message = &message };
	struct event_list list = { 0 };
	struct parse_error error;
	const char *cursor;
	size_t i;

	resp.body = arena_memdup(a, data, len);
	if (syniverse_connector.parse_page(&via, a, NULL, &resp, &list, &cursor, &error) == 0)
		look_at_events(&list);
	for (i = 0; i < 2; i++) {
		known.conversation = addresses[i];
		job.step = i == 0 ? STEP_LIST_CONVERSATIONS : STEP_LIST_MESSAGES;
		look_at_answer(&syniverse_connector, &via, a, &job, &resp);
	}
	known.message = "mo1";
	look_at_answer(&syniverse_connector, &via, a, &job, &resp);
	job = (struct job){ .kind = JOB_LOOK,
		.in_doubt = STEP_SEND,
		.known = &known,
		.message = &message };
	look_at_answer(&syniverse_connector, &via, a, &job, &resp);
	job.kind = JOB_DELIVER;
	look_at_answer(&syniverse_connector, &via, a, &job, &resp);
	job = (struct job){ .kind = JOB_ENDPOINT, .cursor = "session", .attempt = 1 };
	look_at_answer(&syniverse_connector, &via, a, &job, &resp);
	looked_at(&via, a, &resp);
	arena_free(a);
	return 0;
}
