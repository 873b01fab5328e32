/*
 * numa_settle.c - a thread's pages: moved to where its policy wants them, and counted.
 *
 * mbind(2) gives each range a rule for pages that are touched later, whoever touches them. It does
 * not move what is there (with MPOL_MF_MOVE it does, but not for interleave: pages inside the mask
 * stay), so those are moved page by page. A page is never taken for placed because a call said so:
 * the census counts, once all is done and again at the thread's end.
 *
 * With interleave all pages are faulted in first and then dealt out, and not in turn by addresses,
 * as the kernel does: of a ring of 16 KiB buffers small messages use each fourth page, and all of
 * those would be on one node. The turn is the sum of the digits of the page's number, in base of
 * the sum of the weights: even in each block of so many pages, and even in each so many-th page.
 *
 * Right is at least 99 % of the pages where they should be. With interleave each node's part may
 * miss its share by 2 % of all pages, by four pages, or by a huge page if there are any: ranges
 * need not come out even, and the stack goes on growing.
 *
 * With interleave ranges stay in small pages, unless huge ones were asked for and are there: one
 * that the kernel makes by itself lies on one node. What the kernel has allocated in one piece (the
 * queues of io_uring) cannot be spread, so it is told apart then. What nobody has touched yet is
 * not counted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <linux/mempolicy.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "system/kernel_file.h"
#include "system/page_census.h"
#include "system/smaps.h"
#include "tunables/numa_opts.h"

#ifndef SYS_set_mempolicy_home_node
#define SYS_set_mempolicy_home_node 450
#endif

#define RIGHT_PERCENT	99
#define UNEVEN_PERCENT	2
#define UNEVEN_PAGES	4
#define HUGE_PAGE_BYTES (2UL << 20)

/* One thread's memory and what is wanted of it. */
struct settling {
	const struct numa_opts *opts;
	const struct memory_range *ranges;
	unsigned count;
	bool at_end;
	struct node_set nodes;	     /* where pages may be */
	unsigned weights[NODES_MAX]; /* interleave: pages in a row */
	unsigned here;		     /* node of the CPU */
	unsigned long unit;	     /* pages that are moved as one */
	struct page_census all;
	unsigned long pieces;	 /* pages that cannot be spread */
	unsigned long wrong[16]; /* pages elsewhere, by range */
	long unmoved;
	char *text; /* the report's sentence, being written */
	size_t room;
};

static void PRINTF_LIKE(2, 3) say(struct settling *s, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(s->text, s->room, fmt, args);
	va_end(args);
	len = len < (int)s->room ? len : (int)s->room - 1;
	s->text += len;
	s->room -= (size_t)len;
}

static bool spreads(const struct settling *s)
{
	return s->opts->policy == NUMA_INTERLEAVE || s->opts->policy == NUMA_WEIGHTED_INTERLEAVE;
}

/* Where pages should be: the nodes, the first of them, or the one the thread runs on. */
static void want_nodes(struct settling *s)
{
	s->here = nodes_here();
	if (s->opts->home_node >= 0) {
		node_set_add(&s->nodes, (unsigned)s->opts->home_node);
	} else if (s->opts->policy == NUMA_LOCAL) {
		node_set_add(&s->nodes, s->here);
	} else {
		node_set_parse(s->opts->nodes, &s->nodes);
	}
	for (unsigned node = 0; node < NODES_MAX; node++)
		s->weights[node] = node_set_has(&s->nodes, node);
	for (unsigned node = 0; s->opts->policy == NUMA_WEIGHTED_INTERLEAVE && node < NODES_MAX;
	     node++)
		if (node_set_has(&s->nodes, node) && nodes_weight(node))
			s->weights[node] = nodes_weight(node);
}

/* Interleave: dealt out; else what is right already stays. */
static unsigned place(void *context, unsigned long page, unsigned now)
{
	const struct settling *s = context;
	unsigned long sum = 0, turn = 0;
	unsigned node;

	if (!spreads(s))
		return node_set_has(&s->nodes, now) ? now : node_set_next(&s->nodes, 0);
	for (node = 0; node < NODES_MAX; node++)
		sum += s->weights[node];
	for (page /= s->unit; page && sum > 1; page /= sum)
		turn += page % sum;
	turn %= sum;
	for (node = 0; turn >= s->weights[node]; node++)
		turn -= s->weights[node];
	return node;
}

