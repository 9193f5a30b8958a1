/* What clang-tidy, which sees one file at a time, cannot know about the others: script/test includes
 * this before each file. Nothing of it is compiled into the program. */
#include "base/err.h"

/* Always -1, so the path on which it returns 0 and leaves results unset does not exist. */
#define err_set(...) \
	({ \
		err_set(__VA_ARGS__); \
		-1; \
	})
#define err_wrap(...) \
	({ \
		err_wrap(__VA_ARGS__); \
		-1; \
	})
