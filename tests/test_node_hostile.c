/*
 * test_node_hostile.c - clients that send nonsense, read late or die, against a real node on the
 * backend that the argument names.
 *
 * Each time the node must say once what was wrong, drop that connection alone, and have its memory
 * back. A well-behaved client looks on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <malloc.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/random.h"
#include "tests/node_fixture.h"

#define MB   (1LL << 20)
#define SEED 20261121

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RSS_SLACK (512 * MB) /* freed memory is kept aside there */
#else
#define RSS_SLACK (2 * MB)
#endif

static const struct backend_ops *backend;

static int64_t rss_bytes(void)
{
	long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	malloc_trim(0);
	if (!f || fscanf(f, "%ld %ld", &size, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

static void check_rss(int64_t before)
{
	int64_t now = rss_bytes();

	if (now > before + RSS_SLACK)
		printf("\n    %" PRId64 " KiB, from %" PRId64 " KiB", now >> 10, before >> 10);
	CU_ASSERT(now <= before + RSS_SLACK);
}

static const struct wire_operation reply_64[] = { { WIRE_SEND_REPLY, 0, 64 } };

struct nonsense {
	const char *sentence; /* what the node says of it */
	enum wire_fault fault;
	uint32_t len;
	uint8_t bytes[512];
};

static struct nonsense *add(struct nonsense *n, const char *sentence, enum wire_fault fault)
{
	n->sentence = sentence;
	n->fault = fault;
	n->len = put_request(n->bytes, 1, reply_64, 1);
	return n;
}

#define NONSENSES 9

static void make_nonsense(struct nonsense *n)
{
	struct random_key key = random_key(SEED, 0, 0, 0);

	memset(n, 0, NONSENSES * sizeof(*n));
	n[0] = (struct nonsense){ "not a message of version 2", WIRE_BAD_VERSION, 12, { 0 } };
	n[1] = (struct nonsense){ "connection dropped", WIRE_BAD_VERSION, 256, { 0 } };
	for (int i = 0; i < 256; i++)
		n[1].bytes[i] = (uint8_t)random_u64(&key, i);
	wire_put32(add(&n[2], "shorter than its head", WIRE_SHORT_LENGTH)->bytes, 30);
	add(&n[3], "neither the request", WIRE_BAD_TYPE)->bytes[5] = WIRE_REPLY;
	add(&n[4], "unknown flags", WIRE_BAD_FLAGS)->bytes[7] = 1;
	wire_put32(add(&n[5], "program longer", WIRE_LONG_BODY)->bytes + 16, UINT32_MAX);
	add(&n[6], "unknown operation", WIRE_BAD_OPERATION)->bytes[WIRE_HEAD] = 200;
	wire_put32(add(&n[7], "reply size", WIRE_BAD_REPLY)->bytes + WIRE_HEAD + 4, WIRE_HEAD - 1);
	wire_put32(add(&n[8], "shorter than its head", WIRE_SHORT_LENGTH)->bytes, 3);
	n[8].len = 4;
}

static void check_nonsense(struct setup *s, const struct nonsense *n, int onlooker)
{
	struct address own = { .len = sizeof(own.storage) };
	char peer[ADDRESS_TEXT], begin[ADDRESS_TEXT + 2];
	int fd = connect_to_node(s);

	getsockname(fd, (struct sockaddr *)&own.storage, &own.len);
	snprintf(begin, sizeof(begin), "%s: ", address_format(&own, peer, sizeof(peer)));
	CHECK_INT(send(fd, n->bytes, n->len, MSG_NOSIGNAL), n->len);
	CU_ASSERT(is_at_end(fd));
	CHECK_INT(count_said(s, ""), 1);
	CHECK_INT(count_said(s, begin), 1);
	CHECK_INT(count_said(s, n->sentence), 1);
	CHECK_INT(count_said(s, ": connection dropped"), 1);
	CU_ASSERT(is_answered(onlooker, 2));
	WAIT_UNTIL(stats_of(s).connections == 1);
	WAIT_UNTIL(stats_of(s).faults[n->fault] == 1);
	CHECK_INT(stats_of(s).loop.faults, 1);
	close(fd);
}

static void test_nonsense_is_said_once_and_dropped(void)
{
	struct nonsense nonsense[NONSENSES];

	make_nonsense(nonsense);
	for (int i = 0; i < NONSENSES; i++) {
		struct setup s;
		int onlooker;

		start_plain(&s, backend);
		onlooker = connect_to_node(&s);
		CU_ASSERT(is_answered(onlooker, 1));
		check_nonsense(&s, &nonsense[i], onlooker);
		close(onlooker);
		setup_finish(&s);
		CHECK_INT(count_said(&s, ""), 1);
	}
}

static void test_a_message_may_be_cut_anywhere(void)
{
	uint8_t bytes[1024];
	uint32_t len = put_request(bytes, 1, reply_64, 1) + 60;
	int64_t start_ns, seconds;
	struct setup s;

	wire_put32(bytes, len);
	start_plain(&s, backend);
	start_ns = clock_now_ns();
	for (uint32_t cut = 0; cut < len; cut++) {
		int fd = connect_to_node(&s);

		CHECK_INT(send(fd, bytes, cut, MSG_NOSIGNAL), cut);
		close(fd);
	}
	WAIT_UNTIL(stats_of(&s).loop.closed == len);
	CHECK_INT(stats_of(&s).loop.faults, len - 1);
	CHECK_INT(stats_of(&s).requests, 0);
	CHECK_INT(stats_of(&s).connections, 0);
	setup_finish(&s);
	seconds = 1 + (clock_now_ns() - start_ns) / SEC;
	CU_ASSERT(count_said(&s, "ended in the middle of a message: connection dropped") >= 10);
	CU_ASSERT(count_said(&s, "") <= 11 * (seconds + 1));
}

static void test_many_complaints_are_counted_instead_of_said(void)
{
	static const uint8_t zeros[12];
	unsigned said, left_out = 0, more;
	struct setup s;
	int fds[50];

	start_plain(&s, backend);
	for (int i = 0; i < 50; i++) {
		fds[i] = connect_to_node(&s);
		CU_ASSERT(is_answered(fds[i], 1));
	}
	/* Together: on a busy machine one after the other may be fewer than ten a second. */
	for (int i = 0; i < 50; i++)
		CHECK_INT(send(fds[i], zeros, sizeof(zeros), MSG_NOSIGNAL), sizeof(zeros));
	for (int i = 0; i < 50; i++) {
		CU_ASSERT(is_at_end(fds[i]));
		close(fds[i]);
	}
	WAIT_UNTIL(count_said(&s, "more sentences were left out") > 0);
	setup_finish(&s);
	said = count_said(&s, "not a message");
	for (unsigned i = 0; i < s.said.count; i++) {
		if (strstr(s.said.text[i], "more sentences were left out") &&
		    sscanf(s.said.text[i], "%u", &more) == 1)
			left_out += more;
	}
	CHECK_INT(said + left_out, 50);
	CU_ASSERT(said >= 10 && left_out > 0);
}

#define LATE_READERS 4

static void test_replies_to_late_readers_take_no_memory(void)
{
	int64_t before;
	struct wire_head head;
	struct wire_hop hop;
	struct setup s;
	int fds[LATE_READERS], onlooker;

	start_plain(&s, backend);
	onlooker = connect_to_node(&s);
	CU_ASSERT(is_answered(onlooker, 1));
	before = rss_bytes();
	for (int i = 0; i < LATE_READERS; i++) {
		fds[i] = connect_to_node(&s);
		CHECK_INT(ask_reply(fds[i], i, 20 * 1000 * 1000), 0);
	}
	WAIT_UNTIL(stats_of(&s).requests == LATE_READERS + 1);
	for (int i = 0; i < 20; i++)
		CU_ASSERT(is_answered(onlooker, i));
	check_rss(before);
	for (int i = 0; i < LATE_READERS; i++) {
		CHECK_INT(read_reply(fds[i], &head, &hop), 0);
		CHECK_INT(head.id, i);
		CHECK_INT(head.length, 20 * 1000 * 1000);
		CU_ASSERT(is_answered(fds[i], 99));
		close(fds[i]);
	}
	close(onlooker);
	CHECK_INT(count_said(&s, ""), 0);
	setup_finish(&s);
	check_rss(before);
}

/* Asks and never reads: reading from it stops, and it costs nobody else anything. */
static void test_who_never_reads_is_not_read_from(void)
{
	const struct wire_operation op = { WIRE_SEND_REPLY, 0, 10000 };
	uint8_t bytes[36];
	uint32_t len = put_request(bytes, 1, &op, 1);
	struct setup s;
	int64_t before;
	int fd, onlooker, sent = 0;

	start_plain(&s, backend);
	onlooker = connect_to_node(&s);
	CU_ASSERT(is_answered(onlooker, 1));
	before = rss_bytes();
	fd = connect_to_node(&s);
	while (sent < 200000 && send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len)
		sent++;
	WAIT_UNTIL(stats_of(&s).loop.pauses > 0);
	for (int i = 0; i < 20; i++)
		CU_ASSERT(is_answered(onlooker, i));
	check_rss(before + 4 * MB); /* replies of more than 568 bytes take a chunk each */
	close(fd);
	WAIT_UNTIL(stats_of(&s).connections == 1);
	close(onlooker);
	setup_finish(&s);
	check_rss(before);
}

/* A child process that asks for all kinds of things until it is killed. */
static void ask_for_ever(const struct address *a)
{
	static const struct wire_operation kinds[][3] = {
		{ { WIRE_SEND_REPLY, 0, 64 } },
		{ { WIRE_SLEEP, 0, 100 * MS }, { WIRE_SEND_REPLY, 0, 64 } },
		{ { WIRE_COMPUTE, 0, 20 * US }, { WIRE_SEND_REPLY, 0, 200000 } },
		{ { WIRE_SLEEP, 0, 100 * US }, { WIRE_SEND_REPLY, 0, 700 } },
	};
	uint8_t sink[4096];
	int fd = connect_to(a);

	for (unsigned i = 0;; i++) {
		int kind = (int)(i % 4);

		if (send_request(fd, i, kinds[kind], 1 + (kinds[kind][1].code != 0)))
			_exit(0);
		if (i % 3 == 0)
			(void)!recv(fd, sink, sizeof(sink), MSG_DONTWAIT);
	}
}

static void test_clients_may_be_killed_at_any_moment(void)
{
	struct random_key key = random_key(SEED, 1, 0, 0);
	int64_t before = 0;
	struct setup s;
	int onlooker;

	start_plain(&s, backend);
	onlooker = connect_to_node(&s);
	for (int i = 0; i < 100; i++) {
		pid_t child = fork();

		if (!child) {
			ask_for_ever(node_address(s.node, 0));
			_exit(0);
		}
		usleep((useconds_t)random_below(&key, i, 3000));
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		if (i % 10 == 9)
			CU_ASSERT(is_answered(onlooker, i));
		if (i == 50) {
			WAIT_UNTIL(stats_of(&s).connections == 1);
			before = rss_bytes();
		}
	}
	WAIT_UNTIL(stats_of(&s).connections == 1);
	CU_ASSERT(is_answered(onlooker, 7));
	check_rss(before);
	close(onlooker);
	setup_finish(&s);
}

static CU_TestInfo tests[] = {
	{ "nonsense is said once and dropped", test_nonsense_is_said_once_and_dropped },
	{ "a message may be cut anywhere", test_a_message_may_be_cut_anywhere },
	{ "many complaints are counted instead of said",
	  test_many_complaints_are_counted_instead_of_said },
	{ "replies to late readers take no memory", test_replies_to_late_readers_take_no_memory },
	{ "who never reads is not read from", test_who_never_reads_is_not_read_from },
	{ "clients may be killed at any moment", test_clients_may_be_killed_at_any_moment },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	int status;

	backend = choose_backend(argc, argv, &status);
	if (!backend)
		return status;
	printf("seed %d\n", SEED);
	return test_main("node_hostile", tests);
}
