/*
 * program_forward.c - forwards in a program that is being built: see program_build.c.
 *
 * The head of a forward is written when it is opened and filled in when it is complete, for a later
 * branch may say what counts for all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/program_build.h"
#include "engine/destination.h"

/* Fields of a forward that are no parameters. */
#define FORWARD_KEY	 12
#define FORWARD_BRANCHES 22

/* How many of the forward's destinations it waits for. */
static int put_quorum(struct build *b, const struct forward *f, struct err *err)
{
	struct program_step *step = f->step;
	const struct value *v = &step->value[PARAMETER_QUORUM];
	double most = program_step_has(step, PARAMETER_QUORUM) ? round(value_max(v)) : 0;
	int rc;

	if (most > f->destinations && !step->has_many)
		return err_set(err, -EINVAL,
			       "a quorum of %.0f is out of reach: the forward has %u destination%s",
			       most, f->destinations, f->destinations == 1 ? "" : "s");
	if (most > f->destinations && value_is_constant(v))
		return 0; /* all */
	rc = build_put_parameter(b, step, PARAMETER_QUORUM, f->at, f->tag, err);
	if (!rc && most > f->destinations)
		b->p->draws[b->p->draw_count - 1].most = f->destinations;
	return rc;
}

static int put_message_size(struct build *b, const struct forward *f, struct err *err)
{
	const struct value *v = &f->step->value[PARAMETER_MESSAGE];
	uint32_t need = WIRE_HEAD + f->program_len;

	if (!program_step_has(f->step, PARAMETER_MESSAGE)) {
		wire_put32(build_body(b) + f->at + 8,
			   need > PROGRAM_FORWARD_SIZE ? need : PROGRAM_FORWARD_SIZE);
		return 0;
	}
	if (round(value_min(v)) < need)
		return err_set(err, -EINVAL,
			       "a forward of %.0f bytes cannot hold its program: at least %u bytes",
			       round(value_min(v)), need);
	return build_put_parameter(b, f->step, PARAMETER_MESSAGE, f->at, f->tag, err);
}

/* All branches are there. */
int build_end_forward(struct build *b, struct err *err)
{
	struct forward *f = &build_level(b)->forward;
	uint8_t *at = build_body(b) + f->at;
	int rc;

	if (!f->is_waiting)
		return 0;
	f->is_waiting = false;
	at[1] = f->step->flags;
	at[FORWARD_BRANCHES] = (uint8_t)f->branches;
	wire_end_forward(at, b->len - f->at);
	rc = build_put_parameter(b, f->step, PARAMETER_TIMEOUT, f->at, f->tag, err);
	if (!rc)
		rc = build_put_parameter(b, f->step, PARAMETER_RETRIES, f->at, f->tag, err);
	if (!rc)
		rc = put_quorum(b, f, err);
	if (!rc)
		rc = put_message_size(b, f, err);
	if (!rc && f->step->pick == PICK_HASH)
		rc = build_add_session(b, f->at + FORWARD_KEY, err);
	if (!rc)
		rc = build_add_piece(b, PIECE_FORWARD_END, b->len, err);
	if (!rc)
		b->p->pieces[f->piece].after = b->p->piece_count;
	return rc;
}

static int add_destination(struct build *b, struct forward *f, unsigned i, struct err *err)
{
	struct wire_destination d;
	int rc = build_check_room(b, WIRE_DESTINATION_MAX, err);

	if (rc)
		return rc;
	if (address_to_wire(&b->step->address[i], &d))
		return err_set(err, -EINVAL, "forward to \"%s\": no address that can be sent along",
			       b->step->destination[i]);
	if (f->destinations == WIRE_FAN_OUT)
		return err_set(err, -EINVAL, "a forward has at most %d destinations in all",
			       WIRE_FAN_OUT);
	b->len += wire_put_destination(build_body(b) + b->len, &d);
	return build_add_hop(b, f->tag, f->destinations++, b->step->destination[i], err);
}

/* What a further branch says of the forward as a whole must not contradict what is known. */
int build_merge(struct forward *f, struct program_step *step, struct err *err)
{
	char known[VALUE_TEXT_MAX], said[VALUE_TEXT_MAX];

	f->step->flags |= step->flags;
	for (unsigned which = PARAMETER_TIMEOUT; which < PARAMETERS; which++) {
		if (!program_step_has(step, which))
			continue;
		if (!program_step_has(f->step, which)) {
			f->step->value[which] = step->value[which];
			f->step->given |= 1U << which;
			f->step->has_many |= which == PARAMETER_QUORUM && step->has_many;
			step->given &= ~(1U << which);
			continue;
		}
		value_format(&f->step->value[which], known, sizeof(known));
		value_format(&step->value[which], said, sizeof(said));
		if (strcmp(known, said))
			return err_set(err, -EINVAL,
				       "the branches of one forward say %s=%s and %s=%s: it has "
				       "only one",
				       program_step_form(WIRE_FORWARD_TO, which)->name, known,
				       program_step_form(WIRE_FORWARD_TO, which)->name, said);
	}
	return 0;
}

int build_begin_branch(struct build *b, struct forward *f, struct err *err)
{
	uint32_t at = b->len;
	int rc = build_check_room(b, 4, err);

	if (!rc && b->depth == WIRE_DEPTH)
		rc = err_set(err, -EINVAL,
			     "forwards stand within forwards %d deep, which is too "
			     "much: at most %d",
			     WIRE_DEPTH + 1, WIRE_DEPTH);
	if (rc)
		return rc;
	f->branch_at = at;
	f->branches++;
	f->is_waiting = false;
	b->len += wire_put_branch(build_body(b) + at, 0, b->step->destinations);
	for (unsigned i = 0; i < b->step->destinations && !rc; i++)
		rc = add_destination(b, f, i, err);
	f->program_at = b->len;
	if (!rc)
		rc = build_add_piece(b, PIECE_BRANCH, at, err);
	b->depth++;
	if (b->depth > b->deepest)
		b->deepest = b->depth;
	build_level(b)->operations = 0;
	return rc;
}

int build_begin_forward(struct build *b, struct err *err)
{
	struct forward *f = &build_level(b)->forward;
	const struct wire_forward head = {
		.timeout_us = PROGRAM_TIMEOUT_NS / 1000,
		.tag = b->number,
		.pick = b->step->pick,
	};
	struct program_step *kept = f->step;
	uint32_t at = b->len;
	int rc = build_check_room(b, WIRE_FORWARD, err);

	if (rc)
		return rc;
	/* What the forward before this one no longer needs is where the next text is read. */
	if (kept)
		program_step_finish(kept);
	*f = (struct forward){ .at = at, .tag = b->number, .step = b->step };
	f->piece = b->p->piece_count;
	b->len += wire_put_forward(build_body(b) + at, &head);
	rc = build_add_piece(b, PIECE_FORWARD, at, err);
	if (!rc)
		rc = build_begin_branch(b, f, err);
	b->step = kept;
	return rc;
}

/* The program of a branch has its reply. */
int build_end_branch(struct build *b, struct err *err)
{
	struct forward *f;
	uint32_t len;
	int rc;

	b->depth--;
	f = &build_level(b)->forward;
	len = b->len - f->program_at;
	wire_put16(build_body(b) + f->branch_at, len);
	if (len > f->program_len)
		f->program_len = len;
	rc = build_add_piece(b, PIECE_BRANCH_END, b->len, err);
	f->is_waiting = true;
	return rc || f->step->is_branch ? rc : build_end_forward(b, err);
}
