/*
 * client.c - `ringwalk client`: load one node, print what it saw.
 *
 * The table goes to standard output unless something else is asked for there. Ctrl-C ends the run
 * early and keeps what there is (status 4).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/client.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/client_rows.h"
#include "cli/role.h"
#include "client/result_json.h"
#include "client/result_text.h"
#include "lab/node_json.h"

struct client_output {
	char json[256], hgrm[256], hlog[256], records[256];
	bool split, dry_run, quiet;
};

struct client_cli {
	struct role_cli role;
	struct client_output output;
	struct rows_opts rows_opts;
	struct rows rows;
	struct client_result *result;
};

#define FILE_KNOB(field, text)                                                                  \
	.name = #field, .type = &knob_text, KNOB_FIELD(struct client_output, field, char[256]), \
	.metavar = "FILE", .help = text

static const struct knob output_knobs[] = {
	{ FILE_KNOB(json, "everything, with the verdict; - for standard output") },
	{ FILE_KNOB(hgrm, "percentiles of the response time as HdrHistogram's text, in us") },
	{ FILE_KNOB(hlog, "histograms as an HdrHistogram log: response, service, lateness") },
	{ FILE_KNOB(records, "one CSV line per request") },
	{ .name = "split",
	  .type = &knob_bool,
	  KNOB_FIELD(struct client_output, split, bool),
	  .def = "no",
	  .help = "where the time went, also when requests only ask for a reply" },
	{ .name = "dry-run",
	  .type = &knob_bool,
	  KNOB_FIELD(struct client_output, dry_run, bool),
	  .def = "no",
	  .help = "print what each request would ask for, and send nothing" },
	{ .name = "quiet",
	  .letter = 'q',
	  .type = &knob_bool,
	  KNOB_FIELD(struct client_output, quiet, bool),
	  .def = "no",
	  .help = "no table; why a run is INVALID is said nevertheless" },
	{ 0 },
};

static const struct knob_group output_group = {
	.name = "",
	.help = "output",
	.knobs = output_knobs,
	.opts_size = sizeof(struct client_output),
};

static atomic_bool stop; /* lock-free, so a signal handler may set what other threads read */

