/*
 * test_pool.c - where a loop's objects lie, and which memory a thread says is its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/cache.h"
#include "engine/loop.h"
#include "engine/memory.h"
#include "tests/choose_backend.h"

#define OBJECT 2048

static void test_a_pool_begins_at_a_huge_page_and_is_writable_to_its_end(void)
{
	struct pool p = { 0 };

	CU_ASSERT_FATAL(!pool_open(&p, 2 * POOL_ALIGNMENT));
	CHECK_INT((uintptr_t)p.base % POOL_ALIGNMENT, 0);
	p.base[0] = p.base[p.size - 1] = 1;
	CU_ASSERT(pool_has(&p, p.base) && pool_has(&p, p.base + p.size - 1));
	CU_ASSERT(!pool_has(&p, p.base - 1) && !pool_has(&p, p.base + p.size));
	pool_close(&p);
	CU_ASSERT(!p.base);
}

static void test_objects_of_a_pool_lie_on_their_own_lines_in_different_sets(void)
{
	struct pool p = { 0 };
	uint8_t *a, *b;

	CU_ASSERT_FATAL(!pool_open(&p, POOL_ALIGNMENT));
	a = pool_take(&p, OBJECT);
	b = pool_take(&p, OBJECT);
	CHECK_INT((uintptr_t)a % 64, 0);
	CHECK_INT(b - a, OBJECT + 64);
	CU_ASSERT((b - a) / 64 % 2 == 1);
	pool_close(&p);
}

static void test_a_pool_that_is_used_up_gives_nothing(void)
{
	struct pool p = { 0 };
	size_t count = 0;

	CU_ASSERT_FATAL(!pool_open(&p, POOL_ALIGNMENT));
	while (pool_take(&p, OBJECT))
		count++;
	CHECK_INT(count, POOL_ALIGNMENT / (OBJECT + 64));
	CU_ASSERT(!pool_take(&p, OBJECT));
	pool_close(&p);
}

static void test_a_cache_takes_from_the_pool_then_from_malloc_and_gives_that_back(void)
{
	void *objects[POOL_ALIGNMENT / OBJECT];
	const unsigned count = POOL_ALIGNMENT / OBJECT; /* more than fit */
	unsigned inside = 0;
	struct pool p = { 0 };
	struct cache c;

	CU_ASSERT_FATAL(!pool_open(&p, POOL_ALIGNMENT));
	cache_init_in(&c, &p, OBJECT, 1);
	for (unsigned i = 0; i < count; i++) {
		objects[i] = cache_get(&c);
		CU_ASSERT_FATAL(objects[i] != NULL);
		inside += pool_has(&p, objects[i]);
	}
	CHECK_INT(inside, POOL_ALIGNMENT / (OBJECT + 64));
	for (unsigned i = 0; i < count; i++)
		cache_put(&c, objects[i]);
	CHECK_INT(c.live, 0);
	CHECK_INT(c.free, inside); /* the first ones; of the others none was kept */
	cache_finish(&c);
	pool_close(&p);
}

static const struct memory_range *find(const struct memory *m, const char *what)
{
	for (unsigned i = 0; i < m->count; i++)
		if (!strcmp(m->ranges[i].what, what))
			return &m->ranges[i];
	return NULL;
}

static bool holds(const struct memory_range *r, const void *at)
{
	return r && (uintptr_t)at - (uintptr_t)r->base < r->len;
}

static __thread int variable;

static void *list_stack(void *ret)
{
	variable = 1;
	memory_add_stack(ret);
	/* Not a variable's address: a sanitizer keeps those elsewhere. */
	CU_ASSERT(holds(find(ret, "stack"), __builtin_frame_address(0)));
	CU_ASSERT(holds(find(ret, "stack"), &variable));
	return NULL;
}

static void test_a_thread_s_stack_holds_its_variables_too(void)
{
	struct memory m = { 0 };
	pthread_t thread;

	CU_ASSERT_FATAL(!pthread_create(&thread, NULL, list_stack, &m));
	pthread_join(thread, NULL);
	CHECK_INT(m.count, 1);
}

