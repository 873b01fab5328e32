/*
 * program_text.h - what each request asks for: from texts to the bytes of a request.
 *
 * One text an operation, in order:
 *
 *	compute 10us			holds the worker so long by the clock (compute:wall);
 *					compute:cpu by its CPU time, compute:loops by counted loops
 *	sleep exp:1ms			gives the worker back meanwhile
 *	load 4KiB			reads, sequentially; or
 *	load size=4KiB,offset=unif:min=0B:max=1GiB,device=1
 *	store 4KiB,nosync		writes; sync (the default): durable when it goes on
 *	forward :7892,:7893		sends what follows, up to the matching reply, to both and
 *					waits for them: timeout=10s (of an attempt; 0s: none),
 *					retries=0, quorum=2 (how many to wait for; all), size=512B
 *	forward :7892,:7893,pick=two	to one of them: round-robin, random, least, two, hash
 *	forward :7892,meanwhile		and goes on; waits at the next
 *	join				or at the reply
 *	reply 64B			the answer; sendfile or zero-copy: by these, device=0
 *	skip 2,prob=0.5,every=3		leaves out the next 2 operations: in every 3rd request
 *					(0, 3 ...), with probability 0.5
 *
 * Amounts are values (base/value.h): constant, or drawn anew for each request. Commas separate what
 * an operation takes; a value with commas of its own may stand in brackets, as in DistWalk:
 * size=[exp:4KiB,min=1B]. DistWalk's names dev=, retry= and nack= are understood, too; nack= may
 * be more than there are, which means all.
 *
 * Forwards nest as parentheses do, only without them: `forward` opens a level, `reply` closes the
 * innermost. What follows runs on the node that forwarded:
 *
 *	compute 1us; forward :7892; compute 5us; reply; compute 2us; reply
 *	here         +------------- there -----------+  here again
 *
 * Replies that are missing at the end are added. Forwards with `branch` that follow each other are
 * one forward, whose destinations get a program each:
 *
 *	forward :7892,branch; compute 1us; reply; forward :7893,branch; compute 2us; reply
 *
 * Its timeout, retries, quorum and size may stand with any of them. Of two replies in a row at the
 * end the later one counts, as in DistWalk. An operation behind the last reply, or a reply that
 * could be skipped, is refused: what follows it would never run, and a request without one would
 * never be answered. A forward is one operation to a skip, all its branches together.
 *
 * Skips are decided and values drawn here, when a request is made, from streams of their own
 * (seed, thread, place in the program, parameter; number of the request), so a seed gives the same
 * requests whatever the threads do. The node sees only what is left. Drawn sizes are rounded to
 * bytes, times to ns. What may be drawn is checked beforehand; only what a law without an end draws
 * beyond a field's limit is cut, and counted.
 *
 * program_step.c reads a text, program_build.c makes the bytes, program_write.c writes requests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_PROGRAM_TEXT_H
#define RW_CLIENT_PROGRAM_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/knob.h"
#include "base/random.h"
#include "base/value.h"
#include "engine/outqueue.h"
#include "engine/wire.h"

/* Padding up to so many bytes travels as bytes; more is a number (conn_append_payload). */
#define PROGRAM_PADDING	   512
#define PROGRAM_PREFIX_MAX (WIRE_HEAD + WIRE_BODY_MAX + PROGRAM_PADDING)
/* Size of a request when nothing is said of it, as in DistWalk; more if its program needs that. */
#define PROGRAM_REQUEST_SIZE 1024

/* Nodes that can be told apart in results; [0] is the one that is loaded. */
#define PROGRAM_HOPS	 64
#define PROGRAM_HOP_NAME 64

/* A field of a request that is drawn. */
struct program_draw {
	uint32_t at;	    /* in bytes[] */
	uint8_t width;	    /* 1, 2, 4, 8 bytes */
	uint8_t parameter;  /* enum program_parameter; 0: the session's number */
	uint16_t operation; /* its stream: number of the text */
	double unit;	    /* base units in one of the field's */
	double least, most; /* in the field's units; above is cut */
	struct value value;
};

