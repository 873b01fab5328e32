/*
 * html.h - text into HTML: escaped, with the characters that numbers deserve.
 *
 * Everything that comes from a file, a kernel or a run goes through here. What is written is also
 * well-formed XML: controls and bytes that are not UTF-8 become U+FFFD.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_HTML_H
#define RW_LAB_HTML_H

#include <stdio.h>

#include "base/err.h"

void html_text(FILE *out, const char *text);
/* A sentence of ours: no line break between a number and its per cent sign. */
void html_sentence(FILE *out, const char *text);
/* printf, escaped. At most HTML_TEXT bytes. */
#define HTML_TEXT 2048
void html_printf(FILE *out, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * A number as lab/number.h writes it: a minus instead of a hyphen, a dash between two numbers, no
 * line break before the unit, micro instead of u.
 */
void html_number(FILE *out, const char *text);

/* <td class="..." title="...">: text or a number. class and tip may be NULL. */
void html_cell(FILE *out, const char *class, const char *tip, const char *text);
void html_number_cell(FILE *out, const char *class, const char *text);

#endif
