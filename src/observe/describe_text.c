/*
 * describe_text.c - what was observed, in one line for a person: see describe.h.
 *
 * A line is read when it is short: what stays below the limits here is as it should be on any
 * machine and is left out. JSON has everything.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/units.h"
#include "observe/describe.h"

#define SHARE_LEAST 0.005 /* of the machine's time: steal, softirq, pressure */
#define COUNT_LEAST 0.001 /* per request */

struct line {
	char *buf;
	size_t len;
};

PRINTF_LIKE(2, 3)
static void add(struct line *l, const char *fmt, ...)
{
	va_list args;
	int n;

	if (l->len + 3 >= DESCRIBE_TEXT)
		return;
	if (l->len)
		l->len += (size_t)snprintf(l->buf + l->len, DESCRIBE_TEXT - l->len, ", ");
	va_start(args, fmt);
	n = vsnprintf(l->buf + l->len, DESCRIBE_TEXT - l->len, fmt, args);
	va_end(args);
	l->len += n > 0 ? (size_t)n : 0;
}

static void add_per_request(struct line *l, const char *what, int64_t count, double requests)
{
	if (count >= COUNT_LEAST * requests && count > 0)
		add(l, "%s/request %.3g", what, (double)count / requests);
}

static void add_count(struct line *l, const char *what, int64_t count)
{
	if (count > 0)
		add(l, "%s %" PRId64, what, count);
}

static void add_share(struct line *l, const char *what, double share)
{
	if (share >= SHARE_LEAST)
		add(l, share < 0.0995 ? "%s %.2g %%" : "%s %.3g %%", what, 100 * share);
}

static void add_machine(struct line *l, const struct host *m)
{
	struct cpu_time all = host_cpu_time(m, NULL);

	add_share(l, "softirq", cpu_time_share(&all, all.softirq));
	add_share(l, "steal", cpu_time_share(&all, all.steal));
	for (int i = 0; i < PRESSURES && m->at_ns > 0; i++) {
		char what[32];

		snprintf(what, sizeof(what), "%s pressure", i ? pressure_names[i] : "CPU");
		add_share(l, what, (double)m->some_us[i] * 1e3 / (double)m->at_ns);
	}
	add_count(l, "packets dropped", m->softnet[SOFTNET_DROPPED]);
}

const char *describe_text(const struct process_change *c, const struct host *change,
			  double requests, char *buf)
{
	const int64_t *count = c->total.count;
	struct line l = { .buf = buf };
	char time[32];

	*buf = '\0';
	if (requests <= 0)
		return buf;
	if (count[TASK_RUN_DELAY_NS] >= 0)
		add(&l, "run delay/request %s",
		    units_human_time((int64_t)((double)count[TASK_RUN_DELAY_NS] / requests), time,
				     sizeof(time)));
	add_per_request(&l, "switches", count[TASK_VOLUNTARY], requests);
	add_per_request(&l, "preemptions", count[TASK_INVOLUNTARY], requests);
	add_per_request(&l, "page faults", count[TASK_MINOR_FAULTS] + count[TASK_MAJOR_FAULTS],
			requests);
	add_count(&l, "migrations", count[TASK_MIGRATIONS]);
	add_count(&l, "threads that ended and took their counters along", c->ended);
	add_machine(&l, change);
	return buf;
}
