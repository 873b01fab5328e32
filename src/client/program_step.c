/*
 * program_step.c - see program_step.h.
 *
 * The operations themselves are a table in program_forms.c.
 *
 * An operation's argument is words with commas between them. A word is a parameter (size=4KiB, or
 * the value alone), a flag (sync), or a forward's destination. Values have commas of their own
 * (exp:10us,max=1ms): a word with an equals sign that is none of the operation's belongs to the
 * value before it, and whoever wants to be sure writes size=[exp:10us,max=1ms].
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/program_step.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/knob.h"
#include "base/units.h"
#include "client/program_forms.h"

static const char *amount_text(enum value_kind kind, double amount, char *buf, size_t size)
{
	if (kind == VALUE_TIME)
		return units_format(UNIT_TIME, (int64_t)amount, buf, size);
	if (kind == VALUE_SIZE)
		return units_format(UNIT_SIZE, (int64_t)amount, buf, size);
	snprintf(buf, size, "%.0f", amount);
	return buf;
}

/* Half a byte is a slip of the pen; what a law draws is rounded. */
static bool is_fraction(const struct value *v)
{
	double amount = value_min(v);

	return value_is_constant(v) && fabs(amount - round(amount)) > 1e-6 * fmax(1, fabs(amount));
}

/* What can be drawn must be allowed; where a law has no end, what is above is cut and counted. */
static int check_limits(const struct program_parameter_form *form, const char *text,
			const struct value *v, struct err *err)
{
	double low = round(value_min(v)), high = round(value_max(v));
	bool is_low = low < form->least;
	char limit[32];

	if (is_fraction(v))
		return err_set(err, -EINVAL, "\"%s\" is no whole number%s", text,
			       form->kind == VALUE_TIME	  ? " of ns"
			       : form->kind == VALUE_SIZE ? " of bytes"
							  : "");
	if (!is_low && (high <= form->most || isinf(high)))
		return 0;
	amount_text(form->kind, is_low ? form->least : form->most, limit, sizeof(limit));
	if (value_is_constant(v))
		return err_set(err, -EINVAL, "\"%s\": %s is at %s %s", text, form->noun,
			       is_low ? "least" : "most", limit);
	return err_set(err, -EINVAL,
		       "\"%s\" draws values that are too %s: %s is at %s %s; add %s=%s", text,
		       is_low ? "small" : "large", form->noun, is_low ? "least" : "most", limit,
		       is_low ? "min" : "max", limit);
}

/* What is being read. */
struct reading {
	const struct program_operation *operation;
	struct program_step *step;
	bool has_bare_units;
	const struct program_parameter_form *form; /* whose value may still go on */
	char *value;
};

static const char *bare_unit(const struct reading *r, enum value_kind kind)
{
	if (!r->has_bare_units)
		return NULL;
	return kind == VALUE_TIME ? "us" : kind == VALUE_SIZE ? "B" : NULL;
}

/* "[text]" without its brackets. */
static char *unpack(char *text)
{
	size_t len = strlen(text);

	if (len < 2 || text[0] != '[' || text[len - 1] != ']')
		return text;
	text[len - 1] = '\0';
	return text + 1;
}

/* What an operation takes by name. */
static void list_names(const struct program_operation *o, const char **names, size_t size)
{
	const struct program_parameter_form *form = o->forms;
	size_t count = 0;

	for (; form && form->parameter && count < size - 1; form++)
		if (form->name)
			names[count++] = form->name;
	for (const struct program_flag_word *w = o->words; w && w->name && count < size - 1; w++)
		names[count++] = w->name;
	for (const struct program_fixed_word *w = o->fixed; w && w->name && count < size - 1; w++)
		names[count++] = w->name;
	names[count] = NULL;
}

static int refuse_word(const struct reading *r, const char *word, struct err *err)
{
	const char *names[16], *near;
	char name[32];

	list_names(r->operation, names, sizeof(names) / sizeof(*names));
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	near = *name ? nearest_word(name, names) : NULL;
	return err_set(err, -EINVAL, "\"%s\" is not understood%s%s%s %s takes %s", word,
		       near ? "; did you mean " : "", near ? near : "", near ? "?" : ";",
		       r->operation->name, r->operation->usage);
}

