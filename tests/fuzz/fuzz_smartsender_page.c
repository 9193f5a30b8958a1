/* Any bytes as what Smart Sender answers, and as the call of a funnel: events whose every text can be read, or
 * a reason. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "connector/connector.h"
#include "connector/smartsender/smartsender.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

extern const struct connector smartsender_connector;

static void must_be_text(const char *text)
{
	if (text != NULL && !utf8_valid(text, strlen(text)))
		abort();
}

static void look_at(const struct event *e)
{
	size_t i;

	must_be_text(e->key);
	must_be_text(e->remote);
	must_be_text(e->text);
	must_be_text(e->author.name);
	must_be_text(e->person.identity);
	must_be_text(e->person.name);
	must_be_text(e->extra);
	must_be_text(e->channel);
	for (i = 0; i < e->nattachments; i++) {
		must_be_text(e->attachments[i].url);
		must_be_text(e->attachments[i].contact_name);
	}
	if (e->drop == DROP_NONE && (e->key == NULL || e->author.role > ROLE_SYSTEM))
		abort();
	if (e->kind == EVENT_MESSAGE && e->remote == NULL)
		abort();
}

static void look_at_all(const struct event_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		look_at(&list->items[i]);
}

static void answered(const struct via *via, struct arena *a, const struct job *job,
    const struct http_resp *resp)
{
	struct outcome out = { .effect = { .kind = EFFECT_UNSURE } };

	smartsender_connector.interpret(via, a, job, resp, &out);
	look_at_all(&out.events);
	must_be_text(out.effect.why);
	must_be_text(out.cursor);
	if (out.effect.kind >= EFFECT_COUNT)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct smartsender_conf conf = { .user_id_path = "userId",
		.timezone = "UTC",
		.text_max = 4096 };
	static const struct endpoint_conf endpoint = { .name = "front",
		.host = "api.smartsender.com",
		.conf = &conf };
	static const struct known known = { .conversation = "71234" };
	static const struct message message = { .text = "Hello", .parts = 1 };
	struct via via = { .endpoint = &endpoint, .conf = &conf, .now_ms = 1795207000000 };
	struct arena *a = arena_new();
	struct http_in hook = { .method = "POST", .body_len = len };
	struct http_resp resp = { .sent = true, .status = 200, .body_len = len };
	struct job job = { .kind = JOB_PAGE, .step = STEP_LIST_MESSAGES, .known = &known };
	struct event_list list = { 0 };
	struct parse_error error;
	const char *cursor;

	resp.body = hook.body = arena_memdup(a, data, len);
	if (smartsender_connector.parse(&via, a, &hook, &list, &error) != 0
	    && (list.count != 0 || error.reason == UNPARSABLE_NONE || error.offset > len))
		abort();
	look_at_all(&list);
	list = (struct event_list){ 0 };
	if (smartsender_connector.parse_page(&via, a, "71234", &resp, &list, &cursor, &error) == 0)
		look_at_all(&list);
	answered(&via, a, &job, &resp);
	job.step = STEP_LIST_CONVERSATIONS;
	job.known = &(const struct known){ 0 };
	answered(&via, a, &job, &resp);
	job = (struct job){ .kind = JOB_LOOK,
		.in_doubt = STEP_SEND,
		.known = &known,
		.message = &message };
	answered(&via, a, &job, &resp);
	job.kind = JOB_DELIVER;
	answered(&via, a, &job, &resp);
	job.kind = JOB_ENDPOINT;
	answered(&via, a, &job, &resp);
	arena_free(a);
	return 0;
}
