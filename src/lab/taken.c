/*
 * taken.c - see taken.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/taken.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void copy_text(const json_t *json, const char *key, char *buf, size_t size)
{
	const char *text = json_string_value(json_object_get(json, key));

	snprintf(buf, size, "%s", text ? text : "");
}

/* False: this is no report. */
static bool read_report(const json_t *json, struct verdict_report *ret)
{
	const char *verdict = json_string_value(json_object_get(json, "verdict"));

	*ret = (struct verdict_report){ 0 };
	ret->verdict = verdict ? verdict_find(verdict) : VERDICTS;
	copy_text(json, "name", ret->name, sizeof(ret->name));
	copy_text(json, "requested", ret->requested, sizeof(ret->requested));
	copy_text(json, "effective", ret->effective, sizeof(ret->effective));
	copy_text(json, "why", ret->why, sizeof(ret->why));
	return ret->verdict != VERDICTS && *ret->name;
}

/* Sentences may carry thread ids and counts: they do not tell entries apart. */
static bool is_same(const struct taken *t, enum role role, const struct verdict_report *report)
{
	return t->role == role && t->report.verdict == report->verdict &&
	       !strcmp(t->report.name, report->name) &&
	       !strcmp(t->report.requested, report->requested) &&
	       !strcmp(t->report.effective, report->effective);
}

static struct taken *find(struct taken_list *list, enum role role,
			  const struct verdict_report *report)
{
	for (unsigned i = 0; i < list->count; i++)
		if (is_same(&list->items[i], role, report))
			return &list->items[i];
	if (list->count == TAKEN_MAX) {
		list->dropped++;
		return NULL;
	}
	list->items[list->count] = (struct taken){ .role = role, .report = *report };
	return &list->items[list->count++];
}

static void count(struct taken *t, unsigned run, unsigned config)
{
	uint64_t bit = 1ULL << (config % 64), *word = &t->seen[config / 64];

	if (!t->runs || t->last_run != run)
		t->runs++;
	if (!(*word & bit))
		t->configs++;
	*word |= bit;
	t->last_run = run;
}

static void add_report(struct taken_list *list, enum role role, unsigned run, unsigned config,
		       const json_t *json, enum verdict *worst)
{
	struct verdict_report report;
	struct taken *t;

	if (!read_report(json, &report))
		return;
	t = find(list, role, &report);
	if (t)
		count(t, run, config);
	if (verdict_badness(report.verdict) > verdict_badness(*worst))
		*worst = report.verdict;
}

int taken_add(struct taken_list *list, unsigned run, unsigned config, const json_t *json,
	      enum verdict *ret_worst)
{
	const json_t *entry;
	size_t i;

	*ret_worst = VERDICT_OK;
	if (!list->items)
		list->items = calloc(TAKEN_MAX, sizeof(*list->items));
	if (!list->items)
		return -ENOMEM;
	for (int role = 0; role < ROLES_SET; role++) {
		const json_t *part = json_object_get(json, role_names[role]);

		json_array_foreach(json_object_get(part, "tunables"), i, entry)
			add_report(list, (enum role)role, run, config, entry, ret_worst);
	}
	return 0;
}

void taken_finish(struct taken_list *list)
{
	free(list->items);
	*list = (struct taken_list){ 0 };
}

bool taken_is_short(const struct taken *t)
{
	return t->report.verdict != VERDICT_OK;
}

unsigned taken_short_count(const struct taken_list *list)
{
	unsigned n = 0;

	for (unsigned i = 0; list && i < list->count; i++)
		n += taken_is_short(&list->items[i]);
	return n;
}
