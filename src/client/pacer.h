/*
 * pacer.h - how to wait for a due time: a decision about numbers, without a clock of its own.
 *
 *	sleep	in the backend's wait until the request is due: cheap, late by a timer's wake-up
 *	spin	polls the backend without waiting: on time, costs a CPU
 *	hybrid	sleeps until due - spin_ns, spins the rest
 *
 * A request is never sent early: only when now >= due. While it spins the loop still serves
 * answers. Sleeping is only as exact as the thread's timer slack, so client threads set it to 1
 * ns (PR_SET_TIMERSLACK; the default of 50 us would be the lateness of every request).
 *
 * Spinning is CPU time by design and not a sign of an overloaded generator, so the pacer adds up
 * turns that found nothing to do; observe/usage.h subtracts them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_PACER_H
#define RW_CLIENT_PACER_H

#include <stdbool.h>
#include <stdint.h>

#include "client/client.h"

struct pacer {
	enum wait_mode mode;
	int64_t spin_ns;      /* hybrid: how long before a due time sleeping ends */
	int64_t last_turn_ns; /* 0: none yet */
	int64_t idle_ns;      /* spent spinning, without anything to do */
};

enum pacer_action { PACER_SEND, PACER_SPIN, PACER_SLEEP };

struct pacer_step {
	enum pacer_action action;
	int64_t wait_ns; /* PACER_SLEEP: at most so long; else 0 */
};

/* INT64_MAX: nothing is due, only answers are awaited. */
struct pacer_step pacer_decide(const struct pacer *p, int64_t now_ns, int64_t due_ns);

/* Called once a turn. was_idle: the turn before this did not wait, and found nothing to do. */
void pacer_count_turn(struct pacer *p, int64_t now_ns, bool was_idle);

#endif
