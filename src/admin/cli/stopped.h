/* The store of a relay that does not run, for commands that work without it. */
#ifndef ADMIN_CLI_STOPPED_H
#define ADMIN_CLI_STOPPED_H

#include <stdbool.h>

#include "base/err.h"
#include "store/store.h"

struct arena;
struct config;

/* Opens the configuration's store and asks it for the ids of its endpoints and bridges; one that it does
 * not know has the id -1. NULL: *code is the exit code, err says why. */
struct store *stopped_open(struct arena *a, struct config *config, bool read_only, int *code,
    struct err *err);

#endif
