/*
 * plan_json.c - a plan on disk and back, so that a sweep can go on where it was stopped.
 *
 * All that the runs need is in it; the experiment file is not read again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab/files.h"
#include "lab/plan.h"

#define PLAN_VERSION 1

static json_t *factors_to_json(const struct experiment *x)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < x->factor_count; i++) {
		const struct factor *f = &x->factors[i];
		json_t *levels = json_array();

		for (unsigned j = 0; j < f->level_count; j++)
			json_array_append_new(levels,
					      json_pack("{s:s, s:o}", "level", f->levels[j].text,
							"settings",
							settings_to_json(&f->levels[j].settings)));
		json_array_append_new(list,
				      json_pack("{s:s, s:i, s:o}", "factor", f->key, "baseline",
						(int)f->baseline, "levels", levels));
	}
	return list;
}

static json_t *configs_to_json(const struct plan *plan)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < plan->config_count; i++) {
		const struct plan_config *c = &plan->configs[i];
		json_t *levels = json_array();

		for (unsigned j = 0; j < plan->experiment->factor_count; j++)
			json_array_append_new(levels, json_integer(c->levels[j]));
		json_array_append_new(list,
				      json_pack("{s:s, s:o, s:b, s:s, s:I, s:I}", "label", c->label,
						"levels", levels, "possible", c->possible, "why",
						c->why, "expected_ns", (json_int_t)c->expected_ns,
						"limit_ns", (json_int_t)c->limit_ns));
	}
	return list;
}

static json_t *excluded_to_json(const struct plan *plan)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < plan->excluded_count; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:s}", "label", plan->excluded[i].label,
						"why", plan->excluded[i].why));
	return list;
}

/* Numbers of configurations in the order of their runs; -1 is the A/A run. */
static json_t *blocks_to_json(const struct plan *plan)
{
	json_t *list = json_array();

	for (unsigned b = 0; b < plan->experiment->blocks; b++) {
		json_t *runs = json_array();

		for (unsigned p = 0; p < plan->slot_count; p++) {
			const struct plan_slot *slot = plan_slot(plan, b, p);

			json_array_append_new(runs,
					      json_integer(slot->is_aa ? -1 : (int)slot->config));
		}
		json_array_append_new(list,
				      json_pack("{s:I, s:o}", "workload_seed",
						(json_int_t)plan->block_seeds[b], "runs", runs));
	}
	return list;
}

static json_t *margins_to_json(const struct experiment *x)
{
	json_t *margins = json_object();

	for (int i = 0; i < METRICS; i++)
		json_object_set_new(margins, metric_infos[i].name, json_real(x->margin[i]));
	return margins;
}

static json_t *given_to_json(const struct experiment *x)
{
	json_t *given = json_array();

	for (int i = 0; i < METRICS; i++)
		if (x->margin_given[i])
			json_array_append_new(given, json_string(metric_infos[i].name));
	return given;
}

json_t *plan_to_json(const struct plan *plan)
{
	const struct experiment *x = plan->experiment;

	return json_pack("{s:i, s:s, s:s, s:s, s:I, s:I, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:i, "
			 "s:o, s:o, s:o, s:O}",
			 "version", PLAN_VERSION, "sweep", x->name, "file", x->file, "command",
			 plan->command, "created_epoch_ns", (json_int_t)plan->created_epoch_ns,
			 "seed", (json_int_t)plan->seed, "repeat", (int)x->repeat, "primary",
			 metric_infos[x->primary].name, "margins", margins_to_json(x),
			 "margins_given", given_to_json(x), "settings", settings_to_json(&x->fixed),
			 "factors", factors_to_json(x), "configs", configs_to_json(plan),
			 "baseline", (int)plan->baseline, "excluded", excluded_to_json(plan),
			 "blocks", blocks_to_json(plan), "observe", observe_to_json(&x->observe),
			 "environment", plan->environment);
}

int plan_save(const struct plan *plan, const char *path, struct err *err)
{
	json_t *json = plan_to_json(plan);
	int rc = json ? file_write_json(path, json, err) : err_sys(err, -ENOMEM, "%s", path);

	json_decref(json);
	return rc;
}

/* Reading back. The file may have been edited: every number is checked before it is an index. */

static bool get_text(const json_t *json, const char *key, char *buf, size_t size)
{
	const json_t *value = json_object_get(json, key);

	if (!json_is_string(value) || json_string_length(value) >= size)
		return false;
	strcpy(buf, json_string_value(value));
	return true;
}

