/*
 * watcher.c - see watcher.h: fork, setsid, wait for a pidfd.
 *
 * A pidfd and not a pipe: every forked child would inherit the pipe's other end and keep it open.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

static void close_between(int low, int high)
{
	if (high - low > 1)
		close_range((unsigned)low + 1, (unsigned)high - 1, 0);
}

/* All but these two, which are above the standard ones; first of all, for more may have no room. */
static void close_others(int a, int b)
{
	int low = a < b ? a : b, high = a < b ? b : a, null;

	close_between(STDERR_FILENO, low);
	close_between(low, high);
	close_range((unsigned)high + 1, ~0U, 0);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			close(fd);
	if (null > STDERR_FILENO)
		close(null);
}

/* What it inherited from a thread that may be real-time, or about to be. */
static void be_ordinary(void)
{
	const struct sched_param none = { 0 };

	sched_setscheduler(0, SCHED_OTHER, &none);
	setpriority(PRIO_PROCESS, 0, 0);
	prctl(PR_SET_NAME, "ringwalk-undo");
}

/* Whatever could keep it from watching was done before the fork. */
static void watch(int owner, int fd, void (*wake)(int, const void *), const void *context)
{
	struct pollfd end = { .fd = owner, .events = POLLIN };

	setsid();
	if (chdir("/"))
		errno = 0; /* it keeps a mount busy then, and works all the same */
	close_others(owner, fd);
	be_ordinary();
	while (poll(&end, 1, -1) < 0 && errno == EINTR)
		;
	if (end.revents & POLLIN)
		wake(fd, context);
	_exit(0);
}

/* Deaf from its first moment on: what ends the owner then must not end it, too. */
static int fork_watcher(struct watcher *w, int owner, int fd, void (*wake)(int, const void *),
			const void *context, struct err *err)
{
	sigset_t all, before;
	pid_t pid;
	int code;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		watch(owner, fd, wake, context);
	code = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		return err_sys(err, -code, "the journal's watcher cannot be started");
	w->pid = pid;
	return 0;
}

/* Above the standard descriptors, which the watcher lends to /dev/null. */
static int raise_fd(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

int watcher_start(struct watcher *w, int fd, void (*wake)(int fd, const void *context),
		  const void *context, struct err *err)
{
	AUTO(auto_close) int self = pidfd_open(getpid(), 0);
	AUTO(auto_close) int owner = self < 0 ? -1 : raise_fd(self);
	AUTO(auto_close) int own = owner < 0 ? -1 : raise_fd(fd);

	if (own < 0)
		return err_sys(err, -errno, "the journal's watcher cannot be started");
	return fork_watcher(w, owner, own, wake, context, err);
}

void watcher_end(struct watcher *w)
{
	if (!w->pid)
		return;
	kill(w->pid, SIGKILL);
	while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
		;
	w->pid = 0;
}
