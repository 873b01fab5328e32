/*
 * test_read_back.c - what a backend was asked for is compared with what the kernel has.
 *
 * A backend that only answers questions stands in for a real one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "backends/backend.h"
#include "tests/test.h"

struct fake_opts {
	int64_t size;
	bool fast;
};

static const struct knob table[] = {
	{ .name = "size",
	  .type = &knob_int,
	  KNOB_FIELD(struct fake_opts, size, int64_t),
	  .def = "8",
	  .read_back = "itself" },
	{ .name = "fast",
	  .type = &knob_bool,
	  KNOB_FIELD(struct fake_opts, fast, bool),
	  .def = "no" },
	{ 0 },
};

static int same(struct backend *b, void *opts, struct verdict_report *report, struct err *err)
{
	return 0;
}

static int smaller(struct backend *b, void *opts, struct verdict_report *report, struct err *err)
{
	((struct fake_opts *)opts)->size = 8;
	return 0;
}

static int in_words(struct backend *b, void *opts, struct verdict_report *report, struct err *err)
{
	((struct fake_opts *)opts)->size = 16;
	report->verdict = VERDICT_CLAMPED;
	snprintf(report->why, sizeof(report->why), "sixteen will do");
	return 0;
}

static int useless(struct backend *b, void *opts, struct verdict_report *report, struct err *err)
{
	report->verdict = VERDICT_VACUOUS;
	snprintf(report->why, sizeof(report->why), "nobody noticed");
	return 0;
}

static int smaller_with_a_remark(struct backend *b, void *opts, struct verdict_report *report,
				 struct err *err)
{
	snprintf(report->why, sizeof(report->why), "by the way");
	return smaller(b, opts, report, err);
}

static int silent(struct backend *b, void *opts, struct verdict_report *report, struct err *err)
{
	return err_set(err, -EPERM, "it does not say");
}

static void test_verdicts(void)
{
	static const struct {
		int (*read_back)(struct backend *b, void *opts, struct verdict_report *report,
				 struct err *err);
		int64_t size;
		int result;
		enum verdict verdict;
		const char *requested, *effective, *why;
	} rows[] = {
		{ NULL, 32, 0, VERDICT_OK, "size=32", "size=32", "" },
		{ same, 8, 0, VERDICT_OK, "", "", "" },
		{ same, 32, 0, VERDICT_OK, "size=32", "size=32", "" },
		{ smaller, 32, -ERANGE, VERDICT_CLAMPED, "size=32", "size=8",
		  "fake.size: asked for 32, the kernel has 8" },
		{ smaller, 8, 0, VERDICT_OK, "", "", "" },
		{ in_words, 32, -ERANGE, VERDICT_CLAMPED, "size=32", "size=16", "sixteen will do" },
		{ useless, 32, 0, VERDICT_VACUOUS, "size=32", "size=32", "nobody noticed" },
		{ smaller_with_a_remark, 8, 0, VERDICT_OK, "", "", "by the way" },
		{ smaller_with_a_remark, 32, -ERANGE, VERDICT_CLAMPED, "size=32", "size=8",
		  "fake.size: asked for 32, the kernel has 8" },
		{ silent, 32, -EPERM, VERDICT_DENIED, "size=32", "", "it does not say" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct backend_ops ops = { .group = { .name = "fake",
							    .knobs = table,
							    .opts_size = sizeof(struct fake_opts) },
						 .read_back = rows[i].read_back };
		struct backend b = { .ops = &ops };
		struct fake_opts asked = { rows[i].size, false };
		struct verdict_report report;
		struct err err = { 0 };

		CHECK_INT(backend_read_back(&b, &asked, &report, &err), rows[i].result);
		CHECK_INT(report.verdict, rows[i].verdict);
		CHECK_TEXT(report.name, "fake");
		CHECK_TEXT(report.requested, rows[i].requested);
		CHECK_TEXT(report.effective, rows[i].effective);
		CHECK_TEXT(report.why, rows[i].why);
		CHECK_TEXT(err.text, rows[i].result ? rows[i].why : "");
	}
}

static CU_TestInfo tests[] = {
	{ "the kernel's answer is compared, and who knows more has the last word", test_verdicts },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("read_back", tests);
}
