/*
 * program_step.h - one operation of a program: its text taken apart and checked.
 *
 * What there is to say about an operation's form stands in the table of program_forms.c: its
 * parameters, their limits and where they lie on the wire. program_build.c turns steps into bytes,
 * program_format.c turns them back into text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_PROGRAM_STEP_H
#define RW_CLIENT_PROGRAM_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/value.h"
#include "engine/address.h"
#include "engine/wire.h"

#define PROGRAM_STEP_SKIP  WIRE_CODES
#define PROGRAM_STEP_CODES (WIRE_CODES + 1)

/* Of one operation: 64 destinations of 107 bytes still fit. */
#define PROGRAM_TEXT_MAX 8192

/* A forward that says nothing of it is given up so long after it was sent, as in DistWalk. */
#define PROGRAM_TIMEOUT_NS (10LL * 1000000000)
/* And its message has so many bytes, or what its program needs. */
#define PROGRAM_FORWARD_SIZE 512

/* What can be drawn. The numbers name random streams: another order is another run. */
enum program_parameter {
	PARAMETER_CHANCE = 1, /* of a skip */
	PARAMETER_AMOUNT,     /* time, size or count */
	PARAMETER_OFFSET,
	PARAMETER_DEVICE,
	PARAMETER_TIMEOUT,
	PARAMETER_MESSAGE, /* size of a forward */
	PARAMETER_RETRIES,
	PARAMETER_QUORUM,
	PARAMETERS,
};

struct program_parameter_form {
	const char *name, *other_name; /* as in name=VALUE; NULL: none */
	const char *noun;	       /* for refusals: "a reply" */
	enum program_parameter parameter;
	enum value_kind kind;
	double least, most; /* in base units */
	uint8_t at, width;  /* where it lies in its operation, in bytes; width 0: nowhere */
	uint16_t unit;	    /* base units in one of the field's */
};

struct program_step {
	uint8_t code; /* enum wire_code, or PROGRAM_STEP_SKIP */
	uint8_t flags;
	unsigned given; /* bit by enum program_parameter: it is in value[] */
	struct value value[PARAMETERS];

	bool is_sequential; /* load, store: said so, in words */

	uint8_t pick; /* forward: enum wire_pick */
	bool is_branch;
	bool has_many; /* the quorum was given as nack=: more than there are means all */
	unsigned destinations;
	struct address address[WIRE_FAN_OUT];
	const char *destination[WIRE_FAN_OUT]; /* as written; in text[] */

	double probability; /* skip */
	uint64_t every;

	char text[PROGRAM_TEXT_MAX]; /* taken apart */
};

/*
 * "compute 10us". has_bare_units: a time without a unit is in us and a size in bytes, as in
 * DistWalk; else such a number is refused. Looks up the names of destinations. -EINVAL: refused
 * with a sentence that says what would be right; nothing is left to finish then.
 */
int program_step_parse(const char *text, bool has_bare_units, struct program_step *ret,
		       struct err *err);
/* Frees what values own; takes a zeroed step, too. */
void program_step_finish(struct program_step *step);

static inline bool program_step_has(const struct program_step *step, enum program_parameter which)
{
	return step->given & 1U << which;
}

/* NULL: no such parameter of this operation. */
const struct program_parameter_form *program_step_form(unsigned code, enum program_parameter which);
const char *program_step_name(unsigned code, unsigned flags); /* "compute:cpu" */
extern const char *const program_pick_names[];

/* program_format.c: a step's text with every unit; parses back to the same. Returns buf. */
const char *program_step_format(const struct program_step *step, char *buf, size_t size);

#endif
