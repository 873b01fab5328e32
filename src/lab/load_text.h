/*
 * load_text.h - the load of a sweep in one line, from the settings that all its runs share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_LOAD_TEXT_H
#define RW_LAB_LOAD_TEXT_H

#include <jansson.h>
#include <stddef.h>

/* "rate 20k/s, arrivals exponential, ..."; "" when no setting says. Returns buf. */
const char *load_text(const json_t *settings, char *buf, size_t size);

#endif
