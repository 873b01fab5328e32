/*
 * possible_system.c - settings of the whole machine, judged without changing it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "lab/possible.h"
#include "lab/system.h"

/* A change that a factor asks for and that makes no difference. */
static void find_vacuous(const struct system_plan *p, const struct settings *s, char *why,
			 size_t size)
{
	for (unsigned i = 0; i < p->settings.count; i++) {
		const struct verdict_report *r = &p->settings.changes[i].report;
		const struct setting *item = settings_find(s, ROLE_SYSTEM, r->name);

		if (r->verdict == VERDICT_VACUOUS && item && item->swept)
			snprintf(why, size, "vacuous: system.%s: %.190s", r->name, r->why);
	}
}

bool possible_system(const struct settings *s, char *why, size_t size)
{
	const struct setting_change *bad;
	struct system_plan p;
	struct err err = { 0 };

	*why = '\0';
	if (!settings_has(s, ROLE_SYSTEM))
		return true;
	if (system_plan_make(&p, s, &err)) {
		snprintf(why, size, "system: %.240s", err.text);
		return false;
	}
	bad = system_plan_bad(&p);
	if (bad)
		snprintf(why, size, "system.%s: %s: %.180s", bad->name,
			 verdict_names[bad->report.verdict], bad->report.why);
	else
		find_vacuous(&p, s, why, size);
	system_plan_finish(&p);
	return !bad;
}
