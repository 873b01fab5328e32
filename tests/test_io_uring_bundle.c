/*
 * test_io_uring_bundle.c - what io_uring promises of one receive into several buffers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/backend_fixture.h"

/* Bytes are the index of where they stand in 16 KiB, as far as they came. */
struct stream {
	struct io_op op;
	uint32_t bytes;
	bool in_order;
};

static void follow(struct io_op *op, const struct io_result *r)
{
	struct stream *s = (struct stream *)op;

	for (int i = 0; i < r->res; i++)
		s->in_order &= r->data[i] == (uint8_t)((s->bytes + (uint32_t)i) * 251 >> 8);
	s->bytes += r->res > 0 ? (uint32_t)r->res : 0;
}

/* What 16 KiB in buffers of 256 bytes took. */
struct cost {
	uint64_t syscalls;
	struct verdict_report report;
};

static struct cost receive_stream(const char *text, void (*connect)(int fd[2]))
{
	void *opts AUTO(auto_free) = options(text);
	struct backend *b AUTO(auto_backend) = opened(text);
	struct cost cost;
	struct stream s = { .op = { .kind = IO_RECV, .done = follow }, .in_order = true };
	uint8_t sent[16384];
	int fd[2];

	for (uint32_t i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(i * 251 >> 8);
	connect(fd);
	s.op.fd = fd[0];
	CHECK_INT(backend_read_back(b, opts, &cost.report, NULL), 0);
	CHECK_INT(cost.report.verdict, VERDICT_OK);
	CHECK_INT(write(fd[1], sent, sizeof(sent)), sizeof(sent));
	ops->submit(b, &s.op);
	for (int i = 0; i < 1000 && s.bytes < sizeof(sent); i++)
		turn(b, SEC);
	CHECK_INT(s.bytes, sizeof(sent));
	CU_ASSERT(s.in_order);
	CHECK_INT(backend_read_back(b, opts, &cost.report, NULL), 0);
	cost.syscalls = b->stats.syscalls;
	close(fd[0]);
	close(fd[1]);
	return cost;
}

static void test_bundles(void)
{
	struct cost cost;

	if (!opens_new("recv-bundle=yes", 10))
		return;
	cost = receive_stream("buffers=64 buffer-size=256B multishot-recv=no", pair);
	CU_ASSERT(cost.syscalls >= 64);
	receive_stream("buffers=8 buffer-size=256B recv-bundle=yes", pair); /* which run out */
	cost = receive_stream("buffers=64 buffer-size=256B recv-bundle=yes", connect_loopback);
	CHECK_INT(cost.report.verdict, VERDICT_OK);
	cost = receive_stream("buffers=64 buffer-size=16KiB recv-bundle=yes", connect_loopback);
	CHECK_INT(cost.report.verdict, VERDICT_VACUOUS);
	CU_ASSERT(strstr(cost.report.why, "no receive filled more than one buffer") != NULL);
}

/* Linux 6.12 goes by what the receive before has told it: TCP's tells how much is left. */
static void test_bundle_of_one(void)
{
	struct cost cost;

	if (!opens_new("recv-bundle=yes", 10))
		return;
	cost = receive_stream("buffers=64 buffer-size=256B recv-bundle=yes multishot-recv=no",
			      pair);
	CHECK_INT(cost.report.verdict, cost.syscalls < 16 ? VERDICT_OK : VERDICT_VACUOUS);
	CU_ASSERT(cost.syscalls < 16 || cost.syscalls >= 64);
	CU_ASSERT(cost.syscalls < 16 || strstr(cost.report.why, "multishot-recv=yes") != NULL);
}

/* How long it takes to close a backend that has told of a bundle's first buffer only. */
static int64_t close_within_a_bundle(void)
{
	struct backend *b = opened("recv-bundle=yes buffers=16 buffer-size=256B multishot-recv=no");
	struct seen recv = { 0 };
	uint8_t bytes[2048] = { 0 };
	struct io_result r;
	int64_t began_ns, took_ns;
	int fd[2];

	pair(fd);
	CHECK_INT(write(fd[1], bytes, sizeof(bytes)), sizeof(bytes));
	recv.op = (struct io_op){ .kind = IO_RECV, .fd = fd[0], .done = see };
	ops->submit(b, &recv.op);
	CHECK_INT(ops->wait(b, SEC), 1);
	CU_ASSERT(ops->next(b, &r) && r.res == 256 && r.more);
	began_ns = clock_now_ns();
	ops->close(b);
	took_ns = clock_now_ns() - began_ns;
	close(fd[0]);
	close(fd[1]);
	return took_ns;
}

/*
 * What was received and not told of is no loss to who closes. He would wait a second each time for
 * an operation that has come back; a busy machine makes him wait, too, but not always.
 */
static void test_close_within_a_bundle(void)
{
	int64_t took_ns = SEC;

	if (!opens_new("recv-bundle=yes", 10))
		return;
	for (int i = 0; i < 20 && took_ns >= 900 * MS; i++)
		took_ns = close_within_a_bundle();
	CU_ASSERT(took_ns < 900 * MS);
}

static CU_TestInfo tests[] = {
	{ "a bundle is one receive into many buffers", test_bundles },
	{ "a bundle that never has two buffers is said to be vacuous", test_bundle_of_one },
	{ "a backend can be closed within a bundle", test_close_within_a_bundle },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return backend_main("io_uring", "io_uring_bundle", tests);
}
