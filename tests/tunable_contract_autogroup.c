/*
 * tunable_contract_autogroup.c - the contract's rows for the nice value of a session.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/journal.h"
#include "tests/possible.h"
#include "tests/tunable_contract.h"

/* kernel: the nice value of the session's leader, which every row's process is itself. */
static const struct row rows[] = {
	{ "nice=5", 0, DONE, "nice=5", "nice=5", NULL, "5", true },
	{ "nice=-5", 0, DONE, "nice=-5", "nice=-5", NULL, "-5", true },
	{ "nice=19", 0, DONE, "nice=19", "nice=19", NULL, "19", true },
	{ 0 },
};

static const char *const nonsense[] = { "nice=20", "nice=-21", "nice=low", NULL };

static int kernel_nice(const struct target *t, char *buf, size_t size)
{
	char path[64], line[64];

	snprintf(path, sizeof(path), "/proc/%d/autogroup", getsid(0));
	kernel_file_read(path, line, sizeof(line));
	return snprintf(buf, size, "%s", strrchr(line, ' ') + 1);
}

/* A session of its own: the one that the test was started in is left alone. */
static void open_session(struct target *t)
{
	struct err err = { 0 };

	CU_ASSERT(setsid() > 0);
	if (journal_open(&t->journal, "test", &err))
		printf("\n    %s", err.text);
	CU_ASSERT_FATAL(t->journal != NULL);
}

static void close_journal(struct target *t)
{
	journal_close(t->journal);
}

static const char *impossible(void)
{
	return access("/proc/self/autogroup", F_OK) ? "this kernel has no autogroups"
						    : possible_journal_why();
}

const struct suite suite_autogroup = {
	.name = "autogroup",
	.rows = rows,
	.nonsense = nonsense,
	.change = "nice=5",
	.kernel = kernel_nice,
	.open = open_session,
	.close = close_journal,
	.impossible = impossible,
};
