/*
 * test_forward_hostile.c - forwards asked for by, or sent to, who means no good: bombs, places that
 * are not allowed, answers that were made up, and ends at bad moments.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/forward_world.h"

static struct world w;
static struct peer server, other;

static void begin(unsigned nodes)
{
	world_init(&w);
	add_nodes(&w, nodes);
	connect_client(&w, A);
	server.fd = other.fd = -1;
	server.len = other.len = 0;
}

/* All that was begun is counted as ended, once. */
static void check_sums(const struct forward_stats *s)
{
	CHECK_INT(s->forwards,
		  s->completed + s->timeouts + s->failures + s->refused + s->cancelled);
}

static void finish(void)
{
	check_sums(stats_at(&w, A));
	world_finish(&w);
}

/* 8 destinations each, five levels deep: 37,449 requests if nothing stopped it. */
static void test_a_bomb_of_forwards_is_bounded(void)
{
	struct upstream_opts few = usual_upstreams;
	struct body program = nap_then_reply(0), ping = nap_then_reply(0);
	uint64_t attempts;

	few.attempts = 200;
	for (int i = 0; i < 5; i++) {
		struct body next = forward_then_reply((struct wire_forward){ 0 }, &program,
						      PORTS(A, A, A, A, A, A, A, A));

		program = next;
	}
	world_init(&w);
	add_node(&w, A, &few);
	connect_client(&w, A);
	CHECK_INT(ask_and_wait(&w, 1, &program).head.hops, WIRE_ERROR);
	attempts = stats_at(&w, A)->attempts;
	CU_ASSERT(attempts < 5000);
	CHECK_INT(w.troubles[TROUBLE_ATTEMPTS] > 0, true);
	CHECK_INT(ask_and_wait(&w, 2, &ping).head.hops, WIRE_OK);
	run_for(&w, SEC);
	check_sums(stats_at(&w, A));
	world_finish(&w);
}

static void test_sixty_four_destinations_are_the_most(void)
{
	struct body inner = nap_then_reply(0);

	for (unsigned count = WIRE_FAN_OUT; count <= WIRE_FAN_OUT + 1; count++) {
		struct branch branch = { .count = count, .program = &inner };
		struct body outer = { 0 };

		for (unsigned i = 0; i < count; i++)
			branch.ports[i] = (uint16_t)(A + i % 3);
		add_branches(&outer, (struct wire_forward){ 0 }, &branch, 1);
		add_reply(&outer, REPLY_SIZE);
		begin(3);
		ask(&w, 1, &outer);
		if (count == WIRE_FAN_OUT) {
			CHECK_INT(await_answer(&w).head.hops, WIRE_OK);
			CHECK_INT(stats_at(&w, A)->answers, count);
		} else {
			run_for(&w, MS);
			CHECK_INT(node_at(&w, A)->fault, WIRE_BAD_FORWARD);
		}
		finish();
	}
}

/* Where it may not go, or cannot: status, and nothing is sent to anybody. */
static void test_what_is_not_allowed_or_not_there_is_said(void)
{
	static const uint8_t far[] = { 192, 0, 2, 1 };
	static const uint8_t path[] = "/tmp/x\0y";
	static const struct {
		struct wire_destination to;
		enum wire_status status;
		enum upstream_trouble trouble;
	} rows[] = {
		{ { 0, FAMILY_IPV4, 7892, far }, WIRE_REFUSED, TROUBLE_NOT_ALLOWED },
		{ { TRANSPORT_UDP, FAMILY_IPV4, 7892, far }, WIRE_REFUSED, TROUBLE_NOT_ALLOWED },
		{ { TRANSPORT_TLS, FAMILY_IPV4, 7999, here }, WIRE_ERROR, TROUBLE_TRANSPORT },
		{ { TRANSPORT_TLS, FAMILY_IPV4, B, here }, WIRE_ERROR, TROUBLE_TRANSPORT },
		{ { 0, FAMILY_UNIX, 8, path }, WIRE_ERROR, TROUBLES },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct wire_forward f = { .size = 100, .branches = 1, .retries = 200 };
		struct body outer = { 0 };
		uint8_t *p = outer.bytes;
		struct answer a;

		p += wire_put_forward(p, &f);
		p += wire_put_branch(p, WIRE_OPERATION, 1);
		p += wire_put_destination(p, &rows[i].to);
		p += wire_put_operation(p, &(struct wire_operation){ WIRE_SEND_REPLY, 0, 64 });
		outer.len = (uint32_t)(p - outer.bytes);
		wire_end_forward(outer.bytes, outer.len);
		add_operation(&outer, WIRE_SLEEP, 1 * MS);
		add_reply(&outer, REPLY_SIZE);
		begin(2);
		a = ask_and_wait(&w, 1, &outer);
		CHECK_INT(a.head.hops, rows[i].status);
		CHECK_INT(a.hop.service_ns, 1 * MS);
		CHECK_INT(stats_at(&w, A)->refused, rows[i].status == WIRE_REFUSED);
		CHECK_INT(stats_at(&w, A)->failures, rows[i].status == WIRE_ERROR);
		CHECK_INT(stats_at(&w, A)->attempts + stats_at(&w, A)->opened, 0);
		if (rows[i].trouble < TROUBLES)
			CHECK_INT(w.troubles[rows[i].trouble], 1);
		run_for(&w, MS);
		CHECK_INT(take_answer(&w).is_there, false);
		finish();
	}
}

