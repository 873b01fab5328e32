/*
 * test_io_uring_files.c - what the io_uring backend promises about files beyond the contract.
 *
 * Which files can be polled and what becomes of the others, registered memory, zero-copy sends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>

#include "tests/backend_fixture.h"

#define PAGE 4096

static int file_with(int flags)
{
	const char *folder = getenv("TMPDIR");
	static uint8_t page[PAGE] __attribute__((aligned(PAGE)));
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/ringwalk-XXXXXX", folder ? folder : "/tmp");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		fcntl(fd, F_SETFL, flags); /* a tmpfs before Linux 6.6 refuses O_DIRECT */
	if (fd < 0 || unlink(path) < 0 || pwrite(fd, page, PAGE, 0) != PAGE || fdatasync(fd) < 0)
		abort();
	return fd;
}

static int result_of(struct backend *b, enum io_kind kind, int fd, void *buf, size_t len)
{
	struct seen s = { .op = { .kind = kind, .fd = fd, .len = len, .done = see } };

	s.op.rbuf = buf;
	ops->submit(b, &s.op);
	while (!s.results)
		turn(b, SEC);
	return s.res;
}

/* The page cache has nothing to poll: told beforehand in words, and by each operation. */
static void test_not_polled(void)
{
	struct backend *b AUTO(auto_backend) = opened("iopoll=yes");
	struct err err = { 0 };
	uint8_t buf[100];
	int fd = file_with(0);

	CHECK_INT(ops->check_file(b, fd, &err), -EOPNOTSUPP);
	CU_ASSERT(strstr(err.text, "io_uring.iopoll=yes: this file cannot be polled") != NULL);
	CHECK_INT(result_of(b, IO_READ, fd, buf, sizeof(buf)), -EOPNOTSUPP);
	CHECK_INT(result_of(b, IO_WRITE, fd, buf, sizeof(buf)), -EOPNOTSUPP);
	CHECK_INT(result_of(b, IO_SYNC, fd, NULL, 0), 0);
	close(fd);
	CHECK_INT(ops->check_file(b, fd, &err), -EBADF);
}

/* A device that polls makes it work, another one makes it refused: both the same way. */
static void test_polled_or_refused(void)
{
	struct backend *b AUTO(auto_backend) = opened("iopoll=yes");
	void *buf AUTO(auto_free) = aligned_alloc(PAGE, PAGE);
	int fd = file_with(O_DIRECT);
	struct err err = { 0 };
	int code = ops->check_file(b, fd, &err);

	CU_ASSERT(code == 0 || code == -EOPNOTSUPP);
	for (int i = 0; i < 3; i++)
		CHECK_INT(result_of(b, IO_READ, fd, buf, PAGE), code ? code : PAGE);
	close(fd);
}

static void test_close_polled(void)
{
	struct backend *b = opened("iopoll=yes");
	uint8_t buf[100];
	struct seen s = { .op = { .kind = IO_READ, .len = sizeof(buf), .done = see } };

	s.op.rbuf = buf;
	s.op.fd = file_with(0);
	ops->submit(b, &s.op);
	ops->close(b);
	CHECK_INT(s.results, 0);
	close(s.op.fd);
}

/* Sockets and timers are as they were, and a wait that has nothing to poll for sleeps. */
static void test_polling_stops(void)
{
	struct backend *b AUTO(auto_backend) = opened("iopoll=yes");
	uint64_t was;
	uint8_t buf[100];
	int fd = file_with(0);

	result_of(b, IO_READ, fd, buf, sizeof(buf));
	was = b->stats.syscalls;
	CHECK_INT(turn(b, 20 * MS), 0);
	CU_ASSERT(b->stats.syscalls - was < 5);
	close(fd);
}

static void test_any_file_will_do(void)
{
	struct backend *b AUTO(auto_backend) = opened("");
	struct err err = { 0 };
	int fd = file_with(0);

	CHECK_INT(ops->check_file(b, fd, &err), 0);
	close(fd);
}

static void test_regions_end(void)
{
	struct backend *b AUTO(auto_backend) = opened("");
	uint8_t *memory AUTO(auto_free) = aligned_alloc(PAGE, 32 * PAGE);
	struct err err = { 0 };
	int fd = file_with(0), count = 0;

	while (count < 32 && ops->register_buffer(b, memory + count * PAGE, PAGE, &err) == 0)
		count++;
	CHECK_INT(count, 16);
	CHECK_INT(err.code, -EINVAL);
	CU_ASSERT(strstr(err.text, "at most 16 regions") != NULL);
	/* What could not be registered is used all the same. */
	for (int i = 0; i < 32; i++)
		CHECK_INT(result_of(b, IO_READ, fd, memory + i * PAGE, PAGE), PAGE);
	CHECK_INT(ops->register_buffer(b, (void *)PAGE, PAGE, &err), -EINVAL);
	close(fd);
}

static void test_bad_region(void)
{
	struct backend *b AUTO(auto_backend) = opened("");
	struct err err = { 0 };

	CHECK_INT(ops->register_buffer(b, (void *)PAGE, PAGE, &err), -EFAULT);
	CU_ASSERT(strstr(err.text, "registering 4096 bytes") != NULL);
}

static void connected(int fd[2])
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(to);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(listener, (struct sockaddr *)&to, len) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&to, &len) < 0)
		abort();
	fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd[0], (struct sockaddr *)&to, len) < 0)
		abort();
	fd[1] = accept(listener, NULL, NULL);
	close(listener);
}

static int send_uncopied(struct backend *b, int fd, const void *buf, size_t len)
{
	struct seen s = {
		.op = { .kind = IO_SEND, .fd = fd, .buf = buf, .len = len, .done = see }
	};

	s.op.flags = IO_ZERO_COPY;
	ops->submit(b, &s.op);
	while (!s.results)
		turn(b, SEC);
	return s.res;
}

/* On loopback the kernel copies in the end, and a local socket cannot do without: both count. */
static void test_copies_are_counted(void)
{
	static const uint8_t bytes[8192];
	struct backend *b AUTO(auto_backend) = opened("");
	uint8_t got[sizeof(bytes)];
	int fd[2];

	pair(fd);
	CHECK_INT(send_uncopied(b, fd[0], bytes, sizeof(bytes)), sizeof(bytes));
	CHECK_INT(b->stats.zero_copy, 1);
	CHECK_INT(b->stats.copied, 1);
	close(fd[0]);
	close(fd[1]);
	connected(fd);
	CHECK_INT(send_uncopied(b, fd[0], bytes, sizeof(bytes)), sizeof(bytes));
	CHECK_INT(recv(fd[1], got, sizeof(got), MSG_WAITALL), sizeof(got));
	CHECK_INT(b->stats.zero_copy, 2);
	CU_ASSERT(b->stats.copied <= 2);
	close(fd[0]);
	close(fd[1]);
}

static CU_TestInfo tests[] = {
	{ "a file that cannot be polled is refused in words", test_not_polled },
	{ "a file is polled or refused, beforehand as later", test_polled_or_refused },
	{ "a backend closes while a file is polled", test_close_polled },
	{ "polling stops when nothing is in flight", test_polling_stops },
	{ "without polling any file will do", test_any_file_will_do },
	{ "registered regions are limited, the rest works", test_regions_end },
	{ "memory that is none is refused in words", test_bad_region },
	{ "what was copied all the same is counted", test_copies_are_counted },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return backend_main("io_uring", "io_uring_files", tests);
}
