/*
 * report_csv.c - runs.csv: one line a run, for spreadsheets, R and Python.
 *
 * Columns: the run's place in the plan, one column a factor, its status, every metric in base units
 * (ns, requests per second), the worst of what the kernel made of its settings, and the reasons. As
 * in RFC 4180 a text with a comma, a quote or a line end stands in quotes; lines end as Unix tools
 * expect. What is not there is empty.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "lab/compare.h"
#include "lab/reasons.h"

static void put_text(const char *text, FILE *out)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void put_head(const struct dataset *d, FILE *out)
{
	fputs("run,block,position,attempt,configuration", out);
	for (unsigned f = 0; f < d->factor_count; f++) {
		fputc(',', out);
		put_text(d->factors[f].key, out);
	}
	fputs(",aa,usable,status,started_s", out);
	for (int m = 0; m < METRICS; m++)
		fprintf(out, ",%s%s", metric_infos[m].name,
			strcmp(metric_infos[m].unit, "ns") ? "" : "_ns");
	fputs(",settings,reasons,directory\n", out);
}

static void put_config(const struct dataset *d, unsigned config, FILE *out)
{
	const struct lab_config *c = &d->configs[config];

	put_text(c->label, out);
	for (unsigned f = 0; f < d->factor_count; f++) {
		fputc(',', out);
		put_text(d->factors[f].levels[c->levels[f]], out);
	}
}

static void put_run(const struct dataset *d, const struct lab_run *run, FILE *out)
{
	char reasons[sizeof(run->reasons) + 32];

	fprintf(out, "%u,%u,%u,%u,", run->id, run->block, run->position, run->attempt);
	put_config(d, run->config, out);
	fprintf(out, ",%s,%s,%s,%.3f", run->is_aa ? "yes" : "no", run->usable ? "yes" : "no",
		run_status_names[run_status(run)], run->started_s);
	for (int m = 0; m < METRICS; m++) {
		fputc(',', out);
		if (isfinite(run->metric[m]))
			fprintf(out, "%.9g", run->metric[m]);
	}
	fprintf(out, ",%s,", verdict_names[run->taken]);
	put_text(reasons_line(run->reasons, reasons, sizeof(reasons)), out);
	fputc(',', out);
	put_text(run->directory, out);
	fputc('\n', out);
}

int report_csv(const struct dataset *d, FILE *out, struct err *err)
{
	put_head(d, out);
	for (unsigned i = 0; i < d->run_count; i++)
		put_run(d, &d->runs[i], out);
	if (fflush(out) || ferror(out))
		return err_sys(err, errno ? -errno : -EIO, "writing the table of runs");
	return 0;
}
