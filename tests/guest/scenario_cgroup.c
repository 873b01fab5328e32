/*
 * scenario_cgroup.c - the whole program in groups of version 2, which most machines have and some
 * machines that test do not: what the group's own files say, and that nothing of it stays.
 *
 * The files are read from this process. A quota is known by the kernel's count of the times it
 * stopped the group: a request that needs more CPU time than there is in a period is enough.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/guest/roles.h"
#include "tests/test.h"

#define TOP	GUEST_GROUPS
#define CONTROL TOP "/cgroup.subtree_control"
#define LAB	TOP "/lab"
#define NODE	"--backend=epoll --threads=1 "
#define WEIGHT	NODE "--cgroup.cpu-weight=300 "
/* Each request takes 10 ms of CPU time, and a period has 2. */
#define LOAD "--rate=10 --duration=500ms -C 10ms --rs=64B --drain=60s"

static const char *first_line(const char *path, char *buf, size_t size)
{
	FILE *file = fopen(path, "re");

	*buf = '\0';
	if (file && !fgets(buf, (int)size, file))
		*buf = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	if (file)
		fclose(file);
	return buf;
}

static void check_line(const char *path, const char *expected)
{
	char line[256];

	first_line(path, line, sizeof(line));
	if (strcmp(line, expected) != 0)
		printf("\n    %s", path);
	CHECK_TEXT(line, expected);
}

static bool put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	bool written = file && fputs(text, file) >= 0;

	return file && !fclose(file) && written;
}

/* Of the node's own group. */
static void check_group(const struct node *n, const char *file, const char *expected)
{
	char path[128];

	snprintf(path, sizeof(path), TOP "/ringwalk-%d/%s", n->pid, file);
	check_line(path, expected);
}

static long long count_stops(const struct node *n)
{
	char path[128], line[64];
	long long count = -1;
	FILE *file;

	snprintf(path, sizeof(path), TOP "/ringwalk-%d/cpu.stat", n->pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "nr_throttled %lld", &count);
	if (file)
		fclose(file);
	return count;
}

/* What must be the same afterwards. */
struct before {
	int groups;
	char control[256];
};

static struct before look(void)
{
	struct before b = { .groups = count_groups() };

	first_line(CONTROL, b.control, sizeof(b.control));
	return b;
}

static void check_same(const struct before *b)
{
	CHECK_INT(count_groups(), b->groups);
	check_line(CONTROL, b->control);
}

/* Well, by all that the group was asked for. */
static void stop(struct node *n)
{
	check_stops(n);
	check_verdict(n, "cgroup", "ok");
}

static void test_weight_and_quota(void)
{
	struct before before = look();
	struct node node;
	char text[256];

	if (!check_starts(&node, WEIGHT "--cgroup.cpu-quota=2ms --cgroup.cpu-period=50ms"))
		return;
	check_group(&node, "cpu.weight", "300");
	check_group(&node, "cpu.max", "2000 50000");
	CU_ASSERT(client_run(&node, LOAD) > 0);
	CU_ASSERT(count_stops(&node) > 0);
	stop(&node);
	node_text(&node, "cgroup", "effective", text, sizeof(text));
	CHECK_TEXT(text, "cpu-weight=300 cpu-quota=2ms cpu-period=50ms");
	node_text(&node, "cgroup", "why", text, sizeof(text));
	CU_ASSERT(strstr(text, "periods because its quota was used up") != NULL);
	CU_ASSERT(strncmp(text, "stopped in 0 of ", 16) != 0);
	check_same(&before);
}

static const struct row {
	const char *options, *file, *expected;
} rows[] = {
	{ "--cgroup.cpu-idle=yes", "cpu.idle", "1" },
	{ "--cgroup.cpu-weight=1", "cpu.weight", "1" },
	{ "--cgroup.cpu-weight=10000", "cpu.weight", "10000" },
	{ "--cgroup.cpu-quota=20ms --cgroup.cpu-burst=10ms", "cpu.max.burst", "10000" },
	{ "--cgroup.cpu-quota=20ms", "cpu.max", "20000 100000" },
	{ "--cgroup.cpus=1-2", "cpuset.cpus.effective", "1-2" },
	{ "--cgroup.mems=1", "cpuset.mems.effective", "1" },
	{ "--cgroup.cpus=3 --cgroup.partition=root", "cpuset.cpus.partition", "root" },
	{ "--cgroup.cpus=0 --cgroup.cpu-weight=7 --cgroup.parent=/", "cpu.weight", "7" },
	{ 0 },
};

static void test_each_knob(void)
{
	struct before before = look();

	for (const struct row *row = rows; row->options; row++) {
		char options[256];
		struct node node;

		snprintf(options, sizeof(options), NODE "%s", row->options);
		if (!check_starts(&node, options))
			continue;
		check_group(&node, row->file, row->expected);
		stop(&node);
		check_same(&before);
	}
}

