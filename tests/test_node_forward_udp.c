/*
 * test_node_forward_udp.c - forwards over UDP between real nodes, on the backend that the argument
 * names, and to somebody who loses what he likes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/forward.h"
#include "tests/forward_body.h"
#include "tests/node_fixture.h"

static const struct backend_ops *backend;
static struct setup a, b, c;

static void start(void)
{
	setup_init(&b, backend);
	setup_bind(&b, "udp://127.0.0.1:0");
	CU_ASSERT_FATAL(setup_start(&b) == 0);
	start_plain(&a, backend);
	start_plain(&c, backend);
}

static void finish(void)
{
	setup_finish(&a);
	setup_finish(&b);
	setup_finish(&c);
}

static int await_status(int fd)
{
	struct wire_head head;
	struct wire_hop hop;

	return read_reply(fd, &head, &hop) ? -1 : head.hops;
}

static int ask_body(int fd, const struct body *body)
{
	send_body(fd, (struct wire_head){ 0 }, body);
	return await_status(fd);
}

static struct body by_udp(struct wire_forward f, uint16_t port)
{
	struct body inner = nap_then_reply(0), body = { 0 };
	struct branch branch = {
		.ports = { port }, .transports = { TRANSPORT_UDP }, .count = 1, .program = &inner
	};

	add_branches(&body, f, &branch, 1);
	add_reply(&body, REPLY_SIZE);
	return body;
}

/* A UDP socket that the test plays; its port. */
static int open_peer(uint16_t *ret_port)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(to);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK_INT(bind(fd, (struct sockaddr *)&to, len), 0);
	getsockname(fd, (struct sockaddr *)&to, &len);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	*ret_port = ntohs(to.sin_port);
	return fd;
}

/* Takes one request, and answers it so many times. */
static void play_peer(int fd, int answers)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint8_t bytes[2048], answer[WIRE_HEAD];
	struct wire_head head;

	CU_ASSERT(recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &len) >=
		  WIRE_HEAD);
	CHECK_INT(wire_get_head(bytes, UINT32_MAX, &head), WIRE_FINE);
	wire_put_head(answer, &(struct wire_head){ .length = WIRE_HEAD,
						   .version = WIRE_VERSION,
						   .type = WIRE_REPLY,
						   .id = head.id });
	while (answers--)
		sendto(fd, answer, sizeof(answer), 0, (struct sockaddr *)&from, len);
}

static void test_many_requests_share_a_socket(void)
{
	struct body body;
	int fds[8];

	start();
	body = by_udp((struct wire_forward){ .retries = 3 }, port_of(&b));
	for (int i = 0; i < 8; i++) {
		fds[i] = connect_to_node(&a);
		for (int j = 0; j < 20; j++)
			send_body(fds[i], (struct wire_head){ 0 }, &body);
	}
	for (int i = 0; i < 8; i++) {
		for (int j = 0; j < 20; j++)
			CHECK_INT(await_status(fds[i]), WIRE_OK);
		close(fds[i]);
	}
	CHECK_INT(stats_of(&a).forward.completed, 160);
	CHECK_INT(stats_of(&a).forward.opened, 1);
	finish();
	CHECK_INT(count_said(&a, "") + count_said(&b, ""), 0);
}

/* DistWalk reports success here. */
static void test_nobody_who_listens_is_an_error_at_once(void)
{
	int64_t least_ns = INT64_MAX;
	struct body body;
	uint16_t port;
	int fd;

	start();
	close(open_peer(&port));
	body = by_udp((struct wire_forward){ .retries = 1 }, port);
	fd = connect_to_node(&a);
	for (int i = 0; i < 20; i++) {
		int64_t start_ns = clock_now_ns(), ns;

		CHECK_INT(ask_body(fd, &body), WIRE_ERROR);
		ns = clock_now_ns() - start_ns;
		least_ns = ns < least_ns ? ns : least_ns;
	}
	CU_ASSERT(least_ns < FORWARD_UDP_TIMEOUT_NS); /* nobody waited for that */
	CHECK_INT(stats_of(&a).forward.failures, 20);
	CHECK_INT(stats_of(&a).forward.attempts, 40);
	CU_ASSERT(is_answered(fd, 7));
	close(fd);
	finish();
}

/* True: every third attempt was answered in time. A busy machine may need more time. */
static bool answer_every_third(uint32_t timeout_us)
{
	int in_time = 0, fd, peer;
	struct body body;
	uint16_t port;

	start();
	peer = open_peer(&port);
	body = by_udp((struct wire_forward){ .timeout_us = timeout_us, .retries = 2 }, port);
	fd = connect_to_node(&a);
	for (int i = 0; i < 3 && in_time == i; i++) {
		send_body(fd, (struct wire_head){ 0 }, &body);
		play_peer(peer, 0);
		play_peer(peer, 0);
		play_peer(peer, 2);
		in_time += await_status(fd) == WIRE_OK;
	}
	if (in_time == 3) {
		CHECK_INT(stats_of(&a).forward.attempts, 9);
		CHECK_INT(stats_of(&a).forward.retries, 6);
		WAIT_UNTIL(stats_of(&a).forward.late == 3);
	}
	close(peer);
	close(fd);
	finish();
	return in_time == 3;
}

static void test_what_is_lost_is_tried_again_and_what_comes_twice_is_late(void)
{
	CU_ASSERT(answer_every_third(100000) || answer_every_third(500000) ||
		  answer_every_third(4000000));
}

