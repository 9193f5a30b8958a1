/* Runs a fuzz target without a fuzzer: each argument is a file, or a folder of files (a corpus).
 *
 * Every input is given whole, and cut at sixteen places, in a block of exactly its length, so that
 * a sanitizer sees the first byte read beyond its end. The empty input comes first. What a fuzzer
 * once found stays in the corpus, and is tried again by every build. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { CUTS = 16 };

static void fail(const char *what, const char *path)
{
	fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
	exit(1);
}

static void try_exactly(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		fail("allocate for", "an input");
	if (len > 0)
		memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void try_file(const char *path, size_t size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(size + 1);
	size_t len, i;

	if (f == NULL || data == NULL)
		fail("open", path);
	len = fread(data, 1, size, f);
	fclose(f);
	try_exactly(data, len);
	for (i = 1; i < CUTS && i < len; i++)
		try_exactly(data, len * i / CUTS);
	free(data);
}

static int try_path(const char *path)
{
	struct stat st;
	struct dirent **names;
	char *inner;
	int n, i, count = 0;

	if (stat(path, &st) != 0)
		fail("open", path);
	if (!S_ISDIR(st.st_mode)) {
		try_file(path, (size_t)st.st_size);
		return 1;
	}
	n = scandir(path, &names, NULL, alphasort);
	if (n < 0)
		fail("read", path);
	for (i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.'
		    && asprintf(&inner, "%s/%s", path, names[i]->d_name) > 0) {
			count += try_path(inner);
			free(inner);
		}
		free(names[i]);
	}
	free(names);
	return count;
}

int main(int argc, char **argv)
{
	int i, count = 0;

	try_exactly(NULL, 0);
	for (i = 1; i < argc; i++)
		count += try_path(argv[i]);
	printf("%d inputs\n", count);
	return count > 0 ? 0 : 1;
}
