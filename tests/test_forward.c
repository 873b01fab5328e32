/*
 * test_forward.c - forwards between simulated nodes: answers, quorum, retries, times, records.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/forward_world.h"

/* "sleep, then reply", for sub-programs. */
static struct body nap_then_reply(int64_t nap_ns, uint64_t size)
{
	struct body b = { 0 };

	if (nap_ns)
		add_operation(&b, WIRE_SLEEP, (uint64_t)nap_ns);
	add_reply(&b, size);
	return b;
}

/* A program that forwards `program` and replies. */
static struct body forward_then_reply(struct wire_forward f, const struct body *program,
				      const uint16_t *ports)
{
	struct body b = { 0 };

	add_forward(&b, f, program, ports);
	add_reply(&b, 512);
	return b;
}

static void test_a_forward_comes_back_with_a_record_of_the_other_node(void)
{
	struct body inner = nap_then_reply(3 * MS, 64);
	struct body outer = forward_then_reply((struct wire_forward){ .tag = 7 }, &inner, PORTS(B));
	struct world w;
	struct answer a;

	world_init(&w);
	add_nodes(&w, 2);
	connect_client(&w, A);
	a = ask_and_wait(&w, 5, &outer);
	CHECK_INT(a.head.hops, WIRE_OK);
	CHECK_INT(a.head.flags, 0);
	CHECK_INT(a.head.length, 512);
	CHECK_INT(a.count, 1);
	CHECK_INT(a.children[0].depth, 1);
	CHECK_INT(a.children[0].status, WIRE_OK);
	CHECK_INT(a.children[0].tag, 7);
	CHECK_INT(a.children[0].destination, 0);
	CHECK_INT(a.children[0].attempts, 1);
	CHECK_INT(a.children[0].elapsed_ns, 3 * MS);
	CHECK_INT(a.children[0].waited_ns, 3 * MS);
	CHECK_INT(a.children[0].hop.service_ns, 3 * MS);
	CHECK_INT(a.hop.forward_ns, 3 * MS);
	CHECK_INT(sum_of(&a.hop), 3 * MS);
	CHECK_INT(stats_at(&w, A)->forwards, 1);
	CHECK_INT(stats_at(&w, A)->completed, 1);
	CHECK_INT(stats_at(&w, A)->attempts, 1);
	CHECK_INT(stats_at(&w, A)->answers, 1);
	CHECK_INT(stats_at(&w, A)->connections, 1);
	world_finish(&w);
}

static CU_TestInfo tests[] = {
	{ "a forward comes back with a record of the other node",
	  test_a_forward_comes_back_with_a_record_of_the_other_node },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("forward", tests);
}
