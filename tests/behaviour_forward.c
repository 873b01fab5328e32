/*
 * behaviour_forward.c - requests that other nodes take part in, and those they do not answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/behaviour.h"

/* What a node runs whose part of a program is "compute; reply". */
#define ONE_PART                                          \
	{                                                 \
		[WIRE_COMPUTE] = 1, [WIRE_SEND_REPLY] = 1 \
	}
#define FORWARDS(number)                                            \
	{                                                           \
		[WIRE_FORWARD_TO] = (number), [WIRE_SEND_REPLY] = 1 \
	}

static const struct forward_stats *forwards_of(const struct trial *t, enum role role)
{
	return &t->gained[role].forward;
}

/* The first node that is forwarded to has a part of the time, and the network to it. */
static void check_told(const struct trial *t)
{
	const double *part_ns = t->split.part_ns[1];

	CHECK_INT(forwards_of(t, A)->completed, forwards_of(t, A)->forwards);
	CU_ASSERT(t->result->shows_split);
	CU_ASSERT(t->result->split.hop_count > 1);
	CU_ASSERT(part_ns[SPLIT_SERVICE] >= 5 * US);
	CU_ASSERT(part_ns[SPLIT_NETWORK] > 0);
}

static void test_a_forward_is_run_by_the_other_node(void)
{
	static const struct deed deed = { "forward %B;compute 5us;reply",
					  .asked = { [A] = FORWARDS(1), [B] = ONE_PART } };

	behave(&deed, check_told);
}

static void check_both_asked(const struct trial *t)
{
	CHECK_INT(forwards_of(t, A)->completed, REQUESTS);
	CHECK_INT(forwards_of(t, A)->attempts, 2 * REQUESTS);
	CHECK_INT(t->result->split.hop_count, 3);
}

static void test_all_of_many_are_waited_for(void)
{
	static const struct deed deed = {
		"forward %B,%C;compute 5us;reply",
		.asked = { [A] = FORWARDS(1), [B] = ONE_PART, [C] = ONE_PART }
	};

	behave(&deed, check_both_asked);
}

static void test_a_quorum_does_not_wait_for_the_others(void)
{
	static const struct deed deed = {
		"forward %B,%C,quorum=1;compute 5us;reply",
		.asked = { [A] = FORWARDS(1), [B] = ONE_PART, [C] = ONE_PART }
	};
	static const struct deed silent = {
		"forward %B,%S,%C,quorum=2;compute 5us;reply",
		.asked = { [A] = FORWARDS(1), [B] = ONE_PART, [C] = ONE_PART }, .unanswered = 1
	};

	behave(&deed, check_both_asked);
	behave(&silent, NULL);
}

static void test_branches_get_a_program_each(void)
{
	static const struct deed deed = {
		"forward %B,branch;compute 5us;reply;forward %C,branch;sleep 100us;reply",
		.asked = { [A] = FORWARDS(1),
			   [B] = ONE_PART,
			   [C] = { [WIRE_SLEEP] = 1, [WIRE_SEND_REPLY] = 1 } },
	};

	behave(&deed, check_both_asked);
}

static void check_one_asked(const struct trial *t)
{
	CHECK_INT(forwards_of(t, A)->completed, REQUESTS);
	CHECK_INT(forwards_of(t, A)->attempts, REQUESTS);
}

/* Half to either, but for what each of the two workers begins with. */
static void check_taken_in_turn(const struct trial *t)
{
	check_one_asked(t);
	CU_ASSERT(t->gained[B].requests >= 24 && t->gained[B].requests <= 26);
}

static void test_every_policy_picks_one_of_many(void)
{
	static const char *const programs[PICKS] = {
		[PICK_ROUND_ROBIN] = "forward %B,%C,pick=round-robin;compute 5us;reply",
		[PICK_RANDOM] = "forward %B,%C,pick=random;compute 5us;reply",
		[PICK_LEAST] = "forward %B,%C,pick=least;compute 5us;reply",
		[PICK_TWO] = "forward %B,%C,pick=two;compute 5us;reply",
		[PICK_HASH] = "forward %B,%C,pick=hash;compute 5us;reply",
	};

	for (unsigned pick = PICK_ALL + 1; pick < PICKS; pick++) {
		const struct deed deed = { programs[pick], .asked[A] = FORWARDS(1),
					   .asked_either = ONE_PART };

		behave(&deed, pick == PICK_ROUND_ROBIN ? check_taken_in_turn : check_one_asked);
	}
}

