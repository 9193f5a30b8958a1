/* Thousands of stores are opened in these tests, most for a handful of operations. A new one is a copy of the
 * first that this program made, and a statement is compiled when it is first wanted; all else is the real
 * driver. That every step of the schema and every statement is in order is for the tests of the store. */
#ifndef TESTS_SCENARIO_QUICK_STORE_H
#define TESTS_SCENARIO_QUICK_STORE_H

/* Puts an empty store of the newest schema at path. */
void quick_store_put(const char *path);

#endif
