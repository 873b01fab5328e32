/*
 * tunable_contract_timer.c - the contract's rows for timer slack.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <sys/prctl.h>

#include "tests/tunable_contract.h"

static const struct row rows[] = {
	{ "slack=1ns", 0, OK, "slack=1ns", "slack=1ns", NULL, "1" },
	{ "slack=1us", 0, OK, "slack=1us", "slack=1us", NULL, "1000" },
	{ "slack=1s", 0, OK, "slack=1s", "slack=1s", NULL, "1000000000" },
	{ 0 },
};

static const char *const nonsense[] = { "slack=10", "slack=-1ns", "slack=2s", NULL };

/* By the file, while the tunable asks a thread about itself by prctl(2). */
static int kernel_slack(const struct target *t, char *buf, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/timerslack_ns", gettid());
	if (!kernel_file_read(path, buf, size))
		snprintf(buf, size, "%d", prctl(PR_GET_TIMERSLACK));
	return (int)strlen(buf);
}

const struct suite suite_timer = {
	.name = "timer",
	.rows = rows,
	.nonsense = nonsense,
	.change = "slack=1us",
	.kernel = kernel_slack,
	.gone = { .tid = 0x3fffffff, .fd = -1 },
	.gone_code = -ESRCH,
};
