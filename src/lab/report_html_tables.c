/*
 * report_html_tables.c - the plain tables: what is left out, all runs, the environment, and how to
 * do it again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <math.h>

#include "lab/flatten.h"
#include "lab/html.h"
#include "lab/number.h"
#include "lab/reasons.h"
#include "lab/report_html.h"

#define RUNS_OPEN 40 /* longer tables of runs are folded */

static void put_plain_head(const struct sheet *s, const char *const *titles)
{
	fputs("<div class=\"scroll\"><table class=\"plain\"><thead><tr>", s->out);
	for (; *titles; titles++)
		fprintf(s->out, "<th scope=\"col\">%s</th>", *titles);
	fputs("</tr></thead>\n<tbody>\n", s->out);
}

static void put_plain_foot(const struct sheet *s)
{
	fputs("</tbody></table></div>\n", s->out);
}

void sheet_put_absent(const struct sheet *s)
{
	static const char *const titles[] = { "what", "configuration", "why", NULL };
	struct absent absent;
	char why[600];
	bool any = false;

	sheet_open(s, "absent", "What is left out, and why", NULL);
	for (unsigned i = 0; i < reasons_count(s->a); i++) {
		if (!reasons_absent(s->a, i, &absent))
			continue;
		if (!any)
			put_plain_head(s, titles);
		any = true;
		fputs("<tr>", s->out);
		html_cell(s->out, "k dim", NULL, absence_names[absent.kind]);
		html_cell(s->out, NULL, NULL, absent.label);
		html_cell(s->out, NULL, NULL, reasons_line(absent.why, why, sizeof(why)));
		fputs("</tr>\n", s->out);
	}
	if (any)
		put_plain_foot(s);
	else
		fputs("<p>Nothing: every configuration is in the ranking.</p>\n", s->out);
	sheet_close(s);
}

static const enum metric run_metrics[] = { METRIC_P50,	       METRIC_P99, METRIC_P999,
					   METRIC_RATE,	       METRIC_CPU, METRIC_RUN_DELAY,
					   METRIC_LATENESS_P99 };
#define RUN_METRICS (sizeof(run_metrics) / sizeof(run_metrics[0]))

static void put_runs_head(const struct sheet *s)
{
	fputs("<div class=\"scroll\"><table class=\"plain\"><thead><tr><th class=\"n\">run</th>"
	      "<th class=\"n\">block</th><th>configuration</th><th>status</th>",
	      s->out);
	for (unsigned i = 0; i < RUN_METRICS; i++) {
		fputs("<th class=\"n\">", s->out);
		html_text(s->out, metric_infos[run_metrics[i]].name);
		fputs("</th>", s->out);
	}
	fputs("<th>reasons</th></tr></thead>\n<tbody>\n", s->out);
}

static void put_run(const struct sheet *s, const struct lab_run *run)
{
	char text[NUMBER_TEXT], label[320], reasons[600];

	snprintf(label, sizeof(label), "%s%s%s", s->d->configs[run->config].label,
		 run->is_aa ? " (A/A)" : "", run->attempt ? " (again)" : "");
	fprintf(s->out, "<tr><td class=\"n\">%u</td><td class=\"n\">%u</td>", run->id,
		run->block + 1);
	html_cell(s->out, "k", NULL, label);
	html_cell(s->out, "k dim", NULL, run_status_names[run_status(run)]);
	for (unsigned i = 0; i < RUN_METRICS; i++)
		html_number_cell(s->out, "n",
				 number_human(run_metrics[i], run->metric[run_metrics[i]], text));
	html_cell(s->out, NULL, NULL, reasons_line(run->reasons, reasons, sizeof(reasons)));
	fputs("</tr>\n", s->out);
}

void sheet_put_runs(const struct sheet *s)
{
	sheet_open(s, "runs", "All runs", NULL);
	fprintf(s->out,
		"<details%s><summary>%u runs; runs.csv has them with every metric</summary>\n",
		s->d->run_count <= RUNS_OPEN ? " open=\"open\"" : "", s->d->run_count);
	put_runs_head(s);
	for (unsigned i = 0; i < s->d->run_count; i++)
		put_run(s, &s->d->runs[i]);
	put_plain_foot(s);
	fputs("</details>\n", s->out);
	sheet_close(s);
}

static void put_pair(void *context, const char *path, const char *text)
{
	const struct sheet *s = context;

	fputs("<tr>", s->out);
	html_cell(s->out, "k dim", NULL, path);
	html_cell(s->out, NULL, NULL, text);
	fputs("</tr>\n", s->out);
}

static void put_object(const struct sheet *s, const char *title, const json_t *object)
{
	static const char *const titles[] = { "key", "value", NULL };

	if (!json_object_size(object))
		return;
	fprintf(s->out, "<details><summary>%s</summary>\n", title);
	put_plain_head(s, titles);
	flatten_json(object, put_pair, (void *)s);
	put_plain_foot(s);
	fputs("</details>\n", s->out);
}

void sheet_put_environment(const struct sheet *s)
{
	sheet_open(s, "environment", "Environment", NULL);
	put_object(s, "Settings that all runs have in common", s->d->settings);
	put_object(s, "The machine, its kernel and this program", s->d->environment);
	if (!json_object_size(s->d->settings) && !json_object_size(s->d->environment))
		fputs("<p>Nothing was recorded.</p>\n", s->out);
	sheet_close(s);
}

void sheet_put_reproduce(const struct sheet *s)
{
	sheet_open(s, "reproduce", "Do it again",
		   "The same order of runs and the same requests in every block come of the same "
		   "seed, written into the file; the folder has to be another one.");
	fputs("<pre>", s->out);
	html_text(s->out, s->d->command);
	fputs("</pre>\n<p class=\"lead\">", s->out);
	html_printf(s->out, "Experiment file: %s. In it: seed: %" PRIu64 ".",
		    s->d->file[0] ? s->d->file : "none", s->d->seed);
	fputs("</p>\n", s->out);
	sheet_close(s);
}
