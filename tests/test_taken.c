/*
 * test_taken.c - threads and runs that say the same are one entry; reports show what is not ok.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/taken.h"

#include <stdlib.h>

#include "lab/report_text.h"
#include "tests/synthetic.h"
#include "tests/test.h"

static json_t *entry(const char *subject, const char *name, const char *requested,
		     const char *effective, const char *verdict, const char *why)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "subject", subject, "name", name,
			 "requested", requested, "effective", effective, "verdict", verdict, "why",
			 why, "count", 1);
}

/* A run whose node has two workers with a slice of this verdict, and a hog that is pinned. */
static json_t *run_json(const char *effective, const char *verdict)
{
	json_t *node = json_pack(
		"{s:[o, o]}", "tunables",
		entry("worker 0", "sched", "slice=50us", effective, verdict, "limits 100us"),
		entry("worker 1", "sched", "slice=50us", effective, verdict, "limits 100us"));
	json_t *hog = json_pack("{s:[o]}", "tunables",
				entry("hog 0", "pin", "cpus=1", "cpus=1", "ok", ""));

	return json_pack("{s:o, s:{s:[]}, s:o}", "node", node, "client", "tunables", "hog", hog);
}

static enum verdict add(struct taken_list *list, unsigned run, unsigned config,
			const char *effective, const char *verdict)
{
	enum verdict worst = VERDICTS;
	json_t *json = run_json(effective, verdict);

	CHECK_INT(taken_add(list, run, config, json, &worst), 0);
	json_decref(json);
	return worst;
}

static void test_settings_of_the_machine_are_entries_too(void)
{
	json_t *json = json_pack("{s:{s:[o]}}", "system", "tunables",
				 entry("machine", "vm.swappiness", "9", "60", "ignored", "as was"));
	struct taken_list list = { 0 };
	enum verdict worst;

	CHECK_INT(taken_add(&list, 1, 0, json, &worst), 0);
	CHECK_INT(worst, VERDICT_IGNORED);
	CHECK_INT(list.count, 1);
	CHECK_INT(list.items[0].role, ROLE_SYSTEM);
	CHECK_TEXT(role_names[list.items[0].role], "system");
	json_decref(json);
	taken_finish(&list);
}

static void test_the_same_answer_is_one_entry(void)
{
	struct taken_list list = { 0 };

	CHECK_INT(add(&list, 1, 0, "slice=100us", "clamped"), VERDICT_CLAMPED);
	CHECK_INT(add(&list, 2, 1, "slice=100us", "clamped"), VERDICT_CLAMPED);
	CHECK_INT(add(&list, 3, 0, "slice=100us", "clamped"), VERDICT_CLAMPED);
	CHECK_INT(add(&list, 4, 2, "slice=50us", "ok"), VERDICT_OK);
	CHECK_INT(list.count, 3);
	CHECK_TEXT(list.items[0].report.name, "sched");
	CHECK_INT(list.items[0].role, ROLE_NODE);
	CHECK_INT(list.items[0].runs, 3);
	CHECK_INT(list.items[0].configs, 2);
	CHECK_INT(list.items[1].role, ROLE_HOG);
	CHECK_INT(list.items[1].configs, 3);
	CHECK_INT(list.items[2].report.verdict, VERDICT_OK);
	CHECK_INT(taken_short_count(&list), 1);
	taken_finish(&list);
}

static void test_what_is_no_report_is_passed_over(void)
{
	static const char *const texts[] = {
		"{}",
		"{\"node\": 3}",
		"{\"node\": {\"tunables\": 3}}",
		"{\"node\": {\"tunables\": [3, {}, []]}}",
		"{\"node\": {\"tunables\": [{\"name\": \"sched\", \"verdict\": \"fine\"}]}}",
		"{\"node\": {\"tunables\": [{\"name\": 3, \"verdict\": \"ok\"}]}}",
	};
	struct taken_list list = { 0 };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		json_t *json = json_loads(texts[i], 0, NULL);
		enum verdict worst = VERDICTS;

		CU_ASSERT_FATAL(json != NULL);
		CHECK_INT(taken_add(&list, (unsigned)i, 0, json, &worst), 0);
		CHECK_INT(worst, VERDICT_OK);
		json_decref(json);
	}
	CHECK_INT(list.count, 0);
	CHECK_INT(taken_short_count(NULL), 0);
	taken_finish(&list);
}

static void test_there_is_a_limit_and_it_is_said(void)
{
	struct taken_list list = { 0 };
	char text[32];

	for (unsigned i = 0; i < TAKEN_MAX + 5; i++) {
		snprintf(text, sizeof(text), "slice=%uus", i);
		CHECK_INT(add(&list, i, 0, text, "clamped"), VERDICT_CLAMPED);
	}
	CHECK_INT(list.count, TAKEN_MAX);
	/* One of the entries is the hog's; two workers each say what finds no room. */
	CHECK_INT(list.dropped, 2 * 6);
	taken_finish(&list);
}

static void test_the_report_says_what_was_not_taken(void)
{
	struct analysis *a = synthetic_analyse(&synthetic_demo);
	struct taken_list *list = calloc(1, sizeof(*list));
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	add(list, 1, 0, "slice=100us", "clamped");
	add(list, 2, 1, "slice=50us", "ok");
	((struct dataset *)a->data)->taken = list;
	report_text(a, 100, false, out);
	fclose(out);
	CU_ASSERT(strstr(text, "\nSETTINGS that the kernel did not take as asked") != NULL);
	CU_ASSERT(strstr(text, "node sched: clamped: asked for slice=50us, has slice=100us; ") !=
		  NULL);
	CU_ASSERT(!strstr(text, "hog pin"));
	free(text);
	synthetic_discard(a);
}

static CU_TestInfo tests[] = {
	{ "settings of the machine are entries, too",
	  test_settings_of_the_machine_are_entries_too },
	{ "the same answer is one entry", test_the_same_answer_is_one_entry },
	{ "what is no report is passed over", test_what_is_no_report_is_passed_over },
	{ "there is a limit and it is said", test_there_is_a_limit_and_it_is_said },
	{ "the report says what was not taken", test_the_report_says_what_was_not_taken },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("taken", tests);
}
