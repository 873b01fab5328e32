/*
 * sample_knobs.h - a group of every type of knob, and one with a name, for the tests of knobs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_SAMPLE_KNOBS_H
#define RW_TESTS_SAMPLE_KNOBS_H

#include "base/knob.h"
#include "tests/test.h"

static const char *const trigger_names[] = { "level", "edge", "oneshot", NULL };
static const char *const poll_aliases[] = { "poll-mode", NULL };

struct basic_opts {
	int64_t threads, nice, timeout_ns, period_ns, size_bytes;
	double rate, share;
	int backend;
	bool spin, quiet;
	char name[8], cpus[16];
	struct knob_list bind, reply;
};

static const char *const backend_names[] = { "select", "poll", "epoll", "io_uring", NULL };

static const struct knob basic_knobs[] = {
	{ .name = "threads",
	  .type = &knob_int,
	  KNOB_FIELD(struct basic_opts, threads, int64_t),
	  .letter = 't',
	  .min = 1,
	  .max = 256,
	  .def = "1",
	  .help = "worker threads" },
	{ .name = "nice",
	  .type = &knob_int,
	  KNOB_FIELD(struct basic_opts, nice, int64_t),
	  .min = -20,
	  .max = 19,
	  .def = "0",
	  .help = "nice value" },
	{ .name = "timeout",
	  .type = &knob_time,
	  KNOB_FIELD(struct basic_opts, timeout_ns, int64_t),
	  .min = 1000,
	  .max = 0,
	  .def = "1s",
	  .help = "how long to wait" },
	{ .name = "period",
	  .type = &knob_time,
	  KNOB_FIELD(struct basic_opts, period_ns, int64_t),
	  .letter = 'p',
	  .bare_unit = "us",
	  .def = "100ms",
	  .help = "gap between sends" },
	{ .name = "size",
	  .type = &knob_size,
	  KNOB_FIELD(struct basic_opts, size_bytes, int64_t),
	  .min = 24,
	  .max = 1 << 20,
	  .def = "1KiB",
	  .help = "request size" },
	{ .name = "rate",
	  .type = &knob_rate,
	  KNOB_FIELD(struct basic_opts, rate, double),
	  .letter = 'r',
	  .min = 1,
	  .max = 1000000,
	  .def = "10",
	  .help = "requests per second" },
	{ .name = "share",
	  .type = &knob_ratio,
	  KNOB_FIELD(struct basic_opts, share, double),
	  .def = "5%",
	  .help = "tolerance" },
	{ .name = "backend",
	  .type = &knob_enum,
	  KNOB_FIELD(struct basic_opts, backend, int),
	  .aliases = poll_aliases,
	  .choices = backend_names,
	  .def = "epoll",
	  .help = "I/O interface" },
	{ .name = "wait-spin",
	  .type = &knob_bool,
	  KNOB_FIELD(struct basic_opts, spin, bool),
	  .letter = 'w',
	  .help = "spin instead of sleeping" },
	{ .name = "quiet",
	  .type = &knob_bool,
	  KNOB_FIELD(struct basic_opts, quiet, bool),
	  .letter = 'q',
	  .def = "no",
	  .help = "print less" },
	{ .name = "name",
	  .type = &knob_text,
	  KNOB_FIELD(struct basic_opts, name, char[8]),
	  .help = "a label" },
	{ .name = "cpus",
	  .type = &knob_cpus,
	  KNOB_FIELD(struct basic_opts, cpus, char[16]),
	  .letter = 'c',
	  .help = "where to run" },
	{ .name = "bind-addr",
	  .type = &knob_texts,
	  KNOB_FIELD(struct basic_opts, bind, struct knob_list),
	  .letter = 'b',
	  .metavar = "ADDRESS",
	  .def = "127.0.0.1:7891",
	  .help = "listen there" },
	{ .name = "reply",
	  .type = &knob_texts,
	  KNOB_FIELD(struct basic_opts, reply, struct knob_list),
	  .letter = 'R',
	  .optional_value = true,
	  .metavar = "SIZE",
	  .help = "add a reply" },
	{ 0 },
};

static const struct knob_group basic = {
	.name = "", .help = "Options", .knobs = basic_knobs, .opts_size = sizeof(struct basic_opts)
};

struct epoll_opts {
	int trigger;
	int64_t events;
};

static const struct knob epoll_knobs[] = {
	{ .name = "trigger",
	  .type = &knob_enum,
	  KNOB_FIELD(struct epoll_opts, trigger, int),
	  .choices = trigger_names,
	  .def = "level",
	  .help = "how descriptors are armed" },
	{ .name = "events",
	  .type = &knob_int,
	  KNOB_FIELD(struct epoll_opts, events, int64_t),
	  .min = 1,
	  .max = 4096,
	  .def = "256",
	  .help = "events per wait" },
	{ 0 },
};

static const struct knob_group epoll = { .name = "epoll",
					 .help = "epoll(7)",
					 .knobs = epoll_knobs,
					 .opts_size = sizeof(struct epoll_opts) };

struct fixture {
	struct knob_set set;
	struct basic_opts basic;
	struct epoll_opts epoll;
	struct err err;
};

static inline struct fixture *setup(void)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	knob_set_add(&f.set, &basic, &f.basic);
	knob_set_add(&f.set, &epoll, &f.epoll);
	return &f;
}

/* The value of a key, as text. */
static inline const char *value_of(const struct fixture *f, const char *key)
{
	static char buf[512];
	const struct knob_bind *b;
	const struct knob *k = knob_set_find(&f->set, key, &b);

	CU_ASSERT_FATAL(k != NULL);
	knob_format(k, b->opts, buf, sizeof(buf));
	return buf;
}

static inline enum knob_origin origin_of(const struct fixture *f, const char *key)
{
	const struct knob_bind *b;
	const struct knob *k = knob_set_find(&f->set, key, &b);

	CU_ASSERT_FATAL(k != NULL);
	return b->from[k - b->group->knobs];
}

#endif
