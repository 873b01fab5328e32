/*
 * split_text.h - where the time went, for people: a table and one sentence.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_SPLIT_TEXT_H
#define RW_CLIENT_SPLIT_TEXT_H

#include "client/split.h"

/* How many of the slowest answers are looked at by themselves: 1 %, but no fewer than 10. */
double split_slow_share(const struct split *s);

void split_write_text(const struct split *s, FILE *out);

#endif
