/*
 * value_column.c - see value_column.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/value_column.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/knob.h"
#include "base/value_text.h"

#define CELL_MAX 64 /* longer ones are no numbers */

static const struct separator {
	const char *name;
	char character;
} separators[] = { { "comma", ',' }, { "colon", ':' }, { "semicolon", ';' }, { "tab", '\t' },
		   { "\\t", '\t' },  { "space", ' ' }, { "pipe", '|' },	     { NULL, 0 } };

/* Where the reader is, and the cell of this line. */
struct scan {
	FILE *in;
	const struct value_column *column;
	uint64_t bytes, line;
	bool is_quoted, is_in_cell, is_blank, is_comment;
	unsigned index;
	char cell[CELL_MAX];
	size_t len; /* CELL_MAX: too long */
};

static void scan_put(struct scan *s, int c)
{
	s->is_in_cell = true;
	if (s->index == s->column->index && s->len < CELL_MAX)
		s->cell[s->len++] = (char)c;
}

/* Blanks as separators: many are one, and those at the beginning of a line are none. */
static void scan_separator(struct scan *s)
{
	if (s->column->separator != ' ' || s->is_in_cell)
		s->index++;
	s->is_in_cell = false;
}

static bool is_separator(const struct scan *s, int c)
{
	if (s->is_quoted)
		return false;
	return c == s->column->separator || (s->column->separator == ' ' && c == '\t');
}

/* The cell without blanks around it, ended by a NUL; a longer one becomes none. */
static void scan_trim(struct scan *s)
{
	size_t from = 0;

	if (s->len == CELL_MAX || memchr(s->cell, '\0', s->len))
		s->len = 0;
	while (s->len && isspace((unsigned char)s->cell[s->len - 1]))
		s->len--;
	s->cell[s->len] = '\0';
	while (isspace((unsigned char)s->cell[from]))
		from++;
	memmove(s->cell, s->cell + from, s->len + 1 - from);
}

/* Reads a line. False: there is none left. */
static bool scan_line(struct scan *s)
{
	int c = getc_unlocked(s->in);

	if (c == EOF)
		return false;
	s->line++;
	s->is_quoted = s->is_in_cell = false;
	s->is_blank = true;
	s->is_comment = c == '#';
	s->index = 0;
	s->len = 0;
	for (; c != EOF && c != '\n' && s->bytes < VALUE_BYTES_MAX; c = getc_unlocked(s->in)) {
		s->bytes++;
		s->is_blank &= isspace(c) != 0;
		if (is_separator(s, c))
			scan_separator(s);
		else if (c == '"')
			s->is_quoted = !s->is_quoted;
		else
			scan_put(s, c);
	}
	scan_trim(s);
	if (s->line == 1 && !strncmp(s->cell, UTF8_MARK, strlen(UTF8_MARK)))
		memmove(s->cell, s->cell + strlen(UTF8_MARK),
			strlen(s->cell) + 1 - strlen(UTF8_MARK));
	return true;
}

/* Cells are plainer than parameters: rates are numbers, and "1.5e3" is one. */
static int read_cell(const struct scan *s, enum value_kind kind, double *ret, struct err *err)
{
	const char *unit = *s->column->unit ? s->column->unit : NULL;
	int rc;

	if (s->is_comment)
		return err_set(err, -EINVAL, "a comment");
	if (s->index < s->column->index)
		return err_set(err, -EINVAL,
			       "its last column is %u; they count from 0, and sep= "
			       "says what is between them",
			       s->index);
	rc = units_parse_real(value_unit(kind), s->cell, unit, ret, err);

	if (!rc && kind == VALUE_RATE && *ret < 0)
		rc = err_set(err, -EINVAL, "\"%s\" is negative: a rate starts at 0", s->cell);
	return rc;
}

