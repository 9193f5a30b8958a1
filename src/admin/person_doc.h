/* What is known of a person, and the receipt for what was erased, as documents.
 *
 *   export   who at persons conversations messages; of a person id endpoint identity remote address name email phone
 *            contacts facts; of a conversation remote state facts; a message is a trace (repair_doc.h)
 *   receipt  at dry_run persons conversations links messages {count first last} given_up files callbacks wiped; ids
 *            are ours, and nothing in it is theirs */
#ifndef ADMIN_PERSON_DOC_H
#define ADMIN_PERSON_DOC_H

#include <stddef.h>
#include <stdint.h>

#include "flow/person.h"

struct json;

const char *person_export_doc(struct arena *a, const struct config *c, const struct person_job *j,
    const char *who, int64_t now_ms, size_t *len);
const char *person_receipt_doc(struct arena *a, const struct person_job *j, int64_t now_ms,
    size_t *len);
/* For people. */
void person_print_receipt(struct buf *out, const struct json *receipt);

#endif
