/*
 * test_perf.c - events counted as they are, and refusals that say what a silent 0 would hide.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "observe/perf.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "observe/task.h"
#include "system/kernel_file.h"
#include "tests/test.h"

#define TURNS  50
#define NOBODY 65534

/*
 * A turn is a voluntary switch, unless the CPU was away meanwhile and the time was over before
 * there was one: at least TURNS in all.
 */
static void give_the_cpu_away(void)
{
	struct timespec ns = { .tv_nsec = 1 };

	for (int i = 0; i < 2 * TURNS; i++)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &ns, NULL);
}

/* What a process without privileges finds. */
struct findings {
	int refused;	   /* errno of the kernel, asked past perf.h; 0: it is not */
	int64_t user_only; /* what the kernel counts when it is left out; -errno: refuses */
	int64_t counted;   /* what a session counts; -1: nothing */
	int64_t switches;  /* what /proc says */
	char why[PERF_WHY];
};

/* errno of perf_event_open(2) for a software event of this thread; 0: it is counted. */
static int refusal(uint64_t event, bool user_only)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.size = sizeof(attr),
					.config = event,
					.exclude_kernel = user_only,
					.exclude_hv = user_only };
	long fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return errno;
	close((int)fd);
	return 0;
}

static void look(struct findings *f)
{
	struct perf_session s = { 0 };
	pid_t self = gettid();
	struct task from, to;
	int fd = perf_event_start(PERF_SWITCHES, 0, true);

	f->refused = refusal(PERF_COUNT_SW_CONTEXT_SWITCHES, true);
	perf_session_start(&s, PERF_SWITCHES, &self, 1);
	task_read_self(&from);
	give_the_cpu_away();
	task_read_self(&to);
	f->user_only = fd < 0 ? fd : perf_event_read(fd);
	f->counted = perf_session_read(&s, PERF_SWITCHES);
	f->switches = to.count[TASK_VOLUNTARY] - from.count[TASK_VOLUNTARY];
	memcpy(f->why, s.event[PERF_SWITCHES].why, sizeof(f->why));
	perf_session_finish(&s);
	if (fd >= 0)
		close(fd);
}

/* In a child, because privileges do not come back. False: they could not be given up. */
static bool look_as_nobody(struct findings *ret)
{
	int ends[2], status = 1;
	pid_t pid;

	CU_ASSERT_FATAL(pipe(ends) == 0);
	pid = fork();
	if (pid == 0) {
		struct findings f = { 0 };

		if (!getuid() &&
		    (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY)))
			_exit(77);
		look(&f);
		_exit(write(ends[1], &f, sizeof(f)) != (ssize_t)sizeof(f));
	}
	close(ends[1]);
	CU_ASSERT(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK_INT(read(ends[0], ret, sizeof(*ret)), status ? 0 : (int)sizeof(*ret));
	close(ends[0]);
	return status == 0;
}

static void test_no_op_30(void)
{
	int64_t paranoid = kernel_file_number("/proc/sys/kernel/perf_event_paranoid", 0);
	struct findings f = { 0 };

	if (!look_as_nobody(&f) || f.refused) {
		test_not_possible("%s", f.refused ? strerror(f.refused) : "privileges stay");
		return;
	}
	/* There were switches, the kernel says so, and its event says there were none. */
	CU_ASSERT(f.switches >= TURNS);
	CHECK_INT(f.user_only, 0);
	if (paranoid > 1) {
		CHECK_INT(f.counted, -1);
		CU_ASSERT(strstr(f.why, "this count is always 0") != NULL);
		CU_ASSERT(strstr(f.why, "perf_event_paranoid is 2") || paranoid != 2);
	} else {
		CU_ASSERT(f.counted >= TURNS);
		CHECK_TEXT(f.why, "");
	}
}

static bool move_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}

