/*
 * program_text.h - what each request asks for: from texts to the bytes of a request.
 *
 *	compute 10us	compute:wall 10us	compute:cpu 10us	compute:loops 10us
 *	sleep 1ms
 *	reply 64B	reply			its size; without one: the default
 *	skip 2,prob=0.5,every=3			leaves out the next 2 operations: in every 3rd
 *						request (0, 3 ...), with probability 0.5
 *
 * A reply is added at the end if there is none, and of two in a row the later one counts, as in
 * DistWalk. A reply anywhere else, or one that could be skipped, is refused: what follows it would
 * never run, and a request without one would never be answered.
 *
 * Skips are decided here, when a request is made, by a stream of their own (seed, thread, place in
 * the program, number of the request); the node sees only what is left. A program without skips is
 * constant bytes in which only the id changes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_PROGRAM_TEXT_H
#define RW_CLIENT_PROGRAM_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/knob.h"
#include "base/random.h"
#include "engine/outqueue.h"
#include "engine/wire.h"

#define PROGRAM_STEPS	  65
#define PROGRAM_STEP_SKIP WIRE_CODES

/* Padding up to so many bytes travels as bytes; more is a number (conn_append_payload). */
#define PROGRAM_PADDING 512
_Static_assert(WIRE_HEAD + 12 * PROGRAM_STEPS + PROGRAM_PADDING <= CHUNK_BYTES,
	       "the prefix of a request is appended at once");

struct program_step {
	uint8_t code; /* enum wire_code, or PROGRAM_STEP_SKIP */
	uint8_t flags;
	uint64_t value; /* ns, bytes, or operations to skip */
	double probability;
	uint64_t every;
};

struct program {
	struct program_step steps[PROGRAM_STEPS];
	unsigned count;
	bool has_skips;
	uint32_t reply_size;
	uint32_t request_size; /* prefix_len + payload_len */
	uint32_t prefix_len;   /* head, body and short padding: what program_write() writes */
	uint32_t payload_len;  /* zeros behind it */
	uint32_t deadline_us;
	uint8_t bytes[CHUNK_BYTES]; /* of a request that skips nothing */
};

/* One text, "compute 10us"; refused with a sentence that says what would be right. */
int program_parse_step(const char *text, int64_t default_reply_size, struct program_step *ret,
		       struct err *err);

/* deadline_us: told to the node with each request; 0: none. */
int program_parse(const struct knob_list *texts, int64_t request_size, int64_t default_reply_size,
		  uint32_t deadline_us, struct program *ret, struct err *err);

/* The streams of one thread's skips. */
struct program_keys {
	struct random_key skip[PROGRAM_STEPS];
};
void program_keys(const struct program *p, uint64_t seed, unsigned thread,
		  struct program_keys *ret);

/* Writes prefix_len bytes at p. Returns how many operations were left out. */
unsigned program_write(const struct program *p, const struct program_keys *keys, uint64_t number,
		       uint64_t id, uint8_t *at);

#endif
