/*
 * store_runs.c - the folders of runs, read back from their run.json.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "lab/files.h"
#include "lab/store.h"

static void auto_json(json_t **json)
{
	json_decref(*json);
}

void stored_runs_finish(struct stored_runs *runs)
{
	free(runs->items);
	taken_finish(&runs->taken);
	*runs = (struct stored_runs){ 0 };
}

static bool get_index(const json_t *json, const char *key, unsigned bound, unsigned *ret)
{
	const json_t *value = json_object_get(json, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) >= bound)
		return false;
	*ret = (unsigned)json_integer_value(value);
	return true;
}

static const char *get_text(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

static bool read_verdict(const json_t *json, struct lab_run *r)
{
	const char *verdict = get_text(json, "verdict");

	r->failed = json_is_true(json_object_get(json, "failed"));
	for (int v = RUN_VALID; v <= RUN_INVALID; v++) {
		if (!strcmp(verdict, validity_names[v])) {
			r->validity = (enum validity)v;
			return true;
		}
	}
	return r->failed;
}

static void read_metrics(const json_t *json, struct lab_run *r)
{
	for (int i = 0; i < METRICS; i++) {
		const json_t *value = json_object_get(json, metric_infos[i].name);

		r->metric[i] = json_is_number(value) ? json_number_value(value) : NAN;
	}
}

static void read_foreign(const json_t *json, struct lab_foreign *f)
{
	f->share = json_number_value(json_object_get(json, "share"));
	f->limit = json_number_value(json_object_get(json, "limit"));
	snprintf(f->by, sizeof(f->by), "%.15s", get_text(json_object_get(json, "most"), "name"));
}

static bool read_run(const json_t *json, const struct plan *plan, struct stored_run *ret)
{
	const json_t *times = json_object_get(json, "times");
	const json_t *counts = json_object_get(json_object_get(json, "client"), "counts");
	const json_t *observed = json_object_get(json, "observed");
	struct lab_run *r = &ret->run;

	*ret = (struct stored_run){ 0 };
	if (!get_index(json, "run", UINT_MAX, &r->id) ||
	    !get_index(json, "config", plan->config_count, &r->config) ||
	    !get_index(json, "block", plan->experiment->blocks, &r->block) ||
	    !get_index(json, "position", UINT_MAX, &r->position) ||
	    !get_index(json, "attempt", UINT_MAX, &r->attempt) || !read_verdict(json, r) ||
	    strcmp(get_text(json, "label"), plan->configs[r->config].label))
		return false;
	r->is_aa = json_is_true(json_object_get(json, "aa"));
	r->started_s = json_number_value(json_object_get(times, "started_s"));
	r->requests = json_number_value(json_object_get(counts, "done"));
	snprintf(r->reasons, sizeof(r->reasons), "%s", get_text(json, "reasons"));
	snprintf(r->directory, sizeof(r->directory), "runs/%05u", r->id);
	read_foreign(json_object_get(observed, "foreign"), &r->foreign);
	read_metrics(json_object_get(json, "metrics"), r);
	ret->impossible = json_is_true(json_object_get(json, "impossible"));
	ret->took_s = json_number_value(json_object_get(times, "took_s"));
	return true;
}

/* The number of "00042"; 0: the name is not a run's. */
static unsigned run_number(const char *name)
{
	size_t len = strspn(name, "0123456789");
	unsigned long id = len && len < 10 && !name[len] ? strtoul(name, NULL, 10) : 0;

	return (unsigned)id;
}

static int add_run(struct stored_runs *runs, const struct stored_run *run, struct err *err)
{
	struct stored_run *items = realloc(runs->items, (runs->count + 1) * sizeof(*items));

	if (!items)
		return err_sys(err, -ENOMEM, "runs");
	runs->items = items;
	runs->items[runs->count++] = *run;
	return 0;
}

/* Torn: no run.json, or none that JSON can be read from. Of another plan: an error. */
static int take_folder(const char *folder, const char *name, const struct plan *plan,
		       struct stored_runs *runs, struct err *err)
{
	AUTO(auto_json) json_t *json = NULL;
	struct stored_run run;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/run.json", folder, name);
	if (!run_number(name) || file_read_json(path, &json, NULL) < 0) {
		runs->torn++;
		return 0;
	}
	if (!read_run(json, plan, &run) || run.run.id != run_number(name))
		return err_set(err, -EINVAL, "%s: not a run of this plan", path);
	if (taken_add(&runs->taken, run.run.id, run.run.config, json, &run.run.taken) < 0)
		return err_sys(err, -ENOMEM, "runs");
	return add_run(runs, &run, err);
}

static int by_id(const void *a, const void *b)
{
	const struct stored_run *x = a, *y = b;

	return x->run.id < y->run.id ? -1 : x->run.id > y->run.id;
}

int store_read_runs(const char *folder, const struct plan *plan, struct stored_runs *ret,
		    struct err *err)
{
	AUTO(auto_closedir) DIR *dir = NULL;
	struct stored_runs runs = { 0 };
	const struct dirent *entry;
	char path[PATH_MAX - NAME_MAX - 16];
	int rc = 0;

	snprintf(path, sizeof(path), "%s/runs", folder);
	dir = opendir(path);
	if (!dir)
		return err_sys(err, -errno, "%s", path);
	while (rc == 0 && (entry = readdir(dir)))
		if (*entry->d_name != '.')
			rc = take_folder(path, entry->d_name, plan, &runs, err);
	if (rc < 0) {
		stored_runs_finish(&runs);
		return rc;
	}
	if (runs.count)
		qsort(runs.items, runs.count, sizeof(*runs.items), by_id);
	*ret = runs;
	return 0;
}
