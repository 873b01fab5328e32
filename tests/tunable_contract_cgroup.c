/*
 * tunable_contract_cgroup.c - the contract's rows for control groups, of whichever version.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "system/cgroup.h"
#include "system/journal.h"
#include "tests/tunable_contract.h"

/* What this kernel or version may not have. */
#define IF_THERE (OK | UNSUPPORTED)

/* kernel: in how many groups of its own the process is. */
static const struct row rows[] = {
	{ "cpu-weight=1000", 0, OK, "cpu-weight=1k", "cpu-weight=1k", "counts against", "1", true },
	{ "cpu-weight=1", 0, OK, "cpu-weight=1", "cpu-weight=1", NULL, "1", true },
	{ "cpu-weight=10000 cpu-quota=20ms", 0, OK,
	  "cpu-weight=10k cpu-quota=20ms cpu-period=100ms",
	  "cpu-weight=10k cpu-quota=20ms cpu-period=100ms", NULL, "1", true },
	{ "cpu-quota=50ms cpu-period=25ms", 0, OK, "cpu-quota=50ms cpu-period=25ms",
	  "cpu-quota=50ms cpu-period=25ms", "", "1", true },
	{ "cpu-quota=20ms cpu-burst=10ms", 0, IF_THERE,
	  "cpu-quota=20ms cpu-period=100ms cpu-burst=10ms", NULL, NULL, NULL, true },
	{ "cpu-quota=1500us", 0, OK, NULL, "cpu-quota=1.5ms cpu-period=100ms", NULL, "1", true },
	{ "cpu-quota=1000100ns", 0, CLAMPED, NULL, "cpu-quota=1ms cpu-period=100ms",
	  "cgroup.cpu-quota: asked for 1000.1us, the kernel has 1ms", "1", true },
	{ "cpu-idle=yes", 0, IF_THERE, "cpu-idle=yes", NULL, NULL, NULL, true },
	{ "cpu-shares=2048", 0, IF_THERE, "cpu-shares=2048", NULL, NULL, NULL, true },
	{ "rt-runtime=10ms", 0, IF_THERE, "rt-runtime=10ms", NULL, NULL, NULL, true },
	{ "cpus=A", 0, DONE, "cpus=A", "cpus=A", NULL, "1", true },
	{ "cpus=B mems=0", 0, OK, "cpus=B mems=0", "cpus=B mems=0", NULL, "1", true },
	{ "cpus=A parent=/", 0, DONE, "parent=/ cpus=A", "parent=/ cpus=A", NULL, "1", true },
	{ "cpus=1000", 0, UNSUPPORTED | CLAMPED, "cpus=1000", NULL, NULL, NULL, true },
	{ "parent=/ringwalk-absent cpus=A", 0, UNSUPPORTED, NULL, "",
	  "ringwalk-absent: No such file", "0", true },
	{ "parent=lab cpus=A", 0, UNSUPPORTED, NULL, "", "cgroup.parent is the path", "0" },
	{ "parent=/../lab cpus=A", 0, UNSUPPORTED, NULL, "", "cgroup.parent is the path", "0" },
	{ "parent=/lab", 0, UNSUPPORTED, NULL, "", "alone asks for nothing", "0" },
	{ "cpu-weight=10 cpu-shares=100", 0, UNSUPPORTED, NULL, "", "two words for one thing",
	  "0" },
	{ "cpu-idle=yes cpu-weight=10", 0, UNSUPPORTED, NULL, "", "an idle group has no weight",
	  "0" },
	{ "cpu-quota=500us", 0, UNSUPPORTED, NULL, "", "cgroup.cpu-quota is 1ms at least", "0" },
	{ "cpu-quota=5ms cpu-period=500us", 0, UNSUPPORTED, NULL, "",
	  "cgroup.cpu-period is 1ms at least", "0" },
	{ "cpu-period=50ms", 0, UNSUPPORTED, NULL, "",
	  "cgroup.cpu-period means nothing without cgroup.cpu-quota", "0" },
	{ "cpu-quota=5ms cpu-burst=6ms", 0, UNSUPPORTED, NULL, "",
	  "cgroup.cpu-burst is more than cgroup.cpu-quota", "0" },
	{ "partition=root", 0, UNSUPPORTED, NULL, "", "needs the CPUs it is to consist of", "0" },
	{ 0 },
};

static const char *const nonsense[] = { "cpu-weight=-1", "cpu-weight=10001",   "cpu-quota=10",
					"cpus=x",	 "partition=isolated", NULL };

static int kernel_groups(const struct target *t, char *buf, size_t size)
{
	char line[512], name[32], *last;
	FILE *file = fopen("/proc/self/cgroup", "re");
	int count = 0;

	snprintf(name, sizeof(name), "/ringwalk-%d\n", getpid());
	while (file && fgets(line, sizeof(line), file))
		count += (last = strrchr(line, '/')) && !strcmp(last, name);
	if (file)
		fclose(file);
	return snprintf(buf, size, "%d", count);
}

static void open_journal(struct target *t)
{
	struct err err = { 0 };

	if (journal_open(&t->journal, "test", &err))
		printf("\n    %s", err.text);
	CU_ASSERT_FATAL(t->journal != NULL);
}

static void close_journal(struct target *t)
{
	journal_close(t->journal);
}

/* Can folders be made in both hierarchies? Asked of the kernel, not of the tunable. */
static const char *impossible(void)
{
	static const char *const controllers[] = { "cpu", "cpuset" };
	struct cgroup_place place;

	for (int i = 0; i < 2; i++) {
		char path[CGROUP_PATH + 32];

		if (!cgroup_find(0, controllers[i], &place))
			return "no groups with the controllers cpu and cpuset are mounted";
		if (place.version == 2 && strcmp(place.folder, place.mount))
			return "groups of version 2, and this process is not in the topmost";
		snprintf(path, sizeof(path), "%s/ringwalk-try-%d", place.folder, getpid());
		if (mkdir(path, 0755) || rmdir(path))
			return "no control group can be made";
	}
	return NULL;
}

const struct suite suite_cgroup = {
	.name = "cgroup",
	.rows = rows,
	.nonsense = nonsense,
	.change = "cpu-weight=1000",
	.kernel = kernel_groups,
	.open = open_journal,
	.close = close_journal,
	.impossible = impossible,
};
