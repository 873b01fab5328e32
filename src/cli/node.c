/*
 * node.c - `ringwalk node`: serve until a signal says stop.
 *
 * One line `listening on ADDRESS` per address when ready, and only then. SIGINT and SIGTERM: drain,
 * summary, exit 0. SIGUSR1: counters, flushed. Signals are taken by the main thread alone, which
 * waits for nothing else. What the kernel counted of the node's threads is told since it listens.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/distwalk.h"
#include "cli/role.h"
#include "lab/node_json.h"
#include "node/node.h"

struct node_output {
	char json[256];
};

struct node_cli {
	struct role_cli role;
	struct node_output output;
	struct distwalk_opts distwalk;
	struct node *node;
	struct observation observation;
};

static const struct knob output_knobs[] = {
	{ .name = "json",
	  .type = &knob_text,
	  KNOB_FIELD(struct node_output, json, char[256]),
	  .metavar = "FILE",
	  .help = "settings, effective values and counters at the end; - for standard output" },
	{ 0 },
};

static const struct knob_group output_group = {
	.name = "",
	.help = "output",
	.knobs = output_knobs,
	.opts_size = sizeof(struct node_output),
};

static void finish(struct node_cli *cli)
{
	observation_finish(&cli->observation);
	node_destroy(cli->node);
	role_cli_close(&cli->role);
}

static void print_addresses(const struct node *node)
{
	for (unsigned i = 0; i < node_address_count(node); i++) {
		char text[ADDRESS_TEXT];

		printf("listening on %s\n",
		       address_format(node_address(node, i), text, sizeof(text)));
	}
	fflush(stdout);
}

static void print_observed(struct observation *o, uint64_t requests)
{
	char text[DESCRIBE_TEXT];

	if (o->is_complete && *describe_text(&o->process, &o->machine, (double)requests, text))
		printf("observed: %s\n", text);
}

static void print_counters(struct node_cli *cli)
{
	const struct node *node = cli->node;
	struct node_stats stats;

	for (unsigned i = 0; i < node_worker_count(node); i++) {
		node_stats(node, i, &stats);
		printf("worker %u: ", i);
		node_counters_text(&stats, stdout);
	}
	node_stats(node, -1, &stats);
	printf("all: ");
	node_counters_text(&stats, stdout);
	node_devices_text(node, stdout);
	print_observed(&cli->observation, stats.requests);
	fflush(stdout);
}

static int write_json(struct node_cli *cli, struct err *err)
{
	if (!cli->output.json[0])
		return 0;
	return write_json_file("json", cli->output.json,
			       node_json(cli->node, cli->role.backend->group.name, cli->role.set,
					 &cli->role.placement, &cli->observation),
			       err);
}

/* Threads take their counters along when they end, so they are looked at while all are there. */
static void wait_for_end(struct node_cli *cli, const sigset_t *set)
{
	int signal_number = 0;

	while (signal_number != SIGINT && signal_number != SIGTERM) {
		sigwait(set, &signal_number);
		observation_end(&cli->observation);
		if (signal_number == SIGUSR1)
			print_counters(cli);
	}
}

static int serve(struct node_cli *cli, struct err *err)
{
	struct hooks hooks;
	struct node_opts opts =
		*(const struct node_opts *)role_knobs_opts(cli->role.knobs, &node_knobs);
	sigset_t signals;
	int result = check_writable("json", cli->output.json, err);

	if (result == 0)
		result = role_cli_begin(&cli->role, "node", &hooks, err);
	if (result < 0)
		return result;
	opts.tls = role_knobs_opts(cli->role.knobs, &tls_knobs);
	opts.secret = role_knobs_opts(cli->role.knobs, &secret_knobs);
	take_signals(&signals);
	result = node_start(&cli->node, &opts, cli->role.backend, cli->role.backend_opts, &hooks,
			    err);
	if (result < 0)
		return result;
	observation_begin(&cli->observation, getpid(), &(struct observe_opts){ 0 });
	print_addresses(cli->node);
	wait_for_end(cli, &signals);
	result = node_stop(cli->node, err);
	print_counters(cli);
	placement_tell(&cli->role.placement);
	return result < 0 ? result : write_json(cli, err);
}

static int read_options(struct node_cli *cli, int argc, char **argv, struct err *err)
{
	int result = role_cli_read(&cli->role, argc, argv, err);

	return result < 0 ? result
			  : distwalk_spin(&cli->distwalk, cli->role.backend->group.name, err);
}

int run_node(int argc, char **argv)
{
	AUTO(finish) struct node_cli cli = { 0 };
	struct err err = { 0 };

	if (role_cli_open(&cli.role, ROLE_NODE, &output_group, &cli.output, &err) < 0)
		return complain(EXIT_IMPOSSIBLE, argv[0], &err);
	knob_set_add(cli.role.set, &distwalk_knobs, &cli.distwalk);
	cli.distwalk.set = cli.role.set;
	if (knob_wants_help(argc, argv))
		return print_long_help(command_find(argv[0]), cli.role.set, argc, argv);
	if (knob_wants_usage(argc, argv))
		return print_usage(command_find(argv[0]), cli.role.set);
	if (read_options(&cli, argc, argv, &err) < 0 || serve(&cli, &err) < 0)
		return complain(exit_code_of(&err), argv[0], &err);
	return EXIT_VALID;
}
