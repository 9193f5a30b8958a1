/* The mailbox and its thread.
 *
 *   store_submit ─▶ turn ─▶ todo ─▶ batch, one transaction ─▶ finished ─▶ done
 *      (loop)      (loop)        (thread)                               (loop)
 *
 * What the loop submits is handed over together, as soon as it has nothing else to do: one lock and one
 * wake-up, and no first batch of one. A loop that has more to do goes on, so that on a quick disk a busy
 * relay does not pay for a commit every few messages; but for HAND_OVER_MSECS at most, and HAND_OVER_COUNT
 * operations are enough. The thread takes whatever is there, at most BATCH_MAX, and never waits for more:
 * while it waits for the disk, more comes. One mutex guards todo, finished and the counts; the thread alone
 * touches the database. */
#include "store/store.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "store/driver.h"

#define BATCH_MAX 256
#define HAND_OVER_COUNT 64
#define HAND_OVER_MSECS 1
#define MAILBOX_DEFAULT 4096
/* This part of the mailbox is for those that end a delivery: they make room, so they get in. */
#define RESERVED_PART 4
/* So many operations in a row that fail at the disk: the others of the batch would as well. */
#define HOPELESS 4
/* Damage that nobody meets for so long may be mended: nobody tries while we say that there is some. */
#define DAMAGED_MSECS 15000

struct queue {
	struct store_op *first, **last;
	size_t count;
};

static const struct store_driver *const drivers[] = { &store_sqlite };

struct store {
	const struct store_driver *driver;
	struct store_db *db;
	int mailbox;
	bool is_started, is_closing; /* the loop's */
	struct loop_later *idle;
	struct loop_timer *busy;
	struct loop_wake *wake;
	struct queue turn;  /* the loop's: submitted and not handed over */
	atomic_int waiting; /* submitted and not yet finished */
	pthread_t thread;

	pthread_mutex_t lock;
	pthread_cond_t more;
	struct queue todo, finished;
	bool is_ending;
	int64_t working_since_ms; /* monotonic; 0: idle */
	int64_t commits, operations;
	enum store_fault last_fault;
	enum store_kind damaged; /* what met the damage, while last_fault is that; monotonic when */
	int64_t damaged_ms;
	struct store_numbers numbers;
};

/* ---- queues ---- */

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
	q->count = 0;
}

static void queue_add(struct queue *q, struct store_op *op)
{
	op->next = NULL;
	*q->last = op;
	q->last = &op->next;
	q->count++;
}

static void queue_move(struct queue *to, struct queue *from)
{
	if (from->count == 0)
		return;
	*to->last = from->first;
	to->last = from->last;
	to->count += from->count;
	queue_init(from);
}

static void queue_take(struct queue *from, struct queue *to, size_t most)
{
	struct store_op *op;

	queue_init(to);
	while (to->count < most && (op = from->first) != NULL) {
		from->first = op->next;
		from->count--;
		queue_add(to, op);
	}
	if (from->first == NULL)
		from->last = &from->first;
}

/* ---- running operations ---- */

static bool is_reading(enum store_kind kind)
{
	switch (kind) {
	case STORE_ECHO:
	case STORE_LOAD:
	case STORE_STATUS:
	case STORE_KNOWN:
	case STORE_SWEEP_GET:
	case STORE_PARKED:
	case STORE_TRACE:
	case STORE_RAW_READ:
	case STORE_CALLBACK_OF:
	case STORE_BACKUP:
	case STORE_PERSON:
	case STORE_PERSON_SAID:
	case STORE_CONTROLLED:
	case STORE_MEDIA_GET:
	case STORE_MEDIA_LOAD:
	case STORE_ERRAND:
	case STORE_ERRANDS:
	case STORE_ALARMS:
	case STORE_HOURS:
	case STORE_MIRROR:
	case STORE_MIRRORS:
	case STORE_MIGRATIONS:
	case STORE_MIGRATION_ITEMS:
	case STORE_MIGRATION_LOOK:
	case STORE_MIGRATION_LINKS:
	case STORE_MIGRATION_FACTS:
	case STORE_MIGRATION_MADE:
	case STORE_LINKS:
	case STORE_PAIRED:
	case STORE_VIEW: return true;
	case STORE_APPEND:
	case STORE_ROUTE:
	case STORE_CLAIM:
	case STORE_STEP:
	case STORE_SETTLE:
	case STORE_STATE:
	case STORE_ENDPOINT:
	case STORE_RAW:
	case STORE_RETAIN:
	case STORE_CALLBACK:
	case STORE_PERSON_ERASE:
	case STORE_SWEEP_SET:
	case STORE_MEND:
	case STORE_CONTROL:
	case STORE_MEDIA_OPEN:
	case STORE_MEDIA_SET:
	case STORE_MEDIA_KEEP:
	case STORE_MEDIA_RETAIN:
	case STORE_ERRAND_DONE:
	case STORE_HEARD:
	case STORE_HEAR:
	case STORE_MIRROR_ASK:
	case STORE_MIRROR_DONE:
	case STORE_QUESTION:
	case STORE_QUESTIONS:
	case STORE_RECEIPT:
	case STORE_SHIFT:
	case STORE_MIGRATION:
	case STORE_MIGRATION_ITEM:
	case STORE_MIGRATION_END:
	case STORE_ADOPT:
	case STORE_ALARM:
	case STORE_HOUR:
	case STORE_PROBE: return false;
	}
	return false;
}

