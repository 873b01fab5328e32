/*
 * io_uring_read_back.c - what the kernel has of what a ring was asked for.
 *
 * It tells the sizes when the ring is made, and the busy polling and the limits of io-wq when it is
 * asked. Which CPUs its threads have it is asked by sched_getaffinity(2): of the polling thread,
 * and of one thread for blocking work, that a request without effect calls for. The latter is the
 * only way to know: the list of CPUs is taken without a look at whether they exist.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/io_uring_private.h"
#include "base/clock.h"
#include "base/cpus.h"

/* Sizes that are no power of two: the kernel takes the next one. */
static void read_sizes(const struct uring *b, struct uring_opts *o, struct verdict_report *report)
{
	o->entries = b->ring.sq.ring_entries;
	o->cq_entries = b->ring.cq.ring_entries;
	if (o->entries == b->opts.entries && o->cq_entries == b->opts.cq_entries)
		return;
	report->verdict = VERDICT_CLAMPED;
	snprintf(report->why, sizeof(report->why),
		 "io_uring.entries=%d, io_uring.cq-entries=%d: the kernel rounds up to powers of "
		 "two, %d and %d; ask for those",
		 (int)b->opts.entries, (int)b->opts.cq_entries, (int)o->entries,
		 (int)o->cq_entries);
}

/* Setting it again is the question: the kernel answers with what was there. */
static int read_napi(struct uring *b, struct uring_opts *o, struct err *err)
{
	int ret = 0;

	if (o->napi.time_ns)
		ret = uring_napi_swap(b->ring.ring_fd, &o->napi);
	return ret ? err_sys(err, ret, "io_uring: asking for the busy polling") : 0;
}

static int read_workers(struct uring *b, struct uring_opts *o, struct err *err)
{
	unsigned counts[2] = { 0 };
	int ret;

	if (!o->iowq_bounded && !o->iowq_unbounded)
		return 0;
	ret = io_uring_register_iowq_max_workers(&b->ring, counts);
	if (ret)
		return err_sys(err, ret, "io_uring: asking for the limits of io-wq");
	o->iowq_bounded = o->iowq_bounded ? counts[0] : 0;
	o->iowq_unbounded = o->iowq_unbounded ? counts[1] : 0;
	return 0;
}

static bool has_one_cpu(pid_t tid, int cpu)
{
	cpu_set_t cpus;

	return sched_getaffinity(tid, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) == 1 &&
	       CPU_ISSET(cpu, &cpus);
}

/* It binds itself when it first runs. Later it may have been moved: then it is not asked. */
static void read_sqpoll_cpu(struct uring *b, struct uring_opts *o)
{
	if (o->sqpoll_cpu < 0 || b->has_read_back)
		return;
	for (int i = 0; i < URING_AWAIT_TURNS; i++) {
		if (has_one_cpu(b->sqpoll_tid, (int)o->sqpoll_cpu))
			return;
		uring_pause();
	}
	o->sqpoll_cpu = -1;
}

/* The mask as the knob's value. The same CPUs in another order are what was asked for. */
static bool take_cpus(const cpu_set_t *cpus, struct uring_opts *o)
{
	cpu_set_t asked;

	cpus_read(o->iowq_cpus, &asked);
	if (CPU_EQUAL(&asked, cpus))
		return true;
	cpus_write(cpus, o->iowq_cpus, sizeof(o->iowq_cpus));
	return false;
}

/* The number of the thread that works for this ring's blocking requests; 0: none came. */
static pid_t call_for_worker(struct uring *b)
{
	uring_queue_blocking(b);
	return uring_flush(b) ? 0 : uring_await_worker(b->sqpoll_tid ? b->sqpoll_tid : gettid());
}

static int read_iowq_cpus(struct uring *b, struct uring_opts *o, struct verdict_report *report,
			  struct err *err)
{
	cpu_set_t cpus;
	pid_t tid;

	if (!*o->iowq_cpus || b->has_read_back)
		return 0;
	tid = call_for_worker(b);
	if (!tid || sched_getaffinity(tid, sizeof(cpus), &cpus))
		return err_set(err, -ESRCH,
			       "io_uring.iowq-cpus: no io-wq thread came to be asked for its CPUs");
	if (take_cpus(&cpus, o))
		return 0;
	report->verdict = VERDICT_CLAMPED;
	snprintf(report->why, sizeof(report->why),
		 "io_uring.iowq-cpus=%.50s was accepted without a look, but an io-wq thread runs "
		 "on %.50s: not all of those are there and in this cpuset",
		 b->opts.iowq_cpus, o->iowq_cpus);
	return 0;
}

