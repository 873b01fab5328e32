/*
 * child.h - a process of a run: started, watched, timed, ended.
 *
 * A child dies with the lab (PR_SET_PDEATHSIG), so a killed sweep leaves nothing running. It stays
 * in the lab's session, because nice counts only there (autogroup), but has a process group of its
 * own: Ctrl-C reaches the lab alone, which then ends its children in order. A thread at real-time
 * priority that never blocks is ended by the kernel after its time (RLIMIT_RTTIME), even if nobody
 * else gets a CPU any more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_CHILD_H
#define RW_LAB_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/err.h"
#include "system/netns.h"

struct child {
	const char *name; /* "node": for sentences */
	pid_t pid;	  /* 0: none, or reaped */
	int pidfd;
	int out;    /* what it prints; -1: goes to the log too */
	int status; /* of waitpid(), once it has ended */
	clockid_t cpu_clock;
	int64_t used_ns; /* CPU time of all its threads, once it has ended */
};

/* argv[0] is the program. Its stderr (and stdout unless is_read) goes to the file log. */
struct child_spec {
	const char *name;
	char *const *argv;
	const char *log;
	bool is_read;
	int64_t realtime_limit_ns;
	const struct netns *netns; /* to run in; NULL: that of the lab */
};

/* A zeroed child counts as none for all functions below. */
int child_start(struct child *c, const struct child_spec *spec, struct err *err);
/* Kills what still runs, waits, closes. */
void child_finish(struct child *c);

/* What to look after while waiting. All may be NULL. */
struct watch {
	const volatile sig_atomic_t *stop; /* not 0: stop waiting */
	void (*tick)(void *context);	   /* now and then */
	void *context;
};

enum child_event {
	CHILD_ENDED,
	CHILD_OTHER_ENDED,
	CHILD_SAID,    /* the line that was waited for */
	CHILD_LATE,    /* the deadline (CLOCK_MONOTONIC) is over */
	CHILD_STOPPED, /* *stop was set */
};

/* Until c or other has ended. other may be NULL. */
enum child_event child_wait(struct child *c, struct child *other, int64_t deadline_ns,
			    const struct watch *watch);

/*
 * CHILD_SAID when c has printed a line that begins with `start`; the rest of it is copied.
 * CHILD_ENDED when it closed its output without.
 */
enum child_event child_read_line(struct child *c, const char *start, char *buf, size_t size,
				 int64_t deadline_ns, const struct watch *watch);

void child_signal(const struct child *c, int signal);
/* CPU time of all its threads so far, also when it has ended. */
int64_t child_cpu_ns(const struct child *c);

/* Of an ended child: true for exit status 0; how it ended as "exit status 3", "signal 11". */
bool child_succeeded(const struct child *c);
int child_exit_status(const struct child *c); /* -1: a signal */
const char *child_ending(const struct child *c, char *buf, size_t size);

#endif
