/*
 * contract_datagram.c - the contract suite: datagrams, one by one and many at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include "tests/contract.h"

static void test_datagrams(void)
{
	FIXTURE(f);
	struct probe recv = { 0 };
	struct sockaddr_storage sender;
	socklen_t len;
	int fd[2];

	CHECK_INT(f->peer->datagram_pair(f, fd), 0);
	f->peer->address(fd[1], &sender, &len);
	probe_recv_from(f, &recv, fd[0]);
	for (int i = 1; i <= 50; i++)
		CHECK_INT(f->peer->send_to(f, fd[1], "datagram datagram", i % 17, fd[0]), i % 17);
	probe_wait(&recv, 50);
	settle(f);
	CHECK_INT(recv.results, 50);
	CHECK_INT(recv.finals, 0);
	CHECK_INT(recv.res, 50 % 17);
	CHECK_INT(recv.from_len, len);
	CU_ASSERT(!memcmp(&recv.from, &sender, len));
}

static void check_length(struct probe *p, const struct io_result *r)
{
	CHECK_INT(r->res, p->results == 2 ? 0 : 4);
}

static void test_empty_datagram(void)
{
	FIXTURE(f);
	struct probe recv = { .then = check_length };
	int fd[2];

	CHECK_INT(f->peer->datagram_pair(f, fd), 0);
	probe_recv_from(f, &recv, fd[0]);
	f->peer->send_to(f, fd[1], "full", 4, fd[0]);
	f->peer->send_to(f, fd[1], "", 0, fd[0]);
	f->peer->send_to(f, fd[1], "full", 4, fd[0]);
	probe_wait(&recv, 3);
	CHECK_INT(recv.finals, 0);
}

static void test_datagram_answer(void)
{
	FIXTURE(f);
	struct probe recv = { 0 }, send = { 0 };
	struct iovec parts[] = { { "an", 2 }, { "swer", 4 } };
	uint8_t got[16];
	int fd[2];

	CHECK_INT(f->peer->datagram_pair(f, fd), 0);
	probe_recv_from(f, &recv, fd[0]);
	for (int i = 1; i <= 3; i++) {
		f->peer->send_to(f, fd[1], "question", 8, fd[0]);
		probe_wait(&recv, i);
		probe_send_message(f, &send, fd[0], parts, 2, &recv.from, recv.from_len);
		probe_wait_end(&send);
		CHECK_INT(send.res, 6);
		CHECK_INT(peer_read(f, fd[1], got, sizeof(got)), 6);
		CU_ASSERT(!memcmp(got, "answer", 6));
	}
}

static void receive_many(uint32_t batch, uint32_t count)
{
	FIXTURE(f);
	uint8_t got[4096];
	struct probe recv = { .op.batch = batch, .into = got, .size = sizeof(got) };
	struct sockaddr_storage sender;
	socklen_t len;
	int fd[2];

	CHECK_INT(f->peer->datagram_pair(f, fd), 0);
	f->peer->address(fd[1], &sender, &len);
	for (uint32_t i = 0; i < count; i++) {
		uint8_t part[17];

		fill(part, sizeof(part), 1, i * sizeof(part));
		CHECK_INT(f->peer->send_to(f, fd[1], part, sizeof(part), fd[0]), sizeof(part));
	}
	probe_recv_from(f, &recv, fd[0]);
	probe_wait(&recv, count);
	settle(f);
	CHECK_INT(recv.results, count);
	CHECK_INT(recv.finals, 0);
	CHECK_INT(recv.bytes, count * 17);
	CU_ASSERT(filled(got, recv.len, 1, 0));
	CHECK_INT(recv.from_len, len);
	CU_ASSERT(!memcmp(&recv.from, &sender, len));
	f->peer->send_to(f, fd[1], "more", 4, fd[0]);
	probe_wait(&recv, count + 1);
	CHECK_INT(recv.res, 4);
}

static void test_batches(void)
{
	static const uint32_t batches[] = { 1, 2, 16, BACKEND_DATAGRAMS };

	for (unsigned i = 0; i < sizeof(batches) / sizeof(*batches); i++)
		for (uint32_t count = 1; count <= 200; count = count * 3 + 1)
			receive_many(batches[i], count);
}

static void cancel_at_first(struct probe *p, const struct io_result *r)
{
	if (p->results == 1)
		probe_cancel(p);
}

static void test_cancel_in_a_batch(void)
{
	for (uint32_t batch = 1; batch <= 16; batch *= 16) {
		FIXTURE(f);
		struct probe recv = { .op.batch = batch, .then = cancel_at_first };
		struct probe other = { .op.batch = batch };
		int fd[2];

		CHECK_INT(f->peer->datagram_pair(f, fd), 0);
		for (int i = 0; i < 10; i++)
			f->peer->send_to(f, fd[1], "unread", 6, fd[0]);
		probe_recv_from(f, &recv, fd[0]);
		probe_wait_end(&recv);
		settle(f);
		CHECK_INT(recv.finals, 1);
		probe_recv_from(f, &other, fd[0]);
		settle(f);
		f->peer->send_to(f, fd[1], "later", 5, fd[0]);
		probe_wait_result(&other, 5); /* behind what was unread */
	}
}

