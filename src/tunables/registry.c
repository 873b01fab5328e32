/*
 * registry.c - the tunables there are, in the order in which they are applied to a thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tunables/tunable.h"

extern const struct tunable tunable_limits;
extern const struct tunable tunable_autogroup;
extern const struct tunable tunable_cgroup;
extern const struct tunable tunable_memory;
extern const struct tunable tunable_numa;
extern const struct tunable tunable_pin;
extern const struct tunable tunable_sched;
extern const struct tunable tunable_timer;
extern const struct tunable tunable_socket;
extern const struct tunable tunable_steer;

const struct tunable *const tunables[] = {
	&tunable_limits,
	&tunable_autogroup,
	&tunable_cgroup,
	&tunable_memory,
	&tunable_numa,
	&tunable_pin,
	&tunable_sched,
	&tunable_timer,
	&tunable_socket,
	&tunable_steer,
	NULL,
};

const struct tunable *tunable_find(const char *name)
{
	const struct tunable *const *tn;

	for (tn = tunables; *tn; tn++)
		if (!strcmp((*tn)->group.name, name))
			break;
	return *tn;
}
