/*
 * thread.h - one client thread: a loop of its own, its connections, its load, from birth to count.
 *
 * All threads connect first and meet at the gate; then the clock starts for all at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_THREAD_H
#define RW_CLIENT_THREAD_H

#include <pthread.h>

#include "client/load.h"
#include "engine/address.h"
#include "engine/hooks.h"
#include "observe/task.h"
#include "observe/usage.h"

/* What all threads share; only the gate changes, and only under its lock. */
struct client_job {
	const struct backend_ops *backend;
	const void *backend_opts;
	const struct hooks *hooks; /* may be NULL */
	const atomic_bool *stop;   /* may be NULL */
	struct address to, from;   /* from.len 0: the kernel chooses */
	char to_text[ADDRESS_TEXT];
	struct tls_peer tls;   /* context NULL: plain */
	struct secret *secret; /* NULL: none */
	bool no_delay;
	struct datagram_opts udp;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned ready; /* threads that are connected, or have failed */
	bool is_cancelled;
	int64_t start_ns; /* 0: the gate is closed */
};

struct client_thread {
	struct client_job *job;
	pthread_t id;
	bool is_started;
	unsigned index;
	struct load_plan plan;
	struct ramp ramp; /* plan.arrivals may point here */

	/* Filled by the thread, to be read when it has been joined. */
	struct loop loop;
	struct load load;
	struct usage begin, end;
	struct task task_begin, task_end; /* from the start to the last answer */
	int64_t idle_ns;		  /* of the pacer, when `end` was read */
	bool interrupted;
	struct backend_stats backend_stats;
	struct err err;
};

void *client_thread_main(void *thread);

/* connect.c: opens the sessions of load; 0 or -errno. Gives up when *stop is set. */
int client_connect(struct client_thread *t);
/* load_plan.connect of sessions of a client_thread's load. */
int client_connect_session(struct session *s, struct err *err);
/* load_plan.check, where hooks.wants_connections. */
int client_check_session(const struct session *s, struct err *err);
bool client_is_stopped(const struct client_job *job);

#endif
