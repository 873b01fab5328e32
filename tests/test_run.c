/*
 * test_run.c - one run with the fake program: what is written, and every way it can go wrong.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "lab/files.h"
#include "lab/run.h"
#include "tests/lab_fake.h"
#include "tests/test.h"

static const char *program;

/* A plan of two configurations that behave so. */
static struct plan *plan_lasting(const char *duration, int64_t limit_ns, const char *node,
				 const char *client)
{
	struct plan *plan;
	char text[400];

	snprintf(text, sizeof(text),
		 "node: {behave: %s}\nclient: {duration: %s, program: [compute 10us, reply 64B], "
		 "behave: %s}\nfactors: {node.backend: [epoll, poll]}\nblocks: 1\nseed: 9\n",
		 node, duration, client);
	plan = fake_plan(text);
	for (unsigned i = 0; plan && i < plan->config_count; i++)
		plan->configs[i].limit_ns = limit_ns;
	return plan;
}

static struct plan *plan_within(int64_t limit_ns, const char *node, const char *client)
{
	return plan_lasting("10ms", limit_ns, node, client);
}

/* With a limit that no machine is too slow for. */
static struct plan *plan_of(const char *node, const char *client)
{
	return plan_within(60 * SEC, node, client);
}

static int run_in(const struct plan *plan, const char *folder, const struct watch *watch,
		  struct run_result *ret, struct err *err)
{
	struct run_order order = { .plan = plan, .program = program, .folder = folder, .id = 7 };
	struct watch none = { 0 };
	char runs[100];

	snprintf(runs, sizeof(runs), "%s/runs", folder);
	folder_create(runs, NULL);
	return run_once(&order, watch ? watch : &none, ret, err);
}

