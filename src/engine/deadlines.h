/*
 * deadlines.h - many waits of a loop that end with one timer.
 *
 * The timer is set for the first deadline and left alone when that wait ends in time; when it fires
 * it looks for the next. What waits has a struct deadline in it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_DEADLINES_H
#define RW_ENGINE_DEADLINES_H

#include "engine/loop.h"

struct deadline {
	struct deadline *after, *before;
	int64_t at_ns;
};

struct deadlines {
	struct loop *loop;
	void (*expired)(struct deadline *d); /* has to remove it */
	struct deadline *first, *last;
	uint32_t count;
	struct io_op timer;
	bool is_timing, is_cancelled; /* the timer */
};

void deadlines_init(struct deadlines *all, struct loop *loop, void (*expired)(struct deadline *d));
void deadlines_add(struct deadlines *all, struct deadline *d, int64_t at_ns);
void deadlines_remove(struct deadlines *all, struct deadline *d);

#endif