static int append(struct value_column *c, uint64_t *room, double x, struct err *err)
{
	double *rows;

	if (c->count == VALUE_ROWS_MAX)
		return err_set(err, -EINVAL, "\"%s\" has more than %d numbers", c->path,
			       VALUE_ROWS_MAX);
	if (c->count == *room) {
		*room = *room ? *room * 2 : 1024;
		rows = realloc(c->rows, *room * sizeof(*rows));
		if (!rows)
			return err_sys(err, -ENOMEM, "\"%s\"", c->path);
		c->rows = rows;
	}
	c->rows[c->count++] = x;
	return 0;
}

/* first: what was wrong with the first line that held no number. */
static int read_rows(struct value_column *c, enum value_kind kind, struct scan *s,
		     struct err *first, struct err *err)
{
	uint64_t room = 0;
	int rc = 0;
	double x;

	while (!rc && scan_line(s)) {
		if (s->bytes >= VALUE_BYTES_MAX)
			return err_set(err, -EINVAL, "\"%s\" is larger than 1 GiB", c->path);
		if (s->is_blank || s->line <= c->skip)
			continue;
		if (!read_cell(s, kind, &x, first->code ? NULL : first)) {
			rc = append(c, &room, x, err);
			continue;
		}
		if (!c->skipped++)
			err_wrap(first, "line %" PRIu64, s->line);
	}
	return rc;
}

static void summarise(struct value_column *c)
{
	long double sum = 0;

	c->low = c->high = c->rows[0];
	for (uint64_t i = 0; i < c->count; i++) {
		c->low = fmin(c->low, c->rows[i]);
		c->high = fmax(c->high, c->rows[i]);
		sum += c->rows[i];
	}
	c->mean = (double)(sum / c->count);
}

int value_column_fill(struct value_column *c, enum value_kind kind, FILE *in, struct err *err)
{
	struct scan scan = { .in = in, .column = c };
	struct err first = { 0 };
	int rc;

	errno = 0;
	rc = read_rows(c, kind, &scan, &first, err);

	if (rc)
		return rc;
	if (ferror(in))
		return err_sys(err, errno ? -errno : -EIO, "cannot read \"%s\"", c->path);
	if (!c->count && !first.code)
		return err_set(err, -EINVAL, "\"%s\" has no lines", c->path);
	if (!c->count)
		return err_set(err, -EINVAL, "\"%s\" has no number in column %u: %s", c->path,
			       c->index, first.text);
	summarise(c);
	return 0;
}

static int read_separator(const char *text, char *ret, struct err *err)
{
	const char *names[8] = { 0 };
	size_t count = 0;

	for (const struct separator *s = separators; s->name; s++) {
		if (!strcmp(s->name, text)) {
			*ret = s->character;
			return 0;
		}
		names[count++] = s->name;
	}
	if (strlen(text) == 1 && !isalnum((unsigned char)*text) && *text != '"' && *text != '.') {
		*ret = *text;
		return 0;
	}
	return err_set(err, -EINVAL,
		       "sep: \"%s\" is not one character, or one of comma, colon, semicolon, tab, "
		       "space, pipe%s%s",
		       text, nearest_word(text, names) ? "; did you mean " : "",
		       nearest_word(text, names) ? nearest_word(text, names) : "");
}

/* unit: of the kind, tried on a number. */
static int read_unit(const struct value_reader *r, const char *text, struct value_column *c,
		     struct err *err)
{
	char number[sizeof(c->unit) + 1];
	double one;
	int rc;

	if (strlen(text) >= sizeof(c->unit) || !*text)
		return err_set(err, -EINVAL, "unit: \"%.20s\" is not a unit", text);
	snprintf(number, sizeof(number), "1%s", text);
	rc = units_parse_real(value_unit(r->kind), number, NULL, &one, err);
	if (rc)
		return rc;
	strcpy(c->unit, text);
	return 0;
}

static int read_whole(const struct value_reader *r, const char *text, double max, double *ret,
		      struct err *err)
{
	int rc = value_read_number(r, VALUE_WHOLE, text, ret, err);

	if (!rc && *ret > max)
		rc = err_set(err, -EINVAL, "\"%s\" is too large: at most %.0f", text, max);
	return rc;
}

