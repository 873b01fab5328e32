/*
 * io_uring_kernel.c - what liburing 2.3 has no words for, and the kernel's threads behind a ring.
 *
 * Settings that are registered with a ring once it is there; each is refused in words, with the
 * first kernel that has it, and asked for, not guessed from a version.
 *
 * The kernel's threads are found by their names, which end in the number of the thread they work
 * for: iou-sqp-TID polls the submissions of a ring that TID has made, iou-wrk-TID does what would
 * block; of a ring that is polled, it works for the polling thread. One that several threads share
 * (io_uring_share.c) has the name of the first of them.
 *
 * min-wait: one entry waits for several completions, but after a while for one. The kernel looks at
 * it only when the wait has an end, so one without gets a far one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "backends/io_uring_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/cpus.h"

/* Younger than liburing 2.3. */
#define REGISTER_NAPI	 27
#define FEAT_MIN_TIMEOUT (1U << 15)
#define FEAT_BUNDLE	 (1U << 14)

#define FAR_NS (3600 * SEC)

/* As the kernel has it; what is not named must be 0. */
struct napi {
	uint32_t busy_poll_us;
	uint8_t prefer;
	uint8_t unused[3];
	uint64_t unused_too;
};

/* struct io_uring_getevents_arg, whose padding became min_wait_us. */
struct wait_arg {
	uint64_t sigmask;
	uint32_t sigmask_size;
	uint32_t min_wait_us;
	uint64_t timeout;
};

int uring_napi_swap(int ring_fd, struct uring_napi *napi)
{
	struct napi arg = { .busy_poll_us = (uint32_t)(napi->time_ns / US),
			    .prefer = napi->prefer };

	if (syscall(SYS_io_uring_register, ring_fd, REGISTER_NAPI, &arg, 1) < 0)
		return -errno;
	*napi = (struct uring_napi){ (int64_t)arg.busy_poll_us * US, arg.prefer };
	return 0;
}

static int set_napi(struct uring *b, struct err *err)
{
	struct uring_napi napi = b->opts.napi;
	int ret = napi.time_ns ? uring_napi_swap(b->ring.ring_fd, &napi) : 0;

	if (ret == -EINVAL || ret == -EOPNOTSUPP)
		return err_set(err, -EOPNOTSUPP,
			       "io_uring.napi-busy-poll: this kernel's rings cannot busy-poll "
			       "devices: Linux 6.9 or later, with CONFIG_NET_RX_BUSY_POLL, is "
			       "needed");
	return ret ? err_sys(err, ret, "io_uring.napi-busy-poll") : 0;
}

static int check_min_wait(const struct uring *b, struct err *err)
{
	if (!b->opts.min_wait_ns || b->ring.features & FEAT_MIN_TIMEOUT)
		return 0;
	return err_set(err, -EOPNOTSUPP,
		       "io_uring.min-wait: this kernel's rings wait for one number of completions "
		       "only: Linux 6.12 or later is needed");
}

static int check_bundle(const struct uring *b, struct err *err)
{
	if (!b->opts.recv_bundle || b->ring.features & FEAT_BUNDLE)
		return 0;
	return err_set(
		err, -EOPNOTSUPP,
		"io_uring.recv-bundle: this kernel receives into one buffer at a time: Linux "
		"6.10 or later is needed");
}

static int set_iowq_cpus(struct uring *b, struct err *err)
{
	cpu_set_t cpus;
	int ret;

	if (!*b->opts.iowq_cpus)
		return 0;
	cpus_read(b->opts.iowq_cpus, &cpus);
	ret = io_uring_register_iowq_aff(&b->ring, sizeof(cpus), &cpus);
	return ret ? err_sys(err, ret, "io_uring.iowq-cpus=%s", b->opts.iowq_cpus) : 0;
}

static int set_iowq_workers(struct uring *b, struct err *err)
{
	unsigned counts[2] = { (unsigned)b->opts.iowq_bounded, (unsigned)b->opts.iowq_unbounded };
	int ret;

	if (!counts[0] && !counts[1])
		return 0;
	ret = io_uring_register_iowq_max_workers(&b->ring, counts);
	return ret ? err_sys(err, ret, "io_uring.iowq-bounded, io_uring.iowq-unbounded") : 0;
}

/* Which thread the name says that it works for; 0: it is no such thread. */
static pid_t maker_in(const char *name, enum thread_role role)
{
	const char *head = role == THREAD_SQPOLL ? "iou-sqp-" : "iou-wrk-";
	size_t len = strlen(head);

	return strncmp(name, head, len) ? 0 : atoi(name + len);
}

static bool read_name(const char *tid, char *buf, int size)
{
	char path[64];
	FILE *file AUTO(auto_fclose) = NULL;

	snprintf(path, sizeof(path), "/proc/self/task/%.16s/comm", tid);
	file = fopen(path, "re");
	return file && fgets(buf, size, file);
}

