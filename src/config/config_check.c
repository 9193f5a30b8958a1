/* What one option alone does not show. Each function looks at one rule; all of them run, so that all
 * mistakes are told at once. An endpoint or bridge that has mistakes already is left out where a second
 * one would only follow from the first. */
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/url.h"
#include "config/config_draft.h"
#include "connector/connector.h"
#include "core/facts.h"

static const char *key_in(struct draft *d, const struct yaml_node *map, const char *name)
{
	struct arena *a = d->mistakes->arena;
	const char *path = yaml_path(a, map);

	return path[0] == '\0' ? name : arena_printf(a, "%s.%s", path, name);
}

/* A mistake (or warning) about one option of a section, at its value, or at the section's name where
 * it was not said. */
static struct mistake about(struct draft *d, const struct yaml_node *map, const char *name)
{
	const struct yaml_node *node = yaml_get(map, name);

	return (struct mistake){ .at = node != NULL ? node->at : map->key_at,
		.key = key_in(d, map, name) };
}

/* --- addresses -------------------------------------------------------------------------------- */

static void check_public_url(struct draft *d)
{
	struct mistake like = about(d, d->root, "public_url");
	const char *names = NULL;
	bool all_insecure = true;
	struct url url;
	size_t i;

	for (i = 0; i < d->nendpoints; i++) {
		const struct endpoint_conf *e = &d->endpoints[i].conf;

		if (d->endpoints[i].whole && !e->poll)
			names = names == NULL
			    ? e->name
			    : arena_printf(d->mistakes->arena, "%s, %s", names, e->name);
		all_insecure = all_insecure && e->insecure;
	}
	like.allowed = "an address like https://relay.example.com";
	if (yaml_get(d->root, "public_url") == NULL) {
		if (names != NULL)
			mistake_add(d->mistakes, &like,
			    "is missing, and needed by what receives callbacks: %s", names);
		return;
	}
	if (d->config->public_url == NULL
	    || url_parse(d->mistakes->arena, d->config->public_url, &url, NULL) != 0)
		return;
	if (strchr(url.path, '?') != NULL)
		mistake_add(d->mistakes, &like, "holds a query");
	like.warning = true;
	if (!url.https && !host_is_loopback(url.host) && !all_insecure)
		mistake_add(d->mistakes, &like,
		    "is not encrypted: callbacks and their secrets can be read on the way");
}

static void check_base_urls(struct draft *d)
{
	size_t i;

	for (i = 0; i < d->nendpoints; i++) {
		struct endpoint_draft *e = &d->endpoints[i];
		struct mistake like;
		struct url url;

		if (e->conf.base_url == NULL
		    || url_parse(d->mistakes->arena, e->conf.base_url, &url, NULL) != 0)
			continue;
		like = about(d, e->node, "base_url");
		like.allowed = option_find(endpoint_options, "base_url")->allowed;
		if (strchr(url.path, '?') != NULL)
			mistake_add(d->mistakes, &like, "holds a query");
		if (!url.https && !e->conf.insecure && !host_is_loopback(url.host))
			mistake_add(d->mistakes, &like, "found \"%s\"",
			    mistake_quote(d->mistakes->arena, e->conf.base_url));
	}
}

static void check_admin(struct draft *d)
{
	const struct admin_conf *admin = &d->config->admin;
	const struct yaml_node *map = yaml_get(d->root, "admin");
	struct mistake like;
	struct url url;

	if (admin->how != ADMIN_LISTEN_ADDRESS || admin->listen == NULL || admin->token.n > 0)
		return;
	if (yaml_get(map, "token") != NULL
	    || url_parse(d->mistakes->arena,
		   arena_printf(d->mistakes->arena, "http://%s", admin->listen), &url, NULL)
		!= 0)
		return;
	if (host_is_loopback(url.host))
		return;
	like = map != NULL ? about(d, map, "token") : (struct mistake){ .key = "admin.token" };
	like.allowed = "a secret, or admin.listen on 127.0.0.1, ::1, none or same";
	mistake_add(d->mistakes, &like, "is missing: admin.listen can be reached from elsewhere");
}

static void check_pairs_of_options(struct draft *d)
{
	const struct yaml_node *tls = yaml_get(d->root, "tls"),
			       *alarms = yaml_get(d->root, "alarms");
	const char *missing = yaml_get(tls, "cert") == NULL ? "cert" : "key";
	struct mistake like;

	if (tls != NULL && tls->kind == NODE_MAP && tls->count > 0
	    && yaml_get(tls, missing) == NULL) {
		like = about(d, tls, missing);
		like.allowed = "a path";
		mistake_add(d->mistakes, &like, "is missing: tls needs cert and key");
	}
	if (yaml_get(alarms, "webhook") != NULL && yaml_get(alarms, "secret") == NULL) {
		like = about(d, alarms, "secret");
		like.warning = true;
		mistake_add(d->mistakes, &like, "is missing: what is posted is not signed");
	}
}

