/*
 * roles.c - starts and stops `ringwalk node`, runs `ringwalk client`, reads the node's report.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/guest/roles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

#define ARGS_MAX 32

static const char *ringwalk;

bool roles_init(int argc, char **argv)
{
	ringwalk = argc == 2 ? argv[1] : NULL;
	return ringwalk && getenv("RINGWALK_GUEST");
}

/* "node", the options of the role, those of the test: argv for exec. Text is cut up. */
static void split(char *text, char **args)
{
	int count = 0;

	for (char *word; count < ARGS_MAX - 1 && (word = strsep(&text, " "));)
		if (*word)
			args[count++] = word;
	args[count] = NULL;
}

static pid_t start(const char *words, int out_fd, int err_fd)
{
	char text[1024], *args[ARGS_MAX];
	pid_t pid;

	snprintf(text, sizeof(text), "ringwalk %s", words);
	split(text, args);
	fflush(NULL);
	pid = fork();
	if (pid)
		return pid;
	dup2(out_fd, STDOUT_FILENO);
	dup2(err_fd, STDERR_FILENO);
	execv(ringwalk, args);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", ringwalk, strerror(errno));
	_exit(127);
}

static int wait_end(pid_t pid)
{
	int status = 0;

	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* Lines until the one that says where; false at the end of all it says. */
static bool read_address(struct node *n)
{
	FILE *out = fdopen(n->out_fd, "r");
	char line[256];

	while (fgets(line, sizeof(line), out))
		if (sscanf(line, "listening on %63s", n->address) == 1)
			return true; /* out stays open as long as the node writes */
	fclose(out);
	return false;
}

static void finish(struct node *n)
{
	ssize_t len;

	n->status = wait_end(n->pid);
	len = pread(n->err_fd, n->words, sizeof(n->words) - 1, 0);
	n->words[len > 0 ? len : 0] = '\0';
	close(n->err_fd);
}

bool node_start(struct node *n, const char *options)
{
	char words[1024];
	int pipe_fd[2];

	*n = (struct node){ .err_fd = memfd_create("words", MFD_CLOEXEC) };
	snprintf(n->report, sizeof(n->report), "/tmp/ringwalk-guest-%d.json", getpid());
	unlink(n->report);
	if (n->err_fd < 0 || pipe2(pipe_fd, O_CLOEXEC) < 0)
		return false;
	snprintf(words, sizeof(words), "node --bind-addr=127.0.0.1:0 --json=%s %s", n->report,
		 options);
	n->pid = start(words, pipe_fd[1], n->err_fd);
	close(pipe_fd[1]);
	n->out_fd = pipe_fd[0];
	if (read_address(n))
		return true;
	finish(n);
	return false;
}

int role_run(const char *words, char *buf, size_t size)
{
	int fd = memfd_create("words", MFD_CLOEXEC), status;
	ssize_t len;

	status = wait_end(start(words, fd, fd));
	len = pread(fd, buf, size - 1, 0);
	buf[len > 0 ? len : 0] = '\0';
	close(fd);
	return status;
}

void node_stop(struct node *n)
{
	kill(n->pid, SIGTERM);
	finish(n);
}

void node_kill(struct node *n)
{
	kill(n->pid, SIGKILL);
	finish(n);
}

int client_run(const struct node *n, const char *options)
{
	char words[1024], path[] = "/tmp/ringwalk-client-XXXXXX";
	json_int_t failed, done;
	json_t *result, *counts;
	int fd = mkostemp(path, O_CLOEXEC);

	snprintf(words, sizeof(words), "client --to=%s --quiet --json=%s %s", n->address, path,
		 options);
	wait_end(start(words, STDERR_FILENO, STDERR_FILENO));
	result = json_loadfd(fd, 0, NULL);
	counts = json_object_get(result, "counts");
	failed = json_integer_value(json_object_get(counts, "failed"));
	done = json_integer_value(json_object_get(counts, "done"));
	json_decref(result);
	unlink(path);
	close(fd);
	return failed ? -1 : (int)done;
}

/* The text of a key of each of the tunable's entries; false from `take` ends it. */
static void each_entry(const struct node *n, const char *tunable, const char *key,
		       bool (*take)(const char *text, char *buf, size_t size), char *buf,
		       size_t size)
{
	json_t *report = json_load_file(n->report, 0, NULL), *entry;
	size_t i;

	*buf = '\0';
	json_array_foreach(
		json_object_get(report, "tunables"), i,
		entry) if (!strcmp(json_string_value(json_object_get(entry, "name")), tunable) &&
			   !take(json_string_value(json_object_get(entry, key)), buf, size)) break;
	json_decref(report);
}

static bool take_worst(const char *text, char *buf, size_t size)
{
	if (!*buf || strcmp(text, "ok") != 0)
		snprintf(buf, size, "%s", text);
	return true;
}

static bool take_first(const char *text, char *buf, size_t size)
{
	snprintf(buf, size, "%s", text ? text : "");
	return false;
}

void node_verdict(const struct node *n, const char *tunable, char *buf, size_t size)
{
	each_entry(n, tunable, "verdict", take_worst, buf, size);
}

void node_text(const struct node *n, const char *tunable, const char *key, char *buf, size_t size)
{
	each_entry(n, tunable, key, take_first, buf, size);
}

bool check_starts(struct node *n, const char *options)
{
	bool started = node_start(n, options);

	if (!started)
		printf("\n    %s: status %d: %s", options, n->status, n->words);
	CU_ASSERT(started);
	return started;
}

void check_refuses(struct node *n, const char *options)
{
	bool started = node_start(n, options);

	CU_ASSERT(!started);
	if (started)
		node_stop(n);
	CHECK_INT(n->status, 3);
}

void check_stops(struct node *n)
{
	node_stop(n);
	CHECK_INT(n->status, 0);
}

void check_verdict(const struct node *n, const char *tunable, const char *verdict)
{
	char text[32];

	node_verdict(n, tunable, text, sizeof(text));
	CHECK_TEXT(text, verdict);
}

int count_groups(void)
{
	struct dirent *entry;
	DIR *groups = opendir(GUEST_GROUPS);
	int count = 0;

	while (groups && (entry = readdir(groups)))
		count += entry->d_type == DT_DIR && *entry->d_name != '.';
	if (groups)
		closedir(groups);
	return count;
}
