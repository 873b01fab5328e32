/*
 * gate.h - threads begin together, or not at all, and leave together.
 *
 * Each thread comes with the result of its preparations and waits; who started them opens the gate
 * when all have come and none has failed. Nobody takes its own loop down before the last one is
 * about to, because loops are woken from other threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_GATE_H
#define RW_ENGINE_GATE_H

#include <pthread.h>
#include <stdbool.h>

#include "base/err.h"

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned arrived, leaving, members;
	bool decided, open;
	struct err err; /* the first failure */
};

void gate_init(struct gate *g);

/* For the threads. True: begin; false: end at once, something failed. result < 0: err says what. */
bool gate_pass(struct gate *g, int result, const struct err *err);
/* Waits until all members are here: the threads, and who tells them to stop. */
void gate_leave(struct gate *g);

/* For their starter: waits for `expected` threads; 0, or the first failure. */
int gate_await(struct gate *g, unsigned expected, struct err *err);
/* Lets them pass; so many will come to gate_leave(). */
void gate_decide(struct gate *g, bool open, unsigned members);

#endif