static void op_succeed(struct store_op *op)
{
	op->result = 0;
	op->fault = STORE_FAULT_NONE;
	op->err.text[0] = '\0';
}

static void op_fail(struct store_op *op, const struct store_failure *failure)
{
	op->result = -1;
	op->fault = failure->fault;
	op->err = failure->err;
	op->is_changed = false;
}

static void count_commit(struct store *s, const struct store_op *ops, int64_t took_us)
{
	const struct store_op *op;
	size_t count = 0;

	for (op = ops; op != NULL; op = op->next)
		count++;
	pthread_mutex_lock(&s->lock);
	histogram_add(&s->numbers.commit_seconds, (double)took_us / 1e6);
	histogram_add(&s->numbers.batch_operations, (double)count);
	pthread_mutex_unlock(&s->lock);
}

/* One transaction for ops. -1: nothing was done, failure says why. */
static int run_together(struct store *s, struct store_op *ops, struct store_failure *failure)
{
	bool is_write = false;
	struct store_op *op;
	int64_t begun_us;

	for (op = ops; op != NULL; op = op->next)
		is_write = is_write || !is_reading(op->kind);
	if (s->driver->begin(s->db, is_write, failure) != 0)
		goto fail;
	for (op = ops; op != NULL; op = op->next)
		if (s->driver->apply(s->db, op, failure) != 0)
			goto fail;
	begun_us = clock_mono_us();
	if (s->driver->commit(s->db, failure) != 0)
		goto fail;
	if (is_write)
		count_commit(s, ops, clock_mono_us() - begun_us);
	for (op = ops; op != NULL; op = op->next)
		op_succeed(op);
	return 0;
fail:
	s->driver->rollback(s->db);
	return -1;
}

static enum store_fault run_alone(struct store *s, struct store_op *op)
{
	struct store_failure failure = { .fault = STORE_FAULT_NONE };
	struct store_op *next = op->next;

	op->next = NULL;
	if (run_together(s, op, &failure) != 0)
		op_fail(op, &failure);
	op->next = next;
	return failure.fault;
}

struct batch_result {
	int64_t commits;
	enum store_fault fault;
};

/* Together; if that fails each alone, so that one that cannot be stored does not fail its
 * neighbours. */
static struct batch_result run_batch(struct store *s, const struct queue *batch)
{
	struct batch_result r = { 0 };
	struct store_failure failure = { .fault = STORE_FAULT_NONE };
	struct store_op *op;
	enum store_fault fault;
	int in_a_row = 0;

	if (run_together(s, batch->first, &failure) == 0) {
		r.commits = 1;
		return r;
	}
	if (batch->count == 1) {
		op_fail(batch->first, &failure);
		if (failure.fault != STORE_FAULT_OTHER)
			r.fault = failure.fault;
		return r;
	}
	for (op = batch->first; op != NULL; op = op->next) {
		if (in_a_row == HOPELESS) {
			op_fail(op, &failure);
			continue;
		}
		fault = run_alone(s, op);
		r.commits += fault == STORE_FAULT_NONE;
		if (fault != STORE_FAULT_OTHER)
			r.fault = fault;
		in_a_row =
		    fault == STORE_FAULT_NONE || fault == STORE_FAULT_OTHER ? 0 : in_a_row + 1;
		if (fault != STORE_FAULT_NONE)
			failure = (struct store_failure){ fault, op->err };
	}
	return r;
}

