/*
 * report_html_taken.c - what the kernel made of the settings, requested beside effective.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/html.h"
#include "lab/report_html.h"
#include "lab/taken.h"

static void put_head(const struct sheet *s)
{
	fputs("<div class=\"scroll\"><table class=\"plain\"><thead><tr><th scope=\"col\">whose</th>"
	      "<th scope=\"col\">requested</th><th scope=\"col\">effective</th>"
	      "<th scope=\"col\">verdict</th><th scope=\"col\">why</th>"
	      "<th scope=\"col\" class=\"n\">configurations</th></tr></thead>\n<tbody>\n",
	      s->out);
}

static void put_entry(const struct sheet *s, const struct taken *t)
{
	const struct verdict_report *r = &t->report;
	char text[64];

	fputs("<tr>", s->out);
	snprintf(text, sizeof(text), "%s %s", role_names[t->role], r->name);
	html_cell(s->out, "k", NULL, text);
	html_cell(s->out, NULL, NULL, r->requested);
	html_cell(s->out, NULL, NULL, r->effective);
	html_cell(s->out, taken_is_short(t) ? "k" : "k dim", NULL, verdict_names[r->verdict]);
	html_cell(s->out, NULL, NULL, r->why);
	snprintf(text, sizeof(text), "%u", t->configs);
	html_number_cell(s->out, "n", text);
	fputs("</tr>\n", s->out);
}

static void put_entries(const struct sheet *s, bool is_short)
{
	put_head(s);
	for (unsigned i = 0; i < s->d->taken->count; i++)
		if (taken_is_short(&s->d->taken->items[i]) == is_short)
			put_entry(s, &s->d->taken->items[i]);
	fputs("</tbody></table></div>\n", s->out);
}

void sheet_put_taken(const struct sheet *s)
{
	const struct taken_list *list = s->d->taken;
	unsigned not_ok = taken_short_count(list);

	if (!list || !list->count)
		return;
	sheet_open(s, "settings", "What the kernel made of the settings",
		   "Each was read back after it was applied. What is not ok was shrunk, ignored or "
		   "refused by the kernel, or makes no difference on this machine.");
	if (not_ok)
		put_entries(s, true);
	else
		fputs("<p>Everything was taken as asked.</p>\n", s->out);
	if (list->count > not_ok) {
		fprintf(s->out, "<details><summary>%u taken as asked</summary>\n",
			list->count - not_ok);
		put_entries(s, false);
		fputs("</details>\n", s->out);
	}
	if (list->dropped)
		fprintf(s->out, "<p>%u more stand in the runs' run.json.</p>\n", list->dropped);
	sheet_close(s);
}