static void close_at_first(struct probe *p, const struct io_result *r)
{
	if (p->results == 1)
		probe_close(p->f, p->context, p->op.fd);
}

static void test_close_in_a_batch(void)
{
	FIXTURE(f);
	struct probe close = { 0 };
	struct probe recv = { .op.batch = 16, .then = close_at_first, .context = &close };
	int fd[2];

	CHECK_INT(f->peer->datagram_pair(f, fd), 0);
	for (int i = 0; i < 10; i++)
		f->peer->send_to(f, fd[1], "unread", 6, fd[0]);
	probe_recv_from(f, &recv, fd[0]);
	probe_wait_end(&recv);
	probe_wait_end(&close);
	CHECK_INT(recv.finals, 1);
	CU_ASSERT(recv.when < close.when);
}

static void note_cut(struct probe *p, const struct io_result *r)
{
	*(unsigned *)p->context |= (unsigned)r->cut << (p->results - 1);
}

static void test_long_datagram(void)
{
	static uint8_t bytes[65507];

	for (uint32_t batch = 1; batch <= 4; batch *= 4) {
		FIXTURE(f);
		unsigned cut = 0, max = f->backend->datagram_max;
		struct probe recv = { .op.batch = batch, .then = note_cut, .context = &cut };
		uint32_t longer = max < 60000 ? max + 1 : max;
		int fd[2];

		CHECK_INT(f->peer->datagram_pair(f, fd), 0);
		max = max < sizeof(bytes) ? max : sizeof(bytes);
		longer = longer < sizeof(bytes) ? longer : sizeof(bytes);
		probe_recv_from(f, &recv, fd[0]);
		CHECK_INT(f->peer->send_to(f, fd[1], bytes, max, fd[0]), max);
		probe_wait(&recv, 1);
		CHECK_INT(recv.res, max);
		CHECK_INT(f->peer->send_to(f, fd[1], bytes, longer, fd[0]), longer);
		probe_wait(&recv, 2);
		CHECK_INT(recv.res, max);
		f->peer->send_to(f, fd[1], "short", 5, fd[0]);
		probe_wait(&recv, 3);
		CHECK_INT(recv.res, 5);
		CHECK_INT(cut, longer > max ? 2 : 0);
	}
}

/* A burst of `count` datagrams of 10 bytes, the first of which says which one it is. */
struct burst {
	struct probe probe;
	struct sockaddr_storage to;
	socklen_t to_len;
	uint8_t bytes[BACKEND_DATAGRAMS][10];
	struct iovec parts[BACKEND_DATAGRAMS][2];
	struct mmsghdr datagrams[BACKEND_DATAGRAMS];
};