static void tell(struct store *s, enum store_fault now, const struct queue *batch)
{
	const struct store_op *op = batch->first;

	if (now == s->last_fault)
		return;
	while (op != NULL && op->fault != now)
		op = op->next;
	if (now != STORE_FAULT_NONE)
		LOG(LOG_ERROR, "store_error", F_STR("reason", store_fault_word(now)),
		    F_STR("err", op != NULL ? op->err.text : NULL));
	else
		LOG(LOG_INFO, "store_ok");
}

/* Whether that this one worked says that all is well. That something could be read says nothing about a disk
 * that could not be written; nor that one table could be written, about a page of another. */
static bool shows_health(const struct store *s, const struct store_op *op)
{
	if (op->result != 0)
		return false;
	if (s->last_fault == STORE_FAULT_CORRUPT && op->kind == s->damaged)
		return true;
	return op->is_changed
	    && (s->last_fault != STORE_FAULT_CORRUPT
		|| clock_mono_ms() - s->damaged_ms > DAMAGED_MSECS);
}

/* Counts what came of a batch; under the lock. */
static void account(struct store *s, const struct queue *batch, const struct batch_result *r)
{
	const struct store_op *op;
	enum store_fault fault = r->fault;
	bool is_well = false;

	for (op = batch->first; op != NULL; op = op->next) {
		is_well = is_well || shows_health(s, op);
		if (op->result == 0)
			continue;
		s->numbers.failed[op->fault]++;
		if (op->fault == STORE_FAULT_CORRUPT) {
			s->damaged = op->kind;
			s->damaged_ms = clock_mono_ms();
			if (fault == STORE_FAULT_NONE) /* another of the batch worked after it */
				fault = STORE_FAULT_CORRUPT;
		}
	}
	s->commits += r->commits;
	s->operations += (int64_t)batch->count;
	if (fault == STORE_FAULT_NONE && !is_well)
		return;
	tell(s, fault, batch);
	s->last_fault = fault;
}

static void *run_thread(void *arg)
{
	struct store *s = arg;
	struct queue batch;
	struct batch_result r;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (s->todo.count == 0 && !s->is_ending)
			pthread_cond_wait(&s->more, &s->lock);
		if (s->todo.count == 0)
			break;
		queue_take(&s->todo, &batch, BATCH_MAX);
		pthread_mutex_unlock(&s->lock);
		r = run_batch(s, &batch);
		pthread_mutex_lock(&s->lock);
		account(s, &batch, &r);
		atomic_fetch_sub(&s->waiting, (int)batch.count);
		queue_move(&s->finished, &batch);
		s->working_since_ms = s->todo.count > 0 ? clock_mono_ms() : 0;
		loop_wake_up(s->wake);
	}
	pthread_mutex_unlock(&s->lock);
	arena_give_back();
	return NULL;
}

/* ---- the loop's side ---- */

static void hand_over(void *arg)
{
	struct store *s = arg;

	if (s->turn.count == 0)
		return;
	pthread_mutex_lock(&s->lock);
	if (s->working_since_ms == 0)
		s->working_since_ms = clock_mono_ms();
	queue_move(&s->todo, &s->turn);
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
	loop_timer_stop(s->busy);
}

static void run_dones(void *arg)
{
	struct store *s = arg;
	struct store_op *op, *next;
	struct queue finished;

	queue_init(&finished);
	pthread_mutex_lock(&s->lock);
	queue_move(&finished, &s->finished);
	pthread_mutex_unlock(&s->lock);
	for (op = finished.first; op != NULL; op = next) {
		next = op->next; /* from here on op is its owner's again */
		op->next = NULL;
		op->done(op);
	}
}

int store_submit(struct store *s, struct store_op *op)
{
	bool may_use_reserved = op->kind == STORE_STEP || op->kind == STORE_SETTLE
	    || op->kind == STORE_ECHO || op->kind == STORE_CLAIM;
	int room = may_use_reserved ? s->mailbox : s->mailbox - s->mailbox / RESERVED_PART;

	assert(s->is_started);
	if (s->is_closing || atomic_load(&s->waiting) >= room)
		return -1;
	atomic_fetch_add(&s->waiting, 1);
	if (s->turn.count == 0) {
		loop_later(s->idle);
		loop_timer_set(s->busy, HAND_OVER_MSECS);
	}
	queue_add(&s->turn, op);
	if (s->turn.count == HAND_OVER_COUNT)
		hand_over(s);
	return 0;
}

