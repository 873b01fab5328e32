/*
 * verdict.c - see verdict.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/verdict.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *const verdict_names[] = { "ok",	"clamped", "ignored", "unsupported",
				      "denied", "vacuous", NULL };

void verdict_describe(const struct verdict_question *q, const void *opts, const void *also,
		      char *buf, size_t size)
{
	const struct knob *k;
	char value[128];
	size_t len = 0;

	*buf = '\0';
	for (k = q->group->knobs; k->name && len < size; k++) {
		if (knob_equal(k, opts, q->defaults) && knob_equal(k, also, q->defaults))
			continue;
		knob_format(k, opts, value, sizeof(value));
		len += snprintf(buf + len, size - len, "%s%s=%s", len ? " " : "", k->name, value);
	}
}

static void judge(const struct verdict_question *q, const struct knob *k,
		  struct verdict_report *ret)
{
	char asked[64], got[64];

	ret->verdict = q->before && knob_equal(k, q->before, q->effective) ? VERDICT_IGNORED
									   : VERDICT_CLAMPED;
	knob_format(k, q->requested, asked, sizeof(asked));
	knob_format(k, q->effective, got, sizeof(got));
	snprintf(ret->why, sizeof(ret->why), "%s.%s: asked for %s, the kernel has %s",
		 q->group->name, k->name, asked, got);
}

void verdict_compare(const struct verdict_question *q, struct verdict_report *ret)
{
	const struct knob *k;

	verdict_describe(q, q->requested, q->requested, ret->requested, sizeof(ret->requested));
	verdict_describe(q, q->effective, q->requested, ret->effective, sizeof(ret->effective));
	for (k = q->group->knobs; k->name; k++) {
		if (knob_equal(k, q->requested, q->defaults) ||
		    knob_equal(k, q->requested, q->effective))
			continue;
		judge(q, k, ret);
		return;
	}
}

unsigned verdict_badness(enum verdict verdict)
{
	static const unsigned char badness[VERDICTS] = {
		[VERDICT_OK] = 0,      [VERDICT_VACUOUS] = 1, [VERDICT_CLAMPED] = 2,
		[VERDICT_IGNORED] = 3, [VERDICT_DENIED] = 4,  [VERDICT_UNSUPPORTED] = 5,
	};

	return badness[verdict];
}

enum verdict verdict_find(const char *name)
{
	int v = 0;

	while (verdict_names[v] && strcmp(verdict_names[v], name))
		v++;
	return (enum verdict)v;
}

enum verdict verdict_of_error(int rc)
{
	return rc == -EPERM || rc == -EACCES || rc == -EBUSY || rc == -EAGAIN ? VERDICT_DENIED
									      : VERDICT_UNSUPPORTED;
}

int verdict_result(const struct verdict_report *report, struct err *err)
{
	int rc = report->verdict == VERDICT_CLAMPED ? -ERANGE : -EOPNOTSUPP;

	if (report->verdict == VERDICT_OK || report->verdict == VERDICT_VACUOUS)
		return 0;
	return err_set(err, rc, "%s", report->why);
}
