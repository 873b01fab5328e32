/*
 * result_json.h - a result for programs. The caller adds what it knows more (options, placement).
 *
 * Times are whole nanoseconds, rates per second. A percentile beyond which fewer than 10 samples
 * lie is null. Nothing is ever renamed without raising "schema".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_RESULT_JSON_H
#define RW_CLIENT_RESULT_JSON_H

#include <jansson.h>

#include "client/client.h"

#define RESULT_JSON_SCHEMA 1

/* A new object, or NULL: memory is out. */
json_t *result_json(const struct client_result *r);
/* All counters by their names; a new object. */
json_t *datagram_stats_json(const struct datagram_stats *s);

#endif