void store_run(struct store *s, struct store_op *op)
{
	struct batch_result r;
	struct queue one;

	assert(!s->is_started);
	queue_init(&one);
	queue_add(&one, op);
	r = run_batch(s, &one);
	account(s, &one, &r);
}

/* ---- life ---- */

static const struct store_driver *driver_of(const char *url, const char **path)
{
	size_t i, len;

	for (i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		len = strlen(drivers[i]->scheme);
		if (strncmp(url, drivers[i]->scheme, len) != 0 || url[len] != ':')
			continue;
		*path = url + len + 1;
		return drivers[i];
	}
	return NULL;
}

struct store *store_open(const struct store_options *options, enum store_open *why, struct err *err)
{
	const struct store_driver *driver;
	struct store_db *db;
	struct store *s;
	const char *path;

	driver = driver_of(options->url, &path);
	if (driver == NULL || path[0] == '\0') {
		*why = STORE_OPEN_MISSING;
		err_set(err, "%s: a store is sqlite:PATH", options->url);
		return NULL;
	}
	db = driver->open(options, path, why, err);
	if (db == NULL)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->driver = driver;
	s->db = db;
	s->numbers.commit_seconds.bounds = seconds_bounds;
	s->numbers.batch_operations.bounds = batch_bounds;
	s->mailbox = options->mailbox > 0 ? options->mailbox : MAILBOX_DEFAULT;
	queue_init(&s->turn);
	queue_init(&s->todo);
	queue_init(&s->finished);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->more, NULL);
	return s;
}

/* Signals are the loop's. */
int store_start(struct store *s, struct loop *loop, struct err *err)
{
	sigset_t all, before;
	int rc;

	assert(!s->is_started);
	s->idle = loop_idle_new(loop, hand_over, s);
	s->busy = loop_timer_new(loop, hand_over, s);
	s->wake = loop_wake_new(loop, run_dones, s);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&s->thread, NULL, run_thread, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return err_set(err, "start the store's thread: %s", strerror(rc));
	s->is_started = true;
	return 0;
}

static void stop(struct store *s)
{
	s->is_closing = true;
	hand_over(s);
	pthread_mutex_lock(&s->lock);
	s->is_ending = true;
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	run_dones(s);
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	if (s->is_started)
		stop(s);
	loop_later_free(s->idle);
	loop_timer_free(s->busy);
	loop_wake_free(s->wake);
	s->driver->close(s->db);
	pthread_cond_destroy(&s->more);
	pthread_mutex_destroy(&s->lock);
	xfree(s);
}

/* ---- names, values, health ---- */

int store_endpoint_id(struct store *s, const char *name, const char *platform, const char *ident,
    int *id, struct err *err)
{
	assert(!s->is_started);
	return s->driver->endpoint_id(s->db, name, platform, ident, id, err);
}

int store_bridge_id(struct store *s, const char *name, int64_t now_ms, int *id, int64_t *since_ms,
    struct err *err)
{
	assert(!s->is_started);
	return s->driver->bridge_id(s->db, name, now_ms, id, since_ms, err);
}

const char *store_endpoint_memo(struct store *s, struct arena *a, int id)
{
	assert(!s->is_started);
	return s->driver->endpoint_memo(s->db, a, id);
}

const char *store_keep(struct store *s, struct arena *a, const char *key, const char *made_up,
    struct err *err)
{
	assert(!s->is_started);
	return s->driver->keep(s->db, a, key, made_up, err);
}

const char *store_fault_word(enum store_fault fault)
{
	static const char *const words[] = { "", "disk_full", "read_only", "io", "corrupt",
		"other" };

	return words[fault];
}

void store_numbers(struct store *s, struct store_numbers *out)
{
	pthread_mutex_lock(&s->lock);
	*out = s->numbers;
	pthread_mutex_unlock(&s->lock);
}

void store_health(struct store *s, struct store_health *out)
{
	size_t i;

	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&s->lock);
	if (s->working_since_ms != 0)
		out->stuck_msecs = clock_mono_ms() - s->working_since_ms;
	out->commits = s->commits;
	out->operations = s->operations;
	for (i = 0; i < STORE_FAULT_COUNT; i++)
		out->failed += s->numbers.failed[i];
	out->last_fault = s->last_fault;
	pthread_mutex_unlock(&s->lock);
	out->waiting = atomic_load(&s->waiting);
	s->driver->size(s->db, &out->bytes, &out->disk_free);
	out->schema = s->driver->schema(s->db);
}

int64_t store_put_back(const struct store *s)
{
	return s->driver->put_back(s->db);
}
