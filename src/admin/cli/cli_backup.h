/* tieline backup */
#ifndef ADMIN_CLI_CLI_BACKUP_H
#define ADMIN_CLI_CLI_BACKUP_H

struct cli;

int cli_backup(struct cli *cli);

#endif
