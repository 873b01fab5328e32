/*
 * test_plan.c - blocks are complete, random, reproducible; the plan survives the disk; its text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/clock.h"
#include "lab/files.h"
#include "tests/lab_fake.h"
#include "tests/test.h"

static const char text[] =
	"sweep: small\n"
	"client: {duration: 700ms, warm-up: 150ms}\n"
	"factors:\n"
	"  node.backend: [poll, epoll, select]\n"
	"  node.threads: [1, 2]\n"
	"baseline: {node.backend: epoll}\n"
	"exclude: [{if: {node.backend: select, node.threads: 2}, why: one is enough}]\n"
	"blocks: 5\n"
	"margins: {run-delay: 15%}\n"
	"seed: 42\n";

static void test_every_block_has_every_configuration_once_and_the_baseline_twice(void)
{
	struct plan *plan = fake_plan(text);

	CU_ASSERT_FATAL(plan != NULL);
	CHECK_INT(plan->config_count, 5);
	CHECK_TEXT(plan->configs[plan->baseline].label, "epoll 1");
	CHECK_INT(plan->slot_count, 6);
	for (unsigned b = 0; b < 5; b++) {
		unsigned seen[5] = { 0 }, aa = 0;

		for (unsigned p = 0; p < plan->slot_count; p++) {
			const struct plan_slot *slot = plan_slot(plan, b, p);

			if (slot->is_aa)
				CHECK_INT(slot->config, plan->baseline);
			aa += slot->is_aa;
			seen[slot->config] += !slot->is_aa;
		}
		CHECK_INT(aa, 1);
		for (unsigned c = 0; c < 5; c++)
			CHECK_INT(seen[c], 1);
	}
	plan_destroy(plan);
}

static bool same_order(const struct plan *a, unsigned block_a, const struct plan *b,
		       unsigned block_b)
{
	return !memcmp(plan_slot(a, block_a, 0), plan_slot(b, block_b, 0),
		       a->slot_count * sizeof(struct plan_slot));
}

static void test_blocks_differ_in_order_and_workload(void)
{
	struct plan *plan = fake_plan(text);

	CU_ASSERT_FATAL(plan != NULL);
	for (unsigned b = 1; b < 5; b++) {
		CU_ASSERT(!same_order(plan, 0, plan, b));
		CU_ASSERT(plan->block_seeds[b] != plan->block_seeds[0]);
		CU_ASSERT(plan->block_seeds[b] > 0);
	}
	plan_destroy(plan);
}

static void test_the_seed_decides_everything(void)
{
	struct plan *a = fake_plan(text), *b = fake_plan(text), *other = NULL;
	struct experiment *x = fake_experiment(text);

	CU_ASSERT_FATAL(a && b && x);
	for (unsigned i = 0; i < 5; i++) {
		CU_ASSERT(same_order(a, i, b, i));
		CHECK_INT(a->block_seeds[i], b->block_seeds[i]);
	}
	x->seed = 43;
	plan_create(x, &fake_parts, "/proc/self/exe", "", &other, NULL);
	CU_ASSERT_FATAL(other != NULL);
	CU_ASSERT(!same_order(a, 0, other, 0) || !same_order(a, 1, other, 1));
	CU_ASSERT(a->block_seeds[0] != other->block_seeds[0]);
	plan_destroy(a);
	plan_destroy(b);
	plan_destroy(other);
}

/* 400 blocks of 6: each place should see each run about 67 times; 5 sd are 37. */
static void test_every_place_of_a_block_is_equally_likely(void)
{
	struct experiment *x = fake_experiment(text);
	struct plan *plan = NULL;
	unsigned count[6][6] = { 0 };

	CU_ASSERT_FATAL(x != NULL);
	x->blocks = 400;
	plan_create(x, &fake_parts, "/proc/self/exe", "", &plan, NULL);
	CU_ASSERT_FATAL(plan != NULL);
	for (unsigned b = 0; b < 400; b++)
		for (unsigned p = 0; p < 6; p++) {
			const struct plan_slot *slot = plan_slot(plan, b, p);

			count[p][slot->is_aa ? 5 : slot->config]++;
		}
	for (unsigned p = 0; p < 6; p++)
		for (unsigned c = 0; c < 6; c++)
			CHECK_NEAR(count[p][c], 400.0 / 6, 37);
	plan_destroy(plan);
}

