/*
 * avoid.c - see avoid.h. It works on texts alone; what they mean is for the tunable.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/avoid.h"

#include <stdio.h>
#include <string.h>

static const char strategy[] = "pin.strategy";

/* The one that counts, when levels say something else than what is fixed. */
static const struct setting *last(const struct settings *s, enum role role, const char *key)
{
	const struct setting *found = NULL;

	for (unsigned i = 0; i < s->count; i++)
		if (s->items[i].role == role && !strcmp(s->items[i].key, key))
			found = &s->items[i];
	return found;
}

/* "pin.strategy" or "storage.pin.strategy", and not none. */
static bool is_strategy(const struct setting *item)
{
	size_t len = strlen(item->key), end = strlen(strategy);
	const char *tail = item->key + len - end;

	return item->role == ROLE_NODE && len >= end && !strcmp(tail, strategy) &&
	       (tail == item->key || tail[-1] == '.') && strcmp(item->text, "none") != 0;
}

static const struct setting *place_of_client(const struct settings *s)
{
	const struct setting *cpus = last(s, ROLE_CLIENT, "pin.cpus");
	const struct setting *at = last(s, ROLE_CLIENT, "pin.at");

	return cpus && *cpus->text ? cpus : at && *at->text ? at : NULL;
}

int avoid_client(struct settings *s, struct err *err)
{
	unsigned count = s->count;
	int rc = 0;

	for (unsigned i = 0; i < count && rc == 0; i++) {
		const struct setting *item = &s->items[i], *client = place_of_client(s);
		struct setting avoid = { .role = ROLE_NODE };

		if (!client || !is_strategy(item) || last(s, ROLE_NODE, item->key) != item)
			continue;
		snprintf(avoid.key, sizeof(avoid.key), "%.*savoid",
			 (int)(strlen(item->key) - strlen("strategy")), item->key);
		snprintf(avoid.text, sizeof(avoid.text), "%s", client->text);
		if (!last(s, ROLE_NODE, avoid.key))
			rc = settings_add(s, &avoid, err);
	}
	return rc;
}
