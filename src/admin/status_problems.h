/* What is wrong, said as what, where, why and next. */
#ifndef ADMIN_STATUS_PROBLEMS_H
#define ADMIN_STATUS_PROBLEMS_H

#include "admin/status.h"

struct flow;

/* Fills s->problems from the rest of s and what runs. */
void status_find_problems(struct arena *a, const struct flow *f, const struct store_health *health,
    struct status *s);
void status_find_problems_stopped(struct arena *a, const struct config *c,
    const struct store_health *health, struct status *s);

#endif
