/*
 * settings.c - a list of values by key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const role_names[] = { "node", "client", "hog", "system", "proxy", NULL };

void settings_finish(struct settings *s)
{
	free(s->items);
	*s = (struct settings){ 0 };
}

int settings_add(struct settings *s, const struct setting *item, struct err *err)
{
	struct setting *items = realloc(s->items, (s->count + 1) * sizeof(*items));

	if (!items)
		return err_sys(err, -ENOMEM, "settings");
	s->items = items;
	s->items[s->count++] = *item;
	return 0;
}

int settings_add_all(struct settings *s, const struct settings *more, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < more->count && rc == 0; i++)
		rc = settings_add(s, &more->items[i], err);
	return rc;
}

const struct setting *settings_find(const struct settings *s, enum role role, const char *key)
{
	for (unsigned i = 0; i < s->count; i++)
		if (s->items[i].role == role && !strcmp(s->items[i].key, key))
			return &s->items[i];
	return NULL;
}

bool settings_has(const struct settings *s, enum role role)
{
	for (unsigned i = 0; i < s->count; i++)
		if (s->items[i].role == role)
			return true;
	return false;
}

json_t *settings_to_json(const struct settings *s)
{
	json_t *roles = json_object();

	for (int role = 0; role < ROLES_SET; role++)
		json_object_set_new(roles, role_names[role], json_object());
	for (unsigned i = 0; i < s->count; i++)
		json_object_set_new(json_object_get(roles, role_names[s->items[i].role]),
				    s->items[i].key, json_string(s->items[i].text));
	return roles;
}

static int add_from_json(struct settings *s, struct setting *item, const char *key,
			 const json_t *value, struct err *err)
{
	if (!json_is_string(value) || strlen(key) >= sizeof(item->key) ||
	    json_string_length(value) >= sizeof(item->text))
		return err_set(err, -EINVAL, "setting %s: not a text that fits", key);
	strcpy(item->key, key);
	strcpy(item->text, json_string_value(value));
	return settings_add(s, item, err);
}

int settings_from_json(const json_t *json, bool swept, struct settings *ret, struct err *err)
{
	struct settings s = { 0 };
	const char *key;
	json_t *value;
	int rc = 0;

	for (int role = 0; role < ROLES_SET; role++) {
		struct setting item = { .role = (enum role)role, .swept = swept };

		json_object_foreach(json_object_get(json, role_names[role]), key, value)
		{
			if (rc == 0)
				rc = add_from_json(&s, &item, key, value, err);
		}
	}
	if (rc < 0)
		settings_finish(&s);
	else
		*ret = s;
	return rc;
}
