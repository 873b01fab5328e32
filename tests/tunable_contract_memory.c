/*
 * tunable_contract_memory.c - the contract's rows for locked memory, huge pages and the OOM score.
 *
 * What is done to the memory of threads (prefault, collapse) is tested by test_memory.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/prctl.h>

#include "tests/tunable_contract.h"

#define LOCKED (OK | DENIED | (TUNABLE_TEST_SANITIZED ? IGNORED : 0))

static const struct row rows[] = {
	{ "lock=current", 0, LOCKED, "lock=current", NULL, NULL, NULL, true },
	{ "lock=all", 0, LOCKED, "lock=all", NULL, NULL, NULL, true },
	{ "lock=onfault", 0, LOCKED, "lock=onfault", NULL, NULL, NULL, true },
	{ "huge-pages=never", 0, OK, "huge-pages=never", "huge-pages=never", NULL, "never 0" },
	{ "oom-score-adj=500", 0, OK, "oom-score-adj=500", "oom-score-adj=500", NULL, "default 500",
	  true },
	{ "huge-pages=never oom-score-adj=300", 0, OK, "huge-pages=never oom-score-adj=300",
	  "huge-pages=never oom-score-adj=300", NULL, "never 300", true },
	{ "oom-score-adj=-999", 0, OK | DENIED, NULL, NULL, NULL, NULL, true },
	{ "prefault=yes", 0, OK, "", "", "for each thread, when it is ready", "default 0" },
	{ "stack-prefault=64KiB", 0, OK, "", "", "for each thread, when it is ready", "default 0" },
	{ "prefault=yes huge-pages=collapse", 0, OK, "", "", "for each thread", "default 0" },
	{ 0 },
};

static const char *const nonsense[] = { "lock=some",	       "prefault=maybe",
					"stack-prefault=1000", "stack-prefault=-1KiB",
					"huge-pages=big",      "oom-score-adj=1001",
					"oom-score-adj=-1001", NULL };

static int kernel_memory(const struct target *t, char *buf, size_t size)
{
	(void)t;
	return snprintf(buf, size, "%s %d",
			prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) > 0 ? "never" : "default",
			(int)kernel_file_number("/proc/self/oom_score_adj", -1));
}

const struct suite suite_memory = {
	.name = "memory",
	.rows = rows,
	.nonsense = nonsense,
	.change = "huge-pages=never",
	.kernel = kernel_memory,
};
