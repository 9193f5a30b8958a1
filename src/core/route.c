/* One ordered list of rules for all platforms; the first that holds is the reason:
 *
 *   what parsing alone found (other account, inbox, event; internal) · echo · notice, loop, hops ·
 *   draft · private · hidden · system · command · preflight · deleted, known · empty · filtered ·
 *   wrong side · unlinked · policy · before the link
 *
 * After it the link: which conversation at the other side the message travels to, decided once per
 * message and stored with it. What is no message (a conversation's state, a contact, typing) goes to
 * the bridges whose options carry it that way. */
#include "core/route.h"

#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "core/standing.h"

static bool is_drop(struct route *out, enum drop drop, bool whole_endpoint, const char *detail)
{
	out->drop = drop;
	out->whole_endpoint = whole_endpoint;
	out->detail = detail;
	return true;
}

bool route_is_echo(const struct event *event, const struct mark *mark,
    const struct bridge_conf *bridge, enum side side)
{
	if (mark == NULL || !mark->ours || strcmp(mark->bridge, bridge->tag) != 0)
		return false;
	/* A customer may post any attributes: what we wrote at C never bears his name. */
	return side == SIDE_AGENTS || event->author.role != ROLE_CUSTOMER;
}

/* Rules on the mark. A mark whose code is wrong is no mark; of a foreign relay's only the hops count. */
static bool drop_by_mark(const struct route_in *in, struct route *out)
{
	const struct mark *m = in->mark;

	if (route_is_echo(in->event, m, in->bridge, in->side))
		return is_drop(out, DROP_ECHO, false, in->event->mark);
	if (m != NULL && m->kind == 'n')
		return is_drop(out, DROP_SYSTEM, true, "notice");
	if (in->known != NULL && in->known->root_at_target)
		return is_drop(out, DROP_LOOP, false, "loop");
	if (m != NULL && m->hop + 1 > in->hops)
		return is_drop(out, DROP_LOOP, true, "hops");
	return false;
}

static bool drop_known(const struct event *e, struct route *out)
{
	if (e->kind == EVENT_UPDATE)
		return is_drop(out, DROP_NO_CHANGE, true, "status_only");
	return is_drop(out, DROP_DUPLICATE, true, e->key);
}

static const char *private_detail(const struct event *e, const struct bridge_conf *b)
{
	if (b == NULL || !b->private_notes)
		return "private_notes: drop";
	return e->author.role == ROLE_CUSTOMER ? "a customer writes no notes"
					       : "the other side has no notes";
}

/* From team to team, where both sides have something that no customer sees. */
static bool carries_note(const struct event *e, const struct bridge_conf *b)
{
	return b != NULL && b->private_notes && e->author.role != ROLE_CUSTOMER
	    && b->customers->caps->keeps_notes && b->agents->caps->keeps_notes;
}

/* What the customers' platform says by itself, told to the agents; it marks some of it as not for display. */
static bool carries_line(const struct event *e, const struct bridge_conf *b, enum side side)
{
	return b != NULL && b->system_lines && side == SIDE_CUSTOMERS
	    && (e->flags & EVENT_IS_SYSTEM) != 0 && b->agents->caps->notes;
}

static const char *system_detail(const struct bridge_conf *b)
{
	return b != NULL && b->system_lines ? "system_lines: note, for the agents alone"
					    : "system_lines: drop";
}

static const char deleted_unsent[] = "deleted_unsent";

/* Rules that hold whatever the bridge; those a bridge may switch name it in detail. */
static bool drop_by_kind(const struct event *e, const struct bridge_conf *b, enum side side,
    bool is_known, struct route *out)
{
	bool is_line = carries_line(e, b, side);

	if (e->flags & EVENT_IS_DRAFT)
		return is_drop(out, DROP_HIDDEN, true, "draft");
	if (e->is_private && !carries_note(e, b))
		return is_drop(out, DROP_PRIVATE, false, private_detail(e, b));
	if ((e->flags & EVENT_IS_HIDDEN) && !is_line)
		return is_drop(out, DROP_HIDDEN, true, e->detail);
	if ((e->flags & EVENT_IS_SYSTEM) && !is_line)
		return is_drop(out, DROP_SYSTEM, false, system_detail(b));
	if (e->flags & EVENT_IS_COMMAND)
		return is_drop(out, DROP_SYSTEM, true, "command");
	if (e->flags & EVENT_IS_PREFLIGHT)
		return is_drop(out, DROP_PREFLIGHT, true, "preflight");
	if (is_known)
		return drop_known(e, out);
	if (e->flags & EVENT_IS_DELETED)
		return is_drop(out, DROP_NO_CHANGE, true, deleted_unsent);
	if (e->flags & EVENT_IS_EMPTY)
		return is_drop(out, DROP_EMPTY, true, "neither text nor file");
	return false;
}

