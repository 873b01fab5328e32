/*
 * test_page_census.c - sets of nodes, pages counted and judged: all that needs no second node.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "system/page_census.h"
#include "system/smaps.h"
#include "tests/test.h"

static struct node_set set_of(const char *list)
{
	struct node_set out;

	node_set_parse(list, &out);
	return out;
}

static void test_lists_of_nodes_are_read_and_written_as_the_kernel_does(void)
{
	static const struct {
		const char *list, *again;
		unsigned count;
	} rows[] = {
		{ "0", "0", 1 },
		{ "0-1", "0-1", 2 },
		{ "0,1", "0-1", 2 },
		{ "3,1", "1,3", 2 },
		{ "0-3,8,10-11", NULL, 7 },
		{ "", "", 0 },
		{ "1023", "1023", 1 },
		{ "1020-1030", "1020-1023", 4 },
		{ "0-1023", "0-1023", 1024 },
	};
	char text[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct node_set s = set_of(rows[i].list);

		CHECK_INT(node_set_count(&s), rows[i].count);
		CHECK_TEXT(node_set_format(&s, text, sizeof(text)),
			   rows[i].again ? rows[i].again : rows[i].list);
	}
}

static void test_what_is_missing_is_the_difference_of_two_sets(void)
{
	struct node_set asked = set_of("0-2,64,1023"), there = set_of("0,2-63");
	struct node_set missing = node_set_minus(&asked, &there);
	char text[64];

	CHECK_TEXT(node_set_format(&missing, text, sizeof(text)), "1,64,1023");
	CHECK_INT(node_set_next(&missing, 2), 64);
	CHECK_INT(node_set_next(&missing, 65), 1023);
	missing = node_set_minus(&there, &there);
	CHECK_INT(node_set_next(&missing, 0), NODES_MAX);
}

/* Linux 6.1 says -EFAULT of a page that 6.12 says -ENOENT of. */
static void test_pages_that_nobody_has_touched_are_not_counted_as_placed(void)
{
	const int status[] = { 0, -ENOENT, 1, -EFAULT, 1, -EBUSY };
	struct page_census c = { 0 };
	struct node_set one = set_of("1"), both = set_of("0-1");

	page_census_add(&c, status, sizeof(status) / sizeof(*status));
	CHECK_INT(c.pages, 3);
	CHECK_INT(c.absent, 3);
	CHECK_INT(page_census_within(&c, &one), 2);
	CHECK_INT(page_census_within(&c, &both), 3);
}

static unsigned long unevenness(unsigned long on0, unsigned long on1, unsigned long on2,
				const char *nodes, const unsigned *weights)
{
	struct page_census c = { .pages = on0 + on1 + on2, .on = { on0, on1, on2 } };
	struct node_set s = set_of(nodes);

	return page_census_unevenness(&c, &s, weights);
}

static void test_pages_are_even_when_every_node_has_its_share(void)
{
	const unsigned three_to_one[NODES_MAX] = { 3, 1 };

	CHECK_INT(unevenness(50, 50, 0, "0-1", NULL), 0);
	CHECK_INT(unevenness(51, 49, 0, "0-1", NULL), 1);
	CHECK_INT(unevenness(100, 0, 0, "0-1", NULL), 50);
	CHECK_INT(unevenness(64, 0, 0, "0", NULL), 0);
	CHECK_INT(unevenness(0, 0, 0, "0-1", NULL), 0);
	CHECK_INT(unevenness(30, 30, 40, "0-2", NULL), 7);
	CHECK_INT(unevenness(48, 16, 0, "0-1", three_to_one), 0);
	CHECK_INT(unevenness(32, 32, 0, "0-1", three_to_one), 16);
	/* Nothing of it is this node's share. */
	CHECK_INT(unevenness(45, 45, 10, "0-1", NULL), 10);
}

#define PAGES 600 /* more than one call takes */

/* Whether move_pages(2) tells where a page is, asked past the census. */
static bool is_told(void)
{
	int word = 1, status = 0;
	void *page = (void *)((uintptr_t)&word & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1));

	if (!syscall(SYS_move_pages, 0, 1UL, &page, NULL, &status, 0) && status >= 0)
		return true;
	test_not_possible("move_pages: %s", status < 0 ? strerror(-status) : strerror(errno));
	return false;
}

