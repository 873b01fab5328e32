/*
 * value_law.h - the laws that values follow: one table, which the parser, the help and the page of
 * docs/values.md read.
 *
 * A law is its parameters and a few functions. One that is drawn has either the two tails of its
 * distribution function and their inverse (chance, at), or a hazard, which is minus the logarithm
 * of the upper tail, and its inverse: there any bounds can be kept, however improbable, because
 * the tail is never computed. Zipf, the uniform law and constants make themselves ready.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BASE_VALUE_LAW_H
#define RW_BASE_VALUE_LAW_H

#include "base/value.h"

enum value_dimension {
	VALUE_NONE,	/* ends the list */
	VALUE_QUANTITY, /* with the units of the value's kind */
	VALUE_STEP,	/* the same, and may be negative */
	VALUE_SHAPE,	/* a plain number, not negative */
	VALUE_REAL,	/* a plain number */
	VALUE_WHOLE,	/* a plain whole number, not negative */
	VALUE_WORD,	/* text */
};

struct value_param {
	const char *name, *other_name; /* "xavg", "xval" */
	enum value_dimension dimension;
	unsigned forms; /* bit 0: the first way to write the law, bit 1: the second */
	bool is_optional;
	double def; /* 0: none; of quantities: in bare units */
};

enum { VALUE_FIRST = 1, VALUE_SECOND = 2, VALUE_BOTH = 3 };

struct value_law {
	const char *name, *other_name;
	const char *help;
	const char *examples[4];
	bool is_positional; /* the first parameter comes without its name */
	struct value_param params[VALUE_ARGS_MAX];

	/* arg[], given, low and high are filled in: checks them, sets what the rest needs. */
	int (*prepare)(struct value_part *p, struct err *err);
	double (*draw)(const struct value_part *p, double u);
	/* Of sequences, instead of draw(). */
	double (*step)(const struct value_part *p, uint64_t number);

	double support_low;
	/* NULL: closed only without bounds, where prepare() sets it; else integrated. */
	double (*mean)(const struct value_part *p);
	double (*chance)(const struct value_part *p, double x, bool is_upper);
	double (*at)(const struct value_part *p, double chance, bool is_upper);
	double (*hazard)(const struct value_part *p, double x);
	double (*at_hazard)(const struct value_part *p, double hazard);
};

/* Ends with a law without a name. */
extern const struct value_law value_laws[];
/* By either of its names; NULL: none. */
const struct value_law *value_law_find(const char *name);
/* The index of a parameter by either of its names, -1: none. */
int value_law_param(const struct value_law *law, const char *name);
/* How it is written: "exp:AVG[:min=MIN][:max=MAX]". form: bit as in forms. False: no such form. */
bool value_law_write(const struct value_law *law, unsigned form, char *buf, size_t size);
/* "exp:AVG[:min=MIN][:max=MAX]", "gamma:...  or  gamma:...". Returns buf. */
const char *value_law_usage(const struct value_law *law, char *buf, size_t size);

/* Laws with a distribution function: bounds, mean and draws. value_bound.c */
int value_bound_prepare(struct value_part *p, struct err *err);
double value_bound_draw(const struct value_part *p, double u);
double value_hazard_draw(const struct value_part *p, double u);

/* value_zipf.c */
int value_zipf_prepare(struct value_part *p, struct err *err);
double value_zipf_draw(const struct value_part *p, double u);

/* value_sequence.c */
int value_arithmetic_prepare(struct value_part *p, struct err *err);
double value_arithmetic_step(const struct value_part *p, uint64_t number);
int value_geometric_prepare(struct value_part *p, struct err *err);
double value_geometric_step(const struct value_part *p, uint64_t number);

#endif