/* The rule for what is touched later; a range that takes none shows in the census. */
static int give_rule(const struct settling *s, const struct memory_range *range, struct err *err)
{
	const struct numa_policy *policy = &numa_policies[s->opts->policy];
	int mode = policy->mode | (s->opts->balancing ? MPOL_F_NUMA_BALANCING : 0);
	struct node_set nodes;

	if (spreads(s))
		return 0;
	node_set_parse(s->opts->nodes, &nodes);
	syscall(SYS_mbind, range->base, range->len, (unsigned long)mode,
		policy->takes_nodes ? nodes.bits : NULL,
		policy->takes_nodes ? NODES_MAX + 1UL : 0UL, 0U);
	if (s->opts->home_node < 0 || !syscall(SYS_set_mempolicy_home_node, range->base, range->len,
					       (unsigned long)s->opts->home_node, 0UL))
		return 0;
	if (errno == ENOSYS)
		return err_set(err, -ENOSYS, "numa.home-node needs Linux 5.17");
	return 0;
}

/* Pages that the kernel moves as one. */
static unsigned long unit_of(const struct memory_range *range)
{
	bool is_huge =
		smaps_kib(range, "AnonHugePages") > 0 || smaps_kib(range, "Private_Hugetlb") > 0;

	return is_huge ? HUGE_PAGE_BYTES / (unsigned long)sysconf(_SC_PAGESIZE) : 1;
}

static int move(struct settling *s, const struct memory_range *range, struct err *err)
{
	const struct page_mover mover = { place, s };
	long left;

	s->unit = unit_of(range);
	if (spreads(s) && s->unit == 1)
		madvise(range->base, range->len, MADV_NOHUGEPAGE);
	if (spreads(s) && !page_is_stack(range))
		page_fault_in(range);
	left = page_census_move(range, &mover, err);
	s->unmoved += left < 0 ? 0 : left;
	return left < 0 ? (int)left : 0;
}

/* The whole process: what others allocated before, or share with this thread. */
static int migrate(const struct settling *s, struct err *err)
{
	struct node_set to, there = { 0 }, from;

	node_set_parse(s->opts->nodes, &to);
	nodes_with_memory(&there);
	from = node_set_minus(&there, &to);
	if (!node_set_count(&from))
		return 0;
	if (syscall(SYS_migrate_pages, 0, NODES_MAX + 1UL, from.bits, to.bits) < 0)
		return err_sys(err, -errno, "migrate_pages to nodes %s", s->opts->nodes);
	return 0;
}

static int arrange(struct settling *s, struct err *err)
{
	int rc = s->opts->migrate ? migrate(s, err) : 0;

	for (unsigned i = 0; i < s->count && !rc; i++) {
		rc = give_rule(s, &s->ranges[i], err);
		if (!rc && !s->ranges[i].whole)
			rc = move(s, &s->ranges[i], err);
	}
	return rc;
}

static unsigned long most(unsigned long a, unsigned long b)
{
	return a > b ? a : b;
}

static int count_one(struct settling *s, unsigned i, struct err *err)
{
	struct page_census one = { 0 };
	int rc = page_census_count(&one, &s->ranges[i], err);

	if (i < sizeof(s->wrong) / sizeof(*s->wrong))
		s->wrong[i] = one.pages - page_census_within(&one, &s->nodes);
	if (s->ranges[i].whole && spreads(s)) {
		s->pieces += one.pages;
		return rc;
	}
	s->unit = most(s->unit, unit_of(&s->ranges[i]));
	s->all.pages += one.pages;
	for (unsigned node = 0; node < NODES_MAX; node++)
		s->all.on[node] += one.on[node];
	return rc;
}

static int count(struct settling *s, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < s->count && !rc; i++)
		rc = count_one(s, i, err);
	return rc;
}

static bool is_even(const struct settling *s)
{
	unsigned long slack = most(s->all.pages * UNEVEN_PERCENT / 100, UNEVEN_PAGES);

	if (s->unit > 1)
		slack = most(slack, s->unit);
	return page_census_unevenness(&s->all, &s->nodes, s->weights) <= slack;
}

static void say_nodes(struct settling *s, const struct node_set *nodes)
{
	char text[64];

	say(s, "node%s %s", node_set_count(nodes) > 1 ? "s" : "",
	    node_set_format(nodes, text, sizeof(text)));
}

