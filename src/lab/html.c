/*
 * html.c - escaping; see html.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/html.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define MINUS	    "\xe2\x88\x92" /* U+2212 */
#define DASH	    "\xe2\x80\x93" /* U+2013 */
#define NO_BREAK    "\xc2\xa0"	   /* U+00A0 */
#define MICRO	    "\xc2\xb5"	   /* U+00B5 */

/* Bytes of the UTF-8 sequence at s; 0: it is none that XML allows. */
static unsigned sequence_length(const unsigned char *s)
{
	unsigned len = s[0] < 0x80		     ? 1
		       : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
		       : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
		       : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						     : 0;

	for (unsigned i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if (len == 1 && s[0] < 0x20 && s[0] != '\t' && s[0] != '\n')
		return 0;
	/* Overlong, surrogates, beyond Unicode, and the two that are not characters. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90) ||
	    (s[0] == 0xef && s[1] == 0xbf && s[2] >= 0xbe))
		return 0;
	return len;
}

static const char *escape_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* Writes one character, escaped; returns what follows it. */
static const char *put_character(FILE *out, const char *text)
{
	unsigned len = sequence_length((const unsigned char *)text);
	const char *escape = escape_of(*text);

	if (!len)
		fputs(REPLACEMENT, out);
	else if (escape)
		fputs(escape, out);
	else
		fwrite(text, 1, len, out);
	return text + (len ? len : 1);
}

void html_text(FILE *out, const char *text)
{
	while (*text)
		text = put_character(out, text);
}

void html_sentence(FILE *out, const char *text)
{
	while (*text) {
		if (*text == ' ' && text[1] == '%') {
			fputs(NO_BREAK, out);
			text++;
		} else {
			text = put_character(out, text);
		}
	}
}

void html_printf(FILE *out, const char *fmt, ...)
{
	char text[HTML_TEXT];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	html_text(out, text);
}

static const char *number_character(const char *text, char before)
{
	bool after_digit = isdigit((unsigned char)before);

	if (*text == '-')
		return after_digit || !isdigit((unsigned char)text[1]) ? DASH : MINUS;
	if (*text == ' ')
		return NO_BREAK;
	if (*text == 'u' && text[1] == 's')
		return MICRO;
	return escape_of(*text);
}

void html_number(FILE *out, const char *text)
{
	for (char before = 0; *text; before = *text++) {
		const char *better = number_character(text, before);

		if (better)
			fputs(better, out);
		else
			fputc(*text, out);
	}
}

static void open_cell(FILE *out, const char *class, const char *tip)
{
	fputs("<td", out);
	if (class)
		fprintf(out, " class=\"%s\"", class);
	if (tip) {
		fputs(" title=\"", out);
		html_text(out, tip);
		fputs("\"", out);
	}
	fputs(">", out);
}

void html_cell(FILE *out, const char *class, const char *tip, const char *text)
{
	open_cell(out, class, tip);
	html_text(out, text);
	fputs("</td>", out);
}

void html_number_cell(FILE *out, const char *class, const char *text)
{
	open_cell(out, class, NULL);
	html_number(out, text);
	fputs("</td>", out);
}
