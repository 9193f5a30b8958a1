/* tieline setup, and what `check --online` looks at. */
#ifndef ADMIN_CLI_CLI_SETUP_H
#define ADMIN_CLI_CLI_SETUP_H

#include <stdbool.h>
#include <stddef.h>

struct cli;
struct config;

int cli_setup(struct cli *cli);
/* Asks the platforms of these endpoints (none: of all), and prints a line for each thing looked at. */
int cli_check_online(struct cli *cli, struct config *config, const char *const *endpoints,
    size_t count);

#endif
