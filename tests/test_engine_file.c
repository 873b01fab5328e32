/*
 * test_engine_file.c - what connections send that is no bytes in memory: files, zeros not copied.
 *
 * On sim, where every send may be cut short anywhere, and on each backend of the kernel.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/conn_private.h"
#include "tests/engine_fixture.h"

#define FILE_BYTES 300000

static uint8_t at(uint64_t offset)
{
	return (uint8_t)(offset * 2654435761u >> 13);
}

/* What append_parts() is to arrive as. */
static uint64_t expected(uint8_t *p)
{
	uint8_t *start = p;

	memset(p, 'a', 100), p += 100;
	for (uint64_t i = 0; i < 200000; i++)
		*p++ = at(1000 + i);
	memset(p, 'b', 50), p += 50;
	memset(p, 0, 100000), p += 100000;
	memset(p, 0, 150000), p += 150000;
	memset(p, 'c', 1), p += 1;
	for (uint64_t i = 0; i < 30; i++)
		*p++ = at(i);
	for (uint64_t i = 0; i < 40; i++)
		*p++ = at(5 + i);
	memset(p, 0, 7), p += 7;
	memset(p, 'd', 1000), p += 1000;
	return (uint64_t)(p - start);
}

static void append_bytes(struct conn *c, char byte, uint32_t len)
{
	uint8_t *p = conn_append(c, len);

	CU_ASSERT_FATAL(p != NULL);
	memset(p, byte, len);
}

/* Every kind before and behind every other. */
static void append_parts(struct conn *c, int file)
{
	append_bytes(c, 'a', 100);
	conn_append_file(c, file, 1000, 200000);
	append_bytes(c, 'b', 50);
	conn_append_payload(c, 100000);
	conn_append_payload_zero_copy(c, 150000);
	append_bytes(c, 'c', 1);
	conn_append_file(c, file, 0, 30);
	conn_append_file(c, file, 5, 40);
	conn_append_payload(c, 7);
	append_bytes(c, 'd', 1000);
}

static uint8_t wanted[500000], got[500000];

static uint64_t read_into(struct fixture *f, uint64_t want)
{
	uint64_t len = 0;

	for (int quiet = 0; len < want && quiet < 100; quiet++) {
		int n = sim_read(f->net, f->peer, got + len, sizeof(got) - len);

		if (n > 0) {
			len += n;
			quiet = 0;
		}
		turns(f, 1);
	}
	return len;
}

static int sim_filled_file(struct sim_net *net)
{
	int fd = sim_file(net, 0);

	for (uint64_t i = 0; i < FILE_BYTES; i++)
		got[i] = at(i);
	CHECK_INT(sim_write_at(net, fd, got, FILE_BYTES, 0), FILE_BYTES);
	return fd;
}

static void test_all_parts_arrive_in_order(void)
{
	struct sim_faults faults = { .short_send = 0.5, .buffer = 10000 };
	uint64_t len = expected(wanted);

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct fixture f;

		setup(&f, seed == 1 ? NULL : &faults, seed);
		append_parts(f.conn, sim_filled_file(f.net));
		CHECK_INT(read_into(&f, len), len);
		CU_ASSERT(!memcmp(wanted, got, len));
		CHECK_INT(f.conn->out.bytes, 0);
		CHECK_INT(f.loop.chunks.live, 0);
		CHECK_INT(f.loop.senders.live, 0);
		CU_ASSERT(f.loop.backend->stats.zero_copy > 0);
		teardown(&f);
	}
}

static void test_a_file_of_any_length_takes_a_chunk(void)
{
	struct fixture f;
	int file;

	setup(&f, NULL, 1);
	file = sim_file(f.net, 20ULL << 30);
	append_bytes(f.conn, 'a', 24);
	conn_append_file(f.conn, file, 6ULL << 30, 10ULL << 30);
	turns(&f, 50);
	CHECK_INT(f.loop.chunks.live, 1);
	CHECK_INT(read_into(&f, 300000) >= 300000, 1);
	CHECK_INT(f.loop.chunks.live, 1);
	CHECK_INT(f.ends, 0);
	teardown(&f);
}

static void test_a_file_that_is_too_short_ends_the_connection(void)
{
	struct fixture f;

	setup(&f, NULL, 1);
	append_bytes(f.conn, 'a', 24);
	conn_append_file(f.conn, sim_file(f.net, 1000), 0, 1001);
	CHECK_INT(read_into(&f, 1025), 1024);
	CHECK_INT(f.ends, 1);
	CHECK_INT(f.end, CONN_LOST);
	CHECK_INT(f.code, -ENODATA);
	teardown(&f);
}

