/*
 * test_operation_reply.c - replies by sendfile and without a copy, from a real node, on the backend
 * that the argument names.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/random.h"
#include "tests/stored_fixture.h"

#define FILE_BYTES 100000
#define REPLY_MAX  (8 * MIB)
#define SEED	   20261122

static uint8_t content[FILE_BYTES];
static uint8_t reply[REPLY_MAX];

/* A node whose device is a file of these bytes. */
static void start_with_content(struct stored *s)
{
	const struct random_key key = random_key(SEED, 0, 0, 0);
	int fd;

	prepare(s, "");
	for (int i = 0; i < FILE_BYTES; i++)
		content[i] = (uint8_t)random_u64(&key, i);
	fd = open(s->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK_INT(write(fd, content, FILE_BYTES), FILE_BYTES);
	close(fd);
	CU_ASSERT_FATAL(setup_start(&s->setup) == 0);
}

static int ask_for(int fd, uint64_t id, enum wire_reply kind, uint64_t size, unsigned device)
{
	return send_request(
		fd, id, &(struct wire_operation){ WIRE_SEND_REPLY, (uint8_t)kind, size, 0, device },
		1);
}

/* The next reply, whole; its head checked. Returns where its last part begins. */
static uint32_t read_whole(int fd, uint64_t id, uint64_t size)
{
	struct wire_head head = { 0 };
	uint64_t len = read_all(fd, reply, size);

	CHECK_INT(len, size);
	CHECK_INT(wire_get_head(reply, REPLY_MAX, &head), WIRE_FINE);
	CHECK_INT(head.id, id);
	CHECK_INT(head.length, size);
	CHECK_INT(head.hops, WIRE_OK);
	return WIRE_HEAD + head.body_len;
}

static bool is_content(uint32_t from, uint64_t size)
{
	for (uint64_t i = from; i < size; i++) {
		if (reply[i] != content[(i - from) % FILE_BYTES])
			return false;
	}
	return true;
}

static bool is_zeros(uint32_t from, uint64_t size)
{
	for (uint64_t i = from; i < size; i++) {
		if (reply[i])
			return false;
	}
	return true;
}

static const uint64_t sizes[] = { 24,	25,	56,	57,	64,	600,
				  5000, 100000, 100056, 100057, 350000, 6 * MIB };
#define SIZES (sizeof(sizes) / sizeof(*sizes))

/* From its beginning, and again from there when it is shorter than the reply. */
static void test_a_reply_by_sendfile_is_the_file(void)
{
	struct stored s;
	uint64_t sent = 0;
	int fd;

	start_with_content(&s);
	fd = connect_to_node(&s.setup);
	for (size_t i = 0; i < SIZES; i++) {
		uint32_t from;

		CHECK_INT(ask_for(fd, i, REPLY_SENDFILE, sizes[i], 0), 0);
		from = read_whole(fd, i, sizes[i]);
		CU_ASSERT(is_content(from, sizes[i]));
		sent += sizes[i] - from;
	}
	CHECK_INT(device_of(&s).sends, SIZES);
	CHECK_INT(device_of(&s).sent, sent);
	CHECK_INT(device_of(&s).loads, 0);
	close(fd);
	finish(&s);
}

static void test_a_reply_without_a_copy_is_as_long_as_asked_for(void)
{
	struct stored s;
	int fd;

	start_with_content(&s);
	fd = connect_to_node(&s.setup);
	for (size_t i = 0; i < SIZES; i++) {
		CHECK_INT(ask_for(fd, i, REPLY_ZERO_COPY, sizes[i], 0), 0);
		CU_ASSERT(is_zeros(read_whole(fd, i, sizes[i]), sizes[i]));
	}
	close(fd);
	finish(&s);
}

#define MANY 60

static void test_replies_of_all_kinds_keep_their_order(void)
{
	struct stored s;
	int fd;

	start_with_content(&s);
	fd = connect_to_node(&s.setup);
	for (unsigned i = 0; i < MANY; i++)
		CHECK_INT(ask_for(fd, i, i % REPLY_VARIANTS, sizes[i % (SIZES - 1)], 0), 0);
	for (unsigned i = 0; i < MANY; i++) {
		uint64_t size = sizes[i % (SIZES - 1)];
		uint32_t from = read_whole(fd, i, size);

		CU_ASSERT(i % REPLY_VARIANTS == REPLY_SENDFILE ? is_content(from, size)
							       : is_zeros(from, size));
	}
	close(fd);
	finish(&s);
}

static void test_a_reply_behind_a_load_or_store_may_be_by_sendfile(void)
{
	const struct wire_operation ops[] = { { WIRE_LOAD, 0, 5000, 0, 0 },
					      { WIRE_STORE, WIRE_STORE_SYNC, 5000, 200000, 0 },
					      { WIRE_SEND_REPLY, REPLY_SENDFILE, 50056, 0, 0 } };
	struct stored s;
	int fd;

	start_with_content(&s);
	fd = connect_to_node(&s.setup);
	CHECK_INT(send_request(fd, 9, ops, 3), 0);
	CU_ASSERT(is_content(read_whole(fd, 9, 50056), 50056));
	close(fd);
	finish(&s);
}

/* A bare head, and the connection goes on. */
static void check_refused(int fd, uint64_t id)
{
	struct wire_head head;
	struct wire_hop hop;

	CHECK_INT(read_reply(fd, &head, &hop), 0);
	CHECK_INT(head.id, id);
	CHECK_INT(head.hops, WIRE_REFUSED);
	CHECK_INT(head.length, WIRE_HEAD);
}

static void test_what_cannot_be_sent_is_refused(void)
{
	static const struct {
		uint64_t size;
		unsigned device;
		const char *sentence;
	} rows[] = {
		{ 64, 2, "a storage device that is not there" },
		{ 64, 255, "a storage device that is not there" },
		{ 64, UINT32_MAX, "a storage device that is not there" },
		{ 64, 1, "a storage device that is not there" }, /* /dev/full is no file */
		{ 64 * FILE_BYTES + 1, 0, "over the end of a storage device" },
		{ 100 * MIB, 0,
		  "longer than the limit (--max-message; 65507 bytes by UDP): request refused" },
	};
	struct stored s;
	int bystander;

	prepare(&s, "");
	knob_list_add(&s.setup.opts.storage.devices, "/dev/full", 9, NULL);
	CU_ASSERT_FATAL(setup_start(&s.setup) == 0);
	bystander = connect_to_node(&s.setup);
	CHECK_INT(call(bystander, store(0, FILE_BYTES, 0)).status, WIRE_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned before = count_said(&s.setup, rows[i].sentence);
		int fd = connect_to_node(&s.setup);

		CHECK_INT(ask_for(fd, i, REPLY_SENDFILE, rows[i].size, rows[i].device), 0);
		check_refused(fd, i);
		CHECK_INT(count_said(&s.setup, rows[i].sentence), before + 1);
		CHECK_INT(ask_for(fd, 7, REPLY_SENDFILE, 64 * FILE_BYTES, 0), 0);
		read_whole(fd, 7, 64 * FILE_BYTES);
		close(fd);
	}
	CHECK_INT(ask_for(bystander, 1, REPLY_SENDFILE, WIRE_HEAD - 1, 0), 0);
	CU_ASSERT(is_at_end(bystander));
	close(bystander);
	finish(&s);
}

/* Somebody cuts the file off under the node: that connection cannot go on, others can. */
static void test_a_file_that_shrinks_costs_the_connection_alone(void)
{
	struct stored s;
	int fd;

	start_with_content(&s);
	fd = connect_to_node(&s.setup);
	CHECK_INT(truncate(s.path, 10), 0);
	CHECK_INT(ask_for(fd, 1, REPLY_SENDFILE, 50000, 0), 0);
	CU_ASSERT(read_all(fd, reply, 50000) < 50000);
	close(fd);
	fd = connect_to_node(&s.setup);
	CU_ASSERT(is_answered(fd, 2));
	close(fd);
	finish(&s);
}

/* Everything is sent in the end, and meanwhile others are served. */
static void test_a_peer_that_reads_late_gets_all_of_the_file(void)
{
	struct stored s;
	int fd, other;

	start_with_content(&s);
	fd = connect_to_node(&s.setup);
	other = connect_to_node(&s.setup);
	CHECK_INT(ask_for(fd, 1, REPLY_SENDFILE, 6 * MIB, 0), 0);
	CHECK_INT(ask_for(fd, 2, REPLY_ZERO_COPY, 6 * MIB, 0), 0);
	for (uint64_t i = 0; i < 20; i++)
		CU_ASSERT(is_answered(other, i));
	CU_ASSERT(is_content(read_whole(fd, 1, 6 * MIB), 6 * MIB));
	CU_ASSERT(is_zeros(read_whole(fd, 2, 6 * MIB), 6 * MIB));
	close(fd);
	close(other);
	finish(&s);
}

static CU_TestInfo tests[] = {
	{ "a reply by sendfile is the file", test_a_reply_by_sendfile_is_the_file },
	{ "a reply without a copy is as long as asked for",
	  test_a_reply_without_a_copy_is_as_long_as_asked_for },
	{ "replies of all kinds keep their order", test_replies_of_all_kinds_keep_their_order },
	{ "a reply behind a load or store may be by sendfile",
	  test_a_reply_behind_a_load_or_store_may_be_by_sendfile },
	{ "what cannot be sent is refused", test_what_cannot_be_sent_is_refused },
	{ "a file that shrinks costs the connection alone",
	  test_a_file_that_shrinks_costs_the_connection_alone },
	{ "a peer that reads late gets all of the file",
	  test_a_peer_that_reads_late_gets_all_of_the_file },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	printf("seed %d\n", SEED);
	return stored_main(argc, argv, "operation_reply", tests);
}
