/*
 * knob_program.c - the options that say what each request asks for: see knob_types.h.
 *
 * What is kept is the operation's canonical text, with every unit, so that it means the same
 * wherever it is read again: in an experiment, in a result, by another client.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/knob_types.h"
#include "client/program_step.h"
#include "client/program_text.h"

/* An operation's text, and room for what an option adds to it. */
#define TEXT_MAX (PROGRAM_TEXT_MAX + 256)

#define REQUEST_MAX 0x1p30
#define OFFSET_MAX  0x1p62

/* The options that append one kind of operation. */
static const struct shorthand {
	const char *option, *operation;
	size_t offset; /* of the text in client_opts with the offset it takes; 0: none */
} shorthands[] = {
	{ "comp-time", "compute", 0 },
	{ "sleep", "sleep", 0 },
	{ "store-data", "store", offsetof(struct client_opts, store_offset) },
	{ "load-data", "load", offsetof(struct client_opts, load_offset) },
	{ "forward", "forward", 0 },
	{ "reply", "reply", 0 },
	{ "skip", "skip", 0 },
};

static const struct shorthand *find_shorthand(const struct knob *k)
{
	const struct shorthand *s = shorthands;

	while (strcmp(s->option, k->name))
		s++;
	return s;
}

/* Adds the operation as it was understood. */
static int append(struct knob_list *list, const char *text, const char *default_offset,
		  struct err *err)
{
	struct program_step step;
	char canonical[TEXT_MAX + 2 * VALUE_TEXT_MAX], whole[TEXT_MAX + 160];
	int rc = program_step_parse(text, true, &step, err);

	if (rc)
		return rc;
	if (default_offset && !program_step_has(&step, PARAMETER_OFFSET) && !step.is_sequential) {
		snprintf(whole, sizeof(whole), "%s,offset=[%s]", text, default_offset);
		program_step_finish(&step);
		rc = program_step_parse(whole, true, &step, err);
	}
	if (rc)
		return rc;
	program_step_format(&step, canonical, sizeof(canonical));
	program_step_finish(&step);
	return knob_list_add(list, canonical, strlen(canonical), err);
}

static int parse_shorthand(const struct knob *k, const char *text, void *field, struct err *err)
{
	const struct shorthand *s = find_shorthand(k);
	const char *opts = (const char *)field - k->offset;
	const char *offset = s->offset ? opts + s->offset : "";
	char operation[TEXT_MAX];

	if (strlen(text) >= PROGRAM_TEXT_MAX - 32)
		return err_set(err, -EINVAL, "\"%.40s...\" is too long", text);
	snprintf(operation, sizeof(operation), "%s%s%s", s->operation, *text ? " " : "", text);
	return append(field, operation, *offset && strcmp(offset, "sequential") ? offset : NULL,
		      err);
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

/* One operation of several; kept as it was typed. */
static int append_typed(struct knob_list *list, const char *text, size_t len, struct err *err)
{
	struct program_step step;
	char operation[PROGRAM_TEXT_MAX];
	int rc;

	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	if (len >= sizeof(operation))
		return err_set(err, -EINVAL, "\"%.40s...\" is too long", text);
	snprintf(operation, sizeof(operation), "%.*s", (int)len, text);
	rc = program_step_parse(operation, false, &step, err);
	if (rc)
		return rc;
	program_step_finish(&step);
	return knob_list_add(list, operation, len, err);
}

/* "compute 10us;reply 64B": whole operations, checked one by one. */
static int parse_program(const struct knob *k, const char *text, void *field, struct err *err)
{
	struct knob_list *list = field;
	int was = list->count, rc = 0;

	(void)k;
	text += strspn(text, " \t");
	while (*text && !rc) {
		size_t len = strcspn(text, ";");

		rc = append_typed(list, text, len, err);
		text += len + (text[len] == ';');
		text += strspn(text, " \t");
	}
	if (rc)
		knob_list_cut(list, was);
	return rc;
}

static void format_program(const struct knob *k, const void *field, char *buf, size_t size)
{
	knob_texts.format(k, field, buf, size);
}

static int check_range(const char *text, const struct value *v, double least, double most,
		       struct err *err)
{
	double low = round(value_min(v)), high = round(value_max(v));

	if (low < least)
		return err_set(err, -EINVAL, "\"%s\" is too small: at least %.0fB", text, least);
	if (high > most && !isinf(high))
		return err_set(err, -EINVAL, "\"%s\" is too large: at most %.0fB", text, most);
	return 0;
}

/* A size as text, with every unit. */
static int parse_size(const struct knob *k, const char *text, void *field, double least,
		      double most, struct err *err)
{
	char canonical[VALUE_TEXT_MAX];
	struct value v;
	int rc = value_parse(text, VALUE_SIZE, k->bare_unit, &v, err);

	if (rc)
		return rc;
	rc = check_range(text, &v, least, most, err);
	value_format(&v, canonical, sizeof(canonical));
	value_finish(&v);
	return rc ? rc : knob_text.parse(k, canonical, field, err);
}

static int parse_request_size(const struct knob *k, const char *text, void *field, struct err *err)
{
	if (!strcmp(text, "auto"))
		return knob_text.parse(k, text, field, err);
	return parse_size(k, text, field, WIRE_HEAD, REQUEST_MAX, err);
}

static int parse_offset(const struct knob *k, const char *text, void *field, struct err *err)
{
	if (!strcmp(text, "-1") || !strcmp(text, "sequential"))
		return knob_text.parse(k, "sequential", field, err);
	return parse_size(k, text, field, 0, OFFSET_MAX, err);
}

static void format_size(const struct knob *k, const void *field, char *buf, size_t size)
{
	knob_text.format(k, field, buf, size);
}

const struct knob_type client_shorthand = { "TEXT", parse_shorthand, format_shorthand,
					    .appends = true };
const struct knob_type client_program = { "OPERATION", parse_program, format_program,
					  .appends = true };
const struct knob_type client_request_size = { "SIZE", parse_request_size, format_size };
const struct knob_type client_offset = { "SIZE", parse_offset, format_size };
