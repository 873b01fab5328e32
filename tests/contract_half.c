/*
 * contract_half.c - the contract suite: peers that say no more but still read, however slowly.
 *
 * To a poll such a socket is always ready for something (POLLRDHUP), so "wait until it is ready and
 * try again" is no way of waiting here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/contract.h"

#define PIECE 5000

/* A connection whose other end, fd[1], has closed its half, and is known to have. */
static void open_half(struct fixture *f, bool is_local, int fd[2])
{
	struct probe recv = { 0 };

	CHECK_INT(is_local ? f->peer->local_pair(f, fd) : f->peer->pair(f, fd), 0);
	CHECK_INT(f->peer->shutdown(f, fd[1]), 0);
	probe_recv(f, &recv, fd[0]);
	probe_wait_end(&recv);
	CHECK_INT(recv.res, 0);
}

static void submit_piece(struct fixture *f, struct probe *send, int fd, bool is_gathered,
			 const uint8_t *bytes)
{
	static struct iovec parts[2];

	parts[0] = (struct iovec){ (void *)bytes, PIECE / 2 };
	parts[1] = (struct iovec){ (void *)(bytes + PIECE / 2), PIECE - PIECE / 2 };
	if (is_gathered)
		probe_send_message(f, send, fd, parts, 2, NULL, 0);
	else
		probe_send(f, send, fd, bytes, PIECE);
}

/* Fills the socket and then sends until a send waits, in *send; how many bytes have gone before. */
static uint64_t fill_up(struct fixture *f, struct probe *send, int fd, bool is_gathered)
{
	static uint8_t bytes[PIECE];
	uint64_t sent = 0;
	int n = 0;

	do {
		fill(bytes, PIECE, 3, sent += (uint64_t)n);
		n = f->peer->write(f, fd, bytes, PIECE);
	} while (n > 0);
	for (int tries = 0; tries < 100; tries++) {
		fill(bytes, PIECE, 3, sent);
		submit_piece(f, send, fd, is_gathered, bytes);
		settle(f);
		if (!send->finals) {
			send->results = 0;
			return sent;
		}
		CU_ASSERT_FATAL(send->res > 0);
		sent += (uint64_t)send->res;
	}
	CU_FAIL_FATAL("a send never waits");
	return sent;
}

/* Reads all that was sent, of which the last, in *send, may still have to leave. */
static void check_read(struct fixture *f, int fd, struct probe *send, uint64_t before)
{
	int64_t end_ns = f->backend->now_ns + PATIENCE_NS;
	uint8_t bytes[4096];
	uint64_t got = 0;

	while ((!send->finals || got < before + (uint64_t)send->res) &&
	       f->backend->now_ns < end_ns) {
		int n = f->peer->read(f, fd, bytes, sizeof(bytes));

		if (n > 0) {
			CU_ASSERT(filled(bytes, (size_t)n, 3, got));
			got += (uint64_t)n;
		}
		turn(f, n > 0 ? 0 : MS);
		if (send->finals && send->res < 0)
			break;
	}
	CHECK_INT(send->finals, 1);
	CU_ASSERT(send->res > 0);
	CHECK_INT(got, before + (uint64_t)send->res);
}

static void test_slow_reader(void)
{
	for (unsigned i = 0; i < 4; i++) {
		FIXTURE(f);
		struct probe send = { 0 };
		uint64_t before;
		int fd[2];

		open_half(f, i & 1, fd);
		before = fill_up(f, &send, fd[0], i & 2);
		for (int k = 0; k < 20; k++) /* nobody reads */
			turn(f, MS);
		check_read(f, fd[1], &send, before);
	}
}

/* At the latest when the peer reads: a cancel misses a send that the kernel just tries again. */
static void await_cancelled(struct fixture *f, struct probe *send, int fd)
{
	int64_t start_ns = f->backend->now_ns;
	uint8_t bytes[4096];

	while (!send->finals && f->backend->now_ns - start_ns < PATIENCE_NS) {
		if (f->backend->now_ns - start_ns > SEC)
			f->peer->read(f, fd, bytes, sizeof(bytes));
		turn(f, MS);
	}
	CHECK_INT(send->finals, 1);
}

