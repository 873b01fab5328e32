/*
 * program_lists.c - what stands beside the bytes of a program: draws, pieces, skips, hops.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/program_build.h"

int build_out_of_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "no memory for the program");
}

/* There must be room for len more bytes of body. */
int build_check_room(const struct build *b, uint32_t len, struct err *err)
{
	if (b->len + len <= WIRE_BODY_MAX)
		return 0;
	return err_set(err, -EINVAL,
		       "the program takes more than the %u bytes that a request "
		       "may carry",
		       WIRE_BODY_MAX);
}

/* Writes the parameter into the operation at `at`, or notes that it is drawn. */
int build_put_parameter(struct build *b, struct program_step *step, enum program_parameter which,
			uint32_t at, uint16_t number, struct err *err)
{
	const struct program_parameter_form *form = program_step_form(step->code, which);
	struct value *v = &step->value[which];
	double amount;

	if (!program_step_has(step, which) || !form || !form->width)
		return 0;
	if (!value_is_constant(v))
		return build_add_draw(b, step, form, at + form->at, number, err);
	amount = ceil(round(value_min(v)) / form->unit);
	program_put(build_body(b) + at + form->at, form->width, (uint64_t)amount);
	return 0;
}

/* Room for one more behind `count`: an array doubles at each power of two. */
static int grow(void *array, unsigned count, size_t size, struct err *err)
{
	void *old, *grown;

	if (count & (count - 1))
		return 0;
	memcpy(&old, array, sizeof(old));
	grown = realloc(old, (count ? 2 * (size_t)count : 1) * size);
	if (!grown)
		return build_out_of_memory(err);
	memcpy(array, &grown, sizeof(grown));
	return 0;
}

static int add_draw(struct build *b, const struct program_draw *draw, struct err *err)
{
	struct program *p = b->p;
	int rc = grow(&p->draws, p->draw_count, sizeof(*p->draws), err);

	if (!rc)
		p->draws[p->draw_count++] = *draw;
	return rc;
}

int build_add_draw(struct build *b, struct program_step *step,
		   const struct program_parameter_form *form, uint32_t at, uint16_t number,
		   struct err *err)
{
	struct program_draw draw = {
		.at = WIRE_HEAD + at,
		.width = form->width,
		.parameter = form->parameter,
		.operation = number,
		.unit = form->unit,
		.least = form->least / form->unit,
		.most = form->most / form->unit,
		.value = step->value[form->parameter],
	};
	int rc;

	/* 0 is no timeout at all, which nobody means by a law that can come near it. */
	if (form->parameter == PARAMETER_TIMEOUT)
		draw.least = 1;
	rc = add_draw(b, &draw, err);
	if (!rc)
		step->given &= ~(1U << form->parameter);
	return rc;
}

int build_add_session(struct build *b, uint32_t at, struct err *err)
{
	return add_draw(b,
			&(struct program_draw){
				.at = WIRE_HEAD + at, .width = 4, .parameter = DRAW_SESSION },
			err);
}

uint32_t build_largest(const struct build *b, unsigned draw)
{
	for (; draw < b->p->draw_count; draw++) {
		const struct program_draw *d = &b->p->draws[draw];

		if (d->parameter == PARAMETER_AMOUNT)
			return (uint32_t)fmin(round(value_max(&d->value)), d->most);
	}
	return wire_get32(b->p->bytes + WIRE_HEAD + b->reply_at + WIRE_OPERATION_HEAD);
}

int build_add_piece(struct build *b, enum program_piece_kind kind, uint32_t at, struct err *err)
{
	struct program *p = b->p;
	int rc = grow(&p->pieces, p->piece_count, sizeof(*p->pieces), err);

	if (!rc)
		p->pieces[p->piece_count++] = (struct program_piece){
			.kind = kind,
			.at = (uint16_t)at,
			.len = (uint16_t)(b->len - at),
			.skip = (uint16_t)p->skip_count,
		};
	return rc;
}

int build_add_skip(struct build *b, struct err *err)
{
	struct program *p = b->p;
	struct program_step *step = b->step;
	int rc = build_add_piece(b, PIECE_SKIP, b->len, err);

	if (!rc)
		rc = grow(&p->skips, p->skip_count, sizeof(*p->skips), err);
	if (rc)
		return rc;
	p->skips[p->skip_count++] = (struct program_skip){
		.operation = b->number,
		.probability = step->probability,
		.every = step->every,
		.count = step->value[PARAMETER_AMOUNT],
	};
	step->given &= ~(1U << PARAMETER_AMOUNT);
	return 0;
}

int build_add_hop(struct build *b, uint16_t tag, unsigned destination, const char *name,
		  struct err *err)
{
	struct program *p = b->p;
	struct program_hop *hop;
	int rc;

	if (p->hop_count == PROGRAM_HOPS) {
		hop = &p->hops[PROGRAM_HOPS - 1];
		snprintf(hop->name, sizeof(hop->name), "other nodes");
		p->has_more_hops = true;
		return 0;
	}
	rc = grow(&p->hops, p->hop_count, sizeof(*p->hops), err);
	if (rc)
		return rc;
	hop = &p->hops[p->hop_count];
	*hop = (struct program_hop){ .tag = tag,
				     .destination = (uint16_t)destination,
				     .depth = (uint8_t)(p->hop_count ? b->depth + 1 : 0) };
	snprintf(hop->name, sizeof(hop->name), "%s", name);
	p->hop_count++;
	return 0;
}

void build_take_back_reply(struct build *b)
{
	struct program *p = b->p;

	while (p->draw_count > b->reply_draw)
		value_finish(&p->draws[--p->draw_count].value);
	p->piece_count = b->reply_piece;
	b->len = b->reply_at;
}

static int compare_places(const void *a, const void *b)
{
	const struct program_draw *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

void build_sort_draws(struct build *b)
{
	struct program *p = b->p;
	unsigned draw = 0;

	if (!p->draw_count)
		return;
	qsort(p->draws, p->draw_count, sizeof(*p->draws), compare_places);
	for (unsigned i = 0; i < p->piece_count; i++) {
		struct program_piece *piece = &p->pieces[i];

		piece->draw = (uint16_t)draw;
		while (draw < p->draw_count &&
		       p->draws[draw].at < WIRE_HEAD + piece->at + (uint32_t)piece->len)
			draw++;
		piece->draw_count = (uint16_t)(draw - piece->draw);
	}
}

void program_finish(struct program *p)
{
	for (unsigned i = 0; i < p->draw_count; i++)
		value_finish(&p->draws[i].value);
	for (unsigned i = 0; i < p->skip_count; i++)
		value_finish(&p->skips[i].count);
	value_finish(&p->size);
	free(p->draws);
	free(p->pieces);
	free(p->skips);
	free(p->hops);
	*p = (struct program){ 0 };
}
