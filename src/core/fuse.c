/* See fuse.h. Once blown it stays so, however quiet it gets: a word of the person mends it, the caller then
 * clears the memory. */
#include "core/fuse.h"

static bool is_over(const struct fuse *f, const struct rate *rate, int64_t now_ms)
{
	return f->count == 0 || now_ms < f->since_ms || now_ms - f->since_ms >= rate->period_msecs;
}

bool fuse_holds(const struct fuse *f, const struct rate *rate, uint64_t text_hash, int64_t now_ms)
{
	if (rate->count == 0)
		return false;
	return f->is_blown || (!is_over(f, rate, now_ms) && f->count >= rate->count)
	    || (text_hash != 0 && text_hash == f->text && f->same >= FUSE_SAME_MOST);
}

void fuse_count(struct fuse *f, const struct rate *rate, uint64_t text_hash, int64_t now_ms)
{
	if (is_over(f, rate, now_ms)) {
		f->since_ms = now_ms;
		f->count = 0;
	}
	f->count++;
	f->same = text_hash != 0 && text_hash == f->text ? f->same + 1 : 1;
	f->text = text_hash;
}

void fuse_take_back(struct fuse *f)
{
	f->count -= f->count > 0;
	f->same -= f->same > 0;
}

bool fuse_blow(struct fuse *f)
{
	bool was_whole = !f->is_blown;

	f->is_blown = true;
	return was_whole;
}

bool fuse_is_idle(const struct fuse *f, const struct rate *rate, int64_t now_ms)
{
	return !f->is_blown && f->same <= 1 && is_over(f, rate, now_ms);
}
