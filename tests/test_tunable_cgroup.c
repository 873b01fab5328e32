/*
 * test_tunable_cgroup.c - what a group of one's own does, what the kernel makes of it silently, and
 * that it is gone afterwards, also after SIGKILL.
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
#include "tests/tunable_test.h"
#include "tunables/cgroup_opts.h"

/* Why no group of this controller can be made by this process; NULL: it can. */
static const char *impossible(const char *controller, int version)
{
	struct cgroup_place place;
	char path[CGROUP_PATH + 32];

	if (!cgroup_find(0, controller, &place))
		return "no such controller is mounted";
	if (version && place.version != version)
		return "the controller is in the other version";
	if (place.version == 2 && strcmp(place.folder, place.mount))
		return "this process is not in the topmost group";
	snprintf(path, sizeof(path), "%s/ringwalk-try-%d", place.folder, getpid());
	return mkdir(path, 0755) || rmdir(path) ? "no group can be made" : NULL;
}

/* Runs fn in a process of its own, if groups of this controller can be made. */
static void try_apart(const char *controller, int version, void *(*fn)(void *), void *arg)
{
	const char *why = impossible(controller, version);

	if (why)
		test_not_possible("%s", why);
	else
		tunable_test_process(fn, arg);
}

static struct target here(void)
{
	struct target t = { .fd = -1 };
	struct err err = { 0 };

	if (journal_open(&t.journal, "test", &err))
		printf("\n    %s", err.text);
	CU_ASSERT_FATAL(t.journal != NULL);
	return t;
}

static int apply(const struct target *t, const char *settings, struct verdict_report *report)
{
	const struct tunable *cgroup = tunable_find("cgroup");
	struct tunable_test_opts opts;
	struct err err = { 0 };

	CHECK_INT(tunable_test_parse(cgroup, settings, &opts, &err), 0);
	return tunable_apply(cgroup, t, &opts, report, &err);
}

static void *clamp_shares(void *arg)
{
	struct target t = here();
	struct verdict_report report;

	CHECK_INT(apply(&t, "cpu-shares=1", &report), -ERANGE);
	CHECK_INT(report.verdict, VERDICT_CLAMPED);
	CHECK_TEXT(report.why, "cgroup.cpu-shares: asked for 1, the kernel has 2");
	CHECK_INT(apply(&t, "cpu-shares=1000000", &report), -ERANGE);
	CHECK_TEXT(report.why, "cgroup.cpu-shares: asked for 1M, the kernel has 262144");
	journal_close(t.journal);
	return NULL;
}

static void test_shares_out_of_bounds_are_clamped_and_said(void)
{
	try_apart("cpu", 1, clamp_shares, NULL);
}

static void *narrow_affinity(void *arg)
{
	struct target t = here();
	struct verdict_report report;
	struct cgroup_place place;
	cpu_set_t before, inside;
	char settings[64];

	sched_getaffinity(0, sizeof(before), &before);
	snprintf(settings, sizeof(settings), "cpus=%d", sched_getcpu());
	if (apply(&t, settings, &report) == -EBUSY) {
		test_not_possible("%s", report.why);
		journal_close(t.journal);
		return NULL;
	}
	CHECK_TEXT(report.why, "");
	sched_getaffinity(0, sizeof(inside), &inside);
	CHECK_INT(CPU_COUNT(&inside), 1);
	sched_setaffinity(0, sizeof(before), &before);
	sched_getaffinity(0, sizeof(inside), &inside);
	CHECK_INT(CPU_COUNT(&inside), 1);
	CU_ASSERT(cgroup_find(0, "cpuset", &place) && strstr(place.folder, "/ringwalk-") != NULL);
	journal_close(t.journal);
	CU_ASSERT(access(place.folder, F_OK) != 0);
	sched_getaffinity(0, sizeof(inside), &inside);
	CU_ASSERT(CPU_COUNT(&inside) >= CPU_COUNT(&before));
	return NULL;
}

static void test_a_cpuset_bounds_every_affinity_until_it_is_left(void)
{
	try_apart("cpuset", 0, narrow_affinity, NULL);
}

