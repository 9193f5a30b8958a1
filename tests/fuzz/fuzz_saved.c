/* Any bytes as a document that somebody has saved of any platform: words that say what is wrong, or a page, which
 * can then be read as that platform's answer. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "connector/chatwoot/chatwoot.h"
#include "connector/smartify/smartify.h"
#include "connector/smartsender/smartsender.h"
#include "look.h"
#undef MEMO_TOKEN /* each platform has its own words, and nobody else sees two of them */
#include "connector/syniverse/syniverse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_page(const struct connector *c, const struct via *via, struct arena *a,
    const struct saved_page *p, const struct http_resp *resp)
{
	const struct known known = { .conversation = p->conversation },
			   one = { .conversation = "57" };
	struct job job = { .kind = JOB_PAGE,
		.attempt = 1,
		.step = STEP_LIST_CONVERSATIONS,
		.known = &known,
		.cursor = p->cursor };

	if (p->tells_conversations)
		look_at_answer(c, via, a, &job, resp);
	job.step = STEP_LIST_MESSAGES;
	job.known = &one;
	job.cursor = NULL;
	if (p->tells_messages)
		look_at_answer(c, via, a, &job, resp);
}

static void recognise(const char *platform, const void *conf, const char *name,
    const struct http_resp *resp)
{
	const struct connector *c = connector_find(platform);
	const struct endpoint_conf endpoint = { .name = "there",
		.host = "there.example.com",
		.base_url = "https://there.example.com",
		.tenant = "5e2c35c8f0dbc10017bb3aac",
		.connector = c,
		.conf = conf };
	const struct via via = { .endpoint = &endpoint, .conf = conf, .now_ms = 1795207000000 };
	struct arena *a = arena_new();
	struct parse_error error = { 0 };
	struct saved_page p;

	if (c->recognise(&via, a, name, resp->body, resp->body_len, &p, &error) == 0) {
		must_be_text(p.conversation);
		read_page(c, &via, a, &p, resp);
	} else if (error.detail == NULL || strstr(error.detail, "allowed: ") == NULL
	    || error.offset > resp->body_len) {
		abort();
	} else {
		must_be_text(error.detail);
	}
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct smartify_conf shop = { .project_id = "5e2c35c8f0dbc10017bb3aac",
		.channel = "tieline" };
	static const struct chatwoot_conf mail = { .account = "1", .inbox = "12" };
	static const struct smartsender_conf front = { .user_id_path = "userId",
		.timezone = "UTC",
		.text_max = 4096 };
	static const struct syniverse_conf hotel = { .scg_from = "Sn1d", .text_max = 1500 };
	struct arena *a = arena_new();
	struct http_resp resp = { .sent = true, .status = 200, .body_len = len };

	resp.body = arena_memdup(a, data, len);
	recognise(SMARTIFY_PLATFORM, &shop, "a.json", &resp);
	recognise("chatwoot", &mail, "messages-57.json", &resp);
	recognise(SMARTSENDER_PLATFORM, &front, "chats-closed.json", &resp);
	recognise(SYNIVERSE_PLATFORM, &hotel, "a.json", &resp);
	arena_free(a);
	return 0;
}
