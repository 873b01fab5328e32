/*
 * foreign.h - CPU time that somebody who is no part of a run used on its CPUs, and what follows.
 *
 * No part of it are all processes but these: node, client and hog of the run, the lab itself, other
 * programs of ringwalk (nodes and proxies that an experiment needs besides), unless another sweep
 * has started them, and the kernel's threads. What is looked at are the CPUs that node and client
 * may run on, those of each by itself where they never meet: a neighbour elsewhere disturbs less.
 * What those who are part of a run used is taken off whole where they may have run there at all,
 * so the rest is rather too small than too large. From inside of a container the kernel's threads
 * and the processes of others are not to be seen: what they used counts, and has no name.
 *
 * A run is SUSPECT above FOREIGN_LIMIT, and never INVALID for it alone. The share says that
 * somebody was there and not what it did: beside a CPU to spare that is nothing. What it does to
 * the load (requests sent late, a client that waits for its CPU) has limits of its own, which make
 * a run INVALID (client/judge.c); what it does to the node is the same for all configurations of a
 * block while it stays, and A/A shows what is then left to be told apart. And an INVALID run would
 * be repeated in the same block, beside the same neighbour: on a shared machine that ends in no
 * result at all. Stolen time (judge.c) is graded harder because it stands in the CPU time of the
 * node, too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_FOREIGN_H
#define RW_LAB_FOREIGN_H

#include <jansson.h>

#include "observe/census.h"
#include "observe/host.h"
#include "observe/process.h"

/*
 * The least that two medians of response times must differ by to be called different (the margin of
 * p50 in dataset.c): a neighbour that takes less of the CPUs stays below what is claimed.
 */
#define FOREIGN_LIMIT 0.02
/*
 * Much of a machine's CPU time is counted by looking who runs when a tick comes, so a short window
 * does not tell a small share from chance: what is within so many standard deviations of such a
 * count is no reason. Half a second of two CPUs that are half busy tells 15 %, ten seconds tell 3.
 */
#define FOREIGN_SIGMAS 3

#define FOREIGN_TEXT 160

/* Somebody other than node and client. */
struct foreign_process {
	char name[TASK_NAME];
	bool is_ours;	/* part of the run, or the kernel's */
	cpu_set_t cpus; /* where it may have run */
	int64_t cpu_ns;
};

struct foreign_facts {
	const struct host *machine; /* between begin and end of the client */
	cpu_set_t node_cpus, client_cpus;
	int64_t node_ns, client_ns; /* CPU time in that window */
	unsigned count;
	const struct foreign_process *processes;
};

struct foreign {
	double share; /* of the CPUs' time; negative: not known */
	double limit; /* FOREIGN_LIMIT, or what can be told in this window */
	const char *whose;
	cpu_set_t cpus;
	char by[TASK_NAME]; /* whose name stands for most of it; "": nobody's */
	int64_t by_ns;	    /* used there or elsewhere: the kernel does not say */
};

/* A pure function. Where node and client never meet: of both the one with more of it. */
void foreign_find(const struct foreign_facts *f, struct foreign *ret);

/* {"share", "limit", "whose", "cpus", "most": {"name", "cpu_ns"}}; null when nothing is known. */
json_t *foreign_json(const struct foreign *f);
/* The sentence of a run that is SUSPECT for it, from that; "": there is none. Returns buf. */
const char *foreign_reason(const json_t *json, char *buf, size_t size);

/* foreign_watch.c: what a census says of the time between begin and end. Zeroed: nothing. */
struct foreign_watch {
	bool is_complete;
	struct census begin, change;
	unsigned count;
	struct foreign_process *processes;
};

struct foreign_own {
	pid_t node;	     /* its time is known better */
	const char *program; /* ringwalk itself */
};
void foreign_watch_begin(struct foreign_watch *w);
void foreign_watch_end(struct foreign_watch *w, const struct foreign_own *own);
void foreign_watch_finish(struct foreign_watch *w);

#endif
