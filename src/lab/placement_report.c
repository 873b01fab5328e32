/*
 * placement_report.c - what came of each tunable, kept for the result.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "lab/placement.h"
#include "tunables/autogroup.h"

static struct placement_report *find(struct placement *p, const char *subject, const char *name)
{
	for (unsigned i = 0; i < p->report_count; i++)
		if (!strcmp(p->reports[i].subject, subject) &&
		    !strcmp(p->reports[i].report.name, name))
			return &p->reports[i];
	return NULL;
}

struct verdict_report *placement_find(struct placement *p, const char *subject, const char *name)
{
	struct placement_report *r = find(p, subject, name);

	return r ? &r->report : NULL;
}

/* One of each tunable for each thread, so it is the number of threads that bounds them. */
static bool make_room(struct placement *p)
{
	unsigned room = 2 * p->report_room;
	struct placement_report *more;

	if (p->report_count < p->report_room)
		return true;
	more = realloc(p->reports, room * sizeof(*more));
	if (!more)
		return false;
	p->reports = more;
	p->report_room = room;
	return true;
}

void placement_told(struct placement *p, const char *subject, const struct verdict_report *report)
{
	struct placement_report *r;

	pthread_mutex_lock(&p->lock);
	r = find(p, subject, report->name);
	if (r)
		r->told = report->verdict;
	pthread_mutex_unlock(&p->lock);
}

static struct placement_report *add(struct placement *p, const char *subject)
{
	struct placement_report *r;

	if (!make_room(p))
		return NULL;
	r = &p->reports[p->report_count++];
	*r = (struct placement_report){ 0 };
	snprintf(r->subject, sizeof(r->subject), "%s", subject);
	return r;
}

static bool note(struct placement *p, const char *subject, const struct verdict_report *report,
		 unsigned count)
{
	struct placement_report *r;
	bool is_new = false;

	pthread_mutex_lock(&p->lock);
	r = find(p, subject, report->name);
	if (!r) {
		r = add(p, subject);
		is_new = true;
	}
	if (r) {
		r->count += count;
		if (report->verdict != VERDICT_OK && (count || r->report.verdict == VERDICT_OK))
			r->short_count++;
		is_new |= verdict_badness(report->verdict) > verdict_badness(r->report.verdict);
		if (is_new || report->verdict == r->report.verdict)
			r->report = *report;
	}
	pthread_mutex_unlock(&p->lock);
	return is_new;
}

bool placement_report(struct placement *p, const char *subject, const struct verdict_report *report)
{
	return note(p, subject, report, 1);
}

bool placement_amend(struct placement *p, const char *subject, const struct verdict_report *report)
{
	return note(p, subject, report, 0);
}

static json_t *report_json(const struct placement_report *r)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i}", "subject", r->subject, "name",
			 r->report.name, "requested", r->report.requested, "effective",
			 r->report.effective, "verdict", verdict_names[r->report.verdict], "why",
			 r->report.why, "count", (int)r->count, "not_ok", (int)r->short_count);
}

json_t *placement_json(struct placement *p)
{
	json_t *list = json_array();

	placement_complete(p);
	for (unsigned i = 0; i < p->report_count; i++)
		json_array_append_new(list, report_json(&p->reports[i]));
	return list;
}

json_t *placement_autogroup(void)
{
	struct autogroup group;

	return autogroup_read(0, &group) ? json_string(group.name) : json_null();
}
