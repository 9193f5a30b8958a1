/* Did you mean …? */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

/* How many letters must be put in, left out, replaced or swapped with their neighbour to make b of a;
 * more than max: max + 1. Words longer than 40 bytes are too far from everything. */
size_t edit_distance(const char *a, const char *b, size_t max);

/* The search for the word closest to `word`: nearest_begin, then nearest_try for each word there is;
 * best is NULL where none is so close that a slip of the fingers explains it. */
struct nearest {
	const char *word, *best;
	size_t distance; /* of best; of the next one only a smaller one counts */
};

void nearest_begin(struct nearest *n, const char *word);
/* True: the candidate, which has to stay where it is, is the best now. */
bool nearest_try(struct nearest *n, const char *candidate);

#endif
