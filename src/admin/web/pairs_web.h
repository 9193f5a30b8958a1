/* Pairs of conversations that a person names, taken in by the running relay. */
#ifndef ADMIN_WEB_PAIRS_WEB_H
#define ADMIN_WEB_PAIRS_WEB_H

struct api_call;

void pairs_web_take(struct api_call *c);

#endif