static bool in_list(const char *const *list, size_t count, const char *word)
{
	size_t i;

	for (i = 0; word != NULL && i < count; i++)
		if (strcasecmp(list[i], word) == 0)
			return true;
	return false;
}

static bool is_selected(const struct only *only, const struct event *e)
{
	size_t i;
	bool tagged = only->ntags == 0;

	if (only->nchannels > 0 && !in_list(only->channels, only->nchannels, e->channel))
		return false;
	if (only->ndepartments > 0 && !in_list(only->departments, only->ndepartments, e->department)
	    && !in_list(only->departments, only->ndepartments, e->department_name))
		return false;
	for (i = 0; !tagged && i < e->ntags; i++)
		tagged = in_list(only->tags, only->ntags, e->tags[i]);
	return tagged;
}

static bool drop_by_policy(const struct route_in *in, struct route *out)
{
	const struct event *e = in->event;
	const struct bridge_conf *b = in->bridge;

	if (in->side == SIDE_CUSTOMERS && e->author.role != ROLE_CUSTOMER
	    && (e->flags & EVENT_IS_SYSTEM) == 0 && b->mirror_agents == CHOICE_DROP)
		return is_drop(out, DROP_DISABLED, false, "mirror_agents: drop");
	if ((e->flags & EVENT_IS_AUTOMATIC) && b->automatic == CHOICE_DROP)
		return is_drop(out, DROP_AUTOMATIC, false, "automatic: drop");
	if (e->author.role == ROLE_BOT && !(e->flags & EVENT_IS_AUTOMATIC)
	    && b->bots == CHOICE_DROP)
		return is_drop(out, DROP_BOT, false, "bots: drop");
	return false;
}

/* Closed for so long that the bridge wants another conversation? */
static bool is_over(const struct route_in *in, const struct row_link *l)
{
	switch (in->bridge->reopen) {
	case REOPEN_ALWAYS: return false;
	case REOPEN_NEVER: return true;
	case REOPEN_NEW_AFTER:
		return in->now_ms - l->agents_closed_ms > in->bridge->new_after_msecs;
	}
	return true;
}

static void use(struct route *out, const struct row_link *l, bool reopen)
{
	out->choice = LINK_USE;
	out->link = l->id;
	out->customers = l->customers;
	out->agents = l->agents;
	out->generation = l->generation;
	out->reopen = reopen;
}

static void open_new(const struct route_in *in, struct route *out, int64_t generation)
{
	out->choice = LINK_NEW;
	out->customers = in->view->thread;
	out->agents = 0;
	out->generation = generation;
}

/* C wrote in a conversation that is linked: the same one, reopened, or another generation. */
static void continue_link(const struct route_in *in, struct route *out)
{
	const struct row_link *l = &in->known->link;
	bool by_customer = in->event->author.role == ROLE_CUSTOMER;

	if (in->event->origin == ORIGIN_HISTORY && !l->gone)
		use(out, l, false); /* where it stands today, nobody is woken by what was said */
	else if (l->gone)
		open_new(in, out, l->generation + 1);
	else if (!state_is_closed(l->agents_state) || !by_customer)
		use(out, l, false);
	else if (is_over(in, l))
		open_new(in, out, l->generation + 1);
	else
		use(out, l, true);
}

/* C began another conversation of a person we know: it joins the far one that is still there, unless
 * the old conversation at C goes on beside it or the bridge wants a new one. */
static void join_or_open(const struct route_in *in, struct route *out)
{
	const struct row_link *l = &in->known->latest;
	bool far_closed = state_is_closed(l->agents_state);
	bool join;

	if (l->id == 0 || l->gone || l->agents == 0)
		join = false;
	else if (far_closed)
		join = !is_over(in, l);
	else
		join = state_is_closed(l->customers_state) && in->bridge->reopen != REOPEN_NEVER;
	open_new(in, out, 1);
	if (join) {
		out->choice = LINK_JOIN;
		out->agents = l->agents;
		out->reopen = far_closed;
	}
}