static void check_two_forwards(const struct trial *t)
{
	CHECK_INT(forwards_of(t, A)->completed, 2 * REQUESTS);
}

static void test_meanwhile_goes_on_until_it_joins(void)
{
	static const struct deed joined = {
		"forward %B,meanwhile;compute 5us;reply;forward %C,meanwhile;compute 5us;reply;"
		"compute 5us;join;compute 5us",
		.asked = { [A] = { [WIRE_COMPUTE] = 2,
				   [WIRE_FORWARD_TO] = 2,
				   [WIRE_JOIN] = 1,
				   [WIRE_SEND_REPLY] = 1 },
			   [B] = ONE_PART,
			   [C] = ONE_PART },
	};
	static const struct deed replied = {
		"forward %B,meanwhile;compute 5us;reply;forward %C;compute 5us;reply;sleep 50us",
		.asked = { [A] = { [WIRE_SLEEP] = 1, [WIRE_FORWARD_TO] = 2, [WIRE_SEND_REPLY] = 1 },
			   [B] = ONE_PART,
			   [C] = ONE_PART },
	};

	behave(&joined, check_two_forwards);
	behave(&replied, check_two_forwards);
}

static void check_chain(const struct trial *t)
{
	CHECK_INT(forwards_of(t, A)->completed, REQUESTS);
	CHECK_INT(forwards_of(t, B)->completed, REQUESTS);
	CHECK_INT(t->result->split.hop_count, 3);
	CU_ASSERT(t->split.part_ns[1][SPLIT_SERVICE] >= 5 * US);
	CU_ASSERT(t->split.part_ns[2][SPLIT_SERVICE] >= 100 * US);
}

static void test_forwards_stand_within_forwards(void)
{
	static const struct deed deed = {
		"forward %B;compute 5us;forward %C;sleep 100us;reply;reply",
		.asked = { [A] = FORWARDS(1),
			   [B] = { [WIRE_COMPUTE] = 1,
				   [WIRE_FORWARD_TO] = 1,
				   [WIRE_SEND_REPLY] = 1 },
			   [C] = { [WIRE_SLEEP] = 1, [WIRE_SEND_REPLY] = 1 } },
	};

	behave(&deed, check_chain);
}

static void test_a_node_forwards_to_itself(void)
{
	static const struct deed deed = {
		"forward %A;compute 5us;forward %A;compute 5us;reply;reply",
		.asked[A] = { [WIRE_COMPUTE] = 2, [WIRE_FORWARD_TO] = 2, [WIRE_SEND_REPLY] = 3 }
	};

	behave(&deed, check_told);
}

static void test_a_round_of_all_nodes_comes_back(void)
{
	static const struct deed deed = {
		"forward %B;load 1KiB;forward %C;store 1KiB,nosync;forward %A;compute 5us;reply;"
		"reply;reply",
		.asked = { [A] = { [WIRE_COMPUTE] = 1,
				   [WIRE_FORWARD_TO] = 1,
				   [WIRE_SEND_REPLY] = 2 },
			   [B] = { [WIRE_LOAD] = 1, [WIRE_FORWARD_TO] = 1, [WIRE_SEND_REPLY] = 1 },
			   [C] = { [WIRE_STORE] = 1,
				   [WIRE_FORWARD_TO] = 1,
				   [WIRE_SEND_REPLY] = 1 } },
	};

	behave(&deed, NULL);
}

