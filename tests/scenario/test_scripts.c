/* Runs the *.scn of this folder. A script says what happens, step by step, and what the relay must do:
 *
 *   config NAME [KEY=VALUE]      the relay starts, with NAME.yaml, its bridges with these options too;
 *                                the first line of a script
 *   pulse                        before that: the disk is looked at and tried all the time
 *   (words stand between " " or, where they have those in them, between ' ')
 *   PERSON says "text" [at E] [N times]   at the customers' side; "*1000" is so long a text
 *   PERSON types, agent types, … stops   in the last conversation there
 *   PERSON begins [N times] [at E]   what follows is said in another conversation; all but the last are closed
 *   agent says "text" [in N]     in the desk's Nth conversation, the last one where none is named
 *   agent asks "text" with "A|B" [in N]   with choices, as a bot of the desk does
 *   agent notes "text" [at E]    the same, as a private note
 *   platform says "text" at E    it says so itself: somebody joined, the conversation was closed
 *   agent begins again           another one at the desk, with whom the last one there is
 *   agent begins with PERSON     a conversation at the desk that nobody on the other side began
 *   snooze E [N], shelve E [N]   that one waits: snoozed, pending
 *   close E [N], open E [N], delete E [N]   a conversation there; callbacks are posted but for delete
 *   erase E "text"               somebody deletes that message
 *   edit E "text" "new text"     somebody changes it: told as a platform would that tells of edits
 *   take back E "text"           somebody deletes it: told as a platform would that tells of just that
 *   … says "text" to "other"      it replies to that message, which is there too
 *   change E FIELD "value"       somebody there changes what the last conversation has: labels, attributes (both
 *                                JSON), priority, agent, team; or its contact: name, email
 *   merge E "SOURCE" "SOURCE"    the contact of the first address goes up into that of the second; "1", "2": of
 *                                the first, the second conversation there
 *   give E PERSON                the last conversation there is that person's from now on
 *   … says "text" silently       (and close, open) no callback yet, but with "post"; and none ever with "lost"
 *   … says "text" marked "MARK"  it bears what looks like a mark
 *   again                        the last callback once more
 *   echo E                       the last message that the relay wrote there comes back
 *   echo state E                 what became of the conversation's state there is told
 *   … -> STATUS                  behind each of these: how the relay answers, 200 where nothing stands,
 *                                "-> later" while the store is held
 *
 *   expect E METHOD "part" [has "text"] [same mark]   the oldest request that waits is this one
 *   answer [STATUS [retry D] [BODY]]   it is carried out and answered; or refused with that status
 *   carried                      it is carried out, and the answer is still on its way
 *   lose, drop, refuse           carried out and not answered; not even carried out; no connection
 *   fail                         answered with 500 and carried out all the same
 *   arrives                      what was dropped, or on its way at a kill, is carried out, late
 *   pass D; wait D               time passes; until a request waits, at most so long
 *   run, run silently            all requests are answered and all callbacks (none) posted, for a minute
 *
 *   hold store, release          nothing is written meanwhile; commit, tell: one operation is, and the
 *                                loop hears of it
 *   fail store KIND|disk_full [N], mend store
 *   forget sign-in E, expire E   the far side forgets who signed in; the relay's token ends
 *   restart, kill, drain
 *   lose store                   it is deleted while the relay is stopped, which then begins anew
 *   copy store, put back         a copy of it; restarted with that in its place
 *   reload NAME [KEY=VALUE]      the configuration anew; … refused: it must be
 *   pause X, drain X, resume X   an endpoint or a bridge
 *
 *   fails E "text" [lost]        the platform itself shows that message as failed (and no callback says so);
 *                                retry E "text": somebody there asks for it again
 *   read E "text"                the customer has read it
 *   unpark                       all that is parked is put back
 *   pair E N with E N [planned]  a person says that the Nth conversations of the two belong together; "run", and
 *                                expect paired linked|already|refused
 *   expunge PERSON [busy]        a customer's data is erased; … or that is put off, since something is under way
 *   migrate [refused]            a run over the first bridge begins, or goes on
 *
 *   expect nothing               no request waits
 *   expect E has "a" "b" … [in N]   exactly these texts, in this order
 *   expect E has N [messages]    so many conversations, messages in all of them
 *   expect E shows "text" delivered|failed|sent|nothing [because "part"] [told N]   … N times by us
 *   expect E "text" replies to "other"   natively
 *   expect E notes "part" …      exactly these notes that no customer sees, in this order; none: there are none
 *   expect parked REASON [N]; expect parked nothing; expect waiting N (deliveries)
 *   expect E closed|open [N]
 *   expect E called N            so often somebody was told that our doing gave him the last conversation
 *   expect E FIELD "value" [N]   of a conversation or its contact, as in change
 *   expect migrated WORD N [failed N] [WORD N] …   what came of the newest run, how many messages it wrote, and of
 *                                others why not; all of it adds up
 *   expect link WORD             how the pair came to be in which the newest message has travelled
 *   expect repaired E N          messages that were found by reconciliation, in this life
 *   expect health WORD           the endpoint's state … of E: expect state E WORD
 *   expect drained|busy
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "connector/connector.h"
#include "core/words.h"
#include "fake_loop.h"
#include "fake_store.h"
#include "fake_wire.h"
#include "flow/control.h"
#include "flow/endpoint.h"
#include "flow/flow.h"
#include "flow/history/migration.h"
#include "flow/history/pairing.h"
#include "flow/ingest.h"
#include "flow/person.h"
#include "flow/repair.h"
#include "stage.h"

#define WORDS_MAX 24
#define MARK_MAX 80

struct script {
	struct stage stage;
	bool is_started;
	const char *file;
	int line;
	char text[512]; /* of the line */
	char *words[WORDS_MAX];
	bool quoted[WORDS_MAX];
	int count, at;
	const char *status; /* behind the arrow; NULL: none */

	struct callback *last;   /* posted */
	struct callback *silent; /* said, and not posted yet */
	struct sent *current;    /* expected last */
	struct sent *dropped;
	char mark[MARK_MAX];   /* of the request expected last */
	struct arena *pairing; /* of what a person says, until it is answered */
	struct pairing_item pair;
	char paired[128]; /* the answer */
};

