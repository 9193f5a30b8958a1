/* A configuration while it is being made: what the files of config share, and nobody else. */
#ifndef CONFIG_DRAFT_H
#define CONFIG_DRAFT_H

#include "base/yaml_in.h"
#include "config/config.h"

/* What the tables fill: the values themselves, and names that are not looked up yet. */
struct endpoint_draft {
	struct endpoint_conf conf; /* first: see endpoint_options */
	const char *platform;
	const struct yaml_node *node;
	bool whole; /* read without a mistake */
};

struct bridge_draft {
	struct bridge_conf conf; /* first: see bridge_options */
	const char *customers, *agents;
	struct option_list channels, departments, tags;
	const struct yaml_node *node;
	bool whole;
};

struct draft {
	struct arena *arena; /* the configuration's */
	struct mistakes *mistakes;
	const struct connector *const *connectors;
	struct config *config;
	const char *folder; /* of the file: where file:PATH begins */
	const struct yaml_node *root;
	struct endpoint_draft *endpoints;
	struct bridge_draft *bridges;
	size_t nendpoints, nbridges;
};

/* config_tables.c: the keys of the process, of every endpoint and of every bridge. */
extern const struct option process_options[];  /* struct config */
extern const struct option endpoint_options[]; /* struct endpoint_draft */
extern const struct option bridge_options[];   /* struct bridge_draft */

/* config_expand.c: replaces ${NAME} and file:PATH in every text of the tree. */
void config_expand(struct draft *d, struct yaml_node *root);

/* config_check.c: what one option alone does not show. */
void config_check(struct draft *d);

/* The name of an endpoint or a bridge. */
bool config_name_valid(const char *name);

#endif
