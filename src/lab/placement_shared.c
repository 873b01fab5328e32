/*
 * placement_shared.c - settings that one thread of the kernel, shared by several, cannot follow.
 *
 * With io_uring.sqpoll-share=yes there is one polling thread where there would be one each. What is
 * handed out in turn (a CPU to each) would be settled by chance, by which of the threads opens its
 * ring first. So it is refused: asked for the polling threads themselves, for the io-wq threads
 * behind them, or, when nothing is asked for the polling thread, for the threads that it inherits
 * from. The answer rests on what was asked for alone, not on who has started already.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <string.h>

#include "lab/placement.h"

/* Whether opts come to something else for this thread than for the first of its kind. */
static bool differs_by_index(const struct tunable *tn, const void *opts, const struct target *t)
{
	char of_first[TUNABLE_OPTS_MAX] __attribute__((aligned(16)));
	char own[TUNABLE_OPTS_MAX] __attribute__((aligned(16)));
	struct target first = *t;
	const struct knob *k = tn->group.knobs;

	if (!tn->resolve)
		return false;
	first.index = 0;
	memcpy(of_first, opts, tn->group.opts_size);
	memcpy(own, opts, tn->group.opts_size);
	if (tn->resolve(&first, of_first, NULL) || tn->resolve(t, own, NULL))
		return false; /* whoever applies it says why */
	while (k->name && knob_equal(k, of_first, own))
		k++;
	return k->name;
}

static bool is_for(const struct tunable *tn, enum thread_role role)
{
	return tn->scope == SCOPE_THREAD && tn->own_groups & 1U << role;
}

static void say_asked(struct verdict_report *report, const char *kind)
{
	snprintf(report->why, sizeof(report->why),
		 "%s gives each %s thread its own, but one works for all "
		 "(io_uring.sqpoll-share=yes): ask for the same for all (%s.spread=all)",
		 report->name, kind, report->name);
}

static void say_inherited(struct verdict_report *report, const struct tunable *tn,
			  const struct target *maker)
{
	const char *kind = thread_role_names[maker->role];

	snprintf(report->why, sizeof(report->why),
		 "%s gives %s 0 and %s %u different CPUs, and the polling thread that they share "
		 "(io_uring.sqpoll-share=yes) would inherit those of either: say where it runs "
		 "(%s.cpus, io_uring.sqpoll-cpu)",
		 tn->group.name, kind, kind, maker->index, report->name);
}

/* One cannot be in two places. What nobody asked for, io-wq threads have of the polling thread. */
static int check_one(struct placement *p, unsigned i, const struct backend_thread *thread,
		     const struct target *maker, struct err *err)
{
	const struct tunable *tn = p->tunables[i];
	const void *asked = placement_opts(p, i, thread->role), *opts = asked;
	const char *kind = thread_role_names[thread->role];
	struct verdict_report report = { .verdict = VERDICT_UNSUPPORTED };
	char subject[32];

	if (!is_for(tn, thread->role))
		return 0;
	if (!asked && !thread->is_bound && tn->moment == MOMENT_STARTED)
		opts = placement_opts(p, i, maker->role);
	if (!opts || tn->is_default(opts) || !differs_by_index(tn, opts, maker))
		return 0;
	snprintf(subject, sizeof(subject), "%s 0", kind);
	snprintf(report.name, sizeof(report.name), "%s.%s", kind, tn->group.name);
	if (asked)
		say_asked(&report, kind);
	else
		say_inherited(&report, tn, maker);
	err_set(err, -EINVAL, "%s", report.why);
	return placement_conclude(p, subject, &report, -EINVAL, err);
}

int placement_check_shared(struct placement *p, const struct backend_thread *found,
			   const struct target *maker, struct err *err)
{
	const struct backend_thread iowq = { .role = THREAD_IOWQ, .is_bound = true };
	int rc = 0;

	for (unsigned i = 0; p->tunables[i] && !rc; i++) {
		rc = check_one(p, i, found, maker, err);
		if (!rc)
			rc = check_one(p, i, &iowq, maker, err);
	}
	return rc;
}
