/*
 * test_sim.c - the simulated network's own promises: exact times, drawn faults, nets in common.
 *
 * That the backend keeps the rules of backend.h, tests test_backend_contract.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "backends/sim.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tests/test.h"

#define SEED 3
#define LEN  100000

/* An operation that writes down how it came back. */
struct probe {
	struct io_op op;
	int results, finals;
	int32_t res;
	int64_t bytes, now_ns;
	struct backend *b;
};

static void done(struct io_op *op, const struct io_result *r)
{
	struct probe *p = (struct probe *)op;

	p->results++;
	p->finals += !r->more;
	p->res = r->res;
	p->bytes += r->res > 0 ? r->res : 0;
	p->now_ns = p->b->now_ns;
}

static struct backend *open_on(struct sim_net *net)
{
	struct backend *b = NULL;

	CHECK_INT(backend_sim.open(&b, &(struct sim_opts){ net }, NULL), 0);
	return b;
}

static void submit(struct backend *b, struct probe *p, enum io_kind kind, int fd)
{
	p->b = b;
	p->op.kind = kind;
	p->op.fd = fd;
	p->op.done = done;
	p->finals = 0;
	backend_sim.submit(b, &p->op);
}

static int turn(struct backend *b, int64_t timeout_ns)
{
	int rc = backend_sim.wait(b, timeout_ns);
	struct io_result r;

	while (backend_sim.next(b, &r))
		r.op->done(r.op, &r);
	return rc;
}

static void test_delay(void)
{
	struct sim_net *net = sim_net_create(SEED, &(struct sim_faults){ .delay_ns = 10 * MS });
	struct backend *b = open_on(net);
	struct probe recv = { 0 };
	char got[8];
	int fd[2];

	sim_pair(net, fd);
	submit(b, &recv, IO_RECV, fd[0]);
	CHECK_INT(sim_write(net, fd[1], "hello", 5), 5);
	CHECK_INT(turn(b, 9 * MS), 0);
	CHECK_INT(b->now_ns, 9 * MS);
	CHECK_INT(turn(b, SEC), 1);
	CHECK_INT(recv.bytes, 5);
	CHECK_INT(recv.now_ns, 10 * MS);
	CHECK_INT(sim_write(net, fd[0], "hello", 5), 5);
	CHECK_INT(sim_read(net, fd[1], got, 8), -EAGAIN);
	turn(b, 10 * MS);
	CHECK_INT(sim_read(net, fd[1], got, 8), 5);
	sim_shutdown(net, fd[1]);
	CHECK_INT(turn(b, SEC), 1);
	CHECK_INT(recv.res, 0);
	CHECK_INT(sim_net_now_ns(net), 30 * MS);
	backend_sim.close(b);
	sim_net_destroy(net);
}

static void test_jitter_keeps_order(void)
{
	struct sim_faults faults = { .delay_ns = 1 * MS, .jitter_ns = 5 * MS };
	struct sim_net *net = sim_net_create(SEED, &faults);
	struct backend *b = open_on(net);
	uint8_t next = 0, byte;
	int fd[2];

	sim_pair(net, fd);
	for (uint8_t i = 0; i < 100; i++)
		CHECK_INT(sim_write(net, fd[0], &i, 1), 1);
	for (int i = 0; i < 1000 && next < 100; i++) {
		turn(b, 100 * US);
		while (sim_read(net, fd[1], &byte, 1) == 1)
			CHECK_INT(byte, next++);
	}
	CHECK_INT(next, 100);
	CU_ASSERT(sim_net_now_ns(net) > 1 * MS && sim_net_now_ns(net) <= 7 * MS);
	backend_sim.close(b);
	sim_net_destroy(net);
}

/* How a transfer under faults went, as one number. */
static int64_t transfer(uint64_t seed, int *ret_pieces)
{
	struct sim_faults faults = {
		.short_send = 0.5, .short_recv = 0.5, .jitter_ns = MS, .buffer = 4000
	};
	struct sim_net *net = sim_net_create(seed, &faults);
	struct backend *b = open_on(net);
	struct probe recv = { 0 }, send = { 0 };
	static const char zeros[LEN];
	int64_t sum = 0;
	int fd[2];

	sim_pair(net, fd);
	submit(b, &recv, IO_RECV, fd[0]);
	for (int i = 0; i < 10000 && recv.bytes < LEN; i++) {
		if (send.bytes < LEN && send.finals == !!send.results) {
			send.op.buf = zeros;
			send.op.len = LEN - send.bytes;
			submit(b, &send, IO_SEND, fd[1]);
		}
		turn(b, SEC);
		sum = sum * 31 % 1000000007 + recv.bytes + b->now_ns;
	}
	CHECK_INT(recv.bytes, LEN);
	*ret_pieces = recv.results;
	backend_sim.close(b);
	sim_net_destroy(net);
	return sum;
}

static void test_seed(void)
{
	int pieces, again;
	int64_t sum = transfer(SEED, &pieces);

	CU_ASSERT(pieces > LEN / 4000 + 5);
	CHECK_INT(transfer(SEED, &again), sum);
	CHECK_INT(again, pieces);
	CU_ASSERT(transfer(SEED + 1, &again) != sum);
}

