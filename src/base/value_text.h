/*
 * value_text.h - what the parts of the parser of values (value_text.c) share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BASE_VALUE_TEXT_H
#define RW_BASE_VALUE_TEXT_H

#include "base/units.h"
#include "base/value_law.h"

/* What a number in the text means. */
struct value_reader {
	enum value_kind kind;
	const char *bare_unit; /* NULL: none */
	double one;	       /* a bare unit, in base units */
};

/* The units of a kind; rates are counts here, and written by functions of their own. */
enum unit value_unit(enum value_kind kind);

/* The next of the parameters, which it ends with a NUL; NULL: there is none left. */
char *value_text_next(char **rest);
int value_read_number(const struct value_reader *r, enum value_dimension dimension,
		      const char *text, double *ret, struct err *err);
/* The index of a parameter; -EINVAL: no such, with the nearest. */
int value_read_name(const struct value_law *law, const char *name, struct err *err);

/* One law or constant. The text is cut to pieces. */
int value_read_part(const struct value_reader *r, char *text, struct value_part *ret,
		    struct err *err);
/* What stands behind "mix:" (value_mix.c) and behind "file:" (value_column.c). */
int value_read_mix(const struct value_reader *r, char *text, struct value *v, struct err *err);
int value_read_column(const struct value_reader *r, char *text, struct value *v, struct err *err);

/* One law as text. Returns its length. */
size_t value_format_part(const struct value_part *p, enum value_kind kind, char *buf, size_t size);
size_t value_format_number(enum value_kind kind, enum value_dimension dimension, double x,
			   char *buf, size_t size);

#endif