static int read_option(const struct value_reader *r, struct value_column *c, const char *name,
		       const char *text, struct err *err)
{
	double whole = 0;
	int rc;

	if (!strcmp(name, "sep"))
		return read_separator(text, &c->separator, err);
	if (!strcmp(name, "unit"))
		return read_unit(r, text, c, err);
	rc = read_whole(r, text, 1e9, &whole, err);
	if (rc)
		err_wrap(err, "%s", name);
	else if (!strcmp(name, "col"))
		c->index = (unsigned)whole;
	else
		c->skip = (uint64_t)whole;
	return rc;
}

/* The path ends at a separator with "name=" behind it: other colons and commas belong to it. */
static char *path_end(char *text)
{
	for (; *text; text++) {
		size_t len = strspn(text + 1, "abcdefghijklmnopqrstuvwxyz");

		if ((*text == ':' || *text == ',') && len && text[1 + len] == '=')
			return text;
	}
	return NULL;
}

/* "sep=," and "sep=:" are meant as they look. */
static char *next_option(char **rest)
{
	char *text = *rest;

	if (text && !strncmp(text, "sep=", 4) && (text[4] == ',' || text[4] == ':') &&
	    (!text[5] || strchr(":,", text[5]))) {
		*rest = text[5] ? text + 6 : NULL;
		text[5] = '\0';
		return text;
	}
	return value_text_next(rest);
}

static int read_options(const struct value_reader *r, struct value_column *c, char *rest,
			struct err *err)
{
	const struct value_law *law = value_law_find("file");
	char *token, *equals;
	unsigned given = 0;
	int rc = 0, i;

	while (!rc && (token = next_option(&rest))) {
		equals = strchr(token, '=');
		if (!equals)
			return err_set(err, -EINVAL, "\"%s\" has no name", token);
		*equals = '\0';
		i = value_read_name(law, token, err);
		if (i < 0)
			return i;
		if (!i || given & 1U << i)
			return err_set(err, -EINVAL, "%s is given twice", token);
		given |= 1U << i;
		rc = read_option(r, c, law->params[i].name, equals + 1, err);
	}
	return rc;
}

static int fill_from_path(struct value_column *c, enum value_kind kind, struct err *err)
{
	AUTO(auto_fclose) FILE *in = fopen(c->path, "re");

	if (!in)
		return err_sys(err, -errno, "cannot read \"%s\"", c->path);
	return value_column_fill(c, kind, in, err);
}

int value_read_column(const struct value_reader *r, char *text, struct value *v, struct err *err)
{
	struct value_column *c = calloc(1, sizeof(*c));
	char *end = path_end(text);
	int rc;

	if (!c)
		return err_sys(err, -ENOMEM, "a column");
	v->column = c;
	v->count = 1;
	c->separator = ',';
	if (r->bare_unit && r->kind != VALUE_RATE)
		snprintf(c->unit, sizeof(c->unit), "%s", r->bare_unit);
	if (end)
		*end++ = '\0';
	if (!*text || strlen(text) >= sizeof(c->path))
		return err_set(err, -EINVAL, *text ? "the path is too long" : "no path is given");
	strcpy(c->path, text);
	rc = read_options(r, c, end, err);
	rc = rc ? rc : fill_from_path(c, r->kind, err);
	if (rc)
		return rc;
	v->steps = c->count;
	v->low = c->low;
	v->high = c->high;
	v->mean = c->mean;
	return 0;
}

void value_column_format(const struct value_column *c, char *buf, size_t size)
{
	const struct separator *s = separators;
	const char one[2] = { c->separator, '\0' };

	while (s->name && s->character != c->separator)
		s++;
	snprintf(buf, size, "file:%s:sep=%s:col=%u%s%s:skip=%" PRIu64, c->path,
		 s->name ? s->name : one, c->index, *c->unit ? ":unit=" : "", c->unit, c->skip);
}

void value_column_destroy(struct value_column *c)
{
	if (!c)
		return;
	free(c->rows);
	free(c);
}
