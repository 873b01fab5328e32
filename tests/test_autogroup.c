/*
 * test_autogroup.c - what nice and SCHED_IDLE are worth between sessions, and what a session's nice
 * is worth; that it is put back, also after SIGKILL.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "system/journal.h"
#include "tests/possible.h"
#include "tests/tunable_test.h"
#include "tunables/autogroup.h"

enum { SPIN_MS = 1000 };

/* What two spinning processes on one CPU tell. */
struct duel {
	struct runner {
		char name[32]; /* of its autogroup */
		int rc;
		struct verdict_report report;
		int64_t cpu_ns;
	} runners[2];
	int ready;
	int64_t end_ns;
};

static int64_t cpu_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

static void spin(struct duel *d, int i, bool own_session, const char *settings)
{
	struct runner *r = &d->runners[i];
	struct autogroup group = { .name = "" };
	int64_t start;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (own_session)
		setsid();
	autogroup_read(0, &group);
	memcpy(r->name, group.name, sizeof(r->name));
	if (settings)
		r->rc = tunable_test_apply("sched", settings, &r->report);
	__atomic_add_fetch(&d->ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&d->ready, __ATOMIC_SEQ_CST) < 2)
		;
	start = cpu_now_ns();
	if (!i)
		__atomic_store_n(&d->end_ns, clock_now_ns() + SPIN_MS * MS, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&d->end_ns, __ATOMIC_SEQ_CST) ||
	       clock_now_ns() < __atomic_load_n(&d->end_ns, __ATOMIC_SEQ_CST))
		;
	r->cpu_ns = cpu_now_ns() - start;
	_exit(0);
}

/*
 * The share of the CPU that the second, with these settings, got from the first. They are bound
 * before they are: a session has a share of each CPU that it runs on, and a sanitizer's thread
 * elsewhere would take most of what an idle one has.
 */
static double fight(struct duel *d, bool own_sessions, const char *settings)
{
	cpu_set_t mine, one;
	pid_t pids[2];

	memset(d, 0, sizeof(*d));
	fflush(NULL);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_getaffinity(0, sizeof(mine), &mine);
	sched_setaffinity(0, sizeof(one), &one);
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (!pids[i])
			spin(d, i, own_sessions, i ? settings : NULL);
	}
	sched_setaffinity(0, sizeof(mine), &mine);
	for (int i = 0; i < 2; i++)
		waitpid(pids[i], NULL, 0);
	return (double)d->runners[1].cpu_ns /
	       (double)(d->runners[0].cpu_ns + d->runners[1].cpu_ns + 1);
}

static void provoke(const char *settings)
{
	struct duel *d =
		mmap(NULL, sizeof(*d), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct runner *r = &d->runners[1];
	double inside, across;
	int tries = 0;

	/* A rival that was not let in by the machine before its time was over says nothing. */
	do {
		inside = fight(d, false, settings);
		across = fight(d, true, settings);
	} while (across <= 5 * inside && ++tries < 3);

	printf("\n    %s: %.1f %% of the CPU beside a thread of its session, %.1f %% of another",
	       settings, inside * 100, across * 100);
	CHECK_INT(r->rc, 0);
	CU_ASSERT(strcmp(d->runners[0].name, r->name) != 0);
	CU_ASSERT(strstr(r->report.why, r->name) != NULL);
	CU_ASSERT(strstr(r->report.why, "against other sessions it changes nothing") != NULL);
	CU_ASSERT(across > 5 * inside);
	munmap(d, sizeof(*d));
}

/* Is a line of /proc/self/cgroup of the hierarchy that has the controller cpu? */
static bool is_of_cpu(const char *line)
{
	char list[256] = "";

	if (strstr(line, ":cpu:") || strstr(line, ":cpu,") || strstr(line, ",cpu:"))
		return true;
	kernel_file_read("/sys/fs/cgroup/cgroup.subtree_control", list, sizeof(list) - 1);
	strcat(list, " ");
	return !strncmp(line, "0::", 3) && (strstr(list, " cpu ") || !strncmp(list, "cpu ", 4));
}

/* Is this process below the topmost group of the controller cpu? */
static bool in_a_group(void)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[512];
	bool is_below = false;

	while (file && fgets(line, sizeof(line), file))
		if (is_of_cpu(line))
			is_below |= strcmp(strrchr(line, ':'), ":/\n") != 0;
	if (file)
		fclose(file);
	return is_below;
}

static void test_nice_and_idle_do_not_count_across_sessions_and_it_is_said(void)
{
	struct autogroup group;

	if (!kernel_file_number("/proc/sys/kernel/sched_autogroup_enabled", 0) || in_a_group()) {
		test_not_possible("autogroups are off, or this is in a cpu cgroup");
		return;
	}
	CU_ASSERT_FATAL(autogroup_read(0, &group));
	if (!tunable_test_nice_0()) {
		test_not_possible("weights are told from that of nice 0");
		return;
	}
	provoke("nice=19");
	provoke("policy=idle");
}

