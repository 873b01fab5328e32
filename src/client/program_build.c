/*
 * program_build.c - texts to a struct program: see program_text.h.
 *
 * One walk over the texts writes the body of a request that skips nothing, and notes beside it
 * where fields are drawn (draws), what can be left out (pieces, skips) and who will tell its times
 * (hops). A level is a program: the request's own, or that of a branch. A level's `forward` is the
 * one that was opened in it last; while a branch of it is read, another level lies above. It is
 * complete when its last branch is, which only the next operation tells.
 *
 * program_lists.c has the arrays that grow.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/program_build.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* compute, sleep, load, store, reply, join. */
static int add_operation(struct build *b, struct err *err)
{
	struct program_step *step = b->step;
	const struct wire_operation op = {
		.code = step->code,
		.flags = step->flags,
		.value = (uint64_t)b->setup->reply_size,
		.offset = WIRE_SEQUENTIAL,
	};
	uint32_t at = b->len;
	int rc;

	/* Behind the longest body there is room for padding, so it may be looked at afterwards. */
	b->len += wire_put_operation(build_body(b) + at, &op);
	rc = build_check_room(b, 0, err);
	if (!rc)
		rc = build_add_piece(b, PIECE_OPERATION, at, err);
	for (unsigned which = 0; which < PARAMETERS && !rc; which++)
		rc = build_put_parameter(b, step, which, at, b->number, err);
	if (!rc)
		b->p->pieces[b->p->piece_count - 1].after = b->p->piece_count;
	return rc;
}

/* Every skip of this level leaves its reply. */
static int check_skips(struct build *b, struct err *err)
{
	for (unsigned i = 0; i < b->p->skip_count; i++) {
		struct skip_place *place = &b->places[i];
		unsigned left = build_level(b)->operations - place->operations;
		double count = round(value_max(&b->p->skips[i].count));

		if (place->is_checked || place->depth != b->depth)
			continue;
		place->is_checked = true;
		if (count > left)
			return err_set(
				err, -EINVAL,
				"skip %.0f leaves no reply: only %u operation%s between it and "
				"the reply",
				count, left, left == 1 ? " stands" : "s stand");
	}
	return 0;
}

static int add_skip(struct build *b, struct err *err)
{
	struct skip_place *place = &b->places[b->p->skip_count];

	*place = (struct skip_place){ b->depth, build_level(b)->operations, false };
	return build_add_skip(b, err);
}

static int add_reply(struct build *b, struct err *err)
{
	int rc = 0;

	if (b->is_over)
		build_take_back_reply(b);
	else
		rc = build_end_forward(b, err);
	if (rc)
		return rc;
	b->reply_at = b->len;
	b->reply_piece = b->p->piece_count;
	b->reply_draw = b->p->draw_count;
	rc = add_operation(b, err);
	if (!rc)
		rc = check_skips(b, err);
	if (rc)
		return rc;
	if (b->depth)
		return build_end_branch(b, err);
	b->is_over = true;
	b->p->reply_size = wire_get32(build_body(b) + b->reply_at + 4);
	if (b->p->draw_count > b->reply_draw)
		b->p->reply_size = build_largest(b, b->reply_draw);
	return 0;
}

static int add_step(struct build *b, struct err *err)
{
	struct level *level = build_level(b);
	int rc;

	if (b->step->code == WIRE_SEND_REPLY)
		return add_reply(b, err);
	if (b->is_over)
		return err_set(err, -EINVAL,
			       "the reply must come last in a program: the operations behind it "
			       "would never run");
	if (level->forward.is_waiting && b->step->is_branch) {
		rc = build_merge(&level->forward, b->step, err);
		return rc ? rc : build_begin_branch(b, &level->forward, err);
	}
	rc = build_end_forward(b, err);
	if (rc)
		return rc;
	if (b->step->code == PROGRAM_STEP_SKIP)
		return add_skip(b, err);
	level->operations++;
	return b->step->code == WIRE_FORWARD_TO ? build_begin_forward(b, err)
						: add_operation(b, err);
}

