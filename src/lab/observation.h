/*
 * observation.h - what a process and its machine did during a run, looked at from outside.
 *
 * It begins when the node listens and ends when the client has ended, so the window holds all
 * requests that the node served, those of the warm-up included, and counters per request are
 * divided by as many. Everything is read from /proc before and after: the observed pays nothing
 * and needs no part in it. Counting hardware events and the run-queue latencies does cost a little
 * at every switch, so they are off unless asked for (struct observe_opts).
 *
 * Observing never fails a run: what could not be seen is null, with its reason under "not_known".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_OBSERVATION_H
#define RW_LAB_OBSERVATION_H

#include <jansson.h>

#include "lab/observe_knobs.h"
#include "observe/describe.h"
#include "observe/perf.h"
#include "observe/runq.h"

/* Zeroed: nothing was observed. */
struct observation {
	pid_t pid;
	struct process_sample begin;
	struct host machine_begin;
	struct perf_session perf;
	struct runq *runq;
	char runq_why[PERF_WHY]; /* asked for, and not there because */

	bool is_complete; /* both ends were seen: what follows is filled */
	struct process_change process;
	struct host machine;
	int64_t events[PERF_EVENTS];
	json_t *latency; /* of the run queue; NULL: not asked for, or not possible */
};

void observation_begin(struct observation *o, pid_t pid, const struct observe_opts *opts);
/* May be called again, for a longer window from the same beginning. */
void observation_end(struct observation *o);
void observation_finish(struct observation *o);

/*
 * The CPUs that the node works on, and who else used them: all CPU time there without that of the
 * node, and without the client's where the two may meet; then the CPUs of both are looked at
 * together.
 * client_cpus NULL: the client's are not known. Negative: not known.
 */
double observation_others(const struct observation *o, const cpu_set_t *client_cpus,
			  int64_t client_cpu_ns);

/* {"process", "threads", "machine", "hardware", "run_queue", "not_known"}; NULL: nothing seen. */
json_t *observation_json(const struct observation *o);

#endif
