/* The commands that look at what is stuck, and mend it. */
#ifndef ADMIN_CLI_CLI_REPAIR_H
#define ADMIN_CLI_CLI_REPAIR_H

struct cli;

int cli_parked(struct cli *cli);
int cli_trace(struct cli *cli);

#endif