#define WRONG(s, ...) \
	do { \
		print_error("%s:%d: %s\n    ", (s)->file, (s)->line, (s)->text); \
		fail_msg(__VA_ARGS__); \
	} while (0)

/* ---- words ---- */

static char *next_piece(char **at, bool *quoted)
{
	char *begin = *at + strspn(*at, " \t\n");

	*quoted = *begin == '"' || *begin == '\'';
	if (*begin == '\0' || *begin == '#')
		return NULL;
	if (*quoted) {
		*at = strchr(begin + 1, *begin);
		begin++;
	} else if (*begin == '{' || *begin == '[') {
		*at = begin + strcspn(begin, "\n"); /* JSON: to the end of the line */
	} else {
		*at = begin + strcspn(begin, " \t\n");
	}
	if (*at != NULL && **at != '\0')
		*(*at)++ = '\0';
	return begin;
}

static void split(struct script *s, char *line)
{
	s->count = s->at = 0;
	s->status = NULL;
	while (s->count < WORDS_MAX
	    && (s->words[s->count] = next_piece(&line, &s->quoted[s->count])) != NULL) {
		if (strcmp(s->words[s->count], "->") == 0) {
			s->status = next_piece(&line, &s->quoted[s->count]);
			break;
		}
		s->count++;
	}
}

static const char *word(struct script *s)
{
	if (s->at == s->count)
		WRONG(s, "a word is missing at the end");
	return s->words[s->at++];
}

static bool is_word(struct script *s, const char *wanted)
{
	if (s->at == s->count || s->quoted[s->at] || strcmp(s->words[s->at], wanted) != 0)
		return false;
	s->at++;
	return true;
}

static bool has_number(const struct script *s)
{
	return s->at < s->count && !s->quoted[s->at] && strspn(s->words[s->at], "0123456789") > 0;
}

static int number(struct script *s, int fallback)
{
	return has_number(s) ? atoi(s->words[s->at++]) : fallback;
}

static int64_t duration(struct script *s)
{
	const char *text = word(s);
	char *unit;
	int64_t n = strtoll(text, &unit, 10);

	if (strcmp(unit, "ms") == 0)
		return n;
	if (strcmp(unit, "s") == 0)
		return n * 1000;
	if (strcmp(unit, "m") == 0)
		return n * 60 * 1000;
	if (strcmp(unit, "h") == 0)
		return n * 60 * 60 * 1000;
	if (strcmp(unit, "d") == 0)
		return n * 24 * 60 * 60 * 1000;
	WRONG(s, "%s is no duration", text);
	return 0;
}

/* ---- what happens at the far sides ---- */

static struct far *side(struct script *s, enum side side)
{
	const struct bridge_conf *b = &s->stage.rig.flow->config->bridges[0];

	return stage_far(&s->stage, side == SIDE_CUSTOMERS ? b->customers->name : b->agents->name);
}

static struct far_conversation *conversation(struct script *s, struct far *f, int n)
{
	struct far_conversation *c, *last = NULL;
	int i;

	for (i = 0; (c = far_nth(f, i)) != NULL; i++) {
		last = c;
		if (i + 1 == n)
			return c;
	}
	if (last == NULL || n > 0)
		WRONG(s, "%s has no conversation %d", f->name, n);
	return last;
}

static struct callback *newest(struct far *f)
{
	return TAILQ_LAST(&f->callbacks, callback_list);
}

/* Posts it, and looks at the answer. */
static void post(struct script *s, struct callback *c)
{
	struct posted *p;

	if (c == NULL)
		WRONG(s, "there is nothing to post");
	s->last = c;
	p = far_post(&s->stage.rig, c);
	rig_run(&s->stage.rig);
	if (s->status != NULL && strcmp(s->status, "later") == 0) {
		if (p->status != 0)
			WRONG(s, "answered with %d already", p->status);
	} else if (p->status != (s->status != NULL ? atoi(s->status) : 200)) {
		WRONG(s, "answered with %d %s", p->status, p->body != NULL ? p->body : "");
	}
}

/* "*1000" stands for a text of that length. */
static char *text_of(struct script *s)
{
	const char *given = word(s);
	size_t len = given[0] == '*' ? strtoull(given + 1, NULL, 10) : 0, i;
	char *text = len > 0 ? calloc(1, len + 1) : strdup(given);

	for (i = 0; i < len; i++)
		text[i] = i % 10 == 9 ? ' ' : (char)('a' + i / 10 % 26);
	return text;
}

static struct far_message *message_of(struct script *s, struct far *f);

/* is_note: for the team alone; is_line: by nobody. */
struct manner {
	bool is_note, is_line;
	const char *choices; /* "A|B"; NULL: none */
};

enum telling { TOLD_NOW, TOLD_LATER, TOLD_NEVER };

static enum telling telling(struct script *s)
{
	if (!is_word(s, "silently"))
		return TOLD_NOW;
	return is_word(s, "lost") ? TOLD_NEVER : TOLD_LATER;
}

static void tell(struct script *s, struct callback *c, enum telling how)
{
	switch (how) {
	case TOLD_NOW: post(s, c); break;
	case TOLD_LATER: s->silent = c; break;
	case TOLD_NEVER: far_forget(c); break;
	}
}

