/*
 * affinity_strategy.c - pin.strategy: an order in which CPUs are handed out, from the topology.
 *
 * compact takes CPUs as they lie: the siblings of a core, then the next core of the same cache. The
 * others take them as far apart as they can: first CPUs of cores before their siblings, and
 * packages and caches in turn. Four of them look at the CPUs of somebody else (pin.avoid, a
 * client's): same-core and same-l3 want to share with those, without sharing a CPU if they can;
 * other-node and away want not to. Without pin.avoid the place where the domain begins stands for
 * somebody else's. All of this is computed from topology and sets alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tunables/affinity.h"

const char *const pin_strategy_names[] = { "none",    "compact",    "scatter", "same-core",
					   "same-l3", "other-node", "away",    NULL };

/* Where a CPU lies; the smaller, the sooner it is taken when they are to lie far apart. */
struct place {
	int sibling; /* its number in its core */
	int core;    /* its core's number at the cache */
	int cache;   /* the cache's number in the package */
	int package; /* or node, when packages have several */
	unsigned cpu;
	int core_id, cache_id; /* counted over the machine */
};

/* Nodes when there are more of them than packages, as with sub-NUMA clusters. */
static enum topology_kind outermost(const struct topology *t)
{
	return topology_count(t, TOPOLOGY_NODE) > topology_count(t, TOPOLOGY_PACKAGE)
		       ? TOPOLOGY_NODE
		       : TOPOLOGY_PACKAGE;
}

/* What is nested is numbered in the order in which it lies, so the place before says enough. */
static struct place place_behind(const struct topology *t, const struct place *before, unsigned cpu)
{
	struct place p = {
		.package = topology_of_cpu(t, outermost(t), cpu),
		.cpu = cpu,
		.core_id = topology_of_cpu(t, TOPOLOGY_CORE, cpu),
		.cache_id = topology_of_cpu(t, TOPOLOGY_L3, cpu),
	};

	if (!before || p.package != before->package)
		return p;
	p.cache = before->cache + (p.cache_id != before->cache_id);
	if (p.cache != before->cache)
		return p;
	p.core = before->core + (p.core_id != before->core_id);
	if (p.core == before->core)
		p.sibling = before->sibling + 1;
	return p;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *p = a, *q = b;

	if (p->sibling != q->sibling)
		return p->sibling < q->sibling ? -1 : 1;
	if (p->core != q->core)
		return p->core < q->core ? -1 : 1;
	if (p->cache != q->cache)
		return p->cache < q->cache ? -1 : 1;
	if (p->package != q->package)
		return p->package < q->package ? -1 : 1;
	return p->cpu < q->cpu ? -1 : p->cpu > q->cpu;
}

static void order_as_they_lie(const struct topology *t, const cpu_set_t *domain,
			      struct cpu_order *ret)
{
	struct topology_object o;

	ret->count = 0;
	for (unsigned i = 0; topology_object(t, TOPOLOGY_PU, i, &o); i++)
		if (o.os >= 0 && o.os < CPU_SETSIZE && (!domain || CPU_ISSET(o.os, domain)))
			ret->cpus[ret->count++] = (unsigned short)o.os;
}

/* The places are those in the whole machine, whatever part of it may be used. */
static int order_far_apart(const struct topology *t, const cpu_set_t *domain, struct cpu_order *ret,
			   struct err *err)
{
	struct cpu_order all;
	struct place *places;

	order_as_they_lie(t, NULL, &all);
	places = calloc(all.count + 1, sizeof(*places));
	if (!places)
		return err_sys(err, -ENOMEM, "the order of %u CPUs", all.count);
	for (unsigned i = 0; i < all.count; i++)
		places[i] = place_behind(t, i ? &places[i - 1] : NULL, all.cpus[i]);
	qsort(places, all.count, sizeof(*places), compare_places);
	ret->count = 0;
	for (unsigned i = 0; i < all.count; i++)
		if (CPU_ISSET(places[i].cpu, domain))
			ret->cpus[ret->count++] = (unsigned short)places[i].cpu;
	free(places);
	return 0;
}

/* All CPUs of the objects of this kind that any of these CPUs is part of. */
static void around(const struct topology *t, enum topology_kind kind, const cpu_set_t *cpus,
		   cpu_set_t *ret)
{
	struct topology_object o;
	cpu_set_t common;

	CPU_ZERO(ret);
	for (unsigned i = 0; topology_object(t, kind, i, &o); i++) {
		CPU_AND(&common, &o.cpus, cpus);
		if (CPU_COUNT(&common))
			CPU_OR(ret, ret, &o.cpus);
	}
}

