/*
 * tunable.c - from a request to a verdict: apply, read back, compare.
 *
 * Nothing here knows a single knob: texts and comparisons come from the knob tables, and what only
 * a tunable knows (the kernel's limits, the cause of a refusal) from its explain() and apply().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tunables/tunable.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Space for any tunable's options. */
struct opts {
	alignas(max_align_t) char bytes[TUNABLE_OPTS_MAX];
};

/* One application on its way. */
struct attempt {
	const struct tunable *tunable;
	const struct target *target;
	struct opts defaults, requested, before, effective;
};

static struct verdict_question question_of(const struct attempt *a)
{
	return (struct verdict_question){
		.group = &a->tunable->group,
		.defaults = &a->defaults,
		.requested = &a->requested,
		.effective = &a->effective,
		.before = &a->before,
	};
}

/* What nobody could take back is not done. */
static int check_journal(const struct attempt *a, struct err *err)
{
	const struct tunable *tn = a->tunable;
	const struct target *t = a->target;

	if (t->journal || !tn->needs_journal || !tn->needs_journal(&a->requested))
		return 0;
	return err_set(err, -EPERM, "%s.%s: there is no journal to take it back by%s%s",
		       tn->group.name, tunable_asked(tn, &a->requested)->name,
		       t->no_journal ? ": " : "", t->no_journal ? t->no_journal : "");
}

/* Everything that can fail. On failure nothing has been changed. */
static int carry_out(struct attempt *a, struct err *err)
{
	const struct tunable *tn = a->tunable;
	int rc = tn->check ? tn->check(&a->requested, err) : 0;

	if (!rc && tn->probe)
		rc = tn->probe(err);
	if (!rc)
		rc = check_journal(a, err);
	if (!rc && tn->resolve)
		rc = tn->resolve(a->target, &a->requested, err);
	if (!rc)
		rc = tn->read_back(a->target, &a->before, err);
	if (!rc)
		rc = tn->apply(a->target, &a->requested, err);
	return rc ? rc : tn->read_back(a->target, &a->effective, err);
}

/* A refusal: err keeps the sentence. */
static int refused(const struct verdict_question *q, int rc, const struct err *cause,
		   struct verdict_report *ret, struct err *err)
{
	verdict_describe(q, q->requested, q->requested, ret->requested, sizeof(ret->requested));
	ret->verdict = verdict_of_error(rc);
	snprintf(ret->why, sizeof(ret->why), "%.*s", (int)sizeof(ret->why) - 1, cause->text);
	return err_set(err, rc, "%s", cause->text);
}

static int apply(struct attempt *a, struct verdict_report *ret, struct err *err)
{
	const struct verdict_question q = question_of(a);
	struct err cause = { 0 };
	int rc = carry_out(a, &cause);

	if (rc)
		return refused(&q, rc, &cause, ret, err);
	verdict_compare(&q, ret);
	if (a->tunable->explain)
		a->tunable->explain(a->target, &a->requested, &a->effective, ret);
	return verdict_result(ret, err);
}

int tunable_apply(const struct tunable *tn, const struct target *t, const void *opts,
		  struct verdict_report *ret, struct err *err)
{
	struct attempt a = { .tunable = tn, .target = t };
	const struct verdict_question q = question_of(&a);

	assert(tn->group.opts_size <= TUNABLE_OPTS_MAX);
	*ret = (struct verdict_report){ 0 };
	snprintf(ret->name, sizeof(ret->name), "%s", tn->group.name);
	knob_defaults(&tn->group, &a.defaults);
	memcpy(&a.requested, opts, tn->group.opts_size);
	if (!tn->is_default(opts))
		return apply(&a, ret, err);
	/* Nothing was asked for; what is there is worth a note all the same. */
	if (!tn->read_back(t, &a.effective, NULL))
		verdict_describe(&q, &a.effective, &a.effective, ret->effective,
				 sizeof(ret->effective));
	return 0;
}

const struct knob *tunable_asked(const struct tunable *tn, const void *opts)
{
	struct opts defaults;

	knob_defaults(&tn->group, &defaults);
	for (const struct knob *k = tn->group.knobs; k->name; k++)
		if (!knob_equal(k, opts, &defaults))
			return k;
	return NULL;
}

void tunable_describe_asked(const struct tunable *tn, const void *requested, const void *effective,
			    struct verdict_report *report)
{
	const struct knob_group *g = &tn->group;
	struct opts defaults, asked;
	const struct verdict_question q = { .group = g, .defaults = &defaults };

	knob_defaults(g, &defaults);
	memcpy(&asked, effective, g->opts_size);
	for (const struct knob *k = g->knobs; k->name; k++)
		if (knob_equal(k, requested, &defaults))
			memcpy(asked.bytes + k->offset, defaults.bytes + k->offset, k->size);
	verdict_describe(&q, &asked, requested, report->effective, sizeof(report->effective));
}

void tunable_describe(const struct tunable *tn, const void *requested, const void *effective,
		      struct verdict_report *ret)
{
	struct opts defaults;
	const struct verdict_question q = { .group = &tn->group, .defaults = &defaults };

	knob_defaults(&tn->group, &defaults);
	verdict_describe(&q, requested, requested, ret->requested, sizeof(ret->requested));
	verdict_describe(&q, effective, requested, ret->effective, sizeof(ret->effective));
}

int tunable_settle(const struct tunable *tn, const struct target *t, const void *opts,
		   const struct memory_range *ranges, unsigned count, bool at_end,
		   struct verdict_report *ret, struct err *err)
{
	struct opts defaults;
	const struct verdict_question q = { .group = &tn->group,
					    .defaults = &defaults,
					    .requested = opts };
	struct err cause = { 0 };
	int rc;

	*ret = (struct verdict_report){ 0 };
	snprintf(ret->name, sizeof(ret->name), "%s", tn->group.name);
	knob_defaults(&tn->group, &defaults);
	rc = tn->settle(t, opts, ranges, count, at_end, ret, &cause);
	if (rc == SETTLE_SAME)
		return rc;
	if (!rc)
		return verdict_result(ret, err);
	*ret->effective = '\0';
	return refused(&q, rc, &cause, ret, err);
}
