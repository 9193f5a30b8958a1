/* See nearest.h. The distance is Damerau's, in the form that never touches a letter twice. */
#include "base/nearest.h"

#include <string.h>

#define WORD_MAX_LEN 40

static size_t min3(size_t a, size_t b, size_t c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

size_t edit_distance(const char *a, const char *b, size_t max)
{
	size_t rows[3][WORD_MAX_LEN + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2], *spare;
	size_t na = strnlen(a, WORD_MAX_LEN + 1), nb = strnlen(b, WORD_MAX_LEN + 1), i, j;

	if (na > WORD_MAX_LEN || nb > WORD_MAX_LEN || (na > nb ? na - nb : nb - na) > max)
		return max + 1;
	for (j = 0; j <= nb; j++)
		before[j] = last[j] = j;
	for (i = 1; i <= na; i++) {
		now[0] = i;
		for (j = 1; j <= nb; j++) {
			now[j] =
			    min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = min3(now[j], before[j - 2] + 1, now[j]);
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[nb] > max ? max + 1 : last[nb];
}

void nearest_begin(struct nearest *n, const char *word)
{
	size_t len = strlen(word);

	/* One slip in a short word, two in one of five letters, three in a long one. */
	*n = (struct nearest){ .word = word,
		.distance = len < 2 ? 0
		    : len < 5       ? 2
		    : len < 9       ? 3
				    : 4 };
}

/* "inbox" for "inbox_id" is no slip of the fingers, and clear all the same. */
static bool is_beginning(const char *word, const char *candidate)
{
	size_t len = strlen(word);

	return len >= 3 && strncmp(word, candidate, len) == 0 && candidate[len] == '_';
}

bool nearest_try(struct nearest *n, const char *candidate)
{
	size_t distance;

	if (n->distance == 0)
		return false;
	distance = 1;
	if (!is_beginning(n->word, candidate))
		distance = edit_distance(n->word, candidate, n->distance - 1);
	if (distance >= n->distance)
		return false;
	n->best = candidate;
	n->distance = distance;
	return true;
}
