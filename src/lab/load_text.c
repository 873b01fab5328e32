/*
 * load_text.c - settings of the client that describe the load; see load_text.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/load_text.h"

#include <stdbool.h>
#include <string.h>

#include "lab/flatten.h"

/* In the order of the line. What is 0 or empty is off and not named. */
static const char *const load_keys[] = { "rate",       "period",      "arrivals", "outstanding",
					 "threads",    "connections", "program",  "request-size",
					 "reply-size", "duration",    "requests", NULL };

struct search {
	const char *key;
	char *buf;
	size_t size;
};

static bool is_off(const char *text)
{
	return !*text || !strcmp(text, "0") || !strcmp(text, "0ns") || !strcmp(text, "none");
}

static void take(void *context, const char *path, const char *text)
{
	struct search *s = context;
	size_t len = strlen(s->buf);

	if (strncmp(path, "client.", 7) || strcmp(path + 7, s->key) || is_off(text))
		return;
	snprintf(s->buf + len, s->size - len, "%s%s %s", len ? ", " : "", s->key, text);
}

const char *load_text(const json_t *settings, char *buf, size_t size)
{
	struct search s = { .buf = buf, .size = size };

	*buf = '\0';
	for (unsigned i = 0; load_keys[i]; i++) {
		s.key = load_keys[i];
		flatten_json(settings, take, &s);
	}
	return buf;
}
