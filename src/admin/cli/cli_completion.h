/* tieline completion bash|zsh|fish */
#ifndef ADMIN_CLI_CLI_COMPLETION_H
#define ADMIN_CLI_CLI_COMPLETION_H

struct cli;

int cli_completion(struct cli *cli);

#endif