/* --- endpoints -------------------------------------------------------------------------------- */

/* A message's root names platform, host and tenant, and no port. */
static void check_roots(struct draft *d)
{
	size_t i, j;

	for (i = 0; i < d->nendpoints; i++) {
		for (j = 0; j < i; j++) {
			const struct endpoint_conf *e = &d->endpoints[i].conf,
						   *f = &d->endpoints[j].conf;
			struct mistake like;

			if (!d->endpoints[i].whole || !d->endpoints[j].whole
			    || e->connector != f->connector || e->tenant == NULL
			    || f->tenant == NULL || strcmp(e->host, f->host) != 0
			    || strcmp(e->tenant, f->tenant) != 0
			    || strcmp(e->base_url, f->base_url) == 0)
				continue;
			like = about(d, d->endpoints[i].node, "base_url");
			like.allowed = "one address per host, or another account there";
			mistake_add(d->mistakes, &like,
			    "is the same host and account as %s by another address: their messages could not be told apart",
			    f->name);
		}
	}
}

/* Two endpoints for one sender: each would tell what customers write to it. */
static void check_sources(struct draft *d)
{
	size_t i, j;

	for (i = 0; i < d->nendpoints; i++)
		for (j = 0; j < i; j++) {
			const struct endpoint_conf *e = &d->endpoints[i].conf,
						   *f = &d->endpoints[j].conf;
			struct mistake like;

			if (!d->endpoints[i].whole || !d->endpoints[j].whole
			    || e->connector != f->connector || !e->caps->one_source
			    || e->place == NULL || f->place == NULL || strcmp(e->host, f->host) != 0
			    || strcmp(e->place, f->place) != 0)
				continue;
			like = about(d, d->endpoints[i].node, "inbound");
			like.allowed = "exactly one source for each sender";
			mistake_add(d->mistakes, &like,
			    "is a second source of the messages that %s tells already", f->name);
		}
}

/* What one thinks is received and is not would be worse than a refusal. */
static void check_receive(struct draft *d)
{
	size_t i;

	for (i = 0; i < d->nendpoints; i++) {
		const struct endpoint_draft *e = &d->endpoints[i];
		struct mistake like;

		if (!e->whole || e->conf.poll == e->conf.caps->polls)
			continue;
		like = about(d, e->node, "receive");
		like.allowed = e->conf.poll ? "callbacks" : "poll D with D from 2s to 1h";
		mistake_add(d->mistakes, &like,
		    e->conf.poll ? "%s is not polled in this version"
				 : "%s tells nothing by callbacks",
		    e->conf.connector->name);
	}
}

static void check_secrets(struct draft *d)
{
	size_t i;

	for (i = 0; i < d->nendpoints; i++) {
		const struct endpoint_draft *e = &d->endpoints[i];
		struct mistake like;

		if (!e->whole || e->conf.poll || e->conf.webhook_secret.n > 0
		    || e->conf.caps->key_proves)
			continue;
		like = about(d, e->node, "webhook_secret");
		like.warning = true;
		mistake_add(d->mistakes, &like,
		    "is not in the file: callbacks are refused, unless tieline setup keeps one");
	}
}

/* --- bridges ---------------------------------------------------------------------------------- */

static void check_ends(struct draft *d, const struct bridge_draft *b)
{
	const struct endpoint_conf *c = b->conf.customers, *a = b->conf.agents;
	struct mistake like = about(d, b->node, "agents");

	if (c != NULL && c == a) {
		like.allowed = "two different endpoints";
		mistake_add(d->mistakes, &like, "found \"%s\", which is customers too", a->name);
	}
	if (a != NULL && a->connector != NULL && !a->connector->caps->agents_side)
		mistake_add(d->mistakes, &like,
		    "%s cannot be an agents' side: nothing can be posted there as a customer",
		    a->name);
	like = about(d, b->node, "customers");
	if (c != NULL && c->connector != NULL && !c->connector->caps->customers_side)
		mistake_add(d->mistakes, &like, "%s cannot be a customers' side", c->name);
}

/* What has no notes has nothing but customers to read it. */
static void check_notes(struct draft *d, const struct bridge_draft *b)
{
	const struct endpoint_conf *ends[] = { b->conf.customers, b->conf.agents };
	struct mistake like = about(d, b->node, "private_notes");
	size_t i;

	like.allowed = "drop";
	for (i = 0; b->conf.private_notes && i < 2; i++)
		if (ends[i] != NULL && ends[i]->connector != NULL
		    && !ends[i]->connector->caps->keeps_notes)
			mistake_add(d->mistakes, &like,
			    "found \"mirror\", and %s has no notes: its customers would read them",
			    ends[i]->name);
}

