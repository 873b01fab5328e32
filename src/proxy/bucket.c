/*
 * bucket.c - a token bucket that counts to the byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proxy/bucket.h"

#include "base/clock.h"

/* A bucket that has filled up counts anew from now: what it did not use is not saved. */
static void settle(struct bucket *b, const struct bucket_limit *limit, int64_t now_ns)
{
	int64_t seconds = b->spent / limit->rate;

	if (seconds > 0) {
		b->base_ns += seconds * SEC;
		b->spent -= seconds * limit->rate;
	}
	if (now_ns < b->base_ns)
		return;
	if (now_ns - b->base_ns < SEC && (now_ns - b->base_ns) * limit->rate / SEC < b->spent)
		return;
	*b = (struct bucket){ .base_ns = now_ns };
}

int64_t bucket_ready_ns(struct bucket *b, const struct bucket_limit *limit, int64_t now_ns,
			int64_t len)
{
	int64_t lacking, part, ready_ns;

	if (!limit->rate)
		return now_ns;
	settle(b, limit, now_ns);
	lacking = b->spent + (len < limit->burst ? len : limit->burst) - limit->burst;
	/* Rounded up, which for what is negative the division does by itself. */
	part = lacking % limit->rate * SEC;
	ready_ns = b->base_ns + lacking / limit->rate * SEC;
	ready_ns += (part > 0 ? part + limit->rate - 1 : part) / limit->rate;
	return ready_ns > now_ns ? ready_ns : now_ns;
}

void bucket_take(struct bucket *b, const struct bucket_limit *limit, int64_t len)
{
	if (limit->rate)
		b->spent += len;
}
