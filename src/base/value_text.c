/*
 * value_text.c - the text of a value to a value.
 *
 * The table of laws says which parameters there are; here stand only the rules of the text: parts
 * between colons or commas, "name=number", the first of some laws without its name, none twice,
 * all that are needed. Text behind "mix:" and "file:" has rules of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/value_text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/knob.h"

#define LAWS_MAX 24

enum unit value_unit(enum value_kind kind)
{
	return kind == VALUE_TIME ? UNIT_TIME : kind == VALUE_SIZE ? UNIT_SIZE : UNIT_COUNT;
}

char *value_text_next(char **rest)
{
	char *token = *rest, *end;

	if (!token)
		return NULL;
	end = strpbrk(token, ":,");
	*rest = end ? end + 1 : NULL;
	if (end)
		*end = '\0';
	return token;
}

static int read_quantity(const struct value_reader *r, const char *text, double *ret,
			 struct err *err)
{
	if (r->kind == VALUE_RATE)
		return units_parse_rate(text, ret, err);
	return units_parse_real(value_unit(r->kind), text, r->bare_unit, ret, err);
}

static int read_step(const struct value_reader *r, const char *text, double *ret, struct err *err)
{
	bool is_negative = *text == '-';
	int rc = read_quantity(r, text + is_negative, ret, err);

	if (!rc && is_negative)
		*ret = -*ret;
	return rc;
}

int value_read_number(const struct value_reader *r, enum value_dimension dimension,
		      const char *text, double *ret, struct err *err)
{
	double x;
	int rc;

	if (dimension == VALUE_QUANTITY)
		return read_quantity(r, text, ret, err);
	if (dimension == VALUE_STEP)
		return read_step(r, text, ret, err);
	rc = units_parse_real(UNIT_COUNT, text, NULL, &x, err);
	if (rc)
		return rc;
	if (dimension != VALUE_REAL && x < 0)
		return err_set(err, -EINVAL, "\"%s\" is negative: it starts at 0", text);
	if (dimension == VALUE_WHOLE && x != trunc(x))
		return err_set(err, -EINVAL, "\"%s\" is not a whole number: try %.0f", text, x);
	*ret = x;
	return 0;
}

int value_read_name(const struct value_law *law, const char *name, struct err *err)
{
	const char *names[VALUE_ARGS_MAX + 1] = { 0 }, *near;
	int index = value_law_param(law, name);
	char usage[256];

	if (index >= 0)
		return index;
	for (int i = 0; i < VALUE_ARGS_MAX && law->params[i].dimension; i++)
		names[i] = law->params[i].name;
	near = nearest_word(name, names);
	return err_set(err, -EINVAL, "%s has no \"%s\"%s%s; it is %s", law->name, name,
		       near ? ", perhaps " : "", near ? near : "",
		       value_law_usage(law, usage, sizeof(usage)));
}

static int refuse_law(const char *name, struct err *err)
{
	const char *names[LAWS_MAX + 1] = { 0 }, *near;

	for (int i = 0; i < LAWS_MAX && value_laws[i].name; i++)
		names[i] = value_laws[i].name;
	near = nearest_word(name, names);
	return err_set(err, -EINVAL,
		       "\"%.40s\" is neither a number nor a law%s%s%s; `ringwalk info values` "
		       "lists what there is",
		       name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static bool is_number(const char *text)
{
	return isdigit((unsigned char)*text) || *text == '.' || *text == '-' || *text == '+';
}

static int read_argument(const struct value_reader *r, struct value_part *p, char *token,
			 bool is_first, struct err *err)
{
	char *equals = strchr(token, '='), usage[256];
	const struct value_law *law = p->law;
	int i = 0, rc;

	if (equals)
		*equals = '\0';
	else if (!is_first || !law->is_positional)
		return err_set(err, -EINVAL, "\"%s\" has no name; it is %s", token,
			       value_law_usage(law, usage, sizeof(usage)));
	if (equals)
		i = value_read_name(law, token, err);
	if (i < 0)
		return i;
	if (p->given & 1U << i)
		return err_set(err, -EINVAL, "%s is given twice", law->params[i].name);
	rc = value_read_number(r, law->params[i].dimension, equals ? equals + 1 : token, &p->arg[i],
			       err);
	if (rc && equals)
		err_wrap(err, "%s", law->params[i].name);
	p->given |= 1U << i;
	return rc;
}

/* Everything that was given belongs to this way to write the law, and nothing is missing. */
static bool form_fits(const struct value_part *p, unsigned form)
{
	bool exists = form == VALUE_FIRST;

	for (int i = 0; i < VALUE_ARGS_MAX && p->law->params[i].dimension; i++) {
		const struct value_param *param = &p->law->params[i];
		bool is_given = p->given & 1U << i, is_of_form = param->forms & form;

		exists |= param->forms == form;
		if (is_given ? !is_of_form : is_of_form && !param->is_optional)
			return false;
	}
	return exists;
}

