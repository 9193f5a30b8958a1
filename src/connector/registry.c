/* The platforms that are built in, and what they share. */
#include "connector/connector.h"

#include <string.h>

#include "base/secret.h"

extern const struct connector smartify_connector, chatwoot_connector, smartsender_connector,
    syniverse_connector;

static const struct connector *const connectors[] = {
	&smartify_connector,
	&chatwoot_connector,
	&smartsender_connector,
	&syniverse_connector,
	NULL,
};

const struct connector *connector_find(const char *name)
{
	size_t i;

	for (i = 0; name != NULL && connectors[i] != NULL; i++)
		if (strcmp(connectors[i]->name, name) == 0)
			return connectors[i];
	return NULL;
}

const struct connector *const *connector_all(void)
{
	return connectors;
}

const char *memo_get(const struct via *via, const char *key)
{
	size_t i;

	for (i = 0; i < via->nmemo; i++)
		if (strcmp(via->memo[i].key, key) == 0)
			return via->memo[i].value;
	return NULL;
}

enum verify verify_shared(const struct secrets *accepted, const char *given)
{
	bool equal = false;
	size_t i;

	if (accepted->n == 0)
		return VERIFY_UNCHECKED;
	if (given == NULL)
		return VERIFY_NO_SIGNATURE;
	for (i = 0; i < accepted->n; i++)
		if (secret_equal(given, accepted->v[i]))
			equal = true;
	return equal ? VERIFY_OK : VERIFY_BAD_SECRET;
}
