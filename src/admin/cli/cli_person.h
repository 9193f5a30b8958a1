/* tieline person export, tieline person erase */
#ifndef ADMIN_CLI_CLI_PERSON_H
#define ADMIN_CLI_CLI_PERSON_H

struct cli;

int cli_person(struct cli *cli);

#endif
