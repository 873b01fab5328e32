/*
 * test_node_refuse.c - requests that ask a real node for more than it has or allows, by stream and
 * by datagram, on the backend that the argument names.
 *
 * Each fails alone: what stands around it on the same connection is answered, also on the one that
 * another node's forwards share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/stat.h>

#include "tests/forward_body.h"
#include "tests/node_fixture.h"

#define MB (1LL << 20)

static const struct backend_ops *backend;

static const struct too_much {
	struct wire_operation ops[3];
	enum wire_fault why;
	const char *sentence;
} too_much[] = {
	{ { { WIRE_SEND_REPLY, 0, 65 * MB } }, WIRE_LONG_REPLY, "--max-message" },
	{ { { WIRE_SLEEP, 0, 11 * SEC }, { WIRE_SEND_REPLY, 0, 64 } },
	  WIRE_OVER_LIMIT,
	  "--max-compute" },
	{ { { WIRE_COMPUTE, 0, 1 }, { WIRE_COMPUTE, 0, UINT64_MAX }, { WIRE_SEND_REPLY, 0, 64 } },
	  WIRE_OVER_LIMIT,
	  "--max-compute" },
	{ { { WIRE_SLEEP, 0, 1 }, { WIRE_STORE, 0, 1, 0, 1 }, { WIRE_SEND_REPLY, 0, 64 } },
	  WIRE_NO_DEVICE,
	  "a storage device that is not there" },
	{ { { WIRE_STORE, 0, 1, 1 * MB, 0 }, { WIRE_SEND_REPLY, 0, 64 } },
	  WIRE_BEYOND_DEVICE,
	  "over the end of a storage device" },
	{ { { WIRE_LOAD, 0, 3 * MB, 0, 0 }, { WIRE_SEND_REPLY, 0, 64 } },
	  WIRE_OVER_LIMIT,
	  "--max-load" },
	{ { { WIRE_STORE, 0, 3 * MB, 0, 0 }, { WIRE_SEND_REPLY, 0, 64 } },
	  WIRE_OVER_LIMIT,
	  "--max-store" },
};
#define TOO_MUCH ((int)(sizeof(too_much) / sizeof(*too_much)))

static const struct wire_operation reply_64[] = { { WIRE_SEND_REPLY, 0, 64 } };
static char folder[64];

static int count_operations(const struct too_much *row)
{
	int count = 0;

	while (count < 3 && row->ops[count].code)
		count++;
	return count;
}

/* A device of 1 MiB, and 2 MiB that a request may ask for of it. */
static void start(struct setup *s, const char *address)
{
	char text[128];

	setup_init(s, backend);
	setup_bind(s, address);
	snprintf(text, sizeof(text), "file=%s/device,size=1MiB", folder);
	knob_list_add(&s->opts.storage.devices, text, strlen(text), NULL);
	s->opts.storage.keep = false;
	s->opts.storage.prealloc = 0;
	s->opts.storage.store_max = s->opts.storage.load_max = 2 * MB;
	CU_ASSERT_FATAL(setup_start(s) == 0);
}

/* Nothing of what is refused is done; in `done` stands what else was. */
static void check_nothing_run(const struct setup *s, const uint64_t *done)
{
	struct node_stats stats = stats_of(s);
	struct node_device d;

	for (unsigned code = 1; code < WIRE_CODES; code++)
		CHECK_INT(stats.operations[code], done[code]);
	node_device(s->node, 0, &d);
	CHECK_INT(d.loads + d.stores + d.syncs, 0);
}

static void check_status(int fd, uint64_t id, enum wire_status status)
{
	struct wire_head head = { 0 };
	struct wire_hop hop;

	CHECK_INT(read_reply(fd, &head, &hop), 0);
	CHECK_INT(head.id, id);
	CHECK_INT(head.hops, status);
	CHECK_INT(head.length, status ? WIRE_HEAD : 64);
}

/* Asked before, together with, and after one that sleeps. */
static void test_one_request_is_refused_and_the_others_are_answered(void)
{
	struct setup s;

	for (int i = 0; i < TOO_MUCH; i++) {
		uint64_t done[WIRE_CODES] = { [WIRE_SLEEP] = 1, [WIRE_SEND_REPLY] = 3 };
		uint8_t bytes[1024];
		uint32_t len = 0;
		int fd;

		start(&s, "127.0.0.1:0");
		fd = connect_to_node(&s);
		len += put_request(bytes + len, 1, nap_100ms, 2);
		len += put_request(bytes + len, 2, reply_64, 1);
		len += put_request(bytes + len, 3, too_much[i].ops, count_operations(&too_much[i]));
		len += put_request(bytes + len, 4, reply_64, 1);
		CHECK_INT(send(fd, bytes, len, MSG_NOSIGNAL), len);
		check_status(fd, 2, WIRE_OK);
		check_status(fd, 3, WIRE_REFUSED);
		check_status(fd, 4, WIRE_OK);
		check_status(fd, 1, WIRE_OK);
		check_nothing_run(&s, done);
		CHECK_INT(stats_of(&s).refused, 1);
		CHECK_INT(stats_of(&s).requests, 3);
		CHECK_INT(stats_of(&s).faults[too_much[i].why], 1);
		CHECK_INT(stats_of(&s).loop.faults, 0);
		CHECK_INT(count_said(&s, ""), 1);
		CHECK_INT(count_said(&s, too_much[i].sentence), 1);
		CHECK_INT(count_said(&s, ": request refused"), 1);
		close(fd);
		setup_finish(&s);
	}
}

