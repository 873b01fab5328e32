/*
 * store.c - from a sweep's folder to a dataset.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/store.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "lab/files.h"

static void auto_plan(struct plan **plan)
{
	plan_destroy(*plan);
}

const char *store_plan_path(const char *folder, char *buf, size_t size)
{
	snprintf(buf, size, "%s/plan.json", folder);
	return buf;
}

static int fill_factor(struct lab_factor *to, const struct factor *f)
{
	snprintf(to->key, sizeof(to->key), "%s", f->key);
	to->baseline = f->baseline;
	to->levels = calloc(f->level_count, sizeof(*to->levels));
	if (!to->levels)
		return -ENOMEM;
	to->level_count = f->level_count;
	for (unsigned i = 0; i < f->level_count; i++)
		snprintf(to->levels[i], sizeof(to->levels[i]), "%s", f->levels[i].text);
	return 0;
}

static int fill_config(struct lab_config *to, const struct plan_config *c, unsigned factors)
{
	snprintf(to->label, sizeof(to->label), "%s", c->label);
	snprintf(to->why, sizeof(to->why), "%s", c->why);
	to->possible = c->possible;
	to->levels = calloc(factors, sizeof(*to->levels));
	if (!to->levels)
		return -ENOMEM;
	memcpy(to->levels, c->levels, factors * sizeof(*to->levels));
	return 0;
}

/* {"node.threads": "2", ...} */
static json_t *common_settings(const struct settings *s)
{
	json_t *out = json_object();
	char key[SETTING_KEY + 16];

	for (unsigned i = 0; i < s->count; i++) {
		snprintf(key, sizeof(key), "%s.%s", role_names[s->items[i].role], s->items[i].key);
		json_object_set_new(out, key, json_string(s->items[i].text));
	}
	return out;
}

static int fill_plan(struct dataset *d, const struct plan *plan)
{
	const struct experiment *x = plan->experiment;
	int rc = 0;

	snprintf(d->name, sizeof(d->name), "%s", x->name);
	snprintf(d->file, sizeof(d->file), "%s", x->file);
	snprintf(d->command, sizeof(d->command), "%s", plan->command);
	d->block_count = x->blocks;
	d->baseline = plan->baseline;
	d->primary = x->primary;
	d->seed = plan->seed;
	memcpy(d->margin, x->margin, sizeof(d->margin));
	memcpy(d->margin_given, x->margin_given, sizeof(d->margin_given));
	d->environment = json_deep_copy(plan->environment);
	d->settings = common_settings(&x->fixed);
	d->factors = calloc(x->factor_count, sizeof(*d->factors));
	d->configs = calloc(plan->config_count, sizeof(*d->configs));
	d->excluded = calloc(plan->excluded_count + 1, sizeof(*d->excluded));
	if (!d->factors || !d->configs || !d->excluded || !d->environment)
		return -ENOMEM;
	memcpy(d->excluded, plan->excluded, plan->excluded_count * sizeof(*d->excluded));
	d->excluded_count = plan->excluded_count;
	for (; d->factor_count < x->factor_count && rc == 0; d->factor_count++)
		rc = fill_factor(&d->factors[d->factor_count], &x->factors[d->factor_count]);
	for (; d->config_count < plan->config_count && rc == 0; d->config_count++)
		rc = fill_config(&d->configs[d->config_count], &plan->configs[d->config_count],
				 x->factor_count);
	return rc;
}

/* The last attempt of each configuration in each block counts, if it has numbers to count. */
static int mark_usable(struct dataset *d)
{
	size_t width = d->config_count + 1; /* the A/A run comes last */
	struct lab_run **last = calloc(width * d->block_count, sizeof(*last));

	if (!last)
		return -ENOMEM;
	for (unsigned i = 0; i < d->run_count; i++) {
		struct lab_run *run = &d->runs[i];
		unsigned column = run->is_aa ? d->config_count : run->config;
		struct lab_run **slot = &last[run->block * width + column];

		if (!*slot || (*slot)->attempt <= run->attempt)
			*slot = run;
	}
	for (size_t i = 0; i < width * d->block_count; i++)
		if (last[i])
			last[i]->usable = !last[i]->failed && last[i]->validity != RUN_INVALID;
	free(last);
	return 0;
}