static bool get_number(const json_t *json, const char *key, json_int_t min, json_int_t max,
		       json_int_t *ret)
{
	const json_t *value = json_object_get(json, key);

	if (!json_is_integer(value) || json_integer_value(value) < min ||
	    json_integer_value(value) > max)
		return false;
	*ret = json_integer_value(value);
	return true;
}

static bool read_level(const json_t *json, struct level *level)
{
	return get_text(json, "level", level->text, sizeof(level->text)) &&
	       settings_from_json(json_object_get(json, "settings"), true, &level->settings,
				  NULL) == 0;
}

static bool read_factor(const json_t *json, struct factor *f)
{
	const json_t *levels = json_object_get(json, "levels"), *level;
	size_t count = json_array_size(levels), i;
	json_int_t baseline;

	if (!count || count > LEVELS_MAX || !get_text(json, "factor", f->key, sizeof(f->key)) ||
	    !get_number(json, "baseline", 0, (json_int_t)count - 1, &baseline))
		return false;
	f->baseline = (unsigned)baseline;
	f->levels = calloc(count, sizeof(*f->levels));
	if (!f->levels)
		return false;
	f->level_count = (unsigned)count;
	json_array_foreach(levels, i, level)
	{
		if (!read_level(level, &f->levels[i]))
			return false;
	}
	return true;
}

static bool read_factors(const json_t *list, struct experiment *x)
{
	size_t count = json_array_size(list), i;
	const json_t *factor;

	if (!count || count > FACTORS_MAX)
		return false;
	x->factors = calloc(count, sizeof(*x->factors));
	if (!x->factors)
		return false;
	json_array_foreach(list, i, factor)
	{
		x->factor_count++;
		if (!read_factor(factor, &x->factors[i]))
			return false;
	}
	return experiment_combinations(x) <= CONFIGS_MAX;
}

/* A sweep from before there was this metric has no margin for it. */
static void read_margin(const json_t *json, double *ret, double otherwise)
{
	*ret = json_is_number(json) ? json_number_value(json) : otherwise;
}

/* One from before it was kept which were given has none. */
static bool read_margins(const json_t *json, struct experiment *x)
{
	const json_t *given;
	size_t i;

	for (int m = 0; m < METRICS; m++)
		read_margin(json_object_get(json_object_get(json, "margins"), metric_infos[m].name),
			    &x->margin[m], metric_infos[m].margin);
	json_array_foreach(json_object_get(json, "margins_given"), i, given)
	{
		int metric =
			json_is_string(given) ? metric_find(json_string_value(given), NULL) : -1;

		if (metric < 0)
			return false;
		x->margin_given[metric] = true;
	}
	return true;
}

static bool read_experiment(const json_t *json, struct experiment *x)
{
	char primary[32];
	json_int_t repeat;
	int metric;

	if (!get_text(json, "sweep", x->name, sizeof(x->name)) ||
	    !get_text(json, "file", x->file, sizeof(x->file)) ||
	    !get_text(json, "primary", primary, sizeof(primary)) ||
	    !get_number(json, "repeat", 0, 1000, &repeat))
		return false;
	metric = metric_find(primary, NULL);
	if (metric < 0)
		return false;
	x->primary = (enum metric)metric;
	x->repeat = (unsigned)repeat;
	return read_margins(json, x) &&
	       observe_from_json(json_object_get(json, "observe"), &x->observe, NULL) == 0 &&
	       settings_from_json(json_object_get(json, "settings"), false, &x->fixed, NULL) == 0 &&
	       read_factors(json_object_get(json, "factors"), x);
}

static bool read_config(const json_t *json, const struct experiment *x, struct plan_config *c)
{
	const json_t *levels = json_object_get(json, "levels"), *level;
	json_int_t expected, limit;
	size_t i;

	if (!get_text(json, "label", c->label, sizeof(c->label)) ||
	    !get_text(json, "why", c->why, sizeof(c->why)) ||
	    !get_number(json, "expected_ns", 0, INT64_MAX / 4, &expected) ||
	    !get_number(json, "limit_ns", 1, INT64_MAX / 4, &limit) ||
	    json_array_size(levels) != x->factor_count)
		return false;
	c->possible = json_is_true(json_object_get(json, "possible"));
	c->expected_ns = expected;
	c->limit_ns = limit;
	c->levels = calloc(x->factor_count, sizeof(*c->levels));
	json_array_foreach(levels, i, level)
	{
		json_int_t n = json_integer_value(level);

		if (!c->levels || n < 0 || n >= x->factors[i].level_count)
			return false;
		c->levels[i] = (unsigned)n;
	}
	return true;
}

