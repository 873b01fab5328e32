/*
 * distwalk.h - dw_node's spellings of what is set in another way here.
 *
 *	-c auto			--pin.cpus=(those this process may use)
 *	-c 0,2-5:2		--pin.cpus=0,2-5:2
 *	--sched-policy rr:10	--sched.policy=rr --sched.priority=10
 *	--no-defrag		nothing: a receive buffer is never moved here
 *	--ws			--BACKEND.busy-wait=1s
 *
 * They only translate, as if the options on the right had been given in their place, so results
 * name those. That is also why they are no keys of experiments. What differs by its name alone is
 * an alias in the table that has it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLI_DISTWALK_H
#define RW_CLI_DISTWALK_H

#include "base/knob.h"

struct distwalk_opts {
	char affinity[128], policy[64]; /* as typed */
	bool no_defrag, spin;
	struct knob_set *set; /* to be set by who owns it, before options are read */
};

extern const struct knob_group distwalk_knobs;

/* --wait-spin, which waits until it is known which backend will: after all options. */
int distwalk_spin(const struct distwalk_opts *o, const char *backend, struct err *err);

#endif
