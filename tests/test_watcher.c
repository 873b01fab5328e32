/*
 * test_watcher.c - who restores when the owner of a journal is killed: its watcher, or the next
 * start.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/journal_world.h"

/* A process that changes a and b, says so, and waits to be killed. */
static pid_t start_owner(const struct world *w)
{
	int ready[2];
	char byte;
	pid_t pid;

	CHECK_INT(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		struct journal *j;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!journal_open(&j, "owner", NULL) && !change(j, w->a, "2", NULL) &&
		    !change(j, w->b, "2", NULL) && write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	CHECK_INT(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void kill_owner(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_the_watcher_restores_after_sigkill(void)
{
	struct world w;
	pid_t owner;

	world_open(&w);
	owner = start_owner(&w);
	CHECK_TEXT(get(w.a), "2");
	kill_owner(owner);
	CU_ASSERT(becomes(w.a, "1"));
	CHECK_INT(journal_recover(NULL, NULL), 0); /* waits for the watcher */
	CHECK_TEXT(get(w.b), "1");
	CHECK_INT(count_journals(&w), 0);
	world_close(&w);
}

/* The only child of a process: /proc/PID/task/PID/children, proc(5). */
static pid_t child_of(pid_t pid)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	return kernel_value_read(path, text, sizeof(text)) ? 0 : atoi(text);
}

static bool lists_children(void)
{
	if (!access("/proc/thread-self/children", F_OK))
		return true;
	test_not_possible("the kernel lists no children (CONFIG_PROC_CHILDREN)");
	return false;
}

static void test_the_next_start_restores_when_the_watcher_is_killed_too(void)
{
	struct world w;
	struct journal *j;
	pid_t owner, watcher;

	if (!lists_children())
		return;
	world_open(&w);
	owner = start_owner(&w);
	watcher = child_of(owner);
	CU_ASSERT(watcher > 0);
	if (watcher > 0)
		kill(watcher, SIGKILL);
	kill_owner(owner);
	CHECK_TEXT(get(w.a), "2");
	j = begin("next");
	CHECK_TEXT(get(w.a), "1");
	CHECK_TEXT(get(w.b), "1");
	journal_close(j);
	CHECK_INT(journal_recover(NULL, NULL), 0);
	CHECK_INT(count_journals(&w), 0);
	world_close(&w);
}

static void test_the_watcher_is_deaf_and_holds_two_descriptors(void)
{
	char path[64];
	struct world w;
	pid_t owner, watcher;
	int fds = 0;
	DIR *dir;

	if (!lists_children())
		return;
	world_open(&w);
	owner = start_owner(&w);
	watcher = child_of(owner);
	CU_ASSERT(becomes(w.b, "2"));
	CU_ASSERT(watcher > 0);
	if (watcher > 0) {
		snprintf(path, sizeof(path), "/proc/%d/comm", watcher);
		CU_ASSERT(becomes(path, "ringwalk-undo"));
		kill(watcher, SIGINT);
		kill(watcher, SIGTERM);
		kill(watcher, SIGHUP);
		CHECK_INT(getsid(watcher), watcher);
		snprintf(path, sizeof(path), "/proc/%d/fd", watcher);
		dir = opendir(path);
		while (dir && readdir(dir))
			fds++;
		if (dir)
			closedir(dir);
		CHECK_INT(fds, 2 + 3 + 2); /* ".", "..", three times /dev/null, its two */
	}
	kill_owner(owner);
	CU_ASSERT(becomes(w.a, "1"));
	CHECK_INT(journal_recover(NULL, NULL), 0);
	world_close(&w);
}

/* The watcher leaves the folder it was started in, and its owner may, too. */
static void test_a_folder_of_journals_may_be_a_relative_path(void)
{
	char was[PATH_MAX];
	struct world w;

	world_open(&w);
	CU_ASSERT_FATAL(getcwd(was, sizeof(was)) != NULL);
	CHECK_INT(chdir(w.folder), 0);
	setenv("RINGWALK_STATE", "state", 1);
	kill_owner(start_owner(&w));
	CHECK_INT(chdir(was), 0);
	CU_ASSERT(becomes(w.a, "1"));
	CU_ASSERT(becomes(w.b, "1"));
	for (int i = 0; i < 5000 && count_journals(&w); i++)
		usleep(1000);
	CHECK_INT(count_journals(&w), 0);
	world_close(&w);
}

/* Runs in each new child before fork() returns: as early as a signal can come. */
static void signal_child(void)
{
	raise(SIGTERM);
}

static void test_a_signal_at_its_birth_does_not_end_the_watcher(void)
{
	struct journal *j;
	sigset_t mask;
	struct world w;
	pid_t owner;
	int status;

	world_open(&w);
	owner = fork();
	if (owner == 0) {
		pthread_atfork(NULL, NULL, signal_child);
		if (!journal_open(&j, "owner", NULL) && !change(j, w.a, "2", NULL) &&
		    !sigprocmask(SIG_BLOCK, NULL, &mask) && !sigismember(&mask, SIGTERM))
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	waitpid(owner, &status, 0);
	CU_ASSERT(WIFSIGNALED(status));
	CU_ASSERT(becomes(w.a, "1"));
	CHECK_INT(journal_recover(NULL, NULL), 0); /* waits for the watcher */
	world_close(&w);
}

/* What became of an owner with room for so many descriptors. */
struct outcome {
	int rc;
	struct err err;
};

static void be_owner_with_room(const struct world *w, rlim_t room, int out)
{
	const struct rlimit few = { STDERR_FILENO + 2 + room, STDERR_FILENO + 2 + room };
	struct outcome o = { 0 };
	struct journal *j;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDERR_FILENO + 1);
	close_range(STDERR_FILENO + 2, ~0U, 0);
	setrlimit(RLIMIT_NOFILE, &few);
	o.rc = journal_open(&j, "owner", &o.err);
	if (!o.rc)
		o.rc = change(j, w->a, "2", &o.err);
	if (write(STDERR_FILENO + 1, &o, sizeof(o)) == sizeof(o) && !o.rc)
		pause();
	_exit(1);
}

/* Started, and killed if it could begin. */
static struct outcome owner_with_room(const struct world *w, rlim_t room)
{
	struct outcome o = { -EIO, { 0 } };
	int ends[2];
	pid_t pid;

	CHECK_INT(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		be_owner_with_room(w, room, ends[1]);
	close(ends[1]);
	CHECK_INT(read(ends[0], &o, sizeof(o)), sizeof(o));
	close(ends[0]);
	CHECK_TEXT(get(w->a), o.rc ? "1" : "2");
	kill_owner(pid);
	return o;
}

static void test_with_few_descriptors_there_is_a_watcher_or_no_journal(void)
{
	int began = 0, without_watcher = 0;

	for (rlim_t room = 0; room < 10; room++) {
		struct outcome o;
		struct world w;

		world_open(&w);
		o = owner_with_room(&w, room);
		began += !o.rc;
		without_watcher += strstr(o.err.text, "the journal's watcher") != NULL;
		if (o.rc)
			CHECK_INT(o.rc, -EMFILE);
		CU_ASSERT(becomes(w.a, "1"));
		CHECK_INT(journal_recover(NULL, NULL), 0); /* waits for the watcher */
		CHECK_INT(count_journals(&w), 0);
		world_close(&w);
	}
	CU_ASSERT(began > 0);
	CU_ASSERT(without_watcher > 0);
}

static CU_TestInfo tests[] = {
	{ "the watcher restores after SIGKILL", test_the_watcher_restores_after_sigkill },
	{ "the next start restores when the watcher is killed, too",
	  test_the_next_start_restores_when_the_watcher_is_killed_too },
	{ "the watcher is deaf and holds two descriptors",
	  test_the_watcher_is_deaf_and_holds_two_descriptors },
	{ "a folder of journals may be a relative path",
	  test_a_folder_of_journals_may_be_a_relative_path },
	{ "a signal at its birth does not end the watcher",
	  test_a_signal_at_its_birth_does_not_end_the_watcher },
	{ "with few descriptors there is a watcher, or no journal",
	  test_with_few_descriptors_there_is_a_watcher_or_no_journal },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("watcher", tests);
}
