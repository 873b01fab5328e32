/*
 * worker_stats.c - what a worker has counted, as others may read it while it runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "node/worker.h"

/* Statistics are 64-bit words, so that they can be copied one by one. */
_Static_assert(sizeof(struct node_stats) == STATS_WORDS * sizeof(uint64_t), "words");

/* So often, 100 us apart, is looked for a worker's answer. */
#define ANSWER_TRIES 1000

/* Copies one part of struct node_stats, which stands at offset, to where others may read it. */
static void publish_part(struct worker *w, size_t offset, const void *from, size_t size)
{
	_Atomic uint64_t *to = &w->published[offset / sizeof(uint64_t)];
	const char *at = from;
	uint64_t word;

	for (size_t done = 0; done < size; done += sizeof(word)) {
		memcpy(&word, at + done, sizeof(word));
		atomic_store_explicit(to++, word, memory_order_relaxed);
	}
}

#define PUBLISH(w, field, from)                                   \
	publish_part(w, offsetof(struct node_stats, field), from, \
		     sizeof(((struct node_stats *)0)->field))

void worker_publish(struct worker *w)
{
	const struct node_stats *own = &w->stats;

	PUBLISH(w, loop, &w->loop.stats);
	if (w->loop.backend)
		PUBLISH(w, backend, &w->loop.backend->stats);
	PUBLISH(w, requests, &w->host.stats.requests);
	PUBLISH(w, refused, &w->host.stats.refused);
	PUBLISH(w, operations, w->host.stats.operations);
	PUBLISH(w, accepted, &own->accepted);
	PUBLISH(w, connections, &own->connections);
	PUBLISH(w, faults, own->faults);
	PUBLISH(w, compute_ns, &w->host.stats.compute_ns);
	PUBLISH(w, forward, &w->forwards.stats);
	atomic_fetch_add_explicit(&w->publications, 1, memory_order_release);
}

/* It answers at the end of its turn; while it computes for long, what it said last has to do. */
void worker_ask_stats(struct worker *w)
{
	unsigned before = atomic_load_explicit(&w->publications, memory_order_acquire);

	atomic_store_explicit(&w->wants_stats, true, memory_order_release);
	worker_notify(w);
	for (int i = 0; i < ANSWER_TRIES && !atomic_load(&w->has_ended); i++) {
		if (atomic_load_explicit(&w->publications, memory_order_acquire) != before)
			return;
		nanosleep(&(struct timespec){ .tv_nsec = 100 * US }, NULL);
	}
}

void worker_stats(const struct worker *w, struct node_stats *ret)
{
	uint64_t words[STATS_WORDS];

	for (unsigned i = 0; i < STATS_WORDS; i++)
		words[i] = atomic_load_explicit(&w->published[i], memory_order_relaxed);
	memcpy(ret, words, sizeof(*ret));
	ret->accept_errors = atomic_load_explicit(&w->accept_errors, memory_order_relaxed);
}
