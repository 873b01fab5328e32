/*
 * contract_end.c - the contract suite: how connections and descriptors end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/contract.h"

static void test_peer_close(void)
{
	FIXTURE(f);
	struct probe recv = { 0 };
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_recv(f, &recv, fd[0]);
	settle(f);
	f->peer->close(f, fd[1]);
	probe_wait_end(&recv);
	CHECK_INT(recv.res, 0);
	settle(f);
	CHECK_INT(recv.results, 1);
}

static void test_data_before_close(void)
{
	FIXTURE(f);
	uint8_t got[8] = { 0 };
	struct probe recv = { .into = got, .size = sizeof(got) };
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_recv(f, &recv, fd[0]);
	f->peer->write(f, fd[1], "farewell", 8);
	f->peer->close(f, fd[1]);
	probe_wait_end(&recv);
	CHECK_INT(recv.res, 0);
	CHECK_INT(recv.bytes, 8);
	CU_ASSERT(!memcmp(got, "farewell", 8));
}

static void test_receive_after_peer_close(void)
{
	FIXTURE(f);
	struct probe recv = { 0 };
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_recv(f, &recv, fd[0]);
	settle(f);
	probe_cancel(&recv);
	probe_wait_end(&recv);
	CHECK_INT(recv.res, -ECANCELED);
	f->peer->write(f, fd[1], "farewell", 8);
	f->peer->close(f, fd[1]);
	settle(f);
	probe_recv(f, &recv, fd[0]);
	probe_wait_end(&recv);
	CHECK_INT(recv.res, 0);
	CHECK_INT(recv.bytes, 8);
}

static void test_reset(void)
{
	FIXTURE(f);
	struct probe recv = { 0 };
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_recv(f, &recv, fd[0]);
	settle(f);
	f->peer->reset(f, fd[1]);
	probe_wait_end(&recv);
	CHECK_INT(recv.res, -ECONNRESET);
}

static void test_reset_before_receive(void)
{
	FIXTURE(f);
	struct probe recv = { 0 };
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	f->peer->reset(f, fd[1]);
	probe_recv(f, &recv, fd[0]);
	probe_wait_end(&recv);
	CHECK_INT(recv.res, -ECONNRESET);
}

static void test_half_close(void)
{
	FIXTURE(f);
	struct probe recv = { 0 }, send = { 0 };
	uint8_t got[6];
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_recv(f, &recv, fd[0]);
	f->peer->write(f, fd[1], "question", 8);
	f->peer->shutdown(f, fd[1]);
	probe_wait_end(&recv);
	CHECK_INT(recv.res, 0);
	CHECK_INT(recv.bytes, 8);
	probe_send(f, &send, fd[0], "answer", 6);
	probe_wait_end(&send);
	CHECK_INT(send.res, 6);
	CHECK_INT(peer_read_all(f, fd[1], got, 6), 6);
	CU_ASSERT(!memcmp(got, "answer", 6));
}

static void test_send_to_nobody(void)
{
	FIXTURE(f);
	struct probe send = { 0 };
	int fd[2];

	CHECK_INT(f->peer->local_pair(f, fd), 0);
	f->peer->close(f, fd[1]);
	probe_send(f, &send, fd[0], "hello", 5);
	probe_wait_end(&send);
	CU_ASSERT(send.res == -EPIPE || send.res == -ECONNRESET);
}

/* Fills fd[0], so that the last send, which it returns, is in flight. */
static struct probe *block(struct fixture *f, int fd, struct probe sends[64])
{
	static const uint8_t zeros[1 << 20];

	for (int i = 0; i < 64; i++) {
		probe_send(f, &sends[i], fd, zeros, sizeof(zeros));
		settle(f);
		if (!sends[i].finals)
			return &sends[i];
	}
	CU_FAIL("a send never waits");
	return &sends[0];
}

static void test_close_with_receive(void)
{
	FIXTURE(f);
	struct probe recv = { 0 }, close = { 0 };
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_recv(f, &recv, fd[0]);
	settle(f);
	probe_close(f, &close, fd[0]);
	probe_wait_end(&close);
	CHECK_INT(close.res, 0);
	CHECK_INT(recv.finals, 1);
	CHECK_INT(recv.res, -ECANCELED);
	CU_ASSERT(recv.when < close.when);
	CHECK_INT(peer_read_end(f, fd[1]), 0);
}

