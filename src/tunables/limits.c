/*
 * limits.c - the tunable "limits": what setrlimit(2) allows this process, before it has a thread.
 *
 * A limit is soft (what counts) and hard (how far the soft one may be raised). Lowering touches the
 * soft one only, so that what was there before can be had again without rights. Raising goes as far
 * as the hard limit lets it; past that CAP_SYS_RESOURCE raises both, and without it, which is how
 * many containers treat even root, the sentence says what is short of what.
 *
 * rttime is the safety net of real-time threads: after that much CPU time without a pause the
 * kernel sends SIGXCPU, which ends the process. (Runs of a sweep have one that nobody needs to set:
 * lab/child.c.)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/units.h"
#include "tunables/tunable.h"

#define KEEP	  (-1)
#define UNLIMITED INT64_MAX

struct limits_opts {
	int64_t nofile;
	int64_t memlock;   /* bytes */
	int64_t rtprio;	   /* the highest priority that may be had without CAP_SYS_NICE */
	int64_t nice;	   /* 20 less the lowest nice that may be had, as the kernel counts */
	int64_t rttime_ns; /* the kernel counts microseconds */
	int64_t core;	   /* bytes */
};

/* "keep" and "unlimited" beside what the type below them takes. */
static int parse_limit(const struct knob *k, const struct knob_type *type, const char *text,
		       void *field, struct err *err)
{
	int64_t value;
	int rc;

	if (!strcmp(text, "keep"))
		value = KEEP;
	else if (!strcmp(text, "unlimited"))
		value = UNLIMITED;
	else if ((rc = type->parse(k, text, &value, err)))
		return rc;
	memcpy(field, &value, sizeof(value));
	return 0;
}

static void format_limit(const struct knob *k, const struct knob_type *type, const void *field,
			 char *buf, size_t size)
{
	int64_t value;

	memcpy(&value, field, sizeof(value));
	if (value == KEEP || value == UNLIMITED)
		snprintf(buf, size, "%s", value == KEEP ? "keep" : "unlimited");
	else
		type->format(k, field, buf, size);
}

static int parse_count(const struct knob *k, const char *text, void *field, struct err *err)
{
	return parse_limit(k, &knob_int, text, field, err);
}

static void format_count(const struct knob *k, const void *field, char *buf, size_t size)
{
	format_limit(k, &knob_int, field, buf, size);
}

static int parse_bytes(const struct knob *k, const char *text, void *field, struct err *err)
{
	return parse_limit(k, &knob_size, text, field, err);
}

static void format_bytes(const struct knob *k, const void *field, char *buf, size_t size)
{
	format_limit(k, &knob_size, field, buf, size);
}

static int parse_time(const struct knob *k, const char *text, void *field, struct err *err)
{
	return parse_limit(k, &knob_time, text, field, err);
}

static void format_time(const struct knob *k, const void *field, char *buf, size_t size)
{
	format_limit(k, &knob_time, field, buf, size);
}

/* People say the nice value, the kernel 20 less it: -5 is a limit of 25. */
static int parse_nice(const struct knob *k, const char *text, void *field, struct err *err)
{
	int64_t value;
	int rc = parse_limit(k, &knob_int, text, &value, err);

	if (rc)
		return rc;
	if (strcmp(text, "keep") && value != UNLIMITED)
		value = 20 - value;
	memcpy(field, &value, sizeof(value));
	return 0;
}

static void format_nice(const struct knob *k, const void *field, char *buf, size_t size)
{
	int64_t value;

	memcpy(&value, field, sizeof(value));
	if (value != KEEP && value != UNLIMITED)
		snprintf(buf, size, "%d", 20 - (int)value);
	else
		format_limit(k, &knob_int, field, buf, size);
}

static const struct knob_type limit_count = { "N", parse_count, format_count };
static const struct knob_type limit_bytes = { "SIZE", parse_bytes, format_bytes };
static const struct knob_type limit_time = { "TIME", parse_time, format_time };
static const struct knob_type limit_nice = { "N", parse_nice, format_nice };

static const struct knob knobs[] = {
	{ .name = "nofile",
	  .type = &limit_count,
	  KNOB_FIELD(struct limits_opts, nofile, int64_t),
	  .min = 3,
	  .max = -1,
	  .def = "keep",
	  .help = "descriptors, and so connections, the process may have; or keep, unlimited",
	  .read_back = "getrlimit(2)" },
	{ .name = "memlock",
	  .type = &limit_bytes,
	  KNOB_FIELD(struct limits_opts, memlock, int64_t),
	  .max = -1,
	  .def = "keep",
	  .help = "memory that may be locked without CAP_IPC_LOCK; or keep, unlimited",
	  .read_back = "getrlimit(2)" },
	{ .name = "rtprio",
	  .type = &limit_count,
	  KNOB_FIELD(struct limits_opts, rtprio, int64_t),
	  .max = 99,
	  .def = "keep",
	  .help = "highest real-time priority without CAP_SYS_NICE; or keep",
	  .read_back = "getrlimit(2)" },
	{ .name = "nice",
	  .type = &limit_nice,
	  KNOB_FIELD(struct limits_opts, nice, int64_t),
	  .min = -20,
	  .max = 20,
	  .def = "keep",
	  .help = "lowest nice value without CAP_SYS_NICE, 20: as it is; or keep",
	  .read_back = "getrlimit(2)" },
	{ .name = "rttime",
	  .type = &limit_time,
	  KNOB_FIELD(struct limits_opts, rttime_ns, int64_t),
	  .min = 1000,
	  .max = -1,
	  .def = "keep",
	  .help = "CPU time of a fifo or rr thread without a pause, then the process is killed; "
		  "or keep, unlimited",
	  .read_back = "getrlimit(2)" },
	{ .name = "core",
	  .type = &limit_bytes,
	  KNOB_FIELD(struct limits_opts, core, int64_t),
	  .max = -1,
	  .def = "keep",
	  .help = "size of a core file; or keep, unlimited",
	  .read_back = "getrlimit(2)" },
	{ 0 },
};