static void test_a_node_without_forwards_refuses_them(void)
{
	struct body inner = nap_then_reply(0);
	struct body outer = forward_then_reply((struct wire_forward){ 0 }, &inner, PORTS(B));

	begin(2);
	node_at(&w, A)->host.forwards = NULL;
	CHECK_INT(ask_and_wait(&w, 1, &outer).head.hops, WIRE_REFUSED);
	finish();
}

/* Waiting for it, for another one meanwhile, in a nap, and in the queue of a crowd. */
static void test_a_client_that_goes_takes_its_forwards_along(void)
{
	struct body inner = nap_then_reply(10 * MS), programs[3] = { 0 };
	const struct wire_forward meanwhile = { .meanwhile = true, .timeout_us = 5000000 };

	programs[0] = forward_then_reply((struct wire_forward){ .timeout_us = 5000000 }, &inner,
					 PORTS(B, B));
	add_forward(&programs[1], meanwhile, &inner, PORTS(B));
	add_operation(&programs[1], WIRE_SLEEP, 50 * MS);
	add_reply(&programs[1], 64);
	add_forward(&programs[2], meanwhile, &inner, PORTS(B));
	add_operation(&programs[2], WIRE_JOIN, 0);
	add_reply(&programs[2], 64);
	for (int i = 0; i < 3; i++) {
		begin(2);
		for (unsigned j = 0; j < 20; j++)
			ask(&w, j, &programs[i]);
		run_for(&w, MS);
		sim_reset(w.net, w.client.fd);
		run_for(&w, MS);
		CHECK_INT(node_at(&w, A)->host.small.live + node_at(&w, A)->host.large.live, 0);
		CHECK_INT(node_at(&w, A)->forwards.few.live, 0);
		CHECK_INT(stats_at(&w, A)->cancelled, 20);
		run_for(&w, 20 * MS);
		CHECK_INT(stats_at(&w, A)->late, i ? 20 : 40);
		CHECK_INT(stats_at(&w, A)->answers, 0);
		finish();
	}
}

static void test_a_loop_that_ends_takes_its_forwards_along(void)
{
	struct body inner = nap_then_reply(10 * MS), outer = { 0 };

	add_forward(&outer, (struct wire_forward){ .meanwhile = true, .timeout_us = 5000 }, &inner,
		    PORTS(B, B, B, B, B, B));
	add_forward(&outer, (struct wire_forward){ .retries = 1 }, &inner, PORTS(B, C));
	add_reply(&outer, 64);
	begin(2);
	add_scripted(&w, C);
	for (unsigned j = 0; j < 20; j++)
		ask(&w, j, &outer);
	run_for(&w, 6 * MS);
	CHECK_INT(stats_at(&w, A)->timeouts, 20);
	world_finish(&w);
}

