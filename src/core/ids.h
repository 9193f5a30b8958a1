/* The ids we choose ourselves: fingerprints of what people wrote, the marks on all we create, names of
 * persons and conversations. Pure: the same input gives the same id on every machine, and the instance
 * key is in those that nobody may guess. Hex is lower case; what is hashed is joined with LF. */
#ifndef CORE_IDS_H
#define CORE_IDS_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

#define INSTANCE_KEY_SIZE 32
/* Sizes count the NUL. */
#define INST_SIZE 9
#define BRIDGE_TAG_SIZE 7
#define ROOT_TEXT_SIZE 21
#define MARK_TEXT_SIZE 64

/* Who we are. inst goes into marks, so that one Tieline tells its own from another's. */
struct keys {
	unsigned char instance_key[INSTANCE_KEY_SIZE];
	char inst[INST_SIZE];
};

void keys_init(struct keys *keys, const unsigned char instance_key[INSTANCE_KEY_SIZE]);

/* --- roots ------------------------------------------------------------------------------------- */

/* Fingerprint of the message that a human or bot really wrote, the same on every copy. There is no
 * key in it, so that copies are known again after the store is lost. */
struct root {
	unsigned char b[10];
};

/* host: of base_url, lower case, no port. tenant: the part of the platform; NULL counts as empty. */
struct root ids_root(const char *platform, const char *host, const char *tenant, const char *id);
/* Of an edit or a deletion of message id; version as the source gives it, NULL: it gives none. */
struct root ids_root_of_edit(const char *platform, const char *host, const char *tenant,
    const char *id, const char *version);
struct root ids_root_of_delete(const char *platform, const char *host, const char *tenant,
    const char *id, const char *version);
struct root ids_root_of_conversation(const char *platform, const char *host, const char *tenant,
    const char *id);

/* 20 hex digits and a NUL. Returns out. */
const char *root_format(const struct root *root, char out[ROOT_TEXT_SIZE]);
/* -1 where text is not exactly 20 lower-case hex digits. */
int root_parse(const char *text, struct root *out);
bool root_equal(const struct root *a, const struct root *b);

/* --- marks ------------------------------------------------------------------------------------- */

/* Six hex digits that stand for a bridge's name. */
void ids_bridge_tag(const char *bridge, char out[BRIDGE_TAG_SIZE]);

#define MARK_HOPS_MAX 4 /* a copy of a copy … further than this is not sent */
#define MARK_PART_MAX 999999

struct mark {
	char inst[INST_SIZE];
	char bridge[BRIDGE_TAG_SIZE];
	char kind; /* m message, h history, e edit, d deletion, n notice, c conversation */
	int hop;   /* 1 for the first copy; 1 to 9 can be read */
	struct root root;
	int part;    /* from 0; of a conversation the generation */
	bool ours;   /* inst is ours and the mac is right */
	bool forged; /* inst is ours and the mac is wrong */
};

/* tl1:<inst>:<bridge>:<kind><hop>:<root>:<part>:<mac>, 54 to 56 characters while part is below 1000.
 * Returns out. */
const char *mark_build(const struct keys *keys, const char *bridge_tag, char kind, int hop,
    const struct root *root, int part, char out[MARK_TEXT_SIZE]);
/* True: text is a mark, ours or another instance's (whose mac we cannot judge). False: it is none;
 * out->forged says that it claimed to be ours. text may be NULL. */
bool mark_read(const struct keys *keys, const char *text, struct mark *out);

/* Whether it looks like a mark of a bridge with that tag, of whichever instance; nobody vouches for it. */
bool mark_is_of_bridge(const char *text, const char *tag);
/* Whether there stands on a copy of the very part that bears ours, whichever instance wrote it, live or as history. Not for
 * messages that a customer of the customers' side may have written. */
bool mark_is_of_same(const struct keys *keys, const char *there, const char *ours);

/* --- order --- */

/* Of two ids of one platform that count up: numbers, or hex digits of one length; else nobody can tell: true. */
bool ids_above(const char *id, const char *other);

/* --- derived ids ------------------------------------------------------------------------------- */

/* The parts of what is hashed, as two arguments: ids_sha32(a, IDS_PARTS("ci", identity, host)). A part
 * that is NULL counts as empty. */
#define IDS_PARTS(...) \
	(const char *const[]){ __VA_ARGS__ }, \
	    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *)

/* First 32 hex digits of HMAC-SHA256 with the instance key: for ids that nobody may guess. */
const char *ids_hmac32(struct arena *a, const struct keys *keys, const char *const *parts,
    size_t count);
/* First 32, or 16, of SHA-256: for ids that must survive the loss of the store, and for what tells
 * one version of something from the next. */
const char *ids_sha32(struct arena *a, const char *const *parts, size_t count);
const char *ids_sha16(struct arena *a, const char *const *parts, size_t count);

/* A person's identity: "<platform>:<plain_tenant>:<person_key>" where plain_tenant is given and all of
 * it is at most 200 of [a-z0-9@+._:~-]; else "<platform>:~" and the hash of platform, host, tenant,
 * person_key. A key of two parts is given with LF between them. */
const char *ids_identity(struct arena *a, const char *platform, const char *plain_tenant,
    const char *host, const char *tenant, const char *person_key);
/* "tel:+<digits>" of an international number, with or without +, separators left out. NULL where it is
 * not one: fewer than 7 digits (short codes), more than 15, a leading 0, or letters. */
const char *ids_identity_of_phone(struct arena *a, const char *phone);

#endif
