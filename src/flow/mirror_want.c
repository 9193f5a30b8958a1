/* See mirror_inside.h. What one end is told, in the words of the other: what should stand there, and whether it is to be
 * written. */
#include "flow/mirror_inside.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_in.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/endpoint.h"

void mirror_tell_dropped(const struct mirror_turn *t, enum fact f, const char *reason,
    const char *why)
{
	LOG(LOG_WARN, "dropped", F_STR("endpoint", mirror_endpoint(t)->conf.name),
	    F_STR("bridge", t->bridge != NULL ? t->bridge->name : NULL),
	    F_ID("link", 'k', mirror_key_of(t)->link),
	    F_STR("field", f < FACT_COUNT ? fact_word(f) : NULL), F_STR("reason", reason),
	    F_STR("err", log_wants(LOG_DEBUG) ? why : NULL));
}

/* ---- who works there ---- */

static const struct json *crowd_of(struct arena *a, const struct endpoint *e, const char *key)
{
	const struct via via = endpoint_via(e);
	const char *text = memo_get(&via, key);
	struct json_error error;

	return text != NULL ? json_read(a, text, strlen(text), &error) : NULL;
}

static bool is_called(const struct json *j, const char *member, const char *text)
{
	const char *is = json_text(j, member);

	return is != NULL && strcasecmp(is, text) == 0;
}

static const struct json *one_of(const struct json *crowd, const char *text)
{
	const struct json *j;

	for (j = crowd != NULL ? crowd->child : NULL; j != NULL; j = j->next)
		if (is_called(j, "id", text) || is_called(j, "email", text)
		    || is_called(j, "name", text))
			return j;
	return NULL;
}

static const struct json *one_called(const struct json *crowd, const char *member, const char *text)
{
	const struct json *j;

	for (j = crowd != NULL ? crowd->child : NULL; j != NULL; j = j->next)
		if (is_called(j, member, text))
			return j;
	return NULL;
}

/* What a file calls him may be his name. */
static bool is_bare_id(const char *text)
{
	return strspn(text, "0123456789abcdefABCDEF") == strlen(text);
}

/* Told once for each who is not mapped. */
static void tell_unmapped(struct mirror_turn *t, enum fact f, const char *id)
{
	uint64_t hash = hash_text(id, (uint64_t)t->bridge->id << 8 | (unsigned)f);

	if (!once_first(&mirror_endpoint(t)->unmapped, hash))
		return;
	LOG(LOG_WARN, "unmapped", F_STR("bridge", t->bridge->name),
	    F_STR("endpoint", mirror_endpoint(t)->conf.name), F_STR("field", fact_word(f)),
	    F_STR("remote", is_bare_id(id) ? id : NULL));
}

/* Who there is meant by one of here: by id, e-mail or name; `same` by e-mail of people, by name of teams.
 * NULL: nobody. */
static const char *somebody(struct mirror_turn *t, enum fact f, const struct option_map *m,
    const char *id)
{
	const char *members[] = { "id", "email", "name" }, *key = MEMO_TEAM, *text, *mapped = NULL;
	const struct endpoint *to = mirror_endpoint(t);
	bool to_right = mirror_key_of(t)->side == SIDE_AGENTS;
	const struct endpoint *from =
	    endpoint_find(to->flow, to_right ? t->bridge->customers->id : t->bridge->agents->id);
	const struct json *who, *there, *crowd;
	size_t i;

	if (f == FACT_TEAM) {
		key = MEMO_TEAMS;
		members[1] = "name";
	}
	who = one_of(crowd_of(t->turn.arena, from, key), id);
	for (i = m->same ? 1 : 0; i < 3 && mapped == NULL; i++) {
		text = i == 0 || who == NULL ? id : json_text(who, members[i]);
		if (text != NULL)
			mapped = map_exactly(m, text, to_right);
		if (m->same)
			break;
	}
	if (mapped == NULL)
		mapped = map_others(m, to_right);
	crowd = crowd_of(t->turn.arena, to, key);
	if (mapped != NULL && m->same) /* never by an id: the other platform's mean others */
		there = one_called(crowd, members[1], mapped);
	else
		there = mapped != NULL ? one_of(crowd, mapped) : NULL;
	if (there == NULL)
		tell_unmapped(t, f, id);
	return json_text(there, "id");
}