/* Nobody said how long to wait. */
static void test_loss_hangs_no_request(void)
{
	struct body body;
	int64_t start_ns;
	uint16_t port;
	int fd, peer;

	start();
	peer = open_peer(&port);
	body = by_udp((struct wire_forward){ 0 }, port);
	fd = connect_to_node(&a);
	start_ns = clock_now_ns();
	CHECK_INT(ask_body(fd, &body), WIRE_TIMEOUT);
	CU_ASSERT(clock_now_ns() - start_ns >= FORWARD_UDP_TIMEOUT_NS);
	CU_ASSERT(clock_now_ns() - start_ns < 20 * FORWARD_UDP_TIMEOUT_NS);
	close(peer);
	close(fd);
	finish();
}

/* 20 requests to somebody who loses them or to b: how many b answered in time, of both tries. */
static int ask_beside_loss(uint32_t timeout_us, int *lossy)
{
	struct body inner = nap_then_reply(0), body = { 0 };
	struct branch branch = { .transports = { TRANSPORT_UDP, TRANSPORT_UDP },
				 .count = 2,
				 .program = &inner };
	const struct wire_forward f = { .timeout_us = timeout_us,
					.retries = 1,
					.pick = PICK_LEAST };
	int fd, peer, answered = 0;

	start();
	peer = open_peer(&branch.ports[0]);
	branch.ports[1] = port_of(&b);
	add_branches(&body, f, &branch, 1);
	add_reply(&body, REPLY_SIZE);
	fd = connect_to_node(&a);
	while (answered < 20 && ask_body(fd, &body) == WIRE_OK)
		answered++;
	for (*lossy = 0; recv(peer, &(uint8_t){ 0 }, 1, MSG_DONTWAIT) > 0;)
		++*lossy;
	close(peer);
	close(fd);
	finish();
	return answered;
}

/*
 * A destination that lost a request is not thought to be busy with it for ever. b may be too slow
 * for its timeout on a busy machine: then it gets more.
 */
static void test_what_was_lost_burdens_nobody(void)
{
	static const uint32_t timeouts_us[] = { 100000, 500000, 4000000 };
	int answered = 0, lossy = 0;

	for (int i = 0; i < 3 && answered < 20; i++)
		answered = ask_beside_loss(timeouts_us[i], &lossy);
	CHECK_INT(answered, 20);
	CU_ASSERT(lossy > 1);
}

static void test_a_request_that_no_datagram_carries_is_refused(void)
{
	struct body body;
	int fd;

	start();
	body = by_udp((struct wire_forward){ .size = DATAGRAM_MAX + 1 }, port_of(&b));
	fd = connect_to_node(&a);
	CHECK_INT(ask_body(fd, &body), WIRE_REFUSED);
	CHECK_INT(stats_of(&a).forward.attempts, 0);
	close(fd);
	finish();
}

static void test_tcp_and_udp_make_one_quorum(void)
{
	struct body inner = nap_then_reply(0), body = { 0 };
	struct branch branch = { .transports = { TRANSPORT_UDP, TRANSPORT_STREAM },
				 .count = 2,
				 .program = &inner };
	int fd;

	start();
	branch.ports[0] = port_of(&b);
	branch.ports[1] = port_of(&c);
	add_branches(&body, (struct wire_forward){ .retries = 3 }, &branch, 1);
	add_reply(&body, REPLY_SIZE);
	fd = connect_to_node(&a);
	for (int i = 0; i < 20; i++)
		CHECK_INT(ask_body(fd, &body), WIRE_OK);
	CHECK_INT(stats_of(&a).forward.completed, 20);
	CHECK_INT(stats_of(&a).forward.opened, 2);
	close(fd);
	finish();
}

static void test_what_is_unused_is_closed_and_opened_again(void)
{
	struct body body;
	int fd;

	start();
	setup_finish(&a);
	setup_init(&a, backend);
	a.opts.forward_idle_ns = MS;
	CU_ASSERT_FATAL(setup_start(&a) == 0);
	body = by_udp((struct wire_forward){ .retries = 3 }, port_of(&b));
	fd = connect_to_node(&a);
	for (int i = 1; i <= 3; i++) {
		CHECK_INT(ask_body(fd, &body), WIRE_OK);
		WAIT_UNTIL(stats_of(&a).forward.connections == 0);
		CHECK_INT(stats_of(&a).forward.opened, i);
	}
	close(fd);
	finish();
}

static CU_TestInfo tests[] = {
	{ "many requests share a socket", test_many_requests_share_a_socket },
	{ "nobody who listens is an error at once", test_nobody_who_listens_is_an_error_at_once },
	{ "what is lost is tried again and what comes twice is late",
	  test_what_is_lost_is_tried_again_and_what_comes_twice_is_late },
	{ "loss hangs no request", test_loss_hangs_no_request },
	{ "what was lost burdens nobody", test_what_was_lost_burdens_nobody },
	{ "a request that no datagram carries is refused",
	  test_a_request_that_no_datagram_carries_is_refused },
	{ "tcp and udp make one quorum", test_tcp_and_udp_make_one_quorum },
	{ "what is unused is closed and opened again",
	  test_what_is_unused_is_closed_and_opened_again },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	int status;

	backend = choose_backend(argc, argv, &status);
	if (!backend)
		return status;
	return test_main("node_forward_udp", tests);
}
