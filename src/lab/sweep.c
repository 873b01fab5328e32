/*
 * sweep.c - runs in the order of the schedule, until all are there or somebody says stop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "lab/compare.h"
#include "lab/files.h"
#include "lab/provenance.h"
#include "lab/run.h"
#include "lab/schedule.h"
#include "lab/system.h"

struct sweep {
	const struct plan *plan;
	const struct sweep_opts *opts;
	struct schedule schedule;
	struct sweep_result result;
	struct progress progress;
	int64_t run_start_ns;
	int lock;
};

static void auto_json(json_t **json)
{
	json_decref(*json);
}

static const char *path_in(const struct sweep *s, const char *name, char buf[PATH_MAX])
{
	snprintf(buf, PATH_MAX, "%s/%s", s->opts->folder, name);
	return buf;
}

/* Folders. */

/* What a sweep that was killed before its plan was on the disk may have left. */
static bool is_leftover(const char *name)
{
	static const char *const names[] = {
		".", "..", "lock", "runs", "sweep.yaml", "sweep.yaml.new", "plan.json.new", NULL
	};

	for (int i = 0; names[i]; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* There is nothing in it that somebody could miss. A folder that does not exist counts. */
static bool is_free(const char *folder)
{
	AUTO(auto_closedir) DIR *dir = opendir(folder);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (!is_leftover(entry->d_name))
			return false;
	return true;
}

/* Held until this process ends, and by no child of it (which flock would be, for a moment). */
static int take_lock(struct sweep *s, struct err *err)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATH_MAX];

	s->lock = open(path_in(s, "lock", path), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (s->lock < 0)
		return err_sys(err, -errno, "%s", path);
	if (fcntl(s->lock, F_SETLK, &whole) == 0)
		return 0;
	if (errno != EACCES && errno != EAGAIN)
		return err_sys(err, -errno, "lock %s", path);
	return err_set(err, -EBUSY, "%s: another sweep is running in this folder", s->opts->folder);
}

static int begin_folder(struct sweep *s, struct err *err)
{
	const struct experiment *x = s->plan->experiment;
	char path[PATH_MAX];
	int rc = 0;

	if (!is_free(s->opts->folder))
		return err_set(err, -EEXIST,
			       "%s: is not empty; go on with --resume %s, or name another folder",
			       s->opts->folder, s->opts->folder);
	rc = folder_create(path_in(s, "runs", path), err);
	if (rc == 0)
		rc = take_lock(s, err);
	if (rc == 0 && x->text)
		rc = file_write_text(path_in(s, "sweep.yaml", path), x->text, strlen(x->text), err);
	return rc < 0 ? rc : plan_save(s->plan, path_in(s, "plan.json", path), err);
}

/* What a killed sweep left of its last run. */
static int remove_torn(struct sweep *s, struct err *err)
{
	AUTO(auto_closedir) DIR *dir = NULL;
	char path[PATH_MAX], name[PATH_MAX + NAME_MAX + 2];
	const struct dirent *entry;
	int rc = 0;

	dir = opendir(path_in(s, "runs", path));
	while (rc == 0 && dir && (entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (!dot || strcmp(dot, ".tmp"))
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		rc = folder_remove(name, err);
		s->result.torn++;
	}
	return rc;
}

/* Conditions: a sweep that goes on must compare like with like. */

static void join_differences(const json_t *list, char *buf, size_t size)
{
	size_t len = 0, i;
	const json_t *text;

	*buf = '\0';
	json_array_foreach(list, i, text)
	{
		if (i < 3 && len < size)
			len += (size_t)snprintf(buf + len, size - len, "%s%.100s", len ? "; " : "",
						json_string_value(text));
	}
	if (i > 3 && len < size)
		snprintf(buf + len, size - len, "; and %zu more", i - 3);
}

/*
 * What every run sets for itself is no condition: "sysctl.vm.swappiness: 60 -> 10" means nothing to
 * a sweep of vm.swappiness.
 */
static void leave_out_own(const struct experiment *x, json_t *differences)
{
	static const char part[] = "sysctl.";

	for (size_t i = json_array_size(differences); i-- > 0;) {
		const char *text = json_string_value(json_array_get(differences, i));
		char key[SETTING_KEY];

		if (strncmp(text, part, strlen(part)))
			continue;
		text += strlen(part);
		snprintf(key, sizeof(key), "%.*s", (int)strcspn(text, ":"), text);
		if (experiment_always_sets(x, ROLE_SYSTEM, key))
			json_array_remove(differences, i);
	}
}

static int record_resumption(struct sweep *s, json_t *differences, json_t *now, struct err *err)
{
	AUTO(auto_json)
	json_t *json = json_pack("{s:i, s:O, s:O}", "before_run", (int)s->schedule.last_id + 1,
				 "differences", differences, "environment", now);
	char name[32], path[PATH_MAX];

	snprintf(name, sizeof(name), "resumed-%05u.json", s->schedule.last_id + 1);
	return file_write_json(path_in(s, name, path), json, err);
}

static int check_conditions(struct sweep *s, struct err *err)
{
	const struct experiment *x = s->plan->experiment;
	AUTO(auto_json) json_t *differences = NULL;
	AUTO(auto_json) json_t *now = NULL;
	char text[360];

	if (experiment_sets(x, ROLE_SYSTEM))
		system_recover();
	now = provenance_collect(s->opts->program);
	if (!now)
		return err_sys(err, -ENOMEM, "environment");
	differences = provenance_differences(s->plan->environment, now);
	leave_out_own(x, differences);
	if (!json_array_size(differences))
		return 0;
	if (s->opts->force)
		return record_resumption(s, differences, now, err);
	join_differences(differences, text, sizeof(text));
	return err_set(
		err, -ESTALE,
		"%s: begun under other conditions (%s); begin anew, or go on all the same with "
		"--force-resume",
		s->opts->folder, text);
}

/* Counting. */

static void count_run(struct sweep *s, const struct lab_run *run)
{
	struct sweep_result *r = &s->result;

	r->complete++;
	if (run->failed)
		r->failed++;
	else if (run->validity == RUN_VALID)
		r->valid++;
	else if (run->validity == RUN_SUSPECT)
		r->suspect++;
	else
		r->invalid++;
}

static int note(struct sweep *s, const struct stored_run *run, struct err *err)
{
	int rc = schedule_note(&s->schedule, run, err);

	if (rc == 0)
		count_run(s, &run->run);
	return rc;
}

static int resume_folder(struct sweep *s, struct err *err)
{
	struct stored_runs runs = { 0 };
	char path[PATH_MAX];
	int rc = access(path_in(s, "plan.json", path), R_OK);

	if (rc < 0)
		return err_sys(err, -errno, "%s: not the folder of a sweep", path);
	rc = take_lock(s, err);
	if (rc == 0)
		rc = remove_torn(s, err);
	if (rc == 0)
		rc = store_read_runs(s->opts->folder, s->plan, &runs, err);
	for (unsigned i = 0; i < runs.count && rc == 0; i++)
		rc = note(s, &runs.items[i], err);
	stored_runs_finish(&runs);
	return rc < 0 ? rc : check_conditions(s, err);
}

/* Progress. */

static void update_progress(struct sweep *s)
{
	struct progress *p = &s->progress;
	int64_t passed_ns = s->run_start_ns ? clock_now_ns() - s->run_start_ns : 0;

	p->done = s->schedule.done;
	p->total = schedule_total(&s->schedule);
	p->blocks = s->plan->experiment->blocks;
	p->invalid = s->result.invalid;
	p->failed = s->result.failed;
	p->left_ns = schedule_left_ns(&s->schedule) - passed_ns;
	if (s->opts->progress)
		s->opts->progress(s->opts->context, p);
}

static void tick(void *context)
{
	update_progress(context);
}

/* What the last run was; its texts are kept in `run`. */
static void show_run(struct sweep *s, const struct stored_run *run)
{
	const struct lab_run *r = &run->run;
	struct progress *p = &s->progress;

	p->label = s->plan->configs[r->config].label;
	p->is_aa = r->is_aa;
	p->p50_ns = r->metric[METRIC_P50];
	p->verdict = r->failed ? "FAILED" : validity_names[r->validity];
	p->reason = r->reasons;
	update_progress(s);
	p->reason = "";
}

/* Runs. */

static struct stored_run describe(const struct schedule_next *n, const struct run_result *r)
{
	struct stored_run run = {
		.run = {
			.id = n->id,
			.config = n->slot.config,
			.block = n->block,
			.position = n->position,
			.attempt = n->attempt,
			.is_aa = n->slot.is_aa,
			.failed = r->failed,
			.validity = r->validity,
		},
		.impossible = r->impossible,
		.took_s = (double)r->took_ns / SEC,
	};

	memcpy(run.run.reasons, r->reasons, sizeof(run.run.reasons));
	memcpy(run.run.metric, r->metric, sizeof(run.run.metric));
	return run;
}

static int run_next(struct sweep *s, const struct schedule_next *n, struct err *err)
{
	struct run_order order = {
		.plan = s->plan,
		.program = s->opts->program,
		.folder = s->opts->folder,
		.id = n->id,
		.block = n->block,
		.position = n->position,
		.attempt = n->attempt,
		.slot = n->slot,
	};
	struct watch watch = { .stop = s->opts->stop, .tick = tick, .context = s };
	struct run_result result;
	struct stored_run run;
	int rc;

	s->progress.block = n->block + 1;
	s->run_start_ns = clock_now_ns();
	rc = run_once(&order, &watch, &result, err);
	s->run_start_ns = 0;
	if (rc < 0)
		return rc;
	run = describe(n, &result);
	rc = note(s, &run, err);
	show_run(s, &run);
	return rc;
}

static bool is_stopped(const struct sweep *s)
{
	return s->opts->stop && *s->opts->stop;
}

static int run_all(struct sweep *s, struct err *err)
{
	struct schedule_next next;
	int rc = 0;

	update_progress(s);
	while (rc == 0 && schedule_next(&s->schedule, &next))
		rc = is_stopped(s) ? -EINTR : run_next(s, &next, err);
	if (rc != -EINTR)
		return rc;
	return err_set(
		err, -EINTR,
		"interrupted; %u of %u runs are complete; go on with: ringwalk sweep --resume %s",
		s->schedule.done, schedule_total(&s->schedule), s->opts->folder);
}

static int write_csv(const struct sweep *s, struct err *err)
{
	AUTO(auto_fclose) FILE *out = NULL;
	struct dataset *d = NULL;
	char path[PATH_MAX];
	int rc = store_load(s->opts->folder, false, &d, NULL, err);

	if (rc < 0)
		return rc;
	out = fopen(path_in(s, "runs.csv", path), "we");
	rc = out ? report_csv(d, out, err) : err_sys(err, -errno, "%s", path);
	dataset_destroy(d);
	return rc;
}

/* What would make every run fail. */
static int check_can_begin(const struct plan *plan, const struct sweep_opts *opts, struct err *err)
{
	const struct plan_config *baseline = &plan->configs[plan->baseline];

	if (access(opts->program, X_OK) < 0)
		return err_sys(err, -errno, "cannot run %s", opts->program);
	if (baseline->possible)
		return 0;
	return err_set(err, -EOPNOTSUPP,
		       "the baseline (%s) is not possible here, so nothing can be compared: %s",
		       baseline->label, baseline->why);
}

/* A configuration that will not run is said once, before the first run. */
static void say_impossible(const struct sweep *s)
{
	char text[600];

	for (unsigned i = 0; s->opts->say && i < s->plan->config_count; i++) {
		const struct plan_config *c = &s->plan->configs[i];

		if (c->possible)
			continue;
		snprintf(text, sizeof(text), "%s: not possible here: %s", c->label, c->why);
		s->opts->say(s->opts->context, text);
	}
}

static int carry_out(struct sweep *s, struct err *err)
{
	int rc = s->opts->resume ? resume_folder(s, err) : begin_folder(s, err);
	int written;

	if (rc < 0)
		return rc;
	say_impossible(s);
	rc = run_all(s, err);
	if (rc < 0 && rc != -EINTR)
		return rc;
	written = write_csv(s, rc < 0 ? NULL : err);
	return rc < 0 ? rc : written;
}

int sweep_run(const struct plan *plan, const struct sweep_opts *opts, struct sweep_result *ret,
	      struct err *err)
{
	struct sweep s = {
		.plan = plan,
		.opts = opts,
		.lock = -1,
		.progress = { .p50_ns = NAN, .verdict = "", .reason = "" },
	};
	int rc = check_can_begin(plan, opts, err);

	if (rc == 0)
		rc = schedule_init(&s.schedule, plan, err);
	if (rc == 0)
		rc = carry_out(&s, err);
	if (s.lock >= 0)
		close(s.lock);
	schedule_finish(&s.schedule);
	*ret = s.result;
	return rc;
}
