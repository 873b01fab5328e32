/*
 * knob.c - one knob: text to field and back, defaults, comparison.
 *
 * A type is two functions. A new type goes into the file that needs it, not here, unless several
 * folders would use it. Every parse() leaves the field alone when it refuses. Read knob_set.c
 * next for what a command line does with knobs, knob_help.c for what is printed of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/knob.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"

/* Below and above as the kind of quantity writes them. */
static int check_bounds(const struct knob *k, enum unit unit, int64_t value, const char *text,
			struct err *err)
{
	char limit[32];

	if (!k->min && !k->max)
		return 0;
	if (value < k->min)
		return err_set(err, -EINVAL, "\"%s\" is too small: at least %s", text,
			       units_format(unit, k->min, limit, sizeof(limit)));
	if (k->max >= k->min && value > k->max)
		return err_set(err, -EINVAL, "\"%s\" is too large: at most %s", text,
			       units_format(unit, k->max, limit, sizeof(limit)));
	return 0;
}

static int parse_quantity(const struct knob *k, enum unit unit, const char *text, void *field,
			  struct err *err)
{
	int64_t value;
	int rc;

	assert(k->size == sizeof(value));
	rc = units_parse(unit, text, k->bare_unit, &value, err);
	if (!rc)
		rc = check_bounds(k, unit, value, text, err);
	if (!rc)
		memcpy(field, &value, sizeof(value));
	return rc;
}

static void format_quantity(enum unit unit, const void *field, char *buf, size_t size)
{
	int64_t value;

	memcpy(&value, field, sizeof(value));
	units_format(unit, value, buf, size);
}

static int parse_int(const struct knob *k, const char *text, void *field, struct err *err)
{
	return parse_quantity(k, UNIT_COUNT, text, field, err);
}

static void format_int(const struct knob *k, const void *field, char *buf, size_t size)
{
	format_quantity(UNIT_COUNT, field, buf, size);
}

static int parse_time(const struct knob *k, const char *text, void *field, struct err *err)
{
	return parse_quantity(k, UNIT_TIME, text, field, err);
}

static void format_time(const struct knob *k, const void *field, char *buf, size_t size)
{
	format_quantity(UNIT_TIME, field, buf, size);
}

static int parse_size(const struct knob *k, const char *text, void *field, struct err *err)
{
	return parse_quantity(k, UNIT_SIZE, text, field, err);
}

static void format_size(const struct knob *k, const void *field, char *buf, size_t size)
{
	format_quantity(UNIT_SIZE, field, buf, size);
}

static int parse_rate(const struct knob *k, const char *text, void *field, struct err *err)
{
	double per_s;
	int rc;

	assert(k->size == sizeof(per_s));
	rc = units_parse_rate(text, &per_s, err);
	/* Bounds are whole numbers, so the whole part decides, rounded away from the bound. */
	if (!rc && per_s < (double)k->min)
		rc = check_bounds(k, UNIT_COUNT, k->min - 1, text, err);
	if (!rc && per_s > (double)k->max)
		rc = check_bounds(k, UNIT_COUNT, k->max + 1, text, err);
	if (!rc)
		memcpy(field, &per_s, sizeof(per_s));
	return rc;
}

static void format_rate(const struct knob *k, const void *field, char *buf, size_t size)
{
	double per_s;

	memcpy(&per_s, field, sizeof(per_s));
	units_format_rate(per_s, buf, size);
}

static int parse_ratio(const struct knob *k, const char *text, void *field, struct err *err)
{
	assert(k->size == sizeof(double));
	return units_parse_share(text, field, err);
}

static void format_ratio(const struct knob *k, const void *field, char *buf, size_t size)
{
	double share;

	memcpy(&share, field, sizeof(share));
	units_format_share(share, buf, size);
}

/* Joins a NULL-terminated list with commas, cut to the buffer. */
static const char *join(const char *const *list, char *buf, size_t size)
{
	size_t len = 0;

	*buf = '\0';
	for (; *list && len < size; list++)
		len += snprintf(buf + len, size - len, "%s%s", len ? ", " : "", *list);
	return buf;
}

static int parse_enum(const struct knob *k, const char *text, void *field, struct err *err)
{
	const char *near;
	char all[256];
	int i;

	assert(k->size == sizeof(i));
	for (i = 0; k->choices[i]; i++) {
		if (!strcmp(k->choices[i], text)) {
			memcpy(field, &i, sizeof(i));
			return 0;
		}
	}
	near = nearest_word(text, k->choices);
	return err_set(err, -EINVAL, "\"%s\" is not one of %s%s%s%s", text,
		       join(k->choices, all, sizeof(all)), near ? "; did you mean " : "",
		       near ? near : "", near ? "?" : "");
}

/* A value that is no choice (read back from a kernel that knows more) is shown as its number. */
static void format_enum(const struct knob *k, const void *field, char *buf, size_t size)
{
	int value, i;

	memcpy(&value, field, sizeof(value));
	for (i = 0; k->choices[i]; i++) {
		if (i == value) {
			snprintf(buf, size, "%s", k->choices[i]);
			return;
		}
	}
	snprintf(buf, size, "%d", value);
}

/* Pairs: no, yes. */
static const char *const bool_words[] = { "no", "yes", "off", "on", "false", "true", "0", "1" };

