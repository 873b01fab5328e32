/*
 * choose_backend.h - which backend a test program runs on: its first argument says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_CHOOSE_BACKEND_H
#define RW_TESTS_CHOOSE_BACKEND_H

#include "backends/backend.h"
#include "tests/test.h"

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
		*ret = test_skip(err.text);
		return NULL;
	}
	return ops;
}

#endif
