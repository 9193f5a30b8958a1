/* tieline migrate, tieline migrations. */
#ifndef ADMIN_CLI_CLI_MIGRATE_H
#define ADMIN_CLI_CLI_MIGRATE_H

struct arena;
struct cli;
struct client;
struct client_answer;
struct client_request;
struct json;

/* *document: what the relay answers; else it is told why there is none. The exit code. */
int cli_migrate_ask(const struct cli *cli, const struct client *client, struct arena *a,
    const struct client_request *req, struct client_answer *answer, const struct json **document);

int cli_migrate(struct cli *cli);
int cli_migrations(struct cli *cli);

#endif