/* A socket whose peer is the node, which answers in time or never. */
static int datagram_to(const struct setup *s)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	const struct address *a = node_address(s->node, 0);
	int fd = socket(a->storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	CHECK_INT(connect(fd, (const struct sockaddr *)&a->storage, a->len), 0);
	return fd;
}

static void test_datagrams_are_refused_likewise(void)
{
	struct setup s;

	for (int i = 0; i < TOO_MUCH; i++) {
		static const uint64_t done[WIRE_CODES] = { [WIRE_SEND_REPLY] = 1 };
		uint8_t bytes[1024];
		struct wire_head head;
		uint32_t len;
		int fd;

		start(&s, "udp://127.0.0.1:0");
		fd = datagram_to(&s);
		len = put_request(bytes, 3, too_much[i].ops, count_operations(&too_much[i]));
		CHECK_INT(send(fd, bytes, len, 0), len);
		CHECK_INT(recv(fd, bytes, sizeof(bytes), 0), WIRE_HEAD);
		CHECK_INT(wire_get_head(bytes, WIRE_HEAD, &head), WIRE_FINE);
		CHECK_INT(head.hops, WIRE_REFUSED);
		CHECK_INT(head.id, 3);
		len = put_request(bytes, 4, reply_64, 1);
		CHECK_INT(send(fd, bytes, len, 0), len);
		CHECK_INT(recv(fd, bytes, sizeof(bytes), 0), 64);
		check_nothing_run(&s, done);
		CHECK_INT(stats_of(&s).faults[too_much[i].why], 1);
		CHECK_INT(stats_of(&s).connections, 1);
		CHECK_INT(count_said(&s, ""), 1);
		CHECK_INT(count_said(&s, too_much[i].sentence), 1);
		close(fd);
		setup_finish(&s);
	}
}

/* Known before its first operation, as all that is too much. */
static void test_an_answer_that_no_datagram_carries_is_refused_at_once(void)
{
	static const struct wire_operation ops[] = { { WIRE_STORE, 0, 1, 0, 0 },
						     { WIRE_SEND_REPLY, 0, DATAGRAM_MAX + 1 } };
	static const uint64_t nothing[WIRE_CODES];
	uint8_t bytes[256];
	struct wire_head head;
	struct setup s;
	uint32_t len;
	int fd;

	start(&s, "udp://127.0.0.1:0");
	fd = datagram_to(&s);
	len = put_request(bytes, 3, ops, 2);
	CHECK_INT(send(fd, bytes, len, 0), len);
	CHECK_INT(recv(fd, bytes, sizeof(bytes), 0), WIRE_HEAD);
	CHECK_INT(wire_get_head(bytes, WIRE_HEAD, &head), WIRE_FINE);
	CHECK_INT(head.hops, WIRE_REFUSED);
	CHECK_INT(head.id, 3);
	check_nothing_run(&s, nothing);
	CHECK_INT(count_said(&s, "65507 bytes by UDP): request refused"), 1);
	close(fd);
	setup_finish(&s);
}