/* Replies that nobody asked for, from a server that one request went to. */
static void test_answers_that_were_made_up_find_nothing(void)
{
	struct body inner = nap_then_reply(0);
	struct body outer = forward_then_reply((struct wire_forward){ 0 }, &inner, PORTS(B, C));
	uint64_t id, others;

	begin(1);
	add_scripted(&w, B);
	add_scripted(&w, C);
	ask(&w, 1, &outer);
	id = await_request(&w, B, &server).id;
	others = await_request(&w, C, &other).id;
	write_answer(&w, server.fd, 0x7fffffff, WIRE_OK);
	write_answer(&w, server.fd, UINT64_MAX, WIRE_OK);
	write_answer(&w, server.fd, 0xff000000, WIRE_OK);
	write_answer(&w, server.fd, id + (1ULL << 32), WIRE_OK);
	write_answer(&w, server.fd, others, WIRE_OK);
	run_for(&w, MS);
	CHECK_INT(stats_at(&w, A)->strays, 5);
	CHECK_INT(stats_at(&w, A)->answers + stats_at(&w, A)->late, 0);
	CHECK_INT(take_answer(&w).is_there, false);
	write_answer(&w, server.fd, id, WIRE_OK);
	write_answer(&w, other.fd, others, WIRE_OK);
	CHECK_INT(await_answer(&w).head.hops, WIRE_OK);
	write_answer(&w, server.fd, id, WIRE_OK);
	run_for(&w, MS);
	CHECK_INT(stats_at(&w, A)->late, 1);
	CHECK_INT(stats_at(&w, A)->strays, 5);
	finish();
}

/* Bytes for an answer's body, and how many records of it A passes on behind its own of it. */
static void answer_with_records(const uint8_t *records, uint32_t len, unsigned status,
				unsigned passed_on)
{
	struct body inner = nap_then_reply(0);
	struct body outer = forward_then_reply((struct wire_forward){ 0 }, &inner, PORTS(B));
	uint8_t bytes[WIRE_HEAD + 2000];
	struct answer a;

	begin(1);
	add_scripted(&w, B);
	ask(&w, 1, &outer);
	wire_put_head(bytes, &(struct wire_head){ .length = WIRE_HEAD + len,
						  .version = WIRE_VERSION,
						  .type = WIRE_REPLY,
						  .hops = (uint8_t)status,
						  .id = await_request(&w, B, &server).id,
						  .body_len = len });
	memcpy(bytes + WIRE_HEAD, records, len);
	sim_write(w.net, server.fd, bytes, WIRE_HEAD + len);
	a = await_answer(&w);
	CHECK_INT(a.head.hops, status ? WIRE_ERROR : WIRE_OK);
	CHECK_INT(a.count, 1 + passed_on);
	for (unsigned i = 1; i < a.count; i++)
		CHECK_INT(a.children[i].depth, i + 1);
	CHECK_INT(a.head.flags, len > WIRE_HOP + passed_on * WIRE_CHILD ? WIRE_RECORDS_CUT : 0);
	finish();
}

static void test_absurd_records_are_not_passed_on(void)
{
	uint8_t bytes[WIRE_HOP + 4 * WIRE_CHILD];

	memset(bytes, 0xff, sizeof(bytes));
	for (uint32_t len = 0; len < sizeof(bytes); len += 7)
		answer_with_records(bytes, len, 0, 0);
	for (unsigned i = 0; i < 4; i++) {
		bytes[WIRE_HOP + i * WIRE_CHILD] = (uint8_t)(i + 1);
		bytes[WIRE_HOP + i * WIRE_CHILD + 1] = WIRE_OK;
	}
	answer_with_records(bytes, sizeof(bytes), 0, 4);
	answer_with_records(bytes, sizeof(bytes), 77, 4);
	answer_with_records(bytes, sizeof(bytes) - 1, 0, 3);
	bytes[WIRE_HOP + 2 * WIRE_CHILD] = 4; /* deeper by two at once */
	answer_with_records(bytes, sizeof(bytes), 0, 2);
	bytes[WIRE_HOP] = 0;
	answer_with_records(bytes, sizeof(bytes), 0, 0);
	bytes[WIRE_HOP] = 2;
	answer_with_records(bytes, sizeof(bytes), 0, 0);
}

