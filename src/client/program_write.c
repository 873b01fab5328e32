/*
 * program_write.c - the bytes of one request: see program_text.h. The data path: no text here.
 *
 * A request is a copy of program->bytes. Fields that are drawn are written into the copy; only a
 * program that skips is put together anew, piece by piece.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "client/program_private.h"

/* Behind the operation number of the arrivals' key, so that no two streams are the same. */
#define KEY_OPERATION_FIRST 1
#define KEY_OPERATION_SIZE  0xffff /* of the request; there is no such text */

/* At least 1: malloc(0) may be NULL. */
static struct random_key *make_keys(unsigned count)
{
	return calloc(count + 1, sizeof(struct random_key));
}

int program_stream_init(struct program_stream *s, const struct program *p, uint64_t seed,
			unsigned thread)
{
	*s = (struct program_stream){ .program = p };
	s->draws = make_keys(p->draw_count);
	s->chances = make_keys(2 * p->skip_count);
	if (!s->draws || !s->chances) {
		program_stream_finish(s);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < p->draw_count; i++)
		s->draws[i] = random_key(seed, thread, KEY_OPERATION_FIRST + p->draws[i].operation,
					 p->draws[i].parameter);
	for (unsigned i = 0; i < p->skip_count; i++) {
		uint32_t operation = KEY_OPERATION_FIRST + p->skips[i].operation;

		s->chances[2 * i] = random_key(seed, thread, operation, PARAMETER_CHANCE);
		s->chances[2 * i + 1] = random_key(seed, thread, operation, PARAMETER_AMOUNT);
	}
	s->size = random_key(seed, thread, KEY_OPERATION_SIZE, PARAMETER_AMOUNT);
	return 0;
}

void program_stream_finish(struct program_stream *s)
{
	free(s->draws);
	free(s->chances);
	s->draws = s->chances = NULL;
}

/* Rounded, and within limits: only a law without an end draws beyond them. */
static double bounded(double amount, double least, double most, uint32_t *cut)
{
	amount = round(amount);
	if (amount >= least && amount <= most)
		return amount;
	*cut += amount > most;
	return amount > most ? most : least;
}

static void draw(const struct program_stream *s, unsigned i, struct program_request *request,
		 uint8_t *at)
{
	const struct program_draw *d = &s->program->draws[i];
	double amount;

	if (d->parameter == DRAW_SESSION) {
		wire_put32(at, request->session);
		return;
	}
	amount = value_draw(&d->value, &s->draws[i], request->number) / d->unit;
	program_put(at, d->width, (uint64_t)bounded(amount, d->least, d->most, &request->cut));
}

/* How many operations this skip leaves out now. */
static uint64_t skip_count(const struct program_stream *s, unsigned i, uint64_t number)
{
	const struct program_skip *skip = &s->program->skips[i];

	if (number % skip->every)
		return 0;
	if (skip->probability < 1 && random_unit(&s->chances[2 * i], number) >= skip->probability)
		return 0;
	return (uint64_t)round(value_draw(&skip->count, &s->chances[2 * i + 1], number));
}

/* The piece behind the next `count` operations; skips between them are left out, too. */
static unsigned leave_out(const struct program *p, unsigned piece, uint64_t count)
{
	while (count) {
		const struct program_piece *next = &p->pieces[piece];

		if (next->kind == PIECE_SKIP) {
			piece++;
			continue;
		}
		piece = next->after;
		count--;
	}
	return piece;
}

/* Where open forwards and branches begin, to be told their length. */
struct open_forward {
	uint8_t *forward, *branch, *program;
};

static void write_piece(const struct program_stream *s, const struct program_piece *piece,
			struct program_request *request, uint8_t *to)
{
	memcpy(to, s->program->bytes + WIRE_HEAD + piece->at, piece->len);
	for (unsigned i = piece->draw; i < piece->draw + (unsigned)piece->draw_count; i++)
		draw(s, i, request, to + (s->program->draws[i].at - WIRE_HEAD - piece->at));
}

/* Returns the length of the body that is left. */
static uint32_t write_pieces(const struct program_stream *s, struct program_request *request,
			     uint8_t *body)
{
	const struct program *p = s->program;
	struct open_forward open[WIRE_DEPTH + 1], *inner = open;
	uint8_t *to = body;

	for (unsigned i = 0; i < p->piece_count;) {
		const struct program_piece *piece = &p->pieces[i++];

		if (piece->kind == PIECE_SKIP) {
			uint64_t count = skip_count(s, piece->skip, request->number);

			i = leave_out(p, i, count);
			request->skipped += count;
			continue;
		}
		write_piece(s, piece, request, to);
		if (piece->kind == PIECE_FORWARD)
			(++inner)->forward = to;
		if (piece->kind == PIECE_BRANCH)
			inner->branch = to;
		to += piece->len;
		if (piece->kind == PIECE_BRANCH)
			inner->program = to;
		if (piece->kind == PIECE_BRANCH_END)
			wire_put16(inner->branch, (uint32_t)(to - inner->program));
		if (piece->kind == PIECE_FORWARD_END) {
			wire_end_forward(inner->forward, (uint32_t)(to - inner->forward));
			inner--;
		}
	}
	return (uint32_t)(to - body);
}

/* Length, and how much of it is written: constant, unless it is drawn. */
static void choose_size(const struct program_stream *s, struct program_request *request)
{
	const struct program *p = s->program;
	uint32_t least = WIRE_HEAD + p->body_len, size;

	request->prefix_len = p->prefix_len;
	request->payload_len = p->payload_len;
	if (value_is_constant(&p->size))
		return;
	size = (uint32_t)bounded(value_draw(&p->size, &s->size, request->number), least, UINT32_MAX,
				 &request->cut);
	request->prefix_len = size - least <= PROGRAM_PADDING ? size : least;
	request->payload_len = size - request->prefix_len;
}

void program_write(const struct program_stream *s, struct program_request *request, uint8_t *at)
{
	const struct program *p = s->program;
	uint32_t len;

	request->skipped = request->cut = 0;
	if (p->is_constant) {
		request->prefix_len = p->prefix_len;
		request->payload_len = p->payload_len;
		memcpy(at, p->bytes, p->prefix_len);
		wire_put64(at + PROGRAM_ID_AT, request->id);
		return;
	}
	choose_size(s, request);
	if (p->has_skips) {
		memcpy(at, p->bytes, WIRE_HEAD);
		len = write_pieces(s, request, at + WIRE_HEAD);
		memset(at + WIRE_HEAD + len, 0, request->prefix_len - WIRE_HEAD - len);
		wire_put32(at + PROGRAM_BODY_LEN_AT, len);
	} else {
		memcpy(at, p->bytes, request->prefix_len);
		for (unsigned i = 0; i < p->draw_count; i++)
			draw(s, i, request, at + p->draws[i].at);
	}
	wire_put32(at + PROGRAM_LENGTH_AT, request->prefix_len + request->payload_len);
	wire_put64(at + PROGRAM_ID_AT, request->id);
}