/* mincore(2) takes whole pages that are mapped, and nothing else. */
static void check_range(const struct memory_range *r)
{
	unsigned char *resident = malloc(r->len / (size_t)sysconf(_SC_PAGESIZE));

	CHECK_INT((uintptr_t)r->base % (uintptr_t)sysconf(_SC_PAGESIZE), 0);
	CHECK_INT(r->len % (size_t)sysconf(_SC_PAGESIZE), 0);
	CHECK_INT(mincore(r->base, r->len, resident), 0);
	free(resident);
}

static unsigned count_of(const struct memory *m, const char *what)
{
	unsigned count = 0;

	for (unsigned i = 0; i < m->count; i++)
		count += !strcmp(m->ranges[i].what, what);
	return count;
}

/* yes: a knob of it to be set, or NULL. Its buffers are in so many ranges. */
static void check_backend(const struct backend_ops *ops, const char *yes, unsigned buffers)
{
	const struct loop_limits limits = { .message_max = 4096, .connections = 4 };
	void *opts = calloc(1, ops->group.opts_size);
	struct memory m = { 0 };
	struct loop loop = { 0 };
	struct err err = { 0 };
	int rc;

	knob_defaults(&ops->group, opts);
	if (yes)
		CHECK_INT(knob_parse(knob_find(&ops->group, yes), "yes", opts, &err), 0);
	rc = loop_init(&loop, ops, opts, &limits, &err);
	if (rc && (choose_lacks(ops) || (rc == -EOPNOTSUPP && yes && !possible_since(6, 12)))) {
		test_not_tried("%s: %s", ops->group.name, err.text);
	} else {
		CHECK_TEXT(err.text, "");
		CHECK_INT(rc, 0);
		memory_add_loop(&m, &loop);
		CU_ASSERT(holds(find(&m, "messages"), cache_get(&loop.chunks)));
		CHECK_INT(count_of(&m, "receive buffer") + count_of(&m, "buffer ring"), buffers);
		for (unsigned i = 0; i < m.count; i++)
			check_range(&m.ranges[i]);
	}
	loop_finish(&loop);
	free(opts);
}

static void test_every_backend_lists_memory_that_is_there(void)
{
	for (unsigned i = 0; backends[i]; i++)
		check_backend(backends[i], NULL, 1);
}

/* Datagrams have whole ones all the same. */
static void test_buffers_that_are_filled_piece_by_piece_are_listed_too(void)
{
	struct err err = { 0 };

	check_backend(backend_find("io_uring", &err), "incremental-buffers", 2);
}

static void test_a_list_that_is_full_stays_as_it_is(void)
{
	struct memory m = { 0 };
	char byte;

	memory_add(&m, "nothing", NULL, 100);
	memory_add(&m, "empty", &byte, 0);
	CHECK_INT(m.count, 0);
	for (int i = 0; i < MEMORY_RANGES + 3; i++)
		memory_add(&m, "byte", &byte, 1);
	CHECK_INT(m.count, MEMORY_RANGES);
}

static CU_TestInfo tests[] = {
	{ "a pool begins at a huge page and is writable to its end",
	  test_a_pool_begins_at_a_huge_page_and_is_writable_to_its_end },
	{ "objects of a pool lie on their own lines, in different sets",
	  test_objects_of_a_pool_lie_on_their_own_lines_in_different_sets },
	{ "a pool that is used up gives nothing", test_a_pool_that_is_used_up_gives_nothing },
	{ "a cache takes from the pool, then from malloc, and gives that back",
	  test_a_cache_takes_from_the_pool_then_from_malloc_and_gives_that_back },
	{ "a thread's stack holds its variables, too",
	  test_a_thread_s_stack_holds_its_variables_too },
	{ "every backend lists memory that is there",
	  test_every_backend_lists_memory_that_is_there },
	{ "buffers that are filled piece by piece are listed, too",
	  test_buffers_that_are_filled_piece_by_piece_are_listed_too },
	{ "a list that is full stays as it is", test_a_list_that_is_full_stays_as_it_is },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("pool", tests);
}