/* A cpuset that has a CPU to itself alone, as another ringwalk's partition has. */
static void *ask_for_what_is_anothers(void *arg)
{
	char folder[CGROUP_PATH + 32], settings[64], words[512];
	struct target t = here();
	struct verdict_report report;
	struct cgroup_place place;

	CU_ASSERT_FATAL(cgroup_find(0, "cpuset", &place));
	snprintf(folder, sizeof(folder), "%s/ringwalk-other-%d", place.folder, getpid());
	snprintf(settings, sizeof(settings), "cpus=%d", sched_getcpu());
	CHECK_INT(mkdir(folder, 0755), 0);
	if (cgroup_put(folder, "cpuset.cpus", strchr(settings, '=') + 1) ||
	    cgroup_put(folder, "cpuset.cpu_exclusive", "1")) {
		test_not_possible("the CPU is another cpuset's already");
	} else {
		snprintf(words, sizeof(words),
			 "cgroup.%s refused: another cpuset below %s has some of them for itself",
			 settings, place.folder);
		CHECK_INT(apply(&t, settings, &report), -EBUSY);
		if (!strstr(report.why, words))
			printf("\n    \"%s\", not \"%s\"", report.why, words);
		CU_ASSERT(strstr(report.why, words) != NULL);
	}
	CHECK_INT(rmdir(folder), 0);
	journal_close(t.journal);
	return NULL;
}

static void test_cpus_that_another_group_has_alone_are_said_to_be_taken(void)
{
	try_apart("cpuset", 1, ask_for_what_is_anothers, NULL);
}

/* CPU time of this process while it spins for 500 ms. */
static int64_t spin(void)
{
	int64_t end = clock_now_ns() + 500 * MS, used = -clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);

	while (clock_now_ns() < end)
		;
	return used + clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static void *throttle(void *arg)
{
	struct target t = here();
	struct verdict_report report;
	int64_t used = INT64_MAX;

	CHECK_INT(apply(&t, "cpu-quota=5ms cpu-period=50ms", &report), 0);
	/* A tenth of 500 ms, some slack, and not what a hypervisor took while it ran. */
	for (int tries = 0; tries < 5 && used >= 150 * MS; tries++)
		used = spin();
	CU_ASSERT(used < 150 * MS);
	tunable_test_ended("cgroup", "cpu-quota=5ms cpu-period=50ms", &report);
	if (!strstr(report.why, " periods because its quota was used up, for ") ||
	    !strncmp(report.why, "stopped in 0 ", 13))
		printf("\n    %s", report.why);
	CU_ASSERT(strstr(report.why, " periods because its quota was used up") != NULL);
	CU_ASSERT(strncmp(report.why, "stopped in 0 ", 13) != 0);
	journal_close(t.journal);
	return NULL;
}

static void test_a_quota_stops_the_group_and_the_report_says_how_often(void)
{
	try_apart("cpu", 0, throttle, NULL);
}

static void *refuse_fifo(void *arg)
{
	struct target t = here();
	struct verdict_report report, sched;
	struct cgroup_place place;

	CHECK_INT(apply(&t, "cpu-weight=100", &report), 0);
	cgroup_find(0, "cpu", &place);
	if (tunable_test_privileged()) { /* in here, too */
		test_not_possible("groups have no real-time budget here");
		journal_close(t.journal);
		return NULL;
	}
	CHECK_INT(tunable_test_apply("sched", "policy=fifo", &sched), -EPERM);
	CHECK_INT(sched.verdict, VERDICT_DENIED);
	CU_ASSERT(strstr(sched.why, place.folder) != NULL);
	CU_ASSERT(strstr(sched.why, "cgroup.rt-runtime") != NULL);
	if (apply(&t, "rt-runtime=10ms", &report)) {
		/* The groups above have none to give. */
		CU_ASSERT(!tunable_test_write(place.folder, "cpu.rt_runtime_us", "10000"));
		test_not_tried("with a budget: %s", report.why);
	} else {
		CHECK_INT(tunable_test_apply("sched", "policy=fifo", &sched), 0);
		CU_ASSERT(strstr(sched.why, "may use 10000 of every 1000000 us") != NULL);
		CHECK_INT(tunable_test_apply("sched", "policy=other", &sched), 0);
	}
	journal_close(t.journal);
	return NULL;
}

static void test_a_new_group_takes_real_time_threads_only_with_a_budget(void)
{
	if (!tunable_test_privileged())
		test_not_possible("needs CAP_SYS_NICE");
	else
		try_apart("cpu", 0, refuse_fifo, NULL);
}

static void *name_absent_cpus(void *arg)
{
	struct target t = here();
	struct verdict_report report;
	char online[64];

	kernel_file_read("/sys/devices/system/cpu/online", online, sizeof(online));
	CU_ASSERT(apply(&t, "cpus=0,1000", &report) != 0);
	if (report.verdict == VERDICT_UNSUPPORTED) {
		CU_ASSERT(strstr(report.why, "cgroup.cpus=0,1000 refused: ") != NULL);
		CU_ASSERT(strstr(report.why, " has ") != NULL);
	} else {
		CHECK_INT(report.verdict, VERDICT_CLAMPED);
	}
	journal_close(t.journal);
	return NULL;
}

