/*
 * test_census.c - processes and what they used: texts by rows, and this process among all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "observe/census.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/test.h"

#define REST " 0 0 20 0 4 0 777 1000000 200 18446744073709551615 1 1 0\n"

static void test_texts_are_read_and_damaged_ones_are_not(void)
{
	static const struct {
		const char *text, *name; /* no name: refused */
		int pid, parent, ticks, kernel;
	} rows[] = {
		{ "12 (make) S 7 12 7 34816 12 4194304 9 8 7 6 50 25" REST, "make", 12, 7, 75, 0 },
		{ "3 (kworker/0:1) I 2 0 0 0 -1 69238880 0 0 0 0 0 9" REST, "kworker/0:1", 3, 2, 9,
		  1 },
		{ "12 (a) (b) c) R 7 1 1 0 -1 0 0 0 0 0 1 2" REST, "a) (b) c", 12, 7, 3, 0 },
		{ "12 (\xc3\xa4\n) R 7 1 1 0 -1 0 0 0 0 0 1 2" REST, "???", 12, 7, 3, 0 },
		{ "12 (a name that is longer) R 7 1 1 0 -1 0 0 0 0 0 1 2" REST, "a name that is ",
		  12, 7, 3, 0 },
		{ "12 (make) S 7 12 7 34816 12 4194304 9 8 7 6 50", NULL, 0, 0, 0, 0 },
		{ "12 (make) S 7 12 7 34816 12 4194304 9 8 7 6 -50 25" REST, NULL, 0, 0, 0, 0 },
		{ "12 )make( S 7 12 7 34816 12 4194304 9 8 7 6 50 25" REST, NULL, 0, 0, 0, 0 },
		{ "12 (make", NULL, 0, 0, 0, 0 },
		{ "make)", NULL, 0, 0, 0, 0 },
		{ "", NULL, 0, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct census_process p = { 0 };

		CHECK_INT(census_parse(rows[i].text, &p), rows[i].name != NULL);
		CHECK_TEXT(p.name, rows[i].name ? rows[i].name : "");
		CHECK_INT(p.pid, rows[i].pid);
		CHECK_INT(p.parent, rows[i].parent);
		CHECK_INT(p.ticks, rows[i].ticks);
		CHECK_INT(p.is_kernel, rows[i].kernel);
		CHECK_INT(p.born, rows[i].name ? 777 : 0);
	}
}

static void test_what_was_added_is_by_process_and_not_by_number(void)
{
	struct census_process old[] = { { .pid = 1, .born = 5, .ticks = 100 },
					{ .pid = 2, .born = 5, .ticks = 100 },
					{ .pid = 3, .born = 5, .ticks = 100 },
					{ .pid = 4, .born = 5, .ticks = 100 } };
	struct census_process new[] = { { .pid = 1, .born = 5, .ticks = 100 },
					{ .pid = 2, .born = 5, .ticks = 103 },
					{ .pid = 4, .born = 6, .ticks = 50 },
					{ .pid = 9, .born = 6, .ticks = 7 } };
	const struct census from = { 4, old }, to = { 4, new };
	struct census change;

	CHECK_INT(census_between(&from, &to, &change), 0);
	CHECK_INT(change.count, 3);
	CHECK_INT(change.processes[0].pid, 2);
	CHECK_INT(change.processes[0].ticks, 3);
	CHECK_INT(change.processes[1].ticks, 50); /* another one of the same number */
	CHECK_INT(change.processes[2].ticks, 7);
	census_finish(&change);
	CHECK_INT(census_between(&(struct census){ 0 }, &to, &change), 0);
	CHECK_INT(change.count, 4);
	census_finish(&change);
}

static const struct census_process *find(const struct census *c, pid_t pid)
{
	for (unsigned i = 0; i < c->count; i++)
		if (c->processes[i].pid == pid)
			return &c->processes[i];
	return NULL;
}

static void test_a_process_that_works_is_found_with_its_time(void)
{
	struct census before, after, change;
	const struct census_process *p;
	clockid_t clock;
	pid_t pid;

	CHECK_INT(census_take(&before), 0);
	CU_ASSERT(find(&before, getpid()) != NULL);
	pid = fork();
	while (pid == 0)
		;
	CU_ASSERT_FATAL(clock_getcpuclockid(pid, &clock) == 0);
	while (clock_read_ns(clock) < 100 * MS)
		usleep(1000);
	CHECK_INT(census_take(&after), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK_INT(census_between(&before, &after, &change), 0);
	p = find(&change, pid);
	CU_ASSERT_FATAL(p != NULL);
	CHECK_INT(p->parent, getpid());
	CU_ASSERT(!p->is_kernel);
	CU_ASSERT((int64_t)p->ticks >= 80 * MS * sysconf(_SC_CLK_TCK) / SEC);
	census_finish(&before);
	census_finish(&after);
	census_finish(&change);
	census_finish(&change);
}

static CU_TestInfo tests[] = {
	{ "texts are read and damaged ones are not", test_texts_are_read_and_damaged_ones_are_not },
	{ "what was added is by process and not by number",
	  test_what_was_added_is_by_process_and_not_by_number },
	{ "a process that works is found with its time",
	  test_a_process_that_works_is_found_with_its_time },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("census", tests);
}
