/* The program's table of commands is main.c's; what is tested here asks it which there are. */
#include <stddef.h>

#include "admin/cli/cli.h"

const struct command commands[] = {
	{ "parked", NULL, "parked", "", NULL },
	{ 0 },
};
