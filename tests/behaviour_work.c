/*
 * behaviour_work.c - what one node does for a request: computing, sleeping, storage, replies.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/behaviour.h"

static double mean_of(const struct trial *t, enum split_part part)
{
	return t->split.part_ns[0][part];
}

static void test_a_request_for_a_reply_alone_is_answered(void)
{
	static const struct deed deed = { "reply 64B", .asked[A][WIRE_SEND_REPLY] = 1 };

	behave(&deed, NULL);
}

/* But for the price of a look at the clock, of which half an amount may be too little. */
static void check_20_us(const struct trial *t)
{
	CU_ASSERT(mean_of(t, SPLIT_SERVICE) >= 19 * US);
}

static void check_some(const struct trial *t)
{
	CU_ASSERT(mean_of(t, SPLIT_SERVICE) > 0);
}

static void test_computing_is_by_the_clock_by_cpu_time_or_in_loops(void)
{
	static const struct deed wall = {
		"compute 20us", .asked[A] = { [WIRE_COMPUTE] = 1, [WIRE_SEND_REPLY] = 1 }
	};
	static const struct deed cpu = {
		"compute:cpu 20us", .asked[A] = { [WIRE_COMPUTE] = 1, [WIRE_SEND_REPLY] = 1 }
	};
	static const struct deed loops = {
		"compute:loops 20us", .asked[A] = { [WIRE_COMPUTE] = 1, [WIRE_SEND_REPLY] = 1 }
	};

	behave(&wall, check_20_us);
	behave(&cpu, check_20_us);
	behave(&loops, check_some);
}

static void check_slept(const struct trial *t)
{
	CU_ASSERT(mean_of(t, SPLIT_SERVICE) >= 1 * MS);
	CU_ASSERT(hist_min(t->result->response) >= 1 * MS);
}

static void test_sleeping_takes_as_long_as_was_asked_for(void)
{
	static const struct deed deed = { "sleep 1ms",
					  .asked[A] = { [WIRE_SLEEP] = 1, [WIRE_SEND_REPLY] = 1 } };

	behave(&deed, check_slept);
}

static void test_operations_behind_each_other_add_up(void)
{
	static const struct deed deed = {
		"compute 5us;sleep 200us;compute:cpu 5us;sleep 200us",
		.asked[A] = { [WIRE_COMPUTE] = 2, [WIRE_SLEEP] = 2, [WIRE_SEND_REPLY] = 1 }
	};

	behave(&deed, check_some);
}

static void check_storage(const struct trial *t)
{
	CU_ASSERT(mean_of(t, SPLIT_STORAGE) > 0);
	CU_ASSERT(t->result->shows_split);
}

/* What the device of the first node counts grows by what was asked for. */
static void behave_stored(const struct deed *d, enum place place, unsigned first,
			  const struct node_device *gains)
{
	struct node_device before, after;
	struct node *node = stage.nodes[first].node;

	if (stage.addresses[place] < 0) {
		test_not_tried("over %s", transport_cases[place].name);
		return;
	}
	node_device(node, 0, &before);
	behave_once(d, place, first, check_storage);
	node_device(node, 0, &after);
	CHECK_INT(after.loads - before.loads, gains->loads);
	CHECK_INT(after.stores - before.stores, gains->stores);
	CHECK_INT(after.stored - before.stored, gains->stored);
	CHECK_INT(after.loaded - before.loaded, gains->loaded);
	CU_ASSERT(after.syncs - before.syncs >= gains->syncs);
	CHECK_INT(after.errors, 0);
}

static void test_stores_are_written_in_every_storage_mode(void)
{
	static const struct deed deed = { "store 4KiB,nosync",
					  .asked[A] = { [WIRE_STORE] = 1, [WIRE_SEND_REPLY] = 1 } };
	static const struct node_device gains = { .stores = REQUESTS, .stored = REQUESTS * 4096 };

	for (unsigned place = 0; place < PLACES; place++)
		for (unsigned first = 0; first < ROLES; first++)
			behave_stored(&deed, place, first, &gains);
}

/* A sync can take this machine's disk many milliseconds: one node for each transport. */
static void test_synced_stores_are_synced(void)
{
	static const struct deed deed = { "store 1000B,sync,offset=4KiB",
					  .asked[A] = { [WIRE_STORE] = 1, [WIRE_SEND_REPLY] = 1 } };
	static const struct node_device gains = { .stores = REQUESTS,
						  .stored = REQUESTS * 1000,
						  .syncs = 1 };

	for (unsigned place = 0; place < PLACES; place++)
		behave_stored(&deed, place, (place + 1) % ROLES, &gains);
}