static void link_up(const struct route_in *in, struct route *out)
{
	bool is_line = (in->event->flags & EVENT_IS_SYSTEM) != 0;
	bool is_history = in->event->origin == ORIGIN_HISTORY;

	out->to = SIDE_AGENTS;
	/* Where the platform says now that the conversation is another person's, it stays in the lane that it
	 * is in until nothing of it is under way. */
	out->person = in->known->link.id != 0 ? in->known->link.person : in->view->person;
	/* That a conversation was begun or assigned tells nothing to agents who have none of it. Of history it comes
	 * behind a message, which may not be routed yet. */
	if (is_line && ((in->known->link.id == 0 && !is_history) || in->known->link.gone))
		is_drop(out, DROP_SYSTEM, false, "not linked");
	else if (in->known->link.id != 0)
		continue_link(in, out);
	else if (is_history)
		open_new(in, out, 1); /* each conversation is moved as one */
	else
		join_or_open(in, out);
}

/* Several bridges may share the agents' side. A conversation that one of them has is no business of the
 * others; one that none has goes to where the person was heard last. */
static bool is_of_another_bridge(const struct route_in *in)
{
	const struct view_bridge *b = in->view->bridges;
	size_t i;

	for (i = 0; i < BRIDGES_PER_ENDPOINT; i++)
		if (b[i].link.id != 0 || b[i].latest.id > in->known->latest.id)
			return true;
	return false;
}

/* An agent opened a conversation with somebody we know here. */
static bool link_agent_started(const struct route_in *in, struct route *out)
{
	const struct row_link *l = &in->known->latest;

	if (l->id == 0 || l->customers == 0 || in->bridge->agent_started != AGENT_STARTED_CREATE)
		return false;
	out->choice = LINK_JOIN;
	out->person = l->person;
	out->customers = l->customers;
	out->agents = in->view->thread;
	out->generation = l->generation + 1;
	return true;
}

/* A conversation at the agents' side that a relay has opened for this bridge, and whose store was lost since. */
static bool is_ours_there(const struct route_in *in)
{
	return mark_is_of_bridge(in->event->conversation_mark, in->bridge->tag);
}

static void link_down(const struct route_in *in, struct route *out)
{
	const struct row_link *l = &in->known->link;
	const struct bridge_conf *b = in->bridge;

	out->to = SIDE_CUSTOMERS;
	if (l->id != 0 && l->gone) {
		is_drop(out, DROP_UNLINKED, false, "the customer's conversation was deleted");
		if (!event_is_note(in->event))
			out->park = REASON_NOT_FOUND;
		return;
	}
	if (l->id != 0) {
		out->person = l->person;
		use(out, l, false);
	} else if (is_of_another_bridge(in)) {
		is_drop(out, DROP_UNLINKED, false, in->event->conversation);
		return;
	} else if (!link_agent_started(in, out)) {
		is_drop(out, DROP_UNLINKED, false, in->event->conversation);
		if ((b->agents->caps->dedicated || is_ours_there(in))
		    && b->agent_started != AGENT_STARTED_DROP && !event_is_note(in->event))
			out->park = REASON_UNREACHABLE;
		return;
	}
	/* Known, so decided here: whether this answer is the one that takes the conversation over. */
	out->take_over = b->take_over != TAKE_OVER_NEVER && !l->taken_over
	    && !event_is_note(in->event)
	    && (b->take_over == TAKE_OVER_START || in->event->author.role == ROLE_AGENT);
}

const char *route_deletion_key(struct arena *a, const struct event *event)
{
	if (event->kind != EVENT_UPDATE || (event->flags & EVENT_IS_DELETED) == 0)
		return NULL;
	return arena_printf(a, "d:%s", event->remote);
}

bool route_is_settled_by_parsing(const struct event *event,
    const struct bridge_conf *const *bridges, size_t count, struct route *out)
{
	size_t i;

	*out = (struct route){ 0 };
	if (event->drop != DROP_NONE)
		return is_drop(out, event->drop, true, event->detail);
	if (count == 0)
		return is_drop(out, DROP_FILTERED, true, "no bridge has this endpoint");
	if (event->mark != NULL || (event->kind != EVENT_MESSAGE && event->kind != EVENT_UPDATE))
		return false;
	/* Whether what was deleted is known here, the store knows. */
	for (i = 0; i < count; i++)
		if (!drop_by_kind(event, bridges[i], SIDE_CUSTOMERS, false, out)
		    || out->detail == deleted_unsent)
			return false;
	return true;
}

