/*
 * flatten.h - nested JSON as lines of "path.to.key" and text, for tables.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_FLATTEN_H
#define RW_LAB_FLATTEN_H

#include <jansson.h>

#include "base/err.h"

#define FLATTEN_PATH 256
#define FLATTEN_TEXT 1024

/*
 * Calls each(context, path, text) for every value, in the order of the objects. A list without
 * objects is one value, its members joined by ", ". NULL json: nothing. Longer texts are cut.
 */
void flatten_json(const json_t *json,
		  void (*each)(void *context, const char *path, const char *text), void *context);

#endif
