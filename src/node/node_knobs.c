/*
 * node_knobs.c - what can be set about a node; node.h says what it means.
 *
 * DistWalk's names are aliases. Its defaults are kept where they cost nothing; the backlog is
 * larger, because 5 stalls a few hundred clients for seconds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "node/node.h"

#define FIELD(field, ctype) KNOB_FIELD(struct node_opts, field, ctype)

static const char *const accept_modes[] = { "child", "shared", "parent", NULL };
static const char *const accept_waits[] = { "event", "blocking", NULL };

static const char *const threads_aliases[] = { "nt", "num-threads", NULL };
static const char *const backlog_aliases[] = { "bl", NULL };
static const char *const no_delay_aliases[] = { "nd", NULL };

static const struct knob knobs[] = {
	{ .name = "bind-addr",
	  .letter = 'b',
	  .type = &knob_texts,
	  FIELD(bind, struct knob_list),
	  .metavar = "ADDRESS",
	  .help = "listen there: [tls://]host:port, :port, [::1]:port, unix:/path" },
	{ .name = "insecure",
	  .type = &knob_bool,
	  FIELD(insecure, bool),
	  .def = "no",
	  .help = "allow addresses that other machines can reach" },
	{ .name = "threads",
	  .aliases = threads_aliases,
	  .type = &knob_int,
	  FIELD(threads, int64_t),
	  .min = 1,
	  .max = 256,
	  .def = "1",
	  .help = "worker threads" },
	{ .name = "accept-mode",
	  .letter = 'a',
	  .type = &knob_enum,
	  FIELD(accept_mode, int),
	  .choices = accept_modes,
	  .def = "child",
	  .help = "a listening socket per worker, one for all, or one thread hands out" },
	{ .name = "accept-wait",
	  .type = &knob_enum,
	  FIELD(accept_wait, int),
	  .choices = accept_waits,
	  .def = "event",
	  .help = "accept through the backend, or in threads that block in accept()" },
	{ .name = "backlog-length",
	  .aliases = backlog_aliases,
	  .type = &knob_int,
	  FIELD(backlog, int64_t),
	  .min = 1,
	  .max = INT32_MAX,
	  .def = "4096",
	  .help = "connections that may wait to be accepted, per listening socket" },
	{ .name = "no-delay",
	  .aliases = no_delay_aliases,
	  .type = &knob_yes_no,
	  FIELD(no_delay, bool),
	  .def = "yes",
	  .help = "TCP_NODELAY: small replies leave at once" },
	{ .name = "max-connections",
	  .type = &knob_int,
	  FIELD(connections, int64_t),
	  .min = 1,
	  .max = 1 << 22,
	  .def = "65536",
	  .help = "open at a time; more are closed at once" },
	{ .name = "max-message",
	  .type = &knob_size,
	  FIELD(message_max, int64_t),
	  .min = WIRE_HEAD,
	  .max = 2LL << 30,
	  .def = "64MiB",
	  .help = "longest request, and longest reply that may be asked for" },
	{ .name = "max-compute",
	  .type = &knob_time,
	  FIELD(compute_max_ns, int64_t),
	  .min = 0,
	  .max = 3600 * SEC,
	  .def = "10s",
	  .help = "all computing and sleeping that one request may ask for" },
	{ .name = "max-in-flight",
	  .type = &knob_int,
	  FIELD(in_flight, int64_t),
	  .min = 1,
	  .max = 1 << 20,
	  .def = "1024",
	  .help = "waiting requests of one connection; above, reading from it stops" },
	{ .name = "max-out-queue",
	  .type = &knob_size,
	  FIELD(out_queue, int64_t),
	  .min = 1,
	  .max = 2LL << 30,
	  .def = "1MiB",
	  .help = "unsent replies of one connection; above, reading from it stops" },
	{ .name = "drain",
	  .type = &knob_time,
	  FIELD(drain_ns, int64_t),
	  .min = 0,
	  .max = 3600 * SEC,
	  .def = "1s",
	  .help = "how long stopping waits for requests in progress" },
	{ .name = "loops-per-usec",
	  .type = &knob_rate,
	  FIELD(loops_per_us, double),
	  .metavar = "N",
	  .def = "0",
	  .help = "speed that computing by loops assumes; 0: measured at start" },
	{ 0 },
};

const struct knob_group node_knobs = {
	.name = "",
	.help = "serving",
	.knobs = knobs,
	.opts_size = sizeof(struct node_opts),
};
