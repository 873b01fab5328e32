/*
 * hist.c - statistics of a log-linear histogram, and its percentile text.
 *
 * Recording is in hist.h. Everything here walks the counters, which takes some ten microseconds;
 * none of it belongs on the data path. hist_log.c has the binary format.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/hist.h"

#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct hist *hist_create(void)
{
	struct hist *h = malloc(sizeof(*h));

	/* Not calloc: its pages would be made when the first values are recorded. */
	if (h)
		hist_reset(h);
	return h;
}

void hist_destroy(struct hist *h)
{
	free(h);
}

void hist_reset(struct hist *h)
{
	memset(h, 0, sizeof(*h));
	h->min_ns = INT64_MAX;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	for (uint32_t i = 0; i < HIST_COUNTERS; i++)
		into->counters[i] += from->counters[i];
	into->count += from->count;
	into->over += from->over;
	if (from->min_ns < into->min_ns)
		into->min_ns = from->min_ns;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
}

uint64_t hist_count(const struct hist *h)
{
	return h->count;
}

uint64_t hist_over(const struct hist *h)
{
	return h->over;
}

int64_t hist_min(const struct hist *h)
{
	return h->count ? h->min_ns : 0;
}

int64_t hist_max(const struct hist *h)
{
	return h->max_ns;
}

/* How far the values of a counter are divided: hist_index() shifts them by so much. */
static uint32_t counter_shift(uint32_t index)
{
	return index < 2048 ? 0 : (index >> 10) - 1;
}

int64_t hist_counter_low(uint32_t index)
{
	uint32_t shift = counter_shift(index);

	return ((int64_t)index - ((int64_t)shift << 10)) << shift;
}

int64_t hist_counter_high(uint32_t index)
{
	return hist_counter_low(index) + (int64_t)((1ULL << counter_shift(index)) - 1);
}

/* HdrHistogram's idea of the middle, so that means agree to the last digit. */
static double counter_middle(uint32_t index)
{
	return (double)(hist_counter_low(index) + (1LL << counter_shift(index) >> 1));
}

struct hist_iter hist_iter(const struct hist *h)
{
	/* One before the first counter. */
	return (struct hist_iter){ .h = h, .index = UINT32_MAX };
}

int hist_next(struct hist_iter *it)
{
	it->below += it->count;
	it->count = 0;
	while (++it->index < HIST_COUNTERS) {
		if (!it->h->counters[it->index])
			continue;
		it->count = it->h->counters[it->index];
		it->low_ns = hist_counter_low(it->index);
		it->high_ns = hist_counter_high(it->index);
		if (it->index == HIST_COUNTERS - 1) {
			it->low_ns = HIST_MAX_NS + 1;
			it->high_ns = it->h->max_ns;
		}
		return 1;
	}
	it->index--;
	return 0;
}

double hist_mean(const struct hist *h)
{
	struct hist_iter it = hist_iter(h);
	double sum = 0;

	while (hist_next(&it))
		sum += counter_middle(it.index) * (double)it.count;
	return h->count ? sum / (double)h->count : 0;
}

double hist_stddev(const struct hist *h)
{
	struct hist_iter it = hist_iter(h);
	double mean = hist_mean(h), sum = 0, off;

	while (hist_next(&it)) {
		off = counter_middle(it.index) - mean;
		sum += off * off * (double)it.count;
	}
	return h->count ? sqrt(sum / (double)h->count) : 0;
}

/* The rank of a quantile, from 1. 0.07 x 100 is 7.000000000000001 in binary and means 7. */
static uint64_t quantile_rank(uint64_t count, double quantile)
{
	double exact = quantile * (double)count, whole = rint(exact);

	if (fabs(exact - whole) > exact * 4 * DBL_EPSILON)
		whole = ceil(exact);
	if (!(whole > 1))
		return 1;
	return whole < (double)count ? (uint64_t)whole : count;
}

int64_t hist_quantile(const struct hist *h, double quantile)
{
	uint64_t rank = quantile_rank(h->count, quantile);
	struct hist_iter it = hist_iter(h);

	while (hist_next(&it))
		if (it.below + it.count >= rank)
			return it.high_ns < h->max_ns ? it.high_ns : h->max_ns;
	return 0;
}

/* The percentile after `level`: five steps, then five in half of what is left to 100, and so on. */
static double next_level(double level)
{
	int halvings = (int)(log(100 / (100 - level)) / log(2)) + 1;

	/* Beyond 10^12 values the steps would get lost in rounding and never end. */
	if (halvings > 40)
		halvings = 40;
	return level + 100 / ldexp(5, halvings);
}

static void write_level(FILE *out, double value, double level, uint64_t count)
{
	fprintf(out, "%12.3f %2.12f %10" PRIu64 " %14.2f\n", value, level / 100, count,
		1 / (1 - level / 100));
}

/* The lines of HdrHistogram's outputPercentileDistribution() with 5 ticks per half distance. */
static void write_levels(const struct hist *h, FILE *out, double unit_ns)
{
	struct hist_iter it = hist_iter(h);
	double level = 0, value = 0, reached;
	uint64_t count;

	while (hist_next(&it)) {
		count = it.below + it.count;
		reached = 100.0 * (double)count / (double)h->count;
		value = (double)it.high_ns / unit_ns;
		/* The last counter has one line of its own and the one of 100 %. */
		for (; level <= reached && level < 100; level = next_level(level)) {
			write_level(out, value, level, count);
			if (count == h->count)
				break;
		}
	}
	if (h->count)
		fprintf(out, "%12.3f %2.12f %10" PRIu64 "\n", value, 1.0, h->count);
}

int hist_write_hgrm(const struct hist *h, FILE *out, double unit_ns, struct err *err)
{
	fprintf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
		"1/(1-Percentile)");
	write_levels(h, out, unit_ns);
	fprintf(out, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", hist_mean(h) / unit_ns,
		hist_stddev(h) / unit_ns);
	fprintf(out, "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n",
		(double)hist_max(h) / unit_ns, h->count);
	fprintf(out, "#[Buckets = %12d, SubBuckets     = %12d]\n", HIST_COUNTERS / 1024 - 1, 2048);
	if (ferror(out))
		return err_set(err, -EIO, "the percentile text could not be written");
	return 0;
}
