/* See reload.h. Endpoints stay where they are in memory, since lanes, trips and conversations point to
 * them; what they point to in the configuration is turned to the new one. */
#include "flow/reload.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "flow/control.h"
#include "flow/endpoint.h"

/* ---- whether ---- */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* What is not said was learned, and is learned again. */
static bool may_be_same(const char *a, const char *b)
{
	return a == NULL || b == NULL || strcmp(a, b) == 0;
}

static void refuse(struct mistakes *m, const char *section, const char *name, const char *why)
{
	struct buf key;

	buf_init(&key);
	buf_addf(&key, "%s.%s", section, name);
	mistake_add(m, &(struct mistake){ .key = key.data }, "%s", why);
	buf_fini(&key);
}

static bool is_same_account(const struct endpoint_conf *a, const struct endpoint_conf *b)
{
	return a->connector == b->connector && same_text(a->host, b->host)
	    && may_be_same(a->tenant, b->tenant) && may_be_same(a->place, b->place);
}

static void check_endpoints(const struct flow *f, const struct config *wanted, struct mistakes *m)
{
	const struct endpoint_conf *was, *will;
	size_t i;

	for (i = 0; i < f->nendpoints; i++) {
		was = f->endpoints[i].given;
		will = config_endpoint(wanted, was->name);
		if (will == NULL)
			refuse(m, "endpoints", was->name, "taking it out needs a restart");
		else if (!is_same_account(was, will))
			refuse(m, "endpoints", was->name,
			    "becomes another account; give the new one another name");
		else if (will->hook_key.n == 0 && f->endpoints[i].drawn_hook_key == NULL)
			refuse(m, "endpoints", was->name,
			    "taking its hook_key out needs a restart");
	}
	for (i = 0; i < wanted->nendpoints; i++)
		if (config_endpoint(f->config, wanted->endpoints[i].name) == NULL)
			refuse(m, "endpoints", wanted->endpoints[i].name,
			    "adding it needs a restart");
}

static void check_bridges(const struct flow *f, const struct config *wanted, struct mistakes *m)
{
	const struct bridge_conf *was, *will;
	size_t i;

	for (i = 0; i < f->config->nbridges; i++) {
		was = &f->config->bridges[i];
		will = config_bridge(wanted, was->name);
		if (will == NULL)
			refuse(m, "bridges", was->name, "taking it out needs a restart");
		else if (strcmp(was->customers->name, will->customers->name) != 0
		    || strcmp(was->agents->name, will->agents->name) != 0)
			refuse(m, "bridges", was->name, "other ends need a restart");
	}
	for (i = 0; i < wanted->nbridges; i++)
		if (config_bridge(f->config, wanted->bridges[i].name) == NULL)
			refuse(m, "bridges", wanted->bridges[i].name, "adding it needs a restart");
}

/* ---- taking it over ---- */

/* What the store told, and what was counted, goes along by name: the file's order may be another. */
static void carry_over(struct flow *f, struct config *wanted)
{
	struct bridge_stats *stats = xcalloc(wanted->nbridges, sizeof(*stats));
	const struct bridge_conf *was;
	struct bridge_conf *b;
	size_t i;

	for (i = 0; i < wanted->nendpoints; i++)
		wanted->endpoints[i].id = config_endpoint(f->config, wanted->endpoints[i].name)->id;
	for (i = 0; i < wanted->nbridges; i++) {
		b = &wanted->bridges[i];
		was = config_bridge(f->config, b->name);
		b->id = was->id;
		b->since_ms = was->since_ms;
		b->control = was->control;
		stats[i] = f->stats.bridges[was - f->config->bridges];
	}
	xfree(f->stats.bridges);
	f->stats.bridges = stats;
}

int flow_reload(struct flow *f, struct config *wanted, struct mistakes *m)
{
	struct config *was = f->config;
	size_t i;

	config_check_reload(was, wanted, m);
	check_endpoints(f, wanted, m);
	check_bridges(f, wanted, m);
	if (m->count > 0)
		return -1;
	carry_over(f, wanted);
	f->config = config_ref(wanted);
	for (i = 0; i < f->nendpoints; i++)
		endpoint_reload(&f->endpoints[i]);
	control_spread(f);
	for (i = 0; i < f->nendpoints; i++)
		endpoint_try_now(&f->endpoints[i]);
	config_succeed(was, wanted);
	config_unref(was);
	return 0;
}
