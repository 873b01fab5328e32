/*
 * test_io_uring.c - what the io_uring backend promises beyond the contract while it runs.
 *
 * One system call a turn, buffers that run out, sends that must not pile up, turns that end. The
 * contract itself is tested by test_backend_contract, opening and closing by test_io_uring_open.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/backend_fixture.h"

/* In which order the kernel finishes what is ready is its own: Linux 6.1 begins with the last. */
static bool all_have(const struct seen *seen, int count, int results)
{
	for (int i = 0; i < count; i++)
		if (seen[i].results < results)
			return false;
	return true;
}

/* A hundred connections echo at a time: one turn sends and receives for all of them. */
static void test_one_system_call(void)
{
	enum { PAIRS = 100, TURNS = 20 };
	struct backend *b AUTO(auto_backend) = opened("");
	struct seen recv[PAIRS] = { 0 }, send[PAIRS] = { 0 };
	int fd[PAIRS][2];
	uint64_t was;

	for (int i = 0; i < PAIRS; i++) {
		pair(fd[i]);
		recv[i].op = (struct io_op){ .kind = IO_RECV, .fd = fd[i][0], .done = see };
		send[i].op = (struct io_op){
			.kind = IO_SEND, .fd = fd[i][1], .done = see, .buf = "hello", .len = 5
		};
		ops->submit(b, &recv[i].op);
	}
	turn(b, 0);
	was = b->stats.syscalls;
	for (int i = 0; i < TURNS; i++) {
		for (int p = 0; p < PAIRS; p++)
			ops->submit(b, &send[p].op);
		while (!all_have(recv, PAIRS, i + 1) || !all_have(send, PAIRS, i + 1))
			turn(b, SEC);
	}
	for (int p = 0; p < PAIRS; p++)
		CHECK_INT(recv[p].bytes, 5 * TURNS);
	/* The kernel hands out some tens of completions at a time; one call each would be 4000. */
	CU_ASSERT(b->stats.syscalls - was <= TURNS * 8);
	for (int p = 0; p < PAIRS; p++) {
		close(fd[p][0]);
		close(fd[p][1]);
	}
}

static void test_buffers_run_out(void)
{
	static const char bytes[4096];
	struct backend *b AUTO(auto_backend) = opened("buffers=2 buffer-size=256B");
	struct seen recv = { 0 };
	int fd[2];

	pair(fd);
	recv.op = (struct io_op){ .kind = IO_RECV, .fd = fd[0], .done = see };
	ops->submit(b, &recv.op);
	CHECK_INT(write(fd[1], bytes, sizeof(bytes)), sizeof(bytes));
	for (int i = 0; i < 100 && recv.bytes < sizeof(bytes); i++) {
		turn(b, SEC);
		CU_ASSERT(recv.res > 0);
	}
	CHECK_INT(recv.bytes, sizeof(bytes));
	CU_ASSERT(b->stats.retries > 0);
	close(fd[0]);
	close(fd[1]);
}

/* Three connections have data and there is one buffer: what becomes of those without? */
struct starved {
	struct seen recv[3], end;
	int fd[3][2];
	int hungry[2]; /* the two that got none */
};

static void find_hungry(struct starved *s)
{
	int count = 0;

	for (int i = 0; i < 3; i++)
		if (!s->recv[i].results && count < 2)
			s->hungry[count++] = i;
	CHECK_INT(count, 2);
	CHECK_INT(s->recv[0].bytes + s->recv[1].bytes + s->recv[2].bytes, 5);
}

static struct backend *starve(struct starved *s)
{
	struct backend *b = opened("buffers=1 buffer-size=256B");

	*s = (struct starved){ 0 };
	for (int i = 0; i < 3; i++) {
		pair(s->fd[i]);
		s->recv[i].op = (struct io_op){ .kind = IO_RECV, .fd = s->fd[i][0], .done = see };
		ops->submit(b, &s->recv[i].op);
	}
	turn(b, 0);
	for (int i = 0; i < 3; i++)
		CHECK_INT(write(s->fd[i][1], "hello", 5), 5);
	CHECK_INT(turn(b, SEC), 1);
	find_hungry(s);
	return b;
}

static void end_starved(struct starved *s)
{
	for (int i = 0; i < 3; i++) {
		close(s->fd[i][0]);
		close(s->fd[i][1]);
	}
}

static void test_cancel_starved(void)
{
	struct starved s;
	struct backend *b AUTO(auto_backend) = starve(&s);
	struct seen *one = &s.recv[s.hungry[0]], *two = &s.recv[s.hungry[1]];

	ops->cancel(b, &one->op);
	while (!one->results && turn(b, SEC) == 1)
		;
	CHECK_INT(one->res, -ECANCELED);
	ops->submit(b, &one->op);
	while ((!one->bytes || !two->bytes) && turn(b, SEC) == 1)
		;
	CHECK_INT(one->bytes, 5);
	CHECK_INT(two->bytes, 5);
	CHECK_INT(one->results, 2);
	end_starved(&s);
}