static void make_burst(struct fixture *f, struct burst *b, int to_fd, uint32_t count)
{
	memset(b, 0, sizeof(*b));
	f->peer->address(to_fd, &b->to, &b->to_len);
	for (uint32_t i = 0; i < count; i++) {
		fill(b->bytes[i], 10, 2, i);
		b->bytes[i][0] = (uint8_t)i;
		b->parts[i][0] = (struct iovec){ b->bytes[i], 3 };
		b->parts[i][1] = (struct iovec){ b->bytes[i] + 3, 7 };
		b->datagrams[i].msg_hdr = (struct msghdr){ .msg_name = &b->to,
							   .msg_namelen = b->to_len,
							   .msg_iov = b->parts[i],
							   .msg_iovlen = 2 };
	}
	b->probe.op.datagrams = b->datagrams;
	b->probe.op.count = count;
}

/* As the engine does: what was not taken is submitted again. */
static void send_burst(struct fixture *f, struct burst *b, int fd)
{
	uint32_t count = b->probe.op.count;

	for (uint32_t done = 0; done < count && b->probe.res >= 0; done += b->probe.res) {
		b->probe.op.datagrams = b->datagrams + done;
		b->probe.op.count = count - done;
		probe_send_many(f, &b->probe, fd);
		probe_wait_end(&b->probe);
		CU_ASSERT(b->probe.res > 0);
	}
}

static void test_send_many(void)
{
	static struct burst b;

	for (uint32_t count = 1; count <= BACKEND_DATAGRAMS; count *= 4) {
		FIXTURE(f);
		uint8_t got[16];
		int fd[2];

		CHECK_INT(f->peer->datagram_pair(f, fd), 0);
		make_burst(f, &b, fd[1], count);
		send_burst(f, &b, fd[0]);
		for (uint32_t i = 0; i < count; i++) {
			CHECK_INT(b.datagrams[i].msg_len, 10);
			CHECK_INT(peer_read_all(f, fd[1], got, 10), 10);
			CHECK_INT(got[0], i);
			CU_ASSERT(!memcmp(got, b.bytes[i], 10));
		}
		CHECK_INT(f->peer->read(f, fd[1], got, sizeof(got)), -EAGAIN);
	}
}

static void test_refused_among_many(void)
{
	static uint8_t too_long[70000];
	static struct burst b;
	FIXTURE(f);
	uint8_t got[16];
	int fd[2];

	if (!f->peer->kernel) {
		test_does_not_apply("its datagrams may have any length");
		return;
	}
	CHECK_INT(f->peer->datagram_pair(f, fd), 0);
	make_burst(f, &b, fd[1], 5);
	b.parts[2][0] = (struct iovec){ too_long, sizeof(too_long) };
	b.parts[4][0] = (struct iovec){ too_long, sizeof(too_long) };
	send_burst(f, &b, fd[0]);
	for (int i = 0; i < 5; i++) {
		bool refused = i == 2 || i == 4;

		CHECK_INT(b.datagrams[i].msg_len, refused ? 0 : 10);
		if (refused)
			CHECK_INT(b.datagrams[i].msg_hdr.msg_flags, EMSGSIZE);
		else
			CHECK_INT(peer_read_all(f, fd[1], got, 10), 10);
	}
	CHECK_INT(f->peer->read(f, fd[1], got, sizeof(got)), -EAGAIN);
}

static void test_close_with_many_in_flight(void)
{
	static struct burst b;
	FIXTURE(f);
	struct probe close = { 0 }, recv = { 0 };
	int fd[2];

	CHECK_INT(f->peer->datagram_pair(f, fd), 0);
	make_burst(f, &b, fd[1], 8);
	probe_recv_from(f, &recv, fd[0]);
	probe_send_many(f, &b.probe, fd[0]);
	probe_close(f, &close, fd[0]);
	probe_wait_end(&close);
	CHECK_INT(b.probe.finals, 1);
	CHECK_INT(recv.finals, 1);
	CU_ASSERT(b.probe.when < close.when);
}

