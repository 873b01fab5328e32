/*
 * arrival_text.h - gaps between requests as people write them (-p): "100ms", "exp:100us".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_ARRIVAL_TEXT_H
#define RW_CLIENT_ARRIVAL_TEXT_H

#include <stdint.h>

#include "base/err.h"
#include "client/client.h"

/* A number without a unit is microseconds, as in DistWalk. *ret_ns is the mean gap, above 0. */
int arrival_parse_period(const char *text, enum arrival_law *ret_law, int64_t *ret_ns,
			 struct err *err);

#endif
