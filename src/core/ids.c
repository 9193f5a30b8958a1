/* See ids.h. */
#include "core/ids.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/secret.h"

#define IDENTITY_MAX 200
#define MAC_DIGITS 8
#define MAC_TEXT_SIZE (MAC_DIGITS + 1)
#define HEX_DIGITS "0123456789abcdef"

static void join(struct buf *b, const char *const *parts, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (i > 0)
			buf_addc(b, '\n');
		if (parts[i] != NULL)
			buf_adds(b, parts[i]);
	}
}

static void hash_parts(const char *const *parts, size_t count, unsigned char out[SHA256_SIZE])
{
	struct buf b;

	buf_init(&b);
	join(&b, parts, count);
	sha256(b.data, b.len, out);
	buf_fini(&b);
}

static void mac_parts(const struct keys *keys, const char *const *parts, size_t count,
    unsigned char out[SHA256_SIZE])
{
	struct buf b;

	buf_init(&b);
	join(&b, parts, count);
	hmac_sha256(keys->instance_key, sizeof(keys->instance_key), b.data, b.len, out);
	buf_fini(&b);
}

void keys_init(struct keys *keys, const unsigned char instance_key[INSTANCE_KEY_SIZE])
{
	unsigned char hash[SHA256_SIZE];

	memcpy(keys->instance_key, instance_key, INSTANCE_KEY_SIZE);
	sha256(instance_key, INSTANCE_KEY_SIZE, hash);
	hex_encode(hash, (INST_SIZE - 1) / 2, keys->inst);
}

/* --- roots ------------------------------------------------------------------------------------- */

static struct root root_of(const char *const *parts, size_t count)
{
	unsigned char hash[SHA256_SIZE];
	struct root root;

	hash_parts(parts, count, hash);
	memcpy(root.b, hash, sizeof(root.b));
	return root;
}

struct root ids_root(const char *platform, const char *host, const char *tenant, const char *id)
{
	return root_of(IDS_PARTS(platform, host, tenant, id));
}

/* label, directly followed by text, is the last part. */
static struct root root_with_label(const char *const *parts, size_t count, const char *label,
    const char *text)
{
	const char *all[5];
	struct root root;
	struct buf last;

	buf_init(&last);
	buf_adds(&last, label);
	buf_adds(&last, text);
	memcpy(all, parts, count * sizeof(*parts));
	all[count] = last.data;
	root = root_of(all, count + 1);
	buf_fini(&last);
	return root;
}

struct root ids_root_of_edit(const char *platform, const char *host, const char *tenant,
    const char *id, const char *version)
{
	return root_with_label(IDS_PARTS(platform, host, tenant, id),
	    "edit:", version != NULL ? version : "1");
}

struct root ids_root_of_delete(const char *platform, const char *host, const char *tenant,
    const char *id, const char *version)
{
	return root_with_label(IDS_PARTS(platform, host, tenant, id),
	    "delete:", version != NULL ? version : "1");
}

struct root ids_root_of_conversation(const char *platform, const char *host, const char *tenant,
    const char *id)
{
	return root_with_label(IDS_PARTS(platform, host, tenant), "conv:", id);
}

const char *root_format(const struct root *root, char out[ROOT_TEXT_SIZE])
{
	hex_encode(root->b, sizeof(root->b), out);
	return out;
}

int root_parse(const char *text, struct root *out)
{
	if (strspn(text, HEX_DIGITS) != 2 * sizeof(out->b) || text[2 * sizeof(out->b)] != '\0')
		return -1;
	return hex_decode(text, out->b, sizeof(out->b));
}