static void test_segments(void)
{
	FIXTURE(f);
	struct probe send = { 0 };
	struct sockaddr_storage to;
	socklen_t to_len;
	uint8_t bytes[950], got[256];
	struct iovec parts[] = { { bytes, 250 }, { bytes + 250, 700 } };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint16_t))] = { 0 };
	struct cmsghdr *c = (struct cmsghdr *)control;
	int fd[2];

	CHECK_INT(f->peer->datagram_pair(f, fd), 0);
	f->peer->address(fd[1], &to, &to_len);
	fill(bytes, sizeof(bytes), 3, 0);
	*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(uint16_t)),
			       .cmsg_level = SOL_UDP,
			       .cmsg_type = UDP_SEGMENT };
	memcpy(CMSG_DATA(c), &(uint16_t){ 100 }, sizeof(uint16_t));
	probe_message(&send, parts, 2, &to, to_len);
	send.msg.msg_control = control;
	send.msg.msg_controllen = sizeof(control);
	probe_submit_message(f, &send, fd[0]);
	probe_wait_end(&send);
	CHECK_INT(send.res, sizeof(bytes));
	for (int i = 0; i < 10; i++) {
		CHECK_INT(peer_read(f, fd[1], got, sizeof(got)), i < 9 ? 100 : 50);
		CU_ASSERT(filled(got, i < 9 ? 100 : 50, 3, i * 100));
	}
	CHECK_INT(f->peer->read(f, fd[1], got, sizeof(got)), -EAGAIN);
}

/* 500 bytes as five datagrams, told by `segment` or one by one. */
static void count_segments(struct probe *p, const struct io_result *r)
{
	unsigned *count = p->context;

	if (r->res > 0)
		*count += r->segment ? (r->res + r->segment - 1) / r->segment : 1;
	if (r->segment)
		CHECK_INT(r->segment, 100);
}

static void test_received_segments(void)
{
	for (uint32_t batch = 1; batch <= 16; batch *= 16) {
		FIXTURE(f);
		uint8_t bytes[450], got[512];
		unsigned count = 0;
		struct probe recv = { .op.batch = batch,
				      .then = count_segments,
				      .context = &count,
				      .into = got,
				      .size = sizeof(got) };
		const int on = 1, segment = 100;
		int fd[2];

		if (!f->peer->kernel || f->backend->datagram_max < sizeof(bytes)) {
			test_does_not_apply("no datagram of segments gets in whole");
			return;
		}
		CHECK_INT(f->peer->datagram_pair(f, fd), 0);
		CHECK_INT(setsockopt(fd[0], SOL_UDP, UDP_GRO, &on, sizeof(on)), 0);
		CHECK_INT(setsockopt(fd[1], SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)), 0);
		probe_recv_from(f, &recv, fd[0]);
		fill(bytes, sizeof(bytes), 4, 0);
		CHECK_INT(f->peer->send_to(f, fd[1], bytes, sizeof(bytes), fd[0]), sizeof(bytes));
		probe_wait_bytes(&recv, sizeof(bytes));
		CU_ASSERT(filled(got, sizeof(bytes), 4, 0));
		CHECK_INT(count, 5);
		CHECK_INT(recv.results, 1);
	}
}

CU_TestInfo datagram_tests[] = {
	{ "datagrams come one by one with their sender", test_datagrams },
	{ "an empty datagram is a result of zero that goes on", test_empty_datagram },
	{ "a datagram is answered by its sender's address", test_datagram_answer },
	{ "however many one call receives, each comes by itself and none is missing",
	  test_batches },
	{ "a receive cancelled in the middle of a batch comes back once", test_cancel_in_a_batch },
	{ "a socket closed in the middle of a batch returns its receive first",
	  test_close_in_a_batch },
	{ "a datagram longer than datagram_max is cut, and said to be", test_long_datagram },
	{ "many datagrams leave in one operation, in order", test_send_many },
	{ "a datagram that the kernel refuses does not stop those behind it",
	  test_refused_among_many },
	{ "closing a socket returns its many sends first", test_close_with_many_in_flight },
	{ "UDP_SEGMENT makes several datagrams of one message", test_segments },
	{ "UDP_GRO: several datagrams in one result, and their length", test_received_segments },
	CU_TEST_INFO_NULL,
};
