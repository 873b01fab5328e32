/*
 * split.h - where the time of requests went: of all of them, and of the slowest.
 *
 * The response time of an answered request, from when it was due, is split into what its records
 * tell (engine/wire.h):
 *
 *	late			due until sent
 *	network of a hop	to the node and back, with retries on the way
 *	queue, service, storage	as the node says; of the queue no more than there was time for
 *	forward			waited for others, beyond what their records tell
 *
 * Of a forward, a child's times count as much as its parent waited for it: they are scaled by
 * waited/elapsed, and so are its own children's. So the parts of an answer add up to its response
 * time, whoever lies in the records: a record that cannot be true (more than its parent waited, of
 * a hop that the program does not have, ...) is left out with all below it, and counted.
 *
 * The sums are kept by response time, in buckets of 1/16 octave, so that the slowest 1 % can be
 * asked for when all is over, over all threads, without keeping answers. The bucket that the
 * boundary cuts counts in proportion. Nothing is allocated after split_init().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_SPLIT_H
#define RW_CLIENT_SPLIT_H

#include "client/program_text.h"

#define SPLIT_OCTAVES 32 /* from 1 us to an hour; the rest are in the first and last bucket */
#define SPLIT_STEPS   16
#define SPLIT_BUCKETS (SPLIT_OCTAVES * SPLIT_STEPS + 2)

enum split_part {
	SPLIT_NETWORK,
	SPLIT_QUEUE,
	SPLIT_SERVICE,
	SPLIT_STORAGE,
	SPLIT_FORWARD,
	SPLIT_PARTS
};
extern const char *const split_part_names[]; /* "network", ... */

struct split {
	unsigned hop_count;
	bool has_more_hops;	  /* the last one stands for the rest */
	struct program_hop *hops; /* [0].name: who split_name() says */
	uint64_t *counts;	  /* answers, by bucket */
	double *sums;		  /* ns, by bucket, then late and the parts of each hop */
	uint64_t answers;
	double response_ns; /* of all answers, as measured */
	uint64_t ignored;   /* records that could not be true */
	uint64_t cut;	    /* answers that were too small for their records */
};

/* What is known of one answer. */
struct split_answer {
	int64_t late_ns, service_ns; /* due to sent, sent to received */
	const uint8_t *records;	     /* body of the reply */
	uint32_t len;
	bool is_cut;
};

/* Means over some answers, in ns. */
struct split_view {
	double answers, response_ns, late_ns;
	double part_ns[PROGRAM_HOPS][SPLIT_PARTS];
};

int split_init(struct split *s, const struct program *p); /* 0, -ENOMEM */
void split_finish(struct split *s);			  /* takes a zeroed one, too */
/* What the user called the node that is loaded; and names that occur twice are told apart. */
void split_name(struct split *s, const char *node);

void split_add(struct split *s, const struct split_answer *a);
/* Of the same program. */
void split_merge(struct split *into, const struct split *from);

/* The slowest `share` of the answers: 1 is all of them. */
void split_view(const struct split *s, double share, struct split_view *ret);

#endif
