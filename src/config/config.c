/* One pass, in this order: the file's bytes → a tree with places (base/yaml_in) → ${} and file:
 * replaced (config_expand) → process, endpoints, bridges read by their tables (config_tables,
 * base/options) → names looked up, defaults that depend on the platform → what only several options
 * together show (config_check). Mistakes are collected on the way; with any of them there is no
 * configuration. */
#include "config/config.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/url.h"
#include "base/yaml_in.h"
#include "config/config_draft.h"
#include "connector/connector.h"
#include "core/ids.h"

struct config_holder {
	struct config config; /* first */
	struct arena *arena;
	size_t references;
	struct config *successor; /* a reference */
};

static const char *const sections[] = { "endpoints", "bridges", NULL };

/* --- a reference ------------------------------------------------------------------------------ */

struct config *config_ref(struct config *c)
{
	((struct config_holder *)c)->references++;
	return c;
}

void config_unref(struct config *c)
{
	struct config_holder *h = (struct config_holder *)c, *next;

	for (; h != NULL && --h->references == 0; h = next) {
		next = (struct config_holder *)h->successor;
		arena_free(h->arena); /* the holder lies in it */
	}
}

void config_succeed(struct config *c, struct config *successor)
{
	((struct config_holder *)c)->successor = config_ref(successor);
}

struct endpoint_conf *config_endpoint(const struct config *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->nendpoints; i++)
		if (strcmp(c->endpoints[i].name, name) == 0)
			return &c->endpoints[i];
	return NULL;
}

struct bridge_conf *config_bridge(const struct config *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->nbridges; i++)
		if (strcmp(c->bridges[i].name, name) == 0)
			return &c->bridges[i];
	return NULL;
}

const char *config_socket(const struct config *c, struct arena *a)
{
	const char *env = getenv("TIELINE_SOCKET");
	char *folder;

	if (env != NULL && env[0] != '\0')
		return env;
	if (c->admin.socket != NULL)
		return c->admin.socket;
	folder = dirname(arena_strdup(a, SOCKET_PATH));
	return access(folder, W_OK) == 0 ? SOCKET_PATH : arena_printf(a, "%s.sock", c->store);
}

/* --- the process ------------------------------------------------------------------------------ */

/* A default that the environment replaces (images and packages do). */
static const struct {
	const char *variable, *name;
} environment[] = {
	{ "TIELINE_LISTEN", "listen" },
	{ "TIELINE_ADMIN_LISTEN", "admin.listen" },
	{ "TIELINE_STORE", "store" },
};

static void override(struct draft *d, const char *name, const char *text, const char *whence)
{
	const struct option *o = option_find(process_options, name);
	struct err err;

	if (text == NULL || text[0] == '\0')
		return;
	if (option_read_text(d->arena, o, text, (char *)d->config + o->offset, &err) != 0)
		mistake_add(d->mistakes,
		    &(struct mistake){ .key = whence,
			.allowed = option_allowed(d->mistakes->arena, o) },
		    "%s", err.text[0] != '\0' ? err.text : "is not what it may be");
}

/* "listen", or "admin.listen" in a group. */
static bool said(const struct draft *d, const char *name)
{
	const char *dot = strchr(name, '.');

	if (dot == NULL)
		return yaml_get(d->root, name) != NULL;
	name = arena_strndup(d->mistakes->arena, name, (size_t)(dot - name));
	return yaml_get(yaml_get(d->root, name), dot + 1) != NULL;
}

static void read_process(struct draft *d, const struct config_source *source)
{
	const struct option_part part = { process_options, d->config };
	size_t i;

	options_read(d->arena, &part, 1, d->root, sections, d->mistakes);
	for (i = 0; i < sizeof(environment) / sizeof(environment[0]); i++)
		if (!said(d, environment[i].name))
			override(d, environment[i].name, getenv(environment[i].variable),
			    environment[i].variable);
	override(d, "listen", source->listen, "--listen");
	override(d, "log.level", source->log_level, "--log-level");
}

/* --- endpoints -------------------------------------------------------------------------------- */

