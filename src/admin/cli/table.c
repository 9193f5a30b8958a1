/* See table.h. */
#include "admin/cli/table.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"

const char **table_row(struct table *t)
{
	const char *(*grown)[COLUMNS_MOST];

	if (t->nrows == t->size) {
		t->size = t->size == 0 ? 8 : t->size * 2;
		grown = arena_zalloc(t->arena, t->size * sizeof(*grown));
		if (t->nrows > 0)
			memcpy(grown, t->rows, t->nrows * sizeof(*grown));
		t->rows = grown;
	}
	return t->rows[t->nrows++];
}

void table_measure(struct table *t)
{
	size_t row, i, len;

	for (row = 0; row < t->nrows; row++)
		for (i = 0; i < t->ncolumns; i++) {
			len = t->rows[row][i] != NULL ? strlen(t->rows[row][i]) : 0;
			if (len > t->width[i])
				t->width[i] = len;
		}
}

static void print_cell(struct buf *out, const char *text, size_t width, bool right, bool is_last)
{
	size_t len = strlen(text), blanks = len < width ? width - len : 0;

	if (right)
		buf_addf(out, "%*s", (int)blanks, "");
	buf_adds(out, text);
	if (!is_last)
		buf_addf(out, "%*s  ", right ? 0 : (int)blanks, "");
}

/* Nothing but blanks is not printed at the end of a line. */
void table_print(struct table *t, struct buf *out)
{
	size_t row, i, last;

	for (row = 0; row < t->nrows; row++) {
		for (last = t->ncolumns; last > 1; last--)
			if (t->rows[row][last - 1] != NULL && t->rows[row][last - 1][0] != '\0')
				break;
		for (i = 0; i < last; i++)
			print_cell(out, t->rows[row][i] != NULL ? t->rows[row][i] : "", t->width[i],
			    t->right[i], i + 1 == last);
		buf_addc(out, '\n');
	}
}
