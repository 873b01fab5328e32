/*
 * test_readiness.c - what the readiness backends cost, counted; and their core over a kernel that
 * a test plays.
 *
 * That they keep the rules, tests test_backend_contract.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "backends/readiness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tests/test.h"

#define PAIRS  64
#define ROUNDS 10

/* An echo: each receive is answered at once. */
struct echo {
	struct io_op recv, send;
	const struct backend_ops *ops;
	struct backend *backend;
};

static void sent(struct io_op *op, const struct io_result *r)
{
	CHECK_INT(r->res, 5);
}

static void received(struct io_op *op, const struct io_result *r)
{
	struct echo *e = (struct echo *)op;

	CHECK_INT(r->res, 5);
	e->send.buf = "reply";
	e->send.len = 5;
	e->ops->submit(e->backend, &e->send);
}

static struct backend *open_with(const char *name, const char *key, const char *value,
				 const struct backend_ops **ret_ops)
{
	const struct backend_ops *ops = backend_find(name, NULL);
	void *opts AUTO(auto_free) = calloc(1, ops->group.opts_size);
	struct backend *b = NULL;

	knob_defaults(&ops->group, opts);
	if (key)
		CHECK_INT(knob_parse(knob_find(&ops->group, key), value, opts, NULL), 0);
	CHECK_INT(ops->open(&b, opts, NULL), 0);
	*ret_ops = ops;
	return b;
}

static void turn(const struct backend_ops *ops, struct backend *b, int64_t timeout_ns)
{
	struct io_result r;

	ops->wait(b, timeout_ns);
	while (ops->next(b, &r))
		r.op->done(r.op, &r);
}

static void play_round(struct backend *b, struct echo *echoes, int fd[PAIRS][2])
{
	char reply[5];

	for (int i = 0; i < PAIRS; i++)
		CHECK_INT(write(fd[i][1], "hello", 5), 5);
	turn(echoes->ops, b, SEC);
	for (int i = 0; i < PAIRS; i++)
		CHECK_INT(read(fd[i][1], reply, 5), 5);
}

/* System calls for ROUNDS times PAIRS requests, after a first round that arms. */
static uint64_t calls(const char *name, const char *key, const char *value)
{
	struct echo echoes[PAIRS] = { 0 };
	int fd[PAIRS][2];
	const struct backend_ops *ops;
	struct backend *b = open_with(name, key, value, &ops);
	uint64_t before;

	for (int i = 0; i < PAIRS; i++) {
		CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd[i]), 0);
		echoes[i] = (struct echo){
			.recv = { .kind = IO_RECV, .fd = fd[i][0], .done = received },
			.send = { .kind = IO_SEND, .fd = fd[i][0], .done = sent },
			.ops = ops,
			.backend = b,
		};
		ops->submit(b, &echoes[i].recv);
	}
	play_round(b, echoes, fd);
	before = b->stats.syscalls;
	for (int i = 0; i < ROUNDS; i++)
		play_round(b, echoes, fd);
	before = b->stats.syscalls - before;
	ops->close(b);
	for (int i = 0; i < PAIRS; i++) {
		close(fd[i][0]);
		close(fd[i][1]);
	}
	return before;
}

static void test_calls(void)
{
	const uint64_t want = ROUNDS * (2 * PAIRS + 1);

	CHECK_INT(calls("select", NULL, NULL), want);
	CHECK_INT(calls("poll", NULL, NULL), want);
	CHECK_INT(calls("epoll", NULL, NULL), want);
	CHECK_INT(calls("epoll", "trigger", "edge"), want);
	CHECK_INT(calls("epoll", "trigger", "oneshot"), want + ROUNDS * PAIRS);
}

static void ignore(struct io_op *op, const struct io_result *r)
{
}

/* Nobody receives although there is something: seen once, then never again. */
static void test_unwanted(void)
{
	static const char *const names[] = { "select", "poll", "epoll" };
	const struct backend_ops *ops;
	struct backend *b;
	uint64_t waits;
	int fd[2];

	for (int i = 0; i < 3; i++) {
		struct io_op recv = { .kind = IO_RECV, .done = ignore };

		b = open_with(names[i], NULL, NULL, &ops);
		CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
		recv.fd = fd[0];
		ops->submit(b, &recv);
		turn(ops, b, 0);
		ops->cancel(b, &recv);
		CHECK_INT(write(fd[1], "hello", 5), 5);
		turn(ops, b, 0);
		waits = b->stats.syscalls;
		CHECK_INT(ops->wait(b, 1 * MS), 0);
		CU_ASSERT(b->stats.syscalls - waits <= 3);
		waits = b->stats.syscalls;
		CHECK_INT(ops->wait(b, 1 * MS), 0);
		CHECK_INT(b->stats.syscalls - waits, 1);
		ops->close(b);
		close(fd[0]);
		close(fd[1]);
	}
}

