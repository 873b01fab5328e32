/*
 * wrapped.c - see wrapped.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/wrapped.h"

#include <stdio.h>
#include <string.h>

void print_wrapped(int indent, const char *text)
{
	int column = indent;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column > indent && column + 1 + len > WRAPPED_COLUMNS) {
			printf("\n%*s", indent, "");
			column = indent;
		}
		if (column > indent)
			column += printf(" ");
		column += printf("%.*s", len, text);
		text += len;
		text += *text == ' ';
	}
	putchar('\n');
}
