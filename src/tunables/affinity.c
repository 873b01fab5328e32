/*
 * affinity.c - the tunable "pin": the CPUs a thread may run on, sched_setaffinity(2).
 *
 * What is asked for is a list of CPUs, parts of the machine by name (affinity_place.c), or a
 * strategy (affinity_strategy.c) that chooses from those, or from all CPUs that the cpuset allows.
 * One of them (a CPU, a part, the strategy's next CPU) goes to each thread in turn and round again,
 * or all of them to every thread. resolve() makes CPUs of it all, and those are what the kernel is
 * told and asked. Sentences about what it did instead: affinity_explain.c.
 *
 * What a thread is bound to while it starts plays no part: whoever starts threads is often pinned
 * itself, and its threads are not to be crowded into its place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tunables/affinity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "system/cpus.h"

static const char *const spread_names[] = { "each", "all", NULL };

static const struct knob knobs[] = {
	{ .name = "cpus",
	  .type = &knob_cpus,
	  KNOB_FIELD(struct pin_opts, cpus, char[PIN_TEXT]),
	  .def = "",
	  .help = "CPUs to run on; none: wherever the kernel likes",
	  .read_back = "sched_getaffinity(2)" },
	{ .name = "at",
	  .type = &pin_knob_at,
	  KNOB_FIELD(struct pin_opts, at, char[PIN_TEXT]),
	  .def = "",
	  .help = "parts of the machine to run on: package:0, node:1, l3:1, core:2, pu:3, or as in "
		  "TSLoad strand:0:2:3; `ringwalk info topology` lists them",
	  .read_back = "sched_getaffinity(2)" },
	{ .name = "strategy",
	  .type = &knob_enum,
	  KNOB_FIELD(struct pin_opts, strategy, int),
	  .choices = pin_strategy_names,
	  .def = "none",
	  .help = "in which order CPUs are handed out, of pin.cpus, pin.at or all: neighbours, far "
		  "apart, or as seen from those of pin.avoid (docs/placement.md)",
	  .read_back = "sched_getaffinity(2)" },
	{ .name = "avoid",
	  .type = &pin_knob_avoid,
	  KNOB_FIELD(struct pin_opts, avoid, char[PIN_TEXT]),
	  .def = "",
	  .help = "CPUs or parts that are somebody else's, from which the strategy is seen; "
		  "experiments put the client's here",
	  .read_back = "sched_getaffinity(2)" },
	{ .name = "spread",
	  .type = &knob_enum,
	  KNOB_FIELD(struct pin_opts, spread, int),
	  .choices = spread_names,
	  .def = "each",
	  .help = "one CPU or part to each thread in turn, or all of them to all",
	  .read_back = "sched_getaffinity(2)" },
	{ 0 },
};

static bool is_default(const void *opts)
{
	const struct pin_opts *o = opts;

	return !*o->cpus && !*o->at && !o->strategy && !*o->avoid;
}

static int check(const void *opts, struct err *err)
{
	const struct pin_opts *o = opts;

	if (*o->cpus && *o->at)
		return err_set(err, -EINVAL, "pin.cpus and pin.at both say where: give one");
	if (*o->avoid && !o->strategy)
		return err_set(err, -EINVAL, "pin.avoid means nothing without pin.strategy");
	if (o->strategy == PIN_AWAY && !*o->avoid)
		return err_set(err, -EINVAL,
			       "pin.strategy=away needs pin.avoid=CPUS: away from which? (In an "
			       "experiment: pin the client.)");
	return 0;
}

/* What may be handed out, one after the other. */
struct offer {
	unsigned count;
	cpu_set_t sets[PIN_PLACES];
	struct cpu_order order; /* of single CPUs, when there are no sets */
};

static void union_of(const struct offer *offer, cpu_set_t *ret)
{
	CPU_ZERO(ret);
	for (unsigned i = 0; i < offer->count; i++)
		CPU_OR(ret, ret, &offer->sets[i]);
	for (unsigned i = 0; i < offer->order.count; i++)
		CPU_SET(offer->order.cpus[i], ret);
}

