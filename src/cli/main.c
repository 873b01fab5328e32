/*
 * main.c - ringwalk: finds the command and runs it.
 *
 * src/cli is the only folder that prints errors or exits. One file a command.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const char plan_more[] =
	"FILE is an experiment, such as bench/demo.yaml; README.md and docs/METHOD.md say what\n"
	"stands in it. Nothing is run. Status: 3 when the baseline is not possible here.";
static const char sweep_more[] =
	"Status: 1 when a run has failed, or stayed INVALID although it was repeated; 4 when it\n"
	"was interrupted: --resume goes on behind the last complete run.";
static const char report_more[] =
	"Writes DIR/report.html, DIR/runs.csv and DIR/verdict.json anew. Status: 1 when a run has\n"
	"failed, or stayed INVALID although it was repeated.";
static const char doctor_more[] = "Status: 1 when something is bad.";

const struct command commands[] = {
	{ "node", "[OPTIONS]", "serve: run the programs that requests carry, and reply", run_node,
	  NULL },
	{ "client", "[OPTIONS]", "load one node, print what it saw", run_client, NULL },
	{ "proxy", "[OPTIONS]", "pass on what comes: later, slower, cut up, or not at all",
	  run_proxy, NULL },
	{ "hog", "[OPTIONS]", "be busy beside them: what else wants the CPU", run_hog, NULL },
	{ "plan", "FILE", "what a sweep will do, how long, what it can tell", run_plan, plan_more },
	{ "sweep", "FILE -o DIR | --resume DIR", "factors x blocks, resumable", run_sweep,
	  sweep_more },
	{ "report", "DIR", "table and HTML of a sweep", run_report, report_more },
	{ "tune", "show|plan|apply|restore|run",
	  "settings of the whole machine, applied and taken back", run_tune, NULL },
	{ "doctor", "[OPTIONS]", "is this machine fit to measure on, and why not", run_doctor,
	  doctor_more },
	{ "info", "[WHAT]", "backends, tunables, knobs: what exists, what works here, why not",
	  run_info, NULL },
	{ "help", "[COMMAND]", "this, or the options of a command", run_help, NULL },
	{ 0 },
};

const struct command *command_find(const char *name)
{
	for (const struct command *c = commands; c->name; c++) {
		if (!strcmp(c->name, name))
			return c;
	}
	return NULL;
}

static void print_overview(FILE *out)
{
	fputs("ringwalk: which configuration of this machine serves a distributed workload "
	      "best\n\nusage: ringwalk COMMAND [OPTIONS]\n\n",
	      out);
	for (const struct command *c = commands; c->name; c++)
		fprintf(out, "  %-7s %-28s %s\n", c->name, c->arguments, c->help);
	fputs("\n`ringwalk help COMMAND` lists a command's options, `ringwalk node --help=sched` a "
	      "part of them,\n`ringwalk --version` says which ringwalk this is.\n"
	      "Exit status: 0 done and valid, 1 a check or a request failed, 2 wrong usage or "
	      "file,\n3 not possible on this machine, 4 interrupted with results kept.\n",
	      out);
}

static int unknown_command(const char *name)
{
	const char *names[sizeof(commands) / sizeof(*commands)];
	const char *near;
	size_t n = 0;

	for (const struct command *c = commands; c->name; c++)
		names[n++] = c->name;
	names[n] = NULL;
	near = nearest_word(name, names);
	if (near)
		fprintf(stderr, "ringwalk: no command \"%s\"; did you mean %s?\n", name, near);
	else
		fprintf(stderr, "ringwalk: no command \"%s\"; `ringwalk help` lists them\n", name);
	return EXIT_USAGE;
}

int run_help(int argc, char **argv)
{
	const struct command *c;
	char *help[] = { NULL, "--help", NULL };

	if (argc < 2) {
		print_overview(stdout);
		return EXIT_VALID;
	}
	c = command_find(argv[1]);
	if (!c)
		return unknown_command(argv[1]);
	help[0] = argv[1];
	return c->run == run_help ? run_help(1, help) : c->run(2, help);
}

int main(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		print_overview(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return run_help(1, argv);
	if (!strcmp(argv[1], "--version")) {
		puts("ringwalk " RINGWALK_VERSION);
		return EXIT_VALID;
	}
	c = command_find(argv[1]);
	return c ? c->run(argc - 1, argv + 1) : unknown_command(argv[1]);
}
