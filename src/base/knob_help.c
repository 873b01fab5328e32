/*
 * knob_help.c - help, man page and Markdown table, from the same lines.
 *
 * What an entry says (its head and its meaning) is made once; a struct layout is what the three
 * outputs put around it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/knob.h"
#include "base/units.h"

enum {
	HELP_INDENT = 28,
	HELP_WIDTH = 80,
	CHOICES_IN_HEAD = 28, /* longer lists of choices stand in the meaning */
};

struct layout {
	void (*begin)(const struct knob_group *g, FILE *out);
	/* apart: how it is read back, when the meaning does not say so; NULL: no place for it */
	void (*entry)(const char *head, const char *meaning, const char *apart, FILE *out);
	void (*like)(const struct knob_group *g, FILE *out); /* instead of begin and entries */
	bool tells_apart; /* how a knob is read back, where a knob of the group is */
	const char *end;  /* of a group */
};

/* "level|edge|oneshot", or what the type calls its value. */
static const char *value_name(const struct knob *k, char *buf, size_t size)
{
	size_t len = 0;

	if (k->metavar || !k->choices)
		return k->metavar ? k->metavar : k->type->metavar;
	for (const char *const *c = k->choices; *c && len < size; c++)
		len += snprintf(buf + len, size - len, "%s%s", len ? "|" : "", *c);
	return len <= CHOICES_IN_HEAD ? buf : k->type->metavar;
}

/* "-r, --rate=RATE", "--reply[=SIZE]", "--flag" */
static void make_head(const struct knob_group *g, const struct knob *k, char *buf, size_t size)
{
	char key[64], letter[8] = "", choices[64];
	bool optional = k->optional_value;

	knob_key(g, k, key, sizeof(key));
	if (k->letter)
		snprintf(letter, sizeof(letter), "-%c, ", k->letter);
	if (k->type->is_flag && !optional)
		snprintf(buf, size, "%s--%s", letter, key);
	else
		snprintf(buf, size, "%s--%s%s=%s%s", letter, key, optional ? "[" : "",
			 value_name(k, choices, sizeof(choices)), optional ? "]" : "");
}

static const struct {
	const struct knob_type *type;
	enum unit unit;
} bounded[] = { { &knob_int, UNIT_COUNT },
		{ &knob_rate, UNIT_COUNT },
		{ &knob_time, UNIT_TIME },
		{ &knob_size, UNIT_SIZE } };

/* "1 to 256", "at least 1"; empty for a knob without bounds. */
static const char *make_range(const struct knob *k, char *buf, size_t size)
{
	char low[32], high[32];
	size_t i = 0;

	*buf = '\0';
	while (i < sizeof(bounded) / sizeof(*bounded) && bounded[i].type != k->type)
		i++;
	if (i == sizeof(bounded) / sizeof(*bounded) || (!k->min && !k->max))
		return buf;
	units_format(bounded[i].unit, k->min, low, sizeof(low));
	units_format(bounded[i].unit, k->max, high, sizeof(high));
	if (k->max < k->min || k->max == INT64_MAX)
		snprintf(buf, size, "at least %s", low);
	else
		snprintf(buf, size, "%s to %s", low, high);
	return buf;
}

static void append(char *buf, size_t size, const char *before, const char *text, const char *sep)
{
	size_t len = strlen(buf);

	if (*text)
		snprintf(buf + len, size - len, "%s%s%s", before, text, sep);
}

/* The help line and, in brackets, what else the table says: choices, range, default, other names.
 */
static void make_meaning(const struct knob *k, bool with_read_back, char *buf, size_t size)
{
	char text[512] = "", word[128], choices[64];

	if (k->choices && (k->metavar || value_name(k, choices, sizeof(choices)) != choices))
		for (const char *const *c = k->choices; *c; c++)
			append(text, sizeof(text), c == k->choices ? "one of " : "", *c,
			       c[1] ? ", " : "; ");
	append(text, sizeof(text), "", make_range(k, word, sizeof(word)), "; ");
	if (k->bare_unit)
		append(text, sizeof(text), "without a unit: ", k->bare_unit, "; ");
	append(text, sizeof(text), "default ", k->def ? k->def : "", "; ");
	for (const char *const *a = k->aliases; a && *a; a++)
		append(text, sizeof(text), a == k->aliases ? "also --" : "--", *a,
		       a[1] ? ", " : "; ");
	if (k->type->appends)
		append(text, sizeof(text), "", "may be repeated", "; ");
	if (k->read_back && with_read_back)
		append(text, sizeof(text), "read back by ", k->read_back, "; ");
	if (*text)
		text[strlen(text) - 2] = '\0'; /* the last separator */
	snprintf(buf, size, "%s%s%s%s", k->help, *text ? " (" : "", text, *text ? ")" : "");
}

