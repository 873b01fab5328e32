/*
 * plan.c - `ringwalk plan`: what a sweep would do, how long, what it could tell; nothing is run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/plan.h"

#include <errno.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/role.h"

int run_plan(int argc, char **argv)
{
	struct knob_set none = { 0 };
	struct experiment *x;
	struct plan *plan;
	struct err err = { 0 };
	bool possible;
	int files = 0;

	if (knob_wants_help(argc, argv))
		return print_help(command_find(argv[0]), NULL);
	if (knob_set_args(&none, argc, argv, &files, &err) < 0)
		return complain(EXIT_USAGE, argv[0], &err);
	if (files != 1) {
		err_set(&err, -EINVAL, "give one FILE: ringwalk plan bench/demo.yaml");
		return complain(EXIT_USAGE, argv[0], &err);
	}
	if (experiment_load(argv[1], &cli_parts, &x, &err) < 0 ||
	    plan_create(x, &cli_parts, "/proc/self/exe", "", &plan, &err) < 0)
		return complain(exit_code_of(&err), argv[0], &err);
	plan_write_text(plan, stdout);
	possible = plan->configs[plan->baseline].possible;
	plan_destroy(plan);
	return possible ? EXIT_VALID : EXIT_IMPOSSIBLE;
}
