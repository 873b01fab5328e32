/*
 * rates.h - what -r, -p, --rss and -n mean together: how fast, for how long, with which gaps.
 *
 *	-r 1000			a rate, per second and thread
 *	-r aseq:min=10:max=100:step=10 --rss 5	a ramp: every 5 s the next step
 *	-r file:rates.csv --rss 1 -n auto	as many requests as its steps have
 *	-p 1ms  -p exp:1ms	a gap, constant or exponential
 *	-p unif:min=1ms:max=3ms	gaps drawn from any law, or from a file
 *
 * A ramp without -n and without --duration lasts until its last step has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_RATES_H
#define RW_CLIENT_RATES_H

#include "client/arrival.h"
#include "client/ramp.h"

struct rates {
	enum arrival_law law;
	long double period_ns; /* the mean gap */
	uint64_t requests;     /* measured, of each thread; 0: the duration decides */
	bool has_ramp, has_gaps;
	struct value ramp, gaps;
	int64_t step_ns;
};

int rates_read(const struct client_opts *o, struct rates *ret, struct err *err);
void rates_finish(struct rates *r); /* takes a zeroed one */

/* Of one thread. ramp is where its own is kept as long as the plan is used. */
int rates_plan(const struct rates *r, const struct client_opts *o, uint64_t seed, unsigned thread,
	       struct ramp *ramp, struct arrival_plan *ret, struct err *err);

/*
 * For knobs. A rate that is a number above 0 goes to *ret; *is_ramp says that it is more, and *ret
 * is then its mean, for people.
 */
int rates_parse_rate(const char *text, double *ret, bool *is_ramp, struct err *err);
/* A period: *ret_ns is the mean gap; *law as it says, ARRIVAL_CONSTANT for other laws. */
int rates_parse_period(const char *text, enum arrival_law *law, int64_t *ret_ns, struct err *err);

#endif
