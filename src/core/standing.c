/* See standing.h.
 *
 * What we ask for comes back as news of the platform's own. It is told from what people do there by what
 * stands in `asked`, written before the request leaves. Between the two the platform may still tell what was
 * so before: that is written down and not acted on. The versions say, when the echo comes, whether it is
 * older than what was written down; then somebody was there after us. Where no echo comes (it was lost, or the
 * conversation was so already and nothing changed), the conversation is read: what it is after our request was
 * answered, it is by us or by somebody after us. No clock of ours is compared with one of theirs. */
#include "core/standing.h"

bool state_is_closed(enum state state)
{
	return state == STATE_RESOLVED;
}

static bool is_same(enum state a, enum state b)
{
	return state_is_closed(a) == state_is_closed(b);
}

static bool is_waiting(enum state state)
{
	return state == STATE_PENDING || state == STATE_SNOOZED;
}

enum state standing_now(const struct standing *s)
{
	return s->asked != STATE_NONE ? s->asked : s->state;
}

static void write_down(struct standing *s, enum state state, int64_t version)
{
	s->state = state;
	if (version != 0)
		s->version = version;
}

static void forget_asked(struct standing *s)
{
	s->asked = STATE_NONE;
	s->asked_ms = 0;
}

static enum hearing hear_asked(struct standing *s, enum state state, int64_t version, bool is_late)
{
	bool is_news = !is_same(state, s->state);

	if (is_same(state, s->asked)) {
		if (!is_news && !is_late) { /* so it was before, too */
			write_down(s, state, version);
			return HEARD_NOTE;
		}
		if (is_late && is_same(s->state, s->asked))
			return HEARD_NOTHING;
		forget_asked(s);
		if (is_late) /* what is written down came after it */
			return HEARD_CHANGE;
		write_down(s, state, version);
		return HEARD_ECHO;
	}
	if (is_late)
		return HEARD_NOTHING;
	write_down(s, state, version);
	return HEARD_NOTE;
}

enum hearing standing_hear(struct standing *s, enum state state, int64_t version)
{
	bool is_late = version != 0 && version <= s->version;
	enum state before = s->state;

	if (state == STATE_NONE)
		return HEARD_NOTHING;
	if (s->asked != STATE_NONE)
		return hear_asked(s, state, version, is_late);
	if (is_late || state == before)
		return HEARD_NOTHING;
	write_down(s, state, version);
	return !is_same(state, before) || (state == STATE_OPEN && is_waiting(before)) ? HEARD_CHANGE
										      : HEARD_NOTE;
}

enum hearing standing_read(struct standing *s, enum state state, int64_t version)
{
	enum state asked = s->asked;

	if (state == STATE_NONE || asked == STATE_NONE)
		return standing_hear(s, state, version);
	forget_asked(s);
	/* What was heard meanwhile is of later still. */
	if (version == 0 || version >= s->version)
		write_down(s, state, version);
	return is_same(s->state, asked) ? HEARD_ECHO : HEARD_CHANGE;
}

enum state standing_needs(const struct row_link *l, enum side side)
{
	bool up = side == SIDE_AGENTS;
	enum state heard = up ? l->agents_heard : l->customers_heard;
	enum state asked = up ? l->agents_asked : l->customers_asked;
	bool obeyed = up ? l->agents_obeyed : l->customers_obeyed;
	int64_t there = up ? l->agents : l->customers;

	if (l->wanted == STATE_NONE || there == 0 || l->gone)
		return STATE_NONE;
	/* What was asked for and not answered may never have left; and what is heard may be from before it, and
	 * from before an earlier request that wanted the contrary. */
	if (is_same(heard, l->wanted)
	    && (asked == STATE_NONE || (obeyed && is_same(asked, l->wanted))))
		return STATE_NONE;
	return l->wanted;
}
