/*
 * hist.h - a log-linear histogram of durations: 3 significant digits from 1 ns to 60 s.
 *
 * Values below 2048 have a counter each; above, every power of two is divided into 1024, so a
 * value is known to better than 0.1 %. Merging adds counts and loses nothing; percentiles are
 * never averaged. Exact minimum, maximum and count are kept, and values above 60 s are counted in
 * the last counter and in `over`, so that nothing is lost without a word.
 *
 * The counters are those of HdrHistogram with lowest 1, highest 60 s, 3 digits (sub-bucket count
 * 2048), so the formats of that ecosystem can be written without rounding twice. The last counter
 * ends at 68.7 s there and holds nothing but what is over here.
 *
 * One thread a histogram. hist_record() is the data path: inlined, no allocation, no branch that
 * is not predicted. 216 KiB each, allocated once and touched, so that recording never faults.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BASE_HIST_H
#define RW_BASE_HIST_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

#define HIST_MAX_NS 60000000000LL

#define HIST_COUNTERS 27648 /* (26 powers of two above 1024, plus one) x 1024 */

/* Read through the functions below; it is here so that hist_record() can be inlined. */
struct hist {
	uint64_t count, over;
	int64_t min_ns, max_ns; /* INT64_MAX and 0 when empty */
	uint64_t counters[HIST_COUNTERS];
};

struct hist *hist_create(void); /* NULL: out of memory */
void hist_destroy(struct hist *h);
void hist_reset(struct hist *h);

/* The counter of a value of at most HIST_MAX_NS: 2^i .. 2^(i+1)-1 are divided into 1024 from 1024
 * on, and what is below 2048 is its own index. */
static inline uint32_t hist_index(uint64_t value)
{
	uint32_t shift = 53 - (uint32_t)__builtin_clzll(value | 1024);

	return (shift << 10) + (uint32_t)(value >> shift);
}

/* A negative value counts as 0. count > 0. */
static inline void hist_record_n(struct hist *h, int64_t value_ns, uint64_t count)
{
	int64_t value = value_ns > 0 ? value_ns : 0;
	uint32_t index = HIST_COUNTERS - 1;

	if (__builtin_expect(value < h->min_ns, 0))
		h->min_ns = value;
	if (__builtin_expect(value > h->max_ns, 0))
		h->max_ns = value;
	if (__builtin_expect(value <= HIST_MAX_NS, 1))
		index = hist_index((uint64_t)value);
	else
		h->over += count;
	h->counters[index] += count;
	h->count += count;
}

static inline void hist_record(struct hist *h, int64_t value_ns)
{
	hist_record_n(h, value_ns, 1);
}

void hist_merge(struct hist *into, const struct hist *from);

uint64_t hist_count(const struct hist *h);
uint64_t hist_over(const struct hist *h); /* values above HIST_MAX_NS */
int64_t hist_min(const struct hist *h);	  /* exact; 0 when empty */
int64_t hist_max(const struct hist *h);	  /* exact */
double hist_mean(const struct hist *h);	  /* of the counters' midpoints */
double hist_stddev(const struct hist *h);

/* Smallest recorded value v (upper edge of its counter, capped at the exact maximum) such that at
 * least `quantile` (0..1) of the values are <= v. 0 when empty. */
int64_t hist_quantile(const struct hist *h, double quantile);

/* The values of a counter, both ends inclusive. */
int64_t hist_counter_low(uint32_t index);
int64_t hist_counter_high(uint32_t index);

/* Walks the counters that are not empty, in order. */
struct hist_iter {
	const struct hist *h;
	uint32_t index;
	int64_t low_ns, high_ns; /* of this counter, both inclusive; of the last: 60 s and max */
	uint64_t count;		 /* in this counter */
	uint64_t below;		 /* in all counters before it */
};
struct hist_iter hist_iter(const struct hist *h);
int hist_next(struct hist_iter *it); /* 1, or 0 at the end */

/* HdrHistogram's percentile text (.hgrm), values divided by unit_ns (1000: microseconds). Writing
 * stops at the first failure of `out`; what is still in its buffer is the caller's to flush. */
int hist_write_hgrm(const struct hist *h, FILE *out, double unit_ns, struct err *err);

/*
 * HdrHistogram interval log (.hlog), format version 1.3, V2 compressed histograms in base64.
 * Begin once, then add intervals; start and length are seconds, tag may be NULL.
 */
int hist_log_begin(FILE *out, const char *comment, double start_epoch_s, struct err *err);
int hist_log_add(FILE *out, const char *tag, const struct hist *h, double start_s, double length_s,
		 struct err *err);
/* Reads a line of an interval back (tests, `report`): adds its counts to h. Any range is taken, as
 * long as it has 3 digits from 1 on. Minimum and maximum become the edges of their counters.
 * -EINVAL with the reason for anything else, and nothing is added; also for comment lines. */
int hist_log_parse(const char *text, struct hist *h, char *tag, size_t tag_size, struct err *err);

#endif