static void speak(struct script *s, struct far *f, struct far_conversation *c, bool by_customer,
    const char *name, char *text, struct manner manner)
{
	char numbered[64];
	int i, times = 1, n = is_word(s, "in") ? number(s, 0) : 0;
	const char *mark = is_word(s, "marked") ? word(s) : NULL;
	const struct far_message *other = is_word(s, "to") ? message_of(s, f) : NULL;
	struct far_message *m;
	enum telling how;

	if (n > 0)
		c = conversation(s, f, n);
	if (has_number(s)) {
		times = number(s, 1);
		is_word(s, "times");
	}
	how = telling(s);
	for (i = 0; i < times; i++) {
		snprintf(numbered, sizeof(numbered), "%.40s %d", text, i + 1);
		m = far_say(f, c, by_customer, name, times > 1 ? numbered : text);
		m->mark = mark != NULL ? strdup(mark) : NULL;
		m->is_private = manner.is_note;
		m->is_line = manner.is_line;
		if (other != NULL)
			snprintf(m->reply_to, sizeof(m->reply_to), "%s", other->id);
		m->choices = manner.choices != NULL ? strdup(manner.choices) : NULL;
		tell(s, newest(f), how);
	}
	free(text);
}

static struct far *place(struct script *s, enum side fallback)
{
	return is_word(s, "at") ? stage_far(&s->stage, word(s)) : side(s, fallback);
}

/* In the last conversation there. */
static void types(struct script *s, struct far *f, bool by_customer)
{
	far_type(f, conversation(s, f, 0), by_customer, strcmp(s->words[s->at - 1], "stops") == 0);
	post(s, newest(f));
}

static void begin(struct script *s, const char *person)
{
	long i, times = has_number(s) ? number(s, 1) : 1;
	struct far_conversation *c;
	struct far *f;

	is_word(s, "times");
	f = place(s, SIDE_CUSTOMERS);
	for (i = 1; i <= times; i++) {
		c = far_begin(f, person);
		if (i == times)
			return;
		far_close(f, c, true);
		far_forget(newest(f));
	}
}

static void customer_speaks(struct script *s, const char *person)
{
	struct far_conversation *c, *his = NULL;
	struct far *f;
	char *text;

	if (is_word(s, "begins")) {
		begin(s, person);
		return;
	}
	if (is_word(s, "types") || is_word(s, "stops")) {
		types(s, side(s, SIDE_CUSTOMERS), true);
		return;
	}
	if (!is_word(s, "says"))
		WRONG(s, "what?");
	text = text_of(s);
	f = place(s, SIDE_CUSTOMERS);
	TAILQ_FOREACH(c, &f->conversations, list)
		if (!c->is_deleted && strcmp(c->person, person) == 0)
			his = c;
	if (his == NULL)
		his = far_begin(f, person);
	speak(s, f, his, true, person, text, (struct manner){ 0 });
}

static void agent_speaks(struct script *s)
{
	struct manner manner = { 0 };
	bool asks;
	struct far *f;
	char *text;

	if (is_word(s, "begins")) {
		f = side(s, SIDE_AGENTS);
		if (is_word(s, "again")) {
			far_begin(f, conversation(s, f, 0)->person);
			return;
		}
		is_word(s, "with");
		far_begin(side(s, SIDE_AGENTS), word(s));
		return;
	}
	if (is_word(s, "types") || is_word(s, "stops")) {
		types(s, side(s, SIDE_AGENTS), false);
		return;
	}
	manner.is_note = is_word(s, "notes");
	asks = !manner.is_note && is_word(s, "asks");
	if (!manner.is_note && !asks && !is_word(s, "says"))
		WRONG(s, "what?");
	text = text_of(s);
	if (asks)
		manner.choices = is_word(s, "with") ? word(s) : NULL;
	f = place(s, SIDE_AGENTS);
	speak(s, f, conversation(s, f, 0), false, "Bob", text, manner);
}

static void platform_speaks(struct script *s)
{
	struct far *f;
	char *text;

	if (!is_word(s, "says"))
		WRONG(s, "what?");
	text = text_of(s);
	f = place(s, SIDE_CUSTOMERS);
	speak(s, f, conversation(s, f, 0), false, "Bot", text, (struct manner){ .is_line = true });
}

static void change_state(struct script *s, const char *to)
{
	struct far *f = stage_far(&s->stage, word(s));
	struct far_conversation *c = conversation(s, f, number(s, 0));

	if (strcmp(to, "snooze") == 0)
		far_wait(f, c, "snoozed");
	else if (strcmp(to, "shelve") == 0)
		far_wait(f, c, "pending");
	else
		far_close(f, c, strcmp(to, "close") == 0);
	tell(s, newest(f), telling(s));
}

/* What a request of ours has made of it. */
static void echo_state(struct script *s)
{
	struct far *f = stage_far(&s->stage, word(s));
	struct callback *c;

	TAILQ_FOREACH_REVERSE(c, &f->callbacks, callback_list, list)
	if (c->message == NULL)
		break;
	post(s, c);
}

static struct far_message *message_of(struct script *s, struct far *f);

static void erase(struct script *s)
{
	struct far *f = stage_far(&s->stage, word(s));

	far_erase(f, message_of(s, f));
	post(s, newest(f));
}

static void on_fed(void *arg, const struct fed *fed)
{
	*(bool *)arg = !fed->is_failed;
}