static void test_loads_read_in_every_storage_mode(void)
{
	static const struct deed deed = { "load 4KiB;load 1000B,offset=8KiB",
					  .asked[A] = { [WIRE_LOAD] = 2, [WIRE_SEND_REPLY] = 1 } };
	static const struct node_device gains = { .loads = 2 * REQUESTS,
						  .loaded = REQUESTS * 5096 };

	for (unsigned place = 0; place < PLACES; place++)
		for (unsigned first = 0; first < ROLES; first++)
			behave_stored(&deed, place, first, &gains);
}

#define LONG_REPLY 100000

static void check_reply_bytes(const struct trial *t)
{
	CU_ASSERT(t->result->loop.bytes_in >= REQUESTS * LONG_REPLY);
	CU_ASSERT(t->result->loop.bytes_in < REQUESTS * (LONG_REPLY + 20000));
}

static void test_replies_go_by_copy_sendfile_and_without_a_copy(void)
{
	static const struct deed by_copy = { "reply 100kB", .asked[A][WIRE_SEND_REPLY] = 1,
					     .is_long = true };
	static const struct deed by_file = { "reply 100kB,sendfile", .asked[A][WIRE_SEND_REPLY] = 1,
					     .is_long = true };
	static const struct deed no_copy = { "reply 100kB,zero-copy",
					     .asked[A][WIRE_SEND_REPLY] = 1, .is_long = true };

	behave(&by_copy, check_reply_bytes);
	behave(&by_file, check_reply_bytes);
	behave(&no_copy, check_reply_bytes);
}

static void test_short_replies_go_every_way_too(void)
{
	static const struct deed by_file = { "reply 600B,sendfile",
					     .asked[A][WIRE_SEND_REPLY] = 1 };
	static const struct deed no_copy = { "reply 600B,zero-copy",
					     .asked[A][WIRE_SEND_REPLY] = 1 };

	behave(&by_file, NULL);
	behave(&no_copy, NULL);
}

static void test_long_requests_are_received_whole(void)
{
	static const struct deed deed = {
		"compute 1us;forward %B,size=200kB;reply 50kB;reply 64KiB",
		.asked[A] = { [WIRE_COMPUTE] = 1, [WIRE_FORWARD_TO] = 1, [WIRE_SEND_REPLY] = 1 },
		.asked[B][WIRE_SEND_REPLY] = 1, .is_long = true
	};

	behave(&deed, NULL);
}

/* Thread by thread: requests 0 to 24 of both, of which 0, 2 ... 24 skip. */
static void check_every_second(const struct trial *t)
{
	CHECK_INT(t->result->counts.skipped_operations, 2 * 13);
	CHECK_INT(count_run(t, WIRE_COMPUTE), 2 * 12);
	CHECK_INT(count_run(t, WIRE_SLEEP), REQUESTS);
	CHECK_INT(count_run(t, WIRE_SEND_REPLY), REQUESTS);
}

/* The same ones wherever they run, for the seed is the same. */
static void check_with_probability(const struct trial *t)
{
	uint64_t run = count_run(t, WIRE_COMPUTE);

	CHECK_INT(run + t->result->counts.skipped_operations, REQUESTS);
	CU_ASSERT(run > 5 && run < 45);
}

static void test_what_is_skipped_is_not_run(void)
{
	static const struct deed every = { "skip 1,every=2;compute 5us;sleep 50us",
					   .is_drawn = true };
	static const struct deed some = { "skip 1,prob=0.5;compute 5us;reply 64B",
					  .is_drawn = true };

	behave(&every, check_every_second);
	behave(&some, check_with_probability);
}

CU_TestInfo behaviour_work_tests[] = {
	{ "a request for a reply alone is answered", test_a_request_for_a_reply_alone_is_answered },
	{ "computing is by the clock, by CPU time or in loops",
	  test_computing_is_by_the_clock_by_cpu_time_or_in_loops },
	{ "sleeping takes as long as was asked for", test_sleeping_takes_as_long_as_was_asked_for },
	{ "operations behind each other add up", test_operations_behind_each_other_add_up },
	{ "stores are written in every storage mode",
	  test_stores_are_written_in_every_storage_mode },
	{ "synced stores are synced", test_synced_stores_are_synced },
	{ "loads read in every storage mode", test_loads_read_in_every_storage_mode },
	{ "replies go by copy, sendfile and without a copy",
	  test_replies_go_by_copy_sendfile_and_without_a_copy },
	{ "short replies go every way, too", test_short_replies_go_every_way_too },
	{ "long requests are received whole", test_long_requests_are_received_whole },
	{ "what is skipped is not run", test_what_is_skipped_is_not_run },
	CU_TEST_INFO_NULL,
};
