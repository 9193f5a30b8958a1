/* What people take for one character: a letter with its accents, a flag, a family joined of five
 * emoji. Texts are cut between these only. */
#ifndef BASE_GRAPHEME_H
#define BASE_GRAPHEME_H

#include <stddef.h>

/* Bytes of the first grapheme of s; 0 where len is 0. Simpler than Unicode's rule (UAX 29), it keeps
 * some more together, and cuts what that would not only between Hangul leading letters that stand
 * alone, and behind the signs that Arabic and Indic scripts put in front of numbers:
 *   - CR LF is one; any other control character stands alone;
 *   - two regional indicators are one (a flag);
 *   - combining marks, variation selectors, skin tones, tags, joiners, Hangul vowels and finals belong
 *     to what is before them;
 *   - whatever is not ASCII behind a zero width joiner belongs to what is before it. */
size_t grapheme_len(const char *s, size_t len);

#endif