static void fill_defaults(const struct value_reader *r, struct value_part *p, unsigned form)
{
	for (int i = 0; i < VALUE_ARGS_MAX && p->law->params[i].dimension; i++) {
		const struct value_param *param = &p->law->params[i];
		bool is_shape = param->dimension == VALUE_SHAPE;

		if (p->given & 1U << i || !(param->forms & form) || !param->def)
			continue;
		p->arg[i] = param->def * (is_shape ? 1 : r->one);
		p->given |= 1U << i;
	}
}

/* Bounds as given, or those of the kind. */
static int set_bounds(const struct value_reader *r, struct value_part *p, struct err *err)
{
	int min = value_law_param(p->law, "min"), max = value_law_param(p->law, "max");

	p->low = r->kind == VALUE_NUMBER ? -INFINITY : 0;
	p->high = INFINITY;
	if (min >= 0 && p->given & 1U << min)
		p->low = p->arg[min];
	if (max >= 0 && p->given & 1U << max)
		p->high = p->arg[max];
	if (p->low > p->high)
		return err_set(err, -EINVAL, "min is above max: no number is within these bounds");
	return 0;
}

static int finish_part(const struct value_reader *r, struct value_part *p, struct err *err)
{
	unsigned form = form_fits(p, VALUE_FIRST) ? VALUE_FIRST : VALUE_SECOND;
	char usage[256];
	int rc;

	if (!form_fits(p, form))
		return err_set(err, -EINVAL, "too much or too little; it is %s",
			       value_law_usage(p->law, usage, sizeof(usage)));
	fill_defaults(r, p, form);
	rc = set_bounds(r, p, err);
	return rc ? rc : p->law->prepare(p, err);
}

/* The law that the text begins with; *rest: what comes behind its name. */
static const struct value_law *read_law(char *text, char **rest, struct err *err)
{
	const struct value_law *law;

	*rest = text;
	if (is_number(text))
		return value_law_find("const");
	law = value_law_find(value_text_next(rest));
	if (!law)
		refuse_law(text, err);
	return law;
}

int value_read_part(const struct value_reader *r, char *text, struct value_part *ret,
		    struct err *err)
{
	char *rest, *token;
	bool is_first = true;
	int rc = 0;

	*ret = (struct value_part){ .law = read_law(text, &rest, err) };
	if (!ret->law)
		return -EINVAL;
	if (!ret->law->prepare)
		return err_set(err, -EINVAL, "a mix is of laws and constants, not of %s",
			       ret->law->name);
	while (!rc && (token = value_text_next(&rest))) {
		rc = read_argument(r, ret, token, is_first, err);
		is_first = false;
	}
	return rc ? rc : finish_part(r, ret, err);
}

static int read_value(const struct value_reader *r, char *text, struct value *v, struct err *err)
{
	const struct value_part *p = v->parts;
	size_t len = strcspn(text, ":,");
	int rc;

	if (!strncmp(text, "mix", len) && len == 3)
		return value_read_mix(r, text + len + (text[len] != '\0'), v, err);
	if (!strncmp(text, "file", len) && len == 4)
		return value_read_column(r, text + len + (text[len] != '\0'), v, err);
	rc = value_read_part(r, text, v->parts, err);
	if (rc)
		return rc;
	v->count = 1;
	v->steps = p->steps;
	v->low = p->low;
	v->high = p->high;
	v->mean = p->mean;
	return 0;
}

/* A bare unit is the program's own, so it is there. */
static double bare_factor(enum value_kind kind, const char *bare_unit)
{
	double one = 1;

	if (bare_unit && kind != VALUE_RATE)
		units_parse_real(value_unit(kind), "1", bare_unit, &one, NULL);
	return one;
}

int value_parse(const char *text, enum value_kind kind, const char *bare_unit, struct value *ret,
		struct err *err)
{
	struct value_reader r = { kind, bare_unit, bare_factor(kind, bare_unit) };
	struct value v = { .kind = kind };
	char copy[VALUE_TEXT_MAX];
	int rc;

	if (strlen(text) >= sizeof(copy))
		return err_set(err, -EINVAL, "\"%.40s...\" is too long: at most %zu bytes", text,
			       sizeof(copy) - 1);
	strcpy(copy, text);
	rc = read_value(&r, copy, &v, err);
	if (rc && strpbrk(text, ":,"))
		err_wrap(err, "\"%.80s%s\"", text, strlen(text) > 80 ? "..." : "");
	if (rc) {
		value_finish(&v);
		return rc;
	}
	v.is_constant = !v.column && v.low == v.high;
	*ret = v;
	return 0;
}
