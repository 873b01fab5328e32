/*
 * test_store.c - from a folder to a dataset: what counts, what is left out, what is damaged.
 *
 * The folders are written here, so that every run is known.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdlib.h>

#include "lab/files.h"
#include "lab/store.h"
#include "tests/lab_fake.h"
#include "tests/test.h"

static const char text[] = "sweep: stored\n"
			   "node: {threads: 2}\n"
			   "client: {duration: 1s}\n"
			   "factors: {node.backend: [poll, epoll, select]}\n"
			   "baseline: {node.backend: epoll}\n"
			   "exclude: [{if: {node.backend: select}, why: slow}]\n"
			   "blocks: 2\nseed: 5\nprimary: p90\nmargins: {cpu: 3%}\n";

/* One row a run. */
struct row {
	unsigned id, config, block, attempt;
	bool is_aa;
	const char *verdict; /* NULL: failed */
	double p50;
	bool impossible;
};

static void write_run(const char *folder, const struct plan *plan, const struct row *row)
{
	char path[200];
	json_t *json;

	snprintf(path, sizeof(path), "%s/runs/%05u", folder, row->id);
	folder_create(path, NULL);
	strcat(path, "/run.json");
	json = json_pack("{s:i, s:i, s:i, s:i, s:i, s:b, s:s, s:b, s:b, s:s, s:s, s:{s:f, s:n}, "
			 "s:{s:f, s:f}, s:{s:{s:i}}}",
			 "run", row->id, "config", row->config, "block", row->block, "position", 0,
			 "attempt", row->attempt, "aa", row->is_aa, "label",
			 plan->configs[row->config].label, "failed", !row->verdict, "impossible",
			 row->impossible, "verdict", row->verdict ? row->verdict : "FAILED",
			 "reasons", row->verdict ? "" : "node: exit status 3", "metrics", "p50",
			 row->p50, "p999", "times", "started_s", row->id * 1.0, "took_s", 1.5,
			 "client", "counts", "done", 100 + row->id);
	file_write_json(path, json, NULL);
	json_decref(json);
}

static char *store_rows(const struct row *rows, size_t count)
{
	struct plan *plan = fake_plan(text);
	char *folder = fake_folder(), path[200];

	snprintf(path, sizeof(path), "%s/runs", folder);
	folder_create(path, NULL);
	plan_save(plan, store_plan_path(folder, path, sizeof(path)), NULL);
	for (size_t i = 0; i < count; i++)
		write_run(folder, plan, &rows[i]);
	plan_destroy(plan);
	return folder;
}

static struct dataset *load(const char *folder, bool with_histograms, unsigned *ret_torn)
{
	struct dataset *d = NULL;
	struct err err = { 0 };

	if (store_load(folder, with_histograms, &d, ret_torn, &err) < 0)
		printf("\n    %s", err.text);
	return d;
}

static void test_the_plan_becomes_the_frame(void)
{
	char *folder = store_rows(NULL, 0);
	struct dataset *d = load(folder, false, NULL);

	CU_ASSERT_FATAL(d != NULL);
	CHECK_TEXT(d->name, "stored");
	CHECK_TEXT(d->file, "test.yaml");
	CHECK_TEXT(d->command, "ringwalk sweep test.yaml");
	CHECK_INT(d->seed, 5);
	CHECK_INT(d->block_count, 2);
	CHECK_INT(d->run_count, 0);
	CHECK_INT(d->primary, METRIC_P90);
	CU_ASSERT(d->margin_given[METRIC_CPU] && !d->margin_given[METRIC_P90]);
	CHECK_INT(d->factor_count, 1);
	CHECK_TEXT(d->factors[0].levels[2], "select");
	CHECK_INT(d->factors[0].baseline, 1);
	CHECK_INT(d->config_count, 2);
	CHECK_TEXT(d->configs[d->baseline].label, "epoll");
	CHECK_INT(d->excluded_count, 1);
	CHECK_TEXT(d->excluded[0].label, "select");
	CHECK_TEXT(d->excluded[0].why, "slow (node.backend: select)");
	CHECK_TEXT(json_string_value(json_object_get(d->settings, "node.threads")), "2");
	CU_ASSERT(json_is_object(json_object_get(d->environment, "kernel")));
	dataset_destroy(d);
	fake_folder_remove(folder);
}

