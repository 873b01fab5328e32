/*
 * proxy.c - `ringwalk proxy`: pass on until a signal says stop.
 *
 * One line `listening on ADDRESS` per address when ready, and only then; after them `seed N`.
 * SIGINT and SIGTERM: counters, exit 0. SIGUSR1: counters, flushed. Signals are taken by the main
 * thread alone, which waits for nothing else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proxy/proxy.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/role.h"
#include "proxy/route.h"

struct proxy_cli {
	struct role_cli role;
	struct proxy *proxy;
};

static void finish(struct proxy_cli *cli)
{
	proxy_destroy(cli->proxy);
	role_cli_close(&cli->role);
}

static void print_start(const struct proxy *proxy)
{
	for (unsigned i = 0; i < proxy_address_count(proxy); i++) {
		char text[ADDRESS_TEXT + 8];

		printf("listening on %s\n",
		       route_format_address(proxy_address(proxy, i), text, sizeof(text)));
	}
	printf("seed %" PRIu64 "\n", proxy_seed(proxy));
	fflush(stdout);
}

static void print_way(const char *name, const struct proxy_way_stats *way)
{
	printf("%s: bytes %" PRIu64 " in and %" PRIu64 " out, pieces %" PRIu64 ", delayed %" PRIu64
	       ", pauses %" PRIu64 ", dropped %" PRIu64 "\n",
	       name, way->bytes_in, way->bytes_out, way->pieces, way->delayed, way->pauses,
	       way->dropped);
}

static void print_counters(struct proxy *proxy)
{
	struct proxy_stats s;

	proxy_stats(proxy, &s);
	printf("connections accepted %" PRIu64 " and open %" PRIu64
	       ", refused by the server %" PRIu64 ", turned away %" PRIu64 ", resets %" PRIu64 "\n",
	       s.accepted, s.open, s.refused, s.turned_away, s.resets);
	print_way("forth", &s.way[PROXY_FORTH]);
	print_way("back", &s.way[PROXY_BACK]);
	printf("faults:");
	for (int kind = 0; kind < FAULT_KINDS; kind++)
		printf("%s %s %" PRIu64, kind ? "," : "", fault_kind_names[kind], s.faults[kind]);
	putchar('\n');
	fflush(stdout);
}

static void wait_for_end(struct proxy *proxy, const sigset_t *set)
{
	int signal_number = 0;

	while (signal_number != SIGINT && signal_number != SIGTERM) {
		sigwait(set, &signal_number);
		if (signal_number == SIGUSR1)
			print_counters(proxy);
	}
}

static int serve(struct proxy_cli *cli, struct err *err)
{
	struct hooks hooks;
	sigset_t signals;
	int result = role_cli_begin(&cli->role, "proxy", &hooks, err);

	if (result < 0)
		return result;
	take_signals(&signals);
	result = proxy_start(&cli->proxy, role_knobs_opts(cli->role.knobs, &proxy_knobs),
			     cli->role.backend, cli->role.backend_opts, &hooks, err);
	if (result < 0)
		return result;
	print_start(cli->proxy);
	wait_for_end(cli->proxy, &signals);
	/* The last ones are exact only when nothing is counted any more. */
	result = proxy_stop(cli->proxy, err);
	print_counters(cli->proxy);
	placement_tell(&cli->role.placement);
	return result;
}

int run_proxy(int argc, char **argv)
{
	AUTO(finish) struct proxy_cli cli = { 0 };
	struct err err = { 0 };

	if (role_cli_open(&cli.role, ROLE_PROXY, NULL, NULL, &err) < 0)
		return complain(EXIT_IMPOSSIBLE, argv[0], &err);
	if (knob_wants_help(argc, argv))
		return print_long_help(command_find(argv[0]), cli.role.set, argc, argv);
	if (knob_wants_usage(argc, argv))
		return print_usage(command_find(argv[0]), cli.role.set);
	if (role_cli_read(&cli.role, argc, argv, &err) < 0 || serve(&cli, &err) < 0)
		return complain(exit_code_of(&err), argv[0], &err);
	return EXIT_VALID;
}
