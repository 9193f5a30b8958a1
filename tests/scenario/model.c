/* See model.h. */
#include "model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_loop.h"
#include "play.h"

#define ACTS_MAX 600

static unsigned long playing; /* 0: none */

static uint32_t roll(void *arg, uint32_t n)
{
	uint64_t *state = arg;

	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((*state >> 33) % n);
}

static const struct option_now *choose(struct play *p, uint64_t *state)
{
	int all = 0, i, at;

	for (i = 0; i < p->noptions; i++)
		all += p->options[i].weight;
	at = (int)roll(state, (uint32_t)all);
	for (i = 0; at >= p->options[i].weight; i++)
		at -= p->options[i].weight;
	return &p->options[i];
}

static const char *play_seed(unsigned long seed, bool tell)
{
	static const char *const configs[] = { "shop_desk", "site_team", "narrow", "chain",
		"life_desk", "life_team", "honest_desk", "honest_team" };
	uint64_t state = seed * 2654435761u + 12345;
	struct option_now o;
	struct play p;
	int i;

	roll(&state, 2);
	rig_dice = seed;
	rig_lazy_msecs = seed / 8 % 2 * 5;
	play_start(&p, configs[seed % 8], 4 + (int)roll(&state, 20), roll, &state);
	p.follows = strncmp(configs[seed % 8], "life", 4) == 0;
	for (i = 0; i < ACTS_MAX && play_options(&p) > 0; i++) {
		o = *choose(&p, &state);
		if (tell)
			fprintf(stderr, "%6lld ms %s\n", (long long)(fake_now_ms - RIG_START_MS),
			    play_words(&o));
		play_do(&p, &o);
	}
	return play_end(&p);
}

void model_run(unsigned long first, unsigned long count)
{
	const char *one = getenv("SEED"), *many = getenv("SEEDS"), *from = getenv("FROM"), *said;
	unsigned long seed;

	if (one != NULL) {
		first = strtoul(one, NULL, 10);
		count = 1;
	} else if (many != NULL) {
		count = strtoul(many, NULL, 10);
	}
	if (from != NULL)
		first = strtoul(from, NULL, 10);
	for (seed = first; seed < first + count; seed++) {
		playing = seed;
		said = play_seed(seed, one != NULL);
		if (said != NULL)
			fail_msg("%s", said);
	}
	playing = 0;
}

int model_tell(void **state)
{
	(void)state;
	if (playing != 0)
		print_error("again with SEED=%lu\n", playing);
	return 0;
}
