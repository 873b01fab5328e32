/*
 * registry.c - the tunables there are, in the order in which they are applied to a thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tunables/tunable.h"

extern const struct tunable tunable_limits, tunable_autogroup, tunable_cgroup, tunable_pin,
	tunable_sched, tunable_timer;

const struct tunable *const tunables[] = { &tunable_limits,
					   &tunable_autogroup,
					   &tunable_cgroup,
					   &tunable_pin,
					   &tunable_sched,
					   &tunable_timer,
					   NULL };

const struct tunable *tunable_find(const char *name)
{
	const struct tunable *const *tn;

	for (tn = tunables; *tn; tn++)
		if (!strcmp((*tn)->group.name, name))
			break;
	return *tn;
}
