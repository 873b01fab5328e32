/*
 * experiment_factors.c - the section that says what is compared: settings with several values, and
 * named bundles of settings.
 *
 * A setting is changed by at most one factor and is not fixed at the same time, so that every
 * configuration is what its label says. experiment_rules.c relies on that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab/experiment_reader.h"

/* Does one of the factor's levels set this? */
static bool factor_sets(const struct factor *f, enum role role, const char *key)
{
	for (unsigned i = 0; i < f->level_count; i++)
		if (settings_find(&f->levels[i].settings, role, key))
			return true;
	return false;
}

static int check_only_setter(struct reader *r, const struct factor *f, const struct setting *s,
			     const struct yaml_place *at)
{
	const char *role = role_names[s->role];

	if (settings_find(&r->x->fixed, s->role, s->key))
		return yaml_complain(
			at, r->err, "factors.%s: %s.%s is also fixed under %s; keep one of the two",
			f->key, role, s->key, role);
	for (unsigned i = 0; &r->x->factors[i] < f; i++)
		if (factor_sets(&r->x->factors[i], s->role, s->key))
			return yaml_complain(at, r->err,
					     "factors.%s: %s.%s is also set by factor %s", f->key,
					     role, s->key, r->x->factors[i].key);
	return 0;
}

static int add_level_setting(struct reader *r, const struct factor *f, struct level *level,
			     struct setting *s, const struct yaml_place *at)
{
	int rc = check_only_setter(r, f, s, at);

	if (rc < 0)
		return rc;
	if (settings_find(&level->settings, s->role, s->key))
		return yaml_complain(at, r->err, "factors.%s.%s: %s.%s is given twice", f->key,
				     level->text, role_names[s->role], s->key);
	s->swept = true;
	return settings_add(&level->settings, s, r->err);
}

/* Same value, or same bundle name. */
static bool same_level(struct reader *r, const struct factor *f, const struct level *level,
		       const char *text)
{
	const struct setting *s = level->settings.items;
	char a[SETTING_TEXT], b[SETTING_TEXT];

	if (f->is_bundle)
		return !strcmp(level->text, text);
	reader_canonical(r, s->role, s->key, s->text, a);
	reader_canonical(r, s->role, s->key, text, b);
	return !strcmp(a, b);
}

int reader_find_level(struct reader *r, const struct factor *f, const char *text)
{
	for (unsigned i = 0; i < f->level_count; i++)
		if (same_level(r, f, &f->levels[i], text))
			return (int)i;
	return -1;
}

static int check_new_level(struct reader *r, const struct factor *f, const char *text,
			   const struct yaml_place *at)
{
	int same = reader_find_level(r, f, text);
	const char *other = same >= 0 ? f->levels[same].text : "";
	bool is_spelt_so = !strcmp(other, text);

	if (same >= 0)
		return yaml_complain(at, r->err, "factors.%s: \"%s\" is a level twice%s%s%s",
				     f->key, text, is_spelt_so ? "" : ": the same as \"",
				     is_spelt_so ? "" : other, is_spelt_so ? "" : "\"");
	if (strlen(text) >= LEVEL_TEXT)
		return yaml_complain(at, r->err,
				     "factors.%s: longer than %d bytes; give it a name in a bundle",
				     f->key, LEVEL_TEXT - 1);
	return 0;
}

/* Room for one level more; counted only when it is complete. */
static struct level *next_level(struct reader *r, struct factor *f, const struct yaml_place *at)
{
	struct level *levels;

	if (f->level_count == LEVELS_MAX) {
		yaml_complain(at, r->err, "factors.%s: more than %d levels", f->key, LEVELS_MAX);
		return NULL;
	}
	levels = realloc(f->levels, (f->level_count + 1) * sizeof(*levels));
	if (!levels) {
		err_sys(r->err, -ENOMEM, "factors");
		return NULL;
	}
	f->levels = levels;
	levels[f->level_count] = (struct level){ 0 };
	return &levels[f->level_count];
}

static struct factor *next_factor(struct reader *r, const char *key, const struct yaml_place *at)
{
	struct experiment *x = r->x;
	struct factor *f;

	if (x->factor_count == FACTORS_MAX || strlen(key) >= SETTING_KEY) {
		yaml_complain(at, r->err,
			      "factors.%.60s: more than %d factors, or a name longer "
			      "than %d bytes",
			      key, FACTORS_MAX, SETTING_KEY - 1);
		return NULL;
	}
	if (!x->factors)
		x->factors = calloc(FACTORS_MAX, sizeof(*x->factors));
	if (!x->factors) {
		err_sys(r->err, -ENOMEM, "factors");
		return NULL;
	}
	f = &x->factors[x->factor_count++];
	strcpy(f->key, key);
	return f;
}

static int check_levels(struct reader *r, const struct factor *f, const struct yaml_place *at)
{
	if (!f->level_count)
		return yaml_complain(at, r->err, "factors.%s: no levels", f->key);
	if (experiment_combinations(r->x) > CONFIGS_MAX)
		return yaml_complain(at, r->err, "factors: more than %d combinations", CONFIGS_MAX);
	return 0;
}