static void test_a_file_that_cannot_be_read_ends_the_connection(void)
{
	struct fixture f;

	setup(&f, NULL, 1);
	append_bytes(f.conn, 'a', 24);
	conn_append_file(f.conn, 999, 0, 1000);
	CHECK_INT(read_into(&f, 1024), 24);
	CHECK_INT(f.end, CONN_LOST);
	CHECK_INT(f.code, -EBADF);
	teardown(&f);
}

static void test_where_bytes_are_seen_first_no_file_leaves(void)
{
	struct fixture f;

	setup(&f, NULL, 1);
	f.conn->flags |= CONN_TLS;
	conn_append(f.conn, 0);
	conn_append_file(f.conn, sim_filled_file(f.net), 0, 5000);
	conn_append_payload_zero_copy(f.conn, 500);
	CHECK_INT(f.conn->out.bytes, 5500);
	f.conn->flags &= ~CONN_TLS;
	memset(got, 1, sizeof(got));
	CHECK_INT(read_into(&f, 5500), 5500);
	for (int i = 0; i < 5500; i++)
		CU_ASSERT(got[i] == 0);
	CHECK_INT(f.loop.backend->stats.zero_copy, 0);
	teardown(&f);
}

static void test_a_connection_ends_with_a_file_on_its_way(void)
{
	struct fixture f;

	setup(&f, NULL, 1);
	append_parts(f.conn, sim_filled_file(f.net));
	turns(&f, 5);
	CHECK_INT(f.loop.senders.live, 1);
	conn_close(f.conn);
	conn_append_file(f.loop.all, 3, 0, 10);
	turns(&f, 5);
	CHECK_INT(f.ends, 1);
	CHECK_INT(f.loop.conn_count, 0);
	CHECK_INT(f.loop.chunks.live, 0);
	teardown(&f);
}

static int real_file(void)
{
	const char *folder = getenv("TMPDIR");
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/ringwalk-XXXXXX", folder ? folder : "/tmp");
	fd = mkostemp(path, O_CLOEXEC);
	CU_ASSERT_FATAL(fd >= 0);
	unlink(path);
	for (uint64_t i = 0; i < FILE_BYTES; i++)
		got[i] = at(i);
	CHECK_INT(pwrite(fd, got, FILE_BYTES, 0), FILE_BYTES);
	return fd;
}

static void send_really(const struct backend_ops *ops)
{
	static const struct loop_limits limits = {
		.message_max = 1 * MB, .connections = 4, .out_queue = 64 * 1024, .in_flight = 8
	};
	struct fixture f = { 0 };
	void *opts = calloc(1, ops->group.opts_size);
	struct err err = { 0 };
	uint64_t len = expected(wanted), have = 0;
	int64_t end_ns = clock_now_ns() + 60 * SEC;
	int file = real_file(), fds[2];

	knob_defaults(&ops->group, opts);
	CU_ASSERT_FATAL(loop_init(&f.loop, ops, opts, &limits, &err) == 0);
	CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	f.conn = conn_open(&f.loop, fds[0], &echo_role, &f);
	append_parts(f.conn, file);
	while (have < len && clock_now_ns() < end_ns) {
		ssize_t n;

		CHECK_INT(loop_turn(&f.loop, MS), 0);
		n = read(fds[1], got + have, len - have);
		have += n > 0 ? n : 0;
	}
	CHECK_INT(have, len);
	CU_ASSERT(!memcmp(wanted, got, len));
	while (f.conn->out.bytes && clock_now_ns() < end_ns)
		loop_turn(&f.loop, MS);
	CHECK_INT(f.conn->out.bytes, 0);
	CU_ASSERT(f.loop.backend->stats.zero_copy > 0);
	close(fds[1]);
	loop_finish(&f.loop);
	close(file);
	free(opts);
}

static void test_every_backend_sends_all_parts(void)
{
	for (int i = 0; backends[i]; i++)
		if (backends[i]->probe(NULL) >= 0)
			send_really(backends[i]);
}

static CU_TestInfo tests[] = {
	{ "all parts arrive in order, however they are cut", test_all_parts_arrive_in_order },
	{ "a file of any length takes a chunk", test_a_file_of_any_length_takes_a_chunk },
	{ "a file that is too short ends the connection",
	  test_a_file_that_is_too_short_ends_the_connection },
	{ "so does one that cannot be read", test_a_file_that_cannot_be_read_ends_the_connection },
	{ "where bytes are seen first no file leaves",
	  test_where_bytes_are_seen_first_no_file_leaves },
	{ "a connection may end with a file on its way",
	  test_a_connection_ends_with_a_file_on_its_way },
	{ "every backend sends all parts", test_every_backend_sends_all_parts },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("engine files", tests);
}