/* None of the two platforms tells of just that, so it is made of what it would tell of the message. */
static void feed(struct script *s, enum event_kind kind)
{
	struct far *f = stage_far(&s->stage, word(s));
	struct far_message *m = message_of(s, f);
	struct endpoint *e = rig_endpoint(&s->stage.rig, f->name);
	const struct via via = endpoint_via(e);
	struct arena *a = arena_new();
	struct http_in hook = { .method = "POST", .path = "/", .received_ms = fake_now_ms };
	struct event_list events = { 0 };
	struct parse_error error;
	bool is_fed = false;

	if (kind == EVENT_EDIT) {
		free(m->text);
		m->text = strdup(word(s));
	}
	hook.body = far_tell(f, m, a);
	hook.body_len = strlen(hook.body);
	if (e->connector->parse(&via, a, &hook, &events, &error) != 0 || events.count != 1)
		WRONG(s, "it cannot be read: %s", error.detail);
	events.items[0].kind = kind;
	events.items[0].version = fake_now_ms;
	events.items[0].key = kind == EVENT_DELETE
	    ? arena_printf(a, "d:%s", events.items[0].remote)
	    : arena_printf(a, "e:%s:%lld", events.items[0].remote, (long long)fake_now_ms);
	ingest_feed(s->stage.rig.ingest, e, a, &events, on_fed, &is_fed);
	rig_run(&s->stage.rig);
	if (!is_fed)
		WRONG(s, "it was not taken");
}

static void change(struct script *s)
{
	struct far *f = stage_far(&s->stage, word(s));
	struct far_conversation *c;
	const char *field = word(s), *value = word(s);

	c = conversation(s, f, number(s, 0));
	if (strcmp(field, "name") == 0 || strcmp(field, "email") == 0)
		far_change_contact(f, c->person, field, value);
	else
		far_change(f, c, field, value);
	if (is_word(s, "silently"))
		s->silent = newest(f);
	else
		post(s, newest(f));
}

static void merge(struct script *s)
{
	struct far *f = stage_far(&s->stage, word(s));
	int one = number(s, 1), other = number(s, 2);

	far_merge(f, conversation(s, f, one)->person, conversation(s, f, other)->person);
}

static void give(struct script *s)
{
	struct far *f = stage_far(&s->stage, word(s));
	struct far_conversation *c = conversation(s, f, 0);
	const char *person = word(s);

	free(c->person);
	c->person = far_copy(person);
	far_change(f, c, "name", person);
	post(s, newest(f));
}

static bool expect_fact(struct script *s, struct far *f)
{
	static const char *const fields[] = { "name", "email", "labels", "attributes", "priority",
		"agent", "team" };
	const char *wanted, *is;
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (is_word(s, fields[i])) {
			wanted = word(s);
			is = far_fact(f, conversation(s, f, number(s, 0)), fields[i]);
			if (strcmp(is, wanted) != 0)
				WRONG(s, "it is \"%s\"", is);
			return true;
		}
	return false;
}

static void delete_one(struct script *s)
{
	struct far *f = stage_far(&s->stage, word(s));

	conversation(s, f, number(s, 0))->is_deleted = true;
}

/* ---- requests ---- */

static void find_mark(const struct sent *sent, char out[MARK_MAX])
{
	const char *at, *best = NULL;
	size_t len;

	for (at = strstr(sent->body, "tl1:"); at != NULL; at = strstr(at + 1, "tl1:"))
		if (strstr(at, ":m") != NULL)
			best = at;
	len = best != NULL ? strcspn(best, "\"") : 0;
	snprintf(out, MARK_MAX, "%.*s", (int)len, best != NULL ? best : "");
}

static void expect_request(struct script *s, const char *endpoint)
{
	struct far *f = stage_far(&s->stage, endpoint);
	const char *method = word(s), *part = word(s), *text;
	struct sent *sent;
	char mark[MARK_MAX];

	TAILQ_FOREACH(sent, &fake_sent, list)
		if (sent->call != NULL && !sent->is_seen)
			break;
	if (sent == NULL)
		WRONG(s, "no request waits");
	sent->is_seen = true;
	s->current = sent;
	if (stage_far_of(&s->stage, sent) != f || strcmp(sent->method, method) != 0
	    || strstr(sent->url, part) == NULL)
		WRONG(s, "it is %s %s", sent->method, sent->url);
	if (is_word(s, "has")) {
		text = word(s);
		if (strstr(sent->body, text) == NULL)
			WRONG(s, "its body is %s", sent->body);
	}
	find_mark(sent, mark);
	if (is_word(s, "same")) {
		is_word(s, "mark");
		if (strcmp(mark, s->mark) != 0)
			WRONG(s, "its mark is %s, and was %s", mark, s->mark);
	}
	if (*mark != '\0')
		snprintf(s->mark, sizeof(s->mark), "%s", mark);
}

static struct sent *current(struct script *s)
{
	if (s->current == NULL || s->current->call == NULL)
		WRONG(s, "no expected request waits");
	return s->current;
}

static void meet(struct script *s, enum fate fate)
{
	if (fate == FATE_DROPPED)
		s->dropped = s->current;
	stage_meet(&s->stage, current(s), fate);
	rig_run(&s->stage.rig);
}

static void answer(struct script *s)
{
	int64_t retry = -1;
	int status;

	if (!has_number(s)) {
		meet(s, FATE_ANSWERED);
		return;
	}
	status = number(s, 0);
	if (is_word(s, "retry"))
		retry = duration(s);
	stage_answer(&s->stage, current(s), status, s->at < s->count ? word(s) : "", retry);
	rig_run(&s->stage.rig);
}

static void arrives(struct script *s)
{
	if (s->dropped == NULL)
		WRONG(s, "nothing was dropped");
	free(far_serve(stage_far_of(&s->stage, s->dropped), s->dropped).body);
	s->dropped = NULL;
}

/* ---- the store ---- */

static void fail_store(struct script *s)
{
	static const struct {
		const char *word;
		int kind;
	} kinds[] = {
		{ "append", STORE_APPEND },
		{ "route", STORE_ROUTE },
		{ "claim", STORE_CLAIM },
		{ "step", STORE_STEP },
		{ "settle", STORE_SETTLE },
		{ "echo", STORE_ECHO },
		{ "state", STORE_STATE },
		{ "all", ANY_KIND },
	};
	const char *what = word(s);
	size_t i;

	if (strcmp(what, "disk_full") == 0) {
		rig_disk_fails(true);
		return;
	}
	if (strcmp(what, "busy") == 0) {
		mailbox_is_full = true;
		return;
	}
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].word, what) == 0) {
			mailbox_fail(kinds[i].kind, STORE_FAULT_IO, number(s, -1));
			return;
		}
	WRONG(s, "%s is no operation", what);
}