static void test_close_at_once(void)
{
	FIXTURE(f);
	struct probe recv = { 0 }, close = { 0 };
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_recv(f, &recv, fd[0]);
	probe_close(f, &close, fd[0]);
	probe_wait_end(&close);
	CHECK_INT(close.res, 0);
	CHECK_INT(recv.finals, 1);
	CHECK_INT(recv.res, -ECANCELED);
	CU_ASSERT(recv.when < close.when);
}

static void test_close_with_send(void)
{
	FIXTURE(f);
	struct probe sends[64] = { 0 }, *blocked, close = { 0 }, recv = { 0 };
	int fd[2];

	CHECK_INT(f->peer->local_pair(f, fd), 0);
	probe_recv(f, &recv, fd[0]);
	blocked = block(f, fd[0], sends);
	probe_close(f, &close, fd[0]);
	probe_wait_end(&close);
	CHECK_INT(close.res, 0);
	CU_ASSERT(blocked->res == -ECANCELED || blocked->res > 0); /* what was taken before */
	CHECK_INT(blocked->finals, 1);
	CHECK_INT(recv.finals, 1);
	CU_ASSERT(blocked->when < close.when && recv.when < close.when);
}

static void test_close_after_send(void)
{
	FIXTURE(f);
	struct probe send = { 0 }, close = { 0 };
	uint8_t got[8];
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_send(f, &send, fd[0], "farewell", 8);
	probe_wait_end(&send);
	probe_close(f, &close, fd[0]);
	probe_wait_end(&close);
	CHECK_INT(send.res, 8);
	CHECK_INT(peer_read_all(f, fd[1], got, 8), 8);
	CHECK_INT(peer_read_end(f, fd[1]), 0);
}

static void test_close_of_nothing(void)
{
	FIXTURE(f);
	struct probe close = { 0 }, recv = { 0 }, send = { 0 };

	probe_recv(f, &recv, -1);
	probe_send(f, &send, -1, "hello", 5);
	probe_close(f, &close, -1);
	probe_wait_end(&recv);
	probe_wait_end(&send);
	probe_wait_end(&close);
	CHECK_INT(recv.res, -EBADF);
	CHECK_INT(send.res, -EBADF);
	CHECK_INT(close.res, -EBADF);
}

static void test_closed_descriptor(void)
{
	FIXTURE(f);
	struct probe recv = { 0 }, well = { 0 };
	int fd[2], other[2];

	CHECK_INT(f->peer->pair(f, other), 0);
	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_recv(f, &well, other[0]);
	f->peer->close(f, fd[0]);
	probe_recv(f, &recv, fd[0]);
	probe_wait_end(&recv);
	CHECK_INT(recv.res, -EBADF);
	f->peer->write(f, other[1], "hello", 5);
	probe_wait_bytes(&well, 5);
}

/* The number comes back with the next socket; what was known of the old one must be gone. */
static void test_reuse(void)
{
	FIXTURE(f);
	int fd[2], was = -1, same = 0;

	for (int i = 0; i < 50; i++) {
		struct probe recv = { 0 }, send = { 0 }, close = { 0 };

		CHECK_INT(f->peer->local_pair(f, fd), 0);
		same += fd[0] == was;
		was = fd[0];
		probe_recv(f, &recv, fd[0]);
		CHECK_INT(f->peer->write(f, fd[1], "hello", 5), 5);
		probe_wait_bytes(&recv, 5);
		probe_send(f, &send, fd[0], "hello", 5);
		probe_wait_end(&send);
		CHECK_INT(send.res, 5);
		if (i % 2)
			f->peer->close(f, fd[1]);
		probe_close(f, &close, fd[0]);
		probe_wait_end(&close);
		CHECK_INT(recv.finals, 1);
		if (!(i % 2))
			f->peer->close(f, fd[1]);
	}
	CU_ASSERT(same > 40);
}