static void test_without_a_seed_a_fresh_one_is_recorded(void)
{
	struct plan *a = fake_plan("factors: {node.threads: [1, 2]}\n");
	struct plan *b = fake_plan("factors: {node.threads: [1, 2]}\n");

	CU_ASSERT_FATAL(a && b);
	CU_ASSERT(a->seed != 0 && a->seed <= INT64_MAX);
	CU_ASSERT(a->seed != b->seed);
	plan_destroy(a);
	plan_destroy(b);
}

static void test_times_follow_from_the_client(void)
{
	static const struct {
		const char *client;
		int64_t expected_ns, limit_ns;
	} rows[] = {
		{ "duration: 700ms, warm-up: 150ms", 850 * MS, 11850 * MS },
		{ "duration: 1s, drain: 0s", SEC, 11 * SEC },
		{ "requests: 1k, rate: 500", 2 * SEC, 31 * SEC },
		{ "rate: 4", 250 * MS, 13500 * MS },
		{ "requests: 1k, outstanding: 3", SEC, 21 * SEC },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct plan *plan;
		char file[200];

		snprintf(file, sizeof(file), "client: {%s}\nfactors: {node.threads: [1, 2]}\n",
			 rows[i].client);
		plan = fake_plan(file);
		CU_ASSERT_FATAL(plan != NULL);
		CHECK_INT(plan->configs[0].expected_ns, rows[i].expected_ns);
		CHECK_INT(plan->configs[0].limit_ns, rows[i].limit_ns);
		CHECK_INT(plan_expected_ns(plan, 0), 8 * 3 * rows[i].expected_ns);
		plan_destroy(plan);
	}
}

static void test_a_plan_comes_back_from_the_disk_as_it_was(void)
{
	struct plan *plan = fake_plan(text), *back = NULL;
	char *folder = fake_folder(), path[100];
	struct err err = { 0 };
	json_t *a, *b;

	CU_ASSERT_FATAL(plan != NULL);
	snprintf(path, sizeof(path), "%s/plan.json", folder);
	CHECK_INT(plan_save(plan, path, &err), 0);
	CHECK_INT(plan_load(path, &back, &err), 0);
	CU_ASSERT_FATAL(back != NULL);
	CU_ASSERT(back->experiment->margin_given[METRIC_RUN_DELAY]);
	a = plan_to_json(plan);
	b = plan_to_json(back);
	CU_ASSERT(json_equal(a, b));
	json_decref(a);
	json_decref(b);
	plan_destroy(plan);
	plan_destroy(back);
	fake_folder_remove(folder);
}

/* A plan of a version that knew fewer metrics and observed nothing. */
static void test_a_plan_from_before_there_were_observations_is_read(void)
{
	struct plan *plan = fake_plan(text), *back = NULL;
	char *folder = fake_folder(), path[100];
	struct err err = { 0 };
	json_t *json;

	CU_ASSERT_FATAL(plan != NULL);
	snprintf(path, sizeof(path), "%s/plan.json", folder);
	json = plan_to_json(plan);
	json_object_del(json, "observe");
	json_object_del(json_object_get(json, "margins"), "run-delay");
	json_object_del(json, "margins_given");
	CHECK_INT(file_write_json(path, json, &err), 0);
	CHECK_INT(plan_load(path, &back, &err), 0);
	CU_ASSERT_FATAL(back != NULL);
	CHECK_NEAR(back->experiment->margin[METRIC_RUN_DELAY],
		   metric_infos[METRIC_RUN_DELAY].margin, 0);
	CU_ASSERT(!back->experiment->margin_given[METRIC_RUN_DELAY]);
	CU_ASSERT(!back->experiment->observe.hardware);
	json_decref(json);
	plan_destroy(plan);
	plan_destroy(back);
	fake_folder_remove(folder);
}

