/*
 * test_tunable_contract.c - what every tunable promises: no setting is lost without a word.
 *
 * The argument names the tunable. Each row is applied in a fresh thread; then the verdict, the
 * texts and (asked past the tunable) the kernel must agree, a refusal must have changed nothing,
 * and applying what was read back before must bring that back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "tests/tunable_test.h"

#define OK	     (1U << VERDICT_OK)
#define DONE	     (1U << VERDICT_OK | 1U << VERDICT_VACUOUS)
#define CLAMPED	     (1U << VERDICT_CLAMPED)
#define CUT	     (1U << VERDICT_CLAMPED | 1U << VERDICT_IGNORED)
#define SLICED	     (1U << VERDICT_OK | 1U << VERDICT_IGNORED)
#define UNSUPPORTED  (1U << VERDICT_UNSUPPORTED)
#define IS(verdicts) ((verdicts)&1U << report.verdict)

/*
 * In texts A and B are the first and the last CPU this process may use, O those online. What is
 * NULL is not compared.
 */
struct row {
	const char *settings;
	unsigned index;	   /* of the thread */
	unsigned verdicts; /* that are right, as bits */
	const char *requested, *effective, *why;
	const char *kernel; /* what it says when not asked by the tunable */
	bool privileged;    /* to apply, or to come back */
};

static const struct row pin_rows[] = {
	{ "cpus=A", 0, DONE, "cpus=A spread=all", "cpus=A spread=all", NULL, "A" },
	{ "cpus=B,A", 0, DONE, "cpus=B spread=all", "cpus=B spread=all", NULL, "B" },
	{ "cpus=B,A", 1, DONE, "cpus=A spread=all", "cpus=A spread=all", NULL, "A" },
	{ "cpus=B,A", 2, DONE, "cpus=B spread=all", "cpus=B spread=all", NULL, "B" },
	{ "cpus=B,A spread=all", 1, DONE, NULL, NULL, NULL, NULL },
	{ "cpus=A,1000", 0, DONE, "cpus=A spread=all", "cpus=A spread=all", NULL, "A" },
	{ "cpus=A,1000", 1, UNSUPPORTED, "cpus=1000 spread=all", "",
	  "cpu 1000 does not exist (online O)", NULL },
	{ "cpus=1000-1001 spread=all", 0, UNSUPPORTED, "cpus=1000-1001 spread=all", "",
	  "cpus 1000-1001 do not exist (online O)", NULL },
	{ "cpus=A,1000 spread=all", 0, CLAMPED, "cpus=A,1000 spread=all", "cpus=A spread=all",
	  "cpu 1000 does not exist (online O)", "A" },
	{ 0 },
};

