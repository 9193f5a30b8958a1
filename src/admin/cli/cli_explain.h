/* tieline explain: what would happen with a callback, a page or an answer, without doing it. */
#ifndef ADMIN_CLI_CLI_EXPLAIN_H
#define ADMIN_CLI_CLI_EXPLAIN_H

struct cli;

int cli_explain(struct cli *cli);

#endif
