/*
 * child.c - fork, exec, poll, wait.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

/* How often somebody who waits looks at `stop`: seldom enough not to disturb what is measured. */
enum { LOOK_MS = 200 };

/* In the child, between fork and exec: nothing here may need a lock. Does not return. */
static void become(const struct child_spec *spec, pid_t parent, int out, int log)
{
	struct rlimit limit = { .rlim_cur = (rlim_t)(spec->realtime_limit_ns / 1000) };
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	limit.rlim_max = limit.rlim_cur;
	setrlimit(RLIMIT_RTTIME, &limit);
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	if (spec->netns && netns_join(spec->netns)) {
		dprintf(STDERR_FILENO, "cannot enter the network namespace: %s\n", strerror(errno));
		_exit(127);
	}
	execv(spec->argv[0], spec->argv);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", spec->argv[0], strerror(errno));
	_exit(127);
}

static int fork_child(struct child *c, const struct child_spec *spec, int out, int log)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0)
		become(spec, parent, out, log);
	if (pid < 0)
		return -errno;
	c->pid = pid;
	c->pidfd = pidfd_open(pid, 0);
	return c->pidfd < 0 || clock_getcpuclockid(pid, &c->cpu_clock) ? -ESRCH : 0;
}

int child_start(struct child *c, const struct child_spec *spec, struct err *err)
{
	int ends[2] = { -1, -1 }, rc;
	int log = open(spec->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	*c = (struct child){ .name = spec->name, .pidfd = -1, .out = -1 };
	if (log < 0)
		return err_sys(err, -errno, "%s", spec->log);
	rc = spec->is_read && pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;
	if (rc == 0)
		rc = fork_child(c, spec, spec->is_read ? ends[1] : log, log);
	close(log);
	if (ends[1] >= 0)
		close(ends[1]);
	c->out = ends[0];
	if (rc == 0)
		return 0;
	child_finish(c);
	return err_sys(err, rc, "start the %s", spec->name);
}

static int64_t time_ns(const struct timeval *t)
{
	return t->tv_sec * SEC + t->tv_usec * US;
}

static void reap(struct child *c)
{
	struct rusage usage = { 0 };

	if (!c->pid)
		return;
	while (wait4(c->pid, &c->status, 0, &usage) < 0 && errno == EINTR)
		;
	c->pid = 0;
	c->used_ns = time_ns(&usage.ru_utime) + time_ns(&usage.ru_stime);
}

void child_signal(const struct child *c, int signal)
{
	if (c->pid)
		kill(c->pid, signal);
}

void child_finish(struct child *c)
{
	if (!c->name)
		return;
	child_signal(c, SIGKILL);
	reap(c);
	if (c->pidfd >= 0)
		close(c->pidfd);
	if (c->out >= 0)
		close(c->out);
	c->pidfd = c->out = -1;
}

/* Throws away what nobody wants to read, so that the child never waits for a reader. */
static void drain(struct child *c)
{
	char buf[4096];
	ssize_t n = read(c->out, buf, sizeof(buf));

	if (n == 0 || (n < 0 && errno != EINTR)) {
		close(c->out);
		c->out = -1;
	}
}

/* One look: at most LOOK_MS, or to the deadline. False: it is over. */
static bool look(struct pollfd *fds, nfds_t count, int64_t deadline_ns)
{
	int64_t left_ns = deadline_ns - clock_now_ns();
	int ms = left_ns > LOOK_MS * MS ? LOOK_MS : (int)(left_ns / MS) + 1;

	for (nfds_t i = 0; i < count; i++)
		fds[i].revents = 0;
	if (left_ns <= 0)
		return false;
	poll(fds, count, ms);
	return true;
}

static bool must_stop(const struct watch *watch)
{
	if (watch->tick)
		watch->tick(watch->context);
	return watch->stop && *watch->stop;
}

enum child_event child_wait(struct child *c, struct child *other, int64_t deadline_ns,
			    const struct watch *watch)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = c->pid ? c->pidfd : -1, .events = POLLIN },
			{ .fd = other && other->pid ? other->pidfd : -1, .events = POLLIN },
			{ .fd = c->out, .events = POLLIN },
			{ .fd = other ? other->out : -1, .events = POLLIN },
		};
		bool in_time = look(fds, sizeof(fds) / sizeof(*fds), deadline_ns);

		if (fds[2].revents)
			drain(c);
		if (fds[3].revents)
			drain(other);
		if (fds[0].revents || !c->pid) {
			reap(c);
			return CHILD_ENDED;
		}
		if (fds[1].revents) {
			reap(other);
			return CHILD_OTHER_ENDED;
		}
		if (!in_time)
			return CHILD_LATE;
		if (must_stop(watch))
			return CHILD_STOPPED;
	}
}

/* Takes complete lines out of text; true when one begins with start, its rest copied to buf. */
static bool find_line(char *text, size_t *len, const char *start, char *buf, size_t size)
{
	char *end;

	while ((end = memchr(text, '\n', *len))) {
		size_t line = (size_t)(end - text) + 1;
		bool found = !strncmp(text, start, strlen(start));

		*end = '\0';
		if (found)
			snprintf(buf, size, "%s", text + strlen(start));
		memmove(text, text + line, *len - line);
		*len -= line;
		if (found)
			return true;
	}
	return false;
}

enum child_event child_read_line(struct child *c, const char *start, char *buf, size_t size,
				 int64_t deadline_ns, const struct watch *watch)
{
	char text[1024];
	size_t len = 0;

	for (;;) {
		struct pollfd fd = { .fd = c->out, .events = POLLIN };
		bool in_time = look(&fd, 1, deadline_ns);
		ssize_t n = 1;

		if (fd.revents) {
			n = read(c->out, text + len, sizeof(text) - len);
			len += n > 0 ? (size_t)n : 0;
			if (find_line(text, &len, start, buf, size))
				return CHILD_SAID;
		}
		if (n == 0 || len == sizeof(text))
			return CHILD_ENDED;
		if (!in_time)
			return CHILD_LATE;
		if (must_stop(watch))
			return CHILD_STOPPED;
	}
}

int64_t child_cpu_ns(const struct child *c)
{
	struct timespec ts;

	if (!c->pid || clock_gettime(c->cpu_clock, &ts) < 0)
		return c->used_ns;
	return ts.tv_sec * SEC + ts.tv_nsec;
}

int child_exit_status(const struct child *c)
{
	return WIFEXITED(c->status) ? WEXITSTATUS(c->status) : -1;
}

bool child_succeeded(const struct child *c)
{
	return child_exit_status(c) == 0;
}

const char *child_ending(const struct child *c, char *buf, size_t size)
{
	if (WIFSIGNALED(c->status))
		snprintf(buf, size, "signal %d (%s)", WTERMSIG(c->status),
			 strsignal(WTERMSIG(c->status)));
	else
		snprintf(buf, size, "exit status %d", WEXITSTATUS(c->status));
	return buf;
}
