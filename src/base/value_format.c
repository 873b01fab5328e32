/*
 * value_format.c - values and laws as text: canonical, so that it reads back the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/value_column.h"
#include "base/value_text.h"

const struct value_law *value_law_find(const char *name)
{
	for (const struct value_law *law = value_laws; law->name; law++)
		if (!strcmp(law->name, name) || (law->other_name && !strcmp(law->other_name, name)))
			return law;
	return NULL;
}

int value_law_param(const struct value_law *law, const char *name)
{
	for (int i = 0; i < VALUE_ARGS_MAX && law->params[i].dimension; i++) {
		const struct value_param *p = &law->params[i];

		if (!strcmp(p->name, name) || (p->other_name && !strcmp(p->other_name, name)))
			return i;
	}
	return -1;
}

/* Whether a parameter is in the text of this form, and a form of its own when there are two. */
static bool has_form(const struct value_law *law, unsigned form)
{
	if (form == VALUE_FIRST)
		return true;
	for (int i = 0; i < VALUE_ARGS_MAX && law->params[i].dimension; i++)
		if (law->params[i].forms == form)
			return true;
	return false;
}

/* What stands for the value of a parameter: its name in capitals. */
static void capitals(const char *name, char *buf, size_t size)
{
	size_t i = 0;

	for (; name[i] && i + 1 < size; i++)
		buf[i] = (char)toupper((unsigned char)name[i]);
	buf[i] = '\0';
}

bool value_law_write(const struct value_law *law, unsigned form, char *buf, size_t size)
{
	char value[16];
	size_t len = snprintf(buf, size, "%s", law->name);

	if (!has_form(law, form))
		return false;
	for (int i = 0; i < VALUE_ARGS_MAX && law->params[i].dimension && len < size; i++) {
		const struct value_param *p = &law->params[i];
		bool is_bare = law->is_positional && !i;

		if (!(p->forms & form))
			continue;
		capitals(p->name, value, sizeof(value));
		len += snprintf(buf + len, size - len, "%s:%s%s%s%s", p->is_optional ? "[" : "",
				is_bare ? "" : p->name, is_bare ? "" : "=", value,
				p->is_optional ? "]" : "");
	}
	if (law == value_law_find("mix") && len < size)
		snprintf(buf + len, size - len, ":WEIGHT*LAW|WEIGHT*LAW...");
	return true;
}

const char *value_law_usage(const struct value_law *law, char *buf, size_t size)
{
	char second[256];

	value_law_write(law, VALUE_FIRST, buf, size);
	if (value_law_write(law, VALUE_SECOND, second, sizeof(second)))
		snprintf(buf + strlen(buf), size - strlen(buf), " or %s", second);
	return buf;
}

size_t value_format_number(enum value_kind kind, enum value_dimension dimension, double x,
			   char *buf, size_t size)
{
	bool is_rate =
		kind == VALUE_RATE && (dimension == VALUE_QUANTITY || dimension == VALUE_STEP);

	if (is_rate && x < 0) {
		snprintf(buf, size, "-");
		units_format_rate(-x, buf + 1, size - 1);
	} else if (is_rate) {
		units_format_rate(x, buf, size);
	} else if (dimension == VALUE_STEP && x < 0) {
		snprintf(buf, size, "-");
		units_format_real(value_unit(kind), -x, buf + 1, size - 1);
	} else if (dimension == VALUE_QUANTITY || dimension == VALUE_STEP) {
		units_format_real(value_unit(kind), x, buf, size);
	} else {
		units_format_real(UNIT_COUNT, x, buf, size);
	}
	return strlen(buf);
}

size_t value_format_part(const struct value_part *p, enum value_kind kind, char *buf, size_t size)
{
	bool is_constant = p->law == value_law_find("const");
	size_t len = 0;

	if (!is_constant)
		len = snprintf(buf, size, "%s", p->law->name);
	for (int i = 0; i < VALUE_ARGS_MAX && len < size; i++) {
		const struct value_param *param = &p->law->params[i];
		bool is_bare = p->law->is_positional && !i;

		if (!(p->given & 1U << i))
			continue;
		if (!is_constant)
			len += snprintf(buf + len, size - len, ":%s%s", is_bare ? "" : param->name,
					is_bare ? "" : "=");
		if (len < size)
			len += value_format_number(kind, param->dimension, p->arg[i], buf + len,
						   size - len);
	}
	return len;
}

static void format_mix(const struct value *v, char *buf, size_t size)
{
	static const char *const names[] = { "min", "max" };
	char number[64], part[512];
	size_t len = snprintf(buf, size, "mix:");

	for (int i = 0; i < 2 && len < size; i++) {
		if (!v->is_bounded[i])
			continue;
		value_format_number(v->kind, VALUE_QUANTITY, v->bounds[i], number, sizeof(number));
		len += snprintf(buf + len, size - len, "%s=%s:", names[i], number);
	}
	for (unsigned i = 0; i < v->count && len < size; i++) {
		value_format_number(v->kind, VALUE_SHAPE, v->parts[i].weight, number,
				    sizeof(number));
		value_format_part(&v->parts[i], v->kind, part, sizeof(part));
		len += snprintf(buf + len, size - len, "%s%s*%s", i ? "|" : "", number, part);
	}
}

const char *value_format(const struct value *v, char *buf, size_t size)
{
	if (v->column)
		value_column_format(v->column, buf, size);
	else if (v->count > 1 || v->is_bounded[0] || v->is_bounded[1])
		format_mix(v, buf, size);
	else
		value_format_part(v->parts, v->kind, buf, size);
	return buf;
}