static int read_level(struct reader *r, struct factor *f, enum role role, const char *key,
		      const struct yaml *list, const struct yaml *item)
{
	struct level *level = next_level(r, f, &item->place);
	struct setting s;
	int rc = level ? 0 : -EINVAL;

	if (rc == 0)
		rc = reader_setting(r, "factors.", role, key, &list->key_place, item, &s);
	if (rc == 0)
		rc = check_new_level(r, f, s.text, &item->place);
	if (rc < 0)
		return rc;
	strcpy(level->text, s.text);
	f->level_count++;
	return add_level_setting(r, f, level, &s, &list->key_place);
}

/* node.threads: [1, 2] */
static int visit_factor(struct reader *r, const char *where, const char *key,
			const struct yaml *value, void *context)
{
	struct setting first;
	enum role role;
	const char *rest = reader_role(key, &role);
	char full[SETTING_KEY + 8];
	struct factor *f;
	int rc;

	if (value->kind != YAML_LIST)
		return yaml_complain(&value->place, r->err,
				     "%s%s: a list of levels belongs here, such as [a, b]", where,
				     key);
	if (!value->child)
		return yaml_complain(&value->place, r->err, "%s%s: no levels", where, key);
	rc = reader_setting(r, where, role, rest, &value->key_place, value->child, &first);
	if (rc < 0)
		return rc;
	snprintf(full, sizeof(full), "%s.%s", role_names[role], first.key);
	f = next_factor(r, full, &value->key_place);
	if (!f)
		return -EINVAL;
	for (const struct yaml *y = value->child; y && rc == 0; y = y->next)
		rc = read_level(r, f, role, rest, value, y);
	return rc < 0 ? rc : check_levels(r, f, &value->place);
}

struct bundle {
	struct factor *factor;
	struct level *level;
};

static int visit_bundle(struct reader *r, const char *where, const char *key,
			const struct yaml *value, void *context)
{
	struct bundle *b = context;
	struct setting s;
	enum role role;
	const char *rest = reader_role(key, &role);
	int rc;

	if (!rest)
		return yaml_complain(&value->key_place, r->err,
				     "%s%s: a setting begins with node., client., hog. or system.",
				     where, key);
	rc = reader_setting(r, where, role, rest, &value->key_place, value, &s);
	return rc < 0 ? rc : add_level_setting(r, b->factor, b->level, &s, &value->key_place);
}

/* placement: {same: {node.pin.cpus: "0"}, split: {...}} */
static int read_bundles(struct reader *r, const struct yaml *section)
{
	struct factor *f = next_factor(r, section->key, &section->key_place);
	char where[200];
	int rc = f ? 0 : -EINVAL;

	if (f)
		f->is_bundle = true;
	for (const struct yaml *y = section->child; y && rc == 0; y = y->next) {
		struct bundle b = { f, next_level(r, f, &y->place) };

		rc = b.level ? check_new_level(r, f, y->key, &y->key_place) : -EINVAL;
		if (rc == 0 && y->kind != YAML_MAP && !y->missing)
			rc = yaml_complain(&y->place, r->err,
					   "factors.%s.%s: a map of settings belongs here", f->key,
					   y->key);
		if (rc < 0)
			break;
		strcpy(b.level->text, y->key);
		f->level_count++;
		snprintf(where, sizeof(where), "factors.%s.%s.", f->key, y->key);
		rc = reader_walk(r, where, "", y, visit_bundle, &b);
	}
	return rc < 0 ? rc : check_levels(r, f, &section->place);
}

static bool is_role_section(const char *key)
{
	enum role role;

	for (int i = 0; i < ROLES_SET; i++)
		if (!strcmp(key, role_names[i]))
			return true;
	return reader_role(key, &role);
}

static int read_factor(struct reader *r, const struct yaml *y)
{
	if (is_role_section(y->key) && y->kind == YAML_MAP)
		return reader_walk(r, "factors.", y->key, y, visit_factor, NULL);
	if (is_role_section(y->key) && strchr(y->key, '.'))
		return visit_factor(r, "factors.", y->key, y, NULL);
	if (y->kind == YAML_MAP && !is_role_section(y->key))
		return read_bundles(r, y);
	return yaml_complain(
		&y->key_place, r->err,
		"factors.%s: neither a setting (node.KEY, client.KEY, hog.KEY, system.KEY) with a "
		"list of values nor a name with bundles",
		y->key);
}

int reader_factors(struct reader *r, const struct yaml *section)
{
	int rc = 0;

	if (section->kind != YAML_MAP || !section->child)
		return yaml_complain(&section->place, r->err,
				     "factors: a map of factors belongs here");
	for (const struct yaml *y = section->child; y && rc == 0; y = y->next)
		rc = read_factor(r, y);
	return rc;
}
