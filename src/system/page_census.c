/*
 * page_census.c - see page_census.h.
 *
 * move_pages(2) is called directly: libnuma 2.0.16 wraps it and five more without adding anything,
 * does not know the policies this kernel has besides, and reads half of /sys before main().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/page_census.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define BATCH 512

/* Pages of one call. */
struct batch {
	unsigned count;
	void *pages[BATCH];
	int nodes[BATCH], status[BATCH];
};

/* Linux 5.14 does it in one go; not for the kernel's own pages, nor below a growing stack. */
void page_fault_in(const struct memory_range *r)
{
	unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE);

	if (!madvise(r->base, r->len, MADV_POPULATE_WRITE))
		return;
	for (unsigned long at = 0; at < r->len; at += page)
		__atomic_fetch_add((char *)r->base + at, 0, __ATOMIC_RELAXED);
}

bool page_is_stack(const struct memory_range *r)
{
	return (uintptr_t)__builtin_frame_address(0) - (uintptr_t)r->base < r->len;
}

void page_census_add(struct page_census *c, const int *status, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (status[i] < 0 || status[i] >= NODES_MAX) {
			c->absent++;
		} else {
			c->pages++;
			c->on[status[i]]++;
		}
	}
}

/* Where they are. */
static int ask(struct batch *b, struct err *err)
{
	if (b->count &&
	    syscall(SYS_move_pages, 0, (unsigned long)b->count, b->pages, NULL, b->status, 0) < 0)
		return err_sys(err, -errno, "move_pages of %u pages", b->count);
	return 0;
}

/* The next pages of the range from *at on; false: there are no more. */
static bool fill(struct batch *b, const struct memory_range *range, unsigned long *at)
{
	unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE);

	for (b->count = 0; b->count < BATCH && *at < range->len; *at += page)
		b->pages[b->count++] = (char *)range->base + *at;
	return b->count;
}

int page_census_count(struct page_census *c, const struct memory_range *range, struct err *err)
{
	unsigned long at = 0;
	struct batch b;
	int rc;

	while (fill(&b, range, &at)) {
		rc = ask(&b, err);
		if (rc)
			return rc;
		page_census_add(c, b.status, b.count);
	}
	return 0;
}

unsigned long page_census_within(const struct page_census *c, const struct node_set *nodes)
{
	unsigned long sum = 0;

	for (unsigned node = 0; node < NODES_MAX; node++)
		sum += node_set_has(nodes, node) ? c->on[node] : 0;
	return sum;
}

struct node_set page_census_nodes(const struct page_census *c)
{
	struct node_set out = { 0 };

	for (unsigned node = 0; node < NODES_MAX; node++)
		if (c->on[node])
			node_set_add(&out, node);
	return out;
}

static unsigned long weight_of(const unsigned *weights, unsigned node)
{
	return weights ? weights[node] : 1;
}

unsigned long page_census_unevenness(const struct page_census *c, const struct node_set *nodes,
				     const unsigned *weights)
{
	unsigned long sum = 0, worst = 0, share, off;
	unsigned node;

	for (node = node_set_next(nodes, 0); node < NODES_MAX;
	     node = node_set_next(nodes, node + 1))
		sum += weight_of(weights, node);
	for (node = 0; node < NODES_MAX; node++) {
		if (!c->on[node] && !node_set_has(nodes, node))
			continue;
		share = node_set_has(nodes, node) ? c->pages * weight_of(weights, node) / sum : 0;
		off = c->on[node] > share ? c->on[node] - share : share - c->on[node];
		worst = off > worst ? off : worst;
	}
	return worst;
}

/* Leaves in the batch those that are to move, with where to. */
static void choose(struct batch *b, const struct page_mover *mover)
{
	unsigned long size = (unsigned long)sysconf(_SC_PAGESIZE);
	unsigned count = 0, node;

	for (unsigned i = 0; i < b->count; i++) {
		if (b->status[i] < 0)
			continue;
		node = mover->place(mover->context, (uintptr_t)b->pages[i] / size,
				    (unsigned)b->status[i]);
		if (node == (unsigned)b->status[i])
			continue;
		b->pages[count] = b->pages[i];
		b->nodes[count++] = (int)node;
	}
	b->count = count;
}

/* Returns how many did not go. */
static long move(struct batch *b)
{
	long left = 0;

	if (!b->count)
		return 0;
	for (unsigned i = 0; i < b->count; i++)
		b->status[i] = -EBUSY;
	if (syscall(SYS_move_pages, 0, (unsigned long)b->count, b->pages, b->nodes, b->status,
		    MPOL_MF_MOVE) < 0)
		return b->count;
	for (unsigned i = 0; i < b->count; i++)
		left += b->status[i] != b->nodes[i];
	return left;
}

long page_census_move(const struct memory_range *range, const struct page_mover *mover,
		      struct err *err)
{
	unsigned long at = 0;
	struct batch b;
	long left = 0;
	int rc;

	while (fill(&b, range, &at)) {
		rc = ask(&b, err);
		if (rc)
			return rc;
		choose(&b, mover);
		left += move(&b);
	}
	return left;
}
