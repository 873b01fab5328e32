/*
 * tunable.h - the contract for what the kernel can be told: probe, apply, read back, restore.
 *
 * A tunable is a group of knobs that the kernel takes in one step (policy, runtime, deadline and
 * period are one sched_setattr). apply() and read_back() are inverse functions on the same
 * options struct; so checking that the kernel took a value is a comparison, and restoring is
 * apply() of what read_back() said before. There is no silent no-op: the verdict says what became
 * of a request, and a refusal names the cause.
 *
 * Order of application: the process (limits, groups), then each thread as it starts (memory policy,
 * affinity: what it allocates and makes inherits them), then each thread when it is ready (timer
 * slack, policy last, because a SCHED_DEADLINE thread can neither move nor make threads), then the
 * kernel's threads behind its ring. Within one moment the order of tunables[] counts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TUNABLES_TUNABLE_H
#define RW_TUNABLES_TUNABLE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/kinds.h"
#include "base/knob.h"
#include "base/verdict.h"

struct journal;

enum scope {
	SCOPE_PROCESS, /* once, before the role has any thread of its own */
	SCOPE_THREAD,  /* to each thread that the settings are for */
	SCOPE_SOCKET,  /* to each socket of the kinds that the tunable names */
};

/* When a thread gets it (SCOPE_THREAD). */
enum moment {
	MOMENT_STARTED, /* before it allocates anything: memory policy, affinity */
	MOMENT_READY,	/* when its ring and buffers are there: timer slack, policy */
};

/* The sockets that listen on one port, in the order in which they began to. */
struct socket_port {
	const int *fds;
	const int *cpus; /* of the worker behind each; -1: none of its own. NULL: of none */
	unsigned count;
};

/* What to apply to. Which fields count depends on the tunable's scope. */
struct target {
	pid_t tid;			/* a thread of this process or of another; 0: the caller */
	int fd;				/* a socket; -1: none */
	const struct socket_port *port; /* SOCKET_PORT: fd is the first one's */
	unsigned index;		 /* of the thread, for knobs that hand out one value per thread */
	enum thread_role role;	 /* of the thread */
	enum socket_kind kind;	 /* of the socket */
	struct journal *journal; /* where changes that outlive the process are written down first */
	const char *no_journal;	 /* why there is none, though one was needed; NULL: nobody knows */
};

/* settle(): there is nothing to say that was not said before. */
enum { SETTLE_SAME = 1 };

#define TUNABLE_OPTS_MAX 2048

/* Threads whose place and policy are set apart from those of the others. */
#define TUNABLE_OWN_GROUPS \
	(1U << THREAD_ACCEPTOR | 1U << THREAD_STORAGE | 1U << THREAD_SQPOLL | 1U << THREAD_IOWQ)

struct tunable {
	/* "sched": --sched.policy; keys node.sched.policy, client.sched.policy */
	struct knob_group group;
	enum scope scope;
	enum moment moment; /* SCOPE_THREAD */
	unsigned kinds;	    /* SCOPE_SOCKET: bits 1U << SOCKET_...; which ones get it */
	/*
	 * SCOPE_THREAD: bits 1U << THREAD_... of the threads that have a group of their own besides
	 * ("storage.sched" beside "sched"). What stands there replaces the whole of the general
	 * group for them. Threads of the kernel (sqpoll, iowq) get nothing but their own.
	 */
	unsigned own_groups;
	/*
	 * True when what opts asks for outlives the process (a cgroup, a root domain): apply() then
	 * gets a journal (system/journal.h), which takes it back whatever happens. Where there is
	 * none it is not called: the verdict is denied. Optional.
	 */
	bool (*needs_journal)(const void *opts);

	/*
	 * SCOPE_SOCKET: what stream sockets are to be made with, as socket(2) takes it; 0: the
	 * usual protocol. It is asked before there is a socket, so apply() can only look, and say
	 * why one has not got it. Optional.
	 */
	int (*protocol)(const void *opts);

