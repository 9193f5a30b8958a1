/* tieline migrate, tieline migrations. */
#ifndef ADMIN_CLI_MIGRATE_H
#define ADMIN_CLI_MIGRATE_H

struct cli;

int cli_migrate(struct cli *cli);
int cli_migrations(struct cli *cli);

#endif
