/*
 * placement_tell.c - at the end: what was asked for in vain, and a sentence for each that a person
 * would otherwise not hear of.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>
#include <string.h>

#include "lab/placement.h"

static bool was_applied(const struct placement *p, const char *name)
{
	for (unsigned i = 0; i < p->report_count; i++)
		if (!strcmp(p->reports[i].report.name, name))
			return true;
	return false;
}

/* Settings for threads that this role, as it was set up, has none of. */
static void add_unused(struct placement *p, unsigned i)
{
	const struct tunable *tn = p->tunables[i];

	for (int role = 0; role < THREAD_ROLES; role++) {
		struct verdict_report report = { .verdict = VERDICT_VACUOUS };
		const void *opts = p->own[i][role];

		if (!opts || tn->is_default(opts))
			continue;
		snprintf(report.name, sizeof(report.name), "%s.%s", thread_role_names[role],
			 tn->group.name);
		snprintf(report.why, sizeof(report.why), "there was no thread of kind %s",
			 thread_role_names[role]);
		if (!was_applied(p, report.name))
			placement_report(p, thread_role_names[role], &report);
	}
}

/* Settings for sockets that this role, as it was set up, has none of. */
static void add_unused_sockets(struct placement *p, unsigned i)
{
	const struct tunable *tn = p->tunables[i];
	struct verdict_report report = { .verdict = VERDICT_VACUOUS };

	if (tn->scope != SCOPE_SOCKET || tn->is_default(p->general[i]) ||
	    was_applied(p, tn->group.name))
		return;
	snprintf(report.name, sizeof(report.name), "%s", tn->group.name);
	snprintf(report.why, sizeof(report.why), "there was no socket that any of %s is for",
		 tn->group.name);
	placement_report(p, "sockets", &report);
}

/* "spread=all" of the options; with nothing but defaults empty. */
static void describe(const struct knob_group *group, const void *opts, const void *defaults,
		     struct verdict_report *ret)
{
	const struct verdict_question q = { group, defaults, opts, opts, NULL };

	snprintf(ret->name, sizeof(ret->name), "%s", group->name);
	verdict_describe(&q, opts, opts, ret->requested, sizeof(ret->requested));
}

/* A knob that only says how, in a group in which no knob says what. */
static void add_idle(struct placement *p, unsigned i)
{
	const struct tunable *tn = p->tunables[i];
	struct verdict_report report = { .verdict = VERDICT_VACUOUS };
	_Alignas(max_align_t) char defaults[TUNABLE_OPTS_MAX];

	if (!tn->is_default(p->general[i]))
		return;
	knob_defaults(&tn->group, defaults);
	describe(&tn->group, p->general[i], defaults, &report);
	snprintf(report.why, sizeof(report.why),
		 "it asks for nothing by itself, and no other option of %s was given",
		 tn->group.name);
	if (*report.requested)
		placement_report(p, "process", &report);
}

/* Options of backends that are not the one in use. */
static void add_idle_backends(struct placement *p)
{
	const struct backend_ops *used = role_knobs_backend(p->knobs);
	const struct backend_ops *const *all = role_knobs_parts(p->knobs)->backends;
	_Alignas(max_align_t) char defaults[BACKEND_OPTS_MAX];

	for (unsigned i = 0; used && all[i]; i++) {
		struct verdict_report report = { .verdict = VERDICT_VACUOUS };
		const struct knob_group *group = &all[i]->group;

		if (all[i] == used || !group->knobs || group->opts_size > sizeof(defaults))
			continue;
		knob_defaults(group, defaults);
		describe(group, role_knobs_opts(p->knobs, group), defaults, &report);
		snprintf(report.why, sizeof(report.why), "the backend is %s", used->group.name);
		if (*report.requested)
			placement_report(p, "process", &report);
	}
}

void placement_complete(struct placement *p)
{
	if (p->is_complete)
		return;
	p->is_complete = true;
	placement_end(p);
	for (unsigned i = 0; p->tunables[i]; i++) {
		add_unused(p, i);
		add_unused_sockets(p, i);
		add_idle(p, i);
	}
	add_idle_backends(p);
}

static bool is_untold(const struct placement_report *r)
{
	return r->report.verdict != VERDICT_OK && r->report.verdict != r->told;
}

/* What happened to every worker is one sentence. Returns how many are like r, and marks them. */
static unsigned mark_alike(struct placement *p, struct placement_report *r)
{
	unsigned alike = 0;

	for (struct placement_report *o = r; o < p->reports + p->report_count; o++) {
		if (!is_untold(o) || o->report.verdict != r->report.verdict ||
		    strcmp(o->report.name, r->report.name) || strcmp(o->report.why, r->report.why))
			continue;
		alike++;
		if (o != r)
			o->told = o->report.verdict;
	}
	r->told = r->report.verdict;
	return alike;
}

static void tell(struct placement *p, struct placement_report *r)
{
	const struct verdict_report *report = &r->report;
	unsigned alike = mark_alike(p, r);
	char sentence[768], others[32] = "";

	if (alike > 1)
		snprintf(others, sizeof(others), " and %u more", alike - 1);
	snprintf(sentence, sizeof(sentence), "%s%s: %s%s%s: %s: %s", r->subject, others,
		 report->name, *report->requested ? " " : "", report->requested,
		 verdict_names[report->verdict], report->why);
	p->say(p->say_context, sentence);
}

void placement_tell(struct placement *p)
{
	placement_complete(p);
	for (struct placement_report *r = p->reports; r < p->reports + p->report_count; r++)
		if (p->say && is_untold(r))
			tell(p, r);
}
