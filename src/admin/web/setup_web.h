/* The interface for programs: what setup keeps. Over the socket alone, since it holds secrets. */
#ifndef ADMIN_WEB_SETUP_WEB_H
#define ADMIN_WEB_SETUP_WEB_H

struct api_call;

void setup_web_show(struct api_call *c); /* GET /setup */
void setup_web_keep(struct api_call *c); /* POST /endpoints/{}/keep */

#endif
