/*
 * tune.h - the parts of `ringwalk tune`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLI_TUNE_H
#define RW_CLI_TUNE_H

#include <stdio.h>

#include "cli/cli.h"
#include "system/setting.h"

struct tune_opts {
	bool force, forget, degraded, private_network;
};

/* What one call is about: its words are argv[1] to argv[count]. */
struct tune {
	struct tune_opts opts;
	struct setting_request *requests;
	unsigned request_count;
	struct setting_plan plan;
	char **command; /* behind "--"; NULL: none */
};

/* tune_text.c: tables on standard output. */
void tune_print_plan(const struct tune *t, bool is_split);
void tune_print_settings(const struct setting_plan *plan, bool is_split);
void tune_print_all(const struct setting_plan *plan, bool is_split);
void tune_print_profiles(void);
void tune_print_markdown(void); /* the table of all settings, for docs/settings.md */
/* The exit status or -errno; one complaint for each journal that is none or cannot be read. */
int tune_print_status(struct err *err);
/* One complaint for each change that was not made, optional or not. */
void tune_print_failures(const struct setting_plan *plan, bool in_netns);

/* tune_run.c: applies, runs the command, restores. Returns the exit status. */
int tune_run_command(struct tune *t);
/* Takes everything back and frees j; says what was left alone. Returns whether nothing was. */
bool tune_restore(struct journal *j);

#endif
