/* What the two files about persons share. */
#ifndef STORE_SQLITE_PERSON_INSIDE_H
#define STORE_SQLITE_PERSON_INSIDE_H

#include "store/person.h"
#include "store/sqlite_db.h"

/* Some persons, and all that is theirs; ids in order, for whether one of them is. */
struct crowd {
	const int64_t *persons;
	size_t npersons;
	struct person_contact *contacts; /* by lane */
	size_t ncontacts;
	struct person_talk *talks; /* by thread */
	size_t ntalks;
	int64_t *threads, *lanes, *links;
	size_t nlinks;
};
int crowd_read(struct store_db *db, struct arena *a, const int64_t *persons, size_t npersons,
    struct crowd *out);
bool id_is_in(const int64_t *ids, size_t n, int64_t id);

#endif