/* ---- what is to be seen ---- */

static void expect_texts(struct script *s, struct far *f)
{
	const char *texts[WORDS_MAX];
	struct far_conversation *c;
	struct far_message *m;
	int n = 0, i = 0;

	while (s->at < s->count && s->quoted[s->at])
		texts[n++] = word(s);
	c = conversation(s, f, is_word(s, "in") ? number(s, 0) : 0);
	TAILQ_FOREACH(m, &c->messages, list) {
		if (m->is_private)
			continue;
		if (i == n || !far_is_text(m, texts[i]))
			WRONG(s, "number %d in it is \"%.60s\"", i + 1, m->text);
		i++;
	}
	if (i < n)
		WRONG(s, "there are only %d", i);
}

static void expect_notes(struct script *s, struct far *f)
{
	const char *parts[WORDS_MAX];
	struct far_conversation *c;
	struct far_message *m;
	int n = 0, i = 0;

	if (!is_word(s, "none"))
		while (s->at < s->count)
			parts[n++] = word(s);
	TAILQ_FOREACH(c, &f->conversations, list)
		TAILQ_FOREACH(m, &c->messages, list) {
			if (!m->is_private)
				continue;
			if (i == n || strstr(m->text, parts[i]) == NULL)
				WRONG(s, "number %d is \"%.80s\"", i + 1, m->text);
			i++;
		}
	if (i < n)
		WRONG(s, "there are only %d", i);
}

static struct far_message *message_of(struct script *s, struct far *f)
{
	const char *text = word(s);
	struct far_message *m = far_last(f, text);

	if (m == NULL)
		WRONG(s, "nobody said \"%s\" there", text);
	return m;
}

static void expect_shown(struct script *s, struct far *f)
{
	const struct far_message *m = message_of(s, f);
	const char *status = is_word(s, "nothing") ? "" : word(s), *error = m->error;
	bool has_reason = is_word(s, "because");

	if (strcmp(m->status, status) != 0)
		WRONG(s, "it is \"%s\"", m->status);
	if (has_reason != (error != NULL) || (has_reason && strstr(error, word(s)) == NULL))
		WRONG(s, "the reason is \"%s\"", error != NULL ? error : "");
	if (is_word(s, "told") && m->reports != number(s, 0))
		WRONG(s, "it was told %d times", m->reports);
}

static void expect_count(struct script *s, struct far *f)
{
	int n = 0, wanted = number(s, 0);
	struct far_conversation *c;
	struct far_message *m;

	if (is_word(s, "messages")) {
		TAILQ_FOREACH(c, &f->conversations, list)
			TAILQ_FOREACH(m, &c->messages, list)
				n += !m->is_private;
	} else {
		while (far_nth(f, n) != NULL)
			n++;
	}
	if (n != wanted)
		WRONG(s, "there are %d", n);
}

static void expect_parked(struct script *s)
{
	const char *reason = word(s);
	int64_t wanted = number(s, 1), n = 0, all = 0;
	struct arena *a = arena_new();
	struct op_status status = rig_status(&s->stage.rig, a);
	size_t i;

	for (i = 0; i < status.nparked; i++) {
		all += status.parked[i].count;
		if ((int)status.parked[i].reason == reason_by_word(reason))
			n += status.parked[i].count;
	}
	arena_free(a);
	if (strcmp(reason, "nothing") == 0 ? all != 0 : n != wanted)
		WRONG(s, "parked: %d, of them with that reason %d", (int)all, (int)n);
}

static void expect_link(struct script *s)
{
	const char *wanted = word(s), *found = "none";
	struct arena *a = arena_new();
	struct op_trace trace;
	int64_t id = 0;

	do {
		trace = (struct op_trace){ .op = { .kind = STORE_TRACE },
			.arena = a,
			.event_id = ++id };
		store_run(s->stage.rig.store, &trace.op);
		if (trace.ndeliveries > 0)
			found = link_how_word((int)trace.deliveries[0].trip.link.how);
	} while (trace.id != 0);
	if (strcmp(found, wanted) != 0)
		WRONG(s, "it is %s", found);
	arena_free(a);
}

static void expect_waiting(struct script *s)
{
	struct arena *a = arena_new();
	struct op_status status = rig_status(&s->stage.rig, a);
	int64_t n = 0;
	size_t i;

	for (i = 0; i < status.nbridges; i++)
		n += status.bridges[i].waiting[0] + status.bridges[i].waiting[1];
	arena_free(a);
	if (n != number(s, 0))
		WRONG(s, "there are %d", (int)n);
}

static void expect_nothing(struct script *s)
{
	struct sent *sent = wire_waiting();

	if (sent != NULL)
		WRONG(s, "%s %s waits", sent->method, sent->url);
}

static void expect_state(struct script *s)
{
	const struct endpoint *e = rig_endpoint(&s->stage.rig, word(s));

	if (strcmp(endpoint_state_word(endpoint_shown(e)), word(s)) != 0)
		WRONG(s, "it is %s: %s", endpoint_state_word(endpoint_shown(e)), e->note);
}

static void expect_repaired(struct script *s)
{
	const struct endpoint *e = rig_endpoint(&s->stage.rig, word(s));

	if ((int)e->stats.repaired != number(s, 0))
		WRONG(s, "there are %d", (int)e->stats.repaired);
}

