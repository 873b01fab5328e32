/*
 * uring_fixture.h - what the tests of the io_uring backend share: options as text, operations that
 * write down how they came back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_URING_FIXTURE_H
#define RW_TESTS_URING_FIXTURE_H

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/backend.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "tests/test.h"

static const struct backend_ops *ops; /* by uring_main() */

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

static inline int uring_main(const char *name, CU_TestInfo *tests)
{
	struct err err = { 0 };

	ops = backend_find("io_uring", &err);
	if (!ops || ops->probe(&err) < 0)
		return test_skip(err.text);
	return test_main(name, tests);
}

#endif