static void test_a_server_that_sends_nonsense_fails_its_attempts(void)
{
	struct body inner = nap_then_reply(0);
	struct body outer = forward_then_reply((struct wire_forward){ 0 }, &inner, PORTS(B));
	uint8_t bytes[100];

	for (int i = 0; i < 3; i++) {
		begin(1);
		add_scripted(&w, B);
		ask(&w, 1, &outer);
		ask(&w, 2, &outer);
		wire_put_head(bytes,
			      &(struct wire_head){ .length = sizeof(bytes),
						   .version = i ? WIRE_VERSION : 0,
						   .type = i == 1 ? WIRE_REQUEST : WIRE_REPLY,
						   .id = await_request(&w, B, &server).id,
						   .body_len = i == 2 ? WIRE_BODY_MAX + 1 : 0 });
		sim_write(w.net, server.fd, bytes, sizeof(bytes));
		CHECK_INT(await_answer(&w).head.hops, WIRE_ERROR);
		CHECK_INT(await_answer(&w).head.hops, WIRE_ERROR);
		CHECK_INT(stats_at(&w, A)->connections, 0);
		CHECK_INT(node_at(&w, A)->ends, 0);
		finish();
	}
}

/* Over a net that loses connections all the time, to nodes that are sometimes gone. */
static void test_whatever_happens_the_counts_add_up(void)
{
	static const struct sim_faults faults = { .short_send = 0.1,
						  .short_recv = 0.1,
						  .reset = 0.002,
						  .delay_ns = 100 * US,
						  .jitter_ns = 500 * US };
	struct body inmost = nap_then_reply(MS), inner, outer = { 0 };
	const struct wire_forward impatient = { .timeout_us = 3000, .retries = 2 };
	unsigned sent = 0, done = 0, counts[WIRE_STATUSES] = { 0 };

	inner = forward_then_reply(impatient, &inmost, PORTS(C, D));
	add_forward(&outer,
		    (struct wire_forward){ .meanwhile = true, .timeout_us = 2000, .quorum = 1 },
		    &inmost, PORTS(C, D, NOBODY));
	add_forward(&outer, impatient, &inner, PORTS(B));
	add_reply(&outer, REPLY_SIZE);
	begin(4);
	sim_net_set_faults(w.net, &faults);
	for (int i = 0; i < 3000; i++) {
		struct answer a;

		if (i % 100 == 50)
			remove_node(&w, D);
		if (i % 100 == 60)
			add_node(&w, D, NULL);
		if (sim_find(w.net, w.client.fd)->broken || sent - done > 100) {
			sim_close(w.net, w.client.fd);
			w.client.len = 0;
			connect_client(&w, A);
			done = sent;
		}
		ask(&w, sent++, &outer);
		run_for(&w, 300 * US);
		for (a = take_answer(&w); a.is_there; a = take_answer(&w), done++)
			counts[a.head.hops]++;
	}
	run_for(&w, SEC);
	CU_ASSERT(counts[WIRE_OK] && counts[WIRE_ERROR] + counts[WIRE_TIMEOUT]);
	for (uint16_t port = A; port <= B; port++) {
		check_sums(stats_at(&w, port));
		CHECK_INT(node_at(&w, port)->forwards.few.live, 0);
		CHECK_INT(node_at(&w, port)->forwards.upstreams.link_count,
			  stats_at(&w, port)->connections);
	}
	world_finish(&w);
}

static CU_TestInfo tests[] = {
	{ "a bomb of forwards is bounded", test_a_bomb_of_forwards_is_bounded },
	{ "sixty four destinations are the most", test_sixty_four_destinations_are_the_most },
	{ "what is not allowed or not there is said",
	  test_what_is_not_allowed_or_not_there_is_said },
	{ "a node without forwards refuses them", test_a_node_without_forwards_refuses_them },
	{ "a client that goes takes its forwards along",
	  test_a_client_that_goes_takes_its_forwards_along },
	{ "a loop that ends takes its forwards along",
	  test_a_loop_that_ends_takes_its_forwards_along },
	{ "answers that were made up find nothing", test_answers_that_were_made_up_find_nothing },
	{ "absurd records are not passed on", test_absurd_records_are_not_passed_on },
	{ "a server that sends nonsense fails its attempts",
	  test_a_server_that_sends_nonsense_fails_its_attempts },
	{ "whatever happens the counts add up", test_whatever_happens_the_counts_add_up },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("forward_hostile", tests);
}
