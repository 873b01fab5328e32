/*
 * test_node.c - a real node on the backend that the argument names: who accepts, who serves, what
 * computing does to others. How it starts and stops is in test_node_start.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/node_fixture.h"

static const struct backend_ops *backend;

static bool has_ipv6(void)
{
	struct address a, bound;
	int fd;

	address_parse("[::1]:0", &a, NULL);
	fd = address_listen(&a, &(struct listen_opts){ .backlog = 1 }, &bound, NULL);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

#define CLIENTS 24

static void talk_to_all_addresses(const struct setup *s)
{
	int fds[CLIENTS];

	for (unsigned i = 0; i < CLIENTS; i++) {
		fds[i] = connect_to(node_address(s->node, i % node_address_count(s->node)));
		CU_ASSERT(fds[i] >= 0);
	}
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < CLIENTS; i++)
			CU_ASSERT(is_answered(fds[i], i * 10 + round));
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		close(fds[i]);
}

static void test_every_accept_mode_serves_every_kind_of_address(void)
{
	for (int mode = ACCEPT_CHILD; mode <= ACCEPT_PARENT; mode++) {
		for (int wait = ACCEPT_EVENT; wait <= ACCEPT_BLOCKING; wait++) {
			struct setup s;
			char name[64];

			setup_init(&s, backend);
			s.opts.accept_mode = mode;
			s.opts.accept_wait = wait;
			s.opts.threads = 3;
			setup_bind(&s, "127.0.0.1:0");
			unix_name(backend, name, sizeof(name));
			setup_bind(&s, name);
			if (has_ipv6())
				setup_bind(&s, "[::1]:0");
			CU_ASSERT_FATAL(setup_start(&s) == 0);
			talk_to_all_addresses(&s);
			WAIT_UNTIL(stats_of(&s).connections == 0);
			WAIT_UNTIL(stats_of(&s).accepted == CLIENTS);
			WAIT_UNTIL(stats_of(&s).requests == CLIENTS * 3);
			CHECK_INT(count_said(&s, "as in mode shared"), mode == ACCEPT_CHILD);
			CHECK_INT(count_said(&s, ""), mode == ACCEPT_CHILD);
			setup_finish(&s);
			CHECK_INT(access(name + strlen("unix:"), F_OK), -1);
		}
	}
}

static uint64_t accepted_by(const struct setup *s, int worker)
{
	struct node_stats stats;

	node_stats(s->node, worker, &stats);
	return stats.accepted;
}

static void test_a_parent_hands_out_in_turn(void)
{
	for (int wait = ACCEPT_EVENT; wait <= ACCEPT_BLOCKING; wait++) {
		struct setup s;
		int fds[16];

		setup_init(&s, backend);
		s.opts.accept_mode = ACCEPT_PARENT;
		s.opts.accept_wait = wait;
		s.opts.threads = 4;
		CU_ASSERT_FATAL(setup_start(&s) == 0);
		for (int i = 0; i < 16; i++) {
			fds[i] = connect_to_node(&s);
			CU_ASSERT(is_answered(fds[i], i));
		}
		for (int i = 0; i < 4; i++)
			WAIT_UNTIL(accepted_by(&s, i) == 4);
		for (int i = 0; i < 16; i++)
			close(fds[i]);
		setup_finish(&s);
	}
}

static void test_all_children_listen(void)
{
	struct setup s;
	int fds[64];

	setup_init(&s, backend);
	s.opts.threads = 3;
	CU_ASSERT_FATAL(setup_start(&s) == 0);
	for (int i = 0; i < 64; i++) {
		fds[i] = connect_to_node(&s);
		CU_ASSERT(is_answered(fds[i], i));
	}
	for (int i = 0; i < 3; i++)
		WAIT_UNTIL(accepted_by(&s, i) > 0);
	for (int i = 0; i < 64; i++)
		close(fds[i]);
	setup_finish(&s);
}

#define PIPELINED 3

/* Sends all at once; true: the replies came one by one, not all at the end. */
static bool compute_in_a_row(int fd)
{
	static const struct wire_operation ops[] = { { WIRE_COMPUTE, COMPUTE_WALL, 3 * MS },
						     { WIRE_SEND_REPLY, 0, 64 } };
	uint8_t bytes[PIPELINED * 64];
	struct wire_head head;
	struct wire_hop hop;
	int64_t at_ns[PIPELINED];
	uint32_t len = 0;

	for (int i = 0; i < PIPELINED; i++)
		len += put_request(bytes + len, i, ops, 2);
	CHECK_INT(send(fd, bytes, len, 0), len);
	for (int i = 0; i < PIPELINED; i++) {
		CHECK_INT(read_reply(fd, &head, &hop), 0);
		CHECK_INT(head.id, i);
		at_ns[i] = clock_now_ns();
		CU_ASSERT(hop.service_ns >= 3 * MS);
		CU_ASSERT(hop.queue_ns >= (uint64_t)i * 3 * MS);
	}
	return at_ns[2] - at_ns[0] >= 5 * MS && at_ns[2] - at_ns[1] >= 2 * MS;
}

