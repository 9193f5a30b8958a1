/* ${NAME}, ${NAME:-text}, $$ and file:PATH, in every text of the tree. It happens after parsing, so
 * that a value can add no YAML; keys are left alone. What a variable or a file holds is never shown:
 * it may be a secret. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "config/config_draft.h"

#define FILE_MAX ((off_t)1 << 20)
#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
#define FORMS "${NAME}, ${NAME:-text}, $$ for a single $"

static void refuse(struct draft *d, struct yaml_node *node, const char *allowed, const char *wrong)
{
	mistake_add(d->mistakes,
	    &(struct mistake){ .at = node->at,
		.key = yaml_path(d->mistakes->arena, node),
		.allowed = allowed },
	    "%s", wrong);
	node->bad = true;
}

/* --- variables -------------------------------------------------------------------------------- */

/* at stands behind "${". Returns what follows "}"; NULL where it is a mistake. */
static const char *expand_one(struct draft *d, struct yaml_node *node, const char *at,
    struct buf *out)
{
	struct arena *a = d->mistakes->arena;
	size_t len = strspn(at, NAME_CHARS);
	const char *name, *end, *value;
	bool has_default = strncmp(at + len, ":-", 2) == 0;

	end = has_default ? strchr(at + len, '}') : at + len;
	if (len == 0 || (at[0] >= '0' && at[0] <= '9') || end == NULL || *end != '}') {
		refuse(d, node, FORMS, "has a ${ that is not closed, or holds no name");
		return NULL;
	}
	name = arena_strndup(a, at, len);
	value = getenv(name);
	if (value != NULL && (value[0] != '\0' || !has_default)) {
		buf_adds(out, value);
		node->from = FROM_ENVIRONMENT;
	} else if (has_default) {
		buf_add(out, at + len + 2, (size_t)(end - at) - len - 2);
	} else {
		refuse(d, node,
		    arena_printf(a, "a set variable, ${%s:-default} or file:PATH", name),
		    arena_printf(a, "environment variable %s is not set", name));
		return NULL;
	}
	return end + 1;
}

static void expand_variables(struct draft *d, struct yaml_node *node)
{
	const char *at = node->text, *dollar;
	struct buf out;

	buf_init(&out);
	while (at != NULL && (dollar = strchr(at, '$')) != NULL) {
		buf_add(&out, at, (size_t)(dollar - at));
		at = dollar + 1;
		if (*at == '{') {
			at = expand_one(d, node, at + 1, &out);
			continue;
		}
		buf_addc(&out, '$');
		if (*at == '$')
			at++;
	}
	if (at != NULL) {
		buf_adds(&out, at);
		node->text = arena_strdup(d->mistakes->arena, out.data);
	}
	buf_fini(&out);
	if (!node->bad && !utf8_valid(node->text, strlen(node->text)))
		refuse(d, node, "UTF-8", "an environment variable holds bytes that are no UTF-8");
}

/* --- files ------------------------------------------------------------------------------------ */

/* Only a regular file: nothing that could make us wait. -1 with errno. */
static int open_regular(const char *path, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -1;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

/* At most FILE_MAX + 1 bytes. -1 with errno. */
static int read_all(int fd, struct buf *out)
{
	ssize_t n;

	for (;;) {
		buf_reserve(out, 4096);
		n = read(fd, out->data + out->len, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || (off_t)out->len > FILE_MAX)
			break;
		out->len += (size_t)n;
	}
	out->data[out->len] = '\0';
	return n < 0 ? -1 : 0;
}

static void take_content(struct draft *d, struct yaml_node *node, struct buf *content)
{
	struct arena *a = d->mistakes->arena;

	if (content->len > 0 && content->data[content->len - 1] == '\n')
		content->data[--content->len] = '\0';
	if ((off_t)content->len > FILE_MAX)
		refuse(d, node, "at most 1MiB",
		    arena_printf(a, "file \"%s\" is too large", node->file));
	else if (memchr(content->data, '\0', content->len) != NULL
	    || !utf8_valid(content->data, content->len))
		refuse(d, node, "UTF-8", arena_printf(a, "file \"%s\" is no text", node->file));
	else
		node->text = arena_strdup(a, content->data);
}

static void expand_file(struct draft *d, struct yaml_node *node)
{
	struct arena *a = d->mistakes->arena;
	const char *path = node->text + strlen("file:");
	struct stat st;
	struct buf content;
	int fd;

	if (path[0] != '/')
		path = arena_printf(a, "%s/%s", d->folder, path);
	node->from = FROM_FILE;
	node->file = path;
	fd = open_regular(path, &st);
	buf_init(&content);
	if (fd < 0 || read_all(fd, &content) != 0) {
		refuse(d, node, "a file that can be read",
		    arena_printf(a, "cannot read file \"%s\": %s", path,
			errno == EINVAL ? "not a regular file" : strerror(errno)));
	} else {
		node->readable_by_all = (st.st_mode & S_IROTH) != 0;
		take_content(d, node, &content);
	}
	buf_fini(&content);
	if (fd >= 0)
		close(fd);
}

void config_expand(struct draft *d, struct yaml_node *root)
{
	struct yaml_node *child;

	for (child = root->first; child != NULL; child = child->next) {
		if (child->kind != NODE_TEXT) {
			config_expand(d, child);
			continue;
		}
		if (!child->bad && strchr(child->text, '$') != NULL)
			expand_variables(d, child);
		if (!child->bad && strncmp(child->text, "file:", 5) == 0)
			expand_file(d, child);
	}
}
