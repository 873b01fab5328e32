/*
 * report_text_taken.c - in the terminal: settings that the kernel did not take as asked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/report_text.h"
#include "lab/taken.h"

#define LINES_MOST 12 /* the rest is in report.html */

static void put_entry(const struct page *p, const struct taken *t)
{
	const struct verdict_report *r = &t->report;
	char text[1024];

	snprintf(text, sizeof(text), "%s %s: %s: %s%s%s%s%s%s%s (%u configuration%s)",
		 role_names[t->role], r->name, verdict_names[r->verdict],
		 *r->requested ? "asked for " : "", r->requested, *r->effective ? ", has " : "",
		 r->effective, *r->requested || *r->effective ? "; " : "", r->why,
		 *r->why ? "" : "no reason is known", t->configs, t->configs == 1 ? "" : "s");
	fprintf(p->out, "  ");
	table_wrap(text, 2, 4, p->width, p->out);
}

void page_put_taken(const struct page *p)
{
	const struct taken_list *list = p->d->taken;
	unsigned count = taken_short_count(list), shown = 0;

	if (!count)
		return;
	page_title(p, "SETTINGS", "that the kernel did not take as asked, or that change nothing");
	for (unsigned i = 0; i < list->count && shown < LINES_MOST; i++) {
		if (!taken_is_short(&list->items[i]))
			continue;
		put_entry(p, &list->items[i]);
		shown++;
	}
	if (count > shown)
		fprintf(p->out, "  and %u more, in report.html\n", count - shown);
}