static bool overlap(const char *const *a, size_t na, const char *const *b, size_t nb)
{
	size_t i, j;

	if (na == 0 || nb == 0)
		return true;
	for (i = 0; i < na; i++)
		for (j = 0; j < nb; j++)
			if (strcmp(a[i], b[j]) == 0)
				return true;
	return false;
}

/* Two bridges with the same ends would both carry what fits both. */
static void check_disjoint(struct draft *d, const struct bridge_draft *b,
    const struct bridge_draft *earlier)
{
	const struct only *x = &b->conf.only, *y = &earlier->conf.only;
	struct mistake like = about(d, b->node, "only");
	bool same =
	    b->conf.customers == earlier->conf.customers && b->conf.agents == earlier->conf.agents;

	if (!same || !overlap(x->channels, x->nchannels, y->channels, y->nchannels)
	    || !overlap(x->departments, x->ndepartments, y->departments, y->ndepartments))
		return;
	if (overlap(x->tags, x->ntags, y->tags, y->ntags)) {
		like.allowed =
		    "an only that shares no channel, no department or no tag with the other's";
		mistake_add(d->mistakes, &like,
		    "lets through what bridge %s carries between the same ends",
		    earlier->conf.name);
	} else {
		like.warning = true;
		mistake_add(d->mistakes, &like,
		    "differs from bridge %s by tags alone: a conversation with tags of both is carried by both",
		    earlier->conf.name);
	}
}

/* Marks name a bridge by six digits of a digest. */
static void check_tag(struct draft *d, const struct bridge_draft *b,
    const struct bridge_draft *earlier)
{
	if (strcmp(b->conf.tag, earlier->conf.tag) == 0
	    && strcmp(b->conf.name, earlier->conf.name) != 0)
		mistake_add(d->mistakes,
		    &(struct mistake){ .at = b->node->key_at,
			.allowed = "another name",
			.key = yaml_path(d->mistakes->arena, b->node) },
		    "has the same short mark as bridge %s", earlier->conf.name);
}

static void check_number_of_bridges(struct draft *d)
{
	size_t i, j, n;

	for (i = 0; i < d->nendpoints; i++) {
		const struct endpoint_draft *e = &d->endpoints[i];
		struct mistake like = { .at = e->node->key_at,
			.key = yaml_path(d->mistakes->arena, e->node) };

		for (j = n = 0; j < d->nbridges; j++)
			n += d->bridges[j].conf.customers == &e->conf
			    || d->bridges[j].conf.agents == &e->conf;
		if (n > BRIDGES_PER_ENDPOINT) {
			like.allowed = "at most 15";
			mistake_add(d->mistakes, &like, "is an end of %zu bridges", n);
		}
		like.warning = true;
		if (n == 0)
			mistake_add(d->mistakes, &like,
			    "is an end of no bridge: what it hears is dropped");
	}
}

static void needs_map(struct draft *d, const struct bridge_draft *b, const char *name, bool on,
    bool mapped)
{
	struct mistake like = about(d, b->node, name);

	like.warning = true;
	if (on && !mapped)
		mistake_add(d->mistakes, &like, "does nothing without its map");
}

