/* Prints what the connectors claim about each kind of message: docs/kinds.md, or one line of JSON for each cell.
 *
 *   tieline-kinds [--json] */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "connector/connector.h"

#define INTRO \
	"# What becomes of each kind\n\n" \
	"What people send and do, and how it is shown at each platform. *To agents*: the platform is a bridge's\n" \
	"agents' side, and a customer did it at the other one. *To customers*: an agent did it, or a bot. What a\n" \
	"platform does not tell of cannot come from it. How it is done: [mapping](mapping.md).\n\n" \
	"`script/kinds` writes this page from what the connectors say of themselves; `tests/blackbox/kinds.py` has a run\n" \
	"for each row of it.\n\n" \
	"- **yes**: as what it is.\n" \
	"- words alone: as something else.\n" \
	"- **not yet**: this version does not do it; what happens instead.\n" \
	"- **no**: that platform cannot, and why.\n" \
	"- –: nobody does that in this direction.\n"

static const struct kind_way *way_of(const struct connector *c, enum message_kind kind,
    bool to_agents)
{
	const struct kind_caps *k = &c->caps->kinds[kind];

	return to_agents ? &k->to_agents : &k->to_customers;
}

static bool is_side(const struct connector *c, bool to_agents)
{
	return to_agents ? c->caps->agents_side : c->caps->customers_side;
}

static void print_cell(const struct kind_way *w)
{
	static const char *const marks[] = { "–", "**yes**", "", "**not yet**", "**no**" };
	const char *mark = marks[w->way], *words = w->words != NULL ? w->words : "";

	printf(" %s%s%s |", mark, *mark != '\0' && *words != '\0' ? ": " : "", words);
}

static void print_table(bool to_agents)
{
	const struct connector *const *c;
	int kind;
	bool any;

	printf("\n## %s\n\n| |", to_agents ? "To agents" : "To customers");
	for (c = connector_all(); *c != NULL; c++)
		if (is_side(*c, to_agents))
			printf(" %s |", (*c)->name);
	printf("\n|---|");
	for (c = connector_all(); *c != NULL; c++)
		if (is_side(*c, to_agents))
			printf("---|");
	printf("\n");
	for (kind = 0; kind < KIND_COUNT; kind++) {
		for (c = connector_all(), any = false; *c != NULL; c++)
			any |=
			    is_side(*c, to_agents) && way_of(*c, kind, to_agents)->way != WAY_NONE;
		if (!any)
			continue;
		printf("| %s |", kind_title(kind));
		for (c = connector_all(); *c != NULL; c++)
			if (is_side(*c, to_agents))
				print_cell(way_of(*c, kind, to_agents));
		printf("\n");
	}
}

/* Words hold no quotation marks. */
static void print_json(bool to_agents)
{
	const struct connector *const *c;
	const struct kind_way *w;
	int kind;

	for (c = connector_all(); *c != NULL; c++)
		for (kind = 0; kind < KIND_COUNT && is_side(*c, to_agents); kind++) {
			w = way_of(*c, kind, to_agents);
			if (w->way != WAY_NONE)
				printf("{\"kind\": \"%s\", \"to\": \"%s\", \"platform\": \"%s\", "
				       "\"way\": \"%s\"}\n",
				    kind_word(kind), to_agents ? "agents" : "customers", (*c)->name,
				    way_word(w->way));
		}
}

int main(int argc, char **argv)
{
	bool json = argc == 2 && strcmp(argv[1], "--json") == 0;

	if (argc > 1 && !json) {
		fprintf(stderr, "tieline-kinds [--json]\n");
		return 64;
	}
	if (!json)
		printf(INTRO);
	(json ? print_json : print_table)(true);
	(json ? print_json : print_table)(false);
	return 0;
}