/* In the order of knobs[]: which limit it is, and how much of the knob is one of the kernel's. */
static const struct limit {
	int resource;
	int64_t unit;
	size_t offset;
} limits[] = {
	{ RLIMIT_NOFILE, 1, offsetof(struct limits_opts, nofile) },
	{ RLIMIT_MEMLOCK, 1, offsetof(struct limits_opts, memlock) },
	{ RLIMIT_RTPRIO, 1, offsetof(struct limits_opts, rtprio) },
	{ RLIMIT_NICE, 1, offsetof(struct limits_opts, nice) },
	{ RLIMIT_RTTIME, 1000, offsetof(struct limits_opts, rttime_ns) },
	{ RLIMIT_CORE, 1, offsetof(struct limits_opts, core) },
};
#define LIMITS (sizeof(limits) / sizeof(*limits))

const struct tunable tunable_limits;

static int64_t *value_of(const struct limit *l, const void *opts)
{
	return (int64_t *)((char *)(uintptr_t)opts + l->offset);
}

static rlim_t to_kernel(const struct limit *l, int64_t value)
{
	return value == UNLIMITED ? RLIM_INFINITY : (rlim_t)(value / l->unit);
}

static int64_t from_kernel(const struct limit *l, rlim_t value)
{
	return value > (rlim_t)(INT64_MAX / l->unit) ? UNLIMITED : (int64_t)value * l->unit;
}

static bool is_default(const void *opts)
{
	for (size_t i = 0; i < LIMITS; i++)
		if (*value_of(&limits[i], opts) != KEEP)
			return false;
	return true;
}

static int refuse(size_t i, const struct limits_opts *o, const struct rlimit *now, int code,
		  struct err *err)
{
	struct limits_opts hard = *o;
	char have[64], want[64];

	if (code != -EPERM)
		return err_sys(err, code, "limits.%s", knobs[i].name);
	*value_of(&limits[i], &hard) = from_kernel(&limits[i], now->rlim_max);
	knob_format(&knobs[i], &hard, have, sizeof(have));
	knob_format(&knobs[i], o, want, sizeof(want));
	if (to_kernel(&limits[i], *value_of(&limits[i], o)) <= now->rlim_max)
		return err_set(err, code, "limits.%s: %s refused although the hard limit is %s",
			       knobs[i].name, want, have);
	return err_set(err, code,
		       "limits.%s: hard limit %s, %s wanted: raising it needs CAP_SYS_RESOURCE "
		       "(limits.conf, ulimit -H or LimitXXX= of the service set it)",
		       knobs[i].name, have, want);
}

/* The hard limit stays unless it is in the way. */
static int set_limit(size_t i, const struct limits_opts *o, struct err *err)
{
	rlim_t want = to_kernel(&limits[i], *value_of(&limits[i], o));
	struct rlimit now, next;

	getrlimit(limits[i].resource, &now);
	next = (struct rlimit){ .rlim_cur = want,
				.rlim_max = want > now.rlim_max ? want : now.rlim_max };
	if (now.rlim_cur == want || !setrlimit(limits[i].resource, &next))
		return 0;
	return refuse(i, o, &now, -errno, err);
}

static int apply(const struct target *t, const void *opts, struct err *err)
{
	struct rlimit before[LIMITS];
	size_t i;
	int rc = 0;

	for (i = 0; i < LIMITS; i++)
		getrlimit(limits[i].resource, &before[i]);
	for (i = 0; i < LIMITS && !rc; i++)
		if (*value_of(&limits[i], opts) != KEEP)
			rc = set_limit(i, opts, err);
	while (rc && i--)
		setrlimit(limits[i].resource, &before[i]);
	return rc;
}

static int read_back(const struct target *t, void *opts, struct err *err)
{
	for (size_t i = 0; i < LIMITS; i++) {
		struct rlimit now;

		if (getrlimit(limits[i].resource, &now))
			return err_sys(err, -errno, "cannot ask for limit %s", knobs[i].name);
		*value_of(&limits[i], opts) = from_kernel(&limits[i], now.rlim_cur);
	}
	return 0;
}

static void explain(const struct target *t, const void *requested, const void *effective,
		    struct verdict_report *report)
{
	tunable_describe_asked(&tunable_limits, requested, effective, report);
}

const struct tunable tunable_limits = {
	.group = { .name = "limits",
		   .help = "what the process may use, getrlimit(2)",
		   .knobs = knobs,
		   .opts_size = sizeof(struct limits_opts) },
	.scope = SCOPE_PROCESS,
	.is_default = is_default,
	.apply = apply,
	.read_back = read_back,
	.explain = explain,
};