static bool exists(const char *folder, const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

static const char *text_at(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "(none)";
}

static void test_a_run_leaves_a_complete_folder(void)
{
	struct plan *plan = plan_of("well", "well");
	char *folder = fake_folder(), path[100];
	struct run_result r = { 0 };
	struct err err = { 0 };
	json_t *json = NULL;

	CU_ASSERT_FATAL(plan != NULL);
	CHECK_INT(run_in(plan, folder, NULL, &r, &err), 0);
	CU_ASSERT(!r.failed);
	CHECK_TEXT(r.reasons, "as planned");
	CU_ASSERT(exists(folder, "runs/00007/node.json"));
	CU_ASSERT(exists(folder, "runs/00007/client.json"));
	CU_ASSERT(exists(folder, "runs/00007/node.log"));
	CU_ASSERT(exists(folder, "runs/00007/client.log"));
	CU_ASSERT(exists(folder, "runs/00007/histograms.hlog"));
	CU_ASSERT(!exists(folder, "runs/00007.tmp"));
	snprintf(path, sizeof(path), "%s/runs/00007/run.json", folder);
	CHECK_INT(file_read_json(path, &json, &err), 0);
	CHECK_TEXT(text_at(json, "verdict"), "VALID");
	CHECK_TEXT(text_at(json, "label"), "epoll");
	CHECK_TEXT(text_at(json_object_get(json, "levels"), "node.backend"), "epoll");
	CHECK_TEXT(text_at(json_object_get(json_object_get(json, "requested"), "node.backend"),
			   "from"),
		   "sweep");
	CHECK_TEXT(text_at(json_object_get(json_object_get(json, "requested"), "client.duration"),
			   "from"),
		   "file");
	CU_ASSERT(json_is_null(json_object_get(json_object_get(json, "metrics"), "p999")));
	json_decref(json);
	plan_destroy(plan);
	fake_folder_remove(folder);
}

static void test_the_numbers_are_those_of_the_programs(void)
{
	struct plan *plan = plan_of("busy", "slow");
	char *folder = fake_folder();
	struct run_result r = { 0 };
	double p50;

	CU_ASSERT_FATAL(plan != NULL);
	p50 = 20000 + (double)(plan->block_seeds[0] % 1000);
	CHECK_INT(run_in(plan, folder, NULL, &r, NULL), 0);
	CHECK_NEAR(r.metric[METRIC_P50], p50, 0);
	CHECK_NEAR(r.metric[METRIC_P99], 4 * p50, 0);
	CU_ASSERT(isnan(r.metric[METRIC_P999]));
	CHECK_NEAR(r.metric[METRIC_SERVICE_P50], p50 - 1000, 0);
	CHECK_NEAR(r.metric[METRIC_LATENESS_P99], 2000, 0);
	CHECK_NEAR(r.metric[METRIC_RATE], 5000, 0);
	CHECK_NEAR(r.metric[METRIC_SYSCALLS], 2.1, 1e-9);
	/* 20 ms for 1000 requests, unless the machine was too busy to let the node have them. */
	CU_ASSERT(r.metric[METRIC_CPU] > 1000 && r.metric[METRIC_CPU] < 40000);
	plan_destroy(plan);
	fake_folder_remove(folder);
}

static void test_what_the_kernel_counted_of_the_node_stands_beside(void)
{
	struct plan *plan = plan_of("busy", "slow");
	char *folder = fake_folder(), path[100];
	const json_t *observed, *process, *thread;
	struct run_result r = { 0 };
	json_t *json = NULL;

	CU_ASSERT_FATAL(plan != NULL);
	CHECK_INT(run_in(plan, folder, NULL, &r, NULL), 0);
	snprintf(path, sizeof(path), "%s/runs/00007/run.json", folder);
	CHECK_INT(file_read_json(path, &json, NULL), 0);
	observed = json_object_get(json, "observed");
	process = json_object_get(observed, "process");
	thread = json_array_get(json_object_get(observed, "threads"), 0);
	CU_ASSERT(json_integer_value(json_object_get(process, "window_ns")) >= 100 * MS);
	CHECK_INT(json_integer_value(json_object_get(process, "threads")), 1);
	CU_ASSERT(json_is_integer(json_object_get(process, "voluntary_switches")));
	CHECK_TEXT(text_at(thread, "name"), "fake_ringwalk");
	CHECK_NEAR(r.metric[METRIC_SWITCHES],
		   json_number_value(json_object_get(process, "voluntary_switches")) / 1000, 1e-9);
	CHECK_INT(isnan(r.metric[METRIC_RUN_DELAY]),
		  json_is_null(json_object_get(process, "run_delay_ns")));
	/* Not asked for, so not counted; and where this client ran it does not say. */
	CU_ASSERT(isnan(r.metric[METRIC_CYCLES]));
	CU_ASSERT(json_is_null(json_object_get(observed, "others_share")));
	json_decref(json);
	plan_destroy(plan);
	fake_folder_remove(folder);
}

/* Of two configurations, the first without a hog. */
static const char hogged[] = "client: {duration: 10ms}\nhog: {behave: well}\n"
			     "factors: {hog.threads: [0, 1]}\nblocks: 1\nseed: 9\n";

static void test_a_hog_is_beside_them_when_it_has_threads(void)
{
	struct plan *plan = fake_plan(hogged);
	char path[100];

	CU_ASSERT_FATAL(plan != NULL);
	for (unsigned config = 0; config < 2; config++) {
		struct run_order order = { .plan = plan, .program = program, .id = 7 };
		struct watch none = { 0 };
		struct run_result r = { 0 };
		char *folder = fake_folder();
		json_t *json = NULL;

		order.folder = folder;
		order.slot.config = config;
		snprintf(path, sizeof(path), "%s/runs", folder);
		folder_create(path, NULL);
		CHECK_INT(run_once(&order, &none, &r, NULL), 0);
		CHECK_TEXT(r.reasons, "as planned");
		CHECK_INT(exists(folder, "runs/00007/hog.json"), config);
		snprintf(path, sizeof(path), "%s/runs/00007/run.json", folder);
		CHECK_INT(file_read_json(path, &json, NULL), 0);
		CHECK_INT(json_object_get(json, "hog") != NULL, config);
		json_decref(json);
		fake_folder_remove(folder);
	}
	plan_destroy(plan);
}

static void test_a_hog_that_is_refused_fails_the_run(void)
{
	struct plan *plan = fake_plan("client: {duration: 10ms}\nhog: {behave: refuse}\n"
				      "factors: {node.backend: [epoll, poll]}\nblocks: 1\n");
	char *folder = fake_folder();
	struct run_result r = { 0 };

	CU_ASSERT_FATAL(plan != NULL);
	CHECK_INT(run_in(plan, folder, NULL, &r, NULL), 0);
	CU_ASSERT(r.failed && r.impossible);
	CHECK_TEXT(r.reasons, "hog: exit status 3: sched: SCHED_FIFO refused: needs CAP_SYS_NICE");
	plan_destroy(plan);
	fake_folder_remove(folder);
}

static bool has_argument(const json_t *json, const char *start)
{
	const json_t *value;
	size_t i;

	json_array_foreach(
		json_object_get(json, "arguments"), i,
		value) if (!strncmp(json_string_value(value), start, strlen(start))) return true;
	return false;
}

static void test_the_programs_get_the_settings_of_their_role(void)
{
	struct plan *plan = plan_of("well", "well");
	char *folder = fake_folder(), path[100], seed[64];
	json_t *node = NULL, *client = NULL;
	struct run_result r = { 0 };

	CU_ASSERT_FATAL(plan != NULL);
	snprintf(seed, sizeof(seed), "--seed=%lld", (long long)plan->block_seeds[0]);
	CHECK_INT(run_in(plan, folder, NULL, &r, NULL), 0);
	snprintf(path, sizeof(path), "%s/runs/00007/node.json", folder);
	CHECK_INT(file_read_json(path, &node, NULL), 0);
	snprintf(path, sizeof(path), "%s/runs/00007/client.json", folder);
	CHECK_INT(file_read_json(path, &client, NULL), 0);
	CU_ASSERT(has_argument(node, "node"));
	CU_ASSERT(has_argument(node, "--backend=epoll"));
	CU_ASSERT(has_argument(node, "--bind-addr=127.0.0.1:0"));
	CU_ASSERT(!has_argument(node, "--duration"));
	CU_ASSERT(has_argument(client, "client"));
	CU_ASSERT(has_argument(client, "--to=127.0.0.1:"));
	CU_ASSERT(has_argument(client, "--duration=10ms"));
	CU_ASSERT(has_argument(client, "--program=compute 10us;reply 64B"));
	CU_ASSERT(has_argument(client, seed));
	json_decref(node);
	json_decref(client);
	plan_destroy(plan);
	fake_folder_remove(folder);
}

/*
 * A run that must fail. In the reason "*" first in a path is the folder, last it is what a library
 * says; "%" is the limit that is waited for.
 */
struct failure {
	const char *node, *client, *reason;
	bool impossible;
};

/* Is the reason as it should be? r->reasons and want are cut where anything may stand. */
static bool is_reason(struct run_result *r, const struct failure *row, const char *folder,
		      int64_t limit_ns, char *want, size_t size)
{
	const char *star = strchr(row->reason, '*'), *percent = strchr(row->reason, '%');

	if (percent) {
		snprintf(want, size, "%.*s%.3g s%s", (int)(percent - row->reason), row->reason,
			 (double)limit_ns / SEC, percent + 1);
		return !strcmp(r->reasons, want);
	}
	snprintf(want, size, "%.*s%s%s", star ? (int)(star - row->reason) : 99, row->reason,
		 star ? folder : "", star ? star + 1 : "");
	if (strchr(want, '*'))
		r->reasons[strcspn(want, "*")] = *strchr(want, '*') = '\0';
	return !strcmp(r->reasons, want);
}

/* True: it failed for its reason. */
static bool fail_within(int64_t limit_ns, const struct failure *row, bool is_last)
{
	struct plan *plan = plan_within(limit_ns, row->node, row->client);
	char *folder = fake_folder(), want[200];
	struct run_result r = { 0 };
	struct err err = { 0 };
	bool as_it_should;

	CU_ASSERT_FATAL(plan != NULL);
	CHECK_INT(run_in(plan, folder, NULL, &r, &err), 0);
	CU_ASSERT(r.failed);
	CU_ASSERT(isnan(r.metric[METRIC_P50]));
	CU_ASSERT(exists(folder, "runs/00007/run.json"));
	as_it_should = is_reason(&r, row, folder, limit_ns, want, sizeof(want));
	if (as_it_should || is_last) {
		CHECK_INT(r.impossible, row->impossible);
		CHECK_TEXT(r.reasons, want);
	}
	plan_destroy(plan);
	fake_folder_remove(folder);
	return as_it_should;
}

/*
 * What is waited for is waited for shortly first, and longer where the machine was so slow that
 * something else came to its limit.
 */
static void test_every_failure_is_a_result_with_its_reason(void)
{
	static const struct failure rows[] = {
		{ "refuse", "well",
		  "node: exit status 3: sched: SCHED_FIFO refused: needs CAP_SYS_NICE",
		  .impossible = true },
		{ "crash", "well", "node: signal 11 (Segmentation fault)" },
		{ "mute", "well", "node: did not say \"listening on\" within %" },
		{ "die", "slow", "node: ended during the run with signal 9 (Killed)" },
		{ "deaf", "well", "node: still running % after SIGTERM, killed" },
		{ "garble", "well", "node: */runs/00007.tmp/node.json:*" },
		{ "well", "hang", "client: still running after %, ended" },
		{ "well", "fail", "client: exit status 2: --program: \"compute\" needs a time" },
		{ "well", "silent",
		  "client: */runs/00007.tmp/client.json: No such file or directory" },
	};
	static const int64_t limits_ns[] = { 400 * MS, 2 * SEC, 10 * SEC };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool waits = strchr(rows[i].reason, '%'), done = false;
		int last = waits ? 2 : 0;

		for (int k = 0; k <= last && !done; k++)
			done = fail_within(waits ? limits_ns[k] : 60 * SEC, &rows[i], k == last);
	}
}