/* ---- what is wanted ---- */

bool mirror_takes(const struct bridge_conf *b, enum side to)
{
	return (to == SIDE_AGENTS ? b->agents : b->customers)->caps->facts != 0;
}

bool mirror_carries(const struct bridge_conf *b, enum side to)
{
	if (!mirror_takes(b, to))
		return false;
	return to == SIDE_AGENTS ? b->assignment_to_agents || b->labels_to_agents
		|| b->attributes_to_agents || b->priority_to_agents
				 : b->assignment_to_customers || b->labels_to_customers
		|| b->attributes_to_customers || b->priority_to_customers;
}

bool mirror_carries_fact(const struct bridge_conf *b, enum fact f, enum side to)
{
	bool up = to == SIDE_AGENTS;

	switch (f) {
	case FACT_NAME:
	case FACT_EMAIL:
	case FACT_PHONE: return up ? b->profile_to_agents : b->profile_to_customers;
	case FACT_AVATAR: return up && b->profile_to_agents;
	case FACT_AGENT:
	case FACT_TEAM: return up ? b->assignment_to_agents : b->assignment_to_customers;
	case FACT_LABELS: return up ? b->labels_to_agents : b->labels_to_customers;
	case FACT_PRIORITY: return up ? b->priority_to_agents : b->priority_to_customers;
	case FACT_ATTRIBUTES: return up ? b->attributes_to_agents : b->attributes_to_customers;
	case FACT_COUNT: break;
	}
	return false;
}

static const char *want_priority(const struct option_map *m, const char *seen, bool up)
{
	return *seen == '\0' ? seen : map_to(m, seen, up);
}

static bool is_writable(const struct caps *to, enum fact f, const char *value)
{
	if ((to->facts >> f & 1) == 0)
		return false;
	return f != FACT_AGENT || *value != '\0' || !to->forwards;
}

static const char *want(struct mirror_turn *t, enum fact f, const char *seen)
{
	const struct map_conf *m = &t->bridge->map;
	bool up = mirror_key_of(t)->side == SIDE_AGENTS;

	if (seen == NULL || !mirror_carries_fact(t->bridge, f, mirror_key_of(t)->side)
	    || !is_writable(mirror_endpoint(t)->conf.caps, f, seen))
		return NULL;
	switch (f) {
	case FACT_LABELS: return map_labels(t->turn.arena, &m->labels, seen, up);
	case FACT_ATTRIBUTES: return map_attributes(t->turn.arena, &m->attributes, seen, up);
	case FACT_PRIORITY: return want_priority(&m->priority, seen, up);
	case FACT_AGENT:
		if (!m->agents.same && m->agents.count == 0)
			return NULL;
		return *seen == '\0' ? seen : somebody(t, f, &m->agents, seen);
	case FACT_TEAM:
		if (!m->teams.same && m->teams.count == 0)
			return NULL;
		return *seen == '\0' ? seen : somebody(t, f, &m->teams, seen);
	case FACT_NAME:
	case FACT_EMAIL:
	case FACT_PHONE:
	case FACT_AVATAR:
	case FACT_COUNT: break;
	}
	if (fact_is_valid(t->turn.arena, f, seen))
		return seen;
	mirror_tell_dropped(t, f, reason_word(REASON_INVALID), NULL);
	return NULL;
}

/* What we wrote is agreed, and nothing of it is in doubt. */
static bool is_settled(const struct mirror_turn *t, enum fact f)
{
	const struct fact_record *here = &t->read.here;

	return here->was.v[f] == NULL && here->ours.v[f] != NULL
	    && fact_is_same(f, here->ours.v[f], t->wanted.v[f]);
}

/* What was told there is overtaken: it is being written there just now, or people at the desk have changed their
 * minds at the same time, and theirs goes the other way. Else the two would be exchanged. */
static bool is_overtaken(const struct mirror_turn *t, enum fact f)
{
	const struct fact_record *here = &t->read.here, *there = &t->read.there;

	if (there->was.v[f] != NULL && fact_is_same(f, there->was.v[f], there->seen.v[f]))
		return true;
	return mirror_key_of(t)->side == SIDE_AGENTS && f != FACT_LABELS && f != FACT_ATTRIBUTES
	    && mirror_carries_fact(t->bridge, f, SIDE_CUSTOMERS) && here->was.v[f] == NULL
	    && here->seen.v[f] != NULL && here->ours.v[f] != NULL
	    && !fact_is_same(f, here->seen.v[f], here->ours.v[f]);
}

