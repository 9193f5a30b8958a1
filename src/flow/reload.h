/* A new configuration for a flow that runs. Nothing stops for it: between two turns the old one is
 * replaced, and lives on for the trips and requests that began with it. */
#ifndef FLOW_RELOAD_H
#define FLOW_RELOAD_H

#include "base/mistakes.h"
#include "flow/flow.h"

/* Takes wanted over, or (-1) nothing of it, and m says why. A reference is taken. A trip under way keeps
 * its bridge's options to its end; what an endpoint says (token, timeout, rate) counts from the next
 * request on. */
int flow_reload(struct flow *f, struct config *wanted, struct mistakes *m);

#endif