/* "206 pages on node 0, 206 on node 1", of the first four. */
static void say_spread(struct settling *s)
{
	struct node_set there = page_census_nodes(&s->all);
	unsigned node = node_set_next(&there, 0);

	for (unsigned i = 0; i < 4 && node < NODES_MAX; i++, node = node_set_next(&there, node + 1))
		say(s, "%s%lu %son node %u", i ? ", " : "", s->all.on[node], i ? "" : "pages ",
		    node);
	if (s->opts->policy == NUMA_WEIGHTED_INTERLEAVE) {
		node = node_set_next(&s->nodes, 0);
		for (unsigned i = 0; i < 4 && node < NODES_MAX;
		     i++, node = node_set_next(&s->nodes, node + 1))
			say(s, "%s%u", i ? ":" : " (weights ", s->weights[node]);
		say(s, ")");
	}
}

/* "12 of 400 pages on node 0, expected node 1: ..." */
static void say_wrong(struct settling *s, unsigned long right)
{
	struct node_set there = page_census_nodes(&s->all);
	struct node_set elsewhere = node_set_minus(&there, &s->nodes);
	bool first = true;

	say(s, "%lu of %lu pages on ", s->all.pages - right, s->all.pages);
	say_nodes(s, &elsewhere);
	say(s, ", expected ");
	say_nodes(s, &s->nodes);
	say(s, s->unmoved  ? ": they were there before the policy and cannot be moved ("
	       : s->at_end ? ": touched since the thread was ready ("
			   : ": they were touched before the policy was set (");
	for (unsigned i = 0; i < s->count && i < sizeof(s->wrong) / sizeof(*s->wrong); i++) {
		if (!s->wrong[i])
			continue;
		say(s, "%s%s %lu", first ? "" : ", ", s->ranges[i].what, s->wrong[i]);
		first = false;
	}
	say(s, ")");
}

/* What the user may not have meant: the CPU is elsewhere, or the kernel goes on moving. */
static void say_remarks(struct settling *s)
{
	unsigned node = node_set_next(&s->nodes, 0);

	if (node_set_count(&s->nodes) == 1 && node != s->here)
		say(s, "; memory on node %u, CPU on node %u (distance %u)", node, s->here,
		    nodes_distance(s->here, node));
	if (s->opts->balancing && kernel_file_number("/proc/sys/kernel/numa_balancing", 0) > 0)
		say(s, "; kernel.numa_balancing moves pages among the nodes");
}

static enum verdict judge(struct settling *s)
{
	unsigned long right = page_census_within(&s->all, &s->nodes);
	struct node_set there = { 0 };

	nodes_with_memory(&there);
	if (node_set_count(&there) == 1) {
		say(s,
		    "this machine has one memory node: %lu of %lu pages are there whatever the "
		    "policy says",
		    s->all.pages, s->all.pages);
		return VERDICT_VACUOUS;
	}
	/* A thread that may run on several nodes has local memory on several. */
	if (s->opts->policy == NUMA_LOCAL && nodes_can_leave(s->here)) {
		say_spread(s);
		say(s, "; CPU on node %u now, and not pinned to it", s->here);
		return VERDICT_OK;
	}
	if (right * 100 < s->all.pages * RIGHT_PERCENT) {
		say_wrong(s, right);
		return right ? VERDICT_CLAMPED : VERDICT_IGNORED;
	}
	if (spreads(s)) {
		say_spread(s);
		say(s, is_even(s) ? "" : ": not in proportion");
		if (s->unit > 1)
			say(s, ", in huge pages");
		if (s->pieces)
			say(s, "; %lu more of the kernel's, in one piece", s->pieces);
		return is_even(s) ? VERDICT_OK : VERDICT_CLAMPED;
	}
	say(s, "%lu of %lu pages on ", right, s->all.pages);
	say_nodes(s, &s->nodes);
	say_remarks(s);
	return VERDICT_OK;
}

static int describe(const struct settling *s, const struct target *t, struct verdict_report *report,
		    struct err *err)
{
	struct numa_opts now;
	int rc = numa_read_back(t, &now, err);

	if (rc)
		return rc;
	now.home_node = s->opts->home_node;
	now.migrate = s->opts->migrate;
	tunable_describe(tunable_find("numa"), s->opts, &now, report);
	return 0;
}

int numa_settle(const struct target *t, const void *opts, const struct memory_range *ranges,
		unsigned count_, bool at_end, struct verdict_report *report, struct err *err)
{
	struct settling s = { .opts = opts,
			      .ranges = ranges,
			      .count = count_,
			      .at_end = at_end,
			      .unit = 1,
			      .text = report->why,
			      .room = sizeof(report->why) };
	int rc;

	want_nodes(&s);
	rc = at_end ? 0 : arrange(&s, err);
	s.unit = 1;
	if (!rc)
		rc = count(&s, err);
	if (!rc)
		rc = describe(&s, t, report, err);
	if (!rc)
		report->verdict = judge(&s);
	return rc;
}