/* The value that began some words ago is complete. */
static int end_value(struct reading *r, struct err *err)
{
	const struct program_parameter_form *form = r->form;
	struct program_step *step = r->step;
	struct value v;
	bool is_second;
	char *text;
	int rc;

	if (!form)
		return 0;
	r->form = NULL;
	text = unpack(r->value);
	if (form->parameter == PARAMETER_OFFSET &&
	    (!strcmp(text, "sequential") || !strcmp(text, "-1"))) {
		step->is_sequential = true;
		return 0;
	}
	is_second = program_step_has(step, form->parameter);
	rc = value_parse(text, form->kind, bare_unit(r, form->kind), &v, is_second ? NULL : err);
	if (rc)
		return is_second ? refuse_word(r, text, err) : rc;
	if (is_second)
		rc = err_set(err, -EINVAL, "\"%s\": %s was given before", text, form->noun);
	else
		rc = check_limits(form, text, &v, err);
	if (rc) {
		value_finish(&v);
		return rc;
	}
	step->value[form->parameter] = v;
	step->given |= 1U << form->parameter;
	return 0;
}

/* What stands behind "name=", or NULL. */
static char *after_name(char *word, const char *name)
{
	size_t len = name ? strlen(name) : 0;

	return len && !strncmp(word, name, len) && word[len] == '=' ? word + len + 1 : NULL;
}

/* The parameter this word begins, with *ret its value. */
static const struct program_parameter_form *find_parameter(const struct reading *r, char *word,
							   char **ret)
{
	const struct program_parameter_form *form = r->operation->forms;

	for (; form && form->parameter; form++) {
		*ret = after_name(word, form->name);
		if (!*ret)
			*ret = after_name(word, form->other_name);
		if (*ret)
			return form;
	}
	return NULL;
}

/* 0: it is none of these; 1: taken; or refused. */
static int take_flag(struct reading *r, const char *word, struct err *err)
{
	const struct program_flag_word *w = r->operation->words;
	int rc;

	for (; w && w->name; w++) {
		if (strcmp(w->name, word))
			continue;
		rc = end_value(r, err);
		r->step->flags = w->flags;
		return rc ? rc : 1;
	}
	if (r->operation->code != WIRE_FORWARD_TO || strcmp(word, "branch"))
		return 0;
	rc = end_value(r, err);
	r->step->is_branch = true;
	return rc ? rc : 1;
}

static int take_fixed(struct reading *r, char *word, struct err *err)
{
	const struct program_fixed_word *w = r->operation->fixed;
	int rc;

	for (; w && w->name; w++) {
		const char *text = after_name(word, w->name);

		if (!text)
			continue;
		rc = end_value(r, err);
		if (!rc)
			rc = w->take(text, r->step, err);
		return rc ? rc : 1;
	}
	return 0;
}

static int take_destination(struct reading *r, const char *word, struct err *err)
{
	struct program_step *step = r->step;
	int rc = end_value(r, err);

	if (rc)
		return rc;
	if (step->destinations == WIRE_FAN_OUT)
		return err_set(err, -EINVAL, "\"%s\" is one destination too many: at most %d", word,
			       WIRE_FAN_OUT);
	rc = address_parse(word, &step->address[step->destinations], err);
	if (!rc)
		step->destination[step->destinations++] = word;
	return rc;
}

static int take_word_of(struct reading *r, char *word, struct err *err)
{
	const struct program_parameter_form *form;
	char *value;
	int rc = take_flag(r, word, err);

	if (!rc)
		rc = take_fixed(r, word, err);
	if (rc)
		return rc < 0 ? rc : 0;
	form = find_parameter(r, word, &value);
	if (!form && strchr(word, '=') && r->form) {
		word[-1] = ','; /* the value before it goes on */
		return 0;
	}
	if (!form && r->operation->code == WIRE_FORWARD_TO && *word && !strchr(word, '='))
		return take_destination(r, word, err);
	if (!form && r->operation->has_position && *word) {
		form = r->operation->forms;
		value = word;
	}
	if (!form)
		return refuse_word(r, word, err);
	rc = end_value(r, err);
	r->form = form;
	r->value = value;
	if (form->parameter == PARAMETER_QUORUM)
		r->step->has_many = !strncmp(word, "nack", 4);
	return rc;
}

