/*
 * test_io_uring_open.c - how the io_uring backend opens, refuses, and lets go.
 *
 * Which set-ups are refused and in which words, who forbids io_uring, descriptors that are none,
 * and a listening port that is free again at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/syscall.h>

#include "tests/backend_fixture.h"

static void test_refusals(void)
{
	static const struct {
		const char *opts, *words;
		int code; /* 0: -EINVAL */
	} rows[] = {
		{ "sqpoll=yes", "defer-taskrun=no and io_uring.coop-taskrun=no must be set" },
		{ "sqpoll=yes defer-taskrun=no", "io_uring.coop-taskrun=no must be set" },
		{ "sqpoll=yes coop-taskrun=no", "io_uring.defer-taskrun=no" },
		{ "single-issuer=no", "needs io_uring.single-issuer=yes" },
		{ "sqpoll-cpu=0", "only io_uring.sqpoll=yes makes" },
		{ "sqpoll-idle=1.5ms", "whole milliseconds" },
		{ "sqpoll-idle=20ms", "only io_uring.sqpoll=yes makes" },
		{ "entries=64 cq-entries=32", "must not be less than io_uring.entries=64" },
		{ "buffers=3", "buffers=3 is not a power of two" },
		{ "min-wait=1500ns", "whole microseconds" },
		{ "min-wait-count=4", "io_uring.min-wait=50us or the like must say" },
		{ "napi-busy-poll=1500ns", "whole microseconds" },
		{ "napi-prefer-busy-poll=yes", "must say how long" },
		{ "hybrid-iopoll=yes", "a way to do io_uring.iopoll=yes" },
		/* These the kernel refuses. */
		{ "sqpoll=yes defer-taskrun=no coop-taskrun=no sqpoll-cpu=4095",
		  "io_uring.sqpoll-cpu=4095: this CPU does not exist", -ENODEV },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct backend *b = NULL;
		struct err err = { 0 };
		int code = rows[i].code ? rows[i].code : -EINVAL;

		CHECK_INT(open_with(&b, rows[i].opts, &err), code);
		CHECK_INT(err.code, code);
		CU_ASSERT(b == NULL);
		if (!strstr(err.text, rows[i].words))
			printf("\n    %s: %s", rows[i].opts, err.text);
		CU_ASSERT(strstr(err.text, rows[i].words) != NULL);
	}
}

/* In a child: a filter that answers io_uring_setup with an error, as containers have. */
static int probe_behind_filter(int code)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)code),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };
	const char *words = code == EPERM ? "forbidden here, as seccomp" : "has no io_uring";
	struct err err = { 0 }, open_err = { 0 };
	struct backend *b;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return TEST_SKIP;
	if (ops->probe(&err) != -code || !strstr(err.text, words))
		return 1;
	return open_with(&b, "", &open_err) != -code || strcmp(open_err.text, err.text) != 0;
}

static void test_probe(void)
{
	static const int codes[] = { EPERM, ENOSYS };
	int status;
	pid_t pid;

	for (int i = 0; i < 2; i++) {
		pid = fork();
		if (!pid)
			_exit(probe_behind_filter(codes[i]));
		CHECK_INT(waitpid(pid, &status, 0), pid);
		CU_ASSERT(WIFEXITED(status));
		if (WEXITSTATUS(status) == TEST_SKIP)
			test_not_possible("no seccomp");
		else
			CHECK_INT(WEXITSTATUS(status), 0);
	}
}

/* A ring that dies with an accept in flight would keep the port. */
static void test_port_is_free(void)
{
	static const char *const opts[] = { "", "registered-files=yes", "multishot-accept=no",
					    "sqpoll=yes defer-taskrun=no coop-taskrun=no" };
	in_port_t port = 0;

	for (int i = 0; i < 12; i++) {
		struct seen accept = { .op = { .kind = IO_ACCEPT, .done = see } };
		struct backend *b = opened(opts[i % 4]);

		accept.op.fd = listener_on(&port);
		CU_ASSERT_FATAL(accept.op.fd >= 0);
		ops->submit(b, &accept.op);
		turn(b, i % 3 ? MS : 0);
		close(accept.op.fd);
		ops->close(b);
	}
}

/* How many connections of a listener wait to be accepted: tcp(7), of sockets that listen. */
static uint32_t waiting(int listener)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &len);
	return info.tcpi_unacked;
}

/* Connections accepted by the kernel and never told must not stay open. */
static void test_untold_connection(void)
{
	struct backend *b = opened("");
	struct seen accept = { .op = { .kind = IO_ACCEPT, .done = see } };
	struct sockaddr_in to = own_loopback(0);
	int64_t end_ns = clock_now_ns() + 10 * SEC;
	int fd[2];
	char byte;

	accept.op.fd = listener_on(&to.sin_port);
	ops->submit(b, &accept.op);
	turn(b, 0);
	for (int i = 0; i < 2; i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		CHECK_INT(connect(fd[i], (struct sockaddr *)&to, sizeof(to)), 0);
	}
	while (waiting(accept.op.fd) < 2 && clock_now_ns() < end_ns)
		usleep(1000);
	CHECK_INT(ops->wait(b, SEC), 1); /* looks one ahead, and leaves the other in the queue */
	ops->close(b);
	CHECK_INT(accept.results, 0);
	for (int i = 0; i < 2; i++) {
		struct pollfd end = { .fd = fd[i], .events = POLLIN };

		CHECK_INT(poll(&end, 1, 10000), 1);
		CHECK_INT(recv(fd[i], &byte, 1, MSG_DONTWAIT), 0);
		close(fd[i]);
	}
	close(accept.op.fd);
}

static void test_direct_descriptors(void)
{
	struct backend *b AUTO(auto_backend) = opened("registered-files=yes");
	struct seen accept = { .op = { .kind = IO_ACCEPT, .done = see } };
	struct seen recv = { .op = { .kind = IO_RECV, .done = see } };
	struct seen shut = { .op = { .kind = IO_CLOSE, .done = see } };
	struct sockaddr_in to = own_loopback(0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	accept.op.fd = listener_on(&to.sin_port);
	ops->submit(b, &accept.op);
	CHECK_INT(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	CHECK_INT(turn(b, 10 * SEC), 1);
	CU_ASSERT(accept.res >= 0 && accept.res & BACKEND_DIRECT);
	recv.op.fd = shut.op.fd = accept.res;
	ops->submit(b, &recv.op);
	CHECK_INT(write(fd, "hello", 5), 5);
	CHECK_INT(turn(b, 10 * SEC), 1);
	CHECK_INT(recv.bytes, 5);
	ops->submit(b, &shut.op);
	while (!shut.results && turn(b, 10 * SEC) == 1)
		;
	CHECK_INT(recv.res, -ECANCELED);
	CHECK_INT(shut.res, 0);
	ops->submit(b, &shut.op);
	CHECK_INT(turn(b, 10 * SEC), 1);
	CHECK_INT(shut.res, -EBADF);
	close(fd);
	close(accept.op.fd);
}

static CU_TestInfo tests[] = {
	{ "set-ups that cannot be are refused in words", test_refusals },
	{ "a probe says who forbids io_uring", test_probe },
	{ "the port of a listener is free when the backend is closed", test_port_is_free },
	{ "connections nobody was told of are closed with the backend", test_untold_connection },
	{ "direct descriptors are told apart, work and close", test_direct_descriptors },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return backend_main("io_uring", "io_uring_open", tests);
}
