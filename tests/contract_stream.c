/*
 * contract_stream.c - the contract suite: bytes that come and go.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>

#include "base/random.h"
#include "tests/contract.h"

#define SEED 7

static void test_receive_goes_on(void)
{
	FIXTURE(f);
	struct probe recv = { 0 };
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_recv(f, &recv, fd[0]);
	for (int i = 1; i <= 100; i++) {
		CHECK_INT(f->peer->write(f, fd[1], "a little", 8), 8);
		probe_wait_bytes(&recv, 8 * i);
	}
	CHECK_INT(recv.finals, 0);
	CU_ASSERT(recv.results >= 100);
}

static void test_data_before_receive(void)
{
	FIXTURE(f);
	uint8_t got[5];
	struct probe recv = { .into = got, .size = sizeof(got) };
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	CHECK_INT(f->peer->write(f, fd[1], "early", 5), 5);
	turn(f, 0);
	probe_recv(f, &recv, fd[0]);
	probe_wait_bytes(&recv, 5);
	CU_ASSERT(!memcmp(got, "early", 5));
}

static void test_send_arrives(void)
{
	FIXTURE(f);
	struct probe send = { 0 };
	uint8_t got[5];
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	for (int i = 0; i < 100; i++) {
		send.results = 0;
		probe_send(f, &send, fd[0], "hello", 5);
		probe_wait(&send, 1);
		CHECK_INT(send.res, 5);
		CHECK_INT(send.finals, 1);
		CHECK_INT(peer_read_all(f, fd[1], got, 5), 5);
		CU_ASSERT(!memcmp(got, "hello", 5));
	}
}

/* What the tests below send: a stream in pieces, each submitted when the one before is done. */
struct sender {
	struct probe probe;
	uint8_t *bytes;
	size_t len, piece;
	int fd;
	uint32_t shorts;
};

static void send_on(struct probe *p, const struct io_result *r)
{
	struct sender *s = p->context;
	size_t left = s->len - p->bytes;

	if (r) {
		CU_ASSERT(r->res > 0 && (size_t)r->res <= p->op.len);
		s->shorts += r->res > 0 && (size_t)r->res < p->op.len;
	}
	if (left && (!r || r->res > 0))
		probe_send(p->f, p, s->fd, s->bytes + p->bytes, left < s->piece ? left : s->piece);
}

static void sender_start(struct fixture *f, struct sender *s)
{
	s->probe.f = f;
	s->probe.then = send_on;
	s->probe.context = s;
	send_on(&s->probe, NULL);
}

static void test_full_socket(void)
{
	FIXTURE(f);
	struct sender s = { .len = 2 << 20, .piece = 2 << 20 };
	uint8_t *got AUTO(auto_free) = malloc(s.len), *bytes AUTO(auto_free) = malloc(s.len);
	int fd[2];

	fill(s.bytes = bytes, s.len, 1, 0);
	CHECK_INT(f->peer->local_pair(f, fd), 0);
	s.fd = fd[0];
	sender_start(f, &s);
	settle(f);
	CU_ASSERT(s.probe.bytes < s.len);
	CHECK_INT(peer_read_all(f, fd[1], got, s.len), s.len);
	CU_ASSERT(filled(got, s.len, 1, 0));
	probe_wait_bytes(&s.probe, s.len);
	CHECK_INT(s.probe.finals, 1);
}

static void test_send_after_full_socket(void)
{
	FIXTURE(f);
	struct sender s = { .len = 1 << 20, .piece = 1 << 20 };
	struct probe after = { 0 };
	uint8_t *bytes AUTO(auto_free) = calloc(1, s.len);
	int fd[2];

	s.bytes = bytes;
	CHECK_INT(f->peer->local_pair(f, fd), 0);
	s.fd = fd[0];
	sender_start(f, &s);
	CHECK_INT(peer_read_all(f, fd[1], bytes, s.len), s.len);
	probe_wait_bytes(&s.probe, s.len);
	turn(f, 0);
	for (int i = 0; i < 3; i++) {
		after.results = 0;
		probe_send(f, &after, fd[0], "more", 4);
		probe_wait(&after, 1);
		CHECK_INT(after.res, 4);
		CHECK_INT(peer_read_all(f, fd[1], bytes, 4), 4);
	}
}

