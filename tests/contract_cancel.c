/*
 * contract_cancel.c - the contract suite: operations that are taken back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "tests/contract.h"

static void test_cancel_receive(void)
{
	FIXTURE(f);
	struct probe recv = { 0 };
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	for (int i = 1; i <= 3; i++) {
		probe_recv(f, &recv, fd[0]);
		if (i > 1)
			settle(f);
		probe_cancel(&recv);
		probe_wait_end(&recv);
		CHECK_INT(recv.res, -ECANCELED);
		settle(f);
		CHECK_INT(recv.results, i);
	}
	probe_recv(f, &recv, fd[0]);
	f->peer->write(f, fd[1], "hello", 5);
	probe_wait_bytes(&recv, 5);
}

/* Back-pressure: reading stops and goes on without losing a byte, whatever had arrived. */
static void test_cancel_with_data(void)
{
	FIXTURE(f);
	uint8_t got[100 * 5];
	struct probe recv = { .into = got, .size = sizeof(got) };
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	for (int i = 0; i < 100; i++) {
		probe_recv(f, &recv, fd[0]);
		CHECK_INT(f->peer->write(f, fd[1], "hello", 5), 5);
		if (i % 3 == 0)
			f->ops->wait(f->backend, 10 * MS);
		if (i % 3 == 1)
			turn(f, 0);
		probe_cancel(&recv);
		probe_wait_end(&recv);
		CU_ASSERT(recv.res == -ECANCELED || recv.res > 0);
	}
	probe_recv(f, &recv, fd[0]);
	probe_wait_bytes(&recv, sizeof(got));
	for (int i = 0; i < 100; i++)
		CU_ASSERT(!memcmp(got + i * 5, "hello", 5));
}

static void cancel_itself(struct probe *p, const struct io_result *r)
{
	if (r->more)
		probe_cancel(p);
}

static void test_cancel_inside(void)
{
	FIXTURE(f);
	struct probe recv = { .then = cancel_itself };
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_recv(f, &recv, fd[0]);
	f->peer->write(f, fd[1], "hello", 5);
	probe_wait_end(&recv);
	CU_ASSERT(recv.bytes == 5);
	CHECK_INT(recv.results, 2);
	CHECK_INT(recv.res, -ECANCELED);
}

static void test_cancel_accept(void)
{
	FIXTURE(f);
	struct probe accept = { 0 };
	int listener = f->peer->listen(f);

	probe_accept(f, &accept, listener);
	settle(f);
	probe_cancel(&accept);
	probe_wait_end(&accept);
	CHECK_INT(accept.res, -ECANCELED);
	probe_accept(f, &accept, listener);
	f->peer->connect(f, listener);
	probe_wait(&accept, 2);
	CU_ASSERT(accept.res >= 0);
	fixture_keep(f, accept.res);
}

static void test_cancel_timer(void)
{
	FIXTURE(f);
	struct probe timer = { 0 };

	probe_timer(f, &timer, f->backend->now_ns + 3600 * SEC);
	turn(f, 0);
	probe_cancel(&timer);
	probe_wait_end(&timer);
	CHECK_INT(timer.res, -ECANCELED);
	settle(f);
	CHECK_INT(timer.results, 1);
}

static void test_cancel_blocked_send(void)
{
	static const uint8_t zeros[1 << 20];
	FIXTURE(f);
	struct probe send = { 0 }, recv = { 0 };
	int fd[2];

	CHECK_INT(f->peer->local_pair(f, fd), 0);
	do {
		probe_send(f, &send, fd[0], zeros, sizeof(zeros));
		settle(f);
	} while (send.finals);
	send.results = 0;
	probe_cancel(&send);
	probe_wait_end(&send);
	CU_ASSERT(send.res == -ECANCELED || send.res > 0); /* what was taken before */
	settle(f);
	CHECK_INT(send.results, 1);
	/* The other direction is as it was. */
	probe_recv(f, &recv, fd[0]);
	f->peer->write(f, fd[1], "hello", 5);
	probe_wait_bytes(&recv, 5);
}

static void test_cancel_finished(void)
{
	FIXTURE(f);
	struct probe send = { 0 }, timer = { 0 };
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_send(f, &send, fd[0], "hello", 5);
	probe_timer(f, &timer, 0);
	CHECK_INT(f->ops->wait(f->backend, -1), 1);
	probe_cancel(&timer);
	probe_cancel(&send);
	probe_wait_end(&send);
	probe_wait_end(&timer);
	CU_ASSERT(send.res == 5 || send.res == -ECANCELED);
	CU_ASSERT(timer.res == 0 || timer.res == -ECANCELED);
	settle(f);
	CHECK_INT(send.results, 1);
	CHECK_INT(timer.results, 1);
}

static void test_cancel_ended_receive(void)
{
	FIXTURE(f);
	struct probe recv = { 0 };
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_recv(f, &recv, fd[0]);
	settle(f);
	f->peer->close(f, fd[1]);
	CHECK_INT(f->ops->wait(f->backend, -1), 1);
	probe_cancel(&recv);
	probe_wait_end(&recv);
	CU_ASSERT(recv.res == 0 || recv.res == -ECANCELED);
	settle(f);
	CHECK_INT(recv.results, 1);
}

static void test_cancel_and_close(void)
{
	FIXTURE(f);
	struct probe recv = { 0 }, close = { 0 };
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_recv(f, &recv, fd[0]);
	settle(f);
	f->peer->write(f, fd[1], "hello", 5);
	f->ops->wait(f->backend, 10 * MS);
	probe_cancel(&recv);
	probe_close(f, &close, fd[0]);
	probe_wait_end(&close);
	CHECK_INT(recv.finals, 1);
	CU_ASSERT(recv.when < close.when);
}

static void test_cancel_connect(void)
{
	FIXTURE(f);
	struct probe connect = { 0 }, close = { 0 };
	int listener = f->peer->listen(f), fd = f->peer->socket(f);
	struct sockaddr_storage to;
	socklen_t to_len;

	f->peer->address(listener, &to, &to_len);
	probe_connect(f, &connect, fd, &to, to_len);
	probe_cancel(&connect);
	probe_wait_end(&connect);
	CU_ASSERT(connect.res == 0 || connect.res == -ECANCELED);
	probe_close(f, &close, fd);
	probe_wait_end(&close);
	CHECK_INT(close.res, 0);
}

CU_TestInfo cancel_tests[] = {
	{ "a cancelled receive comes back once and another one works", test_cancel_receive },
	{ "cancelling a receive loses no bytes", test_cancel_with_data },
	{ "a receive may be cancelled while its result is handled", test_cancel_inside },
	{ "a cancelled accept comes back and another one works", test_cancel_accept },
	{ "a cancelled timer comes back once", test_cancel_timer },
	{ "a send that waits can be cancelled, and reading goes on", test_cancel_blocked_send },
	{ "cancelling what is finished changes nothing", test_cancel_finished },
	{ "so does cancelling a receive that has ended", test_cancel_ended_receive },
	{ "a close may follow a cancel at once", test_cancel_and_close },
	{ "a connect can be cancelled", test_cancel_connect },
	CU_TEST_INFO_NULL,
};