/* What the strategy makes of what is offered without it. */
static int apply_strategy(const struct topology *t, const struct pin_opts *o, struct offer *offer,
			  struct err *err)
{
	cpu_set_t domain, avoid;
	int rc;

	union_of(offer, &domain);
	if (!CPU_COUNT(&domain))
		cpus_allowed(&domain);
	rc = pin_avoided(t, o->avoid, &avoid, err);
	offer->count = 0;
	return rc ? rc
		  : pin_order(t, (enum pin_strategy)o->strategy, &domain, &avoid, &offer->order,
			      err);
}

static int make_offer(const struct pin_opts *o, struct offer *ret, struct err *err)
{
	struct topology *t = NULL;
	int rc = 0;

	cpu_order_read(o->cpus, &ret->order);
	if (!*o->at && !o->strategy)
		return 0;
	rc = topology_open(&t, NULL, err);
	if (!rc)
		rc = pin_places(t, o->at, ret->sets, &ret->count, err);
	if (!rc && o->strategy)
		rc = apply_strategy(t, o, ret, err);
	topology_close(t);
	return rc;
}

/* One of what is offered, or all of it in the order of the read-back. */
static int resolve(const struct target *t, void *opts, struct err *err)
{
	struct offer offer = { 0 };
	struct pin_opts *o = opts;
	cpu_set_t mask;
	int rc = make_offer(o, &offer, err);

	if (rc)
		return rc;
	CPU_ZERO(&mask);
	if (o->spread == PIN_ALL)
		union_of(&offer, &mask);
	else if (offer.count)
		mask = offer.sets[t->index % offer.count];
	else
		CPU_SET(offer.order.cpus[t->index % offer.order.count], &mask);
	o->spread = PIN_ALL;
	if (cpus_write(&mask, o->cpus, sizeof(o->cpus)))
		return err_set(err, -E2BIG, "the list of CPUs is longer than %d bytes: %s...",
			       PIN_TEXT - 1, o->cpus);
	return 0;
}

static int apply(const struct target *t, const void *opts, struct err *err)
{
	cpu_set_t mask;

	cpus_read(((const struct pin_opts *)opts)->cpus, &mask);
	if (sched_setaffinity(t->tid, sizeof(mask), &mask))
		return pin_refuse(t->tid, &mask, -errno, err);
	return 0;
}

static int read_back(const struct target *t, void *opts, struct err *err)
{
	struct pin_opts *o = opts;
	cpu_set_t mask;

	CPU_ZERO(&mask);
	if (sched_getaffinity(t->tid, sizeof(mask), &mask))
		return err_sys(err, -errno, "cannot ask for the CPUs of thread %d", t->tid);
	memset(o, 0, sizeof(*o));
	o->spread = PIN_ALL;
	if (cpus_write(&mask, o->cpus, sizeof(o->cpus)))
		return err_set(err, -E2BIG, "the list of CPUs of thread %d is too long", t->tid);
	return 0;
}

static void ended(const struct target *t, const void *opts, struct verdict_report *report)
{
	struct pin_opts resolved = *(const struct pin_opts *)opts;

	if (resolve(t, &resolved, NULL) == 0)
		pin_look_again(t, &resolved, report);
}

static const char *const trials[] = { "at=node:1",
				      "at=l3:1",
				      "strategy=compact",
				      "strategy=scatter",
				      "strategy=same-core",
				      "strategy=same-l3",
				      "strategy=other-node",
				      "strategy=away avoid=pu:0",
				      NULL };

const struct tunable tunable_pin = {
	.group = { .name = "pin",
		   .help = "which CPUs threads run on",
		   .knobs = knobs,
		   .opts_size = sizeof(struct pin_opts) },
	.scope = SCOPE_THREAD,
	.moment = MOMENT_STARTED,
	.own_groups = TUNABLE_OWN_GROUPS,
	.trials = trials,
	.is_default = is_default,
	.check = check,
	.resolve = resolve,
	.apply = apply,
	.read_back = read_back,
	.explain = pin_explain,
	.ended = ended,
};
