/*
 * settings.h - values by key, as a person would type them, for the roles of a run and the system.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_SETTINGS_H
#define RW_LAB_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

/*
 * The roles of a run; in each there is a node and a client, and a hog when anything is set for it.
 * The system is no process: its settings are those of the whole machine (lab/system.h). A proxy has
 * settings, too, but no experiment file knows it.
 */
enum role {
	ROLE_NODE,
	ROLE_CLIENT,
	ROLE_HOG,
	ROLES, /* processes of a run */
	ROLE_SYSTEM = ROLES,
	ROLES_SET, /* what an experiment file has settings for */
	ROLE_PROXY = ROLES_SET,
	ROLES_ALL
};
extern const char *const role_names[]; /* by role: "node", "client", "hog", "system", "proxy" */

#define SETTING_KEY  96
#define SETTING_TEXT 4096 /* a program of 150 operations fits */

struct setting {
	enum role role;
	bool swept;	       /* by a factor; else the same in every run */
	char key[SETTING_KEY]; /* without the role: "sched.policy" */
	char text[SETTING_TEXT];
};

/* Zero is empty. */
struct settings {
	unsigned count;
	struct setting *items;
};

void settings_finish(struct settings *s);
int settings_add(struct settings *s, const struct setting *item, struct err *err);
int settings_add_all(struct settings *s, const struct settings *more, struct err *err);
const struct setting *settings_find(const struct settings *s, enum role role, const char *key);

/* Is anything set for this role? */
bool settings_has(const struct settings *s, enum role role);

/* {"node": {"threads": "2"}, "client": {...}, "hog": {...}, "system": {...}} and back. */
json_t *settings_to_json(const struct settings *s);
int settings_from_json(const json_t *json, bool swept, struct settings *ret, struct err *err);

#endif
