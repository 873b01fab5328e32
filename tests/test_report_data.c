/*
 * test_report_data.c - runs.csv and verdict.json: what other programs read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdlib.h>

#include "tests/report_cases.h"
#include "tests/test.h"

static char *csv_of(const struct analysis *a)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CHECK_INT(report_csv(a->data, out, NULL), 0);
	fclose(out);
	return text;
}

/* Fields of a record, with quotes understood; moves *text to the next record. */
static unsigned count_fields(const char **text)
{
	bool quoted = false;
	unsigned fields = 1;

	for (; **text && (quoted || **text != '\n'); (*text)++) {
		quoted ^= **text == '"';
		fields += !quoted && **text == ',';
	}
	*text += **text == '\n';
	return fields;
}

static void test_every_run_is_a_record_as_wide_as_the_head(void)
{
	for (const struct report_case *c = report_cases; c->name; c++) {
		struct analysis *a = report_case_analyse(c);
		char *text = csv_of(a);
		const char *rest = text;
		unsigned wide = count_fields(&rest), records = 0;

		for (; *rest; records++)
			CHECK_INT(count_fields(&rest), wide);
		CHECK_INT(records, a->data->run_count);
		CU_ASSERT(!strstr(text, "nan") && !strstr(text, "inf"));
		free(text);
		synthetic_discard(a);
	}
}

static void test_csv_quotes_what_needs_it(void)
{
	struct analysis *a = report_case_analyse(report_case_find("hostile"));
	char *text = csv_of(a);

	snprintf(a->data->runs[0].reasons, sizeof(a->data->runs[0].reasons), "one, two\nthree");
	free(text);
	text = csv_of(a);
	CU_ASSERT(!strncmp(text, "run,block,position,attempt,configuration,node.backend,", 54));
	CU_ASSERT(strstr(text, "\"\"\"quoted\"\" 'text'\"") != NULL);
	CU_ASSERT(strstr(text, ",\"one, two; three\",runs/00001\n") != NULL);
	free(text);
	synthetic_discard(a);
}

static json_t *verdict_of(const char *name)
{
	struct analysis *a = report_case_analyse(report_case_find(name));
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *json;

	CHECK_INT(report_json(a, out, NULL), 0);
	fclose(out);
	json = json_loads(text, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	free(text);
	synthetic_discard(a);
	return json;
}

static const json_t *find_config(const json_t *json, const char *label)
{
	const json_t *list = json_object_get(json, "configurations"), *c;
	size_t i;

	json_array_foreach(list, i, c)
	{
		if (!strcmp(json_string_value(json_object_get(c, "label")), label))
			return c;
	}
	CU_FAIL_FATAL("no such configuration");
	return NULL;
}

static void test_the_verdict_can_be_read_back(void)
{
	json_t *json = verdict_of("demo"), *p50;
	const json_t *c = find_config(json, "io_uring other core");

	p50 = json_object_get(json_object_get(c, "effects"), "p50");
	CHECK_TEXT(json_string_value(json_object_get(p50, "says")), "better");
	CHECK_NEAR(json_real_value(json_object_get(p50, "ratio")), 0.76, 0.02);
	CHECK_TEXT(json_string_value(json_object_get(json_object_get(c, "levels"), "node.backend")),
		   "io_uring");
	CHECK_TEXT(json_string_value(json_object_get(json, "primary")), "p50");
	CHECK_INT(json_integer_value(json_object_get(json, "seed")), 20240611);
	CU_ASSERT(json_string_length(json_object_get(json, "headline")) > 20);
	json_decref(json);
}

static void test_what_is_not_there_is_null(void)
{
	json_t *json = verdict_of("two blocks"), *p50;
	const json_t *c = find_config(json, "io_uring other core");

	p50 = json_object_get(json_object_get(c, "effects"), "p50");
	CU_ASSERT(json_is_null(json_object_get(p50, "p_holm")));
	CU_ASSERT(json_is_null(json_array_get(json_object_get(p50, "interval95"), 0)));
	json_decref(json);
	json = verdict_of("no runs");
	CU_ASSERT_PTR_NULL(json_object_get(json, "best"));
	CU_ASSERT(json_is_null(json_object_get(json_object_get(json, "drift"), "share")));
	json_decref(json);
}

static void test_every_case_has_all_its_configurations(void)
{
	for (const struct report_case *c = report_cases; c->name; c++) {
		json_t *json = verdict_of(c->name);
		size_t count = json_array_size(json_object_get(json, "configurations"));

		CU_ASSERT(count == 4 || count == 16 || count == 32 || count == 60);
		json_decref(json);
	}
}

static void test_text_that_is_not_utf8_is_still_said(void)
{
	json_t *json = verdict_of("hostile");

	find_config(json, "epoll other caf?? ?\x01");
	CHECK_TEXT(json_string_value(json_object_get(json, "name")),
		   "<script>alert('name')</script>");
	json_decref(json);
}

static CU_TestInfo tests[] = {
	{ "every run is a record as wide as the head",
	  test_every_run_is_a_record_as_wide_as_the_head },
	{ "CSV quotes what needs it", test_csv_quotes_what_needs_it },
	{ "the verdict can be read back", test_the_verdict_can_be_read_back },
	{ "what is not there is null", test_what_is_not_there_is_null },
	{ "every case has all its configurations", test_every_case_has_all_its_configurations },
	{ "text that is not UTF-8 is still said", test_text_that_is_not_utf8_is_still_said },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("report for programs", tests);
}
