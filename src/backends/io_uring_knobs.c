/*
 * io_uring_knobs.c - what can be set of a ring, and what of it cannot go together.
 *
 * The defaults are the set-up that paid in measurements: one system call a turn, multishot accept
 * and receive, a ring of buffers that fits into half of a second-level cache, completions only when
 * the thread asks for them (DEFER_TASKRUN).
 *
 * Left out: another clock, because time is CLOCK_MONOTONIC everywhere; rings attached to each other
 * that no thread polls (IORING_SETUP_ATTACH_WQ), because since Linux 5.12 they share nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>

#include "backends/io_uring_private.h"
#include "base/clock.h"

#define FIELD(field, ctype) KNOB_FIELD(struct uring_opts, field, ctype)

const struct knob uring_knobs[] = {
	{ .name = "entries",
	  .type = &knob_int,
	  FIELD(entries, int64_t),
	  .min = 1,
	  .max = 32768,
	  .def = "256",
	  .help = "submission queue entries, a power of two",
	  .read_back = "io_uring_setup(2): sq_entries" },
	{ .name = "cq-entries",
	  .type = &knob_int,
	  FIELD(cq_entries, int64_t),
	  .min = 2,
	  .max = 65536,
	  .def = "8192",
	  .help = "completion queue entries, a power of two",
	  .read_back = "io_uring_setup(2): cq_entries" },
	{ .name = "multishot-accept",
	  .type = &knob_bool,
	  FIELD(multishot_accept, bool),
	  .def = "yes",
	  .help = "one request accepts many connections" },
	{ .name = "multishot-recv",
	  .type = &knob_bool,
	  FIELD(multishot_recv, bool),
	  .def = "yes",
	  .help = "one request receives many times (datagrams always do)" },
	{ .name = "poll-first",
	  .type = &knob_bool,
	  FIELD(poll_first, bool),
	  .def = "no",
	  .help = "receives wait for data before they try" },
	{ .name = "buffers",
	  .type = &knob_int,
	  FIELD(buffers, int64_t),
	  .min = 1,
	  .max = 32768,
	  .def = "32",
	  .help = "receive buffers shared by all connections, a power of two" },
	{ .name = "buffer-size",
	  .type = &knob_size,
	  FIELD(buffer_size_bytes, int64_t),
	  .min = 256,
	  .max = 16 << 20,
	  .def = "16KiB",
	  .help = "bytes of one; longer datagrams (less 168B) are dropped" },
	{ .name = "registered-files",
	  .type = &knob_bool,
	  FIELD(registered_files, bool),
	  .def = "no",
	  .help = "accepted connections live in the ring's own table",
	  .read_back = "fdinfo: UserFiles" },
	{ .name = "registered-ring",
	  .type = &knob_bool,
	  FIELD(registered_ring, bool),
	  .def = "yes",
	  .help = "the ring's descriptor is registered with the thread",
	  .read_back = "the index io_uring_register(2) gave" },
	{ .name = "coop-taskrun",
	  .type = &knob_bool,
	  FIELD(coop_taskrun, bool),
	  .def = "yes",
	  .help = "completions do not interrupt the thread",
	  .read_back = "io_uring_setup(2) takes the flag or fails" },
	{ .name = "single-issuer",
	  .type = &knob_bool,
	  FIELD(single_issuer, bool),
	  .def = "yes",
	  .help = "tell the kernel that one thread submits",
	  .read_back = "io_uring_setup(2) takes the flag or fails" },
	{ .name = "defer-taskrun",
	  .type = &knob_bool,
	  FIELD(defer_taskrun, bool),
	  .def = "yes",
	  .help = "completions are made only when the thread asks for them",
	  .read_back = "io_uring_setup(2) takes the flag or fails" },
	{ .name = "sqpoll",
	  .type = &knob_bool,
	  FIELD(sqpoll, bool),
	  .def = "no",
	  .help = "a kernel thread polls the submission queue",
	  .read_back = "the thread iou-sqp-TID" },
	{ .name = "sqpoll-share",
	  .type = &knob_bool,
	  FIELD(sqpoll_share, bool),
	  .def = "no",
	  .help = "one such thread polls for all threads that have a ring, not one for each",
	  .read_back = "fdinfo: SqThread of two rings" },
	{ .name = "sqpoll-idle",
	  .type = &knob_time,
	  FIELD(sqpoll_idle_ns, int64_t),
	  .min = MS,
	  .max = 3600 * SEC,
	  .def = URING_SQPOLL_IDLE,
	  .help = "it sleeps after so long without work (the kernel counts in ticks)" },
	{ .name = "sqpoll-cpu",
	  .type = &knob_int,
	  FIELD(sqpoll_cpu, int64_t),
	  .min = -1,
	  .max = 65535,
	  .def = "-1",
	  .help = "CPU it is bound to, -1: none",
	  .read_back = "sched_getaffinity(2) of iou-sqp-TID" },
	{ .name = "busy-wait",
	  .type = &knob_time,
	  FIELD(busy_wait_ns, int64_t),
	  .max = SEC,
	  .def = "0ns",
	  .help = "poll so long before sleeping" },
	{ .name = "iopoll",
	  .type = &knob_bool,
	  FIELD(iopoll, bool),
	  .def = "no",
	  .help = "files are polled for instead of interrupting (O_DIRECT)",
	  .read_back = "io_uring_setup(2) takes the flag or fails" },
	{ .name = "hybrid-iopoll",
	  .type = &knob_bool,
	  FIELD(hybrid_iopoll, bool),
	  .def = "no",
	  .help = "with iopoll: sleeps for half of the expected time first (Linux 6.13)",
	  .read_back = "io_uring_setup(2) takes the flag or fails" },
	{ .name = "incremental-buffers",
	  .type = &knob_bool,
	  FIELD(incremental_buffers, bool),
	  .def = "no",
	  .help = "a buffer takes one receive behind the other until it is full (Linux 6.12)",
	  .read_back = "io_uring_register(2) takes the flag or fails" },
	{ .name = "recv-bundle",
	  .type = &knob_bool,
	  FIELD(recv_bundle, bool),
	  .def = "no",
	  .help = "one receive fills as many buffers as there are bytes for (Linux 6.10)",
	  .read_back = "IORING_FEAT_RECVSEND_BUNDLE; at the end whether a receive filled several" },
	{ .name = "no-sqarray",
	  .type = &knob_bool,
	  FIELD(no_sqarray, bool),
	  .def = "no",
	  .help = "the kernel takes submissions in their order, without an array (Linux 6.6)",
	  .read_back = "io_uring_setup(2) takes the flag or fails" },
	{ .name = "min-wait",
	  .type = &knob_time,
	  FIELD(min_wait_ns, int64_t),
	  .max = SEC,
	  .def = "0ns",
	  .help = "a wait goes on so long for min-wait-count completions (Linux 6.12)",
	  .read_back = "IORING_FEAT_MIN_TIMEOUT" },
	{ .name = "min-wait-count",
	  .type = &knob_int,
	  FIELD(min_wait_count, int64_t),
	  .min = 2,
	  .max = 4096,
	  .def = URING_MIN_WAIT_COUNT,
	  .help = "completions that min-wait hopes for; after it one is enough" },
	{ .name = "napi-busy-poll",
	  .type = &knob_time,
	  FIELD(napi.time_ns, int64_t),
	  .max = SEC,
	  .def = "0ns",
	  .help = "how long a wait polls the device before it sleeps (Linux 6.9); 0ns: not at all",
	  .read_back = "IORING_REGISTER_NAPI; SO_INCOMING_NAPI_ID of the sockets" },
	{ .name = "napi-prefer-busy-poll",
	  .type = &knob_bool,
	  FIELD(napi.prefer, bool),
	  .def = "no",
	  .help = "the device's interrupts stay off while it is busy-polled often enough",
	  .read_back = "IORING_REGISTER_NAPI" },
	{ .name = "iowq-cpus",
	  .type = &knob_cpus,
	  FIELD(iowq_cpus, char[URING_CPUS_TEXT]),
	  .def = "",
	  .help = "CPUs of the kernel's threads for work that blocks; none: the ring's thread's",
	  .read_back = "sched_getaffinity(2) of iou-wrk-TID" },
	{ .name = "iowq-bounded",
	  .type = &knob_int,
	  FIELD(iowq_bounded, int64_t),
	  .max = 1 << 20,
	  .def = "0",
	  .help = "at most so many of them for files; 0: as many as the kernel thinks",
	  .read_back = "IORING_REGISTER_IOWQ_MAX_WORKERS" },
	{ .name = "iowq-unbounded",
	  .type = &knob_int,
	  FIELD(iowq_unbounded, int64_t),
	  .max = 1 << 20,
	  .def = "0",
	  .help = "at most so many of them for everything else; 0: likewise",
	  .read_back = "IORING_REGISTER_IOWQ_MAX_WORKERS" },
	{ 0 },
};

static int check_sqpoll(const struct uring_opts *o, struct err *err)
{
	if (o->sqpoll && (o->defer_taskrun || o->coop_taskrun))
		return err_set(err, -EINVAL,
			       "io_uring.sqpoll=yes: the kernel's thread makes the completions "
			       "then; io_uring.defer-taskrun=no and io_uring.coop-taskrun=no must "
			       "be set with it");
	if (o->sqpoll_cpu >= 0 && !o->sqpoll)
		return err_set(err, -EINVAL,
			       "io_uring.sqpoll-cpu=%d binds a thread that only "
			       "io_uring.sqpoll=yes makes",
			       (int)o->sqpoll_cpu);
	return 0;
}

/* What only says how to do something that is not done. */
static int check_idle(const struct uring_opts *o, struct err *err)
{
	if (o->sqpoll_idle_ns != atoi(URING_SQPOLL_IDLE) * MS && !o->sqpoll)
		return err_set(err, -EINVAL,
			       "io_uring.sqpoll-idle is for a thread that only io_uring.sqpoll=yes "
			       "makes");
	if (o->napi.prefer && !o->napi.time_ns)
		return err_set(err, -EINVAL,
			       "io_uring.napi-prefer-busy-poll says how to busy-poll; "
			       "io_uring.napi-busy-poll=50us or the like must say how long");
	if (o->min_wait_count != atoi(URING_MIN_WAIT_COUNT) && !o->min_wait_ns)
		return err_set(err, -EINVAL,
			       "io_uring.min-wait-count says for what; io_uring.min-wait=50us or "
			       "the like must say how long to wait");
	if (o->hybrid_iopoll && !o->iopoll)
		return err_set(err, -EINVAL,
			       "io_uring.hybrid-iopoll is a way to do io_uring.iopoll=yes");
	if (o->recv_bundle && o->incremental_buffers)
		return err_set(err, -EINVAL,
			       "io_uring.recv-bundle fills whole buffers, "
			       "io_uring.incremental-buffers pieces of one; set one of them");
	return 0;
}

