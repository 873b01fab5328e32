/*
 * rates.c - what -r, -p, --rss and -n mean together: see rates.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/rates.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "client/arrival_text.h"

/* A rate that is a plain number keeps the exactness of one, and its unit "/s". */
static bool is_number(const char *text)
{
	return !strpbrk(text, ":,");
}

int rates_parse_rate(const char *text, double *ret, bool *is_ramp, struct err *err)
{
	struct value AUTO(value_finish) v = { 0 };
	int rc;

	*is_ramp = !is_number(text);
	if (!*is_ramp)
		rc = units_parse_rate(text, ret, err);
	else
		rc = value_parse(text, VALUE_RATE, NULL, &v, err);
	if (rc)
		return rc;
	if (*is_ramp)
		*ret = value_mean(&v);
	if (!(*ret > 0))
		return err_set(err, -EINVAL, "\"%s\" must be above 0", text);
	return 0;
}

/* What arrival_text.h knows is exact in ns and needs no law of base/value.h. */
static bool is_usual(const char *text)
{
	return !arrival_parse_period(text, &(enum arrival_law){ 0 }, &(int64_t){ 0 }, NULL);
}

int rates_parse_period(const char *text, enum arrival_law *law, int64_t *ret_ns, struct err *err)
{
	struct value AUTO(value_finish) v = { 0 };
	double mean;
	int rc;

	if (is_usual(text) || !strpbrk(text, ":,"))
		return arrival_parse_period(text, law, ret_ns, err);
	rc = value_parse(text, VALUE_TIME, "us", &v, err);
	if (rc)
		return rc;
	mean = value_mean(&v);
	if (!(mean >= 1) || mean > 1e18)
		return err_set(err, -EINVAL,
			       "\"%s\": the mean gap must be above 0, and not endless", text);
	*law = ARRIVAL_CONSTANT;
	*ret_ns = llrint(mean);
	return 0;
}

static int read_ramp(const struct client_opts *o, struct rates *r, struct err *err)
{
	int rc = value_parse(o->ramp, VALUE_RATE, NULL, &r->ramp, err);

	r->has_ramp = !rc;
	r->step_ns = o->step_ns;
	if (!rc && !value_is_constant(&r->ramp) && !o->step_ns)
		rc = err_set(err, -EINVAL,
			     "\"%s\" changes, and --rate-step says when: --rate-step=1s, or "
			     "DistWalk's --rss 1",
			     o->ramp);
	return rc ? err_wrap(err, "--rate"), rc : 0;
}

static int read_gaps(const struct client_opts *o, struct rates *r, struct err *err)
{
	int64_t mean_ns;
	int rc = rates_parse_period(o->period, &r->law, &mean_ns, err);

	if (rc)
		return err_wrap(err, "--period"), rc;
	r->period_ns = mean_ns;
	if (is_usual(o->period))
		return 0;
	rc = value_parse(o->period, VALUE_TIME, "us", &r->gaps, err);
	r->has_gaps = !rc;
	return rc;
}

/* -n auto, or a ramp that nothing else ends. */
static int count_requests(const struct client_opts *o, struct rates *r, struct err *err)
{
	struct ramp ramp;
	int rc;

	if (o->requests != CLIENT_REQUESTS_AUTO &&
	    (o->requests || o->duration_ns || !r->has_ramp)) {
		r->requests = o->requests || o->duration_ns ? (uint64_t)o->requests : 1;
		return 0;
	}
	if (!r->has_ramp)
		return err_set(err, -EINVAL,
			       "-n auto counts the steps of a rate that changes, such as "
			       "-r aseq:min=10:max=100:step=10 --rss 1");
	rc = ramp_init(&ramp, &r->ramp, r->step_ns, ramp_key(0, 0), err);
	if (!rc)
		rc = ramp_requests(&ramp, &r->requests, err);
	return rc ? err_wrap(err, "-n auto"), rc : 0;
}

int rates_read(const struct client_opts *o, struct rates *ret, struct err *err)
{
	struct rates r = { .law = o->arrivals };
	int rc = 0;

	if (*o->ramp)
		rc = read_ramp(o, &r, err);
	else if (*o->period)
		rc = read_gaps(o, &r, err);
	if (!rc && !*o->period)
		r.period_ns = o->outstanding ? 0 : SEC / (long double)o->rate;
	if (!rc && o->arrivals == ARRIVAL_EXPONENTIAL)
		r.law = ARRIVAL_EXPONENTIAL;
	if (!rc)
		rc = count_requests(o, &r, err);
	if (rc)
		rates_finish(&r);
	else
		*ret = r;
	return rc;
}

void rates_finish(struct rates *r)
{
	value_finish(&r->ramp);
	value_finish(&r->gaps);
}

int rates_plan(const struct rates *r, const struct client_opts *o, uint64_t seed, unsigned thread,
	       struct ramp *ramp, struct arrival_plan *ret, struct err *err)
{
	int rc = 0;

	*ret = (struct arrival_plan){
		.law = r->law,
		.period_ns = o->outstanding ? 0 : r->period_ns,
		.warm_up_ns = o->warm_up_ns,
		.duration_ns = o->duration_ns,
		.requests = r->requests,
		.key = arrival_key(seed, thread),
	};
	if (r->law == ARRIVAL_CONSTANT && o->staggered)
		ret->phase_ns = llrintl(ret->period_ns * thread / o->threads);
	if (r->has_ramp)
		rc = ramp_init(ramp, &r->ramp, r->step_ns, ramp_key(seed, thread), err);
	if (r->has_ramp)
		ret->ramp = ramp;
	if (r->has_gaps)
		ret->gaps = &r->gaps;
	return rc;
}