static int64_t left_out(struct script *s, const struct migration_totals *t, const char *why)
{
	int i;

	for (i = 0; i < SKIP_COUNT; i++)
		if (strcmp(migration_skip_word(i), why) == 0)
			return t->skipped[i];
	if (strcmp(why, "failed") != 0)
		WRONG(s, "%s is no word", why);
	return t->failed;
}

static void expect_migrated(struct script *s)
{
	const char *state = word(s);
	struct arena *a = arena_new();
	struct migration_report *all;
	const char *why;

	if (migration_reports(s->stage.rig.flow->migrations, a, &all) == 0)
		WRONG(s, "there is no run");
	if (strcmp(migration_state_word((int)all->state), state) != 0
	    || all->totals.written != number(s, 0))
		WRONG(s, "it is %s, with %d, passed %s: %s", migration_state_word((int)all->state),
		    (int)all->totals.written, migration_skipped_text(a, &all->totals),
		    all->why != NULL ? all->why : "");
	if (!migration_adds_up(&all->totals))
		WRONG(s, "its sums do not add up");
	while (s->at < s->count) {
		why = word(s);
		if (left_out(s, &all->totals, why) != number(s, 0))
			WRONG(s, "%s: there are %d", why, (int)left_out(s, &all->totals, why));
	}
	arena_free(a);
}

static void expect_reply(struct script *s, struct far *f)
{
	const struct far_message *m = message_of(s, f), *other;

	if (!is_word(s, "replies") || !is_word(s, "to"))
		WRONG(s, "what is expected?");
	other = message_of(s, f);
	if (strcmp(m->reply_to, other->id) != 0)
		WRONG(s, "it replies to \"%s\"", m->reply_to);
}

static void lose_callback(struct script *s)
{
	if (s->silent == NULL)
		WRONG(s, "nothing was said silently");
	far_forget(s->silent);
	s->silent = NULL;
}

static void expect_closed(struct script *s, struct far *f, bool closed)
{
	if (conversation(s, f, number(s, 0))->is_closed != closed)
		WRONG(s, "it is not");
}

static void expect_paired(struct script *s);
static void expect_called(struct script *s, struct far *f)
{
	int calls = conversation(s, f, 0)->calls;

	if (calls != number(s, 0))
		WRONG(s, "it was %d times", calls);
}

static void expect_drained(struct script *s, bool drained)
{
	const struct rig *r = &s->stage.rig;

	if ((ingest_pending(r->ingest) == 0 && flow_is_idle(r->flow)) != drained)
		WRONG(s, "it is not");
}

static void expect(struct script *s)
{
	const char *first = word(s);
	struct far *f;

	if (strcmp(first, "nothing") == 0) {
		expect_nothing(s);
	} else if (strcmp(first, "parked") == 0) {
		expect_parked(s);
	} else if (strcmp(first, "waiting") == 0) {
		expect_waiting(s);
	} else if (strcmp(first, "link") == 0) {
		expect_link(s);
	} else if (strcmp(first, "paired") == 0) {
		expect_paired(s);
	} else if (strcmp(first, "state") == 0) {
		expect_state(s);
	} else if (strcmp(first, "migrated") == 0) {
		expect_migrated(s);
	} else if (strcmp(first, "repaired") == 0) {
		expect_repaired(s);
	} else if (strcmp(first, "drained") == 0 || strcmp(first, "busy") == 0) {
		expect_drained(s, *first == 'd');
	} else {
		f = stage_far(&s->stage, first);
		if (s->at < s->count && s->quoted[s->at])
			expect_reply(s, f);
		else if (is_word(s, "closed"))
			expect_closed(s, f, true);
		else if (is_word(s, "open"))
			expect_closed(s, f, false);
		else if (is_word(s, "called"))
			expect_called(s, f);
		else if (expect_fact(s, f))
			; /* as it is */
		else if (is_word(s, "shows"))
			expect_shown(s, f);
		else if (is_word(s, "notes"))
			expect_notes(s, f);
		else if (!is_word(s, "has"))
			expect_request(s, first);
		else if (has_number(s))
			expect_count(s, f);
		else
			expect_texts(s, f);
	}
}

/* ---- lines ---- */

static void wait_for_request(struct script *s)
{
	int64_t until_ms = fake_now_ms + duration(s);

	while (wire_waiting() == NULL && rig_pass_to_next(&s->stage.rig, until_ms))
		;
}

static void forget_sign_ins(struct script *s)
{
	struct far *f;

	is_word(s, "sign-in");
	f = stage_far(&s->stage, word(s));
	far_forget_contacts(f);
}

static void run(struct script *s)
{
	bool silently = is_word(s, "silently");

	stage_settle(&s->stage, 60 * 1000, !silently);
	s->last = NULL;
	s->current = s->dropped = NULL;
}

static bool about_store(struct script *s, const char *first)
{
	if (strcmp(first, "hold") == 0) {
		s->stage.rig.holds_store = true;
	} else if (strcmp(first, "release") == 0) {
		s->stage.rig.holds_store = false;
		rig_run(&s->stage.rig);
	} else if (strcmp(first, "commit") == 0) {
		if (!mailbox_commit(s->stage.rig.store))
			WRONG(s, "nothing was submitted");
	} else if (strcmp(first, "tell") == 0) {
		if (!mailbox_tell())
			WRONG(s, "nothing was committed");
		rig_run(&s->stage.rig);
	} else if (strcmp(first, "mend") == 0) {
		mailbox_mend();
		rig_disk_fails(false);
	} else {
		return false;
	}
	return true;
}

static void kill_it(struct script *s)
{
	if (s->current != NULL && s->current->call != NULL)
		s->dropped = s->current;
	stage_kill(&s->stage);
}

static void control(struct script *s, enum control to)
{
	const char *name = word(s);

	if (control_named(s->stage.rig.flow, name, to, NULL, NULL) != 0)
		WRONG(s, "there is no %s", name);
	rig_run(&s->stage.rig);
}

