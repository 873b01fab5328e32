/*
 * behaviour_refuse.c - requests that ask a node for more than it has or allows: each fails alone.
 *
 * That no connection is lost every trial checks, and the next one's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/behaviour.h"

static void check_nothing_run(const struct trial *t)
{
	CHECK_INT(t->gained[A].refused, REQUESTS);
	CHECK_INT(t->gained[A].requests, 0);
	/* Bare heads: no answer is as long as it was asked for. */
	if (transport_cases[t->place].tls_version < 0)
		CHECK_INT(t->result->loop.bytes_in, REQUESTS * WIRE_HEAD);
}

static void test_what_a_node_does_not_allow_is_refused(void)
{
	static const struct deed long_work = { "sleep 1us;compute 11s", .refused = REQUESTS,
					       .fails = true };
	static const struct deed much = { "store 1KiB;load 2GiB", .refused = REQUESTS,
					  .fails = true };

	behave(&long_work, check_nothing_run);
	behave(&much, check_nothing_run);
}

static void test_what_a_node_has_not_is_refused(void)
{
	static const struct deed device = { "store 4KiB;store 4KiB,device=7", .refused = REQUESTS,
					    .fails = true };
	static const struct deed beyond = { "load 1B,offset=16MiB", .refused = REQUESTS,
					    .fails = true };
	static const struct deed file = { "reply 600B,sendfile,device=1", .refused = REQUESTS,
					  .fails = true };

	behave(&device, check_nothing_run);
	behave(&beyond, check_nothing_run);
	behave(&file, check_nothing_run);
}

/* Thread by thread: of 25 requests 13 are done, and sleep, and 12 refused. */
static void check_half(const struct trial *t)
{
	CHECK_INT(t->gained[A].operations[WIRE_SLEEP], 26);
	CHECK_INT(t->gained[A].operations[WIRE_COMPUTE], 0);
	CHECK_INT(t->gained[A].requests, 26);
}

static void test_who_is_refused_hinders_nobody_on_its_connection(void)
{
	static const struct deed deed = { "skip 1,every=2;compute 11s;sleep 2ms", .refused = 24,
					  .is_drawn = true };

	behave(&deed, check_half);
}

static void check_forwards(const struct trial *t)
{
	const struct forward_stats *f = &t->gained[A].forward;

	CHECK_INT(f->refused, t->deed->refused);
	CHECK_INT(f->completed, REQUESTS - t->deed->refused);
	CHECK_INT(f->retries, 0);
	CHECK_INT(t->gained[B].refused, t->deed->refused);
	CHECK_INT(t->gained[A].refused, 0);
	CHECK_INT(t->gained[A].requests, REQUESTS);
	CU_ASSERT(f->opened <= 2); /* one for each worker, if any */
}

static void test_a_forward_is_refused_by_the_other_node_alone(void)
{
	static const struct deed all = {
		"forward %B,retries=2;sleep 1us;compute 11s;reply",
		.asked[A] = { [WIRE_FORWARD_TO] = 1, [WIRE_SEND_REPLY] = 1 },
		.refused = REQUESTS,
		.fails = true,
	};
	static const struct deed half = {
		"forward %B,retries=2;skip 1,every=2;store 1B,device=3;sleep 2ms;reply",
		.refused = 24, .is_drawn = true
	};

	behave(&all, check_forwards);
	behave(&half, check_forwards);
}

static void check_quorum(const struct trial *t)
{
	CHECK_INT(t->gained[A].forward.completed, REQUESTS);
	CHECK_INT(t->gained[B].refused, REQUESTS);
	CHECK_INT(t->gained[C].operations[WIRE_SLEEP], REQUESTS);
}

/* B's part asks for too much, C's does not. */
static void test_a_quorum_does_without_who_refuses(void)
{
	static const struct deed deed = {
		"forward %B,quorum=1,branch;compute 11s;reply;forward %C,branch;sleep 1ms;reply;"
		"reply",
		.asked = { [A] = { [WIRE_FORWARD_TO] = 1, [WIRE_SEND_REPLY] = 1 },
			   [C] = { [WIRE_SLEEP] = 1, [WIRE_SEND_REPLY] = 1 } },
		.refused = REQUESTS,
		.recovers = true,
	};

	behave(&deed, check_quorum);
}

CU_TestInfo behaviour_refusal_tests[] = {
	{ "what a node does not allow is refused", test_what_a_node_does_not_allow_is_refused },
	{ "what a node has not is refused", test_what_a_node_has_not_is_refused },
	{ "who is refused hinders nobody on its connection",
	  test_who_is_refused_hinders_nobody_on_its_connection },
	{ "a forward is refused by the other node alone",
	  test_a_forward_is_refused_by_the_other_node_alone },
	{ "a quorum does without who refuses", test_a_quorum_does_without_who_refuses },
	CU_TEST_INFO_NULL,
};
