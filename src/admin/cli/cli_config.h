/* The commands that look at the configuration and at nothing else. */
#ifndef ADMIN_CLI_CLI_CONFIG_H
#define ADMIN_CLI_CLI_CONFIG_H

struct cli;

/* `check [ENDPOINT…]`: a line per check, ok, warn or FAIL; mistakes as everywhere on stderr. */
int cli_check(struct cli *cli);
/* `options [--markdown] [PLATFORM]`: the manual, of all keys or of one platform's endpoints. */
int cli_options(struct cli *cli);

#endif
