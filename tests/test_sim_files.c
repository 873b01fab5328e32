/*
 * test_sim_files.c - simulated files: time, faults by seed, and what a cancelled write has done.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "backends/sim.h"
#include "base/clock.h"
#include "tests/test.h"

#define SEED 3

struct seen {
	struct io_op op;
	struct backend *b;
	int results, res;
	int64_t now_ns;
	uint8_t bytes[100];
};

static void see(struct io_op *op, const struct io_result *r)
{
	struct seen *s = (struct seen *)op;

	s->results++;
	s->res = r->res;
	s->now_ns = s->b->now_ns;
}

static struct backend *open_on(struct sim_net *net, enum backend_files files)
{
	struct backend *b = NULL;

	CHECK_INT(backend_sim.open(&b, &(struct sim_opts){ net }, NULL), 0);
	b->files = files;
	return b;
}

static void submit(struct backend *b, struct seen *s, enum io_kind kind, int fd)
{
	s->b = b;
	s->results = 0;
	s->op.kind = kind;
	s->op.fd = fd;
	s->op.done = see;
	s->op.buf = s->bytes;
	s->op.len = sizeof(s->bytes);
	backend_sim.submit(b, &s->op);
}

static int turn(struct backend *b, int64_t timeout_ns)
{
	int rc = backend_sim.wait(b, timeout_ns);
	struct io_result r;

	while (backend_sim.next(b, &r))
		r.op->done(r.op, &r);
	return rc;
}

/* Four reads of 10 ms each, two on either of two devices. */
static void check_times(enum backend_files files, const int64_t want_ns[4])
{
	struct sim_faults faults = { .file_delay_ns = 10 * MS };
	struct sim_net *net = sim_net_create(SEED, &faults);
	struct backend *b = open_on(net, files);
	struct seen s[4] = { 0 };
	int fd = sim_file(net, 1000);

	for (unsigned i = 0; i < 4; i++) {
		s[i].op.device = i / 2;
		submit(b, &s[i], IO_READ, fd);
	}
	for (int i = 0; i < 4; i++)
		turn(b, 10 * MS);
	for (int i = 0; i < 4; i++) {
		CHECK_INT(s[i].results, 1);
		CHECK_INT(s[i].res, 100);
		CHECK_INT(s[i].now_ns, want_ns[i]);
	}
	backend_sim.close(b);
	sim_net_destroy(net);
}

static void test_times(void)
{
	check_times(FILES_OWN, (int64_t[4]){ 10 * MS, 10 * MS, 10 * MS, 10 * MS });
	check_times(FILES_THREAD, (int64_t[4]){ 10 * MS, 20 * MS, 10 * MS, 20 * MS });
	check_times(FILES_INLINE, (int64_t[4]){ 0, 0, 0, 0 });
}

/* Results of 200 writes, added up in a way that order matters. */
static uint64_t run_with_faults(uint64_t seed, int *ret_short, int *ret_failed)
{
	struct sim_faults faults = { .short_file = 0.3, .file_error = 0.1, .file_jitter_ns = MS };
	struct sim_net *net = sim_net_create(seed, &faults);
	struct backend *b = open_on(net, FILES_OWN);
	int fd = sim_file(net, 0);
	uint64_t sum = 0;

	*ret_short = *ret_failed = 0;
	for (int i = 0; i < 200; i++) {
		struct seen s = { 0 };

		submit(b, &s, IO_WRITE, fd);
		turn(b, -1);
		CHECK_INT(s.results, 1);
		CU_ASSERT(s.res == -EIO || (s.res > 0 && s.res <= 100));
		*ret_short += s.res > 0 && s.res < 100;
		*ret_failed += s.res < 0;
		sum = sum * 31 + (uint64_t)s.res + (uint64_t)s.now_ns;
	}
	backend_sim.close(b);
	sim_net_destroy(net);
	return sum;
}

