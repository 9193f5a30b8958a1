/* Stands in for base/mem.c: remembers every piece of memory that a life of the program takes, so that a
 * kill can be played as what it is: all memory gone, nothing tidied up. */
#ifndef TESTS_SCENARIO_LIFE_H
#define TESTS_SCENARIO_LIFE_H

#include <stddef.h>

/* Frees whatever is left of it. */
void life_end(void);
size_t life_pieces(void); /* not freed yet */
/* How many bytes more than now there were at once, since it was asked last. */
size_t life_most(void);

#endif