static void test_the_last_attempt_with_numbers_counts(void)
{
	static const struct row rows[] = {
		{ 1, 0, 0, 0, false, "VALID", 10, false },
		{ 2, 1, 0, 0, false, "INVALID", 11, false },
		{ 3, 1, 0, 0, true, "SUSPECT", 12, false },
		{ 4, 1, 0, 1, false, "VALID", 13, false },
		{ 5, 0, 1, 0, false, "INVALID", 14, false },
		{ 6, 1, 1, 0, false, NULL, 0, false },
		{ 7, 1, 1, 0, true, "VALID", 15, false },
		{ 8, 0, 1, 1, false, "INVALID", 16, false },
	};
	static const bool usable[] = { true, false, true, true, false, false, true, false };
	char *folder = store_rows(rows, 8);
	struct dataset *d = load(folder, false, NULL);

	CU_ASSERT_FATAL(d != NULL);
	CHECK_NEAR(d->runs[0].metric[METRIC_P50], 10, 0);
	CU_ASSERT(isnan(d->runs[0].metric[METRIC_RUN_DELAY])); /* older than this metric */
	CHECK_INT(d->run_count, 8);
	CHECK_NEAR(d->runs[3].requests, 104, 0);
	for (unsigned i = 0; i < 8; i++)
		CHECK_INT(d->runs[i].usable, usable[i]);
	CHECK_NEAR(dataset_run(d, 1, 0)->metric[METRIC_P50], 13, 0);
	CU_ASSERT(isnan(dataset_run(d, 1, 0)->metric[METRIC_P999]));
	CU_ASSERT(isnan(dataset_run(d, 1, 0)->metric[METRIC_CPU]));
	CHECK_NEAR(dataset_run(d, 1, 0)->started_s, 4, 0);
	CHECK_TEXT(d->runs[3].directory, "runs/00004");
	CU_ASSERT(dataset_run(d, 0, 1) == NULL && dataset_run(d, 1, 1) == NULL);
	dataset_destroy(d);
	fake_folder_remove(folder);
}

static void test_who_else_was_there_is_read_back(void)
{
	static const struct row rows[] = { { 1, 0, 0, 0, false, "SUSPECT", 10, false },
					   { 2, 1, 0, 0, false, "VALID", 10, false } };
	char *folder = store_rows(rows, 2), path[200];
	struct dataset *d;
	json_t *json = NULL;

	snprintf(path, sizeof(path), "%s/runs/00001/run.json", folder);
	CHECK_INT(file_read_json(path, &json, NULL), 0);
	json_object_set_new(json, "observed",
			    json_pack("{s:{s:f, s:f, s:{s:s}}}", "foreign", "share", 0.25, "limit",
				      0.02, "most", "name", "a name beyond all bounds"));
	CHECK_INT(file_write_json(path, json, NULL), 0);
	json_decref(json);
	d = load(folder, false, NULL);
	CU_ASSERT_FATAL(d != NULL);
	CHECK_NEAR(d->runs[0].foreign.share, 0.25, 0);
	CHECK_NEAR(d->runs[0].foreign.limit, 0.02, 0);
	CHECK_TEXT(d->runs[0].foreign.by, "a name beyond a");
	CHECK_NEAR(d->runs[1].foreign.share, 0, 0); /* older than this */
	CHECK_TEXT(d->runs[1].foreign.by, "");
	dataset_destroy(d);
	fake_folder_remove(folder);
}

static void test_a_configuration_that_never_could_is_said_not_to_be_possible(void)
{
	static const struct row rows[] = {
		{ 1, 0, 0, 0, false, NULL, 0, true },
		{ 2, 1, 0, 0, false, NULL, 0, true },
		{ 3, 0, 1, 0, false, NULL, 0, true },
		{ 4, 1, 1, 0, false, "VALID", 9, false },
	};
	char *folder = store_rows(rows, 4);
	struct dataset *d = load(folder, false, NULL);

	CU_ASSERT_FATAL(d != NULL);
	CU_ASSERT(!d->configs[0].possible);
	CHECK_TEXT(d->configs[0].why, "node: exit status 3");
	CU_ASSERT(d->configs[1].possible);
	dataset_destroy(d);
	fake_folder_remove(folder);
}

