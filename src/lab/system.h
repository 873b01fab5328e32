/*
 * system.h - settings of the whole machine as part of a run: the keys of `system`.
 *
 *	system: {net.core.busy_poll: 50, network-namespace: yes}
 *	factors: {system.net.ipv4.tcp_autocorking: [0, 1]}
 *
 * A few keys are the lab's own (system_knobs). Every other one is the name of a setting as
 * `ringwalk tune` knows it (system/setting.h), and its value is what is written. Applied and taken
 * back around each run by lab/run_system.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_SYSTEM_H
#define RW_LAB_SYSTEM_H

#include <stdbool.h>

#include "base/knob.h"
#include "lab/settings.h"
#include "system/setting.h"

struct system_opts {
	char profile[256];
	bool network_namespace, allow_degraded;
};

extern const struct knob_group system_knobs;

/* Is this the name of a setting, and a value that can be written? Sees files, changes none. */
int system_check(const char *key, const char *text, struct err *err);

/*
 * Takes back what killed sweeps have left, their watchers too, so that what is seen next is the
 * machine's own. Whoever may not do that is told by the first run that wants to change something.
 */
void system_recover(void);

/* What the settings of a configuration come to on this machine. */
struct system_plan {
	struct system_opts opts;
	struct setting_plan settings;
};

/*
 * Looks; changes nothing. What a profile sets and the settings name, too, has the value of the
 * settings. -errno: they make no sense together, or no namespace can be made.
 */
int system_plan_make(struct system_plan *p, const struct settings *s, struct err *err);
void system_plan_finish(struct system_plan *p);

/* The first change that cannot be or was not made as asked, unless that is allowed. Or NULL. */
const struct setting_change *system_plan_bad(const struct system_plan *p);

#endif
