/* What the store knows of an event's conversation, asked for once more: it may have changed while the event was
 * held, or was not asked for in this life. */
#ifndef FLOW_SURVEY_H
#define FLOW_SURVEY_H

#include "core/view.h"
#include "flow/flow.h"

struct endpoint;

/* The root of a message at an endpoint of several bridges; NULL: it has one bridge, and nobody asks. */
const unsigned char *survey_root(struct arena *a, const struct endpoint *e,
    const struct event *event);

/* done gets the view, and the arena its texts lie in, which is the caller's from then on. It is called once,
 * however often the store fails meanwhile, unless the flow ends before. */
void survey_ask(struct endpoint *e, struct letter *letter,
    void (*done)(void *arg, struct letter *letter, const struct view *view, struct arena *a),
    void *arg);

#endif
