/*
 * test_task.c - what is read of a thread: recorded texts, torn and hostile ones, and a real thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "observe/task.h"

#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/test.h"

#define STAT_HEAD "30641 (%s) R 30630 30630 14633 0 -1 4194304 99 5 7 6 11 12 0 0 20 0 1 0 2417293 "
#define STAT_TAIL                                                                                 \
	"3133440 366 18446744073709551615 93864230277120 93864230297001 140726551631008 0 0 0 0 " \
	"0 0 0 0 0 17 1 0 0 0 0 0 1 2 3 4 5 6 7 0\n"

static struct task unknown(void)
{
	struct task t;

	task_init(&t, 7);
	return t;
}

static void test_stat_is_read_whatever_the_name_is(void)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		{ "cat", "cat" },   { "rw worker) R 1 2", "rw worker) R 1 " },
		{ "((((", "((((" }, { "", "" },
		{ "a\nb", "a\nb" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct task t = unknown();
		char text[1024];

		snprintf(text, sizeof(text), STAT_HEAD STAT_TAIL, rows[i].name);
		CU_ASSERT(task_parse_stat(text, &t));
		CHECK_TEXT(t.name, rows[i].want);
		CHECK_INT(t.count[TASK_MINOR_FAULTS], 99);
		CHECK_INT(t.count[TASK_MAJOR_FAULTS], 7);
		CHECK_INT(t.born, 2417293);
		CHECK_INT(t.cpu, 1);
	}
}

static void test_a_torn_stat_leaves_everything_unknown(void)
{
	static const char *const texts[] = {
		"",
		"12",
		"12 (cat",
		"12 )cat( R 1",
		"12 (cat) R 1 2 3",
		"12 (cat) R 1 2 3 4 5 6 x 0 0",
		"12 (cat) R 1 2 3 4 5 6 -9 0 0 0 0 0 0 0 0 0 0 0 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
		"12 (cat) R 1 2 3 4 5 6 99999999999999999999999 0 0 0 0 0 0 0 0 0 0 0 1",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct task t = unknown();

		CU_ASSERT(!task_parse_stat(texts[i], &t));
		CHECK_INT(t.count[TASK_MINOR_FAULTS], TASK_UNKNOWN);
		CHECK_INT(t.cpu, TASK_UNKNOWN);
	}
}

static void test_schedstat_is_three_numbers(void)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t cpu, delay;
	} rows[] = {
		{ "100 62784 1\n", true, 100, 62784 },
		{ "0 0 0", true, 0, 0 },
		{ "100 62784", false, TASK_UNKNOWN, TASK_UNKNOWN },
		{ "100 -5 1\n", false, TASK_UNKNOWN, TASK_UNKNOWN },
		{ "1e3 5 1\n", false, TASK_UNKNOWN, TASK_UNKNOWN },
		{ "", false, TASK_UNKNOWN, TASK_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct task t = unknown();

		CHECK_INT(task_parse_schedstat(rows[i].text, &t), rows[i].ok);
		CHECK_INT(t.count[TASK_CPU_NS], rows[i].cpu);
		CHECK_INT(t.count[TASK_RUN_DELAY_NS], rows[i].delay);
	}
}

static void test_switches_of_both_kinds_are_told_apart(void)
{
	struct task t = unknown();

	task_parse_status("Name:\tvoluntary_ctxt_switches:\t1\nCpus_allowed_list:\t0-1,4\n"
			  "voluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t34\n",
			  &t);
	CHECK_INT(t.count[TASK_VOLUNTARY], 12);
	CHECK_INT(t.count[TASK_INVOLUNTARY], 34);
	CU_ASSERT(t.has_cpus && CPU_COUNT(&t.allowed) == 3 && CPU_ISSET(4, &t.allowed));
	t = unknown();
	task_parse_status("Name:\tx\nCpus_allowed_list:\tnone\n", &t);
	CHECK_INT(t.count[TASK_VOLUNTARY], TASK_UNKNOWN);
	CU_ASSERT(!t.has_cpus);
}

/* A kernel without CONFIG_SCHED_DEBUG has no such file, an old one no such line. */
static void test_unknown_migrations_are_not_zero(void)
{
	struct task t = unknown(), u, sum = unknown(), change;

	task_parse_sched("cat (30645, #threads: 1)\n-----\nse.exec_start   :  24147086.763066\n"
			 "se.nr_migrations                             :                    3\n",
			 &t);
	CHECK_INT(t.count[TASK_MIGRATIONS], 3);
	u = unknown();
	task_parse_sched("cat (30645, #threads: 1)\n", &u);
	CHECK_INT(u.count[TASK_MIGRATIONS], TASK_UNKNOWN);
	task_between(&u, &t, &change);
	CHECK_INT(change.count[TASK_MIGRATIONS], TASK_UNKNOWN);
	sum.count[TASK_MIGRATIONS] = 10;
	task_add(&sum, &t);
	CHECK_INT(sum.count[TASK_MIGRATIONS], 13);
	task_add(&sum, &u);
	CHECK_INT(sum.count[TASK_MIGRATIONS], TASK_UNKNOWN);
}

static void test_a_real_thread_says_all_this_kernel_has(void)
{
	struct task from, to, change;

	prctl(PR_SET_NAME, "a (b) c");
	task_read_self(&from);
	for (int64_t end = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) + 3 * MS;
	     clock_read_ns(CLOCK_THREAD_CPUTIME_ID) < end;)
		;
	task_read_self(&to);
	task_between(&from, &to, &change);
	CHECK_TEXT(change.name, "a (b) c");
	CHECK_INT(change.tid, gettid());
	CU_ASSERT(to.cpu >= 0 && to.has_cpus && CPU_ISSET(to.cpu, &to.allowed));
	CU_ASSERT(change.count[TASK_VOLUNTARY] >= 0 && change.count[TASK_MINOR_FAULTS] >= 0);
	if (access("/proc/thread-self/schedstat", R_OK))
		test_not_tried("CPU time: no schedstat in this kernel");
	else
		CU_ASSERT(change.count[TASK_CPU_NS] >= 2 * MS);
	task_read(1 << 22, 1 << 22, &to); /* beyond pid_max: changes nothing */
	CHECK_INT(to.tid, gettid());
}

static CU_TestInfo tests[] = {
	{ "stat is read whatever the name is", test_stat_is_read_whatever_the_name_is },
	{ "a torn stat leaves everything unknown", test_a_torn_stat_leaves_everything_unknown },
	{ "schedstat is three numbers", test_schedstat_is_three_numbers },
	{ "switches of both kinds are told apart", test_switches_of_both_kinds_are_told_apart },
	{ "unknown migrations are not zero", test_unknown_migrations_are_not_zero },
	{ "a real thread says all this kernel has", test_a_real_thread_says_all_this_kernel_has },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("task", tests);
}
