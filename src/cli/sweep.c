/*
 * sweep.c - `ringwalk sweep`: runs a plan to its end, then says what came out.
 *
 * Progress goes to standard error, the table to standard output, the pictures to DIR/report.html.
 * Ctrl-C keeps every complete run; the next `--resume` goes on behind it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/sweep.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/results.h"
#include "cli/role.h"
#include "lab/store.h"

struct sweep_cli {
	char output[256], resume[256];
	bool force;
	char program[PATH_MAX];
	struct plan *plan;
	struct progress_writer progress;
};

static const struct knob sweep_knobs[] = {
	{ .name = "output",
	  .letter = 'o',
	  .type = &knob_text,
	  KNOB_FIELD(struct sweep_cli, output, char[256]),
	  .metavar = "DIR",
	  .help = "folder for the runs and the report; new or empty" },
	{ .name = "resume",
	  .type = &knob_text,
	  KNOB_FIELD(struct sweep_cli, resume, char[256]),
	  .metavar = "DIR",
	  .help = "go on with the sweep in this folder; only what is missing is run" },
	{ .name = "force-resume",
	  .type = &knob_bool,
	  KNOB_FIELD(struct sweep_cli, force, bool),
	  .def = "no",
	  .help = "resume although machine, kernel or program have changed" },
	{ 0 },
};

static const struct knob_group sweep_group = {
	.name = "",
	.help = "sweep",
	.knobs = sweep_knobs,
	.opts_size = sizeof(struct sweep_cli),
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void finish(struct sweep_cli *cli)
{
	plan_destroy(cli->plan);
}

static void show_progress(void *context, const struct progress *p)
{
	struct sweep_cli *cli = context;

	progress_write(&cli->progress, p, clock_now_ns());
}

static void say(void *context, const char *sentence)
{
	struct sweep_cli *cli = context;

	progress_end(&cli->progress);
	fprintf(stderr, "ringwalk sweep: %s\n", sentence);
}

/* Every run is made by this very program, whatever becomes of its file's name. */
static int find_program(struct sweep_cli *cli, struct err *err)
{
	ssize_t len = readlink("/proc/self/exe", cli->program, sizeof(cli->program) - 1);

	if (len < 0)
		return err_sys(err, -errno, "/proc/self/exe");
	cli->program[len] = 0;
	return 0;
}

static int make_plan(struct sweep_cli *cli, const char *file, struct err *err)
{
	struct experiment *x;
	char command[512], path[PATH_MAX];
	int result;

	if (cli->resume[0])
		return plan_load(store_plan_path(cli->resume, path, sizeof(path)), &cli->plan, err);
	snprintf(command, sizeof(command), "ringwalk sweep %s -o %s", file, cli->output);
	result = experiment_load(file, &cli_parts, &x, err);
	if (result < 0)
		return result;
	return plan_create(x, &cli_parts, cli->program, command, &cli->plan, err);
}

static int run_all(struct sweep_cli *cli, struct err *err)
{
	struct sweep_result result;
	struct sweep_opts opts = {
		.folder = cli->resume[0] ? cli->resume : cli->output,
		.program = cli->program,
		.resume = cli->resume[0],
		.force = cli->force,
		.stop = &stop,
		.progress = show_progress,
		.say = say,
		.context = cli,
	};
	int rc;

	catch_signals();
	progress_writer_init(&cli->progress, stderr);
	rc = sweep_run(cli->plan, &opts, &result, err);
	progress_end(&cli->progress);
	return rc < 0 ? rc : results_show(opts.folder, stdout, err);
}

static int check_usage(const struct sweep_cli *cli, int files, struct err *err)
{
	if (cli->resume[0] && (files || cli->output[0]))
		return err_set(
			err, -EINVAL,
			"--resume goes on with the plan in its folder; FILE and -o do not go "
			"with it");
	if (!cli->resume[0] && (files != 1 || !cli->output[0]))
		return err_set(err, -EINVAL,
			       "give one FILE and -o DIR, or --resume DIR: ringwalk sweep "
			       "bench/demo.yaml -o demo");
	return 0;
}

static enum exit_code sweep_exit_code(const struct err *err)
{
	return err->code == -EINTR ? EXIT_INTERRUPTED : exit_code_of(err);
}

int run_sweep(int argc, char **argv)
{
	AUTO(finish) struct sweep_cli cli = { 0 };
	struct knob_set set = { 0 };
	struct err err = { 0 };
	int files = 0, result;

	knob_set_add(&set, &sweep_group, &cli);
	if (knob_wants_help(argc, argv))
		return print_help(command_find(argv[0]), &set);
	if (knob_set_args(&set, argc, argv, &files, &err) < 0 || check_usage(&cli, files, &err) < 0)
		return complain(EXIT_USAGE, argv[0], &err);
	if (find_program(&cli, &err) < 0 || make_plan(&cli, argv[1], &err) < 0)
		return complain(exit_code_of(&err), argv[0], &err);
	result = run_all(&cli, &err);
	return result < 0 ? complain(sweep_exit_code(&err), argv[0], &err) : result;
}
