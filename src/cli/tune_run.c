/*
 * tune_run.c - `ringwalk tune run`: settings for the length of a command.
 *
 * The parent stays outside of the private network namespace, if there is one: what is the whole
 * machine's is changed and taken back here, what is private is set by the child, inside.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/tune.h"
#include "system/netns.h"

/* As a shell says it. */
enum { STATUS_SIGNAL = 128, STATUS_CANNOT_RUN = 126, STATUS_NOT_FOUND = 127 };

bool tune_restore(struct journal *j)
{
	AUTO(auto_free) char *text = NULL;
	char *rest, *line;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct err err = { 0 };
	int left = journal_restore(j, out, &err);

	if (out)
		fclose(out);
	for (rest = text; (line = strsep(&rest, "\n"));)
		if (*line)
			fprintf(stderr, "ringwalk tune: %s\n", line);
	if (left < 0)
		complain(EXIT_CHECK, "tune", &err);
	journal_close(j);
	return left == 0;
}

static void enter_private_network(struct tune *t)
{
	struct err err = { 0 };

	if (netns_enter(&err))
		_exit(complain(EXIT_IMPOSSIBLE, "tune", &err));
	if (setting_apply(&t->plan, NULL, true, &err) && !t->opts.degraded) {
		tune_print_failures(&t->plan, true);
		_exit(EXIT_IMPOSSIBLE);
	}
	tune_print_failures(&t->plan, true);
}

/* Does not return. */
static void become(struct tune *t, pid_t parent, const sigset_t *mask)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_INTERRUPTED);
	if (t->opts.private_network)
		enter_private_network(t);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(t->command[0], t->command);
	fprintf(stderr, "ringwalk tune: cannot run %s: %s\n", t->command[0], strerror(errno));
	_exit(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN);
}

/* A terminal's signals come to the command by themselves; those sent to us alone are passed on. */
static int wait_for(pid_t pid, const sigset_t *signals)
{
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		siginfo_t info = { 0 };

		if (sigwaitinfo(signals, &info) > 0 && info.si_signo != SIGCHLD &&
		    info.si_code == SI_USER)
			kill(pid, info.si_signo);
	}
	return WIFSIGNALED(status) ? STATUS_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run_command(struct tune *t)
{
	const int wanted[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD };
	pid_t parent = getpid(), pid;
	sigset_t signals, before;
	int status;

	sigemptyset(&signals);
	for (unsigned i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		sigaddset(&signals, wanted[i]);
	sigprocmask(SIG_BLOCK, &signals, &before);
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become(t, parent, &before);
	status = pid < 0 ? EXIT_IMPOSSIBLE : wait_for(pid, &signals);
	if (pid < 0)
		perror("ringwalk tune: fork");
	return status;
}

int tune_run_command(struct tune *t)
{
	struct err err = { 0 }, no_journal = { 0 };
	struct journal *j = NULL;
	int status;

	if (t->opts.private_network && setting_plan_split(&t->plan, &err))
		return complain(EXIT_IMPOSSIBLE, "tune", &err);
	if (journal_open(&j, "ringwalk tune run", &no_journal)) {
		if (!t->opts.degraded)
			return complain(EXIT_IMPOSSIBLE, "tune", &no_journal);
		t->plan.no_journal = no_journal.text;
	}
	if (setting_apply(&t->plan, j, false, &err) && !t->opts.degraded) {
		tune_print_failures(&t->plan, false);
		status = EXIT_IMPOSSIBLE;
	} else {
		tune_print_failures(&t->plan, false);
		status = run_command(t);
	}
	return !j || tune_restore(j) || status ? status : EXIT_CHECK;
}
