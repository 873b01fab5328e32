/*
 * placement.c - see placement.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/placement.h"

#include <errno.h>
#include <stdlib.h>

int placement_init(struct placement *p, const struct role_knobs *rk, struct err *err)
{
	p->tunables = role_knobs_parts(rk)->tunables;
	p->reports = calloc(PLACEMENT_REPORTS, sizeof(*p->reports));
	if (!p->reports)
		return err_sys(err, -ENOMEM, "reports of the tunables");
	for (unsigned i = 0; p->tunables[i] && i < PLACEMENT_TUNABLES; i++)
		p->opts[i] = role_knobs_opts(rk, &p->tunables[i]->group);
	return 0;
}

void placement_finish(struct placement *p)
{
	free(p->reports);
	p->reports = NULL;
}

/* Threads start at the same time; each takes a slot of its own. */
static void keep_report(struct placement *p, enum thread_role role, unsigned index,
			const struct tunable_report *report)
{
	unsigned slot = atomic_fetch_add(&p->report_count, 1);

	if (slot >= PLACEMENT_REPORTS)
		return;
	p->reports[slot].role = role;
	p->reports[slot].index = index;
	p->reports[slot].report = *report;
	atomic_store_explicit(&p->reports[slot].filled, true, memory_order_release);
}

static int apply_one(struct placement *p, const struct tunable *tn, const void *opts,
		     enum thread_role role, unsigned index, struct err *err)
{
	const struct target target = { .fd = -1, .index = index };
	struct tunable_report report;
	int result;

	if (tn->scope != SCOPE_THREAD || tn->is_default(opts))
		return 0;
	result = tunable_apply(tn, &target, opts, &report, err);
	keep_report(p, role, index, &report);
	if (result < 0 && !p->allow_degraded)
		return err_wrap(err, "%s %u", thread_role_names[role], index);
	return 0;
}

static int thread_started(void *context, enum thread_role role, unsigned index, struct err *err)
{
	struct placement *p = context;

	for (unsigned i = 0; p->tunables[i]; i++) {
		int result = apply_one(p, p->tunables[i], p->opts[i], role, index, err);

		if (result < 0)
			return result;
	}
	return 0;
}

static void pass_on(void *context, const char *sentence)
{
	struct placement *p = context;

	if (p->say)
		p->say(p->say_context, sentence);
}

struct hooks placement_hooks(struct placement *p)
{
	return (struct hooks){ .context = p, .thread_started = thread_started, .say = pass_on };
}

static json_t *report_json(const struct placement_report *r)
{
	char thread[64];

	snprintf(thread, sizeof(thread), "%s %u", thread_role_names[r->role], r->index);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "thread", thread, "name",
			 r->report.tunable->group.name, "requested", r->report.requested,
			 "effective", r->report.effective, "verdict",
			 verdict_names[r->report.verdict], "why", r->report.why);
}

json_t *placement_json(const struct placement *p)
{
	unsigned count = atomic_load(&p->report_count);
	json_t *list = json_array();

	for (unsigned i = 0; i < count && i < PLACEMENT_REPORTS; i++) {
		if (atomic_load_explicit(&p->reports[i].filled, memory_order_acquire))
			json_array_append_new(list, report_json(&p->reports[i]));
	}
	return list;
}
