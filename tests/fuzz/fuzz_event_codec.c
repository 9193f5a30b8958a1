/* event_decode over anything: an error with words, or an event that is written and read again as the
 * same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "core/event_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	struct buf once, twice;
	struct err err = { "" };
	struct event e, again;

	buf_init(&once);
	buf_init(&twice);
	if (event_decode(data, len, a, &e, &err) != 0) {
		if (err.text[0] == '\0')
			abort();
	} else {
		event_encode(&e, &once);
		if (event_decode(once.data, once.len, a, &again, &err) != 0)
			abort();
		event_encode(&again, &twice);
		if (once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0)
			abort();
	}
	buf_fini(&once);
	buf_fini(&twice);
	arena_free(a);
	return 0;
}