/* Cuts off and returns the first word; *rest becomes NULL behind the last. */
static char *next_word(char **rest)
{
	char *word = *rest, *end = word;
	unsigned depth = 0;

	for (; *end && (depth || *end != ','); end++) {
		depth += *end == '[';
		depth -= depth && *end == ']';
	}
	*rest = *end ? end + 1 : NULL;
	*end = '\0';
	return word;
}

/* Copies without the blanks at the ends and beside commas. */
static void squeeze(const char *text, char *to)
{
	const char *start = to;

	for (; *text; text++) {
		size_t blanks = strspn(text, " \t");
		bool is_edge = to == start || to[-1] == ',' || !text[blanks] || text[blanks] == ',';

		if (blanks && is_edge)
			text += blanks - 1;
		else
			*to++ = *text;
	}
	*to = '\0';
}

static int check_step(const struct reading *r, struct err *err)
{
	const struct program_step *step = r->step;

	if (r->operation->is_needed && !program_step_has(step, PARAMETER_AMOUNT))
		return err_set(err, -EINVAL, "needs %s", r->operation->usage);
	if (step->code != WIRE_FORWARD_TO)
		return 0;
	if (!step->destinations)
		return err_set(err, -EINVAL, "needs %s", r->operation->usage);
	if (step->pick != PICK_ALL && step->is_branch)
		return err_set(err, -EINVAL,
			       "pick=%s sends to one destination, branch to all; leave one out",
			       program_pick_names[step->pick]);
	if (step->pick != PICK_ALL && program_step_has(step, PARAMETER_QUORUM) &&
	    value_max(&step->value[PARAMETER_QUORUM]) > 1)
		return err_set(err, -EINVAL,
			       "pick=%s waits for one answer; a quorum above 1 is out of reach",
			       program_pick_names[step->pick]);
	return 0;
}

static int read_words(struct reading *r, const char *argument, struct err *err)
{
	char *rest = r->step->text, *word;
	int rc = 0;

	squeeze(argument, rest);
	while (!rc && rest && *r->step->text) {
		word = next_word(&rest);
		rc = take_word_of(r, word, err);
	}
	if (!rc)
		rc = end_value(r, err);
	return rc ? rc : check_step(r, err);
}

static int read_step(const char *text, bool has_bare_units, struct program_step *ret,
		     struct err *err)
{
	size_t len = strcspn(text, " \t");
	struct reading r = { .step = ret, .has_bare_units = has_bare_units };
	char name[32];

	snprintf(name, sizeof(name), "%.*s", (int)len, text);
	r.operation = program_find_operation(name, err);
	if (!r.operation)
		return -EINVAL;
	if (strlen(text) >= PROGRAM_TEXT_MAX)
		return err_set(err, -EINVAL, "longer than %d bytes", PROGRAM_TEXT_MAX - 1);
	ret->code = r.operation->code;
	ret->flags = r.operation->flags;
	ret->probability = 1;
	ret->every = 1;
	return read_words(&r, text + len, err);
}

int program_step_parse(const char *text, bool has_bare_units, struct program_step *ret,
		       struct err *err)
{
	int rc;

	memset(ret, 0, sizeof(*ret));
	text += strspn(text, " \t");
	rc = read_step(text, has_bare_units, ret, err);
	if (!rc)
		return 0;
	program_step_finish(ret);
	err_wrap(err, "operation \"%.60s%s\"", text, strlen(text) > 60 ? "..." : "");
	return rc;
}

void program_step_finish(struct program_step *step)
{
	for (unsigned i = 0; i < PARAMETERS; i++)
		if (program_step_has(step, i))
			value_finish(&step->value[i]);
	step->given = 0;
}