/* kernel: policy, priority, nice. */
static const struct row sched_rows[] = {
	{ "policy=other", 0, OK, "policy=other", NULL, NULL, "0 0 0" },
	{ "policy=other nice=5", 0, OK, "policy=other nice=5", NULL, NULL, "0 0 5", true },
	{ "nice=5", 0, OK, "policy=other nice=5", NULL, NULL, "0 0 5", true },
	{ "nice=-5", 0, OK, "policy=other nice=-5", NULL, NULL, "0 0 -5", true },
	{ "policy=batch", 0, OK, "policy=batch", NULL, NULL, "3 0 0" },
	{ "policy=idle", 0, OK, "policy=idle", NULL, NULL, "5 0 0", true },
	{ "policy=fifo", 0, OK, "policy=fifo priority=10", "policy=fifo priority=10", NULL,
	  "1 10 0", true },
	{ "policy=rr priority=20", 0, OK, "policy=rr priority=20", "policy=rr priority=20", NULL,
	  "2 20 0", true },
	{ "policy=deadline runtime=1ms deadline=10ms", 0, OK,
	  "policy=deadline runtime=1ms deadline=10ms period=10ms",
	  "policy=deadline runtime=1ms deadline=10ms period=10ms", NULL, "6 0 0 reset-on-fork",
	  true },
	{ "policy=deadline runtime=1ms deadline=5ms period=20ms", 0, OK,
	  "policy=deadline runtime=1ms deadline=5ms period=20ms",
	  "policy=deadline runtime=1ms deadline=5ms period=20ms", NULL, "6 0 0 reset-on-fork",
	  true },
	{ "slice=3ms", 0, SLICED, "policy=other slice=3ms", NULL, NULL, "0 0 0" },
	{ "policy=batch slice=20ms", 0, SLICED, "policy=batch slice=20ms", NULL, NULL, "3 0 0" },
	{ "slice=50us", 0, CUT, "policy=other slice=50us", NULL, "slice", "0 0 0" },
	{ "slice=1s", 0, CUT, "policy=other slice=1s", NULL, "slice", "0 0 0" },
	{ "policy=other priority=10", 0, UNSUPPORTED, NULL, "",
	  "sched.priority means nothing to policy other, only to fifo and rr", "0 0 0" },
	{ "priority=10", 0, UNSUPPORTED, NULL, "", "nothing to policy inherit", "0 0 0" },
	{ "policy=fifo nice=5", 0, UNSUPPORTED, NULL, "",
	  "sched.nice means nothing to policy fifo, only to other and batch", "0 0 0" },
	{ "policy=idle nice=5", 0, UNSUPPORTED, NULL, "", "nothing to policy idle", "0 0 0" },
	{ "policy=rr slice=1ms", 0, UNSUPPORTED, NULL, "", "sched.slice means nothing", "0 0 0" },
	{ "policy=fifo runtime=1ms", 0, UNSUPPORTED, NULL, "", "sched.runtime means", "0 0 0" },
	{ "policy=deadline", 0, UNSUPPORTED, NULL, "",
	  "policy deadline needs sched.runtime and sched.deadline", "0 0 0" },
	{ "policy=deadline runtime=20ms deadline=10ms", 0, UNSUPPORTED, NULL, "",
	  "sched.runtime is longer than sched.deadline", "0 0 0" },
	{ "policy=deadline runtime=1ms deadline=10ms period=5ms", 0, UNSUPPORTED, NULL, "",
	  "sched.deadline is longer than sched.period", "0 0 0" },
	{ "policy=deadline runtime=1us deadline=10ms", 0, UNSUPPORTED, NULL, "",
	  "sched.runtime is 1024ns at least, not 1000ns", "0 0 0" },
	{ "policy=deadline runtime=20us deadline=50us", 0, UNSUPPORTED, NULL, "",
	  "period 50us; the kernel takes 100us to ", "0 0 0", true },
	{ 0 },
};

/* Refused before they come near the kernel. */
static const char *const pin_nonsense[] = { "cpus=x", "cpus=1-", "spread=some", NULL };
static const char *const sched_nonsense[] = { "nice=-25",     "nice=20",      "priority=100",
					      "policy=turbo", "runtime=10",   "slice=-1ms",
					      "priority=-1",  "deadline=1xs", NULL };

static int kernel_cpus(char *buf, size_t size)
{
	char line[256];
	FILE *file = fopen("/proc/thread-self/status", "r");
	int found = 0;

	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "Cpus_allowed_list: %255s", buf);
	fclose(file);
	return (int)size * found;
}

static int kernel_policy(char *buf, size_t size)
{
	int policy = sched_getscheduler(0);
	struct sched_param param;

	sched_getparam(0, &param);
	return snprintf(buf, size, "%d %d %d%s", policy & ~SCHED_RESET_ON_FORK,
			param.sched_priority, getpriority(PRIO_PROCESS, 0),
			policy & SCHED_RESET_ON_FORK ? " reset-on-fork" : "");
}

