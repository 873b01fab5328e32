/*
 * scenario_sched.c - policies of a node's workers that only another kernel, or groups of version 2,
 * can show: pinned reservations, and slices before Linux 6.12.
 *
 * What the workers have is asked of the kernel, thread by thread, from this process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tests/guest/roles.h"
#include "tests/test.h"

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif
#define CPU	       2
#define RESERVATION    "--sched.policy=deadline --sched.runtime=4ms --sched.deadline=10ms "
#define IN_A_PARTITION "--backend=epoll --cgroup.cpus=2 --cgroup.partition=root " RESERVATION

/* How many threads of the process have a reservation, and whether each may run on CPU alone. */
static int count_reserved(pid_t pid, bool *alone)
{
	char path[64];
	struct dirent *entry;
	cpu_set_t mask;
	int count = 0;
	DIR *tasks;

	*alone = true;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		pid_t tid = atoi(entry->d_name);

		if (tid <= 0 || (sched_getscheduler(tid) & ~SCHED_RESET_ON_FORK) != SCHED_DEADLINE)
			continue;
		count++;
		CPU_ZERO(&mask);
		sched_getaffinity(tid, sizeof(mask), &mask);
		*alone = *alone && CPU_COUNT(&mask) == 1 && CPU_ISSET(CPU, &mask);
	}
	if (tasks)
		closedir(tasks);
	return count;
}

static void test_pinned_reservation(void)
{
	int groups = count_groups();
	struct node node;
	bool alone;

	if (!check_starts(&node, "--threads=1 " IN_A_PARTITION))
		return;
	CHECK_INT(count_reserved(node.pid, &alone), 1);
	CU_ASSERT(alone);
	CU_ASSERT(client_run(&node, "--rate=100 --duration=1s -C 20us --rs=64B") > 0);
	CHECK_INT(count_reserved(node.pid, &alone), 1);
	check_stops(&node);
	check_verdict(&node, "sched", "ok");
	check_verdict(&node, "cgroup", "ok");
	CHECK_INT(count_groups(), groups);
}

/* Its watcher outlives it, and takes the partition away. */
static void test_killed_in_a_partition(void)
{
	int groups = count_groups(), left = GROUP_TRIES;
	struct node node;

	if (!check_starts(&node, "--threads=1 " IN_A_PARTITION))
		return;
	CU_ASSERT(count_groups() > groups);
	node_kill(&node);
	while (count_groups() > groups && left--)
		usleep(GROUP_PAUSE_US);
	CHECK_INT(count_groups(), groups);
}

static void test_more_than_the_partition(void)
{
	int groups = count_groups();
	struct node node;

	check_refuses(&node, "--threads=3 " IN_A_PARTITION);
	CU_ASSERT(strstr(node.words, "admission control") != NULL);
	CHECK_INT(count_groups(), groups);
}

static void test_pinned_without_a_partition(void)
{
	struct node node;

	check_refuses(&node, "--threads=1 --pin.cpus=2 " RESERVATION);
	CU_ASSERT(strstr(node.words, "SCHED_DEADLINE refused: the thread may run on ") != NULL);
}

static bool has_slices(void)
{
	struct utsname name;
	int major = 0, minor = 0;

	uname(&name);
	sscanf(name.release, "%d.%d", &major, &minor);
	return major > 6 || (major == 6 && minor >= 12);
}

static void test_slice(void)
{
	bool started;
	struct node node;

	started = node_start(&node, "--threads=1 --sched.slice=3ms");
	CHECK_INT(started, has_slices());
	if (started)
		node_stop(&node);
	CHECK_INT(node.status, started ? 0 : 3);
	if (!started)
		CU_ASSERT(strstr(node.words, "this kernel ignores slices") != NULL);
}

static CU_TestInfo tests[] = {
	{ "a deadline worker pinned by a cpuset root domain works", test_pinned_reservation },
	{ "kill -9 takes the root domain with it", test_killed_in_a_partition },
	{ "more than the root domain has is refused, and nothing is left of it",
	  test_more_than_the_partition },
	{ "pinned without a root domain it is refused, and why", test_pinned_without_a_partition },
	{ "no-op 7: before Linux 6.12 a slice is ignored; the node says so and does not start",
	  test_slice },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	if (!roles_init(argc, argv))
		return test_skip("for the guest: ./dev test --guest");
	return test_main("scenario_sched", tests);
}
