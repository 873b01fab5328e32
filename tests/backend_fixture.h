/*
 * backend_fixture.h - what the tests of one backend share: options as text, operations that write
 * down how they came back, what the kernel has of the options.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_BACKEND_FIXTURE_H
#define RW_TESTS_BACKEND_FIXTURE_H

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/backend.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "tests/choose_backend.h"

static const struct backend_ops *ops; /* by backend_main() */

/* Options as a user would write them: "sqpoll=yes defer-taskrun=no". */
static inline void *options(const char *text)
{
	void *opts = calloc(1, ops->group.opts_size);
	char copy[256], *save = NULL;
	struct err err = { 0 };

	snprintf(copy, sizeof(copy), "%s", text);
	knob_defaults(&ops->group, opts);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *value = strchr(word, '=');
		const struct knob *knob;

		*value++ = '\0';
		knob = knob_find(&ops->group, word);
		if (!knob || knob_parse(knob, value, opts, &err) < 0) {
			printf("\n    %s=%s: %s", word, value, err.text);
			abort();
		}
	}
	return opts;
}

static inline int open_with(struct backend **ret, const char *text, struct err *err)
{
	void *opts AUTO(auto_free) = options(text);

	return ops->open(ret, opts, err);
}

static inline struct backend *opened(const char *text)
{
	struct backend *b = NULL;
	struct err err = { 0 };

	if (open_with(&b, text, &err) < 0) {
		printf("\n    %s: %s", text, err.text);
		abort();
	}
	return b;
}

static inline void auto_backend(struct backend **b)
{
	ops->close(*b);
}

/* The last result of an operation and how many there were. */
struct seen {
	struct io_op op;
	int results, res;
	uint64_t bytes;
};

static inline void see(struct io_op *op, const struct io_result *r)
{
	struct seen *s = (struct seen *)op;

	s->results++;
	s->res = r->res;
	s->bytes += r->res > 0 ? (uint64_t)r->res : 0;
}

static inline int turn(struct backend *b, int64_t timeout_ns)
{
	struct io_result r;
	int ret = ops->wait(b, timeout_ns);

	while (ops->next(b, &r))
		r.op->done(r.op, &r);
	return ret;
}

static inline void pair(int fd[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) < 0)
		abort();
}

/* What Linux 6.MINOR brought opens. False: this kernel is older, and the test is skipped. */
static inline bool opens_new(const char *text, unsigned minor)
{
	struct backend *b = NULL;
	struct err err = { 0 };
	int rc = open_with(&b, text, &err);

	ops->close(b);
	if (rc == -EOPNOTSUPP && possible_lack(text, minor))
		test_not_possible("%s", err.text);
	else
		CHECK_TEXT(err.text, "");
	return !rc;
}

/* One row of what is asked for and what becomes of it. */
struct read_back_row {
	const char *opts;
	enum verdict verdict;
	const char *effective, *why; /* whole; a part */
	unsigned since;		     /* Linux 6.x; 0: all have it */
};

/* What only a newer kernel has is left out, and said. */
static inline void check_read_back(const struct read_back_row *row)
{
	void *opts AUTO(auto_free) = options(row->opts);
	struct verdict_report report;
	struct backend *b = NULL;
	struct err err = { 0 };
	int rc = ops->open(&b, opts, &err);

	if (rc == -EOPNOTSUPP && possible_lack(row->opts, row->since)) {
		test_not_tried("%s: %s", row->opts, err.text);
		return;
	}
	if (rc)
		printf("\n    %s: %s", row->opts, err.text);
	CHECK_INT(rc, 0);
	if (rc)
		return;
	backend_read_back(b, opts, &report, &err);
	if (report.verdict != row->verdict || !strstr(report.why, row->why))
		printf("\n    %s: %s: %s", row->opts, verdict_names[report.verdict], report.why);
	CHECK_INT(report.verdict, row->verdict);
	CHECK_TEXT(report.effective, row->effective);
	CU_ASSERT(strstr(report.why, row->why) != NULL);
	CU_ASSERT(*row->why || !*report.why);
	ops->close(b);
}

