/*
 * verdict.h - what became of a request to the kernel: requested beside effective, and one word.
 *
 * The kernel accepts and ignores, or shrinks, much of what it is told. So whoever applies knobs
 * reads them back, and what was asked for and what is there are compared here, knob by knob, from
 * the knob table alone. Tunables do it (tunables/tunable.h) and so do backends (their read_back).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BASE_VERDICT_H
#define RW_BASE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/knob.h"

enum verdict {
	VERDICT_OK,	     /* the kernel has what was asked for */
	VERDICT_CLAMPED,     /* it has something nearby */
	VERDICT_IGNORED,     /* it said yes and did nothing */
	VERDICT_UNSUPPORTED, /* this kernel or machine cannot */
	VERDICT_DENIED,	     /* not allowed here */
	VERDICT_VACUOUS,     /* done, and makes no difference on this machine */
	VERDICTS
};
extern const char *const verdict_names[];

/*
 * One group of knobs, applied once. requested and effective are "key=value key=value" of the knobs
 * in which the request differs from the defaults.
 */
struct verdict_report {
	char name[40]; /* of the group or setting: "sched", "storage.sched", "io_uring" */
	enum verdict verdict;
	char requested[256], effective[256];
	char why[256]; /* when not ok; when ok empty or a remark */
};

/* Four times the same options: of the group's opts_size. */
struct verdict_question {
	const struct knob_group *group;
	const void *defaults, *requested, *effective;
	const void *before; /* what the kernel had; NULL: not known, so nothing is called ignored */
};

/*
 * Writes the knobs in which opts or `also` differ from the defaults, so that requested and
 * effective name the same knobs.
 */
void verdict_describe(const struct verdict_question *q, const void *opts, const void *also,
		      char *buf, size_t size);

/*
 * Fills in requested and effective, and the verdict and its sentence. The first knob that was not
 * taken as asked decides: as it was before, it has been ignored; anything else is something nearby.
 * Knobs left at their default ask for nothing and are not compared.
 */
void verdict_compare(const struct verdict_question *q, struct verdict_report *ret);

/* How bad it is: 0 for ok, then vacuous, clamped, ignored, denied, unsupported. */
unsigned verdict_badness(enum verdict verdict);
/* By its name; VERDICTS: there is none of that name. */
enum verdict verdict_find(const char *name);

/* Of a refusal: EPERM, EACCES, EBUSY and EAGAIN are denied, everything else is unsupported. */
enum verdict verdict_of_error(int rc);

/* 0 when ok or vacuous; else -ERANGE (clamped) or -EOPNOTSUPP, and err is the report's sentence. */
int verdict_result(const struct verdict_report *report, struct err *err);

#endif
