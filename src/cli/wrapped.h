/*
 * wrapped.h - sentences in columns.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLI_WRAPPED_H
#define RW_CLI_WRAPPED_H

#define WRAPPED_COLUMNS 96

/*
 * The text from column `indent` on, which the cursor has reached, and in further lines as far as
 * WRAPPED_COLUMNS goes; ends the last line.
 */
void print_wrapped(int indent, const char *text);

#endif