static bool read_configs(const json_t *list, struct plan *plan)
{
	size_t count = json_array_size(list), i;
	const json_t *config;

	if (!count || count > CONFIGS_MAX)
		return false;
	plan->configs = calloc(count, sizeof(*plan->configs));
	if (!plan->configs)
		return false;
	json_array_foreach(list, i, config)
	{
		plan->config_count++;
		if (!read_config(config, plan->experiment, &plan->configs[i]))
			return false;
	}
	return true;
}

static bool read_excluded(const json_t *list, struct plan *plan)
{
	size_t count = json_array_size(list), i;
	const json_t *item;

	plan->excluded = calloc(count + 1, sizeof(*plan->excluded));
	if (!plan->excluded || count > CONFIGS_MAX)
		return false;
	json_array_foreach(list, i, item)
	{
		struct lab_excluded *e = &plan->excluded[plan->excluded_count++];

		if (!get_text(item, "label", e->label, sizeof(e->label)) ||
		    !get_text(item, "why", e->why, sizeof(e->why)))
			return false;
	}
	return true;
}

static bool read_block(const json_t *json, struct plan *plan, size_t block)
{
	const json_t *runs = json_object_get(json, "runs"), *run;
	json_int_t seed;
	size_t i;

	if (json_array_size(runs) != plan->slot_count ||
	    !get_number(json, "workload_seed", 1, INT64_MAX, &seed))
		return false;
	plan->block_seeds[block] = seed;
	json_array_foreach(runs, i, run)
	{
		json_int_t n = json_integer_value(run);

		if (n < -1 || n >= plan->config_count)
			return false;
		plan->slots[block * plan->slot_count + i] = (struct plan_slot){
			.config = n < 0 ? plan->baseline : (unsigned)n,
			.is_aa = n < 0,
		};
	}
	return true;
}

static bool read_blocks(const json_t *list, struct plan *plan)
{
	size_t count = json_array_size(list), i;
	const json_t *block;

	if (!count || count > BLOCKS_MAX)
		return false;
	plan->experiment->blocks = (unsigned)count;
	plan->slot_count =
		(unsigned)json_array_size(json_object_get(json_array_get(list, 0), "runs"));
	if (plan->slot_count > plan->config_count + 1)
		return false;
	plan->slots = calloc(count * plan->slot_count + 1, sizeof(*plan->slots));
	plan->block_seeds = calloc(count, sizeof(*plan->block_seeds));
	if (!plan->slots || !plan->block_seeds)
		return false;
	json_array_foreach(list, i, block)
	{
		if (!read_block(block, plan, i))
			return false;
	}
	return true;
}

static bool read_plan(const json_t *json, struct plan *plan)
{
	json_int_t version, seed, baseline, created;

	if (!get_number(json, "version", PLAN_VERSION, PLAN_VERSION, &version) ||
	    !get_number(json, "seed", 1, INT64_MAX, &seed) ||
	    !get_number(json, "created_epoch_ns", 0, INT64_MAX, &created) ||
	    !get_text(json, "command", plan->command, sizeof(plan->command)) ||
	    !read_experiment(json, plan->experiment) ||
	    !read_configs(json_object_get(json, "configs"), plan) ||
	    !get_number(json, "baseline", 0, plan->config_count - 1, &baseline))
		return false;
	plan->seed = plan->experiment->seed = (uint64_t)seed;
	plan->created_epoch_ns = created;
	plan->baseline = (unsigned)baseline;
	plan->environment = json_incref(json_object_get(json, "environment"));
	return read_excluded(json_object_get(json, "excluded"), plan) &&
	       read_blocks(json_object_get(json, "blocks"), plan) && plan->environment;
}

int plan_from_json(const json_t *json, struct plan **ret, struct err *err)
{
	struct plan *plan = calloc(1, sizeof(*plan));

	if (plan)
		plan->experiment = calloc(1, sizeof(*plan->experiment));
	if (!plan || !plan->experiment) {
		plan_destroy(plan);
		return err_sys(err, -ENOMEM, "plan");
	}
	if (read_plan(json, plan)) {
		*ret = plan;
		return 0;
	}
	plan_destroy(plan);
	return err_set(err, -EINVAL, "not the plan of a sweep, or one of another version");
}

int plan_load(const char *path, struct plan **ret, struct err *err)
{
	json_t *json;
	int rc = file_read_json(path, &json, err);

	if (rc == -ENOENT || rc == -ENOTDIR)
		return err_set(err, -EINVAL, "%s: there is none, so this is no sweep's folder",
			       path);
	if (rc < 0)
		return rc;
	rc = plan_from_json(json, ret, err);
	json_decref(json);
	return rc < 0 ? err_wrap(err, "%s", path) : 0;
}
