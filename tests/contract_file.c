/*
 * contract_file.c - the contract suite: reading, writing and syncing files, wherever that happens.
 *
 * Runs for each of enum backend_files (test_backend_contract BACKEND files=thread).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/contract.h"

#define GB (1ULL << 30)
#define MB (1ULL << 20)

/* Writes or reads all of it, whatever is done at a time. */
static void whole(struct fixture *f, enum io_kind kind, int fd, uint8_t *buf, size_t len,
		  uint64_t offset)
{
	for (size_t done = 0; done < len;) {
		struct probe p = { 0 };

		if (kind == IO_READ)
			probe_read(f, &p, fd, buf + done, len - done, offset + done);
		else
			probe_write(f, &p, fd, buf + done, len - done, offset + done);
		probe_wait_end(&p);
		CU_ASSERT_FATAL(p.res > 0);
		done += p.res;
	}
}

static void test_write_and_read(void)
{
	static uint8_t wrote[MB], read[MB];
	FIXTURE(f);
	int fd = f->peer->file(f, 0);

	fill(wrote, sizeof(wrote), 1, 0);
	whole(f, IO_WRITE, fd, wrote, sizeof(wrote), 0);
	whole(f, IO_READ, fd, read, sizeof(read), 0);
	CU_ASSERT(!memcmp(wrote, read, sizeof(read)));
	memset(read, 0, sizeof(read));
	whole(f, IO_READ, fd, read, 777, 4095);
	CU_ASSERT(filled(read, 777, 1, 4095));
}

/* What the rest of the system sees is what was written, and the other way round. */
static void test_peer_sees(void)
{
	FIXTURE(f);
	uint8_t buf[5000];
	struct probe sync = { 0 };
	int fd = f->peer->file(f, 0);

	fill(buf, sizeof(buf), 2, 0);
	whole(f, IO_WRITE, fd, buf, sizeof(buf), 100);
	probe_sync(f, &sync, fd);
	probe_wait_end(&sync);
	CHECK_INT(sync.res, 0);
	memset(buf, 0, sizeof(buf));
	CHECK_INT(f->peer->read_at(f, fd, buf, sizeof(buf), 100), sizeof(buf));
	CU_ASSERT(filled(buf, sizeof(buf), 2, 0));
	fill(buf, 10, 3, 0);
	CHECK_INT(f->peer->write_at(f, fd, buf, 10, 200), 10);
	whole(f, IO_READ, fd, buf + 100, 10, 200);
	CU_ASSERT(filled(buf + 100, 10, 3, 0));
}

static void test_end_of_file(void)
{
	FIXTURE(f);
	uint8_t buf[100];
	struct probe p = { 0 };
	int fd = f->peer->file(f, 1000);

	memset(buf, 1, sizeof(buf));
	probe_read(f, &p, fd, buf, sizeof(buf), 950);
	probe_wait_end(&p);
	CHECK_INT(p.res, 50);
	CHECK_INT(buf[0] + buf[49], 0);
	CHECK_INT(buf[50], 1);
	for (int i = 0; i < 2; i++) {
		probe_read(f, &p, fd, buf, sizeof(buf), i ? 5 * GB : 1000);
		probe_wait_end(&p);
		CHECK_INT(p.res, 0);
	}
	probe_read(f, &p, fd, buf, 0, 10);
	probe_wait_end(&p);
	CHECK_INT(p.res, 0);
}

static void test_far_offsets(void)
{
	FIXTURE(f);
	uint8_t buf[100];
	int fd = f->peer->file(f, 0);

	fill(buf, sizeof(buf), 4, 0);
	whole(f, IO_WRITE, fd, buf, sizeof(buf), 5 * GB);
	memset(buf, 0, sizeof(buf));
	whole(f, IO_READ, fd, buf, sizeof(buf), 5 * GB);
	CU_ASSERT(filled(buf, sizeof(buf), 4, 0));
	/* And not where 32 bits would have put it. */
	whole(f, IO_READ, fd, buf, sizeof(buf), 1 * GB);
	for (size_t i = 0; i < sizeof(buf); i++)
		CU_ASSERT(buf[i] == 0);
}