/* From now on this system call with `value` as its second argument fails: an older kernel. */
static inline int forbid(unsigned call, uint32_t value, int code)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)code),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* What a kernel lacks, and the words in which a set-up is refused for it. */
struct lack_row {
	unsigned call;
	uint32_t value;
	int code;
	const char *opts, *words;
};

/* In a child: the filter stays for its life. */
static inline int open_behind(const struct lack_row *row)
{
	struct backend *b = NULL;
	struct err err = { 0 };

	if (forbid(row->call, row->value, row->code))
		return TEST_SKIP;
	if (open_with(&b, row->opts, &err) == -EOPNOTSUPP && strstr(err.text, row->words))
		return 0;
	printf("\n    %s: %s", row->opts, b ? "it opened" : err.text);
	return 1;
}

static inline void check_lack(const struct lack_row *row)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		status = open_behind(row);
		fflush(stdout);
		_exit(status);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CU_ASSERT_FATAL(WIFEXITED(status));
	if (WEXITSTATUS(status) == TEST_SKIP)
		test_not_possible("no seccomp");
	else
		CHECK_INT(WEXITSTATUS(status), 0);
}

/*
 * Of 127.0.0.0/8 an address of this process's own, where no other program takes a port that was
 * free a moment ago.
 */
static inline struct sockaddr_in own_loopback(in_port_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = port,
				     .sin_addr.s_addr = htonl(0x7f400000U | (unsigned)getpid()) };
}

/* Listens on *port of own_loopback(), 0: on any, which is told. -errno. */
static inline int listener_on(in_port_t *port)
{
	struct sockaddr_in addr = own_loopback(*port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	socklen_t len = sizeof(addr);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&addr, len) || listen(fd, 8)) {
		int code = -errno;

		close(fd);
		return code;
	}
	getsockname(fd, (struct sockaddr *)&addr, &len);
	*port = addr.sin_port;
	return fd;
}

/* A connection over loopback: fd[0] from the listener, fd[1] to it. */
static inline void connect_loopback(int fd[2])
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(addr);

	if (bind(listener, (struct sockaddr *)&addr, len) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&addr, &len))
		abort();
	fd[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd[1], (struct sockaddr *)&addr, len))
		abort();
	fd[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	close(listener);
}

/*
 * Asked before (twice, as a plan does) and after five bytes came over loopback; closes: when the
 * connection is closed.
 */
static inline void judge_loopback(const char *text, bool closes, struct verdict_report *ret)
{
	void *opts AUTO(auto_free) = options(text);
	struct backend *b AUTO(auto_backend) = opened(text);
	struct seen recv = { .op = { .kind = IO_RECV, .done = see } };
	struct seen shut = { .op = { .kind = IO_CLOSE, .done = see } };
	struct err err = { 0 };
	int fd[2];

	for (int i = 0; i < 2; i++) {
		CHECK_INT(backend_read_back(b, opts, ret, &err), 0);
		CHECK_INT(ret->verdict, VERDICT_OK);
	}
	connect_loopback(fd);
	recv.op.fd = shut.op.fd = fd[0];
	ops->submit(b, &recv.op);
	CHECK_INT(write(fd[1], "hello", 5), 5);
	while (recv.bytes < 5 && turn(b, 10 * SEC) == 1)
		;
	if (closes) {
		ops->submit(b, &shut.op);
		while (!shut.results && turn(b, 10 * SEC) == 1)
			;
	}
	CHECK_INT(backend_read_back(b, opts, ret, &err), 0);
	if (!closes)
		close(fd[0]);
	close(fd[1]);
}

static inline int backend_main(const char *backend, const char *name, CU_TestInfo *tests)
{
	struct err err = { 0 };

	ops = backend_find(backend, &err);
	if (!ops)
		return test_skip(err.text);
	return ops->probe(&err) < 0 ? choose_refused(ops, err.text) : test_main(name, tests);
}

#endif
