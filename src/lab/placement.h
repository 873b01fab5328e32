/*
 * placement.h - the tunables of a role's threads: applied as each starts, with what came of it.
 *
 * The engine knows nothing of tunables and tunables nothing of the engine; this knows both sides.
 * Its hooks apply every tunable that asks for something to each thread before the thread allocates
 * anything, read back what the kernel has, and keep the report. A verdict that is neither ok nor
 * vacuous ends the start, unless allow_degraded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_PLACEMENT_H
#define RW_LAB_PLACEMENT_H

#include <jansson.h>
#include <stdatomic.h>

#include "engine/hooks.h"
#include "lab/parts.h"
#include "tunables/tunable.h"

#define PLACEMENT_TUNABLES 8
#define PLACEMENT_REPORTS  1024

struct placement_report {
	enum thread_role role;
	unsigned index;
	struct tunable_report report;
	atomic_bool filled;
};

struct placement {
	bool allow_degraded;
	const struct tunable *const *tunables;
	const void *opts[PLACEMENT_TUNABLES]; /* by index in tunables[]; lent by the role's knobs */
	struct placement_report *reports;
	atomic_uint report_count;
	void (*say)(void *context, const char *sentence); /* passed on in the hooks */
	void *say_context;
};

/* rk: the role's knobs, which outlive the placement. */
int placement_init(struct placement *p, const struct role_knobs *rk, struct err *err);
void placement_finish(struct placement *p);

/* Hooks whose context is p. */
struct hooks placement_hooks(struct placement *p);

/* [{"thread": "worker 0", "name": "sched", "requested", "effective", "verdict", "why"}] */
json_t *placement_json(const struct placement *p);

#endif