static void test_kill(void)
{
	struct before before = look();
	int left = GROUP_TRIES;
	char control[256];
	struct node node;

	if (!check_starts(&node, WEIGHT "--cgroup.cpu-quota=20ms --cgroup.cpus=1"))
		return;
	CHECK_INT(count_groups(), before.groups + 1);
	first_line(CONTROL, control, sizeof(control));
	CU_ASSERT(strcmp(control, before.control) != 0);
	node_kill(&node);
	while (left-- && (count_groups() > before.groups ||
			  strcmp(first_line(CONTROL, control, sizeof(control)), before.control)))
		usleep(GROUP_PAUSE_US);
	check_same(&before);
}

/* Its controller would be switched off under it when the first one ends. */
static void test_two_at_once(void)
{
	struct before before = look();
	struct node first, second;

	if (!check_starts(&first, WEIGHT))
		return;
	check_refuses(&second, WEIGHT);
	if (!strstr(second.words, "is held by ringwalk node (process "))
		printf("\n    %s", second.words);
	CU_ASSERT(strstr(second.words, "is held by ringwalk node (process ") != NULL);
	check_group(&first, "cpu.weight", "300");
	CHECK_INT(count_groups(), before.groups + 1);
	stop(&first);
	check_same(&before);
}

/* With the controller on for good, as systemd has it, there can be as many as one likes. */
static void test_two_where_it_is_on(void)
{
	struct node first, second;
	struct before before;

	CU_ASSERT(put(CONTROL, "+cpu"));
	before = look();
	if (check_starts(&first, WEIGHT)) {
		if (check_starts(&second, NODE "--cgroup.cpu-weight=50")) {
			stop(&first);
			check_group(&second, "cpu.weight", "50");
			stop(&second);
		} else {
			stop(&first);
		}
	}
	check_same(&before);
	CU_ASSERT(put(CONTROL, "-cpu"));
}

/* A process that does nothing in the group /lab. */
static pid_t settle_in_lab(void)
{
	pid_t pid = fork();
	char text[32];

	if (!pid)
		for (;;)
			pause();
	snprintf(text, sizeof(text), "%d", pid);
	CU_ASSERT(put(LAB "/cgroup.procs", text));
	return pid;
}

static void test_parent(void)
{
	struct before before;
	struct node node;
	pid_t inside;

	CU_ASSERT(put(CONTROL, "+cpu"));
	CHECK_INT(mkdir(LAB, 0755), 0);
	before = look();
	if (check_starts(&node, WEIGHT "--cgroup.parent=/lab")) {
		char path[128];

		snprintf(path, sizeof(path), LAB "/ringwalk-%d/cpu.weight", node.pid);
		check_line(path, "300");
		stop(&node);
	}
	check_line(LAB "/cgroup.subtree_control", "");
	inside = settle_in_lab();
	check_refuses(&node, WEIGHT "--cgroup.parent=/lab");
	CU_ASSERT(strstr(node.words, "lab has processes of its own") != NULL);
	kill(inside, SIGKILL);
	waitpid(inside, NULL, 0);
	check_refuses(&node, NODE "--cgroup.cpus=1 --cgroup.parent=/lab");
	CU_ASSERT(strstr(node.words, "lab has no controller cpuset") != NULL);
	check_same(&before);
	CHECK_INT(rmdir(LAB), 0);
	CU_ASSERT(put(CONTROL, "-cpu"));
}

static void test_of_version_1(void)
{
	struct before before = look();
	struct node node;

	check_refuses(&node, NODE "--cgroup.cpu-shares=512");
	CU_ASSERT(strstr(node.words, "use cgroup.cpu-weight") != NULL);
	check_refuses(&node, NODE "--cgroup.rt-runtime=10ms");
	CU_ASSERT(strstr(node.words, "does not limit real-time threads by group") != NULL);
	check_same(&before);
}

static CU_TestInfo tests[] = {
	{ "weight and quota are there, and the quota stops the group", test_weight_and_quota },
	{ "each knob is in its file, and nothing stays", test_each_knob },
	{ "kill -9 leaves no group and no controller", test_kill },
	{ "a controller that another ringwalk switched on is not built upon", test_two_at_once },
	{ "a controller that was on before is shared", test_two_where_it_is_on },
	{ "a group named by parent must be able to hand the controller on", test_parent },
	{ "knobs of version 1 are refused by name", test_of_version_1 },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	if (!roles_init(argc, argv))
		return test_skip("for the guest: ./dev test --guest");
	return test_main("scenario_cgroup", tests);
}