static int parse_bool(const struct knob *k, const char *text, void *field, struct err *err)
{
	bool value;

	assert(k->size == sizeof(value));
	for (size_t i = 0; i < sizeof(bool_words) / sizeof(*bool_words); i++) {
		if (!strcasecmp(bool_words[i], text)) {
			value = i % 2;
			memcpy(field, &value, sizeof(value));
			return 0;
		}
	}
	return err_set(err, -EINVAL, "\"%s\" is neither yes nor no", text);
}

static void format_bool(const struct knob *k, const void *field, char *buf, size_t size)
{
	bool value;

	memcpy(&value, field, sizeof(value));
	snprintf(buf, size, "%s", bool_words[value]);
}

static int parse_text(const struct knob *k, const char *text, void *field, struct err *err)
{
	size_t len = strlen(text);

	if (len >= k->size)
		return err_set(err, -EINVAL, "\"%.40s%s\" is too long: at most %zu bytes, not %zu",
			       text, len > 40 ? "..." : "", k->size - 1, len);
	memcpy(field, text, len + 1);
	return 0;
}

static void format_text(const struct knob *k, const void *field, char *buf, size_t size)
{
	snprintf(buf, size, "%s", (const char *)field);
}

const char *knob_list_next(const struct knob_list *list, const char *text)
{
	const char *next = text ? text + strlen(text) + 1 : list->bytes;

	return next < list->bytes + list->used ? next : NULL;
}

const char *knob_list_text(const struct knob_list *list, int i)
{
	const char *text = knob_list_next(list, NULL);

	while (i--)
		text = knob_list_next(list, text);
	return text;
}

int knob_list_add(struct knob_list *list, const char *text, size_t len, struct err *err)
{
	if (list->count == KNOB_LIST_MAX)
		return err_set(err, -EINVAL, "\"%.*s\" is one too many: at most %d", (int)len, text,
			       KNOB_LIST_MAX);
	if (len >= sizeof(list->bytes) - list->used)
		return err_set(
			err, -EINVAL, "\"%.40s%s\" is too long: %u of %d bytes are left for it",
			text, len > 40 ? "..." : "", KNOB_LIST_BYTES - list->used, KNOB_LIST_BYTES);
	memcpy(list->bytes + list->used, text, len);
	list->used += len;
	list->bytes[list->used++] = '\0';
	list->count++;
	return 0;
}

void knob_list_cut(struct knob_list *list, int count)
{
	const char *text = count < list->count ? knob_list_text(list, count) : NULL;

	if (!text)
		return;
	list->count = count;
	list->used = text - list->bytes;
}

/*
 * A list is written with semicolons between its texts, and what is written must be read back, so
 * a text with semicolons adds several. "" is the empty list, unless it stands for the left-out
 * value of an option that may come without one.
 */
static int parse_texts(const struct knob *k, const char *text, void *field, struct err *err)
{
	struct knob_list *list = field;
	int was = list->count, rc = 0;
	size_t len;

	assert(k->size == sizeof(*list));
	if (!*text && !k->optional_value)
		return 0;
	for (;; text += len + 1) {
		len = strcspn(text, ";");
		rc = knob_list_add(list, text, len, err);
		if (rc)
			knob_list_cut(list, was);
		if (rc || !text[len])
			return rc;
	}
}

static void format_texts(const struct knob *k, const void *field, char *buf, size_t size)
{
	const struct knob_list *list = field;
	const char *text = NULL;
	size_t len = 0;

	*buf = '\0';
	while (len < size && (text = knob_list_next(list, text)))
		len += snprintf(buf + len, size - len, "%s%s", text == list->bytes ? "" : ";",
				text);
}

const struct knob_type knob_int = { "N", parse_int, format_int };
const struct knob_type knob_time = { "TIME", parse_time, format_time };
const struct knob_type knob_size = { "SIZE", parse_size, format_size };
const struct knob_type knob_rate = { "RATE", parse_rate, format_rate };
const struct knob_type knob_ratio = { "SHARE", parse_ratio, format_ratio };
const struct knob_type knob_enum = { "CHOICE", parse_enum, format_enum };
const struct knob_type knob_bool = { "yes|no", parse_bool, format_bool, .is_flag = true };
const struct knob_type knob_yes_no = { "yes|no", parse_bool, format_bool };
const struct knob_type knob_text = { "TEXT", parse_text, format_text };
const struct knob_type knob_texts = { "TEXT", parse_texts, format_texts, .appends = true };

int knob_parse(const struct knob *k, const char *text, void *opts, struct err *err)
{
	return k->type->parse(k, text, (char *)opts + k->offset, err);
}

void knob_format(const struct knob *k, const void *opts, char *buf, size_t size)
{
	k->type->format(k, (const char *)opts + k->offset, buf, size);
}

bool knob_equal(const struct knob *k, const void *a, const void *b)
{
	char text_a[sizeof(struct knob_list)], text_b[sizeof(struct knob_list)];

	/* Fields with unused bytes (texts) can differ and mean the same, so the text decides. */
	knob_format(k, a, text_a, sizeof(text_a));
	knob_format(k, b, text_b, sizeof(text_b));
	return !strcmp(text_a, text_b);
}

const struct knob *knob_find(const struct knob_group *g, const char *name)
{
	const struct knob *k;

	for (k = g->knobs; k && k->name; k++)
		if (!strcmp(k->name, name))
			return k;
	return NULL;
}

void knob_defaults(const struct knob_group *g, void *opts)
{
	const struct knob *k;
	int rc;

	memset(opts, 0, g->opts_size);
	for (k = g->knobs; k && k->name; k++) {
		rc = k->def ? knob_parse(k, k->def, opts, NULL) : 0;
		assert(!rc);
		(void)rc;
	}
}
