/*
 * report.c - `ringwalk report`: the table and the pictures of a sweep's folder.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/results.h"
#include "lab/compare.h"
#include "lab/store.h"

#define WIDTH_ELSEWHERE 120

struct results {
	struct dataset *data;
	struct analysis *analysis;
};

static void finish(struct results *r)
{
	analysis_destroy(r->analysis);
	dataset_destroy(r->data);
}

static unsigned width_of(FILE *out)
{
	struct winsize size;

	if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return WIDTH_ELSEWHERE;
}

/* no-color.org: any value but the empty one switches colour off. */
static bool wants_colour(FILE *out)
{
	const char *no_color = getenv("NO_COLOR");

	return isatty(fileno(out)) && !(no_color && no_color[0]);
}

static int write_html(const struct results *r, FILE *out, struct err *err)
{
	return report_html(r->analysis, out, err);
}

static int write_json(const struct results *r, FILE *out, struct err *err)
{
	return report_json(r->analysis, out, err);
}

static int write_csv(const struct results *r, FILE *out, struct err *err)
{
	return report_csv(r->data, out, err);
}

/* Under another name first: a reader never finds half a report. */
static int write_file(const struct results *r, const char *folder, const char *name,
		      int (*write)(const struct results *r, FILE *out, struct err *err),
		      struct err *err)
{
	char path[PATH_MAX], torn[PATH_MAX];
	AUTO(auto_fclose) FILE *out = NULL;
	int result;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(torn, sizeof(torn), "%s/%s.tmp", folder, name);
	out = fopen(torn, "w");
	if (!out)
		return err_sys(err, -errno, "%s", torn);
	result = write(r, out, err);
	if (result < 0)
		return err_wrap(err, "%s", path);
	if (fflush(out) || rename(torn, path))
		return err_sys(err, -errno, "%s", path);
	return 0;
}

/* An INVALID run whose repeat counts in its place has cost time and nothing else. */
static bool has_losses(const struct dataset *d)
{
	for (const struct lab_run *r = d->runs; r < d->runs + d->run_count; r++) {
		const struct lab_run *counts = r->is_aa ? dataset_aa_run(d, r->block)
							: dataset_run(d, r->config, r->block);

		if (r->failed || (r->validity == RUN_INVALID && !counts))
			return true;
	}
	return false;
}

int results_show(const char *folder, FILE *out, struct err *err)
{
	AUTO(finish) struct results r = { 0 };

	if (store_load(folder, true, &r.data, NULL, err) < 0 ||
	    analysis_create(r.data, &r.analysis, err) < 0 ||
	    write_file(&r, folder, "runs.csv", write_csv, err) < 0 ||
	    write_file(&r, folder, "verdict.json", write_json, err) < 0 ||
	    write_file(&r, folder, "report.html", write_html, err) < 0)
		return err->code;
	report_text(r.analysis, width_of(out), wants_colour(out), out);
	fprintf(out, "report: %s/report.html\n", folder);
	return has_losses(r.data) ? EXIT_CHECK : EXIT_VALID;
}

int run_report(int argc, char **argv)
{
	struct knob_set none = { 0 };
	struct err err = { 0 };
	int folders = 0, result;

	if (knob_wants_help(argc, argv))
		return print_help(command_find(argv[0]), NULL);
	if (knob_set_args(&none, argc, argv, &folders, &err) < 0)
		return complain(EXIT_USAGE, argv[0], &err);
	if (folders != 1) {
		err_set(&err, -EINVAL, "give one DIR, a folder that `ringwalk sweep` made");
		return complain(EXIT_USAGE, argv[0], &err);
	}
	result = results_show(argv[1], stdout, &err);
	return result < 0 ? complain(exit_code_of(&err), argv[0], &err) : result;
}