/* Is there a knob that the kernel is asked about? */
static bool is_read_back(const struct knob_group *g)
{
	const struct knob *k = g->knobs;

	while (k->name && !k->read_back)
		k++;
	return k->name != NULL;
}

static void write_group(const struct knob_group *g, const struct layout *layout, FILE *out)
{
	bool apart = layout->tells_apart && is_read_back(g);
	char head[128], meaning[1024];

	layout->begin(g, out);
	for (const struct knob *k = g->knobs; k->name; k++) {
		make_head(g, k, head, sizeof(head));
		make_meaning(k, !apart, meaning, sizeof(meaning));
		layout->entry(head, meaning, !apart ? NULL : k->read_back ? k->read_back : "", out);
	}
	fputs(layout->end, out);
}

/* Who wants to know what they mean looks at those they are like. */
static void write_either(const struct knob_group *g, const struct layout *layout, FILE *out)
{
	if (g->knobs && g->like)
		layout->like(g, out);
	else if (g->knobs)
		write_group(g, layout, out);
}

static void write_set(const struct knob_set *set, const struct layout *layout, FILE *out)
{
	for (const struct knob_bind *b = set->binds; b < set->binds + set->count; b++)
		write_either(b->group, layout, out);
}

void knob_set_usage(const struct knob_set *set, FILE *out)
{
	char head[128];
	int column = 0, len;

	for (const struct knob_bind *b = set->binds; b < set->binds + set->count; b++) {
		for (const struct knob *k = b->group->knobs; k && k->name; k++) {
			make_head(b->group, k, head, sizeof(head));
			len = (int)strlen(head) + 3;
			if (column && column + len > HELP_WIDTH)
				column = fprintf(out, "\n") - 1;
			column += fprintf(out, "%s[%s]", column ? " " : "  ", head);
		}
	}
	fputc('\n', out);
}

/* Words of text from column `column` on, lines broken before HELP_WIDTH. */
static void write_wrapped(const char *text, FILE *out)
{
	int column = HELP_INDENT, len;

	for (; *text; text += strspn(text, " ")) {
		len = (int)strcspn(text, " ");
		if (column > HELP_INDENT && column + 1 + len > HELP_WIDTH) {
			fprintf(out, "\n%*s", HELP_INDENT, "");
			column = HELP_INDENT;
		}
		column += fprintf(out, "%s%.*s", column > HELP_INDENT ? " " : "", len, text);
		text += len;
	}
	fputc('\n', out);
}

static void help_begin(const struct knob_group *g, FILE *out)
{
	fprintf(out, "%s%s%s:\n", g->name, *g->name ? ": " : "", g->help);
}

static void help_entry(const char *head, const char *meaning, const char *apart, FILE *out)
{
	/* Long options stand under each other, with or without a letter before them. */
	int column = fprintf(out, "  %s%s", head[1] == '-' ? "    " : "", head);

	if (column + 2 > HELP_INDENT)
		column = fprintf(out, "\n") - 1;
	fprintf(out, "%*s", HELP_INDENT - column, "");
	write_wrapped(meaning, out);
}

static void help_like(const struct knob_group *g, FILE *out)
{
	char head[128], meaning[128];

	snprintf(head, sizeof(head), "--%s.*", g->name);
	snprintf(meaning, sizeof(meaning), "as --%s.*", g->like->name);
	help_begin(g, out);
	help_entry(head, meaning, NULL, out);
	fputs("\n", out);
}

