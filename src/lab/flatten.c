/*
 * flatten.c - nested JSON as lines; see flatten.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/flatten.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MOST 16 /* deeper is cut: provenance has four */

struct walk {
	void (*each)(void *context, const char *path, const char *text);
	void *context;
	char path[FLATTEN_PATH];
};

static void value_text(const json_t *value, char *buf, size_t size)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		snprintf(buf, size, "%s", json_string_value(value));
		break;
	case JSON_INTEGER:
		snprintf(buf, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		snprintf(buf, size, "%g", json_real_value(value));
		break;
	case JSON_NULL:
		snprintf(buf, size, "-");
		break;
	default:
		snprintf(buf, size, "%s", json_is_true(value) ? "yes" : "no");
	}
}

static bool is_plain(const json_t *value)
{
	return !json_is_object(value) && !json_is_array(value);
}

static bool has_only_plain(const json_t *array)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		if (!is_plain(json_array_get(array, i)))
			return false;
	return true;
}

static void list_text(const json_t *array, char *buf, size_t size)
{
	size_t len = 0;

	snprintf(buf, size, "%s", json_array_size(array) ? "" : "none");
	for (size_t i = 0; i < json_array_size(array) && len + 3 < size; i++) {
		len += snprintf(buf + len, size - len, "%s", i ? ", " : "");
		value_text(json_array_get(array, i), buf + len, size - len);
		len += strlen(buf + len);
	}
}

static void walk_value(struct walk *w, const json_t *value, int depth);

/* Walks a member under its longer path, then takes the addition back. */
static void walk_member(struct walk *w, const char *key, const json_t *value, int depth)
{
	size_t len = strlen(w->path);

	snprintf(w->path + len, sizeof(w->path) - len, "%s%s", len ? "." : "", key);
	walk_value(w, value, depth);
	w->path[len] = '\0';
}

static void walk_value(struct walk *w, const json_t *value, int depth)
{
	char text[FLATTEN_TEXT];
	const char *key;
	json_t *member;
	size_t i;

	if (depth > DEPTH_MOST)
		return;
	if (json_is_object(value)) {
		json_object_foreach((json_t *)value, key, member)
			walk_member(w, key, member, depth + 1);
	} else if (json_is_array(value) && !has_only_plain(value)) {
		json_array_foreach(value, i, member)
		{
			snprintf(text, sizeof(text), "%zu", i);
			walk_member(w, text, member, depth + 1);
		}
	} else {
		if (json_is_array(value))
			list_text(value, text, sizeof(text));
		else
			value_text(value, text, sizeof(text));
		w->each(w->context, w->path, text);
	}
}

void flatten_json(const json_t *json,
		  void (*each)(void *context, const char *path, const char *text), void *context)
{
	struct walk w = { .each = each, .context = context };

	if (json)
		walk_value(&w, json, 0);
}