static void test_gathered_send(void)
{
	FIXTURE(f);
	struct probe send = { 0 };
	struct iovec parts[] = { { "one, ", 5 }, { "", 0 }, { "two, ", 5 }, { "three", 5 } };
	uint8_t got[15];
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_send_message(f, &send, fd[0], parts, 4, NULL, 0);
	probe_wait(&send, 1);
	CHECK_INT(send.res, 15);
	CHECK_INT(peer_read_all(f, fd[1], got, 15), 15);
	CU_ASSERT(!memcmp(got, "one, two, three", 15));
}

static void test_gathered_send_full(void)
{
	enum { LEN = 1 << 20 };
	FIXTURE(f);
	uint8_t *bytes AUTO(auto_free) = malloc(LEN), *got AUTO(auto_free) = malloc(LEN);
	struct iovec parts[] = { { bytes, LEN / 2 }, { bytes + LEN / 2, LEN / 2 } };
	struct probe send = { 0 };
	int64_t end_ns = f->backend->now_ns + PATIENCE_NS;
	size_t taken = 0;
	int fd[2];

	fill(bytes, LEN, 2, 0);
	CHECK_INT(f->peer->local_pair(f, fd), 0);
	probe_send_message(f, &send, fd[0], parts, 2, NULL, 0);
	settle(f);
	CU_ASSERT(!send.finals || (send.res > 0 && send.res < LEN));
	/* A polling thread that waits for its CPU is one that waits, and is short in the end. */
	while (taken < LEN && (!send.finals || (int64_t)taken < send.res) &&
	       f->backend->now_ns < end_ns) {
		int n = f->peer->read(f, fd[1], got + taken, LEN - taken);

		taken += n > 0 ? (size_t)n : 0;
		turn(f, n > 0 ? 0 : MS);
	}
	probe_wait_end(&send);
	CU_ASSERT(send.res > 0);
	CHECK_INT(send.res, taken);
	CU_ASSERT(filled(got, taken, 2, 0));
}

/* Submitting, cancelling and sending must leave lent bytes alone; only next() may end the loan. */
struct borrower {
	struct probe recv, send, timer;
	const char *want;
};

static void use_loan(struct probe *p, const struct io_result *r)
{
	struct borrower *b = p->context;

	CHECK_INT(r->res, 5);
	probe_send(p->f, &b->send, p->op.fd, "reply", 5);
	probe_timer(p->f, &b->timer, p->f->backend->now_ns + SEC);
	probe_cancel(&b->timer);
	CU_ASSERT(!memcmp(r->data, b->want, 5));
}

static void test_lent_bytes(void)
{
	FIXTURE(f);
	struct borrower b[2] = { { .want = "first" }, { .want = "other" } };
	int fd[2][2];

	for (int i = 0; i < 2; i++) {
		CHECK_INT(f->peer->pair(f, fd[i]), 0);
		b[i].recv = (struct probe){ .then = use_loan, .context = &b[i] };
		probe_recv(f, &b[i].recv, fd[i][0]);
	}
	settle(f);
	for (int i = 0; i < 2; i++)
		f->peer->write(f, fd[i][1], b[i].want, 5);
	for (int i = 0; i < 2; i++) {
		probe_wait(&b[i].recv, 1);
		probe_wait_end(&b[i].send);
		probe_wait_end(&b[i].timer);
	}
}

/* One end of a transfer: sends its stream in random pieces and checks what comes. */
struct end {
	struct sender sender;
	struct probe recv;
	uint64_t stream_in;
	struct random_key key;
};

static void random_piece(struct probe *p, const struct io_result *r)
{
	struct end *e = p->context;

	e->sender.piece = 1 + random_below(&e->key, p->results, 200000);
	send_on(p, r);
}

static void check_piece(struct probe *p, const struct io_result *r)
{
	struct end *e = p->context;

	CU_ASSERT(r->res > 0);
	if (r->res > 0)
		CU_ASSERT(filled(r->data, r->res, e->stream_in, p->bytes - r->res));
}