static const struct suite {
	const char *name;
	const struct row *rows;
	const char *const *nonsense;
	const char *change; /* a setting that makes a difference */
	int (*kernel)(char *buf, size_t size);
} suites[] = {
	{ "pin", pin_rows, pin_nonsense, "cpus=A", kernel_cpus },
	{ "sched", sched_rows, sched_nonsense, "nice=5", kernel_policy },
};

static const struct suite *suite;
static const struct tunable *tunable;

/* Puts CPUs for A, B and O. */
static void fill_in(const char *text, char *buf, size_t size)
{
	char online[64];
	cpu_set_t mask;
	int first = 0, last = CPU_SETSIZE - 1;
	size_t len = 0;

	kernel_file_read("/sys/devices/system/cpu/online", online, sizeof(online));
	sched_getaffinity(0, sizeof(mask), &mask);
	while (!CPU_ISSET(first, &mask))
		first++;
	while (!CPU_ISSET(last, &mask))
		last--;
	*buf = '\0';
	for (; *text && len < size; text++) {
		if (*text == 'A' || *text == 'B')
			len += snprintf(buf + len, size - len, "%d", *text == 'A' ? first : last);
		else if (*text == 'O')
			len += snprintf(buf + len, size - len, "%s", online);
		else
			len += snprintf(buf + len, size - len, "%c", *text);
	}
}

static void check_same(const struct tunable_test_opts *a, const struct tunable_test_opts *b)
{
	char text_a[128], text_b[128];
	const struct knob *k;

	for (k = tunable->group.knobs; k->name; k++) {
		knob_format(k, a, text_a, sizeof(text_a));
		knob_format(k, b, text_b, sizeof(text_b));
		CHECK_TEXT(text_a, text_b);
	}
}

/* settings and got are compared as texts that were filled in before the thread was changed. */
static void check_text(const char *got, const char *want, bool whole)
{
	if (want && (whole ? strcmp(got, want) != 0 : !strstr(got, want)))
		CHECK_TEXT(got, want);
}

struct filled {
	char settings[256], requested[256], effective[256], why[256], kernel[256];
};

static void check_row(const struct row *row, const struct filled *f)
{
	const struct target self = { .fd = -1, .index = row->index };
	struct tunable_test_opts opts, before, after;
	struct verdict_report report;
	struct err err = { 0 };
	char kernel[256];
	int rc;

	CHECK_INT(tunable_test_parse(tunable, f->settings, &opts, &err), 0);
	CHECK_INT(tunable->read_back(&self, &before, &err), 0);
	rc = tunable_apply(tunable, &self, &opts, &report, &err);
	if (rc == -EBUSY) {
		printf("\n    not possible now: %s: %s", f->settings, report.why);
		return;
	}
	if (!IS(row->verdicts))
		printf("\n    %s: verdict %s: %s", f->settings, verdict_names[report.verdict],
		       report.why);
	CU_ASSERT(IS(row->verdicts) != 0);
	CHECK_INT(!rc, IS(DONE) != 0);
	if (rc)
		CHECK_TEXT(err.text, report.why);
	check_text(report.requested, row->requested ? f->requested : NULL, true);
	check_text(report.effective, row->effective ? f->effective : NULL, true);
	check_text(report.why, row->why ? f->why : NULL, false);
	suite->kernel(kernel, sizeof(kernel));
	check_text(kernel, row->kernel ? f->kernel : NULL, true);
	CHECK_INT(tunable->read_back(&self, &after, &err), 0);
	if (IS(UNSUPPORTED))
		check_same(&after, &before);
	CHECK_INT(tunable->apply(&self, &before, &err), 0);
	CHECK_INT(tunable->read_back(&self, &after, &err), 0);
	check_same(&after, &before);
}

static void *run_row(void *arg)
{
	const struct row *row = arg;
	struct filled f;

	fill_in(row->settings, f.settings, sizeof(f.settings));
	fill_in(row->requested ? row->requested : "", f.requested, sizeof(f.requested));
	fill_in(row->effective ? row->effective : "", f.effective, sizeof(f.effective));
	fill_in(row->why ? row->why : "", f.why, sizeof(f.why));
	fill_in(row->kernel ? row->kernel : "", f.kernel, sizeof(f.kernel));
	check_row(row, &f);
	return NULL;
}

