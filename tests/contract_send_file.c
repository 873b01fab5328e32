/*
 * contract_send_file.c - the contract suite: files sent to a socket, and sends without a copy.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/contract.h"

#define MB (1 << 20)

/* A file of the bytes of a stream. */
static int filled_file(struct fixture *f, size_t len, uint64_t stream)
{
	uint8_t *buf AUTO(auto_free) = malloc(len);
	int fd = f->peer->file(f, 0);

	fill(buf, len, stream, 0);
	CHECK_INT(f->peer->write_at(f, fd, buf, len, 0), len);
	return fd;
}

/* Sends and receives until the peer has got len bytes; what it got is in buf. */
static void send_whole(struct fixture *f, const int pair[2], int file, uint8_t *buf, size_t len,
		       uint64_t offset)
{
	int64_t end_ns = f->backend->now_ns + PATIENCE_NS;
	size_t got = 0;

	for (size_t sent = 0; sent < len;) {
		struct probe p = { 0 };

		probe_send_file(f, &p, pair[0], file, len - sent, offset + sent);
		while (!p.finals && f->backend->now_ns < end_ns) {
			int n = f->peer->read(f, pair[1], buf + got, len - got);

			got += n > 0 ? n : 0;
			turn(f, n > 0 ? 0 : MS);
		}
		CU_ASSERT_FATAL(p.res > 0);
		sent += p.res;
	}
	got += peer_read_all(f, pair[1], buf + got, len - got);
	CHECK_INT(got, len);
}

static void test_send_file(void)
{
	FIXTURE(f);
	uint8_t *buf AUTO(auto_free) = malloc(3 * MB);
	int file = filled_file(f, 3 * MB, 1), pair[2];

	CHECK_INT(f->peer->pair(f, pair), 0);
	send_whole(f, pair, file, buf, 3 * MB, 0);
	CU_ASSERT(filled(buf, 3 * MB, 1, 0));
	send_whole(f, pair, file, buf, 777, 12345);
	CU_ASSERT(filled(buf, 777, 1, 12345));
	CHECK_INT(f->peer->local_pair(f, pair), 0);
	send_whole(f, pair, file, buf, MB, 1);
	CU_ASSERT(filled(buf, MB, 1, 1));
}

static void test_end_of_file(void)
{
	FIXTURE(f);
	uint8_t buf[100];
	struct probe p = { 0 };
	int file = filled_file(f, 1000, 2), pair[2];

	CHECK_INT(f->peer->pair(f, pair), 0);
	probe_send_file(f, &p, pair[0], file, 100, 950);
	probe_wait_end(&p);
	CHECK_INT(p.res, 50);
	CHECK_INT(peer_read_all(f, pair[1], buf, 50), 50);
	CU_ASSERT(filled(buf, 50, 2, 950));
	probe_send_file(f, &p, pair[0], file, 100, 1000);
	probe_wait_end(&p);
	CHECK_INT(p.res, 0);
	/* The socket is as it was, also where only changes are reported. */
	probe_send(f, &p, pair[0], "hello", 5);
	probe_wait_end(&p);
	CHECK_INT(p.res, 5);
	CHECK_INT(peer_read_all(f, pair[1], buf, 5), 5);
}

static void test_far_offset(void)
{
	FIXTURE(f);
	uint8_t buf[100];
	int file = f->peer->file(f, 0), pair[2];

	fill(buf, sizeof(buf), 3, 0);
	CHECK_INT(f->peer->write_at(f, file, buf, sizeof(buf), 5ULL << 30), sizeof(buf));
	memset(buf, 0, sizeof(buf));
	CHECK_INT(f->peer->pair(f, pair), 0);
	send_whole(f, pair, file, buf, sizeof(buf), 5ULL << 30);
	CU_ASSERT(filled(buf, sizeof(buf), 3, 0));
}

static void test_send_file_to_nobody(void)
{
	FIXTURE(f);
	struct probe p = { 0 };
	int file = filled_file(f, 100, 4), pair[2];

	CHECK_INT(f->peer->local_pair(f, pair), 0);
	f->peer->close(f, pair[1]);
	for (int i = 0; i < 2; i++) {
		probe_send_file(f, &p, pair[0], file, 100, 0);
		probe_wait_end(&p);
		CU_ASSERT(p.res == -EPIPE || p.res == -ECONNRESET);
	}
	probe_send_file(f, &p, -1, file, 100, 0);
	probe_wait_end(&p);
	CHECK_INT(p.res, -EBADF);
	CHECK_INT(f->peer->local_pair(f, pair), 0);
	probe_send_file(f, &p, pair[0], -1, 100, 0);
	probe_wait_end(&p);
	CHECK_INT(p.res, -EBADF);
}

