/*
 * foreign.c - see foreign.h. Read foreign_watch.c next for where the processes come from.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/foreign.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cpus.h"
#include "client/judge.h"

/* Of what others used the largest name must have this part to be named. */
#define NAMED_LEAST 0.3

/* CPUs, and what is known to have been used there by the two that are measured. */
struct place {
	const char *whose;
	cpu_set_t cpus;
	int64_t own_ns;
};

static bool meet(const cpu_set_t *a, const cpu_set_t *b)
{
	cpu_set_t both;

	CPU_AND(&both, a, b);
	return CPU_COUNT(&both) > 0;
}

/* Adds up who has the same name: a build has many processes and few names. */
static double used_by_name(const struct foreign_facts *f, const struct place *p, const char *name)
{
	double ns = 0;

	for (unsigned i = 0; i < f->count; i++)
		if (!f->processes[i].is_ours && meet(&f->processes[i].cpus, &p->cpus) &&
		    !strcmp(f->processes[i].name, name))
			ns += (double)f->processes[i].cpu_ns;
	return ns;
}

static void find_most(const struct foreign_facts *f, const struct place *p, double all_ns,
		      struct foreign *ret)
{
	for (unsigned i = 0; i < f->count; i++) {
		const char *name = f->processes[i].name;
		double ns = f->processes[i].is_ours ? 0 : used_by_name(f, p, name);

		if (ns <= (double)ret->by_ns || ns < NAMED_LEAST * ret->share * all_ns)
			continue;
		ret->by_ns = (int64_t)ns;
		snprintf(ret->by, sizeof(ret->by), "%s", name);
	}
}

static double used_by_ours(const struct foreign_facts *f, const struct place *p)
{
	double ns = (double)p->own_ns;

	for (unsigned i = 0; i < f->count; i++)
		if (f->processes[i].is_ours && meet(&f->processes[i].cpus, &p->cpus))
			ns += (double)f->processes[i].cpu_ns;
	return ns;
}

/* In ticks, of those of these CPUs that were there. */
static double window_of(const struct host *m, const cpu_set_t *cpus, double tick_ns)
{
	unsigned count = 0;

	for (unsigned c = 0; c < m->cpus && c < CPU_SETSIZE; c++)
		count += m->cpu[c].is_there && CPU_ISSET(c, cpus);
	return (double)m->at_ns / tick_ns * count;
}

/*
 * The smaller of two figures. Who runs when a tick comes is counted, and a load that comes in step
 * with ticks, as one of 10k requests a second does, is then met always or never. What is not idle
 * is measured where ticks stop when nothing runs (NO_HZ), but has the way in and out of idleness in
 * it, which is nobody's: 5 to 17 % of a CPU that is woken 10k times a second (virtual, Linux 6.18).
 */
static double used_share(const struct cpu_time *t, double all)
{
	double met = (double)t->busy / all;
	double rest = 1 - (double)(t->idle + t->irq + t->softirq + t->steal) / all;

	return fmax(0, fmin(met, rest));
}

static void look_at(const struct foreign_facts *f, const struct place *p, struct foreign *ret)
{
	struct cpu_time t = host_cpu_time(f->machine, &p->cpus);
	double tick_ns = 1e9 / (double)sysconf(_SC_CLK_TCK);
	double all = window_of(f->machine, &p->cpus, tick_ns), busy, rest;

	*ret = (struct foreign){ .share = -1, .whose = p->whose, .cpus = p->cpus };
	if (all <= 0)
		return;
	busy = used_share(&t, all);
	rest = busy - used_by_ours(f, p) / (all * tick_ns);
	ret->share = rest > 0 ? rest : 0;
	ret->limit = fmax(FOREIGN_LIMIT, FOREIGN_SIGMAS * sqrt(busy * (1 - busy) / all));
	find_most(f, p, all * tick_ns, ret);
}

void foreign_find(const struct foreign_facts *f, struct foreign *ret)
{
	struct place node = { "the node", f->node_cpus, f->node_ns };
	struct place client = { "the client", f->client_cpus, f->client_ns };
	struct foreign other;

	if (!CPU_COUNT(&node.cpus) || !CPU_COUNT(&client.cpus)) {
		*ret = (struct foreign){ .share = -1 };
		return;
	}
	if (meet(&node.cpus, &client.cpus)) {
		node.whose = "node and client";
		node.own_ns += client.own_ns;
		CPU_OR(&node.cpus, &node.cpus, &client.cpus);
		look_at(f, &node, ret);
		return;
	}
	look_at(f, &node, ret);
	look_at(f, &client, &other);
	if (other.share * ret->limit > ret->share * other.limit)
		*ret = other;
}

json_t *foreign_json(const struct foreign *f)
{
	char cpus[4096];

	if (f->share < 0)
		return json_null();
	cpus_write(&f->cpus, cpus, sizeof(cpus));
	return json_pack(
		"{s:f, s:f, s:s, s:s, s:o}", "share", f->share, "limit", f->limit, "whose",
		f->whose, "cpus", cpus, "most",
		*f->by ? json_pack("{s:s, s:I}", "name", f->by, "cpu_ns", (json_int_t)f->by_ns)
		       : json_null());
}

const char *foreign_reason(const json_t *json, char *buf, size_t size)
{
	double share = json_number_value(json_object_get(json, "share"));
	double least = json_number_value(json_object_get(json, "limit"));
	const json_t *most = json_object_get(json, "most");
	const char *whose = json_string_value(json_object_get(json, "whose"));
	const char *name = json_string_value(json_object_get(most, "name"));
	char figure[16], limit[16];

	*buf = '\0';
	if (!whose || share <= least)
		return buf;
	snprintf(buf, size, "others used the CPUs of %s: %s%s%s; limit %s%s", whose,
		 judge_percent(share, figure, sizeof(figure)), name ? ", most of all " : "",
		 name ? name : "", judge_percent(least, limit, sizeof(limit)),
		 least > FOREIGN_LIMIT ? " in so short a time" : "");
	return buf;
}
