/*
 * doctor.c - `ringwalk doctor`: is this machine fit to measure on, and what to do about it.
 *
 * The worst comes first, each with why it matters and what to do; what is fine takes a line. The
 * status is 1 when something is bad: a script can ask before it measures.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/wrapped.h"
#include "system/cpus.h"
#include "system/doctor.h"
#include "system/machine.h"

enum { COLUMN_ID = 6, COLUMN_TEXT = 22 };

struct doctor_opts {
	char cpus[256], root[1024];
	int64_t window_ns;
	bool is_json;
};

static const struct knob knobs[] = {
	{ .name = "cpus",
	  .type = &knob_cpus,
	  KNOB_FIELD(struct doctor_opts, cpus, char[256]),
	  .def = "",
	  .help = "CPUs that runs are to be pinned to: which devices interrupt them" },
	{ .name = "window",
	  .type = &knob_time,
	  KNOB_FIELD(struct doctor_opts, window_ns, int64_t),
	  .min = 50 * MS,
	  .max = 60 * SEC,
	  .def = "500ms",
	  .help = "how long to watch what else runs" },
	{ .name = "root",
	  .type = &knob_text,
	  KNOB_FIELD(struct doctor_opts, root, char[1024]),
	  .def = "",
	  .metavar = "DIR",
	  .help = "look at the /proc and /sys in this folder, copied from another machine" },
	{ .name = "json",
	  .type = &knob_bool,
	  KNOB_FIELD(struct doctor_opts, is_json, bool),
	  .def = "no",
	  .help = "all findings as JSON" },
	{ 0 },
};
static const struct knob_group group = {
	.name = "",
	.help = "what to look at",
	.knobs = knobs,
	.opts_size = sizeof(struct doctor_opts),
};

static void print_detail(const char *what, const char *text)
{
	if (!*text)
		return;
	printf("%*s%s: ", COLUMN_TEXT, "", what);
	print_wrapped(COLUMN_TEXT + (int)strlen(what) + 2, text);
}

static void print_finding(const struct finding *f)
{
	printf("%-*s%-*s", COLUMN_ID, severity_names[f->severity], COLUMN_TEXT - COLUMN_ID, f->id);
	print_wrapped(COLUMN_TEXT, f->seen);
	if (f->severity == SEVERITY_OK || f->is_unknown)
		return;
	print_detail("why", f->why);
	print_detail("do", f->remedy);
}

static void print_findings(const struct doctor_report *report)
{
	unsigned counts[SEVERITIES] = { 0 };

	for (int severity = SEVERITY_BAD; severity >= SEVERITY_OK; severity--)
		for (unsigned i = 0; i < report->count; i++) {
			if ((int)report->findings[i].severity != severity)
				continue;
			print_finding(&report->findings[i]);
			counts[severity]++;
		}
	printf("\n%u bad, %u to be warned of, %u to be noted, %u fine: %s\n", counts[SEVERITY_BAD],
	       counts[SEVERITY_WARN], counts[SEVERITY_NOTE], counts[SEVERITY_OK],
	       counts[SEVERITY_BAD]    ? "not fit to measure on"
	       : counts[SEVERITY_WARN] ? "fit to compare, with noise"
				       : "fit to measure on");
}

static json_t *finding_json(const struct finding *f)
{
	return json_pack("{s:s, s:s, s:b, s:s, s:s, s:s}", "id", f->id, "severity",
			 severity_names[f->severity], "unknown", f->is_unknown, "seen", f->seen,
			 "why", f->why, "do", f->remedy);
}

static void print_json(const struct doctor_report *report)
{
	json_t *list = json_array(), *json;

	for (unsigned i = 0; i < report->count; i++)
		json_array_append_new(list, finding_json(&report->findings[i]));
	json = json_pack("{s:s, s:o}", "worst", severity_names[doctor_worst(report)], "findings",
			 list);
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(json);
}

/* A folder without a /proc and CPUs that are not there would all be found fine, or unknown. */
static int check_request(const struct doctor_opts *opts, struct err *err)
{
	char text[1024], missing_text[256];
	cpu_set_t planned, online, missing;

	if (!machine_has(opts->root, "/proc"))
		return err_set(err, -EINVAL,
			       "--root=%s: no folder with the proc and sys of a machine",
			       opts->root);
	if (!machine_read(opts->root, "/sys/devices/system/cpu/online", text, sizeof(text)))
		return 0;
	cpus_read(opts->cpus, &planned);
	cpus_read(text, &online);
	if (!cpus_minus(&planned, &online, &missing))
		return 0;
	cpus_write(&missing, missing_text, sizeof(missing_text));
	return err_set(err, -EINVAL, "--cpus=%s: no cpu %s here (online %.900s)", opts->cpus,
		       missing_text, text);
}

static int examine(const struct doctor_opts *opts, struct err *err)
{
	struct doctor_request request = { .root = opts->root, .window_ns = opts->window_ns };
	struct doctor_report report;
	int rc;

	cpus_read(opts->cpus, &request.planned);
	rc = doctor_examine(&request, &report, err);
	if (rc < 0)
		return rc;
	if (opts->is_json)
		print_json(&report);
	else
		print_findings(&report);
	return doctor_worst(&report) == SEVERITY_BAD;
}

int run_doctor(int argc, char **argv)
{
	struct knob_set set = { 0 };
	struct doctor_opts opts;
	struct err err = { 0 };
	int positional = 0, rc;

	knob_set_add(&set, &group, &opts);
	if (knob_wants_help(argc, argv))
		return print_help(command_find("doctor"), &set);
	if (knob_set_args(&set, argc, argv, &positional, &err) < 0)
		return complain(EXIT_USAGE, "doctor", &err);
	if (positional) {
		err_set(&err, -EINVAL, "\"%s\" is not an option; options begin with --", argv[1]);
		return complain(EXIT_USAGE, "doctor", &err);
	}
	if (check_request(&opts, &err) < 0)
		return complain(EXIT_USAGE, "doctor", &err);
	rc = examine(&opts, &err);
	return rc < 0 ? complain(EXIT_IMPOSSIBLE, "doctor", &err) : rc ? EXIT_CHECK : EXIT_VALID;
}
