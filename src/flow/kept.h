/* What setup has made at a platform, or read there, is kept in the endpoint's memory in the store (memos whose
 * key begins with KEPT_PREFIX). A value in the file wins over one that is kept. */
#ifndef FLOW_KEPT_H
#define FLOW_KEPT_H

#include <stdbool.h>
#include <stddef.h>

#include "connector/setup.h"

bool kept_is(const char *key);
/* Fills what given, the file's, leaves open; memo is borrowed. */
void kept_apply(struct endpoint_conf *conf, const struct endpoint_conf *given,
    const struct memo *memo, size_t nmemo);

#endif