static void transfer(struct fixture *f, int fd[2])
{
	enum { LEN = 8 << 20 };
	struct end ends[2] = { 0 };

	for (int i = 0; i < 2; i++) {
		struct end *e = &ends[i];

		e->key = random_key(SEED, 0, 0, i);
		e->sender = (struct sender){ .bytes = malloc(LEN), .len = LEN, .fd = fd[i] };
		e->sender.probe = (struct probe){ .f = f, .then = random_piece, .context = e };
		e->recv = (struct probe){ .then = check_piece, .context = e };
		e->stream_in = !i;
		fill(e->sender.bytes, LEN, i, 0);
	}
	/* random_piece() and send_on() both want the context: the sender stands first in an end. */
	for (int i = 0; i < 2; i++) {
		probe_recv(f, &ends[i].recv, fd[i]);
		random_piece(&ends[i].sender.probe, NULL);
	}
	for (int i = 0; i < 2; i++)
		probe_wait_bytes(&ends[i].recv, LEN);
	for (int i = 0; i < 2; i++) {
		probe_wait_end(&ends[i].sender.probe);
		CHECK_INT(ends[i].sender.probe.bytes, LEN);
		CHECK_INT(ends[i].recv.finals, 0);
	}
	settle(f);
	for (int i = 0; i < 2; i++)
		free(ends[i].sender.bytes);
}

static void test_large_transfer(void)
{
	FIXTURE(f);
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	transfer(f, fd);
}

static void test_large_local_transfer(void)
{
	FIXTURE(f);
	int fd[2];

	CHECK_INT(f->peer->local_pair(f, fd), 0);
	transfer(f, fd);
}

/* Far more than any backend has buffers for is there at once; each stream keeps its order. */
static void test_buffers_run_out(void)
{
	enum { PIPES = 100, LEN = 48 << 10 };
	FIXTURE(f);
	struct end *ends AUTO(auto_free) = calloc(PIPES, sizeof(*ends));
	uint8_t *bytes AUTO(auto_free) = malloc(LEN);
	int fd[2];

	for (int i = 0; i < PIPES; i++) {
		CHECK_INT(f->peer->local_pair(f, fd), 0);
		ends[i].stream_in = i;
		ends[i].recv = (struct probe){ .then = check_piece, .context = &ends[i] };
		fill(bytes, LEN, i, 0);
		probe_recv(f, &ends[i].recv, fd[0]);
		CHECK_INT(f->peer->write(f, fd[1], bytes, LEN), LEN);
	}
	for (int i = 0; i < PIPES; i++) {
		probe_wait_bytes(&ends[i].recv, LEN);
		CHECK_INT(ends[i].recv.finals, 0);
	}
}

/* The peer answers each receive at once, so there is always something to read. */
static void write_again(struct probe *p, const struct io_result *r)
{
	const int *peer_fd = p->context;

	if (p->results < 100000)
		p->f->peer->write(p->f, *peer_fd, "again", 5);
}

static void test_busy_stream(void)
{
	FIXTURE(f);
	int fd[2];
	struct probe timer = { 0 }, recv = { .then = write_again, .context = &fd[1] };

	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_recv(f, &recv, fd[0]);
	f->peer->write(f, fd[1], "again", 5);
	probe_timer(f, &timer, f->backend->now_ns);
	probe_wait_end(&timer);
	CU_ASSERT(recv.results < 100000);
}

CU_TestInfo stream_tests[] = {
	{ "a receive goes on completing", test_receive_goes_on },
	{ "what arrived before the receive is received", test_data_before_receive },
	{ "what is sent arrives", test_send_arrives },
	{ "a send into a full socket waits, and every byte arrives in order", test_full_socket },
	{ "a socket that was full sends as before", test_send_after_full_socket },
	{ "a gathered send arrives in the order of its parts", test_gathered_send },
	{ "a gathered send into a full socket is short or waits", test_gathered_send_full },
	{ "lent bytes stay as they are until the next call of next", test_lent_bytes },
	{ "8 MiB both ways in random pieces arrive unharmed (seed 7)", test_large_transfer },
	{ "so they do over a socket pair with small buffers", test_large_local_transfer },
	{ "more data than buffers loses nothing", test_buffers_run_out },
	{ "a peer that never stops does not starve a timer", test_busy_stream },
	CU_TEST_INFO_NULL,
};