/* The old socket was full, at its end and reset; the new one is none of that. */
static void test_reuse_of_the_worst(void)
{
	FIXTURE(f);
	struct probe sends[64] = { 0 }, recv = { 0 }, close = { 0 }, send = { 0 };
	uint8_t got[5];
	int fd[2], was;

	CHECK_INT(f->peer->local_pair(f, fd), 0);
	was = fd[0];
	block(f, fd[0], sends);
	f->peer->close(f, fd[1]);
	probe_recv(f, &recv, fd[0]);
	probe_wait_end(&recv);
	probe_close(f, &close, fd[0]);
	probe_wait_end(&close);
	CHECK_INT(f->peer->local_pair(f, fd), 0);
	CU_ASSERT(fd[0] == was || fd[1] == was);
	probe_recv(f, &recv, fd[0]);
	probe_send(f, &send, fd[0], "hello", 5);
	probe_wait_end(&send);
	CHECK_INT(send.res, 5);
	CHECK_INT(peer_read_all(f, fd[1], got, 5), 5);
	settle(f);
	CHECK_INT(recv.finals, 0);
}

/* Closes one of two ready connections while the other's result is being handled, and reuses the
 * number before the rest of the batch is read. */
struct swap {
	struct probe recv[2], close[2], fresh;
	int a[2], b[2], c[2];
	bool swapped;
};

static void close_the_other(struct probe *p, const struct io_result *r)
{
	struct swap *s = p->context;
	int other = p == &s->recv[0];

	if (s->swapped || r->res <= 0)
		return;
	s->swapped = true;
	probe_close(p->f, &s->close[other], other ? s->b[0] : s->a[0]);
}

static void take_the_number(struct probe *p, const struct io_result *r)
{
	struct swap *s = p->context;

	CHECK_INT(r->res, 0);
	CHECK_INT(p->f->peer->local_pair(p->f, s->c), 0);
	probe_recv(p->f, &s->fresh, s->c[0]);
}

static void test_reuse_within_a_batch(void)
{
	FIXTURE(f);
	struct swap s = { 0 };

	CHECK_INT(f->peer->local_pair(f, s.a), 0);
	CHECK_INT(f->peer->local_pair(f, s.b), 0);
	for (int i = 0; i < 2; i++) {
		s.recv[i] = (struct probe){ .then = close_the_other, .context = &s };
		s.close[i] = (struct probe){ .then = take_the_number, .context = &s };
		probe_recv(f, &s.recv[i], i ? s.b[0] : s.a[0]);
	}
	settle(f);
	f->peer->write(f, s.a[1], "a", 1);
	f->peer->write(f, s.b[1], "b", 1);
	probe_wait(&s.recv[0], 1);
	CU_ASSERT_FATAL(s.swapped);
	probe_wait_end(&s.close[s.close[1].f != NULL]);
	CHECK_INT(s.fresh.results, 0);
	f->peer->write(f, s.c[1], "fresh", 5);
	probe_wait_bytes(&s.fresh, 5);
}

/* The same while a turn is left half read: what else was ready must not get lost. */
static void test_reuse_within_a_wait(void)
{
	FIXTURE(f);
	struct probe recv[3] = { 0 }, close = { 0 }, fresh = { 0 };
	struct probe send = { 0 };
	struct io_result r;
	int fd[3][2], pair[2];

	for (int i = 0; i < 3; i++) {
		CHECK_INT(f->peer->local_pair(f, fd[i]), 0);
		probe_recv(f, &recv[i], fd[i][0]);
	}
	settle(f);
	for (int i = 0; i < 3; i++)
		f->peer->write(f, fd[i][1], "hello", 5);
	CHECK_INT(f->ops->wait(f->backend, SEC), 1);
	CU_ASSERT(f->ops->next(f->backend, &r));
	r.op->done(r.op, &r);
	probe_close(f, &close, fd[1][0]);
	while (!close.finals)
		if (f->ops->next(f->backend, &r))
			r.op->done(r.op, &r);
		else
			f->ops->wait(f->backend, SEC);
	CHECK_INT(f->peer->local_pair(f, pair), 0);
	probe_recv(f, &fresh, pair[0]);
	f->peer->write(f, pair[1], "fresh", 5);
	probe_send(f, &send, fd[0][0], "hello", 5);
	CHECK_INT(f->ops->wait(f->backend, SEC), 1);
	probe_wait_bytes(&fresh, 5);
	probe_wait_bytes(&recv[0], 5);
	probe_wait_bytes(&recv[2], 5);
	f->peer->write(f, fd[2][1], "again", 5);
	probe_wait_bytes(&recv[2], 10);
}

