/*
 * table.c - tables and paragraphs of text; see table.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/table.h"

#include <stdarg.h>
#include <string.h>

#define GAP	  2 /* blanks between columns */
#define CUT_WIDTH 6 /* no text is cut shorter */

static const char *const style_codes[] = { "", "\033[32m", "\033[31m", "\033[2m", "\033[1m" };

const char *table_style_on(enum table_style style, bool colour)
{
	return colour ? style_codes[style] : "";
}

const char *table_style_off(enum table_style style, bool colour)
{
	return colour && style != STYLE_PLAIN ? "\033[0m" : "";
}

/* Characters, not bytes: those that do not continue a UTF-8 sequence. */
static unsigned text_width(const char *text)
{
	unsigned width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

/* Bytes of the first `width` characters. */
static int text_bytes(const char *text, unsigned width)
{
	const char *end = text;

	while (*end && (width || (*end & 0xc0) == 0x80)) {
		width -= (*end & 0xc0) != 0x80;
		end++;
	}
	return (int)(end - text);
}

int table_add_column(struct table *t, const char *title, bool right)
{
	struct table_column *c = &t->column[t->columns];

	if (t->columns == TABLE_COLUMNS)
		return -1;
	*c = (struct table_column){ .right = right };
	snprintf(c->title, sizeof(c->title), "%s", title);
	return (int)t->columns++;
}

bool table_add_row(struct table *t)
{
	if (t->rows == TABLE_ROWS)
		return false;
	t->rows++;
	return true;
}

void table_put(struct table *t, int column, enum table_style style, const char *fmt, ...)
{
	va_list args;

	if (column < 0 || column >= (int)t->columns || !t->rows)
		return;
	va_start(args, fmt);
	vsnprintf(t->text[t->rows - 1][column], TABLE_TEXT, fmt, args);
	va_end(args);
	t->style[t->rows - 1][column] = style;
}

/* What is shown of a table: width by column, 0: dropped. */
struct layout {
	unsigned width[TABLE_COLUMNS];
	unsigned total;
};

static void measure(const struct table *t, unsigned indent, struct layout *l)
{
	l->total = indent;
	for (unsigned c = 0; c < t->columns; c++) {
		l->width[c] = text_width(t->column[c].title);
		for (unsigned r = 0; r < t->rows; r++) {
			unsigned width = text_width(t->text[r][c]);

			l->width[c] = width > l->width[c] ? width : l->width[c];
		}
		l->total += l->width[c] + (c ? GAP : 0);
	}
}

static void drop_columns(const struct table *t, unsigned width, struct layout *l)
{
	for (unsigned c = t->columns; c-- > 0 && l->total > width;) {
		if (!t->column[c].droppable)
			continue;
		l->total -= l->width[c] + GAP;
		l->width[c] = 0;
	}
}

static void cut_texts(const struct table *t, unsigned width, struct layout *l)
{
	while (l->total > width) {
		unsigned widest = t->columns;

		for (unsigned c = 0; c < t->columns; c++)
			if (t->column[c].cuttable && l->width[c] > CUT_WIDTH &&
			    (widest == t->columns || l->width[c] > l->width[widest]))
				widest = c;
		if (widest == t->columns)
			return;
		l->width[widest]--;
		l->total--;
	}
}

/* Blanks are held back until a text follows, so that none stand at the end of a line. */
struct pen {
	FILE *out;
	unsigned blanks;
	bool colour;
};

static void put_text(struct pen *pen, const char *text, unsigned width, bool right,
		     enum table_style style)
{
	unsigned has = text_width(text), shown = has > width ? width : has;
	bool cut = has > width;

	if (right)
		pen->blanks += width - shown;
	if (shown) {
		fprintf(pen->out, "%*s%s%.*s%s%s", (int)pen->blanks, "",
			table_style_on(style, pen->colour), text_bytes(text, shown - cut), text,
			cut ? "~" : "", table_style_off(style, pen->colour));
		pen->blanks = 0;
	}
	if (!right)
		pen->blanks += width - shown;
}

void table_print(const struct table *t, unsigned indent, unsigned width, bool colour, FILE *out)
{
	struct layout l;

	measure(t, indent, &l);
	drop_columns(t, width, &l);
	cut_texts(t, width, &l);
	for (unsigned line = 0; line <= t->rows; line++) {
		struct pen pen = { .out = out, .blanks = indent, .colour = colour };
		bool first = true;

		for (unsigned c = 0; c < t->columns; c++) {
			if (!l.width[c])
				continue;
			pen.blanks += first ? 0 : GAP;
			first = false;
			put_text(&pen, line ? t->text[line - 1][c] : t->column[c].title, l.width[c],
				 t->column[c].right, line ? t->style[line - 1][c] : STYLE_DIM);
		}
		fputc('\n', out);
	}
}

/* Bytes of the next word; a number and its per cent sign are one. */
static size_t word_bytes(const char *text)
{
	size_t bytes = strcspn(text, " \n");

	while (bytes && text[bytes] == ' ' && text[bytes + 1] == '%')
		bytes += 1 + strcspn(text + bytes + 1, " \n");
	return bytes;
}

void table_wrap(const char *text, unsigned column, unsigned indent, unsigned width, FILE *out)
{
	bool fresh = true; /* no word on this line yet */

	while (*text) {
		int bytes = (int)word_bytes(text);
		unsigned word = 0;

		for (int i = 0; i < bytes; i++)
			word += (text[i] & 0xc0) != 0x80;
		if (!fresh && column + 1 + word > width) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
			fresh = true;
		}
		column += word + !fresh;
		fprintf(out, "%s%.*s", fresh ? "" : " ", bytes, text);
		fresh = false;
		text += bytes;
		text += strspn(text, " \n");
	}
	fputc('\n', out);
}