/* True: the node had said all it had to say before the client's ten durations were over. */
static bool talk_beside(const char *duration)
{
	struct plan *plan = plan_lasting(duration, 60 * SEC, "talk", "slow");
	char *folder = fake_folder();
	struct run_result r = { 0 };

	CU_ASSERT_FATAL(plan != NULL);
	CHECK_INT(run_in(plan, folder, NULL, &r, NULL), 0);
	if (r.failed)
		printf("\n    beside a client of ten times %s: %s ", duration, r.reasons);
	plan_destroy(plan);
	fake_folder_remove(folder);
	return !r.failed;
}

/* On a busy machine talking takes longer; a node whose output is not read never gets to its end. */
static void test_a_node_that_talks_does_not_block(void)
{
	CU_ASSERT(talk_beside("10ms") || talk_beside("100ms") || talk_beside("1s"));
}

static void test_an_invalid_run_keeps_its_numbers_and_reasons(void)
{
	struct plan *plan = plan_of("well", "invalid");
	char *folder = fake_folder();
	struct run_result r = { 0 };

	CU_ASSERT_FATAL(plan != NULL);
	CHECK_INT(run_in(plan, folder, NULL, &r, NULL), 0);
	CU_ASSERT(!r.failed);
	CHECK_INT(r.validity, RUN_INVALID);
	CHECK_TEXT(r.reasons, "sent too late");
	CU_ASSERT(r.metric[METRIC_P50] > 0);
	plan_destroy(plan);
	fake_folder_remove(folder);
}

