/*
 * client_private.h - what client.c and client_result.c know of each other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_CLIENT_PRIVATE_H
#define RW_CLIENT_CLIENT_PRIVATE_H

#include "client/rates.h"
#include "client/thread.h"
#include "observe/host.h"

/* One call of client_run(). */
struct client {
	const struct client_opts *opts;
	struct client_job job;
	struct program program;
	struct rates rates;
	struct client_thread *threads;
	unsigned count;
	uint64_t seed;
	int64_t timeout_ns;
	struct machine_usage machine_begin, machine_end;
	struct host observed_begin, observed_end;
};

/* When all threads have been joined: adds up what they counted, and judges it. */
int client_make_result(const struct client *c, struct client_result **ret, struct err *err);

#endif