/* A send may meet the reset before the receive does; the number's next owner is not concerned. */
static void test_reuse_after_reset(void)
{
	FIXTURE(f);
	struct probe recv = { 0 }, send = { 0 }, close = { 0 };
	int fd[2], was;

	CHECK_INT(f->peer->pair(f, fd), 0);
	was = fd[0];
	f->peer->reset(f, fd[1]);
	for (int tries = 0; !tries || (send.res > 0 && tries < RESET_TRIES); tries++) {
		probe_send(f, &send, fd[0], "hello", 5);
		probe_wait_end(&send);
	}
	CU_ASSERT(send.res == -ECONNRESET || send.res == -EPIPE);
	probe_close(f, &close, fd[0]);
	probe_wait_end(&close);
	CHECK_INT(f->peer->pair(f, fd), 0);
	CHECK_INT(fd[0], was);
	probe_recv(f, &recv, fd[0]);
	f->peer->close(f, fd[1]);
	probe_wait_end(&recv);
	CHECK_INT(recv.res, 0);
}

static void test_backend_close(void)
{
	for (int turns = 0; turns < 2; turns++) {
		FIXTURE(f);
		struct probe sends[64] = { 0 }, recv = { 0 }, accept = { 0 }, timer = { 0 };
		struct probe unread = { 0 };
		int a[2], b[2];

		CHECK_INT(f->peer->local_pair(f, a), 0);
		CHECK_INT(f->peer->local_pair(f, b), 0);
		block(f, a[0], sends);
		probe_recv(f, &recv, b[0]);
		probe_accept(f, &accept, f->peer->listen(f));
		probe_timer(f, &timer, f->backend->now_ns + 3600 * SEC);
		settle(f);
		f->peer->write(f, b[1], "unread", 6);
		probe_send(f, &unread, b[0], "unread", 6);
		if (turns)
			f->ops->wait(f->backend, 0);
		CHECK_INT(recv.results + accept.results + timer.results + unread.results, 0);
	}
}

static void test_close_null(void)
{
	subject.ops->close(NULL);
	CU_PASS("survived");
}

CU_TestInfo end_tests[] = {
	{ "a peer's close is a result of zero, once", test_peer_close },
	{ "what was sent before the close comes first", test_data_before_close },
	{ "a receive after the close finds data, then the end", test_receive_after_peer_close },
	{ "a reset is a result of -ECONNRESET", test_reset },
	{ "so is a reset before the receive", test_reset_before_receive },
	{ "after a half close the other way still works", test_half_close },
	{ "sending to nobody fails and raises no signal", test_send_to_nobody },
	{ "a close returns the receive first and the peer sees it", test_close_with_receive },
	{ "so does a close in the same turn as the receive", test_close_at_once },
	{ "a close returns a waiting send first", test_close_with_send },
	{ "what was sent arrives although the close follows", test_close_after_send },
	{ "a bad descriptor is a result of -EBADF", test_close_of_nothing },
	{ "so is one that is not open, and it does no harm", test_closed_descriptor },
	{ "a closed descriptor's number is a fresh descriptor", test_reuse },
	{ "even if it was full and broken before", test_reuse_of_the_worst },
	{ "even within a batch that knew the old one", test_reuse_within_a_batch },
	{ "even while the batch is half read", test_reuse_within_a_wait },
	{ "even after a reset", test_reuse_after_reset },
	{ "a backend closes with operations in flight", test_backend_close },
	{ "closing no backend is fine", test_close_null },
	CU_TEST_INFO_NULL,
};