int mirror_first_fact(const struct mirror_turn *t)
{
	return mirror_key_of(t)->step == STEP_FIND_CONTACT ? 0 : FACT_OF_PERSON + 1;
}

int mirror_last_fact(const struct mirror_turn *t)
{
	return mirror_key_of(t)->step == STEP_FIND_CONTACT ? FACT_OF_PERSON : FACT_COUNT - 1;
}

/* False: it is all as it should be. */
bool mirror_want_all(struct mirror_turn *t)
{
	bool any = false;
	int f;

	for (f = mirror_first_fact(t); f <= mirror_last_fact(t); f++) {
		t->wanted.v[f] = want(t, (enum fact)f, t->read.there.seen.v[f]);
		if (t->wanted.v[f] != NULL
		    && (is_settled(t, (enum fact)f) || is_overtaken(t, (enum fact)f)))
			t->wanted.v[f] = NULL;
		any |= t->wanted.v[f] != NULL;
	}
	return any;
}

/* ---- what is to be written ---- */

/* Both have the same now: what stands for that at the side that tells. */
static const char *agreed(struct mirror_turn *t, enum fact f)
{
	const char *seen = t->read.there.seen.v[f];
	bool is_left = mirror_key_of(t)->side == SIDE_AGENTS;

	if (f == FACT_LABELS)
		return map_labels_here(t->turn.arena, &t->bridge->map.labels, seen, is_left);
	if (f == FACT_ATTRIBUTES)
		return map_attributes_here(t->turn.arena, &t->bridge->map.attributes, seen,
		    is_left);
	return seen;
}

/* Found there, though nobody told of it yet: people at the desk have just changed it. */
static bool is_theirs(const struct mirror_turn *t, enum fact f, const char *ours)
{
	return mirror_key_of(t)->side == SIDE_AGENTS && f != FACT_LABELS && f != FACT_ATTRIBUTES
	    && mirror_carries_fact(t->bridge, f, SIDE_CUSTOMERS) && ours != NULL
	    && t->current.v[f] != NULL && !fact_is_same(f, t->current.v[f], ours);
}

/* At the end of a history nobody is to be called: which team had it is not written where a team passes on what it
 * is given. Later changes are. */
static bool is_quiet(const struct mirror_turn *t, enum fact f)
{
	return t->is_history && f == FACT_TEAM && mirror_endpoint(t)->conf.caps->routes;
}

void mirror_decide(struct mirror_turn *t, enum fact f)
{
	const char *current = t->current.v[f], *wanted = t->wanted.v[f];
	const char *ours = t->read.here.ours.v[f], *was = t->read.here.was.v[f];

	if (wanted == NULL)
		return;
	if (was != NULL)
		ours = fact_before(t->turn.arena, f, was, wanted);
	if (is_theirs(t, f, ours) && !fact_is_same(f, wanted, current))
		return;
	if (!is_quiet(t, f))
		t->write.v[f] = fact_to_write(t->turn.arena, f, wanted, ours, current);
	if (t->write.v[f] == NULL && f <= FACT_OF_PERSON && !fact_is_same(f, wanted, current))
		return; /* people there want it otherwise */
	t->ask.ours.v[f] = wanted;
	t->ask.agreed.v[f] = agreed(t, f);
	if (t->write.v[f] != NULL)
		t->ask.was.v[f] = current != NULL ? current : "";
}

void mirror_expect(struct flow *f, const struct bridge_conf *b, struct arena *a,
    const struct facts *told, struct facts *out)
{
	struct endpoint *to = endpoint_find(f, b->agents->id);
	struct mirrored any = { .key = { .side = SIDE_AGENTS,
				    .step = STEP_FIND_CONVERSATION,
				    .endpoint = to->conf.id } };
	struct mirror_turn t = {
		.turn = { .chore = &any.chore, .chores = &to->mirrors, .arena = a },
		.bridge = b,
		.is_history = true
	};
	int n;

	t.read.there.seen = *told;
	mirror_want_all(&t);
	for (n = 0; n < FACT_COUNT; n++)
		out->v[n] = is_quiet(&t, (enum fact)n) ? NULL : t.wanted.v[n];
}