	/*
	 * SCOPE_THREAD: settings that a machine may or may not offer, as "policy=fifo", up to NULL:
	 * whoever lists what works here tries each (tunable_try). Optional.
	 */
	const char *const *trials;

	/* 0, or -errno and why it cannot work here. NULL: it always can. */
	int (*probe)(struct err *why);
	/* True when opts asks for nothing (all defaults): then nothing is touched. */
	bool (*is_default)(const void *opts);
	/* 0, or -EINVAL when the knobs contradict each other on any machine. Optional. */
	int (*check)(const void *opts, struct err *err);
	/*
	 * Fills in what opts leaves open for this target (the CPU of worker t->index, the default
	 * priority), so that apply() and read_back() are inverse. Optional.
	 */
	int (*resolve)(const struct target *t, void *opts, struct err *err);
	/* 0, or -errno with the cause in words. Leaves nothing changed on failure. */
	int (*apply)(const struct target *t, const void *opts, struct err *err);
	/* What the kernel has now, as options. */
	int (*read_back)(const struct target *t, void *opts, struct err *err);
	/*
	 * Sees what was asked for (resolved) and what the kernel has, with the verdict of the
	 * comparison in *report, and may put a better verdict and sentence there. Optional.
	 */
	void (*explain)(const struct target *t, const void *requested, const void *effective,
			struct verdict_report *report);
	/*
	 * SCOPE_THREAD, SCOPE_PROCESS: the memory of this thread, when it is ready and again at its
	 * end. Moves, faults in or advises what apply() does not reach (not at_end), counts the
	 * pages, and puts what came of it into *report, which is empty but for its name. 0,
	 * SETTLE_SAME, or -errno when nothing could be done. From the thread itself. Optional.
	 */
	int (*settle)(const struct target *t, const void *opts, const struct memory_range *ranges,
		      unsigned count, bool at_end, struct verdict_report *report, struct err *err);
	/*
	 * At the end of the thread (in it) or of the process: *report is what came of the request,
	 * and what has become of it since (overruns, throttling) may be put into report->why, or
	 * worsen the verdict. opts are not resolved. Optional.
	 */
	void (*ended)(const struct target *t, const void *opts, struct verdict_report *report);
};

/*
 * check, probe, resolve, apply, read back, compare, explain. Returns 0 when the verdict is ok or
 * vacuous; else -errno, and err says why. *ret is always filled. Knobs left at their default ask
 * for nothing and are not compared. After clamped or ignored the thread keeps what the kernel made
 * of it.
 */
int tunable_apply(const struct tunable *tn, const struct target *t, const void *opts,
		  struct verdict_report *ret, struct err *err);

/* The first knob that opts sets to something else than its default; NULL: none. */
const struct knob *tunable_asked(const struct tunable *tn, const void *opts);

/*
 * For explain(): report->effective gets those knobs alone that were asked for. Where a knob that is
 * left alone has a value all the same (a limit, a weight), that would be a list of everything.
 */
void tunable_describe_asked(const struct tunable *tn, const void *requested, const void *effective,
			    struct verdict_report *report);

/*
 * Applies "policy=fifo priority=10" to a thread that is made for it and ends then (SCOPE_THREAD).
 * *ret says what came of it. 0, or -errno when the settings are wrong or there is no thread.
 */
int tunable_try(const struct tunable *tn, const char *settings, struct verdict_report *ret,
		struct err *err);

/*
 * settle(), of a tunable that has it and opts that ask for something. SETTLE_SAME,
 * or *ret is filled, and the result is as tunable_apply()'s.
 */
int tunable_settle(const struct tunable *tn, const struct target *t, const void *opts,
		   const struct memory_range *ranges, unsigned count, bool at_end,
		   struct verdict_report *ret, struct err *err);

/* For settle(): what was asked for, and what there is now, in the words of the knobs. */
void tunable_describe(const struct tunable *tn, const void *requested, const void *effective,
		      struct verdict_report *ret);

/* registry.c - in the order of application; ends with NULL. */
extern const struct tunable *const tunables[];
const struct tunable *tunable_find(const char *name);

#endif