/* A full socket is left alone until the kernel says that there is space. */
static void test_full(void)
{
	static const char *const names[] = { "select", "poll", "epoll" };
	static char bytes[1 << 20];
	const struct backend_ops *ops;
	struct backend *b;
	uint64_t calls;
	int fd[2];

	for (int i = 0; i < 3; i++) {
		struct io_op send = { .kind = IO_SEND, .done = ignore };

		b = open_with(names[i], NULL, NULL, &ops);
		CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
		send.fd = fd[0];
		send.buf = bytes;
		send.len = sizeof(bytes);
		ops->submit(b, &send);
		turn(ops, b, 0);
		calls = b->stats.syscalls;
		ops->submit(b, &send);
		CU_ASSERT(b->stats.syscalls - calls <= 1);
		calls = b->stats.syscalls;
		CHECK_INT(ops->wait(b, 1 * MS), 0);
		CHECK_INT(b->stats.syscalls - calls, 1);
		while (read(fd[1], bytes, sizeof(bytes)) > 0)
			;
		CHECK_INT(ops->wait(b, SEC), 1);
		CHECK_INT(b->stats.retries, 0);
		ops->close(b);
		close(fd[0]);
		close(fd[1]);
	}
}

/* Another descriptor keeps the socket open after the close: its events are nobody's. */
static void test_close_forgets(void)
{
	static const char *const names[] = { "select", "poll", "epoll" };
	const struct backend_ops *ops;
	struct backend *b;
	uint64_t calls;
	int fd[2], other;

	for (int i = 0; i < 3; i++) {
		struct io_op recv = { .kind = IO_RECV, .done = ignore };
		struct io_op end = { .kind = IO_CLOSE, .done = ignore };

		b = open_with(names[i], NULL, NULL, &ops);
		CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
		other = dup(fd[0]);
		recv.fd = end.fd = fd[0];
		ops->submit(b, &recv);
		turn(ops, b, 0);
		ops->submit(b, &end);
		turn(ops, b, 0);
		CHECK_INT(write(fd[1], "hello", 5), 5);
		calls = b->stats.syscalls;
		CHECK_INT(ops->wait(b, 1 * MS), 0);
		CHECK_INT(b->stats.syscalls - calls, 1);
		ops->close(b);
		close(other);
		close(fd[1]);
	}
}

/* Datagrams that keep coming leave room for the other descriptors of the batch. */
static void test_turns(void)
{
	struct io_op many = { .kind = IO_RECVFROM, .done = ignore };
	struct io_op one = { .kind = IO_RECV, .done = ignore };
	const struct backend_ops *ops;
	struct backend *b = open_with("epoll", NULL, NULL, &ops);
	struct io_result r;
	int datagrams[2], stream[2], before = 0;

	CHECK_INT(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, datagrams), 0);
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, stream), 0);
	while (write(datagrams[1], "hello", 5) > 0)
		before++;
	CHECK_INT(write(stream[1], "hello", 5), 5);
	many.fd = datagrams[0];
	one.fd = stream[0];
	ops->submit(b, &many);
	ops->submit(b, &one);
	CHECK_INT(ops->wait(b, SEC), 1);
	CU_ASSERT(before > 3); /* and refilled below, so there is no end to them */
	for (before = 0; before < 100 && ops->next(b, &r) && r.op != &one; before++)
		CHECK_INT(write(datagrams[1], "hello", 5), 5);
	CU_ASSERT(before <= 16);
	ops->close(b);
	close(datagrams[0]);
	close(datagrams[1]);
	close(stream[0]);
	close(stream[1]);
}

