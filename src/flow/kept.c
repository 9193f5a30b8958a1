/* See kept.h. */
#include "flow/kept.h"

#include <string.h>

bool kept_is(const char *key)
{
	return strncmp(key, KEPT_PREFIX, strlen(KEPT_PREFIX)) == 0;
}

void kept_apply(struct endpoint_conf *conf, const struct endpoint_conf *given,
    const struct memo *memo, size_t nmemo)
{
	static const char *const keys[] = { KEPT_SECRET, KEPT_OLD_SECRET };
	const struct via via = { .memo = memo, .nmemo = nmemo };
	const char *secret;
	size_t i;

	if (given->webhook_secret.n > 0)
		return;
	conf->webhook_secret.n = 0;
	for (i = 0; i < 2; i++) {
		secret = memo_get(&via, keys[i]);
		if (secret != NULL)
			conf->webhook_secret.v[conf->webhook_secret.n++] = secret;
	}
}