static void test_cancelled(void)
{
	for (unsigned i = 0; i < 4; i++) {
		FIXTURE(f);
		struct probe send = { 0 };
		int fd[2];

		open_half(f, i & 1, fd);
		fill_up(f, &send, fd[0], i & 2);
		for (int k = 0; k < 5; k++)
			turn(f, MS);
		probe_cancel(&send);
		await_cancelled(f, &send, fd[1]);
		CU_ASSERT(send.res == -ECANCELED || send.res > 0); /* what was taken before */
		settle(f);
		CHECK_INT(send.results, 1);
	}
}

static void test_closed(void)
{
	for (unsigned i = 0; i < 4; i++) {
		FIXTURE(f);
		struct probe send = { 0 }, close = { 0 };
		int fd[2];

		open_half(f, i & 1, fd);
		fill_up(f, &send, fd[0], i & 2);
		for (int k = 0; k < 5; k++)
			turn(f, MS);
		probe_close(f, &close, fd[0]);
		if (!(i & 2)) /* of gathered ones a backend must know that they wait */
			await_cancelled(f, &send, fd[1]);
		probe_wait_end(&close);
		CHECK_INT(close.res, 0);
		CU_ASSERT(send.res == -ECANCELED || send.res > 0);
		CU_ASSERT(send.when < close.when);
	}
}

#define FILE_BYTES (1U << 20)

/* A file to a full socket: its send is in flight. */
static void fill_with_file(struct fixture *f, struct probe *send, int fd[2])
{
	static const uint8_t zeros[4096];
	int file = f->peer->file(f, FILE_BYTES);

	open_half(f, true, fd);
	while (f->peer->write(f, fd[0], zeros, sizeof(zeros)) > 0)
		;
	/* Before Linux 6.5 some pages go in all the same. */
	for (int tries = 0; tries < 10; tries++) {
		probe_send_file(f, send, fd[0], file, FILE_BYTES, 0);
		settle(f);
		if (!send->finals || send->res < 0)
			break;
	}
	CHECK_INT(send->finals, 0);
	send->results = 0;
}

static uint64_t syscalls_of_waiting(struct fixture *f)
{
	uint64_t before = f->backend->stats.syscalls;

	for (int i = 0; i < 10; i++)
		turn(f, 10 * MS);
	return f->backend->stats.syscalls - before;
}

/* Who waits for a socket must not look at it without an end; more than when there is nothing. */
static void test_file(void)
{
	FIXTURE(f);
	struct probe send = { 0 };
	uint8_t *bytes AUTO(auto_free) = malloc(FILE_BYTES);
	int64_t end_ns = f->backend->now_ns + PATIENCE_NS;
	uint64_t with_nothing, with_file;
	int fd[2];

	with_nothing = syscalls_of_waiting(f);
	fill_with_file(f, &send, fd);
	with_file = syscalls_of_waiting(f);
	CU_ASSERT(with_file < 5 * with_nothing + 100);
	CHECK_INT(send.finals, 0);
	while (!send.finals && f->backend->now_ns < end_ns) {
		f->peer->read(f, fd[1], bytes, FILE_BYTES);
		turn(f, MS);
	}
	CU_ASSERT(send.res > 0);
	CHECK_INT(send.results, 1);
}

static void test_file_cancelled(void)
{
	for (int turns = 0; turns < 4; turns++) {
		FIXTURE(f);
		struct probe send = { 0 }, close = { 0 };
		int fd[2];

		fill_with_file(f, &send, fd);
		for (int i = 0; i < turns; i++)
			turn(f, MS);
		if (turns & 1)
			probe_cancel(&send);
		else
			probe_close(f, &close, fd[0]);
		probe_wait_end(&send);
		CHECK_INT(send.res, -ECANCELED);
		settle(f);
		CHECK_INT(send.results, 1);
	}
}

CU_TestInfo half_tests[] = {

	{ "who reads slowly gets all", test_slow_reader },
	{ "a send that waits for him can be cancelled", test_cancelled },
	{ "a close returns it first", test_closed },
	{ "a file waits for him without work", test_file },
	{ "and is cancelled, or returned by a close", test_file_cancelled },
	CU_TEST_INFO_NULL,
};
