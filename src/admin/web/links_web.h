/* Which conversations are tied to which. Nothing is told of a customer but what the platforms call the conversations. */
#ifndef ADMIN_WEB_LINKS_WEB_H
#define ADMIN_WEB_LINKS_WEB_H

struct api_call;

/* GET /api/v1/links?q=: q is what a platform calls a conversation or a customer, alone or behind the endpoint's name
 * and a colon, or a customer's e-mail or phone, whole; without it all, the newest first. */
void links_web_list(struct api_call *c);
void links_web_show(struct api_call *c); /* GET /api/v1/links/{id}, "k12" as in the log */

#endif