/* The map of endpoints or bridges, each under its name; NULL where there is none. */
static const struct yaml_node *section(struct draft *d, const char *name)
{
	const struct yaml_node *node = yaml_get(d->root, name);

	if (node == NULL || node->bad || node->kind == NODE_MAP)
		return node != NULL && node->kind == NODE_MAP ? node : NULL;
	if (node->kind != NODE_TEXT || node->text[0] != '\0')
		mistake_add(d->mistakes,
		    &(struct mistake){ .at = node->at,
			.key = name,
			.allowed = "a map from names to options" },
		    "found %s", yaml_kind_words(node));
	return NULL;
}

static bool check_named(struct draft *d, const struct yaml_node *node)
{
	const char *path = yaml_path(d->mistakes->arena, node);

	if (!config_name_valid(node->key))
		mistake_add(d->mistakes,
		    &(struct mistake){ .at = node->key_at,
			.key = path,
			.allowed = "a letter a-z, then up to 31 of a-z 0-9 _ -" },
		    "cannot be a name");
	if (node->kind == NODE_MAP)
		return true;
	if (!node->bad)
		mistake_add(d->mistakes,
		    &(struct mistake){ .at = node->at, .key = path, .allowed = "a map of options" },
		    "found %s", yaml_kind_words(node));
	return false;
}

