/*
 * run_system.h - the whole machine's settings of one run: applied before it, taken back behind it.
 *
 * What is the machine's is written through a journal (system/journal.h), whose watcher takes it
 * back also when the lab is killed. What a network namespace has for itself is written inside of
 * the run's own, which its processes enter and which ends with them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_RUN_SYSTEM_H
#define RW_LAB_RUN_SYSTEM_H

#include <jansson.h>

#include "lab/system.h"
#include "system/journal.h"
#include "system/netns.h"

struct run_system {
	struct system_plan plan;
	struct journal *journal; /* NULL: nothing of the machine's is written */
	struct err no_journal;	 /* why not, where degraded runs are allowed */
	struct netns netns;
	bool is_set; /* anything is set at all */
};

/*
 * 0 also when there is nothing to do. -errno and a sentence: the run cannot be made as asked;
 * -EBUSY: now, for somebody else is changing the same. run_system_end() is to be called in any
 * case.
 */
int run_system_begin(struct run_system *rs, const struct settings *s, struct err *err);

/* For processes of the run; NULL: that of the lab. */
const struct netns *run_system_netns(const struct run_system *rs);

/*
 * Takes everything back. -EBUSY and a sentence: somebody else has changed a setting meanwhile,
 * which is left to them.
 */
int run_system_end(struct run_system *rs, struct err *err);

/* {"network_namespace": false, "tunables": [...]} as node and client write theirs; or NULL. */
json_t *run_system_json(const struct run_system *rs);
void run_system_finish(struct run_system *rs);

#endif