/* Each edit of a good plan makes it a bad one, and it is refused instead of believed. */
static void test_an_edited_plan_is_refused(void)
{
	static const struct {
		const char *path[4];
		int index;
		const char *value;
	} rows[] = {
		{ { "version" }, -1, "2" },
		{ { "baseline" }, -1, "5" },
		{ { "baseline" }, -1, "-1" },
		{ { "seed" }, -1, "0" },
		{ { "primary" }, -1, "\"p42\"" },
		{ { "margins_given" }, -1, "[\"p42\"]" },
		{ { "margins_given" }, -1, "[3]" },
		{ { "observe" }, -1, "{\"hardware\": \"perhaps\"}" },
		{ { "factors" }, -1, "[]" },
		{ { "configs" }, -1, "[]" },
		{ { "configs" }, 0, "{}" },
		{ { "blocks" }, -1, "[]" },
		{ { "blocks" }, 1, "{\"workload_seed\": 1, \"runs\": [1]}" },
		{ { "blocks" }, 1, "{\"workload_seed\": 1, \"runs\": [0, 1, 2, 3, 4, 5]}" },
		{ { "blocks" }, 1, "{\"workload_seed\": 1, \"runs\": [0, 1, 2, 3, 4, -2]}" },
		{ { "excluded" }, 0, "{\"label\": 3}" },
		{ { "environment" }, -1, "null" },
	};
	struct plan *plan = fake_plan(text);

	CU_ASSERT_FATAL(plan != NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *json = plan_to_json(plan), *copy = json_deep_copy(json);
		json_t *value = json_loads(rows[i].value, JSON_DECODE_ANY, NULL);
		json_t *list = json_object_get(copy, rows[i].path[0]);
		struct plan *back = NULL;
		struct err err = { 0 };

		if (rows[i].index >= 0)
			json_array_set_new(list, (size_t)rows[i].index, value);
		else if (json_is_null(value))
			json_object_del(copy, rows[i].path[0]);
		else
			json_object_set_new(copy, rows[i].path[0], value);
		CU_ASSERT(plan_from_json(copy, &back, &err) < 0);
		if (back)
			printf("\n    row %zu accepted", i);
		plan_destroy(back);
		json_decref(copy);
		json_decref(json);
	}
	plan_destroy(plan);
}

static char *text_of(const char *file)
{
	struct plan *plan = fake_plan(file);
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	if (plan)
		plan_write_text(plan, f);
	fclose(f);
	plan_destroy(plan);
	return out;
}

static void check_contains(const char *file, const char *const *lines)
{
	char *out = text_of(file);

	CU_ASSERT_FATAL(out != NULL);
	for (; *lines; lines++) {
		bool found = strstr(out, *lines) != NULL;

		if (!found)
			printf("\n    not there: %s", *lines);
		CU_ASSERT(found);
	}
	free(out);
}

static void test_the_text_says_what_will_be_done(void)
{
	static const char *const lines[] = {
		"small: 5 configurations (6 combinations, 1 excluded, 0 not possible here)\n",
		"  node.backend             poll, epoll*, select\n",
		"  client.duration: 700ms\n",
		"    3  epoll 1  (baseline)\n",
		"  1 excluded: one is enough (node.backend: select, node.threads: 2): select 2\n",
		"6 runs a block x 5 blocks = 30 runs, about 29 s\n",
		"seed 42\n",
		NULL,
	};

	check_contains(text, lines);
}

/* t(0.975, 4) = 2.776; sqrt(2/5) = 0.632; t(1 - 0.025/4, 4) = 4.315... (Holm over 4). */
static void test_the_text_says_what_can_be_concluded(void)
{
	static const char *const lines[] = {
		"a configuration against the baseline: 95 % interval +-1.76 s\n",
		"called better or worse (Holm over 4): beyond about 2.",
		"a level of node.threads, over 2 pairs: +-1.24 s\n",
		"smallest p of an exact paired test: 0.0625, so verdicts rest on Student's t",
		"a 95 % interval of a median does not exist (93.8 % at most; from 6 blocks on)\n",
		NULL,
	};
	static const char *const few[] = { "With 2 blocks: a ranking only.", NULL };
	static const char *const many[] = { "With 6 blocks",
					    "smallest p of an exact paired test: 0.0312\n", NULL };

	check_contains(text, lines);
	check_contains("factors: {node.threads: [1, 2]}\nblocks: 2\n", few);
	check_contains("factors: {node.threads: [1, 2]}\nblocks: 6\n", many);
}

