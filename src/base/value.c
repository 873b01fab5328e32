/*
 * value.c - drawing, and what is known of a value; see value.h.
 *
 * The laws are in value_laws.c, bounds in value_bound.c, text in value_text.c, mixes in
 * value_mix.c, columns in value_column.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/value.h"

#include "base/value_column.h"
#include "base/value_law.h"

/* As random_unit() does it. */
static double unit_of(const uint32_t x[2])
{
	uint64_t bits = (uint64_t)x[1] << 32 | x[0];

	return ((double)(bits >> 12) + 0.5) * 0x1p-52;
}

double value_draw(const struct value *v, const struct random_key *key, uint64_t number)
{
	const struct value_part *p = v->parts;
	uint32_t x[4];

	if (v->is_constant)
		return v->low;
	if (v->column)
		return v->column->rows[number % v->column->count];
	if (v->steps)
		return p->law->step(p, number);
	random_block(key, number, x);
	if (v->count > 1) {
		/* The other half of the block chooses. */
		double choice = unit_of(x + 2);

		while (choice >= p->share_end)
			p++;
	}
	return p->law->draw(p, unit_of(x));
}

void value_finish(struct value *v)
{
	value_column_destroy(v->column);
	v->column = NULL;
}

bool value_is_constant(const struct value *v)
{
	return v->is_constant;
}

double value_mean(const struct value *v)
{
	return v->mean;
}

double value_min(const struct value *v)
{
	return v->low;
}

double value_max(const struct value *v)
{
	return v->high;
}

uint64_t value_steps(const struct value *v)
{
	return v->steps;
}

bool value_repeats(const struct value *v)
{
	return v->column;
}

uint64_t value_skipped_lines(const struct value *v)
{
	return v->column ? v->column->skipped : 0;
}
