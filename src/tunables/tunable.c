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

const char *const verdict_names[] = { "ok",	"clamped", "ignored", "unsupported",
				      "denied", "vacuous", NULL };

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

/*
 * Writes "key=value key=value" of the knobs in which opts or `also` differ from the defaults, so
 * that requested and effective name the same knobs.
 */
static void describe(const struct attempt *a, const struct opts *opts, const struct opts *also,
		     char *buf, size_t size)
{
	const struct knob *k;
	char value[128];
	size_t len = 0;

	*buf = '\0';
	for (k = a->tunable->group.knobs; k->name && len < size; k++) {
		if (knob_equal(k, opts, &a->defaults) && knob_equal(k, also, &a->defaults))
			continue;
		knob_format(k, opts, value, sizeof(value));
		len += snprintf(buf + len, size - len, "%s%s=%s", len ? " " : "", k->name, value);
	}
}

/*
 * The first knob the kernel did not take as asked decides. What is as it was before has been
 * ignored, anything else is something nearby.
 */
static void compare(const struct attempt *a, struct tunable_report *report)
{
	char asked[64], got[64];
	const struct knob *k;

	for (k = a->tunable->group.knobs; k->name; k++) {
		if (knob_equal(k, &a->requested, &a->defaults) ||
		    knob_equal(k, &a->requested, &a->effective))
			continue;
		report->verdict = knob_equal(k, &a->before, &a->effective) ? VERDICT_IGNORED
									   : VERDICT_CLAMPED;
		knob_format(k, &a->requested, asked, sizeof(asked));
		knob_format(k, &a->effective, got, sizeof(got));
		snprintf(report->why, sizeof(report->why), "%s.%s: asked for %s, the kernel has %s",
			 a->tunable->group.name, k->name, asked, got);
		return;
	}
}

static enum verdict verdict_of_error(int rc)
{
	return rc == -EPERM || rc == -EACCES || rc == -EBUSY || rc == -EAGAIN ? VERDICT_DENIED
									      : VERDICT_UNSUPPORTED;
}

/* Everything that can fail. On failure nothing has been changed. */
static int carry_out(struct attempt *a, struct err *err)
{
	const struct tunable *tn = a->tunable;
	int rc = tn->check ? tn->check(&a->requested, err) : 0;

	if (!rc && tn->probe)
		rc = tn->probe(err);
	if (!rc && tn->resolve)
		rc = tn->resolve(a->target, &a->requested, err);
	if (!rc)
		rc = tn->read_back(a->target, &a->before, err);
	if (!rc)
		rc = tn->apply(a->target, &a->requested, err);
	return rc ? rc : tn->read_back(a->target, &a->effective, err);
}

static int result_of(const struct tunable_report *report, struct err *err)
{
	int rc = report->verdict == VERDICT_CLAMPED ? -ERANGE : -EOPNOTSUPP;

	if (report->verdict == VERDICT_OK || report->verdict == VERDICT_VACUOUS)
		return 0;
	return err_set(err, rc, "%s", report->why);
}

static int apply(struct attempt *a, struct tunable_report *ret, struct err *err)
{
	struct err cause = { 0 };
	int rc = carry_out(a, &cause);

	describe(a, &a->requested, &a->requested, ret->requested, sizeof(ret->requested));
	if (rc) {
		ret->verdict = verdict_of_error(rc);
		snprintf(ret->why, sizeof(ret->why), "%.*s", (int)sizeof(ret->why) - 1, cause.text);
		return err_set(err, rc, "%s", cause.text);
	}
	describe(a, &a->effective, &a->requested, ret->effective, sizeof(ret->effective));
	compare(a, ret);
	if (a->tunable->explain)
		a->tunable->explain(a->target, &a->requested, &a->effective, ret);
	return result_of(ret, err);
}

int tunable_apply(const struct tunable *tn, const struct target *t, const void *opts,
		  struct tunable_report *ret, struct err *err)
{
	struct attempt a = { .tunable = tn, .target = t };

	assert(tn->group.opts_size <= TUNABLE_OPTS_MAX);
	*ret = (struct tunable_report){ .tunable = tn };
	knob_defaults(&tn->group, &a.defaults);
	memcpy(&a.requested, opts, tn->group.opts_size);
	if (!tn->is_default(opts))
		return apply(&a, ret, err);
	/* Nothing was asked for; what is there is worth a note all the same. */
	if (!tn->read_back(t, &a.effective, NULL))
		describe(&a, &a.effective, &a.effective, ret->effective, sizeof(ret->effective));
	return 0;
}
