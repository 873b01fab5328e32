/*
 * knob_types.c - the kinds of values that only a client has: see knob_types.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/knob_types.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "client/client.h"
#include "client/program_text.h"

/* --wait-spin is --wait=spin under DistWalk's name. */
static int parse_spin(const struct knob *k, const char *text, void *field, struct err *err)
{
	struct knob as_bool = *k;
	bool is_on;
	int rc, spin = WAIT_SPIN;

	as_bool.size = sizeof(is_on);
	rc = knob_bool.parse(&as_bool, text, &is_on, err);
	if (!rc && is_on)
		memcpy(field, &spin, sizeof(spin));
	return rc;
}

static void format_spin(const struct knob *k, const void *field, char *buf, size_t size)
{
	int wait;

	(void)k;
	memcpy(&wait, field, sizeof(wait));
	snprintf(buf, size, "%s", wait == WAIT_SPIN ? "yes" : "no");
}

/* DistWalk's --non-block: how it always is here. */
static int parse_always(const struct knob *k, const char *text, void *field, struct err *err)
{
	bool is_on;
	int rc = knob_bool.parse(k, text, &is_on, err);

	if (!rc && !is_on)
		return err_set(err, -EINVAL, "there is no other way: leave it out");
	if (!rc)
		memcpy(field, &is_on, sizeof(is_on));
	return rc;
}

static void format_always(const struct knob *k, const void *field, char *buf, size_t size)
{
	knob_bool.format(k, field, buf, size);
}

/* The options that append one kind of operation. */
static const struct shorthand {
	const char *option, *operation;
	bool has_quantity; /* that may come without its unit: knob.bare_unit */
	enum unit unit;
} shorthands[] = {
	{ "comp-time", "compute", true, UNIT_TIME },
	{ "sleep", "sleep", true, UNIT_TIME },
	{ "reply", "reply", true, UNIT_SIZE },
	{ "skip", "skip", false, 0 },
};

static const struct shorthand *find_shorthand(const struct knob *k)
{
	const struct shorthand *s = shorthands;

	while (strcmp(s->option, k->name))
		s++;
	return s;
}

/* text, with the unit that belongs to it. */
static int complete(const struct knob *k, const struct shorthand *s, const char *text, char *buf,
		    size_t size, struct err *err)
{
	int64_t value;
	int rc;

	if (!s->has_quantity || !*text) {
		snprintf(buf, size, "%s", text);
		return 0;
	}
	rc = units_parse(s->unit, text, k->bare_unit, &value, err);
	if (!rc)
		units_format(s->unit, value, buf, size);
	return rc;
}

static int append_operation(struct knob_list *list, const char *text, struct err *err)
{
	struct program_step step;
	int rc;

	rc = program_parse_step(text, WIRE_HEAD, &step, err);
	return rc ? rc : knob_list_add(list, text, strlen(text), err);
}

static int parse_shorthand(const struct knob *k, const char *text, void *field, struct err *err)
{
	const struct shorthand *s = find_shorthand(k);
	char argument[128], operation[256];
	int rc = complete(k, s, text, argument, sizeof(argument), err);

	if (rc)
		return rc;
	snprintf(operation, sizeof(operation), "%s%s%s", s->operation, *argument ? " " : "",
		 argument);
	return append_operation(field, operation, err);
}

/* Its own operations only, without their name. */
static void format_shorthand(const struct knob *k, const void *field, char *buf, size_t size)
{
	const struct shorthand *s = find_shorthand(k);
	const struct knob_list *list = field;
	size_t len = 0, name_len = strlen(s->operation);
	const char *text = NULL, *rest;

	*buf = '\0';
	while (len < size && (text = knob_list_next(list, text))) {
		rest = text + name_len;
		if (strncmp(text, s->operation, name_len) || (*rest && *rest != ' '))
			continue;
		len += snprintf(buf + len, size - len, "%s%s", len ? ";" : "",
				rest + (*rest == ' '));
	}
}

/* "compute 10us;reply 64B": whole operations, checked one by one. */
static int parse_program(const struct knob *k, const char *text, void *field, struct err *err)
{
	struct knob_list *list = field;
	char operation[256];
	int was = list->count, rc = 0;

	(void)k;
	while (*text && !rc) {
		size_t len = strcspn(text, ";");

		snprintf(operation, sizeof(operation), "%.*s", (int)len, text);
		rc = append_operation(list, operation, err);
		text += len + (text[len] == ';');
		text += strspn(text, " ");
	}
	if (rc)
		knob_list_cut(list, was);
	return rc;
}

static void format_program(const struct knob *k, const void *field, char *buf, size_t size)
{
	knob_texts.format(k, field, buf, size);
}

const struct knob_type client_spin = { "yes|no", parse_spin, format_spin, .is_flag = true };
const struct knob_type client_always = { "yes", parse_always, format_always, .is_flag = true };
const struct knob_type client_shorthand = { "TEXT", parse_shorthand, format_shorthand,
					    .appends = true };
const struct knob_type client_program = { "OPERATION", parse_program, format_program,
					  .appends = true };