/* ---- what is no message ---- */

static const char *const status_words[] = { "status: none", "status: to_customers",
	"status: to_agents" };
static const char *const profile_words[] = { "profile: none", "profile: to_customers",
	"profile: to_agents" };
static const char *const typing_words[] = { "typing: none", "typing: to_customers",
	"typing: to_agents" };

/* An option with a direction: does it carry what was heard at that side? */
static bool drop_by_direction(const struct route_in *in, bool to_agents, bool to_customers,
    const char *const words[3], struct route *out)
{
	if (in->side == SIDE_CUSTOMERS ? to_agents : to_customers)
		return false;
	return is_drop(out, DROP_DISABLED, false, words[to_agents ? 2 : to_customers ? 1 : 0]);
}

static bool drop_typing(const struct route_in *in, struct route *out)
{
	bool by_customer = in->event->author.role == ROLE_CUSTOMER;

	if (in->event->is_private)
		return is_drop(out, DROP_PRIVATE, true, "typing of a note");
	if (by_customer != (in->side == SIDE_CUSTOMERS))
		return is_drop(out, DROP_WRONG_SIDE, false,
		    by_customer ? "the customer of the agents' side types"
				: "somebody types who is not the customer");
	return drop_by_direction(in, in->bridge->typing_to_agents, in->bridge->typing_to_customers,
	    typing_words, out);
}

static bool drop_no_message(const struct route_in *in, struct route *out)
{
	const struct bridge_conf *b = in->bridge;
	const struct event *e = in->event;

	if (e->kind == EVENT_CONVERSATION && e->origin == ORIGIN_HISTORY)
		return false; /* how its history ends there is no matter of what is mirrored */
	if (e->flags & EVENT_IS_DRAFT)
		return is_drop(out, DROP_HIDDEN, true, "draft");
	if (in->is_known)
		return is_drop(out, DROP_DUPLICATE, true, e->key);
	if (in->side == SIDE_CUSTOMERS && e->kind == EVENT_CONVERSATION
	    && !is_selected(&b->only, e))
		return is_drop(out, DROP_FILTERED, false, "not_selected");
	switch (e->kind) {
	case EVENT_CONVERSATION:
		return drop_by_direction(in, b->status_to_agents, b->status_to_customers,
		    status_words, out);
	case EVENT_CONTACT:
		return drop_by_direction(in, b->profile_to_agents, b->profile_to_customers,
		    profile_words, out);
	case EVENT_TYPING: return drop_typing(in, out);
	case EVENT_DELETE:
		return b->deletes == CHOICE_DROP
		    && is_drop(out, DROP_DISABLED, false, "deletes: drop");
	case EVENT_EDIT:
		if (e->is_private && !carries_note(e, b))
			return is_drop(out, DROP_PRIVATE, false, private_detail(e, b));
		return b->edits == CHOICE_DROP && is_drop(out, DROP_DISABLED, false, "edits: drop");
	default: return is_drop(out, DROP_UNSUPPORTED, true, event_kind_word((int)e->kind));
	}
}

/* Only the two conversations that are tied to each other now follow each other; one that has gone on with
 * another is left as it is. Waiting is a matter of the desk that waits. Where a customer's word would not open
 * the agents' conversation, what opens his own does not either: his next word decides. */
static void route_state(const struct route_in *in, struct route *out)
{
	const struct row_link *l = &in->known->link;
	const struct endpoint_conf *other =
	    in->side == SIDE_CUSTOMERS ? in->bridge->agents : in->bridge->customers;
	enum state state = in->event->state;

	if (!other->caps->states || (state == STATE_OPEN && !other->caps->reopens))
		is_drop(out, DROP_UNSUPPORTED, false, "states");
	else if (in->event->origin == ORIGIN_HISTORY && l->id != 0 && !l->gone)
		; /* its last word */
	else if (l->id == 0 || l->gone || in->known->is_left)
		is_drop(out, DROP_UNLINKED, false, in->event->conversation);
	else if (in->side == SIDE_CUSTOMERS && state == STATE_OPEN
	    && state_is_closed(l->agents_state) && is_over(in, l))
		is_drop(out, DROP_DISABLED, false, "reopen");
	if (out->drop != DROP_NONE || (state != STATE_OPEN && state != STATE_RESOLVED))
		return;
	use(out, l, false);
	out->person = l->person;
	out->set_state = state;
}

