/*
 * test_tunable.c - from requests to verdicts, with a kernel made up for it.
 *
 * The made-up kernel has one level, which it keeps below a limit, and one mode, which it may take,
 * ignore or refuse.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "tests/tunable_test.h"

struct fake_opts {
	int64_t level, mode;
};

static struct {
	struct fake_opts now;
	int64_t level_max;
	bool mode_ignored;
	int refuses;	 /* errno of apply() */
	int unsupported; /* errno of probe() */
	int unreadable;	 /* errno of read_back() */
	int applied;	 /* how often it was asked */
	bool explains;
} kernel;

static const struct knob knobs[] = {
	{ .name = "level",
	  .type = &knob_int,
	  KNOB_FIELD(struct fake_opts, level, int64_t),
	  .def = "0" },
	{ .name = "mode",
	  .type = &knob_int,
	  KNOB_FIELD(struct fake_opts, mode, int64_t),
	  .def = "0" },
	{ 0 },
};

static int probe(struct err *why)
{
	return kernel.unsupported ? err_set(why, kernel.unsupported, "no such kernel") : 0;
}

static bool is_default(const void *opts)
{
	const struct fake_opts *o = opts;

	return !o->level && !o->mode;
}

static int check(const void *opts, struct err *err)
{
	const struct fake_opts *o = opts;

	return o->mode > o->level ? err_set(err, -EINVAL, "mode above level") : 0;
}

static int resolve(const struct target *t, void *opts, struct err *err)
{
	((struct fake_opts *)opts)->level += t->index;
	return 0;
}

static int apply(const struct target *t, const void *opts, struct err *err)
{
	const struct fake_opts *o = opts;

	kernel.applied++;
	if (kernel.refuses)
		return err_set(err, kernel.refuses, "the kernel is not in the mood");
	kernel.now.level = o->level < kernel.level_max ? o->level : kernel.level_max;
	if (!kernel.mode_ignored)
		kernel.now.mode = o->mode;
	return 0;
}

static int read_back(const struct target *t, void *opts, struct err *err)
{
	if (kernel.unreadable)
		return err_set(err, kernel.unreadable, "nothing to be read");
	*(struct fake_opts *)opts = kernel.now;
	return 0;
}

static void explain(const struct target *t, const void *requested, const void *effective,
		    struct verdict_report *report)
{
	if (kernel.explains && report->verdict == VERDICT_OK)
		report->verdict = VERDICT_VACUOUS;
}

static const struct tunable fake = {
	.group = { .name = "fake", .knobs = knobs, .opts_size = sizeof(struct fake_opts) },
	.probe = probe,
	.is_default = is_default,
	.check = check,
	.resolve = resolve,
	.apply = apply,
	.read_back = read_back,
	.explain = explain,
};

static struct verdict_report report;
static struct err err;

static int ask(int64_t level, int64_t mode, unsigned index)
{
	const struct target target = { .fd = -1, .index = index };
	const struct fake_opts opts = { level, mode };

	err = (struct err){ 0 };
	return tunable_apply(&fake, &target, &opts, &report, &err);
}

static void start(void)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.level_max = 100;
}

static void check_report(enum verdict verdict, const char *requested, const char *effective,
			 const char *why)
{
	CHECK_TEXT(verdict_names[report.verdict], verdict_names[verdict]);
	CHECK_TEXT(report.requested, requested);
	CHECK_TEXT(report.effective, effective);
	CHECK_TEXT(report.why, why);
}

static void test_what_the_kernel_took_is_ok(void)
{
	start();
	CHECK_INT(ask(10, 2, 0), 0);
	check_report(VERDICT_OK, "level=10 mode=2", "level=10 mode=2", "");
}

static void test_something_nearby_is_clamped(void)
{
	start();
	CHECK_INT(ask(200, 0, 0), -ERANGE);
	check_report(VERDICT_CLAMPED, "level=200", "level=100",
		     "fake.level: asked for 200, the kernel has 100");
	CHECK_TEXT(err.text, report.why);
	CHECK_INT(kernel.now.level, 100);
}

static void test_nothing_done_is_ignored(void)
{
	start();
	kernel.now.mode = 1;
	kernel.mode_ignored = true;
	CHECK_INT(ask(10, 2, 0), -EOPNOTSUPP);
	check_report(VERDICT_IGNORED, "level=10 mode=2", "level=10 mode=1",
		     "fake.mode: asked for 2, the kernel has 1");
}