static void test_close_starved(void)
{
	struct starved s;
	struct backend *b AUTO(auto_backend) = starve(&s);
	struct seen *one = &s.recv[s.hungry[0]], *two = &s.recv[s.hungry[1]];

	s.end.op = (struct io_op){ .kind = IO_CLOSE, .fd = s.fd[s.hungry[1]][0], .done = see };
	ops->submit(b, &s.end.op);
	while ((!s.end.results || !one->bytes) && turn(b, SEC) == 1)
		;
	CHECK_INT(s.end.res, 0);
	CHECK_INT(two->res, -ECANCELED);
	CHECK_INT(two->results, 1);
	CHECK_INT(one->bytes, 5);
	CHECK_INT(write(s.fd[s.hungry[1]][0], "x", 1), -1);
	end_starved(&s);
}

/* The data one of them waited for went elsewhere; the other must not wait for it. */
static void test_starved_in_vain(void)
{
	struct starved s;
	struct backend *b AUTO(auto_backend) = starve(&s);
	struct seen *one = &s.recv[s.hungry[0]], *two = &s.recv[s.hungry[1]];
	char got[5];

	CHECK_INT(read(s.fd[s.hungry[0]][0], got, 5), 5);
	CHECK_INT(turn(b, 5 * SEC), 1);
	CHECK_INT(two->bytes, 5);
	CHECK_INT(write(s.fd[s.hungry[0]][1], "again", 5), 5);
	CHECK_INT(turn(b, 5 * SEC), 1);
	CHECK_INT(one->bytes, 5);
	end_starved(&s);
}

/* The queue of one entry is submitted by every next operation, so sends finish in the turn. */
struct endless {
	struct seen seen;
	struct backend *b;
};

static void send_again(struct io_op *op, const struct io_result *r)
{
	see(op, r);
	ops->submit(((struct endless *)op)->b, op);
}

static void test_turn_ends(void)
{
	enum { SENDS = 3, ENOUGH = 10000 };
	struct backend *b AUTO(auto_backend) = opened("entries=1 cq-entries=64");
	struct endless sends[SENDS] = { 0 };
	struct io_result r;
	int fd[SENDS][2], results = 0;

	for (int i = 0; i < SENDS; i++) {
		if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd[i]) < 0)
			abort();
		shutdown(fd[i][1], SHUT_RD); /* every send fails at once */
		sends[i].b = b;
		sends[i].seen.op = (struct io_op){ .kind = IO_SEND,
						   .fd = fd[i][0],
						   .buf = "hello",
						   .len = 5,
						   .done = send_again };
		ops->submit(b, &sends[i].seen.op);
	}
	CHECK_INT(ops->wait(b, SEC), 1);
	for (; results < ENOUGH && ops->next(b, &r); results++)
		r.op->done(r.op, &r);
	CU_ASSERT(results > 0 && results < ENOUGH);
	for (int i = 0; i < SENDS; i++) {
		close(fd[i][0]);
		close(fd[i][1]);
	}
}

/* A wake that comes after the wait it woke has returned, before its results are read. */
static void test_late_wake(void)
{
	struct backend *b AUTO(auto_backend) = opened("");
	struct seen recv = { .op = { .kind = IO_RECV, .done = see } };
	struct io_result r;
	int64_t start_ns;
	int fd[2];

	pair(fd);
	recv.op.fd = fd[0];
	ops->submit(b, &recv.op);
	turn(b, 0);
	CHECK_INT(write(fd[1], "hello", 5), 5);
	ops->wake(b);
	CHECK_INT(ops->wait(b, SEC), 1);
	ops->wake(b);
	while (ops->next(b, &r))
		r.op->done(r.op, &r);
	CHECK_INT(recv.bytes, 5);
	start_ns = clock_now_ns();
	CHECK_INT(turn(b, 10 * SEC), 0);
	CU_ASSERT(clock_now_ns() - start_ns < 5 * SEC);
	close(fd[0]);
	close(fd[1]);
}

/* Sends leave before wait() when much memory hangs on them. */
static void test_pending_bytes(void)
{
	enum { SENDS = 5, LEN = 64 << 10 };
	static const char bytes[LEN];
	struct backend *b AUTO(auto_backend) = opened("");
	struct seen send[SENDS] = { 0 };
	int fd[SENDS][2];
	char got;

	turn(b, 0);
	for (int i = 0; i < SENDS; i++) {
		pair(fd[i]);
		send[i].op = (struct io_op){
			.kind = IO_SEND, .fd = fd[i][0], .done = see, .buf = bytes, .len = LEN
		};
		CHECK_INT(read(fd[0][1], &got, 1), -1);
		ops->submit(b, &send[i].op);
	}
	CHECK_INT(read(fd[0][1], &got, 1), 1);
	while (!send[SENDS - 1].results)
		turn(b, SEC);
	for (int i = 0; i < SENDS; i++) {
		CHECK_INT(send[i].res, LEN);
		close(fd[i][0]);
		close(fd[i][1]);
	}
}

