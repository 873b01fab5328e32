/*
 * common.c - what all commands share: complaints and help.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"

int complain(enum exit_code code, const char *command, const struct err *err)
{
	fprintf(stderr, "ringwalk %s: %s\n", command, err->text);
	return code;
}

/* What a person wrote, or a file that is not what it should be; else it is the machine. */
enum exit_code exit_code_of(const struct err *err)
{
	switch (err->code) {
	case -EINVAL:
	case -EEXIST:
	case -ENOTEMPTY:
	case -ENOENT:
	case -ENOTDIR:
	case -EISDIR:
		return EXIT_USAGE;
	default:
		return EXIT_IMPOSSIBLE;
	}
}

int check_writable(const char *option, const char *path, struct err *err)
{
	int fd;

	if (!path[0] || !strcmp(path, "-"))
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd >= 0)
		unlink(path);
	else if (errno == EEXIST)
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_set(err, -EINVAL, "--%s: %s: %s", option, path, strerror(errno));
	close(fd);
	return 0;
}

int write_json_file(const char *option, const char *path, json_t *json, struct err *err)
{
	AUTO(auto_fclose) FILE *file = NULL;
	FILE *out = stdout;
	int rc = -ENOMEM;

	if (strcmp(path, "-"))
		out = file = fopen(path, "w");
	if (json && out && json_dumpf(json, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF &&
	    fflush(out) == 0)
		rc = 0;
	else if (json)
		rc = errno ? -errno : -EIO;
	json_decref(json);
	return rc ? err_sys(err, rc, "--%s: %s", option, path) : 0;
}

void take_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of who writes */
}

int print_help(const struct command *c, const struct knob_set *set)
{
	printf("usage: ringwalk %s %s\n\n%s\n\n", c->name, c->arguments, c->help);
	if (set)
		knob_set_help(set, stdout);
	if (c->more)
		puts(c->more);
	return EXIT_VALID;
}

int print_long_help(const struct command *c, const struct knob_set *set, int argc, char **argv)
{
	const char *part = knob_help_part(argc, argv);

	if (part && knob_set_help_part(set, part, stdout))
		return EXIT_VALID;
	if (part) {
		fprintf(stderr, "ringwalk %s: --help=%s: no such part; there are\n", c->name, part);
		knob_set_parts(set, stderr);
		return EXIT_USAGE;
	}
	printf("usage: ringwalk %s %s\n\n%s\n\n--help=PART shows one part:\n", c->name,
	       c->arguments, c->help);
	knob_set_parts(set, stdout);
	putchar('\n');
	knob_set_help(set, stdout);
	return EXIT_VALID;
}

int print_usage(const struct command *c, const struct knob_set *set)
{
	printf("usage: ringwalk %s\n", c->name);
	knob_set_usage(set, stdout);
	return EXIT_VALID;
}