static int add_text(struct build *b, const char *text, struct err *err)
{
	int rc;

	if (b->step)
		program_step_finish(b->step);
	else
		b->step = malloc(sizeof(*b->step));
	if (!b->step)
		return build_out_of_memory(err);
	rc = program_step_parse(text, false, b->step, err);
	if (rc) {
		b->step->given = 0;
		return rc;
	}
	rc = add_step(b, err);
	b->number++;
	return rc;
}

/* Replies that are missing, from the innermost forward to the end. */
static int add_missing_replies(struct build *b, struct err *err)
{
	int rc = 0;

	while (!rc && !b->is_over)
		rc = add_text(b, "reply", err);
	return rc;
}

/* How long requests are. */
static int set_size(struct build *b, struct err *err)
{
	const char *text = b->setup->request_size;
	struct program *p = b->p;
	uint32_t least = WIRE_HEAD + b->len;
	char automatic[32];
	double smallest;
	int rc;

	snprintf(automatic, sizeof(automatic), "%uB",
		 least > PROGRAM_REQUEST_SIZE ? least : PROGRAM_REQUEST_SIZE);
	rc = value_parse(strcmp(text, "auto") ? text : automatic, VALUE_SIZE, "B", &p->size, err);
	if (rc) {
		err_wrap(err, "request size");
		return rc;
	}
	smallest = round(value_min(&p->size));
	if (smallest < least)
		return err_set(err, -EINVAL,
			       "a request of %.0f bytes cannot hold this program: at least %u "
			       "bytes",
			       smallest, least);
	if (value_max(&p->size) > UINT32_MAX && !isinf(value_max(&p->size)))
		return err_set(err, -EINVAL, "a request has at most %u bytes; not %.0f", UINT32_MAX,
			       value_max(&p->size));
	p->request_size = value_is_constant(&p->size) ? (uint32_t)smallest : least;
	p->prefix_len = p->request_size - least <= PROGRAM_PADDING ? p->request_size : least;
	p->payload_len = p->request_size - p->prefix_len;
	p->fits_chunk = value_is_constant(&p->size) && p->prefix_len <= CHUNK_BYTES;
	return 0;
}

static void finish_program(struct build *b)
{
	struct program *p = b->p;

	p->body_len = b->len;
	p->operations = b->number;
	p->has_skips = p->skip_count;
	p->is_constant = !p->skip_count && !p->draw_count && value_is_constant(&p->size);
	build_sort_draws(b);
	wire_put_head(p->bytes, &(struct wire_head){
					.length = p->request_size,
					.version = WIRE_VERSION,
					.type = WIRE_REQUEST,
					.hops = b->deepest > WIRE_HOPS ? b->deepest : WIRE_HOPS,
					.body_len = b->len,
					.deadline_us = b->setup->deadline_us,
				});
}

static int build(struct build *b, struct err *err)
{
	const struct knob_list *texts = b->setup->texts;
	const char *text = NULL;
	int rc = build_add_hop(b, 0, 0, "", err);

	while (!rc && (text = knob_list_next(texts, text)))
		rc = add_text(b, text, err);
	if (!rc)
		rc = add_missing_replies(b, err);
	if (!rc)
		rc = set_size(b, err);
	if (!rc)
		finish_program(b);
	return rc;
}

static void free_step(struct program_step *step)
{
	if (step)
		program_step_finish(step);
	free(step);
}

int program_parse(const struct program_setup *setup, struct program *ret, struct err *err)
{
	struct program *p = calloc(1, sizeof(*p));
	struct build *b = calloc(1, sizeof(*b));
	int rc = p && b ? 0 : build_out_of_memory(err);

	if (!rc) {
		*b = (struct build){ .setup = setup, .p = p };
		rc = build(b, err);
	}
	for (unsigned i = 0; b && i <= WIRE_DEPTH; i++)
		free_step(b->levels[i].forward.step);
	if (b)
		free_step(b->step);
	if (!rc)
		*ret = *p;
	else if (p)
		program_finish(p);
	free(b);
	free(p);
	return rc;
}