/* The client may be preempted while it should look at the clock, so it may try again. */
static void test_computing_delays_those_behind_and_not_those_before(void)
{
	bool one_by_one = false;
	struct setup s;
	int fd, tries = 0;

	start_plain(&s, backend);
	fd = connect_to_node(&s);
	while (!one_by_one && tries++ < 200)
		one_by_one = compute_in_a_row(fd);
	CU_ASSERT(one_by_one);
	WAIT_UNTIL(stats_of(&s).operations[WIRE_COMPUTE] == (uint64_t)tries * PIPELINED);
	WAIT_UNTIL(stats_of(&s).compute_ns >= tries * PIPELINED * 3 * MS);
	close(fd);
	setup_finish(&s);
}

#define ASKERS	  4
#define QUESTIONS 300

static void *ask_many(void *arg)
{
	int fd = connect_to_node(arg);
	intptr_t answered = 0;

	for (int i = 0; i < QUESTIONS; i++)
		answered += is_answered(fd, i);
	close(fd);
	return (void *)answered;
}

/* Counters are read all the time; a thread sanitizer build has something to look at here. */
static void test_four_workers_serve_and_tell_their_counters(void)
{
	pthread_t threads[ASKERS];
	struct setup s;
	void *answered;

	setup_init(&s, backend);
	s.opts.threads = 4;
	s.opts.accept_mode = ACCEPT_PARENT;
	CU_ASSERT_FATAL(setup_start(&s) == 0);
	for (int i = 0; i < ASKERS; i++)
		pthread_create(&threads[i], NULL, ask_many, &s);
	WAIT_UNTIL(stats_of(&s).requests == ASKERS * QUESTIONS);
	for (int i = 0; i < ASKERS; i++) {
		pthread_join(threads[i], &answered);
		CHECK_INT((intptr_t)answered, QUESTIONS);
	}
	CHECK_INT(node_worker_count(s.node), 4);
	setup_finish(&s);
}

/* A peer that has closed its side still gets its answers. */
static void test_a_half_closed_peer_is_answered(void)
{
	struct wire_head head;
	struct wire_hop hop;
	struct setup s;
	int fd;

	start_plain(&s, backend);
	fd = connect_to_node(&s);
	CHECK_INT(send_request(fd, 7, nap_100ms, 2), 0);
	shutdown(fd, SHUT_WR);
	CHECK_INT(read_reply(fd, &head, &hop), 0);
	CHECK_INT(head.id, 7);
	CHECK_INT(hop.service_ns, 100 * MS);
	CU_ASSERT(is_at_end(fd));
	close(fd);
	CHECK_INT(count_said(&s, ""), 0);
	setup_finish(&s);
}

static CU_TestInfo tests[] = {
	{ "every accept mode serves every kind of address",
	  test_every_accept_mode_serves_every_kind_of_address },
	{ "a parent hands out in turn", test_a_parent_hands_out_in_turn },
	{ "all children listen", test_all_children_listen },
	{ "computing delays those behind and not those before",
	  test_computing_delays_those_behind_and_not_those_before },
	{ "four workers serve and tell their counters",
	  test_four_workers_serve_and_tell_their_counters },
	{ "a half-closed peer is answered", test_a_half_closed_peer_is_answered },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	int status;

	backend = choose_backend(argc, argv, &status);
	if (!backend)
		return status;
	return test_main("node", tests);
}