/* So that a send on fd waits. */
static void fill_up(struct fixture *f, int fd)
{
	static const uint8_t zeros[4096];

	while (f->peer->write(f, fd, zeros, sizeof(zeros)) > 0)
		;
}

/* Before 6.5 Linux adds some pages of a file to a local socket that is full for write(2). */
static void block(struct fixture *f, int fd, int file, struct probe *p)
{
	fill_up(f, fd);
	for (int tries = 0; tries < 10; tries++) {
		p->finals = 0;
		probe_send_file(f, p, fd, file, MB, 0);
		settle(f);
		if (!p->finals || p->res <= 0)
			break;
	}
	CHECK_INT(p->finals, 0);
	p->results = 0;
}

static void test_blocked(void)
{
	FIXTURE(f);
	uint8_t *buf AUTO(auto_free) = malloc(MB);
	struct probe p = { 0 }, recv = { 0 };
	int file = filled_file(f, MB, 5), pair[2];
	int64_t end_ns = f->backend->now_ns + PATIENCE_NS;

	CHECK_INT(f->peer->local_pair(f, pair), 0);
	block(f, pair[0], file, &p);
	/* The other direction goes on, and so does this one when the peer reads. */
	probe_recv(f, &recv, pair[0]);
	CHECK_INT(f->peer->write(f, pair[1], "hello", 5), 5);
	probe_wait_bytes(&recv, 5);
	CHECK_INT(p.results, 0);
	while (!p.finals && f->backend->now_ns < end_ns) {
		f->peer->read(f, pair[1], buf, MB);
		turn(f, MS);
	}
	CU_ASSERT(p.res > 0);
	CHECK_INT(p.results, 1);
}

static void test_cancel(void)
{
	FIXTURE(f);
	struct probe p = { 0 }, close = { 0 };
	int file = filled_file(f, MB, 6), pair[2];

	CHECK_INT(f->peer->local_pair(f, pair), 0);
	block(f, pair[0], file, &p);
	probe_cancel(&p);
	probe_wait_end(&p);
	CHECK_INT(p.res, -ECANCELED);
	settle(f);
	CHECK_INT(p.results, 1);
	block(f, pair[0], file, &p);
	probe_close(f, &close, pair[0]);
	probe_wait_end(&close);
	CHECK_INT(p.results, 1);
	CHECK_INT(p.res, -ECANCELED);
	CU_ASSERT(p.when < close.when);
}

static void test_cancel_early(void)
{
	FIXTURE(f);
	struct probe p = { 0 }, close = { 0 };
	int file = filled_file(f, MB, 7), pair[2];

	for (int turns = 0; turns < 6; turns++) {
		CHECK_INT(f->peer->pair(f, pair), 0);
		p.results = 0;
		probe_send_file(f, &p, pair[0], file, MB, 0);
		if (turns % 3)
			f->ops->wait(f->backend, turns % 3 == 1 ? 0 : MS);
		if (turns < 3)
			probe_cancel(&p);
		probe_close(f, &close, pair[0]);
		probe_wait_end(&close);
		CHECK_INT(p.results, 1);
		CU_ASSERT(p.res == -ECANCELED || p.res > 0);
		CU_ASSERT(p.when < close.when);
	}
}

/* Peers that do not read cost those that do nothing, however many they are. */
static void test_slow_peers(void)
{
	enum { SLOW = 40 };
	FIXTURE(f);
	uint8_t *buf AUTO(auto_free) = malloc(MB);
	struct probe slow[SLOW] = { 0 };
	int file = filled_file(f, MB, 8), pair[2];

	for (int i = 0; i < SLOW; i++) {
		CHECK_INT(f->peer->local_pair(f, pair), 0);
		block(f, pair[0], file, &slow[i]);
	}
	CHECK_INT(f->peer->local_pair(f, pair), 0);
	send_whole(f, pair, file, buf, MB, 0);
	CU_ASSERT(filled(buf, MB, 8, 0));
	for (int i = 0; i < SLOW; i++)
		CHECK_INT(slow[i].results, 0);
}

/* Many at once: more than there are buffers. */
static void test_crowd(void)
{
	enum { COUNT = 60, LEN = 2000 };
	FIXTURE(f);
	struct probe p[COUNT] = { 0 };
	int file = filled_file(f, COUNT * LEN, 9), fds[COUNT][2];
	uint8_t buf[LEN];

	for (int i = 0; i < COUNT; i++) {
		CHECK_INT(f->peer->pair(f, fds[i]), 0);
		probe_send_file(f, &p[i], fds[i][0], file, LEN, i * LEN);
	}
	probe_cancel(&p[COUNT - 1]);
	probe_wait_end(&p[COUNT - 1]);
	for (int i = 0; i < COUNT - 1; i++) {
		probe_wait_end(&p[i]);
		CHECK_INT(p[i].res, LEN);
		CHECK_INT(peer_read_all(f, fds[i][1], buf, LEN), LEN);
		CU_ASSERT(filled(buf, LEN, 9, i * LEN));
	}
}

