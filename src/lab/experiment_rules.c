/*
 * experiment_rules.c - the sections that refer to factors: baseline and exclude.
 *
 * Conditions of exclude may name any setting. Each is resolved here to the levels of one factor
 * for which it holds, so that nothing is compared as text later: a setting is changed by at most
 * one factor, and one that no factor changes holds always or never.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab/experiment_reader.h"

/* The factor of this name, also when the key is written with one of its other names. */
static int find_factor(struct reader *r, const char *key)
{
	char full[SETTING_KEY + 8];
	const struct knob_bind *bind;
	const struct knob *k;
	enum role role;
	const char *rest = reader_role(key, &role);

	snprintf(full, sizeof(full), "%.*s", SETTING_KEY - 1, key);
	k = rest ? knob_set_find(role_knobs_set(r->knobs[role]), rest, &bind) : NULL;
	if (k) {
		char name[SETTING_KEY];

		snprintf(full, sizeof(full), "%s.%s", role_names[role],
			 knob_key(bind->group, k, name, sizeof(name)));
	}
	for (unsigned i = 0; i < r->x->factor_count; i++)
		if (!strcmp(r->x->factors[i].key, full))
			return (int)i;
	return -1;
}

static int refuse_factor(struct reader *r, const char *where, const char *key,
			 const struct yaml_place *at)
{
	const char *names[FACTORS_MAX + 1] = { NULL }, *near;

	for (unsigned i = 0; i < r->x->factor_count; i++)
		names[i] = r->x->factors[i].key;
	near = nearest_word(key, names);
	return yaml_complain(at, r->err, "%s%s: no such factor%s%s%s", where, key,
			     near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

/* Index of the level, or -EINVAL after complaining. */
static int read_level_name(struct reader *r, const char *where, const struct factor *f,
			   const struct yaml *value)
{
	const char *names[LEVELS_MAX + 1] = { NULL }, *near;
	char path[256], text[SETTING_TEXT];
	int level;

	snprintf(path, sizeof(path), "%s%s", where, f->key);
	if (reader_text(r, path, value, text, sizeof(text)) < 0)
		return -EINVAL;
	level = reader_find_level(r, f, text);
	if (level >= 0)
		return level;
	for (unsigned i = 0; i < f->level_count; i++)
		names[i] = f->levels[i].text;
	near = nearest_word(text, names);
	return yaml_complain(&value->place, r->err, "%s: \"%s\" is no level of this factor%s%s%s",
			     path, text, near ? "; did you mean " : "", near ? near : "",
			     near ? "?" : "");
}

static int visit_baseline(struct reader *r, const char *where, const char *key,
			  const struct yaml *value, void *context)
{
	int factor = find_factor(r, key), level;

	if (factor < 0)
		return refuse_factor(r, where, key, &value->key_place);
	level = read_level_name(r, where, &r->x->factors[factor], value);
	if (level < 0)
		return level;
	r->x->factors[factor].baseline = (unsigned)level;
	return 0;
}

int reader_baseline(struct reader *r, const struct yaml *section)
{
	if (section->kind != YAML_MAP)
		return yaml_complain(&section->place, r->err,
				     "baseline: a map of factors and their levels belongs here");
	return reader_walk(r, "baseline.", "", section, visit_baseline, NULL);
}

static uint64_t all_levels(const struct factor *f)
{
	return f->level_count == 64 ? UINT64_MAX : (UINT64_C(1) << f->level_count) - 1;
}

/* Adds to the rule that the factor has one of these levels. */
static void add_condition(struct exclude *rule, unsigned factor, uint64_t levels)
{
	for (unsigned i = 0; i < rule->condition_count; i++) {
		if (rule->conditions[i].factor == factor) {
			rule->conditions[i].levels &= levels;
			return;
		}
	}
	rule->conditions[rule->condition_count++] = (struct condition){ factor, levels };
}

/* What this setting has for one level of the factor, or without a factor (level NULL). */
static void effective_text(struct reader *r, const struct level *level, enum role role,
			   const char *key, char buf[SETTING_TEXT])
{
	const struct setting *s = level ? settings_find(&level->settings, role, key) : NULL;

	if (!s)
		s = settings_find(&r->x->fixed, role, key);
	reader_canonical(r, role, key, s ? s->text : NULL, buf);
}

/* The factor that changes this setting, or NULL. */
static const struct factor *changing_factor(const struct experiment *x, enum role role,
					    const char *key)
{
	for (unsigned i = 0; i < x->factor_count; i++)
		for (unsigned j = 0; j < x->factors[i].level_count; j++)
			if (settings_find(&x->factors[i].levels[j].settings, role, key))
				return &x->factors[i];
	return NULL;
}

/* The levels for which the setting has the value s. Without a factor: all bits or none. */
static uint64_t matching_levels(struct reader *r, const struct factor *f, const struct setting *s)
{
	char want[SETTING_TEXT], have[SETTING_TEXT];
	uint64_t levels = 0;

	reader_canonical(r, s->role, s->key, s->text, want);
	if (!f) {
		effective_text(r, NULL, s->role, s->key, have);
		return strcmp(want, have) ? 0 : UINT64_MAX;
	}
	for (unsigned i = 0; i < f->level_count; i++) {
		effective_text(r, &f->levels[i], s->role, s->key, have);
		if (!strcmp(want, have))
			levels |= UINT64_C(1) << i;
	}
	return levels;
}

/* A condition is one value or a list of them; visits each. */
static const struct yaml *first_value(const struct yaml *value)
{
	return value->kind == YAML_LIST ? value->child : value;
}

static const struct yaml *next_value(const struct yaml *list, const struct yaml *value)
{
	return list->kind == YAML_LIST ? value->next : NULL;
}

static int factor_condition(struct reader *r, const char *where, int factor,
			    const struct yaml *value, struct exclude *rule)
{
	uint64_t levels = 0;

	for (const struct yaml *y = first_value(value); y; y = next_value(value, y)) {
		int level = read_level_name(r, where, &r->x->factors[factor], y);

		if (level < 0)
			return level;
		levels |= UINT64_C(1) << level;
	}
	add_condition(rule, (unsigned)factor, levels);
	return 0;
}

static int setting_condition(struct reader *r, const char *where, const char *key,
			     const struct yaml *value, struct exclude *rule)
{
	enum role role;
	const char *rest = reader_role(key, &role);
	const struct factor *f = NULL;
	uint64_t levels = 0;
	struct setting s;
	char have[SETTING_TEXT];

	for (const struct yaml *y = first_value(value); y; y = next_value(value, y)) {
		if (reader_setting(r, where, role, rest, &value->key_place, y, &s) < 0)
			return -EINVAL;
		f = changing_factor(r->x, role, s.key);
		levels |= matching_levels(r, f, &s);
	}
	if (f)
		add_condition(rule, (unsigned)(f - r->x->factors), levels & all_levels(f));
	if (f || levels)
		return 0;
	effective_text(r, NULL, role, s.key, have);
	return yaml_complain(&value->place, r->err,
			     "%s%s: applies to no configuration: it is always \"%s\"", where, key,
			     have);
}

static void add_rule_text(struct exclude *rule, const char *key, const struct yaml *value)
{
	size_t len = strlen(rule->rule), size = sizeof(rule->rule);

	snprintf(rule->rule + len, size - len, "%s%s:", len ? ", " : "", key);
	for (const struct yaml *y = first_value(value); y; y = next_value(value, y)) {
		len = strlen(rule->rule);
		snprintf(rule->rule + len, size - len, " %s", y->text ? y->text : "");
	}
}

static int visit_condition(struct reader *r, const char *where, const char *key,
			   const struct yaml *value, void *context)
{
	struct exclude *rule = context;
	int factor = find_factor(r, key);
	enum role role;

	if (value->kind == YAML_LIST && !value->child)
		return yaml_complain(&value->place, r->err, "%s%s: no values", where, key);
	add_rule_text(rule, key, value);
	if (factor >= 0)
		return factor_condition(r, where, factor, value, rule);
	if (!reader_role(key, &role))
		return refuse_factor(r, where, key, &value->key_place);
	return setting_condition(r, where, key, value, rule);
}

/* A rule that excludes nothing, or everything, is a mistake and not a wish. */
static int check_rule(struct reader *r, const struct exclude *rule, const struct yaml_place *at)
{
	struct experiment alone = *r->x;
	unsigned combinations = experiment_combinations(r->x), count = 0;
	unsigned levels[FACTORS_MAX];

	alone.excludes = (struct exclude *)rule;
	alone.exclude_count = 1;
	for (unsigned i = 0; i < combinations; i++) {
		experiment_levels(&alone, i, levels);
		count += experiment_excluded(&alone, levels) != NULL;
	}
	if (!count)
		return yaml_complain(at, r->err, "exclude: this rule applies to no configuration");
	if (count == combinations)
		return yaml_complain(at, r->err,
				     "exclude: this rule applies to every configuration");
	for (unsigned i = 0; i < r->x->factor_count; i++)
		levels[i] = r->x->factors[i].baseline;
	if (experiment_excluded(&alone, levels))
		return yaml_complain(at, r->err,
				     "exclude: this rule applies to the baseline, which "
				     "everything is compared with");
	return 0;
}

static int check_rule_keys(struct reader *r, const struct yaml *y)
{
	const struct yaml *condition = y->kind == YAML_MAP ? yaml_get(y, "if") : NULL;

	if (!condition || condition->kind != YAML_MAP || !condition->child)
		return yaml_complain(
			&y->place, r->err,
			"exclude: a rule is {if: {FACTOR: LEVEL, ...}, why: \"reason\"}");
	for (const struct yaml *key = y->child; key; key = key->next)
		if (strcmp(key->key, "if") && strcmp(key->key, "why"))
			return yaml_complain(&key->key_place, r->err,
					     "exclude.%s: a rule takes if and why", key->key);
	if (!yaml_get(y, "why"))
		return yaml_complain(&y->place, r->err,
				     "exclude: a rule must say why: add why: \"reason\"");
	return 0;
}

static int read_rule(struct reader *r, const struct yaml *y)
{
	struct exclude *rule = &r->x->excludes[r->x->exclude_count];
	int rc = check_rule_keys(r, y);

	if (rc == 0)
		rc = reader_text(r, "exclude.why", yaml_get(y, "why"), rule->why,
				 sizeof(rule->why));
	if (rc == 0 && !*rule->why)
		rc = yaml_complain(&yaml_get(y, "why")->place, r->err, "exclude.why: is empty");
	if (rc == 0)
		rc = reader_walk(r, "exclude.", "", yaml_get(y, "if"), visit_condition, rule);
	if (rc == 0)
		rc = check_rule(r, rule, &y->place);
	if (rc == 0)
		r->x->exclude_count++;
	return rc;
}

int reader_exclude(struct reader *r, const struct yaml *section)
{
	int rc = 0;

	if (section->kind != YAML_LIST && !section->missing)
		return yaml_complain(&section->place, r->err,
				     "exclude: a list of rules belongs here");
	if (section->count > EXCLUDES_MAX)
		return yaml_complain(&section->place, r->err, "exclude: more than %d rules",
				     EXCLUDES_MAX);
	r->x->excludes = calloc(EXCLUDES_MAX, sizeof(*r->x->excludes));
	if (!r->x->excludes)
		return err_sys(r->err, -ENOMEM, "exclude");
	for (const struct yaml *y = section->child; y && rc == 0; y = y->next)
		rc = read_rule(r, y);
	return rc;
}