/* Those that have been closed, and those of ours that are open. */
static void take_census(struct uring *b, struct napi_census *ret)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;

	*ret = b->census;
	while (folder && (entry = readdir(folder))) {
		size_t fd = strtoul(entry->d_name, NULL, 10);

		if (fd < b->plain.count && b->plain.first[fd])
			napi_census_add(ret, (int)fd);
	}
	if (folder)
		closedir(folder);
}

static void judge_napi(struct uring *b, struct verdict_report *report)
{
	struct napi_census census;

	take_census(b, &census);
	napi_census_judge(&census, "io_uring.napi-busy-poll", false, report);
	if (!census.sockets && b->opts.registered_files)
		snprintf(report->why, sizeof(report->why),
			 "io_uring.napi-busy-poll: sockets in the ring's own table cannot be asked "
			 "whether they have a NAPI id");
}

/* Its ring is there, but no read and no write has come to it. */
static void judge_iopoll(const struct uring *b, struct verdict_report *report)
{
	if (b->polled.was_used || report->verdict != VERDICT_OK)
		return;
	report->verdict = VERDICT_VACUOUS;
	snprintf(report->why, sizeof(report->why),
		 "io_uring.iopoll: the ring has read and written no file, so nothing was polled: "
		 "it takes requests that load or store, and a node whose --storage is in "
		 "io_uring's hands (storage-mode=native)");
}

/* The kernel has it; whether it did anything is for who receives. */
static void judge_bundle(const struct uring *b, struct verdict_report *report)
{
	if (b->has_bundled || report->verdict != VERDICT_OK)
		return;
	report->verdict = VERDICT_VACUOUS;
	snprintf(report->why, sizeof(report->why),
		 "io_uring.recv-bundle: no receive filled more than one buffer: it takes more "
		 "bytes at once than io_uring.buffer-size and, on older kernels (Linux 6.12), TCP "
		 "with multishot-recv=yes");
}

/* It has waited, or handed something out: what it was good for can be told. */
static bool has_worked(const struct uring *b)
{
	return b->base.stats.waits || b->base.stats.completions;
}

/* The kernel says yes and makes another thread when the two rings are not of one process. */
static void read_sharing(struct uring *b, struct uring_opts *o, struct verdict_report *report)
{
	if (!b->has_read_back)
		b->share.has_failed = uring_share_failed(b);
	if (!b->share.has_failed)
		return;
	o->sqpoll_share = false;
	report->verdict = VERDICT_IGNORED;
	snprintf(report->why, sizeof(report->why),
		 "io_uring.sqpoll-share=yes: the kernel gave this ring a polling thread of its "
		 "own (%d), as it does when the ring that has one belongs to another process",
		 (int)b->sqpoll_tid);
}

static void judge_sharing(struct uring *b, struct uring_opts *o, struct verdict_report *report)
{
	const char *why = NULL;

	if (!b->opts.sqpoll)
		why = "io_uring.sqpoll-share=yes: a polling thread is shared, and only "
		      "io_uring.sqpoll=yes makes one";
	else if (has_worked(b) && uring_share_is_alone(b))
		why = "io_uring.sqpoll-share=yes: there was one ring only, which has its polling "
		      "thread for itself in any case: it takes more threads (--threads=2)";
	if (why && report->verdict == VERDICT_OK) {
		report->verdict = VERDICT_VACUOUS;
		snprintf(report->why, sizeof(report->why), "%s", why);
	}
	if (b->opts.sqpoll)
		read_sharing(b, o, report);
}

int uring_read_back(struct backend *base, void *opts, struct verdict_report *report,
		    struct err *err)
{
	struct uring *b = uring_of(base);
	struct uring_opts *o = opts;
	int ret = read_napi(b, o, err);

	if (!ret)
		ret = read_workers(b, o, err);
	if (!ret)
		ret = read_iowq_cpus(b, o, report, err);
	if (ret)
		return ret;
	read_sqpoll_cpu(b, o);
	if (b->opts.registered_ring)
		o->registered_ring = b->ring.enter_ring_fd != b->ring.ring_fd;
	read_sizes(b, o, report);
	if (b->opts.napi.time_ns && has_worked(b))
		judge_napi(b, report);
	if (b->opts.iopoll && has_worked(b))
		judge_iopoll(b, report);
	if (b->opts.recv_bundle && has_worked(b))
		judge_bundle(b, report);
	if (b->opts.sqpoll_share)
		judge_sharing(b, o, report);
	b->has_read_back = true;
	return 0;
}
