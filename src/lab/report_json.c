/*
 * report_json.c - verdict.json: everything in the analysis, for other programs.
 *
 * Ratios, not percent; times in ns; a number that is not there is null. `schema` goes up when a
 * name or a meaning changes, not when one is added.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lab/compare.h"
#include "lab/reasons.h"
#include "lab/taken.h"

#define SCHEMA 1

static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

/* JSON is UTF-8 and labels may be anything: then what is not ASCII becomes a question mark. */
static json_t *text_json(const char *text)
{
	json_t *json = json_string(text);
	char *copy;

	if (json)
		return json;
	copy = strdup(text);
	for (char *c = copy; c && *c; c++)
		if (*c & 0x80)
			*c = '?';
	json = json_string(copy);
	free(copy);
	return json;
}

static json_t *interval(double low, double high)
{
	return json_pack("[o, o]", number(low), number(high));
}

static json_t *effect_json(const struct effect *e)
{
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:b, s:i}", "pairs",
			 (int)e->n, "ratio", number(e->ratio), "interval95",
			 interval(e->low, e->high), "interval90", interval(e->low90, e->high90),
			 "sd_log", number(e->sd), "p", number(e->p), "p_holm", number(e->p_holm),
			 "says", says_names[e->says], "small", e->small, "methods_disagree",
			 e->methods_disagree, "blocks_needed", (int)e->blocks_needed);
}

/* By name of the metric; those without a single pair are left out. */
static json_t *effects_json(const struct effect *effects)
{
	json_t *object = json_object();

	for (int m = 0; m < METRICS; m++)
		if (effects[m].n)
			json_object_set_new(object, metric_infos[m].name, effect_json(&effects[m]));
	return object;
}

static json_t *values_json(const struct estimate *at)
{
	json_t *object = json_object();

	for (int m = 0; m < METRICS; m++)
		if (isfinite(at[m].value))
			json_object_set_new(object, metric_infos[m].name,
					    json_pack("{s:o, s:o}", "value", number(at[m].value),
						      "interval95",
						      interval(at[m].low, at[m].high)));
	return object;
}

static json_t *levels_json(const struct dataset *d, const struct lab_config *c)
{
	json_t *object = json_object();

	for (unsigned f = 0; f < d->factor_count; f++)
		json_object_set_new(object, d->factors[f].key,
				    text_json(d->factors[f].levels[c->levels[f]]));
	return object;
}

/* Which counters moved with the effect: why.h. */
static json_t *moved_json(const struct config_summary *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < s->moved_count; i++) {
		const struct moved *m = &s->moved[i];

		json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o}", "metric",
						      metric_infos[m->metric].name, "ratio",
						      number(m->effect.ratio), "interval95",
						      interval(m->effect.low, m->effect.high),
						      "p_adjusted", number(m->p_adjusted)));
	}
	return list;
}

static json_t *config_json(const struct analysis *a, unsigned config)
{
	const struct config_summary *s = &a->configs[config];
	const struct lab_config *c = &a->data->configs[config];

	return json_pack(
		"{s:o, s:o, s:b, s:b, s:o, s:b, s:i, s:b, s:i, s:i, s:i, s:i, s:o, s:o, s:o}",
		"label", text_json(c->label), "levels", levels_json(a->data, c), "baseline",
		config == a->data->baseline, "possible", c->possible, "why", text_json(c->why),
		"takes_part", s->takes_part, "rank", (int)s->rank, "in_best_set", s->in_best_set,
		"usable", (int)s->usable, "suspect", (int)s->suspect, "invalid", (int)s->invalid,
		"failed", (int)s->failed, "values", values_json(s->at), "effects",
		effects_json(s->effect), "moved", moved_json(s));
}

static json_t *configs_json(const struct analysis *a)
{
	json_t *list = json_array();

	for (unsigned c = 0; c < a->data->config_count; c++)
		json_array_append_new(list, config_json(a, c));
	return list;
}

static json_t *factors_json(const struct analysis *a)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < a->level_count; i++) {
		const struct level_effect *l = &a->levels[i];
		const struct lab_factor *f = &a->data->factors[l->factor];

		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:i, s:o}", "factor", f->key,
						"level", f->levels[l->level], "against",
						f->levels[f->baseline], "pairs", (int)l->pairs,
						"effects", effects_json(l->effect)));
	}
	return list;
}

static json_t *absent_json(const struct analysis *a)
{
	json_t *list = json_array();
	struct absent absent;

	for (unsigned i = 0; i < reasons_count(a); i++)
		if (reasons_absent(a, i, &absent))
			json_array_append_new(
				list, json_pack("{s:s, s:s, s:s}", "label", absent.label, "kind",
						absence_names[absent.kind], "why", absent.why));
	return list;
}

/* What the kernel made of the settings, ok or not. */
static json_t *taken_json(const struct dataset *d)
{
	json_t *list = json_array();

	for (unsigned i = 0; d->taken && i < d->taken->count; i++) {
		const struct taken *t = &d->taken->items[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:o, s:o, s:s, s:o, s:i, s:i}", "role",
						role_names[t->role], "name", t->report.name,
						"requested", text_json(t->report.requested),
						"effective", text_json(t->report.effective),
						"verdict", verdict_names[t->report.verdict], "why",
						text_json(t->report.why), "configurations",
						(int)t->configs, "runs", (int)t->runs));
	}
	return list;
}

static json_t *margins_json(const struct dataset *d)
{
	json_t *object = json_object();

	for (int m = 0; m < METRICS; m++)
		json_object_set_new(object, metric_infos[m].name, number(d->margin[m]));
	return object;
}

static json_t *aa_json(const struct analysis *a)
{
	json_t *resolution = json_object();

	for (int m = 0; m < METRICS; m++)
		json_object_set_new(resolution, metric_infos[m].name, number(a->resolution[m]));
	return json_pack("{s:b, s:o, s:o}", "suspicious", a->aa_suspicious, "resolution",
			 resolution, "effects", effects_json(a->aa));
}

static json_t *verdict_json(const struct analysis *a)
{
	const struct dataset *d = a->data;

	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:I, s:i, s:i, s:{s:i, s:i, s:i, s:i, s:i}, "
			 "s:s, s:o*, s:o, s:o, s:{s:o, s:o}, s:o, s:o, s:o, s:o}",
			 "schema", SCHEMA, "name", text_json(d->name), "file", text_json(d->file),
			 "command", text_json(d->command), "headline", text_json(a->headline),
			 "seed", (json_int_t)d->seed, "blocks", (int)d->block_count, "blocks_run",
			 (int)a->blocks, "runs", "all", (int)d->run_count, "usable", (int)a->usable,
			 "suspect", (int)a->suspect, "invalid", (int)a->invalid, "failed",
			 (int)a->failed, "primary", metric_infos[d->primary].name, "best",
			 a->ranked ? text_json(d->configs[a->best].label) : NULL, "margins",
			 margins_json(d), "aa", aa_json(a), "drift", "share",
			 number(a->drift_share), "p", number(a->drift_p), "factors",
			 factors_json(a), "configurations", configs_json(a), "absent",
			 absent_json(a), "settings", taken_json(d));
}

int report_json(const struct analysis *a, FILE *out, struct err *err)
{
	json_t *json = verdict_json(a);
	int code = 0;

	if (!json)
		return err_set(err, -ENOMEM, "no memory for the verdict");
	if (json_dumpf(json, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) < 0 ||
	    fputc('\n', out) == EOF || fflush(out))
		code = err_sys(err, errno ? -errno : -EIO, "writing the verdict");
	json_decref(json);
	return code;
}