static void test_reset_fault(void)
{
	struct sim_net *net = sim_net_create(SEED, &(struct sim_faults){ .reset = 1 });
	struct backend *b = open_on(net);
	struct probe recv = { 0 }, send = { 0 };
	char byte;
	int fd[2];

	sim_pair(net, fd);
	CHECK_INT(sim_write(net, fd[1], "hello", 5), 5); /* a peer's own calls are exact */
	send.op.buf = "hello";
	send.op.len = 5;
	submit(b, &send, IO_SEND, fd[0]);
	submit(b, &recv, IO_RECV, fd[0]);
	turn(b, 0);
	CHECK_INT(send.res, -ECONNRESET);
	CHECK_INT(recv.res, -ECONNRESET);
	CHECK_INT(recv.finals, 1);
	CHECK_INT(sim_read(net, fd[1], &byte, 1), -ECONNRESET);
	backend_sim.close(b);
	sim_net_destroy(net);
}

static void test_buffer(void)
{
	struct sim_net *net = sim_net_create(SEED, &(struct sim_faults){ .buffer = 100 });
	char bytes[200] = { 0 };
	int fd[2];

	sim_pair(net, fd);
	CHECK_INT(sim_write(net, fd[0], bytes, 60), 60);
	CHECK_INT(sim_write(net, fd[0], bytes, 60), 40);
	CHECK_INT(sim_write(net, fd[0], bytes, 1), -EAGAIN);
	CHECK_INT(sim_read(net, fd[1], bytes, 30), 30);
	CHECK_INT(sim_write(net, fd[0], bytes, 60), 30);
	CHECK_INT(sim_read(net, fd[1], bytes, 200), 100);
	sim_net_destroy(net);
}

static void test_connect_takes_time(void)
{
	struct sim_net *net = sim_net_create(SEED, &(struct sim_faults){ .delay_ns = 3 * MS });
	struct backend *b = open_on(net);
	struct probe connect = { 0 }, accept = { 0 };
	struct sockaddr_storage to;
	int listener = sim_listen(net);

	sim_address(listener, &to, &connect.op.addr_len);
	connect.op.addr = (struct sockaddr *)&to;
	submit(b, &accept, IO_ACCEPT, listener);
	submit(b, &connect, IO_CONNECT, sim_socket(net));
	turn(b, SEC);
	CHECK_INT(connect.res, 0);
	CHECK_INT(connect.now_ns, 3 * MS);
	CHECK_INT(accept.results, 1);
	CU_ASSERT(accept.res > 0);
	backend_sim.close(b);
	sim_net_destroy(net);
}

/* Two loops in one thread, each waiting for ever, as a node and a client in a test do. */
static void test_shared_net(void)
{
	struct sim_net *net = sim_net_create(SEED, &(struct sim_faults){ .delay_ns = 1 * MS });
	struct backend *a = open_on(net), *b = open_on(net);
	struct probe recv_a = { 0 }, recv_b = { 0 }, timer = { 0 };
	int fd[2];

	sim_pair(net, fd);
	submit(a, &recv_a, IO_RECV, fd[0]);
	submit(b, &recv_b, IO_RECV, fd[1]);
	timer.op.deadline_ns = 5 * MS;
	submit(b, &timer, IO_TIMER, -1);
	sim_write(net, fd[0], "hello", 5);
	for (int i = 0; i < 20 && !timer.finals; i++) {
		turn(a, -1);
		turn(b, -1);
	}
	CHECK_INT(recv_b.bytes, 5);
	CHECK_INT(recv_b.now_ns, 1 * MS);
	CHECK_INT(timer.now_ns, 5 * MS);
	CHECK_INT(recv_a.results, 0);
	backend_sim.close(a);
	sim_write(net, fd[0], "hello", 5);
	turn(b, -1);
	CHECK_INT(recv_b.bytes, 10);
	backend_sim.close(b);
	sim_net_destroy(net);
}

static void test_own_net(void)
{
	struct backend *b = open_on(NULL);
	struct probe timer = { 0 };

	timer.op.deadline_ns = 3600 * SEC;
	submit(b, &timer, IO_TIMER, -1);
	CHECK_INT(turn(b, -1), 1);
	CHECK_INT(b->now_ns, 3600 * SEC);
	backend_sim.close(b);
}

static void test_scripted_mistakes(void)
{
	struct sim_net *net = sim_net_create(SEED, &(struct sim_faults){ 0 });
	char byte = 0;
	int fd[2];

	CHECK_INT(sim_write(net, 99, &byte, 1), -EBADF);
	CHECK_INT(sim_read(net, -1, &byte, 1), -EBADF);
	CHECK_INT(sim_close(net, 99), -EBADF);
	CHECK_INT(sim_connect(net, 99), -ECONNREFUSED);
	sim_pair(net, fd);
	CHECK_INT(sim_connect(net, fd[0]), -ECONNREFUSED);
	CHECK_INT(sim_close(net, fd[0]), 0);
	CHECK_INT(sim_close(net, fd[0]), -EBADF);
	CHECK_INT(sim_write(net, fd[1], &byte, 1), -EPIPE);
	CHECK_INT(sim_read(net, fd[1], &byte, 1), 0);
	sim_net_destroy(net);
	sim_net_destroy(NULL);
}

static CU_TestInfo tests[] = {
	{ "bytes and ends arrive after the delay, to the nanosecond", test_delay },
	{ "jitter keeps the order", test_jitter_keeps_order },
	{ "a seed is a run; another seed is another", test_seed },
	{ "a reset by fault is seen by both ends", test_reset_fault },
	{ "a buffer takes what it is told to take", test_buffer },
	{ "a connection takes one delay", test_connect_takes_time },
	{ "two backends share a net and its time", test_shared_net },
	{ "a backend without a net has its own", test_own_net },
	{ "mistakes of a script are errors", test_scripted_mistakes },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("sim", tests);
}