/* roff: a minus that can be copied, no escapes, no request at the start of a line. */
static void write_roff(const char *text, FILE *out)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", out);
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else
			fputc(*text, out);
	}
}

static void man_begin(const struct knob_group *g, FILE *out)
{
	fprintf(out, ".SS %s%s%s\n", g->name, *g->name ? ": " : "", g->help);
}

static void man_entry(const char *head, const char *meaning, const char *apart, FILE *out)
{
	fputs(".TP\n\\fB", out);
	write_roff(head, out);
	fputs("\\fR\n", out);
	write_roff(meaning, out);
	fputc('\n', out);
}

static void man_like(const struct knob_group *g, FILE *out)
{
	char head[128], meaning[128];

	snprintf(head, sizeof(head), "--%s.*", g->name);
	snprintf(meaning, sizeof(meaning), "as --%s.*", g->like->name);
	man_begin(g, out);
	man_entry(head, meaning, NULL, out);
}

/* A bar ends a cell, also between backquotes. */
static void write_cell(const char *text, FILE *out)
{
	for (; *text; text++)
		fprintf(out, *text == '|' ? "\\%c" : "%c", *text);
}

static void markdown_begin(const struct knob_group *g, FILE *out)
{
	fprintf(out, "### %s%s%s\n\n%s\n", g->name, *g->name ? ": " : "", g->help,
		is_read_back(g) ? "| option | meaning | read back by |\n|---|---|---|"
				: "| option | meaning |\n|---|---|");
}

static void markdown_entry(const char *head, const char *meaning, const char *apart, FILE *out)
{
	fputs("| `", out);
	write_cell(head, out);
	fputs("` | ", out);
	write_cell(meaning, out);
	fputs(" |", out);
	if (apart) {
		fputs(*apart ? " " : "", out);
		write_cell(apart, out);
		fputs(" |", out);
	}
	fputc('\n', out);
}

static void markdown_like(const struct knob_group *g, FILE *out)
{
	fprintf(out, "`--%s.*` is as `--%s.*`: %s\n\n", g->name, g->like->name, g->help);
}

static const struct layout help_layout = { help_begin, help_entry, help_like, false, "\n" };
static const struct layout man_layout = { man_begin, man_entry, man_like, false, "" };
static const struct layout markdown_layout = { markdown_begin, markdown_entry, markdown_like, true,
					       "\n" };

void knob_set_help(const struct knob_set *set, FILE *out)
{
	write_set(set, &help_layout, out);
}

/* What a group without a name is asked for by: "serving", "TLS". */
static int part_length(const struct knob_group *g)
{
	return (int)strcspn(*g->name ? g->name : g->help, *g->name ? "" : " ,:'");
}

static const char *part_name(const struct knob_group *g)
{
	return *g->name ? g->name : g->help;
}

/* "storage" is "storage.sched", too. */
static bool is_part(const struct knob_group *g, const char *part)
{
	const size_t length = strlen(part);
	const char *name = part_name(g);

	return length && !strncasecmp(name, part, length) &&
	       ((int)length == part_length(g) || name[length] == '.');
}

bool knob_set_help_part(const struct knob_set *set, const char *part, FILE *out)
{
	bool found = false;

	for (const struct knob_bind *b = set->binds; b < set->binds + set->count; b++) {
		if (!b->group->knobs || !is_part(b->group, part))
			continue;
		write_either(b->group, &help_layout, out);
		found = true;
	}
	return found;
}

void knob_set_parts(const struct knob_set *set, FILE *out)
{
	int column = 0;

	for (const struct knob_bind *b = set->binds; b < set->binds + set->count; b++) {
		const int length = part_length(b->group);

		if (!b->group->knobs || b->group->like)
			continue;
		if (column)
			column += fprintf(out, ",");
		if (column + length + 2 > HELP_WIDTH)
			column = fprintf(out, "\n") - 1;
		column += fprintf(out, "%s%.*s", column ? " " : "  ", length, part_name(b->group));
	}
	fputc('\n', out);
}

void knob_set_man(const struct knob_set *set, FILE *out)
{
	write_set(set, &man_layout, out);
}

void knob_set_markdown(const struct knob_set *set, FILE *out)
{
	write_set(set, &markdown_layout, out);
}