static void test_torn_folders_are_counted_and_nothing_more(void)
{
	static const struct row rows[] = { { 1, 0, 0, 0, false, "VALID", 10, false } };
	static const char *const torn[] = { "00002.tmp", "00003", "notes", "00004" };
	char *folder = store_rows(rows, 1), path[200];
	unsigned count = 0;
	struct dataset *d;

	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/runs/%s", folder, torn[i]);
		folder_create(path, NULL);
	}
	strcat(path, "/run.json");
	file_write_text(path, "{\"run\": 4, \"conf", 16, NULL);
	d = load(folder, false, &count);
	CU_ASSERT_FATAL(d != NULL);
	CHECK_INT(d->run_count, 1);
	CHECK_INT(count, 4);
	dataset_destroy(d);
	fake_folder_remove(folder);
}

static void write_log(const char *folder, unsigned id, int64_t ns, uint64_t count)
{
	struct hist *h = hist_create();
	char path[200];
	FILE *out;

	snprintf(path, sizeof(path), "%s/runs/%05u/histograms.hlog", folder, id);
	out = fopen(path, "w");
	hist_log_begin(out, "test", 0, NULL);
	hist_record_n(h, ns, count);
	hist_log_add(out, "response", h, 0, 1, NULL);
	hist_log_add(out, "lateness", h, 0, 1, NULL);
	fclose(out);
	hist_destroy(h);
}

static void test_histograms_of_usable_runs_are_merged(void)
{
	static const struct row rows[] = {
		{ 1, 0, 0, 0, false, "VALID", 10, false },
		{ 2, 1, 0, 0, false, "VALID", 10, false },
		{ 3, 0, 1, 0, false, "SUSPECT", 10, false },
		{ 4, 1, 0, 0, true, "VALID", 10, false },
		{ 5, 1, 1, 0, false, "INVALID", 10, false },
	};
	char *folder = store_rows(rows, 5);
	struct dataset *d;

	for (unsigned id = 1; id <= 5; id++)
		write_log(folder, id, 1000 * id, 10 * id);
	d = load(folder, true, NULL);
	CU_ASSERT_FATAL(d != NULL);
	CHECK_INT(hist_count(d->configs[0].response), 40);
	CHECK_INT(hist_min(d->configs[0].response), 1000);
	CHECK_NEAR(hist_max(d->configs[0].response), 3000, 3); /* as exact as its counter */
	CHECK_INT(hist_count(d->configs[1].response), 20);
	dataset_destroy(d);
	d = load(folder, false, NULL);
	CU_ASSERT(d && !d->configs[0].response);
	dataset_destroy(d);
	fake_folder_remove(folder);
}

static void test_a_folder_without_a_plan_is_refused(void)
{
	char *folder = fake_folder(), want[200];
	struct dataset *d = NULL;
	struct err err = { 0 };

	CU_ASSERT(store_load(folder, false, &d, NULL, &err) < 0);
	snprintf(want, sizeof(want), "%s/plan.json: there is none, so this is no sweep's folder",
		 folder);
	CHECK_TEXT(err.text, want);
	fake_folder_remove(folder);
}

static CU_TestInfo tests[] = {
	{ "the plan becomes the frame", test_the_plan_becomes_the_frame },
	{ "the last attempt with numbers counts", test_the_last_attempt_with_numbers_counts },
	{ "who else was there is read back", test_who_else_was_there_is_read_back },
	{ "a configuration that never could is said not to be possible",
	  test_a_configuration_that_never_could_is_said_not_to_be_possible },
	{ "torn folders are counted and nothing more",
	  test_torn_folders_are_counted_and_nothing_more },
	{ "histograms of usable runs are merged", test_histograms_of_usable_runs_are_merged },
	{ "a folder without a plan is refused", test_a_folder_without_a_plan_is_refused },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("store", tests);
}