static void expect_result(struct fixture *f, struct probe *p, int want)
{
	probe_wait_end(p);
	CHECK_INT(p->res, want);
	settle(f);
	CHECK_INT(p->results, 1);
	p->results = 0;
}

static void test_failures(void)
{
	FIXTURE(f);
	uint8_t buf[100] = { 0 };
	struct probe p = { 0 };
	int fd = f->peer->file(f, 0), closed = f->peer->file(f, 0);

	f->peer->close(f, closed);
	for (int i = 0; i < 2; i++) {
		probe_read(f, &p, i ? -1 : closed, buf, sizeof(buf), 0);
		expect_result(f, &p, -EBADF);
		probe_write(f, &p, i ? -1 : closed, buf, sizeof(buf), 0);
		expect_result(f, &p, -EBADF);
		probe_sync(f, &p, i ? -1 : closed);
		expect_result(f, &p, -EBADF);
	}
	/* Which io_uring would take for "where the descriptor stands". */
	probe_read(f, &p, fd, buf, sizeof(buf), UINT64_MAX);
	expect_result(f, &p, -EINVAL);
	probe_write(f, &p, fd, buf, sizeof(buf), UINT64_MAX);
	expect_result(f, &p, -EINVAL);
	probe_write(f, &p, f->peer->full_file(f), buf, sizeof(buf), 0);
	expect_result(f, &p, -ENOSPC);
}

static void test_size_limit(void)
{
	FIXTURE(f);
	uint8_t buf[100] = { 0 };
	struct probe p = { 0 };
	int fd = f->peer->file(f, 0);

	f->peer->limit_files(f, 1000);
	probe_write(f, &p, fd, buf, sizeof(buf), 950);
	expect_result(f, &p, 50);
	probe_write(f, &p, fd, buf, sizeof(buf), 1000);
	expect_result(f, &p, -EFBIG);
	f->peer->limit_files(f, 0);
	probe_write(f, &p, fd, buf, sizeof(buf), 1000);
	expect_result(f, &p, sizeof(buf));
}

/* O_DIRECT wants offset, length and memory aligned; who does not gets to know. */
static void test_alignment(void)
{
	FIXTURE(f);
	uint8_t *buf AUTO(auto_free) = aligned_alloc(4096, 8192);
	struct probe p = { 0 };
	int fd = f->peer->direct_file ? f->peer->direct_file(f, 8192) : -1;

	if (fd < 0 && f->peer->direct_file)
		test_not_possible("O_DIRECT in /tmp: %s", strerror(-fd));
	if (!f->peer->direct_file)
		test_does_not_apply("%s has no O_DIRECT", subject.ops->group.name);
	if (fd < 0)
		return;
	memset(buf, 1, 8192);
	probe_write(f, &p, fd, buf, 8192, 0);
	expect_result(f, &p, 8192);
	probe_read(f, &p, fd, buf, 4096, 4096);
	expect_result(f, &p, 4096);
	probe_read(f, &p, fd, buf + 1, 100, 5);
	probe_wait_end(&p);
	CU_ASSERT(p.res == -EINVAL || p.res == 100); /* a file system may do it all the same */
}

