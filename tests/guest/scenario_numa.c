/*
 * scenario_numa.c - a node's worker memory lies where numa.policy says: counted page by page.
 *
 * The workers run on the CPUs of node 0, so that what lies on node 1 is there by the policy and not
 * by the first touch. Which ranges follow a policy is in numa_maps(5), on which node each of their
 * pages is says move_pages(2), and both are asked from this process, about another. Interleaved
 * ranges have no policy of their own, for their pages are dealt out one by one: they are those that
 * have pages on node 1, where no other has, and the node's report says how many pages they must be.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <numaif.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/guest/roles.h"
#include "tests/test.h"

#define NODES	  2
#define BATCH	  512
#define FEW	  32 /* pages: with less there is nothing to tell */
#define LOAD	  "--rate=500 --duration=1s --connections=32 -C 20us --rs=16KiB"
#define THREADS	  2
#define ON_NODE_0 "--threads=2 --pin.cpus=0-1 "
#define SPREAD	  "spread"

struct pages {
	unsigned long on[NODES], all;
	unsigned long reported; /* of all workers, by the node's own report; 0: not in this form */
};

static void count_batch(pid_t pid, uintptr_t first, unsigned long count, struct pages *ret)
{
	void *addresses[BATCH];
	int status[BATCH];

	for (unsigned long i = 0; i < count; i++)
		addresses[i] = (void *)(first + i * (uintptr_t)getpagesize());
	if (move_pages(pid, count, addresses, NULL, status, 0) < 0)
		return;
	for (unsigned long i = 0; i < count; i++) {
		if (status[i] < 0 || status[i] >= NODES)
			continue; /* never touched */
		ret->on[status[i]]++;
		ret->all++;
	}
}

/* Where the range that begins here ends, by maps(5). */
static uintptr_t range_end(pid_t pid, uintptr_t begin)
{
	uintptr_t from, to, end = begin;
	char path[64], line[512];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) == 2 && from == begin)
			end = to;
	if (maps)
		fclose(maps);
	return end;
}

static void count_range(pid_t pid, uintptr_t begin, struct pages *ret)
{
	uintptr_t end = range_end(pid, begin), page = (uintptr_t)getpagesize();
	unsigned long count;

	for (uintptr_t at = begin; at < end; at += count * page) {
		count = (end - at) / page < BATCH ? (end - at) / page : BATCH;
		count_batch(pid, at, count, ret);
	}
}

/* Message memory; the heaps and stacks of threads have less pages than that. */
static void count_if_spread(pid_t pid, uintptr_t begin, const char *line, struct pages *ret)
{
	struct pages range = { 0 };

	if (strstr(line, " file=") || strstr(line, " heap") || strstr(line, " stack"))
		return;
	count_range(pid, begin, &range);
	if (range.on[1] < FEW)
		return;
	for (int node = 0; node < NODES; node++)
		ret->on[node] += range.on[node];
	ret->all += range.all;
}

/* All pages of the ranges that have this policy, like "bind:1", or that are spread. */
static struct pages count_pages(pid_t pid, const char *policy)
{
	struct pages pages = { 0 };
	bool spread = !strcmp(policy, SPREAD);
	char path[64], line[1024], name[64];
	uintptr_t begin;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/numa_maps", pid);
	maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNxPTR " %63s", &begin, name) != 2)
			continue;
		if (spread)
			count_if_spread(pid, begin, line, &pages);
		else if (!strcmp(name, policy))
			count_range(pid, begin, &pages);
	}
	if (maps)
		fclose(maps);
	return pages;
}

/* The first worker's sentence; the others have as much. */
static unsigned long count_reported(const struct node *n)
{
	unsigned long on[NODES];
	char why[256];

	node_text(n, "numa", "why", why, sizeof(why));
	if (sscanf(why, "%lu pages on node 0, %lu on node 1", &on[0], &on[1]) != NODES)
		return 0;
	return THREADS * (on[0] + on[1]);
}

/* A node that has served a load, its pages, and its end; what its report says is checked here. */
static struct pages serve(const char *options, const char *policy)
{
	struct pages pages = { 0 };
	struct node node;

	if (!check_starts(&node, options))
		return pages;
	CU_ASSERT(client_run(&node, LOAD) > 0);
	pages = count_pages(node.pid, policy);
	check_stops(&node);
	check_verdict(&node, "numa", "ok");
	pages.reported = count_reported(&node);
	printf(" %s: node 0 %lu, node 1 %lu", policy, pages.on[0], pages.on[1]);
	return pages;
}

static void check_bound(const char *options)
{
	struct pages pages = serve(options, "bind:1");

	CU_ASSERT(pages.all >= FEW);
	CU_ASSERT(pages.on[1] * 100 >= pages.all * 99);
}

static void test_bound_epoll(void)
{
	check_bound(ON_NODE_0 "--backend=epoll --numa.policy=bind --numa.nodes=1");
}

static void test_bound_io_uring(void)
{
	check_bound(ON_NODE_0 "--backend=io_uring --numa.policy=bind --numa.nodes=1");
}

static void test_interleaved(void)
{
	struct pages pages = serve(
		ON_NODE_0
		"--backend=epoll --memory.prefault=yes --numa.policy=interleave --numa.nodes=0-1",
		SPREAD);

	CU_ASSERT(pages.all >= FEW && pages.reported >= FEW);
	CU_ASSERT(pages.all * 100 >= pages.reported * 95);
	CHECK_NEAR((double)pages.on[0] / (double)pages.all, 0.5, 0.04);
}

static void test_no_such_node(void)
{
	struct node node;

	check_refuses(&node, "--numa.policy=bind --numa.nodes=0,5");
	CU_ASSERT(strstr(node.words, "5") != NULL && strstr(node.words, "0-1") != NULL);
}

static CU_TestInfo tests[] = {
	{ "worker memory bound to node 1 is there: epoll", test_bound_epoll },
	{ "worker memory bound to node 1 is there: io_uring", test_bound_io_uring },
	{ "interleaved worker memory is even", test_interleaved },
	{ "a memory node that does not exist is refused by name", test_no_such_node },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	if (!roles_init(argc, argv))
		return test_skip("for the guest: ./dev test --guest");
	return test_main("scenario_numa", tests);
}
