/*
 * placement_backend.c - what the kernel has of what each thread's backend was asked for.
 *
 * Twice: when the backend is open, where what was not taken ends the start; and at the thread's
 * end, when it is known what the settings were good for (busy polling of sockets that have no
 * receive queue).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/placement.h"

static int ask(const struct placement *p, struct backend *b, struct verdict_report *ret,
	       struct err *err)
{
	return backend_read_back(b, role_knobs_opts(p->knobs, &b->ops->group), ret, err);
}

int placement_backend_ready(struct placement *p, struct backend *b, const char *subject,
			    struct err *err)
{
	struct verdict_report report;
	int rc;

	if (!b->ops->read_back)
		return 0;
	rc = ask(p, b, &report, err);
	if (!rc && !*report.requested && !*report.why)
		return 0;
	return placement_conclude(p, subject, &report, rc, err);
}

void placement_backend_ending(struct placement *p, struct backend *b, const char *subject)
{
	struct verdict_report report;

	if (!b->ops->read_back)
		return;
	ask(p, b, &report, NULL);
	if (*report.requested || *report.why)
		placement_amend(p, subject, &report);
}
