/* Any bytes as what Smart Sender answers, and as the call of a funnel: events whose every text can be read, or
 * a reason. */
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "connector/connector.h"
#include "connector/smartsender/smartsender.h"
#include "look.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

extern const struct connector smartsender_connector;

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
	if (smartsender_connector.parse(&via, a, &hook, &list, &error) != 0)
		look_at_error(&list, &error, len);
	look_at_events(&list);
	list = (struct event_list){ 0 };
	if (smartsender_connector.parse_page(&via, a, "71234", &resp, &list, &cursor, &error) == 0)
		look_at_events(&list);
	look_at_answer(&smartsender_connector, &via, a, &job, &resp);
	job.step = STEP_LIST_CONVERSATIONS;
	job.known = &(const struct known){ 0 };
	look_at_answer(&smartsender_connector, &via, a, &job, &resp);
	job = (struct job){ .kind = JOB_LOOK,
		.in_doubt = STEP_SEND,
		.known = &known,
		.message = &message };
	look_at_answer(&smartsender_connector, &via, a, &job, &resp);
	job.kind = JOB_DELIVER;
	look_at_answer(&smartsender_connector, &via, a, &job, &resp);
	job.kind = JOB_ENDPOINT;
	look_at_answer(&smartsender_connector, &via, a, &job, &resp);
	arena_free(a);
	return 0;
}
