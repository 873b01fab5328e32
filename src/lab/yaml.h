/*
 * yaml.h - a YAML file as a small tree in which every node knows its line and column.
 *
 * Everything is text as a person typed it: no numbers, no booleans, so "010" and "yes" mean what
 * the knob that reads them says. libyaml reads; it stays behind this header. Aliases are followed.
 * A key given twice, a second document, and more than the limits below are refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_YAML_H
#define RW_LAB_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define YAML_BYTES_MAX (1 << 20)
#define YAML_NODES_MAX 20000
#define YAML_DEPTH_MAX 16

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_place {
	const char *file; /* as given by the caller, who keeps it */
	unsigned line, column;
};

struct yaml {
	enum yaml_kind kind;
	struct yaml_place place;     /* of the value; of the key when the value is empty */
	struct yaml_place key_place; /* in a map */
	char *key;		     /* in a map; else NULL */
	char *text;		     /* YAML_TEXT; "" when nothing stands there: then missing */
	bool missing;
	unsigned count; /* of children */
	struct yaml *child, *next;
};

/* The root is always a map. file is used in complaints and must live as long as the tree. */
int yaml_parse(const char *file, const char *text, size_t len, struct yaml **ret, struct err *err);
void yaml_destroy(struct yaml *y); /* NULL is fine */

const struct yaml *yaml_get(const struct yaml *map, const char *key); /* NULL: not there */

/* "FILE:LINE:COLUMN: " and the sentence; returns -EINVAL. */
int yaml_complain(const struct yaml_place *at, struct err *err, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

#endif
