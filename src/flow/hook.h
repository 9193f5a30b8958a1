/* Judges a callback before anybody reads its body: address, method, type, size, proof. Pure; the relay
 * and `explain` use the same. */
#ifndef FLOW_HOOK_H
#define FLOW_HOOK_H

#include "config/config.h"
#include "connector/connector.h"

struct hook_verdict {
	enum refusal refusal; /* REFUSE_NONE: take it */
	enum verify verify;
	const char *detail; /* static words */
};

/* Splits /hooks/<endpoint>/<hook_key>: true where the path has that form; name and key are in a. */
bool hook_path(struct arena *a, const char *path, const char **name, const char **key);
/* Whether key is one of the endpoint's, in constant time. */
bool hook_key_fits(const struct endpoint_conf *e, const char *key);
/* Method, content type and size. */
struct hook_verdict hook_judge_form(const struct endpoint_conf *e, const struct http_in *in);
/* Whether it is genuine. What cannot be checked (no secret configured) is UNCHECKED: the relay refuses
 * it, explain goes on. */
struct hook_verdict hook_judge_proof(const struct via *via, const struct connector *c,
    const struct http_in *in);

#endif
