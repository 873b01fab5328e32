/*
 * affinity.h - what the parts of the tunable "pin" share: its options, places, sentences.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TUNABLES_AFFINITY_H
#define RW_TUNABLES_AFFINITY_H

#include "base/cpus.h"
#include "system/topology.h"
#include "tunables/tunable.h"

enum pin_spread { PIN_EACH, PIN_ALL };

enum pin_strategy {
	PIN_NONE,
	PIN_COMPACT,
	PIN_SCATTER,
	PIN_SAME_CORE,
	PIN_SAME_L3,
	PIN_OTHER_NODE,
	PIN_AWAY,
};
extern const char *const pin_strategy_names[];

enum { PIN_TEXT = 128, PIN_PLACES = 32 };

struct pin_opts {
	char cpus[PIN_TEXT];
	char at[PIN_TEXT]; /* "core:1,l3:0" */
	int strategy;	   /* enum pin_strategy */
	char avoid[PIN_TEXT];
	int spread; /* enum pin_spread */
};

/*
 * affinity_place.c: the knob types of `at` and `avoid` (which may also be a list of CPUs), and the
 * CPUs of each place in a text, or of all of it.
 */
extern const struct knob_type pin_knob_at, pin_knob_avoid;
int pin_places(const struct topology *t, const char *at, cpu_set_t places[PIN_PLACES],
	       unsigned *ret_count, struct err *err);
int pin_avoided(const struct topology *t, const char *avoid, cpu_set_t *ret, struct err *err);

/*
 * affinity_strategy.c: in which order a strategy hands out the CPUs of `domain`, seen from those of
 * `avoid` (none: from where the domain begins). -ENODEV: nothing is left, and why.
 */
int pin_order(const struct topology *t, enum pin_strategy strategy, const cpu_set_t *domain,
	      const cpu_set_t *avoid, struct cpu_order *ret, struct err *err);
/* Why the strategy cannot make a difference on such a machine; NULL: it can. */
const char *pin_vacuous(const struct topology *t, enum pin_strategy strategy);

/* affinity_explain.c: sched_setaffinity(2) refused `asked` with this code. Returns code. */
int pin_refuse(pid_t tid, const cpu_set_t *asked, int code, struct err *err);
void pin_explain(const struct target *t, const void *requested, const void *effective,
		 struct verdict_report *report);
/*
 * Is the thread, pinned as in *resolved, still where the pin put it? Leaving a cpuset, or a change
 * of the one it is in, takes pins away without a word: *report then says so.
 */
void pin_look_again(const struct target *t, const struct pin_opts *resolved,
		    struct verdict_report *report);

#endif
