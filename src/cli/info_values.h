/*
 * info_values.h - the page of values that `ringwalk info` prints.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLI_INFO_VALUES_H
#define RW_CLI_INFO_VALUES_H

/* As Markdown, to standard output. */
void print_value_page(void);

#endif
