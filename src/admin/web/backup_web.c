/* See backup_web.h. It is answered when the copy is on disk. */
#include "admin/web/backup_web.h"

#include "admin/web/api.h"
#include "admin/web/web.h"
#include "base/arena.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "base/log.h"
#include "flow/backup.h"

struct asked {
	struct api_call *api;
	struct backup backup;
};

static void refuse(const struct asked *q)
{
	const struct op_backup *op = &q->backup.op;

	LOG(LOG_WARN, "backup", F_STR("file", q->backup.file), F_STR("err", op->why.text),
	    F_STR("who", q->api->who));
	if (op->is_there)
		api_problem(q->api, API_CONFLICT, op->why.text,
		    "name a file that is not there; FILE.part is the rest of a backup that was cut off");
	else if (op->how == STORE_OPEN_MISSING || op->how == STORE_OPEN_UNWRITABLE)
		api_problem(q->api, API_INVALID, op->why.text,
		    "name a place where the relay's user may write");
	else
		api_problem(q->api, API_STORE, op->why.text, "see whether the disk is full");
}

static void on_done(struct backup *b)
{
	struct asked *q = b->arg;
	struct json_out *o;
	const char *body;
	size_t len;

	if (b->op.has_failed) {
		refuse(q);
		return;
	}
	LOG(LOG_INFO, "backup", F_STR("file", b->file), F_INT("bytes", b->op.bytes),
	    F_INT("took_ms", b->took_msecs), F_STR("who", q->api->who));
	o = json_out_new(q->api->arena);
	json_begin_object(o);
	json_member_text(o, "file", b->file);
	json_member_int(o, "bytes", b->op.bytes);
	json_member_int(o, "took_ms", b->took_msecs);
	json_end_object(o);
	body = json_done(o, &len);
	api_reply(q->api, 200, body, len);
}

void backup_web_start(struct api_call *c)
{
	struct asked *q = ARENA_NEW(c->arena, struct asked);
	const struct json *body;

	if (!api_is_socket(c, "a backup holds secrets, and is a file of the server's"))
		return;
	body = api_body(c);
	if (body == NULL)
		return;
	q->api = c;
	q->backup.flow = c->web->flow;
	q->backup.file = json_text(body, "file");
	q->backup.done = on_done;
	q->backup.arg = q;
	if (q->backup.file == NULL || q->backup.file[0] != '/')
		api_problem(c, API_INVALID, "file: an absolute path", NULL);
	else if (backup_start(&q->backup) != 0)
		api_problem(c, API_BUSY, "another backup is under way", "wait for it");
}
