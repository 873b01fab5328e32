/*
 * cli.h - what the commands share: exit codes, the list of commands, the one way to complain.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLI_CLI_H
#define RW_CLI_CLI_H

#include <jansson.h>
#include <signal.h>

#include "base/err.h"
#include "base/knob.h"

enum exit_code {
	EXIT_VALID = 0,	      /* done and valid */
	EXIT_CHECK = 1,	      /* ran, but a check or a request failed */
	EXIT_USAGE = 2,	      /* wrong usage or file */
	EXIT_IMPOSSIBLE = 3,  /* not possible on this machine */
	EXIT_INTERRUPTED = 4, /* results so far kept */
};

struct command {
	const char *name;
	const char *arguments; /* "FILE -o DIR" */
	const char *help;
	int (*run)(int argc, char **argv); /* argv[0] is the command's name */
	const char *more;		   /* below the options of --help; NULL: nothing */
};
/* Ends with a command without a name. */
extern const struct command commands[];
const struct command *command_find(const char *name);

/* "ringwalk node: SENTENCE" on standard error. Returns code. */
int complain(enum exit_code code, const char *command, const struct err *err);
/* EXIT_USAGE for what was asked wrongly (-EINVAL), EXIT_IMPOSSIBLE for what the machine refuses. */
enum exit_code exit_code_of(const struct err *err);

/*
 * A file that cannot be written is found out before the work, not after it. "" and "-": fine. What
 * is in it stays, and one that was not there is not there afterwards: the work may not begin.
 */
int check_writable(const char *option, const char *path, struct err *err);

/* Writes json, which is taken, into the file that the option names; "-" is standard output. */
int write_json_file(const char *option, const char *path, json_t *json, struct err *err);

/* SIGINT, SIGTERM and SIGUSR1 are blocked in every thread from here on, for sigwait(); SIGPIPE is
 * ignored. */
void take_signals(sigset_t *set);

/* Usage, what it does, options (set may be NULL); to standard output. Returns EXIT_VALID. */
int print_help(const struct command *c, const struct knob_set *set);
/* The same for commands with many options: argv may ask for a part, --help=sched. */
int print_long_help(const struct command *c, const struct knob_set *set, int argc, char **argv);

/* The forms of all options, and no more: --usage, as in DistWalk. */
int print_usage(const struct command *c, const struct knob_set *set);

int run_node(int argc, char **argv);
int run_client(int argc, char **argv);
int run_proxy(int argc, char **argv);
int run_hog(int argc, char **argv);
int run_sweep(int argc, char **argv);
int run_plan(int argc, char **argv);
int run_report(int argc, char **argv);
int run_tune(int argc, char **argv);
int run_doctor(int argc, char **argv);
int run_info(int argc, char **argv);
int run_help(int argc, char **argv);

#endif