/* Above the limit in a datagram that carries it whole. */
static void test_a_datagram_above_the_limit_is_refused(void)
{
	uint8_t bytes[600] = { 0 };
	struct wire_head head;
	struct setup s;
	int fd;

	setup_init(&s, backend);
	setup_bind(&s, "udp://127.0.0.1:0");
	s.opts.message_max = 500;
	CU_ASSERT_FATAL(setup_start(&s) == 0);
	fd = datagram_to(&s);
	put_request(bytes, 8, reply_64, 1);
	wire_put32(bytes, sizeof(bytes));
	CHECK_INT(send(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	CHECK_INT(recv(fd, bytes, sizeof(bytes), 0), WIRE_HEAD);
	CHECK_INT(wire_get_head(bytes, WIRE_HEAD, &head), WIRE_FINE);
	CHECK_INT(head.hops, WIRE_REFUSED);
	CHECK_INT(count_said(&s, "message of 600 bytes, limit 500B (--max-message)"), 1);
	close(fd);
	setup_finish(&s);
}

static void test_a_message_above_the_limit_is_refused_when_it_has_come(void)
{
	static uint8_t zeros[64 << 10];
	struct setup s;
	uint8_t bytes[64];
	uint32_t len;
	int fd;

	setup_init(&s, backend);
	s.opts.message_max = 1 * MB;
	CU_ASSERT_FATAL(setup_start(&s) == 0);
	fd = connect_to_node(&s);
	for (unsigned i = 1; i <= 3; i++) {
		uint32_t length = (uint32_t)(2 * MB) + i;

		len = put_request(bytes, i, reply_64, 1);
		wire_put32(bytes, length);
		CHECK_INT(send(fd, bytes, len, MSG_NOSIGNAL), len);
		for (uint32_t left = length - len, part; left; left -= part) {
			part = left < sizeof(zeros) ? left : sizeof(zeros);
			CHECK_INT(send(fd, zeros, part, MSG_NOSIGNAL), part);
		}
		check_status(fd, i, WIRE_REFUSED);
		CU_ASSERT(is_answered(fd, 9));
	}
	CHECK_INT(stats_of(&s).faults[WIRE_LONG_MESSAGE], 3);
	CHECK_INT(count_said(&s, "message of 2097153 bytes, limit 1MiB (--max-message)"), 1);
	CHECK_INT(count_said(&s, ""), 1);
	close(fd);
	setup_finish(&s);
}

#define FLOOD 3000

/* By many connections; what is said has a limit. */
static void test_a_flood_is_answered_and_said_ten_times_a_second_at_most(void)
{
	int64_t start_ns, seconds;
	struct setup s;
	int fds[30];

	start(&s, "127.0.0.1:0");
	start_ns = clock_now_ns();
	for (int i = 0; i < 30; i++)
		fds[i] = connect_to_node(&s);
	for (int i = 0; i < FLOOD; i++) {
		const struct too_much *row = &too_much[i % TOO_MUCH];

		CHECK_INT(send_request(fds[i % 30], i, row->ops, count_operations(row)), 0);
	}
	for (int i = 0; i < FLOOD; i++)
		check_status(fds[i % 30], i, WIRE_REFUSED);
	CHECK_INT(stats_of(&s).refused, FLOOD);
	seconds = 1 + (clock_now_ns() - start_ns) / SEC;
	CU_ASSERT(count_said(&s, "") >= 1 && count_said(&s, "") <= 11 * (seconds + 1));
	for (int i = 0; i < 30; i++) {
		CU_ASSERT(is_answered(fds[i], 5));
		close(fds[i]);
	}
	setup_finish(&s);
}

/* Without --storage, device 0 is made by the first request that asks for it and is not refused. */
static void test_who_is_refused_makes_no_device(void)
{
	static const struct wire_operation rows[][3] = {
		{ { WIRE_STORE, 0, 1, 0, 0 },
		  { WIRE_SLEEP, 0, 11 * SEC },
		  { WIRE_SEND_REPLY, 0, 64 } },
		{ { WIRE_LOAD, 0, 1, 0, 0 },
		  { WIRE_LOAD, 0, 1, 0, 1 },
		  { WIRE_SEND_REPLY, 0, 64 } },
		{ { WIRE_SLEEP, 0, 1 },
		  { WIRE_SLEEP, 0, 11 * SEC },
		  { WIRE_SEND_REPLY, REPLY_SENDFILE, 64, 0, 0 } },
	};
	static const struct wire_operation good[] = { { WIRE_STORE, 0, 1, 0, 0 },
						      { WIRE_SEND_REPLY, 0, 64 } };
	static const struct wire_operation sent[] = { { WIRE_SEND_REPLY, REPLY_SENDFILE, 64, 0,
							0 } };
	char home[128], path[128];
	struct stat st;

	snprintf(home, sizeof(home), "%s", getenv("HOME") ? getenv("HOME") : "");
	setenv("HOME", folder, 1);
	snprintf(path, sizeof(path), "%s/.ringwalk_store_0", folder);
	for (int by_sendfile = 0; by_sendfile < 2; by_sendfile++) {
		struct setup s;
		int fd;

		start_plain(&s, backend);
		fd = connect_to_node(&s);
		for (unsigned i = 0; i < 3; i++) {
			CHECK_INT(send_request(fd, i, rows[i], 3), 0);
			check_status(fd, i, WIRE_REFUSED);
		}
		CU_ASSERT(stat(path, &st) && errno == ENOENT);
		CHECK_INT(send_request(fd, 7, by_sendfile ? sent : good, by_sendfile ? 1 : 2), 0);
		check_status(fd, 7, WIRE_OK);
		CHECK_INT(stat(path, &st), 0);
		close(fd);
		setup_finish(&s);
		CHECK_INT(unlink(path), 0);
	}
	setenv("HOME", home, 1);
}

static struct body body_of(const struct too_much *row)
{
	struct body b = { 0 };

	for (int i = 0; i < count_operations(row); i++)
		b.len += wire_put_operation(b.bytes + b.len, &row->ops[i]);
	return b;
}

static int status_of_answer(int fd)
{
	struct wire_head head;
	struct wire_hop hop;

	return read_reply(fd, &head, &hop) ? -1 : head.hops;
}

/* One client's forward is refused by b; another client's sleeps there, over the same connection. */
static void test_a_forward_is_refused_and_others_on_its_connection_are_answered(void)
{
	struct body nap = nap_then_reply(50 * MS), good;
	struct setup a, b;
	int one, other;

	start_plain(&a, backend);
	start(&b, "127.0.0.1:0");
	good = forward_then_reply((struct wire_forward){ .timeout_us = 5000000 }, &nap,
				  PORTS(port_of(&b)));
	one = connect_to_node(&a);
	other = connect_to_node(&a);
	for (int i = 1; i < TOO_MUCH; i++) { /* the first a refuses itself */
		struct body inner = body_of(&too_much[i]);
		struct body bad = forward_then_reply((struct wire_forward){ .retries = 3 }, &inner,
						     PORTS(port_of(&b)));

		send_body(other, (struct wire_head){ .id = 1 }, &good);
		send_body(one, (struct wire_head){ .id = 2 }, &bad);
		send_body(one, (struct wire_head){ .id = 3 }, &good);
		CHECK_INT(status_of_answer(one), WIRE_REFUSED);
		CHECK_INT(status_of_answer(one), WIRE_OK);
		CHECK_INT(status_of_answer(other), WIRE_OK);
		CHECK_INT(stats_of(&a).forward.refused, i);
		CHECK_INT(stats_of(&a).forward.completed, 2 * i);
		CHECK_INT(stats_of(&b).faults[too_much[i].why] > 0, true);
	}
	CHECK_INT(stats_of(&a).forward.opened, 1);
	CHECK_INT(stats_of(&b).accepted, 1);
	CHECK_INT(stats_of(&b).refused, TOO_MUCH - 1);
	CHECK_INT(stats_of(&a).refused, 0);
	CHECK_INT(count_said(&a, ""), 0);
	close(one);
	close(other);
	setup_finish(&a);
	setup_finish(&b);
}

/* Another transport, and the status is the same. */
static void test_a_forward_by_datagram_is_refused_likewise(void)
{
	struct setup a, b;
	int fd;

	start_plain(&a, backend);
	start(&b, "udp://127.0.0.1:0");
	fd = connect_to_node(&a);
	for (int i = 1; i < TOO_MUCH; i++) {
		struct body inner = body_of(&too_much[i]), outer = { 0 };
		struct branch branch = { .ports = { port_of(&b) },
					 .transports = { TRANSPORT_UDP },
					 .count = 1,
					 .program = &inner };

		add_branches(&outer, (struct wire_forward){ .timeout_us = 5000000 }, &branch, 1);
		add_reply(&outer, REPLY_SIZE);
		send_body(fd, (struct wire_head){ .id = 1 }, &outer);
		CHECK_INT(status_of_answer(fd), WIRE_REFUSED);
	}
	CHECK_INT(stats_of(&b).refused, TOO_MUCH - 1);
	close(fd);
	setup_finish(&a);
	setup_finish(&b);
}

static CU_TestInfo tests[] = {
	{ "one request is refused and the others are answered",
	  test_one_request_is_refused_and_the_others_are_answered },
	{ "datagrams are refused likewise", test_datagrams_are_refused_likewise },
	{ "an answer that no datagram carries is refused at once",
	  test_an_answer_that_no_datagram_carries_is_refused_at_once },
	{ "a datagram above the limit is refused", test_a_datagram_above_the_limit_is_refused },
	{ "a message above the limit is refused when it has come",
	  test_a_message_above_the_limit_is_refused_when_it_has_come },
	{ "a flood is answered, and said ten times a second at most",
	  test_a_flood_is_answered_and_said_ten_times_a_second_at_most },
	{ "who is refused makes no device", test_who_is_refused_makes_no_device },
	{ "a forward is refused and others on its connection are answered",
	  test_a_forward_is_refused_and_others_on_its_connection_are_answered },
	{ "a forward by datagram is refused likewise",
	  test_a_forward_by_datagram_is_refused_likewise },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	int status;

	backend = choose_backend(argc, argv, &status);
	if (!backend)
		return status;
	strcpy(folder, "/tmp/ringwalk_test_XXXXXX");
	if (!mkdtemp(folder))
		return 1;
	status = test_main("node_refuse", tests);
	rmdir(folder);
	return status;
}
