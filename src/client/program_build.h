/*
 * program_build.h - a program while it is being made: for program_build.c and program_lists.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_PROGRAM_BUILD_H
#define RW_CLIENT_PROGRAM_BUILD_H

#include "client/program_private.h"

/* A forward, in the level it stands in. */
struct forward {
	bool is_waiting;		/* its branches are closed; another may follow */
	uint32_t at;			/* in the body */
	uint32_t branch_at, program_at; /* of the branch that was opened last */
	unsigned piece;
	unsigned branches, destinations;
	uint32_t program_len; /* of the longest branch */
	uint16_t tag;
	struct program_step *step; /* the first branch's; takes in what others say */
};

struct level {
	unsigned operations;
	struct forward forward;
};

struct build {
	const struct program_setup *setup;
	struct program *p;
	struct level levels[WIRE_DEPTH + 1];
	unsigned depth, deepest;
	uint16_t number;	   /* of the text */
	bool is_over;		   /* the request's own reply is there */
	uint32_t len;		   /* of the body */
	struct program_step *step; /* being read */

	/* Where the last reply began, to be taken back. */
	uint32_t reply_at;
	unsigned reply_piece, reply_draw;

	/* Of each skip: its level, and the operations in front of it there. */
	struct skip_place {
		unsigned depth, operations;
		bool is_checked;
	} places[KNOB_LIST_MAX];
};

static inline struct level *build_level(struct build *b)
{
	return &b->levels[b->depth];
}

static inline uint8_t *build_body(struct build *b)
{
	return b->p->bytes + WIRE_HEAD;
}

/* program_forward.c: each leaves the text being read in b->step to the next one. */
int build_begin_forward(struct build *b, struct err *err);
/* Of the forward f, which is complete but for this. */
int build_merge(struct forward *f, struct program_step *step, struct err *err);
int build_begin_branch(struct build *b, struct forward *f, struct err *err);
/* The program of a branch has its reply. */
int build_end_branch(struct build *b, struct err *err);
/* No further branch follows: what is known of the level's forward is written. */
int build_end_forward(struct build *b, struct err *err);

/* program_lists.c. There must be room for len more bytes of body. */
int build_check_room(const struct build *b, uint32_t len, struct err *err);
/* Writes the parameter into the operation at `at`, or notes that it is drawn. */
int build_put_parameter(struct build *b, struct program_step *step, enum program_parameter which,
			uint32_t at, uint16_t number, struct err *err);
int build_out_of_memory(struct err *err);

/* A field of the body at `at` that is drawn; takes the value out of the step. */
int build_add_draw(struct build *b, struct program_step *step,
		   const struct program_parameter_form *form, uint32_t at, uint16_t number,
		   struct err *err);
int build_add_session(struct build *b, uint32_t at, struct err *err);
/* What a drawn field holds at most. */
uint32_t build_largest(const struct build *b, unsigned draw);
/* From `at` to the end of the body as it is. */
int build_add_piece(struct build *b, enum program_piece_kind kind, uint32_t at, struct err *err);
int build_add_skip(struct build *b, struct err *err);
int build_add_hop(struct build *b, uint16_t tag, unsigned destination, const char *name,
		  struct err *err);
void build_take_back_reply(struct build *b);
/* By place, so that a piece knows its own. */
void build_sort_draws(struct build *b);

#endif