/* Many more than a backend has places in a pool, on several devices. */
static void test_many(void)
{
	enum { COUNT = 1000, LEN = 512 };
	FIXTURE(f);
	struct probe *p AUTO(auto_free) = calloc(COUNT, sizeof(*p));
	uint8_t *buf AUTO(auto_free) = calloc(COUNT, LEN);
	int fd = f->peer->file(f, 0);
	uint64_t bytes = 0;

	fill(buf, COUNT * LEN, 5, 0);
	CHECK_INT(f->peer->write_at(f, fd, buf, COUNT * LEN, 0), COUNT * LEN);
	memset(buf, 0, COUNT * LEN);
	for (int i = 0; i < COUNT; i++) {
		p[i].op.device = i % SUBJECT_DEVICES;
		probe_read(f, &p[i], fd, buf + i * LEN, LEN, i * LEN);
	}
	for (int i = 0; i < COUNT; i++) {
		probe_wait_end(&p[i]);
		bytes += p[i].bytes;
		CHECK_INT(p[i].results, 1);
	}
	CHECK_INT(bytes, COUNT * LEN);
	CU_ASSERT(filled(buf, COUNT * LEN, 5, 0));
}

/* A wait ends with a result and not before, whoever does the work. */
static void test_waits(void)
{
	FIXTURE(f);
	uint8_t buf[100];
	struct probe p = { 0 };
	int fd = f->peer->file(f, 100);

	for (int i = 1; i <= 200; i++) {
		probe_read(f, &p, fd, buf, sizeof(buf), 0);
		CHECK_INT(turn(f, -1), 1);
		CHECK_INT(p.results, i);
		CHECK_INT(p.res, 100);
	}
}

/* What a thread does to make a wait look is not told, and nothing is left of it. */
static void test_no_early_end(void)
{
	FIXTURE(f);
	uint8_t buf[100];
	struct probe p = { 0 };
	int fd = f->peer->file(f, 100);

	for (uint32_t i = 1; i <= 50; i++) {
		int64_t end_ns;

		probe_read(f, &p, fd, buf, sizeof(buf), 0);
		while (p.results < i)
			turn(f, 0);
		end_ns = f->backend->now_ns + MS;
		CHECK_INT(turn(f, MS), 0);
		CU_ASSERT(f->backend->now_ns >= end_ns);
	}
}

static void test_wake(void)
{
	FIXTURE(f);
	uint8_t buf[100];
	struct probe p = { 0 };
	int fd = f->peer->file(f, 100);

	for (int i = 1; i <= 20; i++) {
		probe_read(f, &p, fd, buf, sizeof(buf), 0);
		f->ops->wake(f->backend);
		while (p.results < (uint32_t)i)
			turn(f, -1);
		/* Each wake ends one wait at most: nothing is left of it, or one wait. */
		if (turn(f, 0) == 0)
			turn(f, 0);
	}
	settle(f);
	CHECK_INT(p.results, 20);
}

struct chain {
	struct probe read, timer;
	uint8_t buf[100];
	int fd, left;
};

static void read_again(struct probe *p, const struct io_result *r)
{
	struct chain *c = p->context;

	if (c->left && !c->timer.finals) {
		c->left--;
		probe_read(p->f, p, c->fd, c->buf, sizeof(c->buf), 0);
	}
}

/* Who does nothing but read still sees the timers. */
static void test_timers_go_on(void)
{
	FIXTURE(f);
	struct chain c = { .left = 10 * 1000 * 1000 };

	c.fd = f->peer->file(f, 100);
	c.read.then = read_again;
	c.read.context = &c;
	if (!f->peer->kernel)
		c.left = 1000; /* time stands still while something is done */
	probe_read(f, &c.read, c.fd, c.buf, sizeof(c.buf), 0);
	probe_wait(&c.read, 2);
	probe_timer(f, &c.timer, f->backend->now_ns + 100 * MS);
	probe_wait_end(&c.timer);
	if (f->peer->kernel)
		CU_ASSERT(c.left > 0);
	probe_wait_end(&c.read);
}