static void on_signal(int number)
{
	(void)number;
	atomic_store_explicit(&stop, true, memory_order_relaxed);
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void finish(struct client_cli *cli)
{
	rows_close(&cli->rows);
	client_result_destroy(cli->result);
	role_cli_close(&cli->role);
}

static int write_json(struct client_cli *cli, FILE *out, struct err *err)
{
	json_t *json = result_json(cli->result);
	int result;

	if (!json)
		return err_sys(err, -ENOMEM, "result");
	json_object_set_new(json, "backend", json_string(cli->role.backend->group.name));
	json_object_set_new(json, "settings", settings_json(cli->role.set));
	json_object_set_new(json, "tunables", placement_json(&cli->role.placement));
	json_object_set_new(json, "autogroup", placement_autogroup());
	result = json_dumpf(json, out, JSON_INDENT(2));
	json_decref(json);
	fputc('\n', out);
	return result < 0 ? err_sys(err, -EIO, "cannot write") : 0;
}

static int write_hgrm(struct client_cli *cli, FILE *out, struct err *err)
{
	return hist_write_hgrm(cli->result->response, out, 1000, err);
}

static int write_hlog(struct client_cli *cli, FILE *out, struct err *err)
{
	const struct client_result *r = cli->result;
	double length_s = (r->end_ns - r->start_ns) / 1e9;
	int result =
		hist_log_begin(out, "ringwalk client, nanoseconds", r->start_epoch_ns / 1e9, err);

	if (result == 0)
		result = hist_log_add(out, "response", r->response, 0, length_s, err);
	if (result == 0)
		result = hist_log_add(out, "service", r->service, 0, length_s, err);
	if (result == 0)
		result = hist_log_add(out, "lateness", r->lateness, 0, length_s, err);
	return result;
}

static int write_records(struct client_cli *cli, FILE *out, struct err *err)
{
	return record_write_csv(cli->result, out, err);
}

/* path "": nothing to do, "-": standard output. */
static int write_file(struct client_cli *cli, const char *option, const char *path,
		      int (*write)(struct client_cli *cli, FILE *out, struct err *err),
		      struct err *err)
{
	AUTO(auto_fclose) FILE *file = NULL;
	FILE *out = stdout;

	if (!path[0])
		return 0;
	if (strcmp(path, "-"))
		out = file = fopen(path, "w");
	if (!out)
		return err_sys(err, -errno, "--%s: %s", option, path);
	if (write(cli, out, err) < 0)
		return err_wrap(err, "--%s: %s", option, path);
	return fflush(out) ? err_sys(err, -errno, "--%s: %s", option, path) : 0;
}

static bool uses_stdout(const struct client_cli *cli)
{
	return rows_use_stdout(&cli->rows_opts) || !strcmp(cli->output.json, "-") ||
	       !strcmp(cli->output.hgrm, "-") || !strcmp(cli->output.hlog, "-") ||
	       !strcmp(cli->output.records, "-");
}

/* Status 1 without a word would be a riddle. */
static void say_why_invalid(const struct client_result *r)
{
	for (unsigned i = 0; i < r->reason_count && r->validity == RUN_INVALID; i++)
		fprintf(stderr, "%s%s", i ? "; " : "ringwalk client: INVALID: ", r->reasons[i]);
	if (r->validity == RUN_INVALID)
		fputc('\n', stderr);
}

static int write_all(struct client_cli *cli, struct err *err)
{
	int result = rows_write(&cli->rows, cli->result, err);

	if (cli->output.quiet && result == 0)
		say_why_invalid(cli->result);
	else if (result == 0)
		result = result_write_text(cli->result, uses_stdout(cli) ? stderr : stdout, err);
	if (result == 0)
		result = write_file(cli, "json", cli->output.json, write_json, err);
	if (result == 0)
		result = write_file(cli, "hgrm", cli->output.hgrm, write_hgrm, err);
	if (result == 0)
		result = write_file(cli, "hlog", cli->output.hlog, write_hlog, err);
	if (result == 0)
		result = write_file(cli, "records", cli->output.records, write_records, err);
	return result;
}

/* Each to be written, and no two to the same place. */
static int check_files(const struct client_cli *cli, struct err *err)
{
	const struct client_output *o = &cli->output;
	const struct {
		const char *option, *path;
	} files[] = { { "json", o->json },
		      { "hgrm", o->hgrm },
		      { "hlog", o->hlog },
		      { "records", o->records },
		      { "output", cli->rows_opts.format.path } };
	const unsigned count = sizeof(files) / sizeof(*files);

	for (unsigned i = 0; i < count; i++) {
		if (check_writable(files[i].option, files[i].path, err) < 0)
			return err->code;
		for (unsigned j = 0; j < i; j++) {
			if (files[i].path[0] && !strcmp(files[i].path, files[j].path))
				return err_set(
					err, -EINVAL,
					"--%s and --%s both name %s; each needs a file of its "
					"own",
					files[j].option, files[i].option, files[i].path);
		}
	}
	return 0;
}

static bool was_given(const struct client_cli *cli, const char *key)
{
	const struct knob_bind *bind;
	const struct knob *k = knob_set_find(cli->role.set, key, &bind);

	return bind->from[k - bind->group->knobs] == KNOB_ARGUMENT;
}

static bool wants_records(const struct client_cli *cli)
{
	return rows_are_wanted(&cli->rows_opts) || cli->output.records[0];
}

/* What each option takes, but not both together. */
static int check_options(const struct client_cli *cli, const struct client_opts *opts,
			 struct err *err)
{
	if (opts->outstanding && (was_given(cli, "rate") || was_given(cli, "period")))
		return err_set(
			err, -EINVAL,
			"--outstanding and --rate contradict each other: a closed loop has no "
			"rate; leave one out");
	if (wants_records(cli) && !opts->records)
		return err_set(err, -EINVAL,
			       "--rows, --output and --records need --keep-records above 0");
	return check_files(cli, err);
}

static int load(struct client_cli *cli, struct err *err)
{
	struct hooks hooks;
	struct client_opts opts =
		*(const struct client_opts *)role_knobs_opts(cli->role.knobs, &client_knobs);
	int result = check_options(cli, &opts, err);

	if (result == 0 && cli->output.dry_run)
		return client_print_program(&opts, stdout, err);
	if (result == 0)
		result = role_cli_begin(&cli->role, "client", &hooks, err);
	if (result == 0)
		result = rows_open(&cli->rows, &cli->rows_opts, err);
	if (result < 0)
		return result;
	if (!wants_records(cli))
		opts.records = 0;
	cli->rows.sink.needs_all = cli->output.records[0];
	opts.sink = &cli->rows.sink;
	opts.tls = role_knobs_opts(cli->role.knobs, &tls_knobs);
	opts.secret = role_knobs_opts(cli->role.knobs, &secret_knobs);
	catch_signals();
	result = client_run(&opts, cli->role.backend, cli->role.backend_opts, &hooks, &stop,
			    &cli->result, err);
	if (result < 0)
		return result;
	placement_tell(&cli->role.placement);
	cli->result->shows_split |= cli->output.split;
	return write_all(cli, err);
}

static int exit_code(const struct client_result *r)
{
	if (r->interrupted)
		return EXIT_INTERRUPTED;
	if (r->validity == RUN_INVALID || r->counts.done < r->counts.planned)
		return EXIT_CHECK;
	return EXIT_VALID;
}

int run_client(int argc, char **argv)
{
	AUTO(finish) struct client_cli cli = { 0 };
	struct err err = { 0 };

	if (role_cli_open(&cli.role, ROLE_CLIENT, &output_group, &cli.output, &err) < 0)
		return complain(EXIT_IMPOSSIBLE, argv[0], &err);
	knob_set_add(cli.role.set, &rows_knobs, &cli.rows_opts);
	if (knob_wants_help(argc, argv))
		return print_long_help(command_find(argv[0]), cli.role.set, argc, argv);
	if (knob_wants_usage(argc, argv))
		return print_usage(command_find(argv[0]), cli.role.set);
	if (role_cli_read(&cli.role, argc, argv, &err) < 0 || load(&cli, &err) < 0)
		return complain(exit_code_of(&err), argv[0], &err);
	return cli.output.dry_run ? EXIT_VALID : exit_code(cli.result);
}
