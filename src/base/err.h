/* Why something failed, in words for the operator. A fixed buffer, so reporting never allocates;
 * too long a text is cut. Expected outcomes are enum values, not errors. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

struct err {
	char text[400];
};

/* Both return -1, so that a caller can say `return err_set(err, …)`. err may be NULL. */
int err_set(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Puts context before what is there: "context: what it was". */
int err_wrap(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
