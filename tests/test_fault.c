/*
 * test_fault.c - the text of a fault by rows, refusals too; and when its time is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "base/clock.h"
#include "proxy/fault.h"
#include "tests/test.h"

static const struct row {
	const char *text, *canonical;
} rows[] = {
	{ "refuse", "refuse" },
	{ "silence,prob=50%", "silence,prob=50%" },
	{ "reset", "reset,dir=both" },
	{ "reset,prob=0.1,after=1s", "reset,prob=10%,after=1s,dir=both" },
	{ "reset,after=64KiB,dir=back", "reset,after=64KiB,dir=back" },
	{ "half-close,after=1500ms", "half-close,after=1.5s,dir=forth" },
	{ "half-close,dir=both", "half-close,dir=both" },
	{ "black-hole,from=2s,to=4s,every=10s", "black-hole,from=2s,to=4s,every=10s,dir=both" },
	{ "black-hole,to=1s", "black-hole,to=1s,dir=both" },
	{ "loss,prob=1%,dir=forth", "loss,prob=1%,dir=forth" },
	{ "duplicate,prob=1", "duplicate,dir=both" },
	{ "reorder,by=3ms,prob=5%", "reorder,prob=5%,dir=both,by=3ms" },
	{ "corrupt,prob=0", "corrupt,prob=0%,dir=both" },
};

static void test_texts_are_read_and_written_back_canonical(void)
{
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fault f, again;
		struct err err = { 0 };
		char text[128];

		CHECK_INT(fault_parse(rows[i].text, &f, &err), 0);
		CHECK_TEXT(fault_format(&f, text, sizeof(text)), rows[i].canonical);
		CHECK_INT(fault_parse(text, &again, &err), 0);
		CHECK_TEXT(fault_format(&again, text, sizeof(text)), rows[i].canonical);
	}
}

static const struct refusal {
	const char *text, *word;
} refusals[] = {
	{ "", "is no fault" },
	{ "rest", "did you mean reset?" },
	{ "reset,", "\"\" has no value" },
	{ "reset,prob", "\"prob\" has no value" },
	{ "reset,prob=", "prob" },
	{ "reset,prob=2", "more than 1" },
	{ "reset,prob=-1", "prob" },
	{ "reset,prob=0.1,prob=0.2", "given twice" },
	{ "reset,after=5", "neither a time (1s) nor a size (64KiB)" },
	{ "reset,after=5parsecs", "neither a time" },
	{ "reset,afer=5s", "did you mean after?" },
	{ "reset,dir=there", "forth, back, both" },
	{ "reset,dir=none", "forth, back, both" },
	{ "reset,by=1s", "of reorder" },
	{ "reset,from=2", "from" },
	{ "reset,from=2s,to=1s", "not after from" },
	{ "reset,to=0s", "not after from" },
	{ "reset,every=1s", "needs a to" },
	{ "reset,from=1s,to=3s,every=1s", "shorter than from..to" },
	{ "refuse,after=1s", "refuse has no such" },
	{ "refuse,dir=back", "no direction" },
	{ "silence,dir=forth", "no direction" },
	{ "loss,after=1s", "loss has no such" },
	{ "reorder,prob=1", "by=TIME is missing" },
	{ "reorder,by=0s", "by=TIME is missing" },
	{ "reset,after=1ssssssssssssssssssssssssssssssssssssssssssssssssssssssssss"
	  "ssssssssssssssssssssssssssssssssssssssssssssssssssssssssss"
	  "ssssssssssssssssssssssssssssssssssssssssssssssssssssssssss",
	  "too long" },
};

static void test_mistakes_are_refused_with_what_would_be_right(void)
{
	for (unsigned i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		struct fault f = { .by_ns = 42 };
		struct err err = { 0 };

		CHECK_INT(fault_parse(refusals[i].text, &f, &err), -EINVAL);
		if (!strstr(err.text, refusals[i].word))
			printf("\n    \"%s\": %s", refusals[i].text, err.text);
		CU_ASSERT(strstr(err.text, refusals[i].word) != NULL);
		CHECK_INT(f.by_ns, 42); /* untouched */
	}
}

static struct fault parsed(const char *text)
{
	struct fault f = { 0 };

	CHECK_INT(fault_parse(text, &f, NULL), 0);
	return f;
}

static void test_without_a_schedule_it_is_always_time(void)
{
	struct fault f = parsed("reset");

	CU_ASSERT(fault_is_open(&f, 0));
	CHECK_INT(fault_opens_ns(&f, 5 * SEC), 5 * SEC);
	CHECK_INT(fault_closes_ns(&f, 5 * SEC), INT64_MAX);
}

static void test_a_window_opens_and_closes_once(void)
{
	struct fault f = parsed("black-hole,from=2s,to=4s");

	CU_ASSERT(!fault_is_open(&f, 2 * SEC - 1));
	CU_ASSERT(fault_is_open(&f, 2 * SEC));
	CU_ASSERT(fault_is_open(&f, 4 * SEC - 1));
	CU_ASSERT(!fault_is_open(&f, 4 * SEC));
	CHECK_INT(fault_opens_ns(&f, 0), 2 * SEC);
	CHECK_INT(fault_opens_ns(&f, 3 * SEC), 3 * SEC);
	CHECK_INT(fault_opens_ns(&f, 4 * SEC), INT64_MAX);
	CHECK_INT(fault_closes_ns(&f, 3 * SEC), 4 * SEC);
}

static void test_a_schedule_is_repeated(void)
{
	struct fault f = parsed("black-hole,from=2s,to=4s,every=10s");

	CU_ASSERT(!fault_is_open(&f, 1 * SEC));
	CU_ASSERT(fault_is_open(&f, 13 * SEC));
	CU_ASSERT(!fault_is_open(&f, 14 * SEC));
	CU_ASSERT(fault_is_open(&f, 1002 * SEC));
	CHECK_INT(fault_opens_ns(&f, 4 * SEC), 12 * SEC);
	CHECK_INT(fault_opens_ns(&f, 1005 * SEC), 1012 * SEC);
	CHECK_INT(fault_closes_ns(&f, 1003 * SEC), 1004 * SEC);
	/* Without a gap it never closes. */
	f = parsed("black-hole,to=1s,every=1s");
	CU_ASSERT(fault_is_open(&f, 17 * SEC));
	CHECK_INT(fault_closes_ns(&f, 17 * SEC), INT64_MAX);
}

static CU_TestInfo tests[] = {
	{ "texts are read and written back canonical",
	  test_texts_are_read_and_written_back_canonical },
	{ "mistakes are refused with what would be right",
	  test_mistakes_are_refused_with_what_would_be_right },
	{ "without a schedule it is always time", test_without_a_schedule_it_is_always_time },
	{ "a window opens and closes once", test_a_window_opens_and_closes_once },
	{ "a schedule is repeated", test_a_schedule_is_repeated },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("fault", tests);
}