static void test_absent_cpus_of_a_group_are_never_taken_for_granted(void)
{
	try_apart("cpuset", 0, name_absent_cpus, NULL);
}

static int64_t balance(void)
{
	struct cgroup_place place;
	char path[CGROUP_PATH + 32];

	cgroup_find(0, "cpuset", &place);
	snprintf(path, sizeof(path), "%s/cpuset.sched_load_balance", place.mount);
	return kernel_file_number(path, -1);
}

static bool wait_for(bool (*is_so)(const void *), const void *arg)
{
	int64_t end = clock_now_ns() + 5 * SEC;

	while (!is_so(arg) && clock_now_ns() < end)
		usleep(1000);
	return is_so(arg);
}

static bool is_gone(const void *path)
{
	return access(path, F_OK) != 0;
}

static bool is_balanced(const void *before)
{
	return balance() == *(const int64_t *)before;
}

/* What the processes tell each other. */
struct shared {
	char folder[CGROUP_PATH];
	int rc, deadline_rc;
	char why[256], deadline_why[256];
	int cpus;
	bool is_set;
};

static struct shared *share(void)
{
	return mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		    -1, 0);
}

static void be_partitioned(struct shared *s)
{
	struct target t = here();
	struct verdict_report report = { 0 };
	struct cgroup_place place;
	char settings[64];
	cpu_set_t mask;

	s->rc = -EBUSY; /* some CPUs may belong to cpusets of others */
	for (int cpu = (int)sysconf(_SC_NPROCESSORS_ONLN); s->rc == -EBUSY && cpu--;) {
		snprintf(settings, sizeof(settings), "cpus=%d partition=root parent=/", cpu);
		s->rc = apply(&t, settings, &report);
	}
	snprintf(s->why, sizeof(s->why), "%s", report.why);
	cgroup_find(0, "cpuset", &place);
	snprintf(s->folder, sizeof(s->folder), "%s", place.folder);
	s->deadline_rc =
		tunable_test_apply("sched", "policy=deadline runtime=1ms deadline=10ms", &report);
	snprintf(s->deadline_why, sizeof(s->deadline_why), "%s", report.why);
	sched_getaffinity(0, sizeof(mask), &mask);
	s->cpus = CPU_COUNT(&mask);
	__atomic_store_n(&s->is_set, true, __ATOMIC_SEQ_CST);
}

static bool is_set(const void *s)
{
	return __atomic_load_n(&((const struct shared *)s)->is_set, __ATOMIC_SEQ_CST);
}

/* A process that partitions, runs with a reservation on one CPU, and is killed. */
static void partition_and_kill(void)
{
	struct shared *s = share();
	int64_t before = balance();
	pid_t child;

	fflush(NULL);
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		be_partitioned(s);
		for (;;)
			pause();
	}
	CU_ASSERT(wait_for(is_set, s));
	if (s->rc == -EBUSY) {
		test_not_possible("%s", s->why);
	} else {
		CHECK_TEXT(s->why, "");
		CHECK_INT(s->rc, 0);
		CHECK_INT(s->cpus, 1);
		if (s->deadline_rc)
			printf("\n    %s", s->deadline_why);
		CHECK_INT(s->deadline_rc, 0);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	if (!s->rc)
		CU_ASSERT(wait_for(is_gone, s->folder));
	CU_ASSERT(wait_for(is_balanced, &before));
	munmap(s, sizeof(*s));
}

static void test_a_pinned_reservation_works_in_a_root_domain_and_a_kill_leaves_nothing(void)
{
	const char *why = impossible("cpuset", 0);

	if (why || !tunable_test_privileged() || sysconf(_SC_NPROCESSORS_ONLN) < 2)
		test_not_possible("%s", why ? why : "two CPUs and CAP_SYS_NICE");
	else
		partition_and_kill();
}