static int apply_nice(struct journal *j, const char *settings, struct verdict_report *report)
{
	const struct tunable *tn = tunable_find("autogroup");
	const struct target self = { .fd = -1, .journal = j };
	struct tunable_test_opts opts;
	struct err err = { 0 };

	CHECK_INT(tunable_test_parse(tn, settings, &opts, &err), 0);
	return tunable_apply(tn, &self, &opts, report, &err);
}

/* A member of the session whose leader is `leader`: sets its nice and waits to be killed. */
static void be_member(int *rc)
{
	struct verdict_report report;
	struct journal *j = NULL;
	struct err err = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	*rc = journal_open(&j, "test", &err);
	if (!*rc)
		*rc = apply_nice(j, "nice=7", &report);
	__atomic_store_n(rc + 1, 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
}

static bool wait_nice(int nice)
{
	int64_t end = clock_now_ns() + 30 * SEC;
	struct autogroup group = { .nice = 99 };
	char line[64];

	while (group.nice != nice && clock_now_ns() < end) {
		usleep(1000);
		kernel_file_read("/proc/self/autogroup", line, sizeof(line));
		sscanf(line, "%31s nice %d", group.name, &group.nice);
	}
	return group.nice == nice;
}

/* In a session of its own. */
static void *kill_a_member(void *arg)
{
	int *said = mmap(NULL, 2 * sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);
	int64_t end = clock_now_ns() + 30 * SEC;
	pid_t member;

	CU_ASSERT(setsid() > 0);
	if (access("/proc/self/autogroup", W_OK)) {
		test_not_possible("/proc/self/autogroup: %s", strerror(errno));
		return NULL;
	}
	member = fork();
	if (!member)
		be_member(said);
	while (!__atomic_load_n(said + 1, __ATOMIC_SEQ_CST) && clock_now_ns() < end)
		usleep(1000);
	CHECK_INT(said[0], 0);
	CU_ASSERT(wait_nice(7));
	kill(member, SIGKILL);
	waitpid(member, NULL, 0);
	CU_ASSERT(wait_nice(0));
	return NULL;
}

static void test_a_killed_process_leaves_its_session_as_it_was(void)
{
	if (access("/proc/self/autogroup", F_OK))
		test_not_possible("this kernel has no autogroups");
	else if (possible_journal())
		tunable_test_process(kill_a_member, NULL);
}

/* What the processes tell each other. */
struct orphan {
	bool is_waited_for; /* the leader, by its parent, before the member tries */
	int rc;
	bool is_named, is_done;
};

static bool is_ended(pid_t pid, bool is_waited_for)
{
	char path[64], state[32];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (!kernel_file_line(path, "State:", state, sizeof(state)))
		return true;
	return !is_waited_for && *state == 'Z';
}

/* A member of a session. */
static void be_orphan(struct orphan *o)
{
	struct verdict_report report = { 0 };
	struct journal *j = NULL;

	while (!is_ended(getsid(0), o->is_waited_for))
		usleep(1000);
	o->rc = journal_open(&j, "test", NULL);
	if (!o->rc)
		o->rc = apply_nice(j, "nice=3", &report);
	journal_close(j);
	o->is_named = strstr(report.why, "has ended") != NULL;
	__atomic_store_n(&o->is_done, true, __ATOMIC_SEQ_CST);
	_exit(0);
}

static void wait_done(const struct orphan *o)
{
	int64_t end = clock_now_ns() + 30 * SEC;

	while (!__atomic_load_n(&o->is_done, __ATOMIC_SEQ_CST) && clock_now_ns() < end)
		usleep(1000);
}

static void *orphan_main(void *arg)
{
	struct orphan *o = arg;
	pid_t leader = fork();

	if (!leader) {
		setsid();
		if (!fork())
			be_orphan(o);
		_exit(0);
	}
	if (!o->is_waited_for)
		wait_done(o);
	waitpid(leader, NULL, 0);
	wait_done(o);
	return NULL;
}

static void orphan(bool is_waited_for)
{
	struct orphan *o =
		mmap(NULL, sizeof(*o), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (access("/proc/self/autogroup", F_OK)) {
		test_not_possible("this kernel has no autogroups");
	} else if (possible_journal()) {
		o->is_waited_for = is_waited_for;
		tunable_test_process(orphan_main, o);
		CU_ASSERT(o->is_done);
		CHECK_INT(o->rc, -EOPNOTSUPP);
		CU_ASSERT(o->is_named);
	}
	munmap(o, sizeof(*o));
}

static void test_a_session_without_a_leader_is_refused(void)
{
	orphan(true);
}

static void test_a_session_whose_leader_has_ended_is_refused_before_anybody_waits_for_it(void)
{
	orphan(false);
}

static CU_TestInfo tests[] = {
	{ "no-op 4: nice and idle do not count across sessions, and it is said",
	  test_nice_and_idle_do_not_count_across_sessions_and_it_is_said },
	{ "a killed process leaves its session as it was",
	  test_a_killed_process_leaves_its_session_as_it_was },
	{ "a session without a leader is refused", test_a_session_without_a_leader_is_refused },
	{ "a session whose leader has ended is refused before anybody waits for it",
	  test_a_session_whose_leader_has_ended_is_refused_before_anybody_waits_for_it },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("autogroup", tests);
}