/* More operations than the submission queue has entries, before any wait. */
static void test_full_queue(void)
{
	enum { PAIRS = 64 };
	struct backend *b AUTO(auto_backend) = opened("entries=4 cq-entries=8");
	struct seen recv[PAIRS] = { 0 };
	int fd[PAIRS][2];

	for (int i = 0; i < PAIRS; i++) {
		pair(fd[i]);
		recv[i].op = (struct io_op){ .kind = IO_RECV, .fd = fd[i][0], .done = see };
		ops->submit(b, &recv[i].op);
		CHECK_INT(write(fd[i][1], "hello", 5), 5);
	}
	for (int i = 0; i < PAIRS; i++)
		while (recv[i].bytes < 5 && turn(b, SEC) == 1)
			;
	for (int i = 0; i < PAIRS; i++) {
		CHECK_INT(recv[i].bytes, 5);
		CHECK_INT(recv[i].results, 1);
		close(fd[i][0]);
		close(fd[i][1]);
	}
}

/* A second, of which the second completion spares the most. */
static void test_min_wait(void)
{
	struct seen recv[2];
	struct backend *b;
	int fd[2][2];
	int64_t start_ns;

	if (!opens_new("min-wait=1s min-wait-count=2", 12))
		return;
	b = opened("min-wait=1s min-wait-count=2");
	for (int i = 0; i < 2; i++) {
		pair(fd[i]);
		recv[i] = (struct seen){ .op = { .kind = IO_RECV, .fd = fd[i][0], .done = see } };
		ops->submit(b, &recv[i].op);
	}
	turn(b, 0);
	for (int count = 1; count <= 2; count++) {
		for (int i = 0; i < count; i++)
			CHECK_INT(write(fd[i][1], "x", 1), 1);
		start_ns = clock_now_ns();
		CHECK_INT(turn(b, 20 * SEC), 1);
		CU_ASSERT(count == 2 || clock_now_ns() - start_ns >= SEC);
		CU_ASSERT(clock_now_ns() - start_ns < 15 * SEC);
	}
	CHECK_INT(recv[0].bytes, 2);
	CHECK_INT(recv[1].bytes, 1);
	CHECK_INT(b->stats.waits, 3);
	ops->close(b);
	for (int i = 0; i < 2; i++) {
		close(fd[i][0]);
		close(fd[i][1]);
	}
}

/* Sixteen small messages are ready at once, and there is one buffer for them. */
static uint64_t retries_with(const char *text)
{
	struct backend *b AUTO(auto_backend) = opened(text);
	struct seen recv[16] = { 0 };
	int fd[16][2], left = 16;

	for (int i = 0; i < 16; i++) {
		pair(fd[i]);
		recv[i].op = (struct io_op){ .kind = IO_RECV, .fd = fd[i][0], .done = see };
		CHECK_INT(write(fd[i][1], "0123456789", 10), 10);
		ops->submit(b, &recv[i].op);
	}
	while (left && turn(b, SEC) >= 0) {
		left = 16;
		for (int i = 0; i < 16; i++)
			left -= recv[i].bytes == 10;
	}
	CHECK_INT(left, 0);
	for (int i = 0; i < 16; i++) {
		close(fd[i][0]);
		close(fd[i][1]);
	}
	return b->stats.retries;
}

static void test_incremental_buffers(void)
{
	if (!opens_new("incremental-buffers=yes", 12))
		return;
	CU_ASSERT(retries_with("buffers=1") > 0);
	CHECK_INT(retries_with("buffers=1 incremental-buffers=yes"), 0);
}

static CU_TestInfo tests[] = {
	{ "a turn is a few system calls for a hundred connections", test_one_system_call },
	{ "buffers that run out are retried and counted, never told", test_buffers_run_out },
	{ "a receive without a buffer can be cancelled", test_cancel_starved },
	{ "a close returns a receive without a buffer first", test_close_starved },
	{ "a receive that waited for a buffer in vain holds up nobody", test_starved_in_vain },
	{ "what finishes while a turn is handled belongs to the next", test_turn_ends },
	{ "a wake between a wait and its results ends the next wait", test_late_wake },
	{ "sends leave early when they hold much memory", test_pending_bytes },
	{ "a full submission queue is no limit", test_full_queue },
	{ "min-wait waits for several, and after a while for one", test_min_wait },
	{ "an incremental buffer holds what many have sent", test_incremental_buffers },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return backend_main("io_uring", "io_uring", tests);
}
