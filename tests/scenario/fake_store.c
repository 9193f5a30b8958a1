/* See fake_store.h. The linker leads store_submit here (--wrap); all else of store.c is the real one. */
#include "fake_store.h"

#include <sys/queue.h>

int __wrap_store_submit(struct store *s, struct store_op *op);

struct box {
	struct store_op *first, **last;
	size_t count;
};

static struct box todo = { NULL, &todo.first, 0 }, finished = { NULL, &finished.first, 0 };
static struct {
	int kind, times;
	enum store_fault fault;
} failing;
bool mailbox_is_full;

static void put(struct box *b, struct store_op *op)
{
	op->next = NULL;
	*b->last = op;
	b->last = &op->next;
	b->count++;
}

static struct store_op *take(struct box *b)
{
	struct store_op *op = b->first;

	if (op == NULL)
		return NULL;
	b->first = op->next;
	if (b->first == NULL)
		b->last = &b->first;
	b->count--;
	op->next = NULL;
	return op;
}

static bool may_use_reserved(enum store_kind kind)
{
	return kind == STORE_STEP || kind == STORE_SETTLE || kind == STORE_ECHO
	    || kind == STORE_CLAIM;
}

int __wrap_store_submit(struct store *s, struct store_op *op)
{
	(void)s;
	if (mailbox_is_full && !may_use_reserved(op->kind))
		return -1;
	put(&todo, op);
	return 0;
}

static bool must_fail(const struct store_op *op)
{
	if (failing.times == 0 || (failing.kind != ANY_KIND && failing.kind != (int)op->kind))
		return false;
	if (failing.times > 0)
		failing.times--;
	return true;
}

bool mailbox_commit(struct store *s)
{
	struct store_op *op = take(&todo);

	if (op == NULL)
		return false;
	if (must_fail(op)) {
		op->result = -1;
		op->fault = failing.fault;
		err_set(&op->err, "the test lets it fail");
	} else {
		store_run(s, op);
	}
	put(&finished, op);
	return true;
}

bool mailbox_tell(void)
{
	struct store_op *op = take(&finished);

	if (op == NULL)
		return false;
	op->done(op);
	return true;
}

size_t mailbox_todo(void)
{
	return todo.count;
}

size_t mailbox_finished(void)
{
	return finished.count;
}

void mailbox_kill(void)
{
	todo = (struct box){ NULL, &todo.first, 0 };
	finished = (struct box){ NULL, &finished.first, 0 };
}

void mailbox_fail(int kind, enum store_fault fault, int times)
{
	failing.kind = kind;
	failing.fault = fault;
	failing.times = times;
}

void mailbox_mend(void)
{
	failing.times = 0;
	mailbox_is_full = false;
}
