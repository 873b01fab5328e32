/*
 * node_knobs.c - what can be set about a node; node.h says what it means.
 *
 * DistWalk's names are aliases. Its defaults are kept where they cost nothing; the backlog is
 * larger, because 5 stalls a few hundred clients for seconds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "node/node.h"

#define FIELD(field, ctype) KNOB_FIELD(struct node_opts, field, ctype)

static const char *const accept_modes[] = { "child", "shared", "parent", NULL };
static const char *const accept_waits[] = { "event", "blocking", NULL };

static const char *const threads_aliases[] = { "nt", "num-threads", NULL };
static const char *const backlog_aliases[] = { "bl", NULL };
static const char *const no_delay_aliases[] = { "nd", NULL };
static const char *const spin_aliases[] = { "wss", NULL };

static const char *const forward_verifies[] = { "no", "yes", "auto", NULL };
static const char *const group_syncs[] = { "no", "yes", "auto", NULL };
static const char *const storage_modes[] = { "native", "thread", "inline", "auto", NULL };

/* DistWalk's: a number of loops, or -1; and "no", for what is the default here. */
static int parse_computing(const struct knob *k, const char *text, void *field, struct err *err)
{
	struct computing c = { .plain = COMPUTE_LOOPS };
	int rc = 0;

	(void)k;
	if (!strcmp(text, "no"))
		c.plain = COMPUTE_WALL;
	else if (!strcmp(text, "-1"))
		c.plain = COMPUTE_CPU;
	else
		rc = units_parse_rate(text, &c.loops_per_us, err);
	if (!rc)
		memcpy(field, &c, sizeof(c));
	return rc;
}

static void format_computing(const struct knob *k, const void *field, char *buf, size_t size)
{
	struct computing c;

	(void)k;
	memcpy(&c, field, sizeof(c));
	if (c.plain == COMPUTE_LOOPS)
		units_format_rate(c.loops_per_us, buf, size);
	else
		snprintf(buf, size, "%s", c.plain == COMPUTE_CPU ? "-1" : "no");
}

static const struct knob_type computing_type = { "N", parse_computing, format_computing };

