/*
 * contract_socket.c - the contract suite: accepting, connecting.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>

#include "tests/contract.h"

/* Accepted descriptors end with the fixture; the last one is in *context. */
static void keep_accepted(struct probe *p, const struct io_result *r)
{
	if (r->res < 0)
		return;
	fixture_keep(p->f, r->res);
	if (p->context)
		*(int *)p->context = r->res;
}

static void test_accept(void)
{
	FIXTURE(f);
	int last = -1, listener = f->peer->listen(f), peer;
	struct probe accept = { .then = keep_accepted, .context = &last }, recv = { 0 };

	probe_accept(f, &accept, listener);
	settle(f);
	for (int i = 1; i <= 10; i++) {
		peer = f->peer->connect(f, listener);
		CU_ASSERT(peer >= 0);
		probe_wait(&accept, i);
		CHECK_INT(accept.finals, 0);
		recv = (struct probe){ 0 };
		probe_recv(f, &recv, last);
		CHECK_INT(f->peer->write(f, peer, "hello", 5), 5);
		probe_wait_bytes(&recv, 5);
		probe_cancel(&recv);
		probe_wait_end(&recv);
	}
}

static void test_many_accepts(void)
{
	enum { PEERS = 100 };
	FIXTURE(f);
	struct probe accept = { .then = keep_accepted };
	int listener = f->peer->listen(f);

	for (int i = 0; i < PEERS; i++)
		CU_ASSERT(f->peer->connect(f, listener) >= 0);
	probe_accept(f, &accept, listener);
	probe_wait(&accept, PEERS);
	settle(f);
	CHECK_INT(accept.results, PEERS);
	CHECK_INT(accept.finals, 0);
}

static void test_accepted_flags(void)
{
	FIXTURE(f);
	int fd = -1, listener = f->peer->listen(f);
	struct probe accept = { .then = keep_accepted, .context = &fd };

	probe_accept(f, &accept, listener);
	f->peer->connect(f, listener);
	probe_wait(&accept, 1);
	if (!f->peer->kernel || fd & BACKEND_DIRECT) {
		test_does_not_apply("such a descriptor has no flags");
		return;
	}
	CU_ASSERT(fcntl(fd, F_GETFL) & O_NONBLOCK);
	CU_ASSERT(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void test_two_listeners(void)
{
	FIXTURE(f);
	struct probe accept[2] = { { .then = keep_accepted }, { .then = keep_accepted } };
	int listener[2] = { f->peer->listen(f), f->peer->listen(f) };

	for (int i = 0; i < 2; i++)
		probe_accept(f, &accept[i], listener[i]);
	for (int i = 0; i < 3; i++)
		f->peer->connect(f, listener[1]);
	f->peer->connect(f, listener[0]);
	probe_wait(&accept[0], 1);
	probe_wait(&accept[1], 3);
	settle(f);
	CHECK_INT(accept[0].results, 1);
	CHECK_INT(accept[1].results, 3);
}

static void test_out_of_descriptors(void)
{
	FIXTURE(f);
	int listener = f->peer->listen(f), peer = -1;
	struct probe accept = { .then = keep_accepted }, timer = { 0 };

	peer = f->peer->connect(f, listener);
	CU_ASSERT(peer >= 0);
	probe_accept(f, &accept, listener);
	f->peer->limit_descriptors(f, true);
	probe_wait(&accept, 1);
	if (accept.res >= 0 && accept.res & BACKEND_DIRECT) {
		test_does_not_apply("a direct descriptor is none of the process's");
		return;
	}
	CHECK_INT(accept.finals, 1);
	CHECK_INT(accept.res, -EMFILE);
	CHECK_INT(accept.results, 1);
	/* A waiting connection that nobody accepts must not end waits. */
	probe_timer(f, &timer, f->backend->now_ns + 5 * MS);
	probe_wait_end(&timer);
	f->peer->limit_descriptors(f, false);
	probe_accept(f, &accept, listener);
	probe_wait(&accept, 2);
	CU_ASSERT(accept.res >= 0);
	f->peer->connect(f, listener);
	probe_wait(&accept, 3);
	CU_ASSERT(accept.res >= 0);
	CHECK_INT(accept.finals, 0);
}

static void test_close_listener(void)
{
	FIXTURE(f);
	struct probe accept = { 0 }, close = { 0 };
	int listener = f->peer->listen(f);

	probe_accept(f, &accept, listener);
	settle(f);
	probe_close(f, &close, listener);
	probe_wait_end(&close);
	CHECK_INT(accept.res, -ECANCELED);
	CHECK_INT(accept.finals, 1);
	CU_ASSERT(accept.when < close.when);
}

static void test_connect(void)
{
	FIXTURE(f);
	int accepted = -1, listener = f->peer->listen(f), fd = f->peer->socket(f);
	struct probe accept = { .then = keep_accepted, .context = &accepted };
	struct probe connect = { 0 }, recv = { 0 }, send = { 0 };
	struct sockaddr_storage to;
	socklen_t to_len;

	f->peer->address(listener, &to, &to_len);
	probe_accept(f, &accept, listener);
	probe_connect(f, &connect, fd, &to, to_len);
	probe_wait_end(&connect);
	CHECK_INT(connect.res, 0);
	probe_wait(&accept, 1);
	probe_recv(f, &recv, accepted);
	probe_send(f, &send, fd, "hello", 5);
	probe_wait_bytes(&recv, 5);
	CHECK_INT(send.res, 5);
}

static void test_connect_refused(void)
{
	FIXTURE(f);
	struct probe connect = { 0 }, close = { 0 };
	int fd = f->peer->socket(f);
	struct sockaddr_storage to;
	socklen_t to_len;

	f->peer->deaf_address(f, &to, &to_len);
	probe_connect(f, &connect, fd, &to, to_len);
	probe_wait_end(&connect);
	CHECK_INT(connect.res, -ECONNREFUSED);
	probe_close(f, &close, fd);
	probe_wait_end(&close);
	CHECK_INT(close.res, 0);
}

CU_TestInfo socket_tests[] = {
	{ "an accept goes on completing, and what it returns works", test_accept },
	{ "a hundred waiting connections are all accepted", test_many_accepts },
	{ "accepted descriptors do not block and close on exec", test_accepted_flags },
	{ "two listeners do not mix", test_two_listeners },
	{ "running out of descriptors ends an accept, and a later one works",
	  test_out_of_descriptors },
	{ "closing a listener returns its accept first", test_close_listener },
	{ "a connect is a result of zero, and bytes flow", test_connect },
	{ "a refused connect is a result of -ECONNREFUSED", test_connect_refused },
	CU_TEST_INFO_NULL,
};
