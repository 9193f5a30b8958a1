/* tieline reconcile. */
#ifndef ADMIN_CLI_CLI_RECONCILE_H
#define ADMIN_CLI_CLI_RECONCILE_H

struct cli;

int cli_reconcile(struct cli *cli);

#endif