/* When every run of a configuration said that the machine cannot, that is the answer. */
static void mark_impossible(struct dataset *d, const struct stored_runs *runs)
{
	for (unsigned c = 0; c < d->config_count; c++) {
		const struct stored_run *last = NULL;
		bool all = true;

		for (unsigned i = 0; i < runs->count; i++) {
			if (runs->items[i].run.config != c)
				continue;
			last = &runs->items[i];
			all = all && last->impossible;
		}
		if (!last || !all)
			continue;
		d->configs[c].possible = false;
		snprintf(d->configs[c].why, sizeof(d->configs[c].why), "%.255s", last->run.reasons);
	}
}

/* The list of what was taken moves. */
static int fill_runs(struct dataset *d, struct stored_runs *runs)
{
	d->runs = calloc(runs->count + 1, sizeof(*d->runs));
	if (!d->runs)
		return -ENOMEM;
	for (; d->run_count < runs->count; d->run_count++)
		d->runs[d->run_count] = runs->items[d->run_count].run;
	mark_impossible(d, runs);
	d->taken = malloc(sizeof(*d->taken));
	if (!d->taken)
		return -ENOMEM;
	*d->taken = runs->taken;
	runs->taken = (struct taken_list){ 0 };
	return mark_usable(d);
}

/* The lines tagged "response" of a run's log, added to h. */
static int read_histogram(const char *path, struct hist *h, struct err *err)
{
	AUTO(auto_fclose) FILE *f = fopen(path, "re");
	AUTO(auto_free) char *line = NULL;
	size_t size = 0;
	char tag[32];
	int rc = f ? 0 : err_sys(err, -errno, "%s", path);

	while (rc == 0 && getline(&line, &size, f) > 0)
		if (!strncmp(line, "Tag=response,", strlen("Tag=response,")))
			rc = hist_log_parse(line, h, tag, sizeof(tag), err);
	return rc;
}

/* A picture that is missing is no reason to refuse the numbers: such a run is left out of it. */
static int read_histograms(struct dataset *d, const char *folder, struct err *err)
{
	char path[PATH_MAX];

	for (unsigned i = 0; i < d->run_count; i++) {
		const struct lab_run *run = &d->runs[i];
		struct lab_config *c = &d->configs[run->config];

		if (!run->usable || run->is_aa)
			continue;
		if (!c->response)
			c->response = hist_create();
		if (!c->response)
			return err_sys(err, -ENOMEM, "histograms");
		snprintf(path, sizeof(path), "%s/%s/histograms.hlog", folder, run->directory);
		read_histogram(path, c->response, NULL);
	}
	return 0;
}

/* Changes of the machine that a resumed sweep was told to ignore belong to its environment. */
static void read_resumptions(struct dataset *d, const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	json_t *list = json_array(), *one;
	char path[PATH_MAX];

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (!strncmp(entry->d_name, "resumed-", strlen("resumed-")) &&
		    file_read_json(path, &one, NULL) == 0)
			json_array_append_new(list, one);
	}
	if (dir)
		closedir(dir);
	if (json_array_size(list))
		json_object_set(d->environment, "resumed", list);
	json_decref(list);
}

static int fill(struct dataset *d, const char *folder, const struct plan *plan,
		bool with_histograms, unsigned *ret_torn, struct err *err)
{
	struct stored_runs runs = { 0 };
	int rc = store_read_runs(folder, plan, &runs, err);

	if (rc < 0)
		return rc;
	rc = fill_plan(d, plan);
	if (rc == 0)
		rc = fill_runs(d, &runs);
	if (ret_torn)
		*ret_torn = runs.torn;
	stored_runs_finish(&runs);
	if (rc < 0)
		return err_sys(err, rc, "%s", folder);
	read_resumptions(d, folder);
	return with_histograms ? read_histograms(d, folder, err) : 0;
}

int store_load(const char *folder, bool with_histograms, struct dataset **ret, unsigned *ret_torn,
	       struct err *err)
{
	AUTO(auto_plan) struct plan *plan = NULL;
	char path[PATH_MAX];
	struct dataset *d;
	int rc = plan_load(store_plan_path(folder, path, sizeof(path)), &plan, err);

	if (rc < 0)
		return rc;
	d = calloc(1, sizeof(*d));
	if (!d)
		return err_sys(err, -ENOMEM, "%s", folder);
	rc = fill(d, folder, plan, with_histograms, ret_torn, err);
	if (rc == 0)
		*ret = d;
	else
		dataset_destroy(d);
	return rc;
}
