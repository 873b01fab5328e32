/*
 * hog.c - `ringwalk hog`: be busy beside a node until a signal or the end of --duration.
 *
 * One line `busy with N threads` when all of them have begun. At the end what each thread got of
 * the CPU; --json has that with what became of the tunables.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hog/hog.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/role.h"
#include "lab/node_json.h"

struct hog_output {
	char json[256];
};

struct hog_cli {
	struct role_cli role;
	struct hog_output output;
	struct hog *hog;
};

static const struct knob output_knobs[] = {
	{ .name = "json",
	  .type = &knob_text,
	  KNOB_FIELD(struct hog_output, json, char[256]),
	  .metavar = "FILE",
	  .help = "settings, effective values and CPU used at the end; - for standard output" },
	{ 0 },
};

static const struct knob_group output_group = {
	.name = "",
	.help = "output",
	.knobs = output_knobs,
	.opts_size = sizeof(struct hog_output),
};

static void finish(struct hog_cli *cli)
{
	hog_destroy(cli->hog);
	role_cli_close(&cli->role);
}

static void print_counters(const struct hog *hog)
{
	for (unsigned i = 0; i < hog_threads(hog); i++) {
		struct hog_stats s;

		hog_stats(hog, i, &s);
		printf("hog %u: %.3f s of CPU\n", i, (double)s.cpu_ns / SEC);
	}
	fflush(stdout);
}

static json_t *threads_json(const struct hog *hog)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < hog_threads(hog); i++) {
		struct hog_stats s;

		hog_stats(hog, i, &s);
		json_array_append_new(list, json_pack("{s:I, s:I}", "cpu_ns", (json_int_t)s.cpu_ns,
						      "rounds", (json_int_t)s.rounds));
	}
	return list;
}

static int write_json(struct hog_cli *cli, struct err *err)
{
	json_t *json = json_pack("{s:i, s:o, s:o, s:o, s:o}", "version", 1, "settings",
				 settings_json(cli->role.set), "tunables",
				 placement_json(&cli->role.placement), "autogroup",
				 placement_autogroup(), "threads", threads_json(cli->hog));

	return write_json_file("json", cli->output.json, json, err);
}

/* Looks now and then whether the threads have come to their end by themselves. */
static void wait_for_end(const struct hog *hog, const sigset_t *set)
{
	const struct timespec nap = clock_timespec(100 * MS);
	int signal_number = 0;

	while (signal_number != SIGINT && signal_number != SIGTERM && !hog_is_over(hog)) {
		signal_number = sigtimedwait(set, NULL, &nap);
		if (signal_number == SIGUSR1)
			print_counters(hog);
	}
}

static int serve(struct hog_cli *cli, struct err *err)
{
	sigset_t signals;
	struct hooks hooks;
	int rc = check_writable("json", cli->output.json, err);

	if (rc == 0)
		rc = role_cli_begin(&cli->role, "hog", &hooks, err);
	if (rc < 0)
		return rc;
	take_signals(&signals);
	rc = hog_start(&cli->hog, role_knobs_opts(cli->role.knobs, &hog_knobs), &hooks, err);
	if (rc < 0)
		return rc;
	printf("busy with %u thread%s\n", hog_threads(cli->hog),
	       hog_threads(cli->hog) == 1 ? "" : "s");
	fflush(stdout);
	wait_for_end(cli->hog, &signals);
	hog_stop(cli->hog);
	print_counters(cli->hog);
	placement_tell(&cli->role.placement);
	return *cli->output.json ? write_json(cli, err) : 0;
}

int run_hog(int argc, char **argv)
{
	AUTO(finish) struct hog_cli cli = { 0 };
	struct err err = { 0 };

	if (role_cli_open(&cli.role, ROLE_HOG, &output_group, &cli.output, &err) < 0)
		return complain(EXIT_IMPOSSIBLE, argv[0], &err);
	if (knob_wants_help(argc, argv))
		return print_long_help(command_find(argv[0]), cli.role.set, argc, argv);
	if (knob_wants_usage(argc, argv))
		return print_usage(command_find(argv[0]), cli.role.set);
	if (role_cli_read(&cli.role, argc, argv, &err) < 0 || serve(&cli, &err) < 0)
		return complain(exit_code_of(&err), argv[0], &err);
	return EXIT_VALID;
}