/* NULL where the file names none that we have, and none that was meant. */
static const struct connector *read_platform(struct draft *d, const struct yaml_node *endpoint)
{
	const struct yaml_node *node = yaml_get(endpoint, "platform");
	const struct connector *const *c;
	struct arena *a = d->mistakes->arena;
	const char *all = NULL;
	struct nearest near;

	for (c = d->connectors; *c != NULL; c++)
		all = all == NULL ? (*c)->name : arena_printf(a, "%s, %s", all, (*c)->name);
	if (node == NULL)
		mistake_add(d->mistakes,
		    &(struct mistake){ .at = endpoint->key_at,
			.allowed = all,
			.key = arena_printf(a, "%s.platform", yaml_path(a, endpoint)) },
		    "is missing");
	if (node == NULL || node->kind != NODE_TEXT || node->bad)
		return NULL;
	nearest_begin(&near, node->text);
	for (c = d->connectors; *c != NULL; c++) {
		if (strcmp((*c)->name, node->text) == 0)
			return *c;
		nearest_try(&near, (*c)->name);
	}
	mistake_add(d->mistakes,
	    &(struct mistake){ .at = node->at,
		.key = yaml_path(a, node),
		.nearest = near.best,
		.allowed = arena_printf(a, "%s (the platforms of this version)", all) },
	    "found \"%s\"", mistake_quote(a, node->text));
	for (c = d->connectors; near.best != NULL && *c != NULL; c++)
		if ((*c)->name == near.best)
			return *c;
	return NULL;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What the table cannot know: the platform's own defaults. */
static void platform_defaults(struct draft *d, struct endpoint_draft *e)
{
	struct endpoint_conf *conf = &e->conf;
	const struct connector *c = conf->connector;
	struct arena *a = d->mistakes->arena;
	struct url url;

	if (yaml_get(e->node, "base_url") == NULL) {
		conf->base_url = c->default_base_url;
		if (conf->base_url == NULL)
			mistake_add(d->mistakes,
			    &(struct mistake){ .at = e->node->key_at,
				.key = arena_printf(a, "%s.base_url", yaml_path(a, e->node)),
				.allowed = option_find(endpoint_options, "base_url")->allowed },
			    "is missing");
	}
	if (conf->base_url != NULL && url_parse(d->arena, conf->base_url, &url, NULL) == 0)
		conf->host = url.host;
	if (yaml_get(e->node, "receive") == NULL && c->caps->polls) {
		conf->poll = true;
		conf->poll_msecs = c->default_poll_msecs;
	}
	if (yaml_get(e->node, "rate") == NULL)
		conf->rate = c->default_rate;
	if (yaml_get(e->node, "body") == NULL)
		conf->body_max = c->default_body > 0
		    ? smaller(c->default_body, d->config->limits.body)
		    : d->config->limits.body;
}

/* What the connector itself has to say, once all its options are good. */
static void configure(struct draft *d, struct endpoint_draft *e)
{
	const struct connector *c = e->conf.connector;
	const char *key = NULL, *path = yaml_path(d->mistakes->arena, e->node);
	const struct yaml_node *node;
	struct err err = { "" };

	if (c->configure == NULL
	    || c->configure(d->arena, &e->conf, (void *)e->conf.conf, &key, &err) == 0)
		return;
	node = key != NULL ? yaml_get(e->node, key) : NULL;
	mistake_add(d->mistakes,
	    &(struct mistake){ .at = node != NULL ? node->at : e->node->key_at,
		.key = key != NULL ? arena_printf(d->mistakes->arena, "%s.%s", path, key) : path },
	    "%s", err.text);
}

/* A value that could not be had is a mistake already, and its field is empty. */
static bool has_bad(const struct yaml_node *node)
{
	const struct yaml_node *child;

	for (child = node->first; child != NULL; child = child->next)
		if (child->bad || has_bad(child))
			return true;
	return false;
}

static void read_endpoint(struct draft *d, const struct yaml_node *node)
{
	struct endpoint_draft *e = &d->endpoints[d->nendpoints++];
	const struct connector *c;
	size_t before = d->mistakes->count;
	void *conf;

	e->node = node;
	e->conf.name = arena_strdup(d->arena, node->key);
	if (!check_named(d, node) || (c = read_platform(d, node)) == NULL)
		return;
	conf = arena_zalloc(d->arena, c->conf_size > 0 ? c->conf_size : 1);
	e->conf.connector = c;
	e->conf.caps = c->caps;
	e->conf.conf = conf;
	options_read(d->arena,
	    (struct option_part[]){ { endpoint_options, e }, { c->options, conf } }, 2, node, NULL,
	    d->mistakes);
	platform_defaults(d, e);
	if (d->mistakes->count > before || has_bad(node))
		return;
	configure(d, e);
	e->whole = d->mistakes->count == before;
}

/* --- bridges ---------------------------------------------------------------------------------- */

/* The first few: a list that nobody reads to its end helps nobody. */
static const char *endpoint_names(struct draft *d)
{
	const char *all = NULL, *name;
	size_t i;

	for (i = 0; i < d->nendpoints && i < 10; i++) {
		name = d->endpoints[i].conf.name;
		all = all == NULL ? name : arena_printf(d->mistakes->arena, "%s, %s", all, name);
	}
	if (all == NULL)
		return "the name of an endpoint";
	return i == d->nendpoints ? all : arena_printf(d->mistakes->arena, "%s, …", all);
}

/* The endpoint that a bridge names; NULL where there is none, which is told. */
static const struct endpoint_conf *look_up(struct draft *d, const struct bridge_draft *b,
    const char *side, const char *name)
{
	struct arena *a = d->mistakes->arena;
	const struct yaml_node *node = yaml_get(b->node, side);
	struct nearest near;
	size_t i;

	if (name == NULL)
		return NULL; /* told already */
	nearest_begin(&near, name);
	for (i = 0; i < d->nendpoints; i++) {
		const char *other = d->endpoints[i].conf.name;

		if (strcmp(other, name) == 0)
			return &d->endpoints[i].conf;
		nearest_try(&near, other);
	}
	mistake_add(d->mistakes,
	    &(struct mistake){ .at = node->at,
		.key = yaml_path(a, node),
		.nearest = near.best,
		.allowed = endpoint_names(d) },
	    "there is no endpoint \"%s\"", mistake_quote(a, name));
	return NULL;
}

static void set_direction(const struct bridge_draft *b, const char *name,
    const struct option_map *map, bool *to_agents)
{
	if (yaml_get(b->node, name) == NULL && (map->same || map->count > 0))
		*to_agents = true;
}

static void read_bridge(struct draft *d, const struct yaml_node *node)
{
	struct bridge_draft *b = &d->bridges[d->nbridges++];
	const struct option_part part = { bridge_options, b };
	struct bridge_conf *conf = &b->conf;
	size_t before = d->mistakes->count;

	b->node = node;
	conf->name = arena_strdup(d->arena, node->key);
	ids_bridge_tag(conf->name, conf->tag);
	conf->retention = d->config->retention;
	if (!check_named(d, node))
		return;
	options_read(d->arena, &part, 1, node, NULL, d->mistakes);
	conf->customers = look_up(d, b, "customers", b->customers);
	conf->agents = look_up(d, b, "agents", b->agents);
	conf->only = (struct only){
		.channels = b->channels.items,
		.nchannels = b->channels.count,
		.departments = b->departments.items,
		.ndepartments = b->departments.count,
		.tags = b->tags.items,
		.ntags = b->tags.count,
	};
	/* Where our own messages come back like anybody's, nobody's are shown unasked. */
	if (conf->customers != NULL && conf->customers->caps != NULL
	    && !conf->customers->caps->marks_echo && yaml_get(b->node, "mirror_agents") == NULL)
		conf->mirror_agents = CHOICE_DROP;
	set_direction(b, "labels", &conf->map.labels, &conf->labels_to_agents);
	set_direction(b, "attributes", &conf->map.attributes, &conf->attributes_to_agents);
	b->whole = d->mistakes->count == before && !has_bad(node);
}

/* --- all of it -------------------------------------------------------------------------------- */

static bool given_twice(const struct yaml_node *node)
{
	return node->bad && node->kind != NODE_TEXT;
}

static void read_sections(struct draft *d)
{
	const struct yaml_node *endpoints = section(d, "endpoints");
	const struct yaml_node *bridges = section(d, "bridges");
	const struct yaml_node *node;

	if (endpoints != NULL) {
		d->endpoints =
		    arena_zalloc(d->arena, (endpoints->count + 1) * sizeof(struct endpoint_draft));
		for (node = endpoints->first; node != NULL; node = node->next)
			if (!given_twice(node))
				read_endpoint(d, node);
	}
	if (bridges != NULL) {
		d->bridges =
		    arena_zalloc(d->arena, (bridges->count + 1) * sizeof(struct bridge_draft));
		for (node = bridges->first; node != NULL; node = node->next)
			if (!given_twice(node))
				read_bridge(d, node);
	}
}

static void want_facts(struct config *c, const struct bridge_conf *b)
{
	bool up = b->assignment_to_agents || b->labels_to_agents || b->attributes_to_agents
	    || b->priority_to_agents;
	bool down = b->assignment_to_customers || b->labels_to_customers
	    || b->attributes_to_customers || b->priority_to_customers;
	size_t i;

	for (i = 0; i < c->nendpoints; i++)
		c->endpoints[i].wants_facts |= (up && b->customers == &c->endpoints[i])
		    || (down && b->agents == &c->endpoints[i]);
}

/* To say who is who, both ends have to know who works there. */
static void want_team(struct config *c, const struct bridge_conf *b)
{
	const struct option_map *agents = &b->map.agents, *teams = &b->map.teams;
	size_t i;

	if (!agents->same && agents->count == 0 && !teams->same && teams->count == 0)
		return;
	for (i = 0; i < c->nendpoints; i++)
		if (b->customers == &c->endpoints[i] || b->agents == &c->endpoints[i])
			c->endpoints[i].wants_team = true;
}

/* From drafts to the configuration: the bridges' ends move along. */
static void settle(struct draft *d)
{
	struct config *c = d->config;
	size_t i;

	c->nendpoints = d->nendpoints;
	c->endpoints = arena_zalloc(d->arena, (d->nendpoints + 1) * sizeof(*c->endpoints));
	for (i = 0; i < d->nendpoints; i++)
		c->endpoints[i] = d->endpoints[i].conf;
	c->nbridges = d->nbridges;
	c->bridges = arena_zalloc(d->arena, (d->nbridges + 1) * sizeof(*c->bridges));
	for (i = 0; i < d->nbridges; i++) {
		c->bridges[i] = d->bridges[i].conf;
		c->bridges[i].customers = config_endpoint(c, c->bridges[i].customers->name);
		c->bridges[i].agents = config_endpoint(c, c->bridges[i].agents->name);
		want_facts(c, &c->bridges[i]);
		want_team(c, &c->bridges[i]);
	}
}

static struct config *make(const struct config_source *source, const char *path, const char *text,
    size_t len, struct mistakes *m)
{
	struct arena *a = arena_new();
	struct config_holder *h = ARENA_NEW(a, struct config_holder);
	struct draft d = { .arena = a, .mistakes = m, .config = &h->config };
	struct yaml_node *root = yaml_read(m->arena, text, len, m);

	h->arena = a;
	h->references = 1;
	h->config.path = arena_strdup(a, path);
	d.connectors = source->connectors != NULL ? source->connectors : connector_all();
	d.folder = dirname(arena_strdup(m->arena, path));
	if (root != NULL) {
		config_expand(&d, root);
		d.root = root;
		read_process(&d, source);
		read_sections(&d);
		config_check(&d);
	}
	mistakes_sort(m);
	if (m->count > 0) {
		arena_free(a);
		return NULL;
	}
	settle(&d);
	return &h->config;
}

/* One byte more than is allowed is enough to refuse it. */
static int read_file(const char *path, struct buf *out, struct mistakes *m)
{
	FILE *f = fopen(path, "re");
	size_t n;
	struct stat st;
	int failed = 0;

	if (f != NULL && fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
		fclose(f);
		f = NULL;
		errno = EISDIR;
	}
	if (f == NULL) {
		failed = errno;
	} else {
		do {
			buf_reserve(out, 65536);
			n = fread(out->data + out->len, 1, 65536, f);
			out->len += n;
		} while (n > 0 && out->len <= YAML_MAX_BYTES);
		failed = ferror(f) ? EIO : 0;
		fclose(f);
	}
	if (failed == 0)
		return 0;
	if (failed == ENOENT || failed == ENOTDIR)
		m->exit = EX_NOINPUT;
	else if (failed == EACCES)
		m->exit = EX_NOPERM;
	mistake_add(m, &(struct mistake){ 0 }, "cannot be read: %s", strerror(failed));
	return -1;
}

struct config *config_load(const struct config_source *source, struct mistakes *mistakes)
{
	const char *path = source->path;
	struct config *c = NULL;
	struct buf content;

	if (path == NULL)
		path = getenv("TIELINE_CONFIG");
	if (path == NULL || path[0] == '\0')
		path = CONFIG_PATH;
	mistakes->file = arena_strdup(mistakes->arena, path);
	if (source->text != NULL)
		return make(source, path, source->text, source->len, mistakes);
	buf_init(&content);
	if (read_file(path, &content, mistakes) == 0)
		c = make(source, path, content.data, content.len, mistakes);
	buf_fini(&content);
	return c;
}

/* --- a reload --------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_list(const struct option_list *a, const struct option_list *b)
{
	size_t i;

	if (a->count != b->count)
		return false;
	for (i = 0; i < a->count; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

static void needs_restart(struct mistakes *m, bool same, const char *key)
{
	if (!same)
		mistake_add(m, &(struct mistake){ .key = key }, "needs a restart");
}

void config_check_reload(const struct config *running, const struct config *wanted,
    struct mistakes *m)
{
	const struct config *a = running, *b = wanted;

	needs_restart(m, same_text(a->instance_key, b->instance_key), "instance_key");
	needs_restart(m, same_list(&a->listen, &b->listen), "listen");
	needs_restart(m, same_text(a->store, b->store), "store");
	needs_restart(m,
	    a->admin.how == b->admin.how && same_text(a->admin.listen, b->admin.listen),
	    "admin.listen");
	needs_restart(m, same_text(a->admin.socket, b->admin.socket), "admin.socket");
	needs_restart(m, same_text(a->ca_file, b->ca_file), "ca_file");
	needs_restart(m, a->limits.mailbox == b->limits.mailbox, "limits.mailbox");
	needs_restart(m, a->limits.answer == b->limits.answer, "limits.answer");
}