static void test_every_setting_ends_in_its_verdict_and_can_be_taken_back(void)
{
	bool privileged = tunable_test_privileged();
	const struct row *row;

	for (row = suite->rows; row->settings; row++) {
		if (row->privileged && !privileged)
			printf("\n    not possible here: %s needs CAP_SYS_NICE", row->settings);
		else
			tunable_test_thread(run_row, (void *)row);
	}
}

static void *apply_defaults(void *arg)
{
	const struct target self = { .fd = -1 };
	struct tunable_test_opts opts, before, after;
	struct verdict_report report;
	struct err err = { 0 };
	char change[64];

	fill_in(suite->change, change, sizeof(change));
	CHECK_INT(tunable_test_apply(suite->name, change, &report), 0);
	CHECK_INT(tunable->read_back(&self, &before, &err), 0);
	knob_defaults(&tunable->group, &opts);
	CU_ASSERT(tunable->is_default(&opts));
	CHECK_INT(tunable_apply(tunable, &self, &opts, &report, &err), 0);
	CHECK_INT(report.verdict, VERDICT_OK);
	CHECK_TEXT(report.requested, "");
	CU_ASSERT(*report.effective != '\0');
	CHECK_INT(tunable->read_back(&self, &after, &err), 0);
	check_same(&after, &before);
	return NULL;
}

static void test_defaults_touch_nothing_and_report_what_is_there(void)
{
	tunable_test_thread(apply_defaults, NULL);
}

static void test_nonsense_does_not_reach_the_kernel(void)
{
	struct tunable_test_opts opts;
	const char *const *text;
	struct err err;

	for (text = suite->nonsense; *text; text++)
		CHECK_INT(tunable_test_parse(tunable, *text, &opts, &err), -EINVAL);
}

static void test_a_thread_that_is_gone_is_an_error(void)
{
	const struct target gone = { .tid = 0x3fffffff, .fd = -1 };
	struct tunable_test_opts opts;
	struct verdict_report report;
	struct err err = { 0 };
	char change[64];

	fill_in(suite->change, change, sizeof(change));
	CHECK_INT(tunable_test_parse(tunable, change, &opts, &err), 0);
	CHECK_INT(tunable_apply(tunable, &gone, &opts, &report, &err), -ESRCH);
	CHECK_INT(report.verdict, VERDICT_UNSUPPORTED);
	CU_ASSERT(strstr(err.text, "No such process") != NULL);
}

static void test_the_registry_has_affinity_before_the_policy(void)
{
	CU_ASSERT(tunables[0] == tunable_find("pin"));
	CU_ASSERT(tunables[1] == tunable_find("sched"));
	CU_ASSERT(!tunables[2]);
	CU_ASSERT(!tunable_find("turbo"));
}

static CU_TestInfo tests[] = {
	{ "every setting ends in its verdict and can be taken back",
	  test_every_setting_ends_in_its_verdict_and_can_be_taken_back },
	{ "defaults touch nothing and report what is there",
	  test_defaults_touch_nothing_and_report_what_is_there },
	{ "nonsense does not reach the kernel", test_nonsense_does_not_reach_the_kernel },
	{ "a thread that is gone is an error", test_a_thread_that_is_gone_is_an_error },
	{ "the registry has affinity before the policy",
	  test_the_registry_has_affinity_before_the_policy },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; i < sizeof(suites) / sizeof(*suites); i++)
		if (argc == 2 && !strcmp(suites[i].name, argv[1]))
			suite = &suites[i];
	if (!suite) {
		fprintf(stderr, "usage: test_tunable_contract pin|sched\n");
		return 2;
	}
	tunable = tunable_find(suite->name);
	return test_main(suite->name, tests);
}
