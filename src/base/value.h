/*
 * value.h - a number that is drawn anew for each request: constant, law, sequence or CSV column.
 *
 * A draw is a pure function of the value, a key and a request number (base/random.h): it changes
 * nothing, allocates nothing and may be made by any thread, in any order. Laws are drawn by
 * inverting their distribution function within the bounds, so truncation is exact and every draw
 * ends: there is no loop that waits for a lucky number. Sequences and columns are not drawn at
 * all: the number is the index.
 *
 *	10us  const:10us                        always the same
 *	exp:10us  exp:10us:min=1us:max=1ms      a law, its bounds
 *	mix:0.9*exp:10us|0.1*exp:1ms            one of several, by weight
 *	aseq:min=1k:max=5k:step=1k              1k 2k 3k 4k 5k 5k 5k ...
 *	file:trace.csv:col=2:unit=us            a column, from its beginning again at the end
 *
 * Colons and commas both separate parameters. `ringwalk info values` lists every law; it and the
 * parser read the same table (value_law.h). docs/values.md is the page for people.
 *
 * Times, sizes and rates are never negative: a normal law of these kinds is cut off at 0.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BASE_VALUE_H
#define RW_BASE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/random.h"

/* Which units the numbers in the text take; draws are in ns, bytes, plain numbers, 1/s. */
enum value_kind { VALUE_NUMBER, VALUE_TIME, VALUE_SIZE, VALUE_RATE };

#define VALUE_PARTS_MAX 8	/* of a mix */
#define VALUE_ARGS_MAX	7	/* parameters of one law */
#define VALUE_ROWS_MAX	4000000 /* of a column */
#define VALUE_TEXT_MAX	4096	/* canonical texts and their end fit in this */

struct value_law;
struct value_column;

/* One law with its parameters, made ready for drawing. Private to value*.c. */
struct value_part {
	const struct value_law *law;
	double share_end;	    /* of a mix: chance of this part or one before it */
	double a, b, c, d;	    /* the law's parameters, in the form it draws from */
	double start, span;	    /* the part of the probability that lies within the bounds */
	bool is_upper;		    /* and whether it is counted from above */
	uint64_t steps;		    /* of a sequence */
	double low, high;	    /* what can be drawn */
	double mean, log_chance;    /* of a number within the bounds */
	double weight;		    /* of a mix, as given */
	unsigned given;		    /* bit i: arg[i] was in the text, or has a default */
	double arg[VALUE_ARGS_MAX]; /* in the order of the law's table, in base units */
};

/* Fixed size. A copy shares the column of the original and must not outlive it. */
struct value {
	enum value_kind kind;
	unsigned count; /* of parts; more than one: a mix */
	bool is_constant;
	uint64_t steps; /* of a sequence or column */
	double low, high, mean;
	double bounds[2]; /* of a mix as a whole */
	bool is_bounded[2];
	struct value_column *column; /* owned; NULL: none */
	struct value_part parts[VALUE_PARTS_MAX];
};

/*
 * bare_unit: of a number without one ("us", "B"); NULL: a unit is required where the kind has
 * units. With it, k, m and g directly behind a number are powers of ten of that unit, as in
 * DistWalk: with "us", "10m" is 10 s and not ten minutes, of which units.h knows nothing.
 * Reads the file of a column. -EINVAL: refused, with what would be right; -errno of the file.
 * *ret is untouched on failure.
 */
int value_parse(const char *text, enum value_kind kind, const char *bare_unit, struct value *ret,
		struct err *err);
/* Frees the column. Takes a zeroed value, too. */
void value_finish(struct value *v);

bool value_is_constant(const struct value *v);
/* Within value_min() and value_max(); finite, but perhaps above every integer: clamp it. */
double value_draw(const struct value *v, const struct random_key *key, uint64_t number);
/* Exact, bounds included; of a sequence or column: of its steps. Can be INFINITY (Pareto). */
double value_mean(const struct value *v);
/* What can be drawn; the maximum may be INFINITY, the minimum of a plain normal -INFINITY. */
double value_min(const struct value *v);
double value_max(const struct value *v);
/* Of a sequence or column: its length, after which it stays or begins again; else 0. */
uint64_t value_steps(const struct value *v);
/* Of a column: after its last number comes the first. */
bool value_repeats(const struct value *v);
/* Lines of a column's file that held no number and were left out (a header is one); else 0. */
uint64_t value_skipped_lines(const struct value *v);
/* Canonical text: parses back to the same value, with whatever bare_unit. Returns buf. */
const char *value_format(const struct value *v, char *buf, size_t size);

#endif
