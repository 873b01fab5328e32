/*
 * test_epoll_read_back.c - what epoll has of what it was asked for: busy polling of devices.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/syscall.h>

#include "tests/backend_fixture.h"

#define SET_PARAMS 0x40088a01 /* EPIOCSPARAMS */

static void test_rows(void)
{
	static const struct read_back_row rows[] = {
		{ "", VERDICT_OK, "", "" },
		{ "trigger=edge events=7", VERDICT_OK, "trigger=edge events=7", "" },
		{ "busy-poll=50us", VERDICT_OK, "busy-poll=50us", "", 9 },
		{ "busy-poll=1s busy-poll-budget=64 prefer-busy-poll=yes", VERDICT_OK,
		  "busy-poll=1s busy-poll-budget=64 prefer-busy-poll=yes", "", 9 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_read_back(&rows[i]);
}

static void test_refusals(void)
{
	static const struct {
		const char *opts, *words;
	} rows[] = {
		{ "busy-poll=1500ns", "whole microseconds" },
		{ "prefer-busy-poll=yes", "must say how long" },
		{ "busy-poll-budget=16", "must say how long" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct backend *b = NULL;
		struct err err = { 0 };

		CHECK_INT(open_with(&b, rows[i].opts, &err), -EINVAL);
		CU_ASSERT(strstr(err.text, rows[i].words) != NULL);
	}
}

static void test_old_kernels(void)
{
	static const struct lack_row rows[] = {
		{ SYS_ioctl, SET_PARAMS, ENOTTY, "busy-poll=50us", "Linux 6.9 or later" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_lack(&rows[i]);
}

/* In a child, which gives up its privileges. */
static int open_as_nobody(void)
{
	struct backend *b = NULL;
	struct err err = { 0 };
	int rc;

	if (!geteuid() && setresuid(65534, 65534, 65534))
		return TEST_SKIP;
	rc = open_with(&b, "busy-poll=50us busy-poll-budget=65", &err);
	if (rc == -EOPNOTSUPP && possible_lack("busy-poll", 9))
		return TEST_SKIP;
	return rc != -EPERM || !strstr(err.text, "more than 64 needs CAP_NET_ADMIN");
}

static void test_budget(void)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		_exit(open_as_nobody());
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CU_ASSERT_FATAL(WIFEXITED(status));
	if (WEXITSTATUS(status) == TEST_SKIP)
		test_not_possible("no busy polling, or no way to lose privileges");
	else
		CHECK_INT(WEXITSTATUS(status), 0);
}

static void test_no_op_23(void)
{
	struct verdict_report report;

	if (!opens_new("busy-poll=50us", 9))
		return;
	for (int closes = 0; closes < 2; closes++) {
		judge_loopback("busy-poll=50us", closes, &report);
		CHECK_INT(report.verdict, VERDICT_VACUOUS);
		CHECK_TEXT(report.effective, "busy-poll=50us");
		CU_ASSERT(strstr(report.why, "none of 1 sockets has a NAPI id (loopback") != NULL);
	}
	judge_loopback("", true, &report);
	CHECK_INT(report.verdict, VERDICT_OK);
	CHECK_TEXT(report.why, "");
}

static CU_TestInfo tests[] = {
	{ "the kernel has what was asked for", test_rows },
	{ "what means nothing is refused in words", test_refusals },
	{ "a kernel without busy polling is named", test_old_kernels },
	{ "a large budget needs a privilege, which is named", test_budget },
	{ "no-op 23: epoll's busy polling of loopback sockets is called vacuous", test_no_op_23 },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return backend_main("epoll", "epoll_read_back", tests);
}
