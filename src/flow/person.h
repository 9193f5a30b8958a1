/* What is known of a person: shown, or erased. By the running relay, step by step; or on its store where none runs. */
#ifndef FLOW_PERSON_H
#define FLOW_PERSON_H

#include "flow/flow.h"
#include "store/person.h"

struct config;

enum person_task { PERSON_EXPORT, PERSON_ERASE };

struct person_job {
	enum person_task task;
	struct who who;
	bool is_dry;
	const char *folder;  /* of files */
	struct arena *arena; /* lives as long as the job */
	void (*done)(struct person_job *j);
	void *arg;
	/* out */
	bool is_failed; /* err */
	bool is_busy;   /* ERASE: something to or from them is under way, for long */
	struct err err;
	struct op_person found;
	struct op_trace *messages; /* EXPORT */
	size_t nmessages;
	struct person_counts counts; /* ERASE */
	bool is_wiped;
	/* its own */
	struct flow *flow;
	struct person_job *next;
	struct loop_timer *timer;
	struct arena *step; /* of one operation */
	const int64_t *ids;
	struct op_person_said said;
	struct op_person_erase erase;
	size_t size;
	int state, tries;
	bool is_alone;
};

/* An e-mail address, a phone number with +, or endpoint:id. False: it is none of these. */
bool person_who(struct arena *a, const struct config *c, const char *text, struct who *out);

void person_start(struct flow *f, struct person_job *j);
/* Here and now. */
void person_run(struct store *s, struct person_job *j, int64_t now_ms);
/* The flow ends, and with it what is under way. */
void persons_end(struct flow *f);

#endif
