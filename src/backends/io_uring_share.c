/*
 * io_uring_share.c - one polling thread of the kernel for the rings of several threads.
 *
 * Rings of this process that were opened with the same options share one (sqpoll-share=yes): those
 * of all workers of a node, or of all threads of a client, for the threads of a role have one set
 * of options. (Acceptors and threads of storage have no ring.) So all of them want the same of the
 * thread, and the kernel, which looks at the first ring's sqpoll-cpu alone and takes the longest
 * sqpoll-idle, has nothing to pass over.
 *
 * The first ring makes the thread, each later one attaches to any that is still open
 * (IORING_SETUP_ATTACH_WQ). The kernel counts the rings: the thread ends with the last of them,
 * whatever became of the first and of the thread that had made it. It takes at most eight entries
 * of one ring before it goes on to the next. What would block is done by io-wq threads of the
 * polling thread, so those are shared, too, and each ring limits and places them to the same; of
 * rings that are not polled each thread has its own (Linux 5.12), whoever attaches to whom.
 *
 * The list of rings is the one thing here that belongs to the process: it is within a process that
 * the kernel shares, and threads that open rings know nothing of each other. Its lock is taken when
 * a ring is opened and closed and when the kernel's threads are listed, never in between.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <unistd.h>

#include "backends/io_uring_private.h"

static struct {
	pthread_mutex_t lock;
	struct uring *first; /* linked by share.next */
} rings = { .lock = PTHREAD_MUTEX_INITIALIZER };

bool uring_shares(const struct uring_opts *o)
{
	return o->sqpoll && o->sqpoll_share;
}

static bool is_mate(const struct uring *b, const struct uring *other)
{
	const struct knob *k = uring_knobs;

	while (k->name && knob_equal(k, &b->opts, &other->opts))
		k++;
	return other != b && !k->name;
}

static struct uring *next_mate(const struct uring *b, struct uring *from)
{
	while (from && !is_mate(b, from))
		from = from->share.next;
	return from;
}

int uring_share_open(struct uring *b, uring_make *make, struct err *err)
{
	struct uring *mate;
	int ret;

	if (!uring_shares(&b->opts))
		return make(b, -1, err);
	pthread_mutex_lock(&rings.lock);
	mate = next_mate(b, rings.first);
	ret = make(b, mate ? mate->ring.ring_fd : -1, err);
	if (!ret) {
		b->share.maker = gettid();
		b->share.is_attached = mate != NULL;
		for (; mate; mate = next_mate(b, mate->share.next))
			mate->share.has_mates = b->share.has_mates = true;
		b->share.next = rings.first;
		rings.first = b;
	}
	pthread_mutex_unlock(&rings.lock);
	return ret;
}

void uring_share_close(struct uring *b)
{
	struct uring **at = &rings.first;

	if (!uring_shares(&b->opts))
		return;
	pthread_mutex_lock(&rings.lock);
	while (*at != b)
		at = &(*at)->share.next;
	*at = b->share.next;
	pthread_mutex_unlock(&rings.lock);
}

bool uring_share_is_alone(struct uring *b)
{
	bool alone;

	pthread_mutex_lock(&rings.lock);
	alone = !b->share.has_mates;
	pthread_mutex_unlock(&rings.lock);
	return alone;
}

/* The kernel's word (fdinfo), which it gives once the thread runs; 0: not yet. */
static pid_t polling_for(const struct uring *b)
{
	pid_t tid = b->sqpoll_tid;

	return tid ? tid : uring_sqpoll_of(b->ring.ring_fd);
}

bool uring_share_failed(struct uring *b)
{
	pid_t tid = 0;

	if (!b->share.is_attached)
		return false;
	pthread_mutex_lock(&rings.lock);
	for (struct uring *at = next_mate(b, rings.first); at && !tid;
	     at = next_mate(b, at->share.next))
		tid = polling_for(at);
	pthread_mutex_unlock(&rings.lock);
	return tid && tid != b->sqpoll_tid;
}

static struct backend_thread *find(struct backend_thread *threads, unsigned count, pid_t tid)
{
	while (count && threads[count - 1].tid != tid)
		count--;
	return count ? &threads[count - 1] : NULL;
}

unsigned uring_share_threads(pid_t maker, struct backend_thread *ret, unsigned count, unsigned max)
{
	pthread_mutex_lock(&rings.lock);
	for (const struct uring *b = rings.first; b; b = b->share.next) {
		struct backend_thread *thread = find(ret, count, b->sqpoll_tid);

		if (!thread && b->share.maker == maker && b->sqpoll_tid && count < max) {
			thread = &ret[count++];
			*thread = (struct backend_thread){ THREAD_SQPOLL, b->sqpoll_tid };
		}
		if (thread) {
			thread->is_shared = true;
			thread->is_bound = b->opts.sqpoll_cpu >= 0;
		}
	}
	pthread_mutex_unlock(&rings.lock);
	return count;
}