static bool is_priority(const char *word)
{
	static const char *const words[] = { "low", "medium", "high", "urgent" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static const struct yaml_node *map_of(const struct bridge_draft *b, const char *name)
{
	return yaml_get(yaml_get(b->node, "map"), name);
}

static void check_priorities(struct draft *d, const struct bridge_draft *b)
{
	const struct option_map *m = &b->conf.map.priority;
	const struct yaml_node *map = map_of(b, "priority");
	const char *words[2];
	struct mistake like;
	size_t i, j;

	for (i = 0; map != NULL && i < m->count; i++) {
		words[0] = strcmp(m->keys[i], "*") != 0 ? m->keys[i] : "low";
		words[1] = m->values[i];
		for (j = 0; j < 2; j++) {
			if (is_priority(words[j]))
				continue;
			like = about(d, map, m->keys[i]);
			like.allowed = "low, medium, high, urgent; * for all others at the left";
			mistake_add(d->mistakes, &like, "found \"%s\"",
			    mistake_quote(d->mistakes->arena, words[j]));
		}
	}
}

/* What stands at the right of two cannot be told apart on the way back. */
static void check_back(struct draft *d, const struct bridge_draft *b, const char *name,
    const struct option_map *m, bool comes_back)
{
	const struct yaml_node *map = map_of(b, name);
	struct mistake like;
	size_t i, j;

	for (i = 1; map != NULL && comes_back && i < m->count; i++)
		for (j = 0; j < i; j++) {
			if (strcmp(m->keys[i], "*") == 0 || strcmp(m->keys[j], "*") == 0
			    || strcasecmp(m->values[i], m->values[j]) != 0)
				continue;
			like = about(d, map, m->keys[i]);
			like.warning = true;
			mistake_add(d->mistakes, &like,
			    "is \"%s\" like \"%s\", which is what comes back for both",
			    mistake_quote(d->mistakes->arena, m->values[i]),
			    mistake_quote(d->mistakes->arena, m->keys[j]));
			break;
		}
}

static void check_maps(struct draft *d, const struct bridge_draft *b)
{
	const struct bridge_conf *c = &b->conf;

	check_priorities(d, b);
	check_back(d, b, "agents", &c->map.agents, c->assignment_to_customers);
	check_back(d, b, "teams", &c->map.teams, c->assignment_to_customers);
	check_back(d, b, "labels", &c->map.labels, c->labels_to_customers);
	check_back(d, b, "attributes", &c->map.attributes, c->attributes_to_customers);
	check_back(d, b, "priority", &c->map.priority, c->priority_to_customers);
}

#define OF(fact) (1u << FACT_##fact)

/* Where a platform cannot do what is asked for, that is said; it does nothing. */
static void check_facts(struct draft *d, const struct bridge_draft *b)
{
	const struct bridge_conf *c = &b->conf;
	const struct {
		const char *name;
		bool to_customers;
		unsigned facts;
	} options[] = {
		{ "profile", c->profile_to_customers, OF(NAME) },
		{ "assignment", c->assignment_to_customers, OF(AGENT) | OF(TEAM) },
		{ "labels", c->labels_to_customers, OF(LABELS) },
		{ "attributes", c->attributes_to_customers, OF(ATTRIBUTES) },
		{ "priority", c->priority_to_customers, OF(PRIORITY) },
	};
	struct mistake like;
	size_t i;

	if (c->customers == NULL || c->customers->caps == NULL)
		return;
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (!options[i].to_customers || (c->customers->caps->facts & options[i].facts) != 0)
			continue;
		like = about(d, b->node, options[i].name);
		like.warning = true;
		mistake_add(d->mistakes, &like, "does nothing towards %s: nothing is written there",
		    c->customers->name);
	}
}

static bool is_mapped(const struct option_map *m)
{
	return m->same || m->count > 0;
}

static void check_bridge_options(struct draft *d, const struct bridge_draft *b)
{
	const struct bridge_conf *c = &b->conf;
	struct mistake like = about(d, b->node, "on_uncertain");

	like.warning = true;
	if (c->resend_uncertain)
		mistake_add(d->mistakes, &like, "resend may repeat a message, and bill it again");
	needs_map(d, b, "assignment", c->assignment_to_agents || c->assignment_to_customers,
	    is_mapped(&c->map.agents) || is_mapped(&c->map.teams));
	needs_map(d, b, "labels", c->labels_to_agents || c->labels_to_customers,
	    is_mapped(&c->map.labels));
	needs_map(d, b, "attributes", c->attributes_to_agents || c->attributes_to_customers,
	    is_mapped(&c->map.attributes));
	needs_map(d, b, "priority", c->priority_to_agents || c->priority_to_customers,
	    is_mapped(&c->map.priority));
}

static void check_bridges(struct draft *d)
{
	size_t i, j;

	for (i = 0; i < d->nbridges; i++) {
		const struct bridge_draft *b = &d->bridges[i];

		if (b->node->kind != NODE_MAP)
			continue;
		check_ends(d, b);
		check_notes(d, b);
		check_bridge_options(d, b);
		check_maps(d, b);
		check_facts(d, b);
		for (j = 0; j < i; j++) {
			check_tag(d, b, &d->bridges[j]);
			if (b->whole && d->bridges[j].whole)
				check_disjoint(d, b, &d->bridges[j]);
		}
	}
}

void config_check(struct draft *d)
{
	const struct yaml_node *endpoints = yaml_get(d->root, "endpoints");

	if (endpoints == NULL || (endpoints->count == 0 && !endpoints->bad))
		mistake_add(d->mistakes,
		    &(struct mistake){ .key = "endpoints",
			.at = endpoints != NULL ? endpoints->key_at : d->root->at,
			.allowed = "at least one endpoint" },
		    "is missing");
	check_public_url(d);
	check_base_urls(d);
	check_admin(d);
	check_pairs_of_options(d);
	check_roots(d);
	check_sources(d);
	check_receive(d);
	check_secrets(d);
	check_bridges(d);
	check_number_of_bridges(d);
}
