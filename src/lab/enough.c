/*
 * enough.c - whether a run has so many requests that its percentiles mean something.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/enough.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "client/result_text.h"

/* One of all requests in so many lies beyond it; 0: no percentile of requests. */
static const unsigned one_in[METRICS] = {
	[METRIC_P50] = 2,
	[METRIC_P90] = 10,
	[METRIC_P99] = 100,
	[METRIC_P999] = 1000,
	[METRIC_SERVICE_P50] = 2,
	[METRIC_SERVICE_P99] = 100,
	[METRIC_LATENESS_P99] = 100,
};

/* "10000 (1 s)" */
static const char *write_need(double need, double per_s, char *buf, size_t size)
{
	char time[32];

	if (per_s > 0)
		snprintf(buf, size, "%.0f (%s)", need,
			 units_human_time(need / per_s * SEC, time, sizeof(time)));
	else
		snprintf(buf, size, "%.0f", need);
	return buf;
}

static void add(double requests, double per_s, enum metric m, char *buf, size_t size)
{
	double beyond = one_in[m] ? requests / one_in[m] : PERCENTILE_SAMPLES_SURE;
	size_t len = strlen(buf);
	char least[64], firm[64];

	if (beyond >= PERCENTILE_SAMPLES_SURE)
		return;
	write_need((double)PERCENTILE_SAMPLES_LEAST * one_in[m], per_s, least, sizeof(least));
	write_need((double)PERCENTILE_SAMPLES_SURE * one_in[m], per_s, firm, sizeof(firm));
	len += (size_t)snprintf(buf + len, size - len, "%s", len ? "; " : "");
	if (beyond < PERCENTILE_SAMPLES_LEAST)
		snprintf(buf + len, size - len,
			 "too few for a %s, which takes %s, or %s to be firm", metric_infos[m].name,
			 least, firm);
	else
		snprintf(buf + len, size - len, "%s rests on %.0f of them, %s would make it firm",
			 metric_infos[m].name, floor(beyond), firm);
}

const char *enough_text(double requests, double per_s, enum metric primary, char *buf, size_t size)
{
	*buf = '\0';
	if (!(requests > 0))
		return buf;
	for (int m = 0; m < METRICS; m++)
		if (m == METRIC_P50 || m == METRIC_P99 || m == (int)primary)
			add(requests, per_s, (enum metric)m, buf, size);
	return buf;
}

const struct lab_run *enough_fewest(const struct dataset *d)
{
	const struct lab_run *fewest = NULL;

	for (const struct lab_run *r = d->runs; r < d->runs + d->run_count; r++)
		if (r->usable && r->requests > 0 && (!fewest || r->requests < fewest->requests))
			fewest = r;
	return fewest;
}