/* It goes the way of its message. */
static void route_later(const struct route_in *in, struct route *out)
{
	const struct row_link *l = &in->known->link;

	if (l->id == 0) {
		is_drop(out, DROP_UNLINKED, false, in->event->conversation);
		return;
	}
	use(out, l, false);
	out->person = l->person;
	out->is_deletion = in->event->kind == EVENT_DELETE;
	out->is_edit = in->event->kind == EVENT_EDIT;
}

static bool drop_message(const struct route_in *in, struct route *out)
{
	const struct event *e = in->event;

	if (drop_by_mark(in, out) || drop_by_kind(e, in->bridge, in->side, in->is_known, out))
		return true;
	if (in->side == SIDE_CUSTOMERS && !is_selected(&in->bridge->only, e))
		return is_drop(out, DROP_FILTERED, false, "not_selected");
	if (in->side == SIDE_AGENTS && e->author.role == ROLE_CUSTOMER)
		return is_drop(out, DROP_WRONG_SIDE, false,
		    "a customer's message at the agents' side");
	return false;
}

static void route_down(const struct route_in *in, struct route *out)
{
	struct route policy = { .to = SIDE_CUSTOMERS };
	bool unwanted = drop_by_policy(in, &policy);

	link_down(in, out);
	if (unwanted && out->drop == DROP_NONE)
		*out = policy;
	else if (unwanted)
		out->park = REASON_NONE; /* nobody waits for it */
}

/* Both were there before they became a pair, by a person's word or as a person's only ones: what stood in them then
 * stays where it is. Copies, which a mark tells of, say themselves what is there already. */
static bool is_before_pair(const struct route_in *in, const char *first)
{
	const struct row_link *l = &in->known->link;
	const struct event *e = in->event;

	return (l->how == LINK_BY_FILE || l->how == LINK_BY_PERSON) && e->origin != ORIGIN_HISTORY
	    && first != NULL && e->remote != NULL
	    && (in->side == SIDE_AGENTS || l->how == LINK_BY_FILE || strcmp(e->remote, first) != 0)
	    && !ids_above(e->remote, first);
}

/* A message that changes may be one whose callback was lost, or one from before: that is history. One
 * that was read may lie before what the link begins with, which was only the first that we heard of; but
 * not before the bridge. Times of messages are whole seconds. */
static bool is_before_link(const struct route_in *in)
{
	const struct event *e = in->event;
	const struct row_link *l = &in->known->link;
	const char *first = in->side == SIDE_CUSTOMERS ? l->first_customers : l->first_agents;

	if (l->id != 0 && is_before_pair(in, first))
		return true;
	if (e->kind != EVENT_UPDATE && e->origin != ORIGIN_REPAIR)
		return false;
	if (e->at_ms > 0 && e->at_ms + 1000 <= in->bridge->since_ms)
		return true;
	return e->kind == EVENT_UPDATE && l->id != 0 && first != NULL && e->remote != NULL
	    && !ids_above(e->remote, first);
}

static void drop_before_link(const struct route_in *in, struct route *out)
{
	if ((out->drop != DROP_NONE && out->park == REASON_NONE) || !is_before_link(in))
		return;
	*out = (struct route){ .to = out->to };
	is_drop(out, DROP_STALE, false, "before_link");
}

void route_event(const struct route_in *in, struct route *out)
{
	const struct event *e = in->event;

	*out = (struct route){ 0 };
	out->to = in->side == SIDE_CUSTOMERS ? SIDE_AGENTS : SIDE_CUSTOMERS;
	if (e->drop != DROP_NONE)
		is_drop(out, e->drop, true, e->detail);
	else if (e->kind != EVENT_MESSAGE && e->kind != EVENT_UPDATE) {
		if (drop_no_message(in, out))
			; /* said why */
		else if (e->kind == EVENT_CONVERSATION)
			route_state(in, out);
		else if (e->kind == EVENT_DELETE || e->kind == EVENT_EDIT)
			route_later(in, out);
	} else if (drop_message(in, out))
		return;
	else if (in->side == SIDE_AGENTS)
		route_down(in, out);
	else if (!drop_by_policy(in, out))
		link_up(in, out);
	drop_before_link(in, out);
}
