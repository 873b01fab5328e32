/*
 * pacer.c - see pacer.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/pacer.h"

/*
 * An idle turn is a clock read and a system call that finds nothing, below 2 us. A longer one was
 * preempted, and then the thread was not burning CPU.
 */
#define IDLE_TURN_MAX_NS 10000

struct pacer_step pacer_decide(const struct pacer *p, int64_t now_ns, int64_t due_ns)
{
	int64_t left = due_ns - now_ns;

	if (left <= 0)
		return (struct pacer_step){ .action = PACER_SEND };
	if (p->mode == WAIT_HYBRID)
		left -= p->spin_ns;
	if (p->mode == WAIT_SPIN || left <= 0)
		return (struct pacer_step){ .action = PACER_SPIN };
	return (struct pacer_step){ .action = PACER_SLEEP, .wait_ns = left };
}

void pacer_count_turn(struct pacer *p, int64_t now_ns, bool was_idle)
{
	int64_t turn = now_ns - p->last_turn_ns;

	if (was_idle && p->last_turn_ns)
		p->idle_ns += turn < IDLE_TURN_MAX_NS ? turn : IDLE_TURN_MAX_NS;
	p->last_turn_ns = now_ns;
}
