/* The commands that look at the relay while it runs. */
#ifndef ADMIN_CLI_CLI_STATUS_H
#define ADMIN_CLI_CLI_STATUS_H

struct cli;

/* `status [--watch] [--exit-code]`: what runs, or, where nothing does, what the store holds. */
int cli_status(struct cli *cli);
/* `health [--ready]`: 0 or 1, within 2 s. */
int cli_health(struct cli *cli);

#endif
