/*
 * possible.h - can this configuration run on this machine, and is it safe to try.
 *
 * Nothing is guessed from versions or ids: a child process takes the settings of the node's and the
 * client's threads and opens their backends, says how it went, and is gone. Before that, real-time
 * scheduling that could take every CPU is refused: a machine that spins at SCHED_FIFO on all of
 * them answers nobody any more, not even whoever could stop it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_POSSIBLE_H
#define RW_LAB_POSSIBLE_H

#include <sched.h>

#include "engine/hooks.h"
#include "lab/parts.h"

/*
 * False: why holds the reason. True: why is empty, or says which setting makes no difference
 * ("vacuous: ...").
 */
bool possible_here(struct role_knobs *const knobs[ROLES], char *why, size_t size);

/*
 * possible_system.c: the same of the settings of the whole machine, by looking: none is changed,
 * so that what is refused only when it is written shows in the first run.
 */
bool possible_system(const struct settings *s, char *why, size_t size);

/* The real-time rule alone, for a machine with these CPUs. */
bool possible_realtime(struct role_knobs *const knobs[ROLES], const cpu_set_t *online, char *why,
		       size_t size);

/*
 * possible_sockets.c: what hooks do to the sockets of a node or a client. 0, or -errno and the
 * sentence. Costs nothing when nothing is asked for.
 */
int possible_sockets(enum role role, const struct hooks *hooks, struct err *err);

#endif