bool root_equal(const struct root *a, const struct root *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* --- marks ------------------------------------------------------------------------------------- */

void ids_bridge_tag(const char *bridge, char out[BRIDGE_TAG_SIZE])
{
	unsigned char hash[SHA256_SIZE];

	sha256(bridge, strlen(bridge), hash);
	hex_encode(hash, (BRIDGE_TAG_SIZE - 1) / 2, out);
}

static void mark_mac(const struct keys *keys, const char *before, char out[MAC_TEXT_SIZE])
{
	unsigned char mac[SHA256_SIZE];

	mac_parts(keys, IDS_PARTS("mark", before), mac);
	hex_encode(mac, MAC_DIGITS / 2, out);
}

const char *mark_build(const struct keys *keys, const char *bridge_tag, char kind, int hop,
    const struct root *root, int part, char out[MARK_TEXT_SIZE])
{
	char text[ROOT_TEXT_SIZE], mac[MAC_TEXT_SIZE];
	int len;

	len = snprintf(out, MARK_TEXT_SIZE, "tl1:%s:%s:%c%d:%s:%d", keys->inst, bridge_tag, kind,
	    hop, root_format(root, text), part);
	mark_mac(keys, out, mac);
	snprintf(out + len, MARK_TEXT_SIZE - (size_t)len, ":%s", mac);
	return out;
}

/* Takes count lower-case hex digits and a colon, or the end where last. */
static bool take_hex(const char **p, size_t count, bool last, char *out)
{
	if (strspn(*p, HEX_DIGITS) != count || (*p)[count] != (last ? '\0' : ':'))
		return false;
	memcpy(out, *p, count);
	out[count] = '\0';
	*p += count + !last;
	return true;
}

static bool take_kind_and_hop(const char **p, struct mark *m)
{
	if ((*p)[0] == '\0' || strchr("mhednc", (*p)[0]) == NULL)
		return false;
	if ((*p)[1] < '1' || (*p)[1] > '9' || (*p)[2] != ':')
		return false;
	m->kind = (*p)[0];
	m->hop = (*p)[1] - '0';
	*p += 3;
	return true;
}

/* As mark_build writes it: no needless zero in front. */
static bool take_part(const char **p, int *part)
{
	size_t len = strspn(*p, "0123456789");

	if (len == 0 || len > 6 || ((*p)[0] == '0' && len > 1) || (*p)[len] != ':')
		return false;
	for (*part = 0; **p != ':'; (*p)++)
		*part = *part * 10 + (**p - '0');
	(*p)++;
	return true;
}

bool mark_read(const struct keys *keys, const char *text, struct mark *out)
{
	char root[ROOT_TEXT_SIZE], mac[MAC_TEXT_SIZE], right[MAC_TEXT_SIZE], before[MARK_TEXT_SIZE];
	const char *p;

	*out = (struct mark){ 0 };
	if (text == NULL || strncmp(text, "tl1:", 4) != 0)
		return false;
	p = text + 4;
	if (!take_hex(&p, INST_SIZE - 1, false, out->inst)
	    || !take_hex(&p, BRIDGE_TAG_SIZE - 1, false, out->bridge) || !take_kind_and_hop(&p, out)
	    || !take_hex(&p, ROOT_TEXT_SIZE - 1, false, root) || !take_part(&p, &out->part)
	    || !take_hex(&p, MAC_DIGITS, true, mac))
		return false;
	root_parse(root, &out->root);
	if (strcmp(out->inst, keys->inst) != 0)
		return true;
	snprintf(before, sizeof(before), "%.*s", (int)(strlen(text) - MAC_TEXT_SIZE), text);
	mark_mac(keys, before, right);
	out->ours = secret_equal(mac, right);
	out->forged = !out->ours;
	return out->ours;
}

bool mark_is_of_bridge(const char *text, const char *tag)
{
	size_t begin = strlen("tl1:") + INST_SIZE; /* and its colon */

	return text != NULL && strncmp(text, "tl1:", 4) == 0
	    && strlen(text) > begin + BRIDGE_TAG_SIZE
	    && strncmp(text + begin, tag, BRIDGE_TAG_SIZE - 1) == 0
	    && text[begin + BRIDGE_TAG_SIZE - 1] == ':';
}

static bool is_copy(const struct mark *m)
{
	return m->kind == 'm' || m->kind == 'h';
}

bool mark_is_of_same(const struct keys *keys, const char *there, const char *ours)
{
	struct mark a, b;

	if (there == NULL || ours == NULL)
		return false;
	if (strcmp(there, ours) == 0)
		return true;
	return mark_read(keys, there, &a) && mark_read(keys, ours, &b) && is_copy(&a) && is_copy(&b)
	    && root_equal(&a.root, &b.root) && a.part == b.part
	    && (strcmp(a.inst, b.inst) != 0 || strcmp(a.bridge, b.bridge) == 0);
}

/* --- order ------------------------------------------------------------------------------------- */

static bool is_all(const char *text, const char *digits)
{
	return text[strspn(text, digits)] == '\0';
}

bool ids_above(const char *id, const char *other)
{
	size_t len = strlen(id), other_len = strlen(other);

	if (is_all(id, "0123456789") && is_all(other, "0123456789"))
		return len != other_len ? len > other_len : strcmp(id, other) > 0;
	if (len == other_len && is_all(id, "0123456789abcdef") && is_all(other, "0123456789abcdef"))
		return strcmp(id, other) > 0;
	return true;
}

/* --- derived ids ------------------------------------------------------------------------------- */

static const char *hex_text(struct arena *a, const unsigned char *bytes, size_t len)
{
	char *out = arena_alloc(a, 2 * len + 1);

	hex_encode(bytes, len, out);
	return out;
}

const char *ids_hmac32(struct arena *a, const struct keys *keys, const char *const *parts,
    size_t count)
{
	unsigned char mac[SHA256_SIZE];

	mac_parts(keys, parts, count, mac);
	return hex_text(a, mac, 16);
}

const char *ids_sha32(struct arena *a, const char *const *parts, size_t count)
{
	unsigned char hash[SHA256_SIZE];

	hash_parts(parts, count, hash);
	return hex_text(a, hash, 16);
}

const char *ids_sha16(struct arena *a, const char *const *parts, size_t count)
{
	unsigned char hash[SHA256_SIZE];

	hash_parts(parts, count, hash);
	return hex_text(a, hash, 8);
}

static bool may_stand_plain(const char *identity)
{
	size_t len = strlen(identity);

	return len <= IDENTITY_MAX
	    && strspn(identity, "abcdefghijklmnopqrstuvwxyz0123456789@+._:~-") == len;
}

const char *ids_identity(struct arena *a, const char *platform, const char *plain_tenant,
    const char *host, const char *tenant, const char *person_key)
{
	const char *plain;

	if (plain_tenant != NULL && *person_key != '\0') {
		plain = arena_printf(a, "%s:%s:%s", platform, plain_tenant, person_key);
		if (may_stand_plain(plain))
			return plain;
	}
	return arena_printf(a, "%s:~%s", platform,
	    ids_sha32(a, IDS_PARTS(platform, host, tenant, person_key)));
}

const char *ids_identity_of_phone(struct arena *a, const char *phone)
{
	char digits[16];
	size_t len = 0;

	if (*phone == '+')
		phone++;
	for (; *phone != '\0'; phone++) {
		if (strchr(" -.()", *phone) != NULL)
			continue;
		if (*phone < '0' || *phone > '9' || len == sizeof(digits) - 1)
			return NULL;
		digits[len++] = *phone;
	}
	digits[len] = '\0';
	if (len < 7 || digits[0] == '0')
		return NULL;
	return arena_printf(a, "tel:+%s", digits);
}
