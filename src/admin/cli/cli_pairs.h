/* tieline migrate --links FILE: conversations that are at both ends become pairs. */
#ifndef ADMIN_CLI_CLI_PAIRS_H
#define ADMIN_CLI_CLI_PAIRS_H

#include <stdbool.h>

struct arena;
struct cli;
struct client;

/* The exit code. */
int cli_pairs(const struct cli *cli, const struct client *client, struct arena *a, const char *path,
    bool is_dry);

#endif
