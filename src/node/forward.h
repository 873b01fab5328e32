/*
 * forward.h - forwards of requests that wait: attempts, answers, quorum, retries, the end.
 *
 * A forward has targets, one for each destination it was given: two targets may be the same
 * place. With PICK_ALL all are asked, with the others one at a time. A target waits for an
 * answer until its attempt has been silent for the timeout, or has failed; then it is asked
 * again, while there are retries: at once by a fresh attempt, or with a pick the next candidate
 * is. An older attempt goes on: its answer counts like any other, but one for each target. Who
 * has answered that it failed, timed out or refuses is not asked again, nor is, without a pick,
 * where this node may not or cannot go. What waits in a queue that is full (upstream.h) is not
 * queued twice. Datagrams get lost: an attempt by UDP has FORWARD_UDP_TIMEOUT_NS if the request
 * says nothing else.
 *
 * The forward ends when `quorum` targets have answered, or as soon as so many cannot any more;
 * the target that decided it gives the status: its answer's (what is none of ours is an error),
 * or what became of its attempts. It also ends, WIRE_TIMEOUT, with the deadline of its request.
 * What is still under way then is given up: its answers are late.
 *
 * The clock is the batch's, and read anew when a request begins to wait and when an answer comes:
 * what elapsed is never less than what the answer says was done.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_FORWARD_H
#define RW_NODE_FORWARD_H

#include "base/random.h"
#include "node/operation.h"
#include "node/records.h"
#include "node/upstream.h"

#define FORWARD_ROTORS	       64
#define FORWARD_UDP_TIMEOUT_NS 1000000000LL

enum target_state {
	TARGET_UNASKED,
	TARGET_WAITING,
	TARGET_PASSED, /* failed, silent for too long, or another candidate is asked now */
	TARGET_ANSWERED,
};

struct target {
	struct wire_destination to;
	const uint8_t *program;
	uint32_t program_len;
	uint16_t tries;
	uint8_t state;
	struct attempt *attempts; /* under way; the last one first */
	int64_t deadline_ns;
};

struct forward {
	struct io_op timer;
	struct forwards *all;
	struct waiting *owner;		/* NULL: it is only here until its timer has come back */
	struct forward *next, **linked; /* of the owner's, or of those without an owner */
	struct wire_forward asked;
	int64_t started_ns, expires_ns;
	uint16_t count, quorum, answered, waiting; /* targets */
	uint16_t tries;				   /* with a pick */
	uint8_t hops;				   /* of the requests it sends */
	bool is_decided, timer_runs;
	enum wire_status status;
	struct wire_child child; /* of what decided it */
	struct target targets[];
};

/* Those of one worker. */
struct forwards {
	struct upstreams upstreams;
	struct forward_stats stats;
	struct cache few, many; /* by the number of their targets */
	struct cache records;
	struct forward *orphans; /* without an owner */
	uint32_t rotors[FORWARD_ROTORS];
	struct random_key key;
	uint64_t draws;
};

/* seed: of what is picked at random. 0 or -ENOMEM. */
int forwards_init(struct forwards *all, struct loop *loop, const struct upstream_opts *opts,
		  uint32_t seed);
/* Before and after loop_finish(). */
void forwards_end(struct forwards *all);
void forwards_finish(struct forwards *all);

/* w has ended, or its connection has: what it still waits for is given up. */
void forwards_drop(struct waiting *w);

/*
 * For operation_forward.c: created with room for `count` targets that are zeroed (NULL: memory is
 * out), filled in, adopted, asked for each target that waits, armed. One that is decided by then is
 * recorded, which also ends it.
 */
struct forward *forward_create(struct forwards *all, unsigned count);
void forward_adopt(struct waiting *w, struct forward *f);
void forward_ask(struct forward *f, struct target *t);
void forward_arm(struct forward *f);
void forward_record(struct forward *f, const struct message *m);

/* forward_pick.c: the target to ask next of those unasked; all of them, when none is left. */
struct target *forward_pick(struct forward *f);

#endif