static void test_a_run_that_is_too_short_for_a_percentile_is_said(void)
{
	static const char *const rows[][2] = {
		{ "client: {rate: 5k, duration: 1s}\n",
		  "a run measures about 5000 requests: p99 rests on 50 of them, 10000 (2.00 s) " },
		{ "client: {rate: 10, threads: 2, duration: 1s}\nprimary: p999\n",
		  "a run measures about 20 requests: p50 rests on 10 of them, 200 (10.0 s) " },
		{ "client: {rate: 5k, requests: 900, duration: 10s}\n",
		  "a run measures about 900 requests: too few for a p99, which takes 1000 " },
		{ "client: {rate: 10}\n", "a run measures about 1 request: too few for a p50, " },
	};
	static const char *const enough[] = { "client: {rate: 5k, duration: 2s}\n",
					      "client: {outstanding: 4, duration: 1ms}\n" };
	char file[200], *out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(file, sizeof(file), "%sfactors: {node.threads: [1, 2]}\n", rows[i][0]);
		check_contains(file, (const char *const[]){ rows[i][1], NULL });
	}
	for (size_t i = 0; i < sizeof(enough) / sizeof(*enough); i++) {
		snprintf(file, sizeof(file), "%sfactors: {node.threads: [1, 2]}\n", enough[i]);
		out = text_of(file);
		CU_ASSERT(out && !strstr(out, "measures about"));
		free(out);
	}
	check_contains("client: {duration: 1s}\nfactors: {client.rate: [20k, 3k]}\n",
		       (const char *const[]){ "a run of 3k measures about 3000 requests: ", NULL });
}

static void test_what_is_not_possible_here_is_planned_around(void)
{
	static const char file[] =
		"factors: {node.backend: [epoll, broken], node.threads: [1, 2]}\n";
	static const char *const lines[] = {
		"2 not possible here",
		"not possible here: node: broken: this kernel has no such thing\n",
		NULL,
	};
	struct plan *plan = fake_plan(file);

	CU_ASSERT_FATAL(plan != NULL);
	CHECK_INT(plan->config_count, 4);
	CHECK_INT(plan->slot_count, 3);
	plan_destroy(plan);
	check_contains(file, lines);
}

static void test_a_baseline_that_is_not_possible_is_said_and_never_run(void)
{
	static const char file[] = "factors: {node.backend: [broken, epoll]}\n";
	static const char *const lines[] = {
		"The baseline is not possible here, so nothing can be compared", NULL
	};

	check_contains(file, lines);
}

static CU_TestInfo tests[] = {
	{ "every block has every configuration once and the baseline twice",
	  test_every_block_has_every_configuration_once_and_the_baseline_twice },
	{ "blocks differ in order and workload", test_blocks_differ_in_order_and_workload },
	{ "the seed decides everything", test_the_seed_decides_everything },
	{ "every place of a block is equally likely",
	  test_every_place_of_a_block_is_equally_likely },
	{ "without a seed a fresh one is recorded", test_without_a_seed_a_fresh_one_is_recorded },
	{ "times follow from the client", test_times_follow_from_the_client },
	{ "a plan comes back from the disk as it was",
	  test_a_plan_comes_back_from_the_disk_as_it_was },
	{ "a plan from before there were observations is read",
	  test_a_plan_from_before_there_were_observations_is_read },
	{ "an edited plan is refused", test_an_edited_plan_is_refused },
	{ "the text says what will be done", test_the_text_says_what_will_be_done },
	{ "the text says what can be concluded", test_the_text_says_what_can_be_concluded },
	{ "a run that is too short for a percentile is said",
	  test_a_run_that_is_too_short_for_a_percentile_is_said },
	{ "what is not possible here is planned around",
	  test_what_is_not_possible_here_is_planned_around },
	{ "a baseline that is not possible is said and never run",
	  test_a_baseline_that_is_not_possible_is_said_and_never_run },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("plan", tests);
}