static void *part_and_leave(void *arg)
{
	const struct tunable *cgroup = tunable_find("cgroup");
	struct target t = here();
	struct verdict_report report;
	int rc = -EBUSY;

	for (int cpu = (int)sysconf(_SC_NPROCESSORS_ONLN); rc == -EBUSY && cpu--;) {
		char settings[64];

		snprintf(settings, sizeof(settings), "cpus=%d partition=root parent=/", cpu);
		rc = apply(&t, settings, &report);
	}
	if (rc == -EBUSY) {
		test_not_possible("%s", report.why);
	} else {
		CHECK_INT(rc, 0);
		CHECK_INT(cgroup->apply(&t, &(struct cgroup_opts){ 0 }, NULL), 0);
	}
	CHECK_INT(balance(), 0);
	journal_close(t.journal);
	CHECK_INT(balance(), 0);
	return arg;
}

/* Somebody else's root domains need it off; for the moment that this takes, it is. */
static void test_balancing_that_was_off_is_off_when_a_root_domain_is_left(void)
{
	struct cgroup_place place;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2 || impossible("cpuset", 1) || balance() != 1) {
		test_not_possible("two CPUs, cpuset of version 1, and balancing on");
		return;
	}
	cgroup_find(0, "cpuset", &place);
	CHECK_INT(cgroup_put(place.mount, "cpuset.sched_load_balance", "0"), 0);
	try_apart("cpuset", 1, part_and_leave, NULL);
	CHECK_INT(cgroup_put(place.mount, "cpuset.sched_load_balance", "1"), 0);
}

static void *fail_late(void *arg)
{
	struct target t = here();
	struct verdict_report report;
	struct cgroup_place place;
	char own[CGROUP_PATH + 32];

	cgroup_find(0, "cpu", &place);
	snprintf(own, sizeof(own), "%s/ringwalk-%d", place.folder, getpid());
	/* the group of cpu is made first, then cpuset refuses */
	CU_ASSERT(apply(&t, "cpu-weight=50 mems=63", &report) != 0);
	CU_ASSERT(is_gone(own));
	journal_close(t.journal);
	return NULL;
}

static void test_a_refusal_in_the_middle_leaves_no_group(void)
{
	try_apart("cpuset", 0, fail_late, NULL);
}

/* It lives in a group, is to get one elsewhere, and the second half of that is refused. */
static void *fail_away_from_home(void *arg)
{
	struct target t = here();
	struct cgroup_place top, home, now;
	struct verdict_report report;
	char path[CGROUP_PATH + 32];

	CU_ASSERT_FATAL(cgroup_find(0, "cpu", &top));
	snprintf(path, sizeof(path), "%s/ringwalk-home-%d", top.folder, getpid());
	CHECK_INT(mkdir(path, 0755), 0);
	CHECK_INT(cgroup_put(path, "cgroup.procs", "0"), 0);
	CU_ASSERT(cgroup_find(0, "cpu", &home));
	CHECK_INT(apply(&t, "parent=/ cpu-weight=1000 cpus=1000", &report) < 0, true);
	CU_ASSERT(cgroup_find(0, "cpu", &now));
	CHECK_TEXT(now.folder, home.folder);
	journal_close(t.journal);
	cgroup_put(top.folder, "cgroup.procs", "0");
	CHECK_INT(rmdir(path), 0);
	return NULL;
}

static void test_after_a_refusal_the_process_is_where_it_was(void)
{
	try_apart("cpu", 1, fail_away_from_home, NULL);
}

static CU_TestInfo tests[] = {
	{ "after a refusal the process is where it was",
	  test_after_a_refusal_the_process_is_where_it_was },
	{ "no-op 8: shares out of bounds are clamped and said",
	  test_shares_out_of_bounds_are_clamped_and_said },
	{ "a cpuset bounds every affinity until it is left",
	  test_a_cpuset_bounds_every_affinity_until_it_is_left },
	{ "CPUs that another group has alone are said to be taken",
	  test_cpus_that_another_group_has_alone_are_said_to_be_taken },
	{ "a quota stops the group and the report says how often",
	  test_a_quota_stops_the_group_and_the_report_says_how_often },
	{ "a new group takes real-time threads only with a budget",
	  test_a_new_group_takes_real_time_threads_only_with_a_budget },
	{ "absent CPUs of a group are never taken for granted",
	  test_absent_cpus_of_a_group_are_never_taken_for_granted },
	{ "a pinned reservation works in a root domain, and a kill leaves nothing",
	  test_a_pinned_reservation_works_in_a_root_domain_and_a_kill_leaves_nothing },
	{ "balancing that was off is off when a root domain is left",
	  test_balancing_that_was_off_is_off_when_a_root_domain_is_left },
	{ "a refusal in the middle leaves no group", test_a_refusal_in_the_middle_leaves_no_group },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("cgroup", tests);
}
