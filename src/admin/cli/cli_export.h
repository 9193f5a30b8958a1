/* tieline export. */
#ifndef ADMIN_CLI_CLI_EXPORT_H
#define ADMIN_CLI_CLI_EXPORT_H

struct cli;

int cli_export(struct cli *cli);

#endif