static void test_a_knob_left_alone_is_not_compared_but_told(void)
{
	start();
	kernel.now.mode = 7;
	kernel.mode_ignored = true;
	CHECK_INT(ask(10, 0, 0), 0);
	check_report(VERDICT_OK, "level=10", "level=10 mode=7", "");
}

static void test_what_is_left_open_is_filled_in_for_each_thread(void)
{
	start();
	CHECK_INT(ask(10, 0, 5), 0);
	check_report(VERDICT_OK, "level=15", "level=15", "");
}

static void test_a_refusal_is_denied_or_unsupported_by_its_code(void)
{
	static const struct {
		int code;
		enum verdict verdict;
	} rows[] = {
		{ -EPERM, VERDICT_DENIED },	  { -EACCES, VERDICT_DENIED },
		{ -EBUSY, VERDICT_DENIED },	  { -EAGAIN, VERDICT_DENIED },
		{ -EINVAL, VERDICT_UNSUPPORTED }, { -ENOSYS, VERDICT_UNSUPPORTED },
		{ -ENODEV, VERDICT_UNSUPPORTED },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		start();
		kernel.refuses = rows[i].code;
		CHECK_INT(ask(10, 0, 0), rows[i].code);
		check_report(rows[i].verdict, "level=10", "", "the kernel is not in the mood");
		CHECK_TEXT(err.text, report.why);
	}
}

static void test_what_cannot_work_is_not_tried(void)
{
	start();
	kernel.unsupported = -ENOSYS;
	CHECK_INT(ask(10, 0, 0), -ENOSYS);
	check_report(VERDICT_UNSUPPORTED, "level=10", "", "no such kernel");
	kernel.unsupported = 0;
	CHECK_INT(ask(10, 20, 0), -EINVAL);
	check_report(VERDICT_UNSUPPORTED, "level=10 mode=20", "", "mode above level");
	kernel.unreadable = -ESRCH;
	CHECK_INT(ask(10, 0, 0), -ESRCH);
	check_report(VERDICT_UNSUPPORTED, "level=10", "", "nothing to be read");
	CHECK_INT(kernel.applied, 0);
}

static void test_defaults_are_not_applied_and_cannot_fail(void)
{
	start();
	kernel.now.level = 3;
	kernel.unsupported = -ENOSYS;
	CHECK_INT(ask(0, 0, 0), 0);
	check_report(VERDICT_OK, "", "level=3", "");
	kernel.unreadable = -ESRCH;
	CHECK_INT(ask(0, 0, 0), 0);
	check_report(VERDICT_OK, "", "", "");
	CHECK_INT(kernel.applied, 0);
}

static void test_the_tunable_knows_better_than_the_comparison(void)
{
	start();
	kernel.explains = true;
	CHECK_INT(ask(10, 0, 0), 0);
	check_report(VERDICT_VACUOUS, "level=10", "level=10", "");
}

static void test_nobody_has_to_read_the_error(void)
{
	const struct target target = { .fd = -1 };
	const struct fake_opts opts = { 200, 0 };

	start();
	CHECK_INT(tunable_apply(&fake, &target, &opts, &report, NULL), -ERANGE);
	kernel.refuses = -EPERM;
	CHECK_INT(tunable_apply(&fake, &target, &opts, &report, NULL), -EPERM);
	CHECK_TEXT(report.why, "the kernel is not in the mood");
}

static CU_TestInfo tests[] = {
	{ "what the kernel took is ok", test_what_the_kernel_took_is_ok },
	{ "something nearby is clamped", test_something_nearby_is_clamped },
	{ "nothing done is ignored", test_nothing_done_is_ignored },
	{ "a knob left alone is not compared but told",
	  test_a_knob_left_alone_is_not_compared_but_told },
	{ "what is left open is filled in for each thread",
	  test_what_is_left_open_is_filled_in_for_each_thread },
	{ "a refusal is denied or unsupported by its code",
	  test_a_refusal_is_denied_or_unsupported_by_its_code },
	{ "what cannot work is not tried", test_what_cannot_work_is_not_tried },
	{ "defaults are not applied and cannot fail",
	  test_defaults_are_not_applied_and_cannot_fail },
	{ "the tunable knows better than the comparison",
	  test_the_tunable_knows_better_than_the_comparison },
	{ "nobody has to read the error", test_nobody_has_to_read_the_error },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("tunable", tests);
}