static unsigned find(pid_t maker, enum thread_role role, struct backend_thread *ret, unsigned max)
{
	DIR *folder AUTO(auto_closedir) = opendir("/proc/self/task");
	struct dirent *entry;
	unsigned count = 0;
	char name[32];

	while (folder && count < max && (entry = readdir(folder)))
		if (read_name(entry->d_name, name, sizeof(name)) && maker_in(name, role) == maker)
			ret[count++] = (struct backend_thread){ role, atoi(entry->d_name) };
	return count;
}

unsigned uring_kernel_threads(pid_t maker, struct backend_thread *ret, unsigned max)
{
	unsigned polling = find(maker, THREAD_SQPOLL, ret, max), count;

	count = polling = uring_share_threads(maker, ret, polling, max);
	for (unsigned i = 0; i < polling; i++) {
		unsigned first = count;

		count += find(ret[i].tid, THREAD_IOWQ, ret + count, max - count);
		for (unsigned k = first; k < count; k++)
			ret[k].is_shared = ret[i].is_shared;
	}
	return count + find(maker, THREAD_IOWQ, ret + count, max - count);
}

void uring_pause(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = MS / 2 }, NULL);
}

pid_t uring_await_worker(pid_t maker)
{
	struct backend_thread found;

	for (int i = 0; i < URING_AWAIT_TURNS; i++) {
		if (find(maker, THREAD_IOWQ, &found, 1))
			return found.tid;
		uring_pause();
	}
	return 0;
}

/* The threads of closed rings may still have their names. */
pid_t uring_sqpoll_of(int ring_fd)
{
	char path[64], line[128];
	FILE *file AUTO(auto_fclose) = NULL;
	int tid = 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ring_fd);
	file = fopen(path, "re");
	while (file && tid <= 0 && fgets(line, sizeof(line), file))
		sscanf(line, "SqThread: %d", &tid);
	return tid > 0 ? tid : 0;
}

/* A shared one has the name of who made it. */
static bool is_name_of(const struct uring *b, const char *name)
{
	pid_t maker = maker_in(name, THREAD_SQPOLL);

	return b->share.is_attached ? maker > 0 : maker == gettid();
}

/* It takes its name when it first runs, which may be later than the ring is there. */
static int find_sqpoll(struct uring *b, struct err *err)
{
	char tid[16], name[32];

	for (int i = 0; b->opts.sqpoll && i < URING_AWAIT_TURNS; i++) {
		pid_t found = uring_sqpoll_of(b->ring.ring_fd);

		snprintf(tid, sizeof(tid), "%d", found);
		if (found && read_name(tid, name, sizeof(name)) && is_name_of(b, name)) {
			b->sqpoll_tid = found;
			return 0;
		}
		uring_pause();
	}
	return !b->opts.sqpoll
		       ? 0
		       : err_set(err, -ESRCH,
				 "io_uring.sqpoll=yes: this ring's polling thread (iou-sqp-TID) "
				 "does not begin to run");
}

int uring_kernel_open(struct uring *b, struct err *err)
{
	int ret = check_min_wait(b, err);

	if (!ret)
		ret = check_bundle(b, err);
	if (!ret)
		ret = set_napi(b, err);
	if (!ret)
		ret = set_iowq_cpus(b, err);
	if (!ret)
		ret = set_iowq_workers(b, err);
	return ret ? ret : find_sqpoll(b, err);
}

/* What liburing does before it enters. Returns how many entries are the kernel's to take. */
static unsigned publish_entries(struct uring *b)
{
	struct io_uring_sq *sq = &b->ring.sq;
	unsigned tail = *sq->ktail;

	if (b->opts.sqpoll) {
		io_uring_submit(&b->ring);
		return 0;
	}
	for (; sq->sqe_head != sq->sqe_tail; sq->sqe_head++)
		sq->array[tail++ & sq->ring_mask] = sq->sqe_head & sq->ring_mask;
	io_uring_smp_store_release(sq->ktail, tail);
	return tail - *sq->khead;
}

int uring_gather(struct uring *b, int64_t timeout_ns)
{
	int64_t end_ns = timeout_ns < FAR_NS ? timeout_ns : FAR_NS;
	int64_t min_ns = b->opts.min_wait_ns < end_ns ? b->opts.min_wait_ns : end_ns;
	struct __kernel_timespec timeout = { end_ns / SEC, end_ns % SEC };
	struct wait_arg arg = { .sigmask_size = _NSIG / 8,
				.min_wait_us = (uint32_t)(min_ns / US),
				.timeout = (uintptr_t)&timeout };
	unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
	unsigned count = publish_entries(b);

	if (b->opts.registered_ring)
		flags |= IORING_ENTER_REGISTERED_RING;
	return io_uring_enter2((unsigned)b->ring.enter_ring_fd, count,
			       (unsigned)b->opts.min_wait_count, flags, (sigset_t *)&arg,
			       sizeof(arg));
}
