/*
 * role.h - what `node`, `client`, `hog`, `proxy` have in common: options, backend, placement.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLI_ROLE_H
#define RW_CLI_ROLE_H

#include "base/knob_script.h"
#include "lab/parts.h"
#include "lab/placement.h"

/* Every backend, every tunable, every role: what this program is made of. */
extern const struct parts cli_parts;

struct role_cli {
	struct role_knobs *knobs;
	struct knob_set *set;
	const struct backend_ops *backend; /* NULL: a role without connections */
	const void *backend_opts;
	struct placement placement;
	struct script_opts files; /* -f */
};

/* All options at their defaults; extra: what only the command has (output files), filled into
 * extra_opts; NULL: nothing. */
int role_cli_open(struct role_cli *r, enum role role, const struct knob_group *extra,
		  void *extra_opts, struct err *err);

/* Reads argv, chooses the backend, asks it whether it can run here. */
int role_cli_read(struct role_cli *r, int argc, char **argv, struct err *err);

/*
 * Applies what is for the process. Gives hooks that apply the other tunables and say sentences on
 * standard error, headed by `command`.
 */
int role_cli_begin(struct role_cli *r, const char *command, struct hooks *ret, struct err *err);

void role_cli_close(struct role_cli *r);

#endif
