/* config_load over anything. Either there is a configuration, or there are mistakes, which name places
 * inside the file and hold no control characters; a file that is read has ends for all its bridges.
 * Twice gives the same. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mistakes.h"
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool true_always)
{
	if (!true_always)
		abort();
}

static struct config *load(const uint8_t *data, size_t len, struct mistakes *m)
{
	mistakes_init(m);
	return config_load(&(struct config_source){ .path = "/t.yaml",
			       .text = (const char *)data,
			       .len = len },
	    m);
}

static void check_mistakes(const struct mistakes *m, struct buf *out)
{
	const struct mistake *one;
	size_t i;

	must(m->count + m->warnings == m->all && (m->exit == 0) == (m->count == 0));
	for (i = 0; i < m->all; i++) {
		one = &m->items[i];
		must(one->at.line >= 0 && one->at.column >= 0);
		must(i == 0 || m->items[i - 1].at.line <= one->at.line);
		must(one->wrong[0] != '\0' && strpbrk(one->wrong, "\n\r\x1b") == NULL);
	}
	mistakes_print(out, m);
}

static void check_config(const struct config *c)
{
	size_t i;

	must(c->nendpoints > 0 && c->store != NULL && c->listen.count > 0);
	for (i = 0; i < c->nendpoints; i++) {
		must(c->endpoints[i].base_url != NULL && c->endpoints[i].host != NULL);
		must(config_endpoint(c, c->endpoints[i].name) == &c->endpoints[i]);
	}
	for (i = 0; i < c->nbridges; i++) {
		must(c->bridges[i].customers != NULL && c->bridges[i].agents != NULL);
		must(c->bridges[i].customers != c->bridges[i].agents);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mistakes m, again;
	struct buf first, second;
	struct config *c = load(data, len, &m), *d = load(data, len, &again);

	buf_init(&first);
	buf_init(&second);
	must((c != NULL) == (m.count == 0) && (c != NULL) == (d != NULL));
	check_mistakes(&m, &first);
	check_mistakes(&again, &second);
	must(strcmp(first.data, second.data) == 0);
	if (c != NULL)
		check_config(c);
	config_unref(c);
	config_unref(d);
	mistakes_fini(&m);
	mistakes_fini(&again);
	buf_fini(&first);
	buf_fini(&second);
	return 0;
}
