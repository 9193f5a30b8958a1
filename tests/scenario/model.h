/* Random play by seed. */
#ifndef TESTS_SCENARIO_MODEL_H
#define TESTS_SCENARIO_MODEL_H

/* Plays so many seeds, or the one that $SEED names, or as many as $SEEDS says (from $FROM on), and fails at the
 * first that ends wrong. */
void model_run(unsigned long first, unsigned long count);
/* A teardown: which seed it was. */
int model_tell(void **state);

#endif
