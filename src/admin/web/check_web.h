/* What `check --online` says of an endpoint, asked of the running relay: its platform is looked at, nothing is changed. */
#ifndef ADMIN_WEB_CHECK_WEB_H
#define ADMIN_WEB_CHECK_WEB_H

struct api_call;
struct checks;

/* Those under way. */
struct checks *checks_new(void);
/* After the listeners, before the wire; takes NULL. */
void checks_free(struct checks *c);

void check_web_start(struct api_call *c); /* POST /api/v1/endpoints/{name}/check */

#endif
