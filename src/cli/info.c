/*
 * info.c - `ringwalk info`: what exists, what works on this machine, why not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "backends/backend.h"
#include "cli/cli.h"
#include "cli/info_machine.h"
#include "cli/info_uring.h"
#include "cli/info_values.h"
#include "cli/role.h"
#include "cli/tune.h"
#include "cli/wrapped.h"
#include "tunables/tunable.h"

enum { COLUMN_HELP = 14, COLUMN_TRIAL = 46 };

static void print_line(const struct knob_group *g, int (*probe)(struct err *why))
{
	struct err why = { 0 };
	char text[1024];

	if (probe && probe(&why) < 0)
		snprintf(text, sizeof(text), "%s; not here: %s", g->help, why.text);
	else
		snprintf(text, sizeof(text), "%s; works here", g->help);
	printf("  %-*s", COLUMN_HELP - 2, g->name);
	print_wrapped(COLUMN_HELP, text);
}

static int print_backends(void)
{
	char text[1024];

	puts("backends");
	for (unsigned i = 0; backends[i]; i++)
		print_line(&backends[i]->group, backends[i]->probe);
	if (*io_uring_describe(text, sizeof(text))) {
		printf("%*sio_uring has: ", COLUMN_HELP, "");
		print_wrapped(COLUMN_HELP + (int)strlen("io_uring has: "), text);
	}
	return EXIT_VALID;
}

/* Each in a thread that ends then: nothing of it stays. */
static void print_trial(const struct tunable *tn, const char *settings)
{
	struct verdict_report report;
	struct err err = { 0 };
	char text[512];

	if (tunable_try(tn, settings, &report, &err) < 0)
		snprintf(text, sizeof(text), "not tried: %.400s", err.text);
	else
		snprintf(text, sizeof(text), "%s%s%s", verdict_names[report.verdict],
			 *report.why ? ": " : "", report.why);
	printf("    %-*s", COLUMN_TRIAL - 4, settings);
	print_wrapped(COLUMN_TRIAL, text);
}

static int print_tunables(void)
{
	puts("tunables, and what came of trying some of their settings");
	for (unsigned i = 0; tunables[i]; i++) {
		print_line(&tunables[i]->group, tunables[i]->probe);
		for (unsigned k = 0; tunables[i]->trials && tunables[i]->trials[k]; k++)
			print_trial(tunables[i], tunables[i]->trials[k]);
	}
	return EXIT_VALID;
}

static int print_machine_section(void)
{
	print_machine();
	return EXIT_VALID;
}

static int print_role_knobs(const char *title, enum role role)
{
	struct role_knobs *knobs;
	struct err err = { 0 };

	if (role_knobs_create(&cli_parts, role, &knobs, &err) < 0)
		return complain(EXIT_IMPOSSIBLE, "info", &err);
	printf("\n## %s\n\n", title);
	knob_set_markdown(role_knobs_set(knobs), stdout);
	role_knobs_destroy(knobs);
	return EXIT_VALID;
}

static int print_knobs(void)
{
	puts("# Every knob\n\nMade by `ringwalk info knobs` from the tables in the source. How the "
	     "kernel is asked afterwards\nwhat it has stands in the last column; what it takes "
	     "and does not do: [silent.md](silent.md).");
	if (print_role_knobs("ringwalk node", ROLE_NODE))
		return EXIT_IMPOSSIBLE;
	if (print_role_knobs("ringwalk client", ROLE_CLIENT))
		return EXIT_IMPOSSIBLE;
	if (print_role_knobs("ringwalk proxy", ROLE_PROXY))
		return EXIT_IMPOSSIBLE;
	return print_role_knobs("ringwalk hog", ROLE_HOG);
}

/* A manual page; its options are the knobs' own lines. */
static int print_man(enum role role)
{
	const struct command *c = command_find(role_names[role]);
	struct role_knobs *knobs;
	struct err err = { 0 };

	if (role_knobs_create(&cli_parts, role, &knobs, &err) < 0)
		return complain(EXIT_IMPOSSIBLE, "info", &err);
	printf(".TH RINGWALK\\-%s 1 \"\" \"ringwalk %s\" \"User Commands\"\n"
	       ".SH NAME\nringwalk\\-%s \\- %s\n"
	       ".SH SYNOPSIS\n.B ringwalk %s\n[OPTIONS]\n.SH OPTIONS\n",
	       c->name, RINGWALK_VERSION, c->name, c->help, c->name);
	knob_set_man(role_knobs_set(knobs), stdout);
	puts(".SH EXIT STATUS\n0 done and valid, 1 a check or a request failed, 2 wrong usage, "
	     "3 not possible on this machine, 4 interrupted with results kept.");
	role_knobs_destroy(knobs);
	return EXIT_VALID;
}

static int print_node_man(void)
{
	return print_man(ROLE_NODE);
}

static int print_client_man(void)
{
	return print_man(ROLE_CLIENT);
}

static int print_proxy_man(void)
{
	return print_man(ROLE_PROXY);
}

static int print_hog_man(void)
{
	return print_man(ROLE_HOG);
}

static int print_values(void)
{
	print_value_page();
	return EXIT_VALID;
}

static int print_settings(void)
{
	tune_print_markdown();
	return EXIT_VALID;
}

static int print_all(void)
{
	print_machine();
	putchar('\n');
	print_backends();
	putchar('\n');
	return print_tunables();
}

static const struct topic {
	const char *name, *help;
	int (*print)(void);
} topics[] = {
	{ "all", "machine, backends and tunables", print_all },
	{ "machine", "kernel, CPUs, caches, memory, control groups", print_machine_section },
	{ "topology", "the parts of this machine that --pin.at takes", print_topology },
	{ "backends", "the kernel's I/O interfaces", print_backends },
	{ "tunables", "what the kernel can be told, and what it says to it", print_tunables },
	{ "knobs", "every option, as a Markdown table", print_knobs },
	{ "settings", "settings of the whole machine, as a Markdown table", print_settings },
	{ "values", "laws that numbers are drawn from, as Markdown", print_values },
	{ "man-node", "manual page of `ringwalk node`", print_node_man },
	{ "man-client", "manual page of `ringwalk client`", print_client_man },
	{ "man-proxy", "manual page of `ringwalk proxy`", print_proxy_man },
	{ "man-hog", "manual page of `ringwalk hog`", print_hog_man },
};
#define TOPICS (sizeof(topics) / sizeof(*topics))

static int print_topics(void)
{
	print_help(command_find("info"), NULL);
	for (size_t i = 0; i < TOPICS; i++)
		printf("  %-11s %s\n", topics[i].name, topics[i].help);
	return EXIT_VALID;
}

static int unknown_topic(const char *what)
{
	const char *names[TOPICS + 1] = { 0 };
	const char *near;

	for (size_t i = 0; i < TOPICS; i++)
		names[i] = topics[i].name;
	near = nearest_word(what, names);
	fprintf(stderr,
		"ringwalk info: nothing called \"%s\"%s%s; `ringwalk info --help` lists what "
		"there is\n",
		what, near ? "; did you mean " : "", near ? near : "");
	return EXIT_USAGE;
}

int run_info(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "all";

	if (knob_wants_help(argc, argv))
		return print_topics();
	if (argc > 2) {
		fprintf(stderr, "ringwalk info: one thing at a time: \"%s\" or \"%s\"\n", argv[1],
			argv[2]);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < TOPICS; i++) {
		if (!strcmp(what, topics[i].name))
			return topics[i].print();
	}
	return unknown_topic(what);
}