static void test_faults(void)
{
	int shorts, failed;
	uint64_t sum = run_with_faults(SEED, &shorts, &failed);

	CU_ASSERT(shorts > 30 && shorts < 90);
	CU_ASSERT(failed > 5 && failed < 40);
	CU_ASSERT(run_with_faults(SEED, &shorts, &failed) == sum);
	CU_ASSERT(run_with_faults(SEED + 1, &shorts, &failed) != sum);
}

static void test_cancelled_write(void)
{
	struct sim_faults faults = { .file_delay_ns = 10 * MS };
	struct sim_net *net = sim_net_create(SEED, &faults);
	struct backend *b = open_on(net, FILES_THREAD);
	struct seen s = { 0 }, end = { 0 };
	int fd = sim_file(net, 0);

	submit(b, &s, IO_WRITE, fd);
	backend_sim.cancel(b, &s.op);
	CHECK_INT(turn(b, 0), 1);
	CHECK_INT(s.res, -ECANCELED);
	CHECK_INT(turn(b, 20 * MS), 0);
	CHECK_INT(sim_file_size(net, fd), 0);
	submit(b, &s, IO_WRITE, fd);
	submit(b, &end, IO_CLOSE, fd);
	turn(b, 0);
	CHECK_INT(s.res, -ECANCELED);
	CHECK_INT(end.results, 1);
	backend_sim.close(b);
	sim_net_destroy(net);
}

/* The memory is the sender's again when the peer has the bytes. */
static void test_zero_copy(void)
{
	struct sim_net *net = sim_net_create(SEED, &(struct sim_faults){ .delay_ns = 7 * MS });
	struct backend *b = open_on(net, FILES_OWN);
	struct seen s = { .op.flags = IO_ZERO_COPY };
	int fd[2];

	sim_pair(net, fd);
	submit(b, &s, IO_SEND, fd[0]);
	CHECK_INT(turn(b, 6 * MS), 0);
	CHECK_INT(s.results, 0);
	CHECK_INT(turn(b, -1), 1);
	CHECK_INT(s.res, 100);
	CHECK_INT(s.now_ns, 7 * MS);
	/* What has been sent cannot be taken back. */
	submit(b, &s, IO_SEND, fd[0]);
	backend_sim.cancel(b, &s.op);
	turn(b, 0);
	CHECK_INT(s.res, 100);
	backend_sim.close(b);
	sim_net_destroy(net);
}

static void test_script(void)
{
	struct sim_net *net = sim_net_create(SEED, NULL);
	uint8_t buf[10] = { 1, 2, 3 };
	int fd = sim_file(net, 10), pair[2];

	CHECK_INT(sim_write_at(net, fd, buf, 3, 20), 3);
	CHECK_INT(sim_file_size(net, fd), 23);
	CHECK_INT(sim_read_at(net, fd, buf, 10, 15), 8);
	CHECK_INT(buf[4] * 100 + buf[5] * 10 + buf[6], 12);
	CHECK_INT(sim_write_at(net, fd, buf, 3, INT64_MAX - 1), -EFBIG);
	CHECK_INT(sim_read_at(net, 99, buf, 3, 0), -EBADF);
	CHECK_INT(sim_write_at(net, 99, buf, 3, 0), -EBADF);
	sim_pair(net, pair);
	CHECK_INT(sim_read_at(net, pair[0], buf, 3, 0), -ESPIPE);
	CHECK_INT(sim_write_at(net, pair[0], buf, 3, 0), -ESPIPE);
	CHECK_INT(sim_close(net, fd), 0);
	CHECK_INT(sim_file_size(net, fd), 0);
	sim_net_destroy(net);
}

static CU_TestInfo tests[] = {
	{ "all at a time, one after the other, or at once", test_times },
	{ "short counts and errors come by the seed", test_faults },
	{ "a cancelled write has not happened", test_cancelled_write },
	{ "a send without a copy comes back when its bytes arrive", test_zero_copy },
	{ "scripts read and write exactly", test_script },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("sim_files", tests);
}