static void test_sockets_go_on(void)
{
	enum { COUNT = 64 };
	FIXTURE(f);
	static uint8_t buf[COUNT][4096];
	struct probe reads[COUNT] = { 0 }, recv = { 0 }, send = { 0 };
	int fd = f->peer->file(f, sizeof(buf)), pair[2];

	CHECK_INT(f->peer->local_pair(f, pair), 0);
	probe_recv(f, &recv, pair[0]);
	for (int i = 0; i < COUNT; i++)
		probe_read(f, &reads[i], fd, buf[i], sizeof(buf[i]), i * sizeof(buf[i]));
	probe_send(f, &send, pair[0], "hello", 5);
	CHECK_INT(f->peer->write(f, pair[1], "hello", 5), 5);
	probe_wait_bytes(&recv, 5);
	probe_wait_end(&send);
	for (int i = 0; i < COUNT; i++) {
		probe_wait_end(&reads[i]);
		CHECK_INT(reads[i].res, sizeof(buf[i]));
	}
}

/* How many of these operations came back cancelled, whose device goes on afterwards. */
static int count_cancelled(void)
{
	enum { COUNT = 300, LEN = 256 << 10 };
	FIXTURE(f);
	struct probe *p AUTO(auto_free) = calloc(COUNT, sizeof(*p));
	uint8_t *buf AUTO(auto_free) = malloc(LEN);
	int fd = f->peer->file(f, LEN), cancelled = 0;

	for (int i = 0; i < COUNT; i++)
		probe_read(f, &p[i], fd, buf, LEN, 0);
	for (int i = COUNT - 1; i >= 0; i--)
		probe_cancel(&p[i]);
	for (int i = 0; i < COUNT; i++) {
		probe_wait_end(&p[i]);
		CU_ASSERT(p[i].res == LEN || p[i].res == -ECANCELED);
		cancelled += p[i].res == -ECANCELED;
	}
	settle(f);
	for (int i = 0; i < COUNT; i++)
		CHECK_INT(p[i].results, 1);
	probe_read(f, &p[0], fd, buf, LEN, 0);
	probe_wait_end(&p[0]);
	CHECK_INT(p[0].res, LEN);
	return cancelled;
}

/* Long ones, so that a thread is busy while others wait for it, unless only it gets a CPU. */
static void test_cancel(void)
{
	int cancelled = count_cancelled();

	for (int tries = 0; tries < 100 && subject.files == FILES_THREAD && !cancelled; tries++)
		cancelled = count_cancelled();
	if (subject.files == FILES_THREAD)
		CU_ASSERT(cancelled > 0);
	if (subject.files == FILES_INLINE)
		CHECK_INT(cancelled, 0);
}

static void test_cancel_finished(void)
{
	FIXTURE(f);
	uint8_t buf[100];
	struct probe p = { 0 };
	int fd = f->peer->file(f, 100);

	probe_read(f, &p, fd, buf, sizeof(buf), 0);
	CHECK_INT(f->ops->wait(f->backend, -1), 1);
	probe_cancel(&p);
	probe_wait_end(&p);
	CU_ASSERT(p.res == 100 || p.res == -ECANCELED);
	settle(f);
	CHECK_INT(p.results, 1);
}

static void test_close(void)
{
	enum { COUNT = 300, LEN = 64 << 10 };
	FIXTURE(f);
	struct probe *p AUTO(auto_free) = calloc(COUNT, sizeof(*p)), close = { 0 }, other = { 0 };
	uint8_t *buf AUTO(auto_free) = malloc(2 * LEN);
	int fd = f->peer->file(f, LEN), fd2 = f->peer->file(f, LEN);

	for (int i = 0; i < COUNT; i++)
		probe_read(f, &p[i], fd, buf, LEN, 0);
	probe_read(f, &other, fd2, buf + LEN, LEN, 0);
	probe_close(f, &close, fd);
	probe_wait_end(&close);
	CHECK_INT(close.res, 0);
	for (int i = 0; i < COUNT; i++) {
		CHECK_INT(p[i].results, 1);
		CU_ASSERT(p[i].res == LEN || p[i].res == -ECANCELED);
		CU_ASSERT(p[i].when < close.when);
	}
	probe_wait_end(&other);
	CHECK_INT(other.res, LEN);
	probe_read(f, &other, fd, buf, LEN, 0);
	probe_wait_end(&other);
	CHECK_INT(other.res, -EBADF);
}

