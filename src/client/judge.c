/*
 * judge.c - see judge.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/judge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

const char *const validity_names[] = { "VALID", "SUSPECT", "INVALID", NULL };

/* A share above its first limit makes a run suspect, above its second one invalid. */
struct limits {
	double suspect, invalid;
};
static const struct limits rate_lacking = { 0.005, 0.02 };
static const struct limits busy = { 0.70, 0.90 };
static const struct limits run_delay = { 0.01, 0.05 };
static const struct limits unanswered = { 0, 0.001 };
static const struct limits steal = { 0.005, 0.02 };

/*
 * Lateness counts in the response times, so it must be small beside what is measured: p99 of
 * lateness as a share of the median service time. Below the floors it is what a timer and an
 * interrupt cost on any machine, and the share says nothing (a service time of 20 us would
 * forbid every wake-up).
 */
static const struct limits lateness = { 0.05, 0.25 };
static const struct limits lateness_floor_ns = { 20e3, 100e3 };

static enum validity grade(double value, const struct limits *l)
{
	return value > l->invalid ? RUN_INVALID : value > l->suspect ? RUN_SUSPECT : RUN_VALID;
}

PRINTF_LIKE(3, 4)
static void add(struct judgement *j, enum validity validity, const char *fmt, ...)
{
	va_list args;

	if (validity == RUN_VALID)
		return;
	if (validity > j->validity)
		j->validity = validity;
	if (j->count == CLIENT_REASONS)
		return;
	va_start(args, fmt);
	vsnprintf(j->reasons[j->count++], sizeof(j->reasons[0]), fmt, args);
	va_end(args);
}

const char *judge_percent(double share, char *buf, size_t size)
{
	snprintf(buf, size, share < 0.0995 ? "%.2g%%" : "%.3g%%", share * 100);
	return buf;
}

/* The limit that a graded value has passed. */
static double passed(enum validity validity, const struct limits *l)
{
	return validity == RUN_INVALID ? l->invalid : l->suspect;
}

/* fmt has two %s: the figure and the limit. */
static void judge_share(struct judgement *j, double share, const struct limits *l, const char *what)
{
	enum validity validity = grade(share, l);
	char figure[16], limit[16];

	add(j, validity, "%s: %s; limit %s", what, judge_percent(share, figure, sizeof(figure)),
	    judge_percent(passed(validity, l), limit, sizeof(limit)));
}

static void judge_rate(struct judgement *j, const struct judge_facts *f)
{
	double lacking = f->offered_rate > 0 ? 1 - f->sent_rate / f->offered_rate : 0;
	enum validity validity = grade(lacking, &rate_lacking);
	char sent[32], offered[32];

	add(j, validity, "sent %s/s of the %s/s offered, %.4g%%; at least %.4g%% are needed",
	    units_human_count(f->sent_rate, sent, sizeof(sent)),
	    units_human_count(f->offered_rate, offered, sizeof(offered)), 100 * (1 - lacking),
	    100 * (1 - passed(validity, &rate_lacking)));
}

static double lateness_limit(double share, double floor_ns, int64_t service_ns)
{
	return share * service_ns > floor_ns ? share * service_ns : floor_ns;
}

static void judge_lateness(struct judgement *j, const struct judge_facts *f)
{
	const struct limits limits = {
		lateness_limit(lateness.suspect, lateness_floor_ns.suspect, f->service_p50_ns),
		lateness_limit(lateness.invalid, lateness_floor_ns.invalid, f->service_p50_ns),
	};
	enum validity validity = grade(f->lateness_p99_ns, &limits);
	char late[32], limit[32], service[32];

	add(j, validity,
	    "requests were sent late: p99 of lateness %s; limit %s (service time p50 is %s)",
	    units_human_time(f->lateness_p99_ns, late, sizeof(late)),
	    units_human_time(passed(validity, &limits), limit, sizeof(limit)),
	    units_human_time(f->service_p50_ns, service, sizeof(service)));
}

static void judge_answers(struct judgement *j, const struct judge_facts *f)
{
	const struct client_counts *c = &f->counts;
	uint64_t bad = c->failed + c->timed_out + c->unanswered;
	enum validity validity;
	char share[16], limit[16];

	if (!c->sent)
		return;
	validity = grade((double)bad / c->sent, &unanswered);
	add(j, validity,
	    "%" PRIu64 " of %" PRIu64 " requests failed (%" PRIu64 "), timed out (%" PRIu64
	    ") or stayed unanswered (%" PRIu64 "): %s; limit %s",
	    bad, c->sent, c->failed, c->timed_out, c->unanswered,
	    judge_percent((double)bad / c->sent, share, sizeof(share)),
	    judge_percent(passed(validity, &unanswered), limit, sizeof(limit)));
}

static void judge_connections(struct judgement *j, const struct judge_facts *f)
{
	if (f->connections_lost)
		add(j, f->connections_lost >= f->connections ? RUN_INVALID : RUN_SUSPECT,
		    "%s%u of %u connections were lost: %.60s; limit 0",
		    f->connections_lost >= f->connections ? "the run ended early: " : "",
		    f->connections_lost, f->connections, f->lost_text);
	if (f->counts.refused)
		add(j, RUN_SUSPECT,
		    "%" PRIu64
		    " requests were refused by the node's machine: nobody listens there, or no "
		    "more; limit 0",
		    f->counts.refused);
	if (f->strays)
		add(j, RUN_SUSPECT,
		    "%" PRIu64 " answers came to requests that were never sent; limit 0",
		    f->strays);
}

static void judge_completeness(struct judgement *j, const struct judge_facts *f)
{
	const struct client_counts *c = &f->counts;

	if (f->is_interrupted)
		add(j, RUN_SUSPECT, "the run was interrupted before its end");
	if (!c->planned)
		add(j, RUN_INVALID,
		    "nothing was measured: no request was due in the measured part");
	if (c->censored)
		add(j, RUN_INVALID,
		    "%" PRIu64 " of %" PRIu64
		    " planned requests could not be sent by the end; limit 0",
		    c->censored, c->planned);
}

void judge_run(const struct judge_facts *f, struct judgement *ret)
{
	*ret = (struct judgement){ .validity = RUN_VALID };
	judge_completeness(ret, f);
	judge_connections(ret, f);
	judge_answers(ret, f);
	if (!f->is_closed_loop && f->counts.sent)
		judge_rate(ret, f);
	if (!f->is_closed_loop && f->counts.done)
		judge_lateness(ret, f);
	judge_share(ret, f->busy_share, &busy,
		    "the busiest client thread used too much of its CPU");
	judge_share(ret, f->run_delay_share, &run_delay,
		    "a client thread was ready and waited for a CPU too long");
	judge_share(ret, f->steal_share, &steal, "the hypervisor took CPU time away");
}
