/*
 * hooks.c - the words for the roles of threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/hooks.h"

#include <stddef.h>

const char *const thread_role_names[] = {
	[THREAD_ACCEPTOR] = "acceptor",
	[THREAD_WORKER] = "worker",
	[THREAD_CLIENT] = "client",
	[THREAD_STORAGE] = "storage",
	NULL,
};