static void reload(struct script *s)
{
	const char *name = word(s);
	const char *option = NULL;
	bool refused = is_word(s, "refused");

	if (!refused && s->at < s->count) {
		option = word(s);
		refused = is_word(s, "refused");
	}
	if (stage_reload(&s->stage, name, option) == refused)
		WRONG(s, "that is not what came of it");
	rig_run(&s->stage.rig);
}

static bool about_life(struct script *s, const char *first)
{
	if (strcmp(first, "restart") == 0)
		stage_restart(&s->stage);
	else if (strcmp(first, "copy") == 0 && is_word(s, "store"))
		rig_copy_store(&s->stage.rig);
	else if (strcmp(first, "lose") == 0 && is_word(s, "store"))
		stage_lose_store(&s->stage);
	else if (strcmp(first, "put") == 0 && is_word(s, "back"))
		stage_put_back(&s->stage);
	else if (strcmp(first, "kill") == 0)
		kill_it(s);
	else if (strcmp(first, "reload") == 0)
		reload(s);
	else if (strcmp(first, "pause") == 0)
		control(s, CONTROL_PAUSED);
	else if (strcmp(first, "resume") == 0)
		control(s, CONTROL_RUN);
	else if (strcmp(first, "drain") == 0 && s->at < s->count)
		control(s, CONTROL_DRAINING);
	else if (strcmp(first, "drain") == 0)
		flow_drain(s->stage.rig.flow);
	else
		return false;
	return true;
}

#define UNPARKED_MOST 32

static void on_unparked(struct repair *r)
{
	*(bool *)r->arg = true;
}

static void unpark(struct script *s)
{
	struct arena *a = arena_new();
	struct op_parked parked = { .op = { .kind = STORE_PARKED },
		.arena = a,
		.limit = UNPARKED_MOST };
	struct parked_id ids[UNPARKED_MOST];
	bool is_done = false;
	struct repair repair = { .flow = s->stage.rig.flow,
		.ingest = s->stage.rig.ingest,
		.mend = MEND_RETRY,
		.ids = ids,
		.who = "a test",
		.done = on_unparked,
		.arg = &is_done,
		.arena = a };

	store_run(s->stage.rig.store, &parked.op);
	for (; repair.nids < parked.nrows; repair.nids++)
		ids[repair.nids] = parked.rows[repair.nids].id;
	repair_start(&repair);
	rig_run(&s->stage.rig);
	if (!is_done || repair.is_failed || repair.nids == 0)
		WRONG(s, "nothing was put back");
	arena_free(a);
}

static void on_paired(void *arg, bool is_over)
{
	struct script *s = arg;

	snprintf(s->paired, sizeof(s->paired), "%s %s",
	    is_over ? "over" : pairing_result_word(s->pair.result),
	    s->pair.why != NULL ? s->pair.why : "");
	arena_free(s->pairing);
	s->pairing = NULL;
}

static const char *nth_name(struct script *s)
{
	const char *endpoint = word(s);
	int n = number(s, 1);

	return arena_printf(s->pairing, "%s:%s", endpoint,
	    far_nth(stage_far(&s->stage, endpoint), n - 1)->id);
}

static void pair(struct script *s)
{
	s->pairing = arena_new();
	s->paired[0] = '\0';
	s->pair.customers = nth_name(s);
	if (!is_word(s, "with"))
		WRONG(s, "with what?");
	s->pair.agents = nth_name(s);
	pairing_start(s->stage.rig.flow, is_word(s, "planned") ? PAIRING_PLAN : PAIRING_LINK,
	    &s->pair, 1, s->pairing, on_paired, s);
	rig_run(&s->stage.rig);
}

static void expect_paired(struct script *s)
{
	const char *wanted = word(s);

	if (strncmp(s->paired, wanted, strlen(wanted)) != 0)
		WRONG(s, "it is %s", s->paired);
}

static void on_expunged(struct person_job *j)
{
	*(bool *)j->arg = true;
}

/* It waits 20 s at most for what is under way. */
static void expunge(struct script *s)
{
	struct rig *rig = &s->stage.rig;
	struct arena *a = arena_new();
	bool is_done = false;
	struct person_job job = { .task = PERSON_ERASE,
		.folder = rig->dir,
		.arena = a,
		.done = on_expunged,
		.arg = &is_done };
	int i;

	person_who(a, rig->flow->config, arena_printf(a, "shop:%s", word(s)), &job.who);
	person_start(rig->flow, &job);
	for (i = 0; i < 30 && !is_done; i++)
		rig_pass(rig, 1000);
	if (!is_done || job.is_failed || job.found.npersons != 1)
		WRONG(s, "it was not done: %s", job.err.text);
	if (job.is_busy != is_word(s, "busy"))
		WRONG(s, "%s is under way", job.is_busy ? "something" : "nothing");
	arena_free(a);
}

static void on_begun(void *arg, int64_t id)
{
	(void)arg;
	(void)id;
}

static void migrate(struct script *s)
{
	struct flow *f = s->stage.rig.flow;
	const struct migration_wish wish = { .bridge = f->config->bridges[0].name };
	bool is_refused = is_word(s, "refused");
	struct err err = { 0 };

	if ((migration_begin(f->migrations, &wish, on_begun, NULL, &err) != MIGRATION_BEGUN)
	    != is_refused)
		WRONG(s, "%s", is_refused ? "it was begun" : err.text);
	rig_run(&s->stage.rig);
}

