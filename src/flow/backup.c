/* See backup.h. */
#include "flow/backup.h"

#include "base/loop.h"

#define PAUSE_MSECS 5

static void end(struct backup *b)
{
	b->flow->backup = NULL;
	loop_timer_free(b->timer);
	b->timer = NULL;
	b->took_msecs = loop_mono_ms(b->flow->loop) - b->began_ms;
	b->done(b);
}

static void on_step(struct store_op *op)
{
	struct backup *b = (struct backup *)((char *)op - offsetof(struct backup, op.op));

	if (op->result != 0 && b->op.step == BACKUP_COPY) {
		b->op.why = op->err;
		b->op.step = BACKUP_STOP; /* else half a copy, and who reads for it, would stay */
	} else if (op->result == 0 && b->op.step == BACKUP_STOP) {
		b->op.has_failed = true;
		b->op.how = STORE_OPEN_DISK;
	}
	if (b->op.is_done || b->op.has_failed)
		end(b);
	else
		loop_timer_set(b->timer, PAUSE_MSECS);
}

/* Where the store has no room for it now, messages go first. */
static void go_on(void *arg)
{
	struct backup *b = arg;

	b->op.op = (struct store_op){ .kind = STORE_BACKUP, .done = on_step };
	if (flow_offer(b->flow, &b->op.op) != 0)
		loop_timer_set(b->timer, PAUSE_MSECS * 10);
}

int backup_start(struct backup *b)
{
	if (b->flow->backup != NULL)
		return -1;
	b->flow->backup = b;
	b->began_ms = loop_mono_ms(b->flow->loop);
	b->timer = loop_timer_new(b->flow->loop, go_on, b);
	b->op = (struct op_backup){ .step = BACKUP_COPY, .file = b->file };
	go_on(b);
	return 0;
}

void backup_end(struct flow *f)
{
	struct backup *b = f->backup;

	if (b == NULL)
		return;
	b->op.has_failed = true;
	b->op.how = STORE_OPEN_DISK;
	err_set(&b->op.why, "the relay stops");
	end(b);
}
