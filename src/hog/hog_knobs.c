/*
 * hog_knobs.c - what can be set about a hog; hog.h says what it means.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "hog/hog.h"

#define FIELD(field, ctype) KNOB_FIELD(struct hog_opts, field, ctype)

static const char *const thread_aliases[] = { "nt", "num-threads", NULL };

static const struct knob knobs[] = {
	{ .name = "threads",
	  .aliases = thread_aliases,
	  .type = &knob_int,
	  FIELD(threads, int64_t),
	  .max = HOG_THREADS_MAX,
	  .def = "1",
	  .help = "threads that are busy; 0: none" },
	{ .name = "busy",
	  .type = &knob_ratio,
	  FIELD(busy, double),
	  .max = 1,
	  .def = "100%",
	  .help = "share of each period that a thread wants to run" },
	{ .name = "period",
	  .type = &knob_time,
	  FIELD(period_ns, int64_t),
	  .min = 100 * US,
	  .max = 10 * SEC,
	  .def = "10ms",
	  .help = "busy, then asleep, so often" },
	{ .name = "memory",
	  .type = &knob_size,
	  FIELD(memory, int64_t),
	  .max = 1LL << 40,
	  .def = "0B",
	  .help = "walk over so much memory, each thread over its own; 0B: compute only" },
	{ .name = "duration",
	  .type = &knob_time,
	  FIELD(duration_ns, int64_t),
	  .min = 1 * MS,
	  .max = 86400 * SEC,
	  .def = "60s",
	  .help = "end after this time" },
	{ 0 },
};

const struct knob_group hog_knobs = {
	.name = "",
	.help = "load: who is busy, and how much",
	.knobs = knobs,
	.opts_size = sizeof(struct hog_opts),
};