/* What wait() has already taken becomes the last result. */
static void test_cancel_after_wait(void)
{
	struct io_op recv = { .kind = IO_RECV, .done = ignore };
	const struct backend_ops *ops;
	struct backend *b = open_with("epoll", NULL, NULL, &ops);
	struct io_result r;
	int fd[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	recv.fd = fd[0];
	ops->submit(b, &recv);
	CHECK_INT(write(fd[1], "hello", 5), 5);
	CHECK_INT(ops->wait(b, SEC), 1);
	ops->cancel(b, &recv);
	CU_ASSERT(ops->next(b, &r) && r.op == &recv);
	CHECK_INT(r.res, 5);
	CHECK_INT(r.more, false);
	CU_ASSERT(!ops->next(b, &r));
	ops->close(b);
	close(fd[0]);
	close(fd[1]);
}

static void tcp_pair(int fd[2])
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(to);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_INT(bind(listener, (struct sockaddr *)&to, len), 0);
	CHECK_INT(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&to, &len);
	fd[1] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_INT(connect(fd[1], (struct sockaddr *)&to, len), 0);
	fd[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	close(listener);
}

/* The kernel tells of a reset once. If a send hears of it, the receive must not end orderly. */
static void test_reset_met_by_send(void)
{
	struct io_op recv = { .kind = IO_RECV, .done = ignore };
	struct io_op send = { .kind = IO_SEND, .done = ignore, .buf = "hello", .len = 5 };
	struct linger at_once = { .l_onoff = 1 };
	const struct backend_ops *ops;
	struct backend *b = open_with("epoll", NULL, NULL, &ops);
	struct io_result r;
	int fd[2];

	tcp_pair(fd);
	recv.fd = send.fd = fd[0];
	ops->submit(b, &recv);
	setsockopt(fd[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd[1]);
	ops->submit(b, &send);
	CHECK_INT(ops->wait(b, SEC), 1);
	CU_ASSERT(ops->next(b, &r) && r.op == &send);
	CHECK_INT(r.res, -ECONNRESET);
	CHECK_INT(ops->wait(b, SEC), 1);
	CU_ASSERT(ops->next(b, &r) && r.op == &recv);
	CHECK_INT(r.res, -ECONNRESET);
	ops->close(b);
	close(fd[0]);
}

static void test_memory(void)
{
	CU_ASSERT(sizeof(struct slot) <= 32);
}

/* The kernel that a test plays: it watches everything, and waits so long, whatever it is told. */
struct fake {
	struct readiness core;
	int64_t takes_ns, timeouts_ns[16];
	int waits;
};

static int fake_open(struct readiness *r, const void *opts, struct err *err)
{
	return 0;
}

static void fake_close(struct readiness *r)
{
}

static int fake_watch(struct readiness *r, int fd, struct slot *slot, unsigned wanted)
{
	return 0;
}

static int fake_wait(struct readiness *r, int64_t timeout_ns)
{
	struct fake *f = (struct fake *)r;
	struct timespec takes = clock_timespec(f->takes_ns);

	if (f->waits < 16)
		f->timeouts_ns[f->waits++] = timeout_ns;
	nanosleep(&takes, NULL);
	return 0;
}

static const struct readiness_ops fake_io = {
	.size = sizeof(struct fake),
	.open = fake_open,
	.close = fake_close,
	.watch = fake_watch,
	.wait = fake_wait,
};
static const struct backend_ops fake_ops = { .group = { .name = "fake" } };

static struct fake *open_fake(int64_t busy_wait_ns, int64_t takes_ns)
{
	struct readiness_opts opts = { .busy_wait_ns = busy_wait_ns, .recv_buffer = 64 };
	struct backend *b = NULL;
	struct fake *f;

	CHECK_INT(readiness_open(&b, &fake_ops, &fake_io, &opts, NULL), 0);
	f = (struct fake *)b;
	f->takes_ns = takes_ns;
	return f;
}

static void test_late_busy_wait(void)
{
	struct fake *f = open_fake(1 * MS, 3 * MS);

	CHECK_INT(readiness_wait(&f->core.backend, 2 * MS), 0);
	for (int i = 0; i < f->waits; i++)
		CHECK_INT(f->timeouts_ns[i], 0);
	readiness_close(&f->core.backend);
}

static void test_busy_wait_then_sleep(void)
{
	struct fake *f = open_fake(1 * MS, 2 * MS);

	CHECK_INT(readiness_wait(&f->core.backend, 500 * MS), 0);
	CHECK_INT(f->timeouts_ns[0], 0);
	CU_ASSERT(f->timeouts_ns[1] > 0 && f->timeouts_ns[1] <= 498 * MS);
	readiness_close(&f->core.backend);
}

static void test_timer_bounds_the_wait(void)
{
	struct fake *f = open_fake(0, 1 * MS);
	struct io_op timer = { .kind = IO_TIMER };
	struct io_result r;

	timer.deadline_ns = clock_now_ns() + 200 * MS;
	readiness_submit(&f->core.backend, &timer);
	CHECK_INT(readiness_wait(&f->core.backend, -1), 1);
	for (int i = 0; i < f->waits; i++)
		CU_ASSERT(f->timeouts_ns[i] > 0 && f->timeouts_ns[i] <= 200 * MS);
	CU_ASSERT(readiness_next(&f->core.backend, &r) && r.op == &timer);
	readiness_close(&f->core.backend);
}

static CU_TestInfo tests[] = {
	{ "64 requests cost 128 calls and a wait (oneshot: 64 more)", test_calls },
	{ "an event that nobody wants comes once", test_unwanted },
	{ "a full socket is not tried before there is space", test_full },
	{ "a closed descriptor has no more events, though its socket lives", test_close_forgets },
	{ "a descriptor that never ends leaves others their turn", test_turns },
	{ "a cancel after the wait makes its result the last", test_cancel_after_wait },
	{ "a reset that a send met is no orderly end", test_reset_met_by_send },
	{ "a descriptor costs 32 bytes", test_memory },
	{ "a busy wait that ends late does not sleep", test_late_busy_wait },
	{ "a busy wait sleeps for what is left", test_busy_wait_then_sleep },
	{ "no wait is longer than until the next timer", test_timer_bounds_the_wait },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("readiness", tests);
}
