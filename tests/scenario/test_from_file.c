/* History that is moved from a file, while its reading takes its time: what is said live meanwhile goes behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "fake_loop.h"
#include "fake_store.h"
#include "fake_wire.h"
#include "flow/endpoint.h"
#include "flow/flow.h"
#include "flow/history/migration.h"
#include "stage.h"

#define AN_HOUR_BEFORE (RIG_START_MS - (int64_t)60 * 60 * 1000)
#define BLANKS 50000 /* lines that are passed over, a few hundred in a turn */

static void on_begun(void *arg, int64_t id)
{
	(void)arg, (void)id;
}

static void begin(struct stage *s, const char *file)
{
	const struct migration_wish wish = { .bridge = "support", .file = file };
	struct err err;

	assert_int_equal(migration_begin(s->rig.flow->migrations, &wish, on_begun, NULL, &err),
	    MIGRATION_BEGUN);
	rig_run(&s->rig);
}

/* One timer after the other, and time passes meanwhile: answers come faster than the file is read. */
static void run_slowly(struct stage *s)
{
	struct sent *sent;
	int i;

	for (i = 0; i < 1000; i++) {
		while (
		    fake_loop_laters(s->rig.loop) || mailbox_commit(s->rig.store) || mailbox_tell())
			;
		while ((sent = stage_waiting(s)) != NULL)
			stage_meet(s, sent, FATE_ANSWERED);
		fake_loop_fire(s->rig.loop);
		fake_now_ms += 10;
	}
}

/* Said an hour before the bridge began. */
static struct far_conversation *past(struct stage *s, const char *person)
{
	struct far *shop = stage_far(s, "shop");
	struct far_conversation *c = far_begin(shop, person);

	far_say(shop, c, true, person, "old")->at_ms = AN_HOUR_BEFORE;
	c->began_ms = AN_HOUR_BEFORE;
	far_forget(TAILQ_LAST(&shop->callbacks, callback_list));
	return c;
}

static void export(const char *path, const struct far_conversation *c, int blanks)
{
	const struct far_message *m = TAILQ_FIRST(&c->messages);
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fprintf(out,
	    "{\"type\":\"conversation\",\"id\":\"%s\",\"person\":{\"identity\":\"%s\"}}\n"
	    "{\"type\":\"message\",\"conversation\":\"%s\",\"id\":\"%s\","
	    "\"at\":\"2026-11-20T19:20:00Z\",\"role\":\"customer\",\"text\":\"%s\"}\n",
	    c->id, c->person, c->id, m->id, m->text);
	while (blanks-- > 0)
		fputc('\n', out);
	assert_int_equal(fclose(out), 0);
}

/* At the desk, in one conversation, in this order. */
static void expect_in_order(struct stage *s, const char *first, const char *second)
{
	const struct far_conversation *c = far_nth(stage_far(s, "desk"), 0);
	const struct far_message *m = TAILQ_FIRST(&c->messages);

	assert_string_equal(m->text, first);
	m = TAILQ_NEXT(m, list);
	assert_non_null(m);
	assert_string_equal(m->text, second);
	assert_null(TAILQ_NEXT(m, list));
}

/* After a restart it is read once more before anything of it is known. */
static void read_again(void **state)
{
	struct far_conversation *c;
	char path[96];
	struct stage s;

	(void)state;
	stage_start(&s, "shop_desk", "timestamps=none");
	snprintf(path, sizeof(path), "%s.jsonl", s.rig.path);
	c = past(&s, "ann");
	export(path, c, BLANKS);
	s.rig.holds_store = true;
	begin(&s, path);
	mailbox_commit(s.rig.store); /* that it is to be; and no more */
	s.rig.holds_store = false;
	rig_kill(&s.rig);
	rig_boot(&s.rig);
	far_say(stage_far(&s, "shop"), c, true, "ann", "live");
	far_post(&s.rig, TAILQ_LAST(&stage_far(&s, "shop")->callbacks, callback_list));
	run_slowly(&s);
	expect_in_order(&s, "old", "live");
	unlink(path);
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