/* Then the memory is the test's again: what is written to it later is an error to a sanitizer. */
static void test_backend_close(void)
{
	enum { COUNT = 200, LEN = 64 << 10 };
	uint8_t *buf AUTO(auto_free) = malloc(SUBJECT_DEVICES * LEN);
	struct probe *p AUTO(auto_free) = calloc(COUNT, sizeof(*p)), close = { 0 };

	for (int turns = 0; turns < 4; turns++) {
		FIXTURE(f);
		int fd = f->peer->file(f, LEN);

		for (int i = 0; i < COUNT; i++) {
			int device = i % SUBJECT_DEVICES;

			p[i] = (struct probe){ .op.device = device };
			probe_read(f, &p[i], fd, buf + device * LEN, LEN, 0);
		}
		if (turns & 1)
			f->ops->wait(f->backend, 0);
		if (turns & 2)
			probe_close(f, &close, fd);
	}
	memset(buf, 1, SUBJECT_DEVICES * LEN);
	CU_PASS("survived");
}

static void test_register_buffer(void)
{
	enum { SIZE = 64 << 10 };
	uint8_t *memory AUTO(auto_free) = aligned_alloc(4096, SIZE);
	FIXTURE(f);
	struct err err = { 0 };
	int fd = f->peer->file(f, 0);

	if (f->ops->register_buffer)
		CHECK_INT(f->ops->register_buffer(f->backend, memory + 4096, SIZE - 8192, &err), 0);
	fill(memory, SIZE, 6, 0);
	/* Inside, across its edges, outside. */
	whole(f, IO_WRITE, fd, memory, SIZE, 0);
	whole(f, IO_WRITE, fd, memory + 4096, SIZE - 8192, 4096);
	memset(memory, 0, SIZE);
	whole(f, IO_READ, fd, memory + 4096, SIZE - 8192, 4096);
	CHECK_INT(memory[0] + memory[4095] + memory[SIZE - 4096], 0);
	CU_ASSERT(filled(memory + 4096, SIZE - 8192, 6, 4096));
	whole(f, IO_READ, fd, memory, 8192, 0);
	whole(f, IO_READ, fd, memory + SIZE - 4096, 4096, SIZE - 4096);
	CU_ASSERT(filled(memory, SIZE, 6, 0));
}

static void test_no_such_device(void)
{
	FIXTURE(f);
	uint8_t buf[100];
	struct probe p = { .op.device = 1000 };
	int fd = f->peer->file(f, 100);

	probe_read(f, &p, fd, buf, sizeof(buf), 0);
	expect_result(f, &p, subject.files == FILES_THREAD ? -ENODEV : (int)sizeof(buf));
}

CU_TestInfo file_tests[] = {
	{ "what was written is read back", test_write_and_read },
	{ "others see what was written, and the reverse", test_peer_sees },
	{ "a read at the end is short, behind it nothing", test_end_of_file },
	{ "offsets have 64 bits", test_far_offsets },
	{ "what fails is a result", test_failures },
	{ "so is what the size limit forbids", test_size_limit },
	{ "so is what is not aligned for O_DIRECT", test_alignment },
	{ "a thousand operations at a time come back once each", test_many },
	{ "a wait ends with a result, not before", test_waits },
	{ "nothing ends a wait early", test_no_early_end },
	{ "a wake ends a wait, also while files are read", test_wake },
	{ "timers come while files are read on and on", test_timers_go_on },
	{ "sockets go on meanwhile", test_sockets_go_on },
	{ "a cancelled operation comes back once", test_cancel },
	{ "cancelling what is finished changes nothing", test_cancel_finished },
	{ "a close lets them come back first", test_close },
	{ "a backend closes with file operations in flight", test_backend_close },
	{ "registered memory is read and written the same", test_register_buffer },
	{ "a device without a thread is a result", test_no_such_device },
	CU_TEST_INFO_NULL,
};
