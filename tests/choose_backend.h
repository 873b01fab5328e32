/*
 * choose_backend.h - which backend a test program runs on: its first argument says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_CHOOSE_BACKEND_H
#define RW_TESTS_CHOOSE_BACKEND_H

#include <sys/syscall.h>
#include <unistd.h>

#include "backends/backend.h"
#include "tests/possible.h"

/* Whether this machine may lack a backend: io_uring, asked past the probe that says so. */
static inline bool choose_lacks(const struct backend_ops *ops)
{
	struct {
		uint32_t words[30];
	} params = { 0 };
	long fd = syscall(SYS_io_uring_setup, 4, &params);

	if (fd >= 0)
		close((int)fd);
	return !strcmp(ops->group.name, "io_uring") && (fd < 0 || !possible_since(6, 1));
}

/* The status of a program whose backend is refused: skipped, or failed when it is not lacking. */
static inline int choose_refused(const struct backend_ops *ops, const char *why)
{
	if (choose_lacks(ops))
		return test_skip(why);
	printf("%s: refused, and the kernel has it: %s\n", ops->group.name, why);
	return 1;
}

/* Without an argument epoll. NULL: there is none, and *ret is the status to end with. What is not
 * possible here is skipped; a name that no backend has is a failure, else a suite that is called
 * wrongly would pass for one that was skipped. */
static inline const struct backend_ops *choose_backend(int argc, char **argv, int *ret)
{
	struct err err = { 0 };
	const struct backend_ops *ops = backend_find(argc > 1 ? argv[1] : "epoll", &err);

	if (!ops) {
		printf("%s\n", err.text);
		*ret = 1;
		return NULL;
	}
	if (ops->probe(&err)) {
		*ret = choose_refused(ops, err.text);
		return NULL;
	}
	return ops;
}

#endif
