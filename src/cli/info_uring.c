/*
 * info_uring.c - what this kernel's io_uring says of itself: features and operations.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/info_uring.h"

#include <liburing.h>
#include <stdio.h>
#include <string.h>

/* By bit of io_uring_params.features, as of Linux 6.18; liburing 2.3 has names for half of them. */
static const char *const features[] = {
	"single-mmap", "nodrop",      "submit-stable",	 "rw-cur-pos",	 "cur-personality",
	"fast-poll",   "poll-32bits", "sqpoll-nonfixed", "ext-arg",	 "native-workers",
	"rsrc-tags",   "cqe-skip",    "linked-file",	 "reg-reg-ring", "recvsend-bundle",
	"min-timeout", "rw-attr",     "no-iowait",
};
enum { FEATURES = sizeof(features) / sizeof(*features) };

/* How many of the operations that it knows it also has. */
static unsigned count_operations(struct io_uring *ring)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
	unsigned count = 0;

	if (!probe)
		return 0;
	for (unsigned i = 0; i < probe->ops_len; i++)
		count += (probe->ops[i].flags & IO_URING_OP_SUPPORTED) != 0;
	io_uring_free_probe(probe);
	return count;
}

const char *io_uring_describe(char *buf, size_t size)
{
	struct io_uring_params params = { 0 };
	struct io_uring ring;
	size_t len;

	*buf = '\0';
	if (io_uring_queue_init_params(2, &ring, &params) < 0)
		return buf;
	len = (size_t)snprintf(buf, size, "%u operations", count_operations(&ring));
	for (unsigned i = 0; i < 32 && len < size; i++) {
		if (!(params.features & 1U << i))
			continue;
		if (i < FEATURES)
			len += (size_t)snprintf(buf + len, size - len, ", %s", features[i]);
		else
			len += (size_t)snprintf(buf + len, size - len, ", bit %u", i);
	}
	io_uring_queue_exit(&ring);
	return buf;
}