static void test_backend_close(void)
{
	for (int turns = 0; turns < 3; turns++) {
		FIXTURE(f);
		struct probe p[40] = { 0 };
		int file = filled_file(f, MB, 10), pair[2];

		for (int i = 0; i < 40; i++) {
			CHECK_INT(f->peer->local_pair(f, pair), 0);
			probe_send_file(f, &p[i], pair[0], file, MB, 0);
		}
		if (turns)
			f->ops->wait(f->backend, turns == 1 ? 0 : MS);
	}
	CU_PASS("survived");
}

static void test_zero_copy(void)
{
	FIXTURE(f);
	uint8_t *bytes AUTO(auto_free) = malloc(MB), *got AUTO(auto_free) = malloc(MB);
	int pair[2];
	int64_t end_ns = f->backend->now_ns + PATIENCE_NS;
	uint64_t sends = 0;

	fill(bytes, MB, 11, 0);
	for (int local = 0; local < 2; local++) {
		size_t sent = 0, len = 0;

		if (local)
			CHECK_INT(f->peer->local_pair(f, pair), 0);
		else
			CHECK_INT(f->peer->pair(f, pair), 0);
		while (sent < MB) {
			struct probe p = { 0 };

			probe_send_zero_copy(f, &p, pair[0], bytes + sent, MB - sent);
			sends++;
			while (!p.finals && f->backend->now_ns < end_ns) {
				int n = f->peer->read(f, pair[1], got + len, MB - len);

				len += n > 0 ? n : 0;
				turn(f, n > 0 ? 0 : MS);
			}
			CHECK_INT(p.results, 1);
			CU_ASSERT_FATAL(p.res > 0);
			sent += p.res;
		}
		len += peer_read_all(f, pair[1], got + len, MB - len);
		CHECK_INT(len, MB);
		CU_ASSERT(filled(got, MB, 11, 0));
	}
	CHECK_INT(f->backend->stats.zero_copy, sends);
	CU_ASSERT(f->backend->stats.copied <= sends);
}

static void test_zero_copy_fails(void)
{
	FIXTURE(f);
	struct probe p = { 0 }, close = { 0 };
	static uint8_t bytes[MB];
	int pair[2];

	CHECK_INT(f->peer->pair(f, pair), 0);
	f->peer->reset(f, pair[1]);
	for (int tries = 0; !tries || (p.res > 0 && tries < RESET_TRIES); tries++) {
		probe_send_zero_copy(f, &p, pair[0], bytes, 100);
		probe_wait_end(&p);
	}
	CU_ASSERT(p.res == -EPIPE || p.res == -ECONNRESET);
	p.results = 0;
	probe_send_zero_copy(f, &p, -1, bytes, 100);
	probe_wait_end(&p);
	CHECK_INT(p.res, -EBADF);
	/* One that waits goes with its descriptor. */
	CHECK_INT(f->peer->local_pair(f, pair), 0);
	fill_up(f, pair[0]);
	probe_send_zero_copy(f, &p, pair[0], bytes, MB);
	settle(f);
	CHECK_INT(p.finals, 0);
	p.results = 0;
	probe_close(f, &close, pair[0]);
	probe_wait_end(&close);
	CHECK_INT(p.results, 1);
	CU_ASSERT(p.res == -ECANCELED || p.res > 0);
	CU_ASSERT(p.when < close.when);
}

CU_TestInfo send_file_tests[] = {
	{ "a file arrives whole", test_send_file },
	{ "at its end less is sent, behind it nothing", test_end_of_file },
	{ "its offsets have 64 bits", test_far_offset },
	{ "sending a file to nobody fails and raises no signal", test_send_file_to_nobody },
	{ "a file that waits goes on when the peer reads", test_blocked },
	{ "a file that waits can be cancelled and closed", test_cancel },
	{ "so can one that has just begun", test_cancel_early },
	{ "peers that do not read hold up nobody", test_slow_peers },
	{ "sixty files are sent at a time", test_crowd },
	{ "a backend closes with files on their way", test_backend_close },
	{ "a send without a copy arrives and comes back once", test_zero_copy },
	{ "what fails of it is a result", test_zero_copy_fails },
	CU_TEST_INFO_NULL,
};