static int check_units(const struct uring_opts *o, struct err *err)
{
	if (o->napi.time_ns % US)
		return err_set(err, -EINVAL,
			       "io_uring.napi-busy-poll: the kernel takes whole microseconds");
	if (o->min_wait_ns % US)
		return err_set(err, -EINVAL,
			       "io_uring.min-wait: the kernel takes whole microseconds");
	if (o->sqpoll_idle_ns % MS)
		return err_set(err, -EINVAL,
			       "io_uring.sqpoll-idle: the kernel takes whole milliseconds");
	return 0;
}

int uring_check(const struct uring_opts *o, struct err *err)
{
	int code = check_sqpoll(o, err);

	if (!code)
		code = check_units(o, err);
	if (!code)
		code = check_idle(o, err);
	if (code)
		return code;
	if (o->defer_taskrun && !o->single_issuer)
		return err_set(err, -EINVAL,
			       "io_uring.defer-taskrun=yes needs io_uring.single-issuer=yes; or "
			       "set io_uring.defer-taskrun=no");
	if (o->cq_entries < o->entries)
		return err_set(err, -EINVAL,
			       "io_uring.cq-entries=%d must not be less than io_uring.entries=%d",
			       (int)o->cq_entries, (int)o->entries);
	if (o->buffers & (o->buffers - 1))
		return err_set(err, -EINVAL, "io_uring.buffers=%d is not a power of two",
			       (int)o->buffers);
	return 0;
}