static void count_fresh(struct page_census *c, unsigned touched)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct memory_range r = { "test", NULL, PAGES * page };
	struct err err = { 0 };
	int rc;

	r.base = mmap(NULL, r.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CU_ASSERT_FATAL(r.base != MAP_FAILED);
	madvise(r.base, r.len, MADV_NOHUGEPAGE);
	for (unsigned i = 0; i < touched; i++)
		((char *)r.base)[i * page] = 1;
	rc = page_census_count(c, &r, &err);
	CHECK_TEXT(err.text, "");
	CHECK_INT(rc, 0);
	munmap(r.base, r.len);
}

static void test_the_kernel_is_asked_for_every_page(void)
{
	struct page_census c = { 0 };

	if (!is_told())
		return;
	count_fresh(&c, PAGES);
	CHECK_INT(c.pages, PAGES);
	CHECK_INT(c.absent, 0);
	count_fresh(&c, 7);
	CHECK_INT(c.pages, PAGES + 7);
	CHECK_INT(c.absent, PAGES - 7);
}

static unsigned to_nowhere(void *context, unsigned long page, unsigned now)
{
	++*(unsigned *)context;
	return NODES_MAX - 1;
}

static unsigned to_where_it_is(void *context, unsigned long page, unsigned now)
{
	++*(unsigned *)context;
	return now;
}

static void test_a_page_that_cannot_be_moved_is_counted(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = aligned_alloc(page, 3 * page);
	const struct memory_range r = { "test", memory, 3 * page };
	unsigned asked = 0;
	struct page_mover stay = { to_where_it_is, &asked }, away = { to_nowhere, &asked };
	struct page_census c = { 0 };
	struct err err = { 0 };

	memset(memory, 1, 3 * page);
	if (is_told()) {
		CHECK_INT(page_census_count(&c, &r, &err), 0);
		CHECK_INT(page_census_move(&r, &stay, &err), 0);
		CHECK_INT(asked, 3);
		CHECK_INT(page_census_move(&r, &away, &err), 3);
		CHECK_INT(asked, 6);
	}
	free(memory);
}

static void test_this_cpu_is_on_a_node_at_its_own_distance(void)
{
	struct node_set there;

	if (access("/sys/devices/system/node/has_memory", F_OK)) {
		test_not_possible("this kernel knows no nodes");
		return;
	}
	CU_ASSERT(nodes_with_memory(&there));
	CU_ASSERT(node_set_count(&there) > 0);
	CHECK_INT(nodes_distance(nodes_here(), nodes_here()), 10);
	CHECK_INT(nodes_distance(0, NODES_MAX - 1), 0);
}

static void test_sums_of_smaps_are_never_more_than_the_range(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len = 1024 * page;
	char *memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct memory_range all = { "test", memory, len }, first = { "test", memory, page };

	CU_ASSERT_FATAL(memory != MAP_FAILED);
	memset(memory, 1, len);
	CU_ASSERT(smaps_kib(&all, "Rss") == (long)(len / 1024));
	CU_ASSERT(smaps_kib(&first, "Rss") == (long)(page / 1024));
	CHECK_INT(smaps_kib(&first, "NoSuchLine"), -1);
	CU_ASSERT(smaps_status_kib("VmSize") > (long)(len / 1024));
	CHECK_INT(smaps_status_kib("VmNothing"), -1);
	munmap(memory, len);
}

static CU_TestInfo tests[] = {
	{ "lists of nodes are read and written as the kernel does",
	  test_lists_of_nodes_are_read_and_written_as_the_kernel_does },
	{ "what is missing is the difference of two sets",
	  test_what_is_missing_is_the_difference_of_two_sets },
	{ "pages that nobody has touched are not counted as placed",
	  test_pages_that_nobody_has_touched_are_not_counted_as_placed },
	{ "pages are even when every node has its share",
	  test_pages_are_even_when_every_node_has_its_share },
	{ "the kernel is asked for every page", test_the_kernel_is_asked_for_every_page },
	{ "a page that cannot be moved is counted", test_a_page_that_cannot_be_moved_is_counted },
	{ "this CPU is on a node, at its own distance",
	  test_this_cpu_is_on_a_node_at_its_own_distance },
	{ "sums of smaps are never more than the range",
	  test_sums_of_smaps_are_never_more_than_the_range },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("page_census", tests);
}