/* Leaves out `what`, unless nothing would be left. */
static void leave_out(cpu_set_t *from, const cpu_set_t *what)
{
	cpu_set_t rest;

	if (cpus_minus(from, what, &rest))
		*from = rest;
}

/* The CPUs of the domain that the strategy allows; may be none. theirs is not empty. */
static void choose(const struct topology *t, enum pin_strategy strategy, const cpu_set_t *theirs,
		   bool is_given, cpu_set_t *domain)
{
	static const enum topology_kind shared[] = { [PIN_SAME_CORE] = TOPOLOGY_CORE,
						     [PIN_SAME_L3] = TOPOLOGY_L3,
						     [PIN_OTHER_NODE] = TOPOLOGY_NODE,
						     [PIN_AWAY] = TOPOLOGY_CORE };
	cpu_set_t near, rest;

	if (strategy >= PIN_SAME_CORE)
		around(t, shared[strategy], theirs, &near);
	switch (strategy) {
	case PIN_SAME_CORE:
	case PIN_SAME_L3:
		CPU_AND(domain, domain, &near);
		break;
	case PIN_OTHER_NODE:
		cpus_minus(domain, &near, domain);
		break;
	case PIN_AWAY:
		cpus_minus(domain, &near, &rest);
		cpus_minus(domain, theirs, domain);
		if (CPU_COUNT(&rest))
			*domain = rest;
		return;
	default:
		break;
	}
	if (is_given)
		leave_out(domain, theirs);
}

static int refuse(const struct topology *t, enum pin_strategy strategy, const cpu_set_t *theirs,
		  struct err *err)
{
	char list[PIN_TEXT];

	cpus_write(theirs, list, sizeof(list));
	if (strategy == PIN_SAME_L3 && !topology_count(t, TOPOLOGY_L3))
		return err_set(err, -ENODEV,
			       "pin.strategy=same-l3: this machine shows no L3 cache");
	if (strategy == PIN_OTHER_NODE && topology_count(t, TOPOLOGY_NODE) < 2)
		return err_set(err, -ENODEV,
			       "pin.strategy=other-node: this machine has one NUMA node only");
	return err_set(err, -ENODEV,
		       "pin.strategy=%s, seen from cpus %s, leaves none of the CPUs to choose from",
		       pin_strategy_names[strategy], list);
}

/* Of the domain the first CPU, when nobody else's are given. */
static void find_theirs(const struct cpu_order *all, const cpu_set_t *avoid, cpu_set_t *ret)
{
	*ret = *avoid;
	if (!CPU_COUNT(ret) && all->count)
		CPU_SET(all->cpus[0], ret);
}

int pin_order(const struct topology *t, enum pin_strategy strategy, const cpu_set_t *domain,
	      const cpu_set_t *avoid, struct cpu_order *ret, struct err *err)
{
	bool is_given = CPU_COUNT(avoid) > 0;
	cpu_set_t theirs, chosen = *domain;
	int rc = 0;

	order_as_they_lie(t, domain, ret);
	if (!ret->count)
		return err_set(err, -ENODEV,
			       "pin.strategy=%s: none of the CPUs to choose from "
			       "exists",
			       pin_strategy_names[strategy]);
	find_theirs(ret, avoid, &theirs);
	choose(t, strategy, &theirs, is_given, &chosen);
	if (strategy == PIN_COMPACT || strategy == PIN_SAME_CORE)
		order_as_they_lie(t, &chosen, ret);
	else
		rc = order_far_apart(t, &chosen, ret, err);
	if (!rc && !ret->count)
		rc = refuse(t, strategy, &theirs, err);
	return rc;
}

const char *pin_vacuous(const struct topology *t, enum pin_strategy strategy)
{
	bool has_siblings = topology_count(t, TOPOLOGY_PU) > topology_count(t, TOPOLOGY_CORE);
	bool is_one = topology_count(t, outermost(t)) == 1 && topology_count(t, TOPOLOGY_L3) < 2;

	switch (strategy) {
	case PIN_COMPACT:
	case PIN_SCATTER:
		return is_one && !has_siblings ? "compact and scatter are the same with one "
						 "package, one L3 cache and one CPU a core"
					       : NULL;
	case PIN_SAME_CORE:
		return has_siblings ? NULL
				    : "cores have one CPU each: the same core is the same CPU";
	case PIN_SAME_L3:
		return topology_count(t, TOPOLOGY_L3) == 1 ? "there is one L3 cache, and every CPU "
							     "is at it"
							   : NULL;
	default:
		return NULL;
	}
}