/* Goes back and forth between the first two CPUs it may run on; false: there is one only. */
static bool wander(const cpu_set_t *allowed)
{
	int cpus[2], count = 0;

	for (int cpu = 0; cpu < CPU_SETSIZE && count < 2; cpu++)
		if (CPU_ISSET(cpu, allowed))
			cpus[count++] = cpu;
	for (int i = 0; i < TURNS && count == 2; i++)
		CU_ASSERT(move_to(cpus[i % 2]));
	return count == 2;
}

static void test_migrations_are_those_of_proc(void)
{
	struct perf_session s = { 0 };
	int refused = refusal(PERF_COUNT_SW_CPU_MIGRATIONS, false);
	pid_t self = gettid();
	struct task from, to;
	cpu_set_t allowed;
	bool moved;

	/* Nobody else moves it, from before the first look until behind the last. */
	sched_getaffinity(0, sizeof(allowed), &allowed);
	while (!move_to(sched_getcpu()))
		;
	perf_session_start(&s, PERF_MIGRATIONS, &self, 1);
	task_read_self(&from);
	moved = wander(&allowed);
	task_read_self(&to);
	if (!moved) {
		test_not_possible("one CPU");
	} else if (refused) {
		test_not_possible("migrations: %s", strerror(refused));
	} else if (access("/proc/thread-self/sched", R_OK)) {
		test_not_possible("this kernel does not say a thread's migrations");
	} else {
		int64_t counted = perf_session_read(&s, PERF_MIGRATIONS);
		int64_t said = to.count[TASK_MIGRATIONS] - from.count[TASK_MIGRATIONS];

		CU_ASSERT(counted >= TURNS - 1);
		CU_ASSERT(said >= TURNS - 1);
		CHECK_TEXT(s.event[PERF_MIGRATIONS].why, "");
		/* They were not begun at the same instant. */
		CU_ASSERT(counted - said <= 2 && said - counted <= 2);
	}
	perf_session_finish(&s);
	sched_setaffinity(0, sizeof(allowed), &allowed);
}

static void test_a_missing_pmu_has_its_reason(void)
{
	struct perf_session s = { 0 };
	pid_t self = gettid();

	perf_session_start(&s, PERF_CYCLES, &self, 1);
	if (*s.event[PERF_CYCLES].why) {
		printf("\n    here: %s", s.event[PERF_CYCLES].why);
		CHECK_INT(perf_session_read(&s, PERF_CYCLES), -1);
	} else {
		give_the_cpu_away();
		CU_ASSERT(perf_session_read(&s, PERF_CYCLES) > 0);
	}
	CHECK_INT(perf_session_read(&s, PERF_INSTRUCTIONS), -1); /* not asked for */
	perf_session_finish(&s);
	CHECK_INT(perf_session_read(&s, PERF_CYCLES), -1);
}

static void test_every_refusal_is_a_sentence(void)
{
	static const int codes[] = { -EACCES, -EPERM, -ENOENT, -EOPNOTSUPP, -ENOSYS, -EMFILE };

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		for (int e = 0; e < PERF_EVENTS; e++) {
			char why[PERF_WHY] = "";

			perf_event_refusal((enum perf_event)e, codes[i], why, sizeof(why));
			CU_ASSERT(strlen(why) > 20 && strlen(why) < PERF_WHY - 1);
		}
	}
}

static void test_a_thread_that_has_ended_is_passed_over(void)
{
	struct perf_session s = { 0 };
	pid_t tids[2] = { gettid(), 0 };
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	tids[1] = pid;
	perf_session_start(&s, PERF_MIGRATIONS, tids, 2);
	CU_ASSERT(*s.event[PERF_MIGRATIONS].why || s.event[PERF_MIGRATIONS].count == 1);
	perf_session_finish(&s);
}

static CU_TestInfo tests[] = {
	{ "no-op 30: without privileges the count of switches is 0, and this is said",
	  test_no_op_30 },
	{ "migrations are those of /proc", test_migrations_are_those_of_proc },
	{ "a missing PMU has its reason", test_a_missing_pmu_has_its_reason },
	{ "every refusal is a sentence", test_every_refusal_is_a_sentence },
	{ "a thread that has ended is passed over", test_a_thread_that_has_ended_is_passed_over },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("perf", tests);
}
