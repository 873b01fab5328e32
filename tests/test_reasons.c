/*
 * test_reasons.c - why configurations are absent and runs doubted; and JSON made flat for tables.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/reasons.h"

#include "lab/flatten.h"
#include "lab/load_text.h"
#include "tests/report_cases.h"
#include "tests/test.h"

static void test_reasons_that_differ_in_measures_only_are_alike(void)
{
	CU_ASSERT(reasons_alike("lateness 931 us", "lateness 12 us"));
	CU_ASSERT(reasons_alike("sent 19.2k/s", "sent 9k/s"));
	CU_ASSERT(reasons_alike("", ""));
	CU_ASSERT(reasons_alike("late: 931 us (p50 is 98 us)", "late: 2.31 ms (p50 is 1.42 ms)"));
	CU_ASSERT(!reasons_alike("5 runs", "5 s"));
	CU_ASSERT(!reasons_alike("lateness 931 us", "lateness 931 %"));
	CU_ASSERT(!reasons_alike("cpu 1", "cpu"));
	CU_ASSERT(!reasons_alike("a", "ab"));
}

static void test_reasons_are_lines(void)
{
	const char *reasons = "late: 5%; limit 2%\nsteal", *reason = NULL;
	char text[32];
	size_t len;

	reason = reasons_next(reasons, reason, &len);
	CHECK_INT(len, 18);
	reason = reasons_next(reasons, reason, &len);
	CU_ASSERT(reason && !strncmp(reason, "steal", len));
	CU_ASSERT_PTR_NULL(reasons_next(reasons, reason, &len));
	CU_ASSERT_PTR_NULL(reasons_next("", NULL, &len));
	CHECK_TEXT(reasons_line(reasons, text, sizeof(text)), "late: 5%; limit 2%; steal");
	CHECK_TEXT(reasons_line(reasons, text, 10), "late: 5%;");
}

/* Labels and kinds of the absent, in their order. */
static void test_everyone_absent_has_a_reason(void)
{
	struct analysis *a = report_case_analyse(report_case_find("mixed"));
	unsigned kinds[ABSENT_WAITING + 1] = { 0 };
	struct absent absent;

	for (unsigned i = 0; i < reasons_count(a); i++)
		if (reasons_absent(a, i, &absent)) {
			kinds[absent.kind]++;
			CU_ASSERT(*absent.why && *absent.label);
		}
	CHECK_INT(kinds[ABSENT_EXCLUDED], 1);
	CHECK_INT(kinds[ABSENT_IMPOSSIBLE], 2);
	CHECK_INT(kinds[ABSENT_VACUOUS], 2);
	CHECK_INT(kinds[ABSENT_FAILED], 2);
	CHECK_INT(kinds[ABSENT_INVALID], 1);
	CHECK_INT(kinds[ABSENT_UNMEASURED] + kinds[ABSENT_WAITING], 0);
	synthetic_discard(a);
}

static void test_no_number_and_no_run_are_told_apart(void)
{
	struct analysis *unmeasured = report_case_analyse(report_case_find("no numbers"));
	struct analysis *waiting = report_case_analyse(report_case_find("no runs"));
	struct absent absent;

	CU_ASSERT(reasons_absent(unmeasured, 1, &absent));
	CHECK_INT(absent.kind, ABSENT_UNMEASURED);
	CU_ASSERT(reasons_absent(waiting, 1, &absent));
	CHECK_INT(absent.kind, ABSENT_WAITING);
	synthetic_discard(unmeasured);
	synthetic_discard(waiting);
}

static void append(void *context, const char *path, const char *text)
{
	char *all = context;
	size_t len = strlen(all);

	snprintf(all + len, 512 - len, "%s=%s|", path, text);
}

static void test_nested_json_becomes_paths(void)
{
	json_t *json = json_loads("{\"a\": {\"b\": \"x\", \"c\": [1, 2.5, true, null]}, \"d\": [],"
				  "\"e\": [{\"f\": 1}, {\"f\": 2}], \"g\": {}}",
				  0, NULL);
	char all[512] = "";

	flatten_json(json, append, all);
	CHECK_TEXT(all, "a.b=x|a.c=1, 2.5, yes, -|d=none|e.0.f=1|e.1.f=2|");
	json_decref(json);
	flatten_json(NULL, append, all);
}

static void test_the_load_is_one_line(void)
{
	json_t *json =
		json_loads("{\"client\": {\"arrivals\": \"exponential\", \"rate\": \"20k/s\","
			   "\"outstanding\": \"0\"}, \"node\": {\"threads\": \"2\"}}",
			   0, NULL);
	char text[64];

	CHECK_TEXT(load_text(json, text, sizeof(text)), "rate 20k/s, arrivals exponential");
	CHECK_TEXT(load_text(NULL, text, sizeof(text)), "");
	json_decref(json);
}

static CU_TestInfo tests[] = {
	{ "reasons that differ in measures only are alike",
	  test_reasons_that_differ_in_measures_only_are_alike },
	{ "reasons are lines", test_reasons_are_lines },
	{ "everyone absent has a reason", test_everyone_absent_has_a_reason },
	{ "no number and no run are told apart", test_no_number_and_no_run_are_told_apart },
	{ "nested JSON becomes paths", test_nested_json_becomes_paths },
	{ "the load is one line", test_the_load_is_one_line },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("reasons", tests);
}
