/* What the store keeps of alarms, and of the hours in which an endpoint was heard. */
#ifndef STORE_ALARM_H
#define STORE_ALARM_H

#include "core/alarm.h"
#include "store/store.h"

/* As it is by now; the newest ALARMS_KEPT stay. */
struct op_alarm {
	struct store_op op;
	struct alarm row;
};

/* Those that are kept, by id. */
struct op_alarms {
	struct store_op op;
	struct arena *arena;
	/* out */
	struct alarm *rows;
	size_t nrows;
};

/* A callback came in that hour (since the epoch). What is older than keep_from goes. */
struct op_hour {
	struct store_op op;
	int endpoint;
	int64_t hour, keep_from;
};

struct heard_hour {
	int endpoint;
	int64_t hour;
};
struct op_hours {
	struct store_op op;
	struct arena *arena;
	/* out */
	struct heard_hour *rows;
	size_t nrows;
};

#endif