static const struct knob knobs[] = {
	{ .name = "bind-addr",
	  .letter = 'b',
	  .type = &knob_texts,
	  FIELD(bind, struct knob_list),
	  .metavar = "ADDRESS",
	  .help = "listen there: [udp://|tls://]host:port, :port, [::1]:port, unix:/path" },
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
	  .help = "longest request, and longest reply that may be asked for; what is above is "
		  "refused" },
	{ .name = "max-compute",
	  .type = &knob_time,
	  FIELD(compute_max_ns, int64_t),
	  .min = 0,
	  .max = 3600 * SEC,
	  .def = "10s",
	  .help = "all computing and sleeping that one request may ask for; what is above is "
		  "refused" },
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
	{ .name = "allow-forward",
	  .type = &knob_texts,
	  FIELD(allow_forward, struct knob_list),
	  .metavar = "WHERE",
	  .help = "forward only to these: loopback, unix, any, none, 10.1.0.0/16, host:port, "
		  "unix:/path; default: loopback and unix" },
	{ .name = "max-forwards",
	  .type = &knob_int,
	  FIELD(forwards, int64_t),
	  .min = 1,
	  .max = 1 << 24,
	  .def = "16384",
	  .help = "unanswered forwards of a worker; those beyond fail" },
	{ .name = "max-upstreams",
	  .type = &knob_int,
	  FIELD(upstreams, int64_t),
	  .min = 1,
	  .max = 1 << 20,
	  .def = "1024",
	  .help = "connections of a worker to other nodes; forwards that need more fail" },
	{ .name = "forward-connections",
	  .type = &knob_int,
	  FIELD(forward_connections, int64_t),
	  .min = 1,
	  .max = 1 << 16,
	  .def = "1",
	  .help = "connections of a worker to the same node; forwards share them" },
	{ .name = "forward-idle",
	  .type = &knob_time,
	  FIELD(forward_idle_ns, int64_t),
	  .min = MS,
	  .max = 86400 * SEC,
	  .def = "60s",
	  .help = "a connection to another node that is unused for so long is closed" },
	{ .name = "forward-tls-verify",
	  .type = &knob_enum,
	  FIELD(forward_tls_verify, int),
	  .choices = forward_verifies,
	  .def = "auto",
	  .help = "check the certificates of nodes on tls:// that are forwarded to, and that they "
		  "are for their IP address or --tls-name; auto: as --tls-verify" },
	{ .name = "max-hops",
	  .type = &knob_int,
	  FIELD(hops, int64_t),
	  .min = 0,
	  .max = 255,
	  .def = "8",
	  .help = "forwards within forwards that a request may still ask for here" },
	{ .name = "loops-per-usec",
	  .type = &computing_type,
	  FIELD(computing, struct computing),
	  .metavar = "no|-1|N",
	  .def = "no",
	  .help = "plain computing (-C) goes by the wall clock: no; the thread's CPU time: -1; "
		  "loops: so many per us, 0: measured at start" },
	{ .name = "storage",
	  .letter = 's',
	  .type = &knob_texts,
	  FIELD(storage.devices, struct knob_list),
	  .metavar = "DEVICE",
	  .help = "[file=]PATH[,size=SIZE][,sync=TIME][,odirect][,wait-spin][,count=N], or none" },
	{ .name = "max-storage-size",
	  .letter = 'm',
	  .type = &knob_size,
	  FIELD(storage.size_max, int64_t),
	  .min = 1,
	  .max = STORAGE_SIZE_MAX,
	  .bare_unit = "B",
	  .def = "1GiB",
	  .help = "size of a device: sequential stores begin anew there, what reaches over it is "
		  "refused" },
	{ .name = "sync",
	  .type = &knob_time,
	  FIELD(storage.sync_period_ns, int64_t),
	  .min = 0,
	  .max = STORAGE_SYNC_MAX_NS,
	  .bare_unit = "ms",
	  .def = "0",
	  .help = "sync devices so often, and then answer sync stores; 0: each sync store syncs" },
	{ .name = "odirect",
	  .type = &knob_bool,
	  FIELD(storage.direct, bool),
	  .def = "no",
	  .help = "devices are O_DIRECT; offsets and sizes are rounded up to their blocks" },
	{ .name = "wait-spin-storage",
	  .aliases = spin_aliases,
	  .type = &knob_bool,
	  FIELD(storage.spin, bool),
	  .def = "no",
	  .help = "storage threads poll instead of sleeping" },
	{ .name = "storage-mode",
	  .type = &knob_enum,
	  FIELD(storage.mode, int),
	  .choices = storage_modes,
	  .def = "auto",
	  .help = "who carries out loads and stores: the kernel, a thread per device, the worker; "
		  "auto: the kernel where the backend lets it, else threads" },
	{ .name = "storage-block",
	  .type = &knob_size,
	  FIELD(storage.block, int64_t),
	  .min = 1,
	  .max = 1 << 30,
	  .def = "256KiB",
	  .help = "longest single read or write; loads and stores are made of these" },
	{ .name = "storage-depth",
	  .type = &knob_int,
	  FIELD(storage.depth, int64_t),
	  .min = 1,
	  .max = 4096,
	  .def = "16",
	  .help = "loads and stores of one worker on their way at a time; more wait" },
	{ .name = "storage-prealloc",
	  .type = &knob_size,
	  FIELD(storage.prealloc, int64_t),
	  .min = 0,
	  .max = STORAGE_SIZE_MAX,
	  .bare_unit = "B",
	  .def = "16MiB",
	  .help = "what is reserved of each device's file at start" },
	{ .name = "storage-keep",
	  .type = &knob_yes_no,
	  FIELD(storage.keep, bool),
	  .def = "yes",
	  .help = "keep the files that this node has made when it ends" },
	{ .name = "storage-group-sync",
	  .type = &knob_enum,
	  FIELD(storage.group_sync, int),
	  .choices = group_syncs,
	  .def = "auto",
	  .help = "stores of a device that wait for a sync share the next one; auto: unless the "
		  "kernel carries them out" },
	{ .name = "max-store",
	  .type = &knob_size,
	  FIELD(storage.store_max, int64_t),
	  .min = 0,
	  .max = STORAGE_SIZE_MAX,
	  .def = "1GiB",
	  .help = "all that one request may ask to be stored; what is above is refused" },
	{ .name = "max-load",
	  .type = &knob_size,
	  FIELD(storage.load_max, int64_t),
	  .min = 0,
	  .max = STORAGE_SIZE_MAX,
	  .def = "1GiB",
	  .help = "all that one request may ask to be loaded; what is above is refused" },
	DATAGRAM_KNOBS(struct node_opts),
	DATAGRAM_PEER_KNOBS(struct node_opts),
	{ 0 },
};

const struct knob_group node_knobs = {
	.name = "",
	.help = "serving",
	.knobs = knobs,
	.opts_size = sizeof(struct node_opts),
};
