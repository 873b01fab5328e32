/*
 * headline.h - the answer of a sweep in a few plain sentences.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_HEADLINE_H
#define RW_LAB_HEADLINE_H

#include "lab/compare.h"

/* Writes a->headline from everything else in a. */
void headline_write(struct analysis *a);

#endif
