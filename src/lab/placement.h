/*
 * placement.h - the tunables of a role: applied at their moment, with what came of each.
 *
 * The engine knows nothing of tunables and tunables nothing of the engine; this knows both sides.
 * placement_begin() applies what is for the process, and the hooks what is for threads and sockets,
 * in the order of the registry; read back, compared, and kept as reports. So is what each thread's
 * backend was asked for, under the backend's name. A verdict that is neither ok nor vacuous ends
 * the start, unless allow_degraded.
 *
 * Threads have reports of their own. Sockets and other things there may be thousands of share one
 * per subject and tunable: the worst, with how many there were.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_PLACEMENT_H
#define RW_LAB_PLACEMENT_H

#include <jansson.h>
#include <pthread.h>

#include "engine/hooks.h"
#include "lab/parts.h"
#include "tunables/tunable.h"

#define PLACEMENT_TUNABLES 24

struct placement_report {
	char subject[32];     /* "worker 0", "listening socket", "process" */
	unsigned count;	      /* of applications it stands for */
	unsigned short_count; /* of them, that were not ok */
	enum verdict told;    /* the verdict that has been said to a person; ok: nothing has */
	struct verdict_report report;
};

struct placement {
	bool allow_degraded;
	bool is_complete; /* placement_complete() has been here */
	enum role role;
	const struct role_knobs *knobs;
	const struct tunable *const *tunables;
	/* By index in tunables[], lent by the role's knobs: of all threads, and of one kind. */
	const void *general[PLACEMENT_TUNABLES];
	const void *own[PLACEMENT_TUNABLES][THREAD_ROLES]; /* NULL: there is no such group */
	pthread_mutex_t lock; /* of the reports: threads start at the same time */
	struct placement_report *reports;
	unsigned report_count, report_room;
	struct journal *journal; /* when something asked for outlives the process; else NULL */
	struct err no_journal;	 /* why it could not be had: what needs it is denied */
	void (*say)(void *context, const char *sentence); /* passed on in the hooks */
	void *say_context;
	struct placement_kernel *kernel; /* placement_kernel.c; NULL: nothing is looked for */
	pthread_mutex_t shared_lock;	 /* of what follows */
	pid_t shared_tid; /* the polling thread that several share, once it has been placed */
};

/* rk: the role's knobs, which outlive the placement; they may be filled in later. */
int placement_init(struct placement *p, enum role role, const struct role_knobs *rk,
		   struct err *err);
/* Takes back what would outlive the process; what was changed by others meanwhile, it says. */
void placement_finish(struct placement *p);

/* What is for the process. Before any thread is started and before anything large is allocated. */
int placement_begin(struct placement *p, struct err *err);

/* At the end, with threads gone: what is for the process says what has become of it. */
void placement_end(struct placement *p);

/* Hooks whose context is p. To be made when the knobs are filled in. */
struct hooks placement_hooks(struct placement *p);

/*
 * Adds a report, or makes it part of the one there is of this subject and name. Any thread. True:
 * there was none, or a better one.
 */
bool placement_report(struct placement *p, const char *subject,
		      const struct verdict_report *report);

/* The report of this subject and name, or NULL. The lock is held by the caller. */
struct verdict_report *placement_find(struct placement *p, const char *subject, const char *name);

/*
 * At the end, before placement_json(), which does it, too: what is for the process, and as vacuous
 * what nothing here made use of: settings for threads and sockets that there are none of, of
 * backends not in use, and those that mean nothing by themselves.
 */
void placement_complete(struct placement *p);
/* Says everything that is not ok and has not been said. Once, at the end, with threads gone. */
void placement_tell(struct placement *p);

/*
 * [{"subject": "worker 0", "name": "sched", "requested", "effective", "verdict", "why", "count"}]
 */
json_t *placement_json(struct placement *p);

/*
 * The session's autogroup ("/autogroup-12") where those count for this process, else null: nice
 * and SCHED_IDLE decide nothing between two processes whose groups differ.
 */
json_t *placement_autogroup(void);

/* The same without counting it: what is known at a thread's end about what was reported before. */
bool placement_amend(struct placement *p, const char *subject, const struct verdict_report *report);

/* Below: for the files of the placement among themselves. */

/* A person has been told of it. */
void placement_told(struct placement *p, const char *subject, const struct verdict_report *report);

/* The own group of these threads if it asks for anything; else the general one; NULL: nothing. */
const void *placement_opts(const struct placement *p, unsigned i, enum thread_role role);
/* Applies tunable i unless opts asks for nothing, and keeps the report. */
int placement_apply(struct placement *p, unsigned i, const void *opts, const struct target *t,
		    const char *subject, struct err *err);
/* Keeps the report; a failure (rc) counts unless degraded runs are allowed. */
int placement_conclude(struct placement *p, const char *subject,
		       const struct verdict_report *report, int rc, struct err *err);

/* placement_backend.c - what the kernel has of what the thread's backend was asked for. */
int placement_backend_ready(struct placement *p, struct backend *b, const char *subject,
			    struct err *err);
void placement_backend_ending(struct placement *p, struct backend *b, const char *subject);

/*
 * placement_kernel.c - the kernel's threads behind a backend. begin: in the role's main thread,
 * before another is placed. ready, ending: in the thread whose backend it is; maker: that thread.
 */
int placement_kernel_begin(struct placement *p, struct err *err);
int placement_kernel_ready(struct placement *p, struct backend *b, const struct target *maker,
			   struct err *err);
void placement_kernel_ending(struct placement *p);
void placement_kernel_finish(struct placement *p);

/*
 * placement_shared.c - whether a polling thread that several threads share, and the io-wq threads
 * behind it, would be placed the same for `maker` as for the first of them. 0, or -EINVAL and what
 * to say instead (a report like others: degraded runs go on, with what the first one gets).
 */
int placement_check_shared(struct placement *p, const struct backend_thread *found,
			   const struct target *maker, struct err *err);

#endif
