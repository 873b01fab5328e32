/*
 * read_back.c - what a backend was asked for, compared with what the kernel has.
 *
 * The same comparison that tunables get: from the knob tables alone, with the backend's own word
 * where it knows more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "backends/backend.h"

/* Space for any backend's options. */
struct opts {
	alignas(max_align_t) char bytes[BACKEND_OPTS_MAX];
};

static void give_up(const struct verdict_question *q, int rc, const struct err *cause,
		    struct verdict_report *ret)
{
	verdict_describe(q, q->requested, q->requested, ret->requested, sizeof(ret->requested));
	ret->verdict = verdict_of_error(rc);
	snprintf(ret->why, sizeof(ret->why), "%.*s", (int)sizeof(ret->why) - 1, cause->text);
}

int backend_read_back(struct backend *b, const void *requested, struct verdict_report *ret,
		      struct err *err)
{
	const struct knob_group *group = &b->ops->group;
	struct verdict_report beyond = { 0 };
	struct opts defaults, effective;
	const struct verdict_question q = { .group = group,
					    .defaults = &defaults,
					    .requested = requested,
					    .effective = &effective };
	struct err cause = { 0 };
	int rc;

	assert(group->opts_size <= BACKEND_OPTS_MAX);
	*ret = (struct verdict_report){ 0 };
	snprintf(ret->name, sizeof(ret->name), "%s", group->name);
	knob_defaults(group, &defaults);
	memcpy(&effective, requested, group->opts_size);
	rc = b->ops->read_back ? b->ops->read_back(b, &effective, &beyond, &cause) : 0;
	if (rc) {
		give_up(&q, rc, &cause, ret);
		return err_set(err, rc, "%s", cause.text);
	}
	verdict_compare(&q, ret);
	/* A remark is no excuse for what the comparison found. */
	if (*beyond.why && verdict_badness(beyond.verdict) >= verdict_badness(ret->verdict)) {
		ret->verdict = beyond.verdict;
		memcpy(ret->why, beyond.why, sizeof(ret->why));
	}
	return verdict_result(ret, err);
}