static volatile sig_atomic_t stop;

static void stop_soon(void *context)
{
	int *looks = context;

	stop = ++*looks == 2;
}

static void test_a_stop_leaves_nothing_of_the_run(void)
{
	struct plan *plan = plan_of("well", "hang");
	char *folder = fake_folder();
	int looks = 0;
	struct watch watch = { .stop = &stop, .tick = stop_soon, .context = &looks };
	struct run_result r = { 0 };
	struct err err = { 0 };

	CU_ASSERT_FATAL(plan != NULL);
	plan->configs[0].limit_ns = 60 * SEC;
	CHECK_INT(run_in(plan, folder, &watch, &r, &err), -EINTR);
	CU_ASSERT(!exists(folder, "runs/00007"));
	CU_ASSERT(!exists(folder, "runs/00007.tmp"));
	plan_destroy(plan);
	fake_folder_remove(folder);
}

static void test_a_program_that_is_not_there_is_a_reason(void)
{
	struct plan *plan = plan_of("well", "well");
	char *folder = fake_folder();
	const char *good = program;
	struct run_result r = { 0 };

	CU_ASSERT_FATAL(plan != NULL);
	program = "/nonexistent/ringwalk";
	CHECK_INT(run_in(plan, folder, NULL, &r, NULL), 0);
	program = good;
	CU_ASSERT(r.failed);
	CHECK_TEXT(r.reasons,
		   "node: exit status 127: cannot run /nonexistent/ringwalk: No such file or "
		   "directory");
	plan_destroy(plan);
	fake_folder_remove(folder);
}

static CU_TestInfo tests[] = {
	{ "a hog is beside them when it has threads",
	  test_a_hog_is_beside_them_when_it_has_threads },
	{ "a hog that is refused fails the run", test_a_hog_that_is_refused_fails_the_run },
	{ "a run leaves a complete folder", test_a_run_leaves_a_complete_folder },
	{ "the numbers are those of the programs", test_the_numbers_are_those_of_the_programs },
	{ "what the kernel counted of the node stands beside",
	  test_what_the_kernel_counted_of_the_node_stands_beside },
	{ "the programs get the settings of their role",
	  test_the_programs_get_the_settings_of_their_role },
	{ "every failure is a result with its reason",
	  test_every_failure_is_a_result_with_its_reason },
	{ "a node that talks does not block", test_a_node_that_talks_does_not_block },
	{ "an invalid run keeps its numbers and reasons",
	  test_an_invalid_run_keeps_its_numbers_and_reasons },
	{ "a stop leaves nothing of the run", test_a_stop_leaves_nothing_of_the_run },
	{ "a program that is not there is a reason", test_a_program_that_is_not_there_is_a_reason },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	if (argc != 2)
		return test_skip("needs the path of fake_ringwalk");
	program = argv[1];
	return test_main("run", tests);
}
