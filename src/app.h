/* `tieline serve`: owns every long-lived object, builds them bottom up, frees them top down. */
#ifndef APP_H
#define APP_H

struct cli;

int app_serve(struct cli *cli); /* the exit code */

#endif
