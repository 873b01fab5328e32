/*
 * bucket.h - a token bucket that counts to the byte.
 *
 * In any time t at most burst + rate * t bytes pass. Nothing is rounded twice: what was spent is
 * kept as whole bytes since a moment that moves by whole seconds, so a rate holds for hours as
 * exactly as for a millisecond. Pure: who uses it says what time it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_PROXY_BUCKET_H
#define RW_PROXY_BUCKET_H

#include <stdint.h>

#define BUCKET_RATE_MAX (9LL * 1000 * 1000 * 1000) /* bytes/s: times 10^9 it fits 64 bits */

struct bucket_limit {
	int64_t rate;  /* bytes a second; 0: no limit */
	int64_t burst; /* bytes that may pass at once after a pause; at least 1 */
};

/* Zero is full. */
struct bucket {
	int64_t base_ns;
	int64_t spent; /* bytes since base_ns */
};

/* When len bytes may pass: now_ns, or later. More than the burst waits for a full bucket. */
int64_t bucket_ready_ns(struct bucket *b, const struct bucket_limit *limit, int64_t now_ns,
			int64_t len);
/* They pass; also before they may: then those after them wait longer. len < 0: they did not. */
void bucket_take(struct bucket *b, const struct bucket_limit *limit, int64_t len);

#endif