CU_TestInfo behaviour_forward_tests[] = {
	{ "a forward is run by the other node", test_a_forward_is_run_by_the_other_node },
	{ "all of many are waited for", test_all_of_many_are_waited_for },
	{ "a quorum does not wait for the others", test_a_quorum_does_not_wait_for_the_others },
	{ "branches get a program each", test_branches_get_a_program_each },
	{ "every policy picks one of many", test_every_policy_picks_one_of_many },
	{ "meanwhile goes on until it joins", test_meanwhile_goes_on_until_it_joins },
	{ "forwards stand within forwards", test_forwards_stand_within_forwards },
	{ "a node forwards to itself", test_a_node_forwards_to_itself },
	{ "a round of all nodes comes back", test_a_round_of_all_nodes_comes_back },
	CU_TEST_INFO_NULL,
};

/* Failures. */

static void check_timeouts(const struct trial *t)
{
	const struct forward_stats *f = forwards_of(t, A);

	CHECK_INT(f->forwards, REQUESTS);
	CHECK_INT(f->timeouts, REQUESTS);
	CHECK_INT(f->attempts, 3 * REQUESTS);
	CHECK_INT(f->retries, 2 * REQUESTS);
}

/* The same over every transport with more and more time, until it was enough; the last is not
 * hasty. */
static void behave_in_time(const struct deed *deeds, trial_check *more)
{
	for (unsigned place = 0; place < PLACES; place++) {
		const struct deed *d = deeds;

		while (!behave_try(d, place, place % ROLES, more))
			d++;
	}
}

/* On a busy machine not even the first request has left within 10 ms, and then it is not asked
 * again. */
static void test_silence_is_asked_again_and_then_times_out(void)
{
#define SILENCE(time)                                                         \
	.program = "forward %S,timeout=" time ",retries=2;compute 5us;reply", \
	.asked[A] = FORWARDS(1), .unanswered = 3, .fails = true
	static const struct deed deeds[] = { { SILENCE("10ms"), .is_hasty = true },
					     { SILENCE("100ms"), .is_hasty = true },
					     { SILENCE("1s") } };

	behave_in_time(deeds, check_timeouts);
}

/* Whoever takes longer than the timeout is silent, too. */
static void test_only_the_silent_are_asked_again(void)
{
#define HALF_SILENT(time)                                                        \
	.program = "forward %B,%S,timeout=" time ",retries=1;compute 5us;reply", \
	.asked = { [A] = FORWARDS(1), [B] = ONE_PART }, .unanswered = 2, .fails = true
	static const struct deed deeds[] = { { HALF_SILENT("30ms"), .is_hasty = true },
					     { HALF_SILENT("300ms"), .is_hasty = true },
					     { HALF_SILENT("3s") } };

	behave_in_time(deeds, NULL);
}

static void check_refusals(const struct trial *t)
{
	CHECK_INT(forwards_of(t, A)->failures, REQUESTS);
}

static void test_where_nobody_is_fails(void)
{
	static const struct deed deed = { "forward %N;compute 5us;reply", .asked[A] = FORWARDS(1),
					  .unanswered = 1, .fails = true };

	behave(&deed, check_refusals);
}

static void check_found(const struct trial *t)
{
	CHECK_INT(forwards_of(t, A)->completed, REQUESTS);
	CHECK_INT(t->gained[A].operations[WIRE_FORWARD_TO], REQUESTS);
	CHECK_INT(t->gained[B].operations[WIRE_COMPUTE], REQUESTS);
	CHECK_INT(count_run(t, WIRE_COMPUTE), REQUESTS);
}

static void test_a_pick_goes_on_to_who_is_there(void)
{
	static const struct deed deed = {
		"forward %N,%B,pick=round-robin,retries=1;compute 5us;reply", .is_drawn = true
	};

	behave(&deed, check_found);
}

CU_TestInfo behaviour_failure_tests[] = {
	{ "silence is asked again and then times out",
	  test_silence_is_asked_again_and_then_times_out },
	{ "only the silent are asked again", test_only_the_silent_are_asked_again },
	{ "where nobody is fails", test_where_nobody_is_fails },
	{ "a pick goes on to who is there", test_a_pick_goes_on_to_who_is_there },
	CU_TEST_INFO_NULL,
};
