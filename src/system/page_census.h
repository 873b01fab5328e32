/*
 * page_census.h - on which memory nodes the pages of a range are: counted, moved, judged.
 *
 * The kernel is asked page by page (move_pages(2) without nodes), because a policy that reads back
 * right says nothing about pages that were there before it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_PAGE_CENSUS_H
#define RW_SYSTEM_PAGE_CENSUS_H

#include "base/err.h"
#include "base/kinds.h"
#include "system/nodes.h"

struct page_census {
	unsigned long pages;  /* that exist, and the kernel says where */
	unsigned long absent; /* not touched yet, or the kernel's own: -ENOENT, -EFAULT (6.1) */
	unsigned long on[NODES_MAX]; /* of `pages` */
};

/* Makes every page of the range exist, for writing. Whoever else writes there is not disturbed. */
void page_fault_in(const struct memory_range *range);

/* The caller's stack is in it: mostly pages that will never be. */
bool page_is_stack(const struct memory_range *range);

/* Adds what move_pages(2) has said of count pages: nodes, or -errno. */
void page_census_add(struct page_census *c, const int *status, unsigned count);

/* Adds the pages of a range. 0, or -errno: the kernel does not answer. */
int page_census_count(struct page_census *c, const struct memory_range *range, struct err *err);

/* Of the pages, those on these nodes; and the nodes that have any. */
unsigned long page_census_within(const struct page_census *c, const struct node_set *nodes);
struct node_set page_census_nodes(const struct page_census *c);

/*
 * Pages by which the node that is furthest from its share misses it. Shares are in proportion to
 * weights[], by node; NULL: even.
 */
unsigned long page_census_unevenness(const struct page_census *c, const struct node_set *nodes,
				     const unsigned *weights);

/*
 * Moves the pages of a range that exist to where `place` wants them, and returns how many could
 * not be moved, or -errno. place: a node, for the page's number counted from address 0 and where
 * it is now.
 */
struct page_mover {
	unsigned (*place)(void *context, unsigned long page, unsigned now);
	void *context;
};
long page_census_move(const struct memory_range *range, const struct page_mover *mover,
		      struct err *err);

#endif
