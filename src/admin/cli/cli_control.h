/* tieline pause, resume, drain, reload: a word to the running relay. */
#ifndef ADMIN_CLI_CLI_CONTROL_H
#define ADMIN_CLI_CLI_CONTROL_H

struct cli;

int cli_control(struct cli *cli); /* pause, resume, drain: the command's name is the verb */
int cli_reload(struct cli *cli);

#endif