/* A part of the body, for requests that leave some out. */
struct program_piece {
	enum program_piece_kind {
		PIECE_OPERATION,
		PIECE_FORWARD, /* its head; then branches */
		PIECE_BRANCH,  /* head and destinations; then its program */
		PIECE_BRANCH_END,
		PIECE_FORWARD_END,
		PIECE_SKIP,
	} kind;
	uint16_t at, len;	   /* in the body */
	uint16_t after;		   /* OPERATION, FORWARD: the piece behind all of it */
	uint16_t skip;		   /* SKIP: in skips[] */
	uint16_t draw, draw_count; /* fields drawn in it */
};

struct program_skip {
	uint16_t operation;
	double probability;
	uint64_t every;
	struct value count;
};

/* Someone whose times an answer tells: the tag and destination of its record (engine/wire.h). */
struct program_hop {
	uint16_t tag, destination;
	uint8_t depth;		     /* 0: the node that is loaded */
	char name[PROGRAM_HOP_NAME]; /* as the user wrote it */
};

struct program {
	unsigned operations; /* texts, and replies that were added */
	bool is_constant;    /* requests differ in their id only */
	bool has_skips;
	bool fits_chunk; /* prefix_len is never above CHUNK_BYTES */

	uint32_t reply_size;   /* at most */
	uint32_t request_size; /* without laws: of all requests; prefix_len + payload_len */
	uint32_t body_len;     /* when nothing is skipped */
	uint32_t prefix_len;   /* head, body and short padding: what program_write() writes */
	uint32_t payload_len;  /* zeros behind it */
	struct value size;     /* of a request */

	unsigned draw_count, piece_count, skip_count, hop_count;
	struct program_draw *draws; /* by place */
	struct program_piece *pieces;
	struct program_skip *skips;
	struct program_hop *hops;
	bool has_more_hops; /* than could be kept: hops[PROGRAM_HOPS - 1] stands for the rest */

	uint8_t bytes[PROGRAM_PREFIX_MAX]; /* of a request that skips nothing */
};

struct program_setup {
	const struct knob_list *texts;
	const char *request_size; /* a value; "auto": PROGRAM_REQUEST_SIZE, or what it takes */
	int64_t reply_size;	  /* of replies that name none */
	uint32_t deadline_us;	  /* told to the node with each request; 0: none */
};

/* Refused with a sentence that says what would be right; *ret is then untouched. */
int program_parse(const struct program_setup *setup, struct program *ret, struct err *err);
void program_finish(struct program *p);

/* The program as it was understood, with the means of what is drawn: for people. */
int program_print(const struct program_setup *setup, FILE *out, struct err *err);

/* The random streams of one thread. */
struct program_stream {
	const struct program *program;
	struct random_key *draws;   /* as program->draws */
	struct random_key *chances; /* two for each skip: whether, and how many */
	struct random_key size;
};
int program_stream_init(struct program_stream *s, const struct program *p, uint64_t seed,
			unsigned thread); /* 0, -ENOMEM */
void program_stream_finish(struct program_stream *s);

struct program_request {
	uint64_t number; /* of the thread's requests: chooses what is drawn */
	uint64_t id;
	uint32_t session; /* its number: for forwards that pick by it */

	/* Filled by program_write(). */
	uint32_t prefix_len, payload_len;
	uint32_t skipped; /* operations */
	uint32_t cut;	  /* values that were drawn beyond their limit */
};

/* Writes a request at `at`, where there is room for PROGRAM_PREFIX_MAX bytes, or for
 * program->prefix_len if program->fits_chunk: prefix_len is what it took. */
void program_write(const struct program_stream *s, struct program_request *request, uint8_t *at);

#endif
