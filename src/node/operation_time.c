/*
 * operation_time.c - compute and sleep: service time with and without a CPU.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "node/operation.h"

static enum wire_fault check_time(const struct program_host *h, const struct wire_operation *op,
				  struct demand *demand)
{
	if (op->value > h->time_max_ns - demand->time_ns)
		return WIRE_OVER_LIMIT;
	demand->time_ns += op->value;
	return WIRE_FINE;
}

static enum step run_compute(struct run *r, const struct wire_operation *op)
{
	struct program_host *h = r->host;
	int64_t start_ns = clock_now_ns();
	int64_t end_ns = compute_run(h->compute, op->flags, (int64_t)op->value);

	r->queue_ns += start_ns - r->now_ns;
	r->service_ns += end_ns - start_ns;
	r->now_ns = end_ns;
	h->busy_until_ns = end_ns;
	h->stats.compute_ns += end_ns - start_ns;
	return STEP_DONE;
}

static enum step run_sleep(struct run *r, const struct wire_operation *op)
{
	struct waiting *w = r->waiting;

	w->ready_ns = r->now_ns + (int64_t)op->value;
	w->op.kind = IO_TIMER;
	w->op.deadline_ns = w->ready_ns;
	w->op.done = program_on_done;
	loop_submit(r->host->loop, &w->op);
	r->service_ns += (int64_t)op->value;
	return STEP_WAITS;
}

const struct operation operation_compute = { "compute", OPERATION_COMPUTES, check_time, run_compute,
					     NULL };
const struct operation operation_sleep = { "sleep", OPERATION_LASTS, check_time, run_sleep, NULL };
