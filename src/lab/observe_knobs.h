/*
 * observe_knobs.h - what of a run's observation has to be asked for, because it costs a little.
 *
 * In an experiment file: observe: {hardware: yes}. The same for all runs of a sweep, so that it
 * makes no difference between them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_OBSERVE_KNOBS_H
#define RW_LAB_OBSERVE_KNOBS_H

#include <jansson.h>

#include "base/knob.h"

struct observe_opts {
	bool hardware;	   /* counters of the PMU */
	bool runq_latency; /* by eBPF */
};
extern const struct knob_group observe_knobs;

/* "hardware" and the text "yes". */
int observe_set(struct observe_opts *o, const char *key, const char *text, struct err *err);
/* {"hardware": "yes"}: a new object. */
json_t *observe_to_json(const struct observe_opts *o);
/* Keys that are not there keep their default. -EINVAL: a value is none. */
int observe_from_json(const json_t *json, struct observe_opts *ret, struct err *err);

#endif