/* What the platform does by itself with a message, and tells. */
static bool about_status(struct script *s, const char *first)
{
	bool is_retry = strcmp(first, "retry") == 0;
	struct callback *c, *last;
	struct far *f;

	if (!is_retry && strcmp(first, "fails") != 0 && strcmp(first, "read") != 0)
		return false;
	f = stage_far(&s->stage, word(s));
	last = newest(f);
	if (is_retry)
		far_press_retry(f, message_of(s, f));
	else if (strcmp(first, "read") == 0)
		far_show(f, message_of(s, f), "read", NULL);
	else
		far_show(f, message_of(s, f), "failed", "Net::ReadTimeout");
	if (is_word(s, "lost")) {
		far_forget(newest(f));
		return true;
	}
	for (c = last != NULL ? TAILQ_NEXT(last, list) : TAILQ_FIRST(&f->callbacks); c != NULL;
	     c = TAILQ_NEXT(c, list))
		post(s, c);
	return true;
}

static bool about_wire(struct script *s, const char *first)
{
	if (strcmp(first, "answer") == 0)
		answer(s);
	else if (strcmp(first, "carried") == 0)
		stage_carry(&s->stage, current(s));
	else if (strcmp(first, "lose") == 0)
		meet(s, FATE_LOST);
	else if (strcmp(first, "drop") == 0)
		meet(s, FATE_DROPPED);
	else if (strcmp(first, "refuse") == 0)
		meet(s, FATE_REFUSED);
	else if (strcmp(first, "arrives") == 0)
		arrives(s);
	else if (strcmp(first, "fail") == 0 && s->count == 1)
		meet(s, FATE_FAILED_AFTER);
	else
		return false;
	return true;
}

static void start(struct script *s)
{
	const char *config = word(s);

	stage_start(&s->stage, config, s->at < s->count ? word(s) : NULL);
	s->is_started = true;
}

static void do_line(struct script *s)
{
	const char *first = word(s);

	if (strcmp(first, "config") == 0) {
		start(s);
	} else if (strcmp(first, "pulse") == 0) {
		rig_with_pulse = true;
	} else if (strcmp(first, "expect") == 0) {
		expect(s);
	} else if (about_store(s, first) || about_life(s, first) || about_wire(s, first)
	    || about_status(s, first)) {
		;
	} else if (strcmp(first, "unpark") == 0) {
		unpark(s);
	} else if (strcmp(first, "pair") == 0) {
		pair(s);
	} else if (strcmp(first, "expunge") == 0) {
		expunge(s);
	} else if (strcmp(first, "migrate") == 0) {
		migrate(s);
	} else if (strcmp(first, "fail") == 0 && is_word(s, "store")) {
		fail_store(s);
	} else if (strcmp(first, "agent") == 0) {
		agent_speaks(s);
	} else if (strcmp(first, "platform") == 0) {
		platform_speaks(s);
	} else if (strcmp(first, "close") == 0 || strcmp(first, "open") == 0
	    || strcmp(first, "snooze") == 0 || strcmp(first, "shelve") == 0) {
		change_state(s, first);
	} else if (strcmp(first, "delete") == 0) {
		delete_one(s);
	} else if (strcmp(first, "erase") == 0) {
		erase(s);
	} else if (strcmp(first, "edit") == 0) {
		feed(s, EVENT_EDIT);
	} else if (strcmp(first, "take") == 0 && is_word(s, "back")) {
		feed(s, EVENT_DELETE);
	} else if (strcmp(first, "change") == 0) {
		change(s);
	} else if (strcmp(first, "merge") == 0) {
		merge(s);
	} else if (strcmp(first, "give") == 0) {
		give(s);
	} else if (strcmp(first, "post") == 0) {
		post(s, s->silent);
	} else if (strcmp(first, "lost") == 0) {
		lose_callback(s);
	} else if (strcmp(first, "again") == 0) {
		post(s, s->last);
	} else if (strcmp(first, "echo") == 0 && is_word(s, "state")) {
		echo_state(s);
	} else if (strcmp(first, "echo") == 0) {
		post(s, far_last_echo(stage_far(&s->stage, word(s))));
	} else if (strcmp(first, "pass") == 0) {
		rig_pass(&s->stage.rig, duration(s));
	} else if (strcmp(first, "wait") == 0) {
		wait_for_request(s);
	} else if (strcmp(first, "run") == 0) {
		run(s);
	} else if (strcmp(first, "forget") == 0) {
		forget_sign_ins(s);
	} else if (strcmp(first, "expire") == 0) {
		stage_far(&s->stage, word(s))->tokens++;
	} else {
		customer_speaks(s, first);
	}
	if (s->at < s->count && strcmp(first, "hold") != 0 && strcmp(first, "mend") != 0)
		WRONG(s, "what is \"%s\"?", s->words[s->at]);
}

/* ---- files ---- */

static void run_file(void **state)
{
	struct script s = { .file = *state };
	char path[256], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", TEST_SOURCE_DIR, s.file);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		s.line++;
		snprintf(s.text, sizeof(s.text), "%.*s", (int)strcspn(line, "\n"), line);
		split(&s, line);
		if (s.count > 0)
			do_line(&s);
	}
	fclose(f);
	assert_true(s.is_started);
	stage_end(&s.stage);
}

static int is_script(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return len > 4 && strcmp(e->d_name + len - 4, ".scn") == 0;
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[256] = { { 0 } };
	struct dirent **files;
	int i, n = scandir(TEST_SOURCE_DIR, &files, is_script, alphasort), used = 0, ret;

	if (n <= 0 || n > 256)
		return 1;
	for (i = 0; i < n; i++) {
		if (argc > 1 && strstr(files[i]->d_name, argv[1]) == NULL)
			continue;
		tests[used++] = (struct CMUnitTest){ .name = files[i]->d_name,
			.test_func = run_file,
			.initial_state = files[i]->d_name };
	}
	ret = _cmocka_run_group_tests("scripts", tests, (size_t)used, NULL, NULL);
	for (i = 0; i < n; i++)
		free(files[i]);
	free(files);
	return ret;
}
