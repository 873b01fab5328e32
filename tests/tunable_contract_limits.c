/*
 * tunable_contract_limits.c - the contract's rows for setrlimit(2).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/tunable_contract.h"

/* kernel: open files, locked memory, real-time priority, nice, its microseconds, core file. */
static const struct row rows[] = {
	{ "nofile=64", 0, OK, "nofile=64", "nofile=64", NULL, "64 32768 0 0 9000000 0" },
	{ "memlock=4KiB", 0, OK, "memlock=4KiB", "memlock=4KiB", NULL, "256 4096 0 0 9000000 0" },
	{ "rtprio=0 nice=20", 0, OK, "rtprio=0 nice=20", "rtprio=0 nice=20", NULL,
	  "256 32768 0 0 9000000 0" },
	{ "rttime=2s core=0B", 0, OK, "rttime=2s core=0B", "rttime=2s core=0B", NULL,
	  "256 32768 0 0 2000000 0" },
	{ "rttime=1.5us", 0, CLAMPED, "rttime=1.5us", "rttime=1us",
	  "limits.rttime: asked for 1.5us, the kernel has 1us", "256 32768 0 0 1 0" },
	{ "nofile=2000000000", 0, REFUSED, "nofile=2G", "",
	  "limits.nofile: ", "256 32768 0 0 9000000 0" },
	{ 0 },
};

static const char *const nonsense[] = { "nofile=2", "nofile=much", "memlock=10", "rtprio=100",
					"nice=-21", "nice=21",	   "rttime=5",	 "rttime=1ns",
					"core=-1",  NULL };

static const struct {
	const char *title; /* in /proc/self/limits */
	int resource;
	rlim_t start; /* lower than any machine's */
} limits[] = {
	{ "Max open files ", RLIMIT_NOFILE, 256 },
	{ "Max locked memory ", RLIMIT_MEMLOCK, 32768 },
	{ "Max realtime priority ", RLIMIT_RTPRIO, 0 },
	{ "Max nice priority ", RLIMIT_NICE, 0 },
	{ "Max realtime timeout ", RLIMIT_RTTIME, 9000000 },
	{ "Max core file size ", RLIMIT_CORE, 0 },
};
#define LIMITS (sizeof(limits) / sizeof(*limits))

/* Every row begins with the same limits, whatever this test was started with. */
static void lower(struct target *t)
{
	struct rlimit limit;

	for (size_t i = 0; i < LIMITS; i++) {
		getrlimit(limits[i].resource, &limit);
		limit.rlim_cur = limits[i].start;
		CHECK_INT(setrlimit(limits[i].resource, &limit), 0);
	}
}

static int kernel_limits(const struct target *t, char *buf, size_t size)
{
	char line[256];
	int len = 0;

	for (size_t i = 0; i < LIMITS; i++) {
		if (!kernel_file_line("/proc/self/limits", limits[i].title, line, sizeof(line)))
			return 0;
		len += snprintf(buf + len, size - len, "%s%.*s", i ? " " : "",
				(int)strcspn(line, " "), line);
	}
	return len;
}

const struct suite suite_limits = {
	.name = "limits",
	.rows = rows,
	.nonsense = nonsense,
	.change = "nofile=64",
	.kernel = kernel_limits,
	.open = lower,
};
