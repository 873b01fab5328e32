/*
 * test_tunable_contract.c - what every tunable promises: no setting is lost without a word.
 *
 * The argument names the tunable; its rows stand in tunable_contract_NAME.c. Each is applied in a
 * fresh thread, or in a fresh process if it is for processes; then the verdict, the texts and
 * (asked past the tunable) the kernel must agree, a refusal must have changed nothing, and
 * applying what was read back before must bring that back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <errno.h>

#include "tests/tunable_contract.h"

#define IS(verdicts) ((verdicts)&1U << report.verdict)

static const struct suite *const suites[] = {
	&suite_limits, &suite_autogroup, &suite_cgroup, &suite_memory, &suite_numa,
	&suite_pin,    &suite_sched,	 &suite_timer,	&suite_socket, &suite_steer,
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
	for (const char *start = text; *text && len < size; text++) {
		/* part of a word: "4KiB" */
		bool alone = !isalnum((unsigned char)text[1]) &&
			     (text == start || !isalnum((unsigned char)text[-1]));

		if (alone && (*text == 'A' || *text == 'B'))
			len += snprintf(buf + len, size - len, "%d", *text == 'A' ? first : last);
		else if (alone && *text == 'O')
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

static void finish(struct target *t)
{
	if (suite->close)
		suite->close(t);
}

/* What was applied is gone: at the latest when the journal, if there is one, has taken it back. */
static void finish_restored(struct target *t, const char *kernel_before)
{
	char kernel[256];

	if (tunable->needs_journal)
		finish(t);
	suite->kernel(t, kernel, sizeof(kernel));
	CHECK_TEXT(kernel, kernel_before);
	if (!tunable->needs_journal)
		finish(t);
}

/* Reservations and CPUs of one's own are the machine's: others may have them just now. */
static bool may_be_taken(const char *settings)
{
	return strstr(settings, "policy=deadline") || strstr(settings, "cpus=");
}

static void check_row(const struct row *row, const struct filled *f)
{
	struct target self = { .fd = -1, .index = row->index };
	struct tunable_test_opts opts, before, after;
	struct verdict_report report;
	struct err err = { 0 };
	char kernel[256], kernel_before[256];
	int rc;

	CHECK_INT(tunable_test_parse(tunable, f->settings, &opts, &err), 0);
	if (suite->open)
		suite->open(&self);
	CHECK_INT(tunable->read_back(&self, &before, &err), 0);
	suite->kernel(&self, kernel_before, sizeof(kernel_before));
	rc = tunable_apply(tunable, &self, &opts, &report, &err);
	if (rc == -EBUSY && may_be_taken(f->settings)) {
		test_not_tried("%s: %s", f->settings, report.why);
		finish(&self);
		return;
	}
	if (!IS(row->verdicts))
		printf("\n    %s: verdict %s: %s", f->settings, verdict_names[report.verdict],
		       report.why);
	CU_ASSERT(IS(row->verdicts) != 0);
	CHECK_INT(!rc, IS(DONE) != 0);
	CU_ASSERT(report.verdict == VERDICT_OK || *report.why);
	if (rc)
		CHECK_TEXT(err.text, report.why);
	check_text(report.requested, row->requested ? f->requested : NULL, true);
	check_text(report.effective, row->effective ? f->effective : NULL, true);
	check_text(report.why, row->why ? f->why : NULL, false);
	suite->kernel(&self, kernel, sizeof(kernel));
	check_text(kernel, row->kernel ? f->kernel : NULL, true);
	CHECK_INT(tunable->read_back(&self, &after, &err), 0);
	if (IS(REFUSED)) {
		check_same(&after, &before);
		CHECK_TEXT(kernel, kernel_before);
	}
	CHECK_INT(tunable->apply(&self, &before, &err), 0);
	CHECK_INT(tunable->read_back(&self, &after, &err), 0);
	check_same(&after, &before);
	finish_restored(&self, kernel_before);
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

/* What is for a process changes this one, so it has a process of its own. */
static void run_apart(void *(*fn)(void *), void *arg)
{
	if (tunable->scope == SCOPE_PROCESS)
		tunable_test_process(fn, arg);
	else
		tunable_test_thread(fn, arg);
}

static void test_every_setting_ends_in_its_verdict_and_can_be_taken_back(void)
{
	bool privileged = tunable_test_privileged();
	const struct row *row;

	for (row = suite->rows; row->settings; row++) {
		if (row->privileged && !privileged)
			test_not_tried("%s: needs CAP_SYS_NICE", row->settings);
		else
			run_apart(run_row, (void *)row);
	}
}

static void *apply_defaults(void *arg)
{
	struct target self = { .fd = -1 };
	struct tunable_test_opts opts, before, after;
	struct verdict_report report;
	struct err err = { 0 };
	char change[64];

	fill_in(suite->change, change, sizeof(change));
	if (suite->open)
		suite->open(&self);
	CHECK_INT(tunable_test_parse(tunable, change, &opts, &err), 0);
	CHECK_INT(tunable_apply(tunable, &self, &opts, &report, &err), 0);
	CHECK_INT(tunable->read_back(&self, &before, &err), 0);
	knob_defaults(&tunable->group, &opts);
	CU_ASSERT(tunable->is_default(&opts));
	CHECK_INT(tunable_apply(tunable, &self, &opts, &report, &err), 0);
	CHECK_INT(report.verdict, VERDICT_OK);
	CHECK_TEXT(report.requested, "");
	CU_ASSERT(*report.effective != '\0');
	CHECK_INT(tunable->read_back(&self, &after, &err), 0);
	check_same(&after, &before);
	finish(&self);
	return NULL;
}

static void test_defaults_touch_nothing_and_report_what_is_there(void)
{
	run_apart(apply_defaults, NULL);
}

static void *apply_without_journal(void *arg)
{
	struct target self = { .fd = -1, .no_journal = "the disk is full" };
	char change[64], kernel[256], kernel_before[256];
	struct tunable_test_opts opts;
	struct verdict_report report;
	struct err err = { 0 };

	fill_in(suite->change, change, sizeof(change));
	CHECK_INT(tunable_test_parse(tunable, change, &opts, &err), 0);
	suite->kernel(&self, kernel_before, sizeof(kernel_before));
	CHECK_INT(tunable_apply(tunable, &self, &opts, &report, &err), -EPERM);
	CHECK_INT(report.verdict, VERDICT_DENIED);
	CU_ASSERT(strstr(report.why,
			 ": there is no journal to take it back by: the disk is full") != NULL);
	CU_ASSERT(*report.requested && !*report.effective);
	suite->kernel(&self, kernel, sizeof(kernel));
	CHECK_TEXT(kernel, kernel_before);
	return NULL;
}

static void test_without_a_journal_what_needs_one_is_denied(void)
{
	if (tunable->needs_journal)
		run_apart(apply_without_journal, NULL);
}

static void test_nonsense_does_not_reach_the_kernel(void)
{
	struct tunable_test_opts opts;
	const char *const *text;
	struct err err;

	for (text = suite->nonsense; *text; text++)
		CHECK_INT(tunable_test_parse(tunable, *text, &opts, &err), -EINVAL);
}

static void test_what_is_gone_is_an_error(void)
{
	struct tunable_test_opts opts;
	struct verdict_report report;
	struct err err = { 0 };
	char change[64];

	if (!suite->gone_code) {
		test_does_not_apply("nothing it asks for can go away");
		return;
	}
	fill_in(suite->change, change, sizeof(change));
	CHECK_INT(tunable_test_parse(tunable, change, &opts, &err), 0);
	CHECK_INT(tunable_apply(tunable, &suite->gone, &opts, &report, &err), suite->gone_code);
	CHECK_INT(report.verdict, VERDICT_UNSUPPORTED);
	CHECK_TEXT(err.text, report.why);
}

static void test_the_registry_has_affinity_before_the_policy(void)
{
	const struct tunable *const *tn = tunables;

	while (*tn && *tn != tunable_find("pin"))
		tn++;
	CU_ASSERT_FATAL(*tn != NULL);
	while (*tn && *tn != tunable_find("sched"))
		tn++;
	CU_ASSERT(*tn != NULL);
	CU_ASSERT(!tunable_find("turbo"));
}

static void test_every_tunable_has_its_rows(void)
{
	size_t i;

	for (const struct tunable *const *tn = tunables; *tn; tn++) {
		for (i = 0; i < sizeof(suites) / sizeof(*suites); i++)
			if (!strcmp(suites[i]->name, (*tn)->group.name))
				break;
		if (i == sizeof(suites) / sizeof(*suites))
			printf("\n    no rows for %s", (*tn)->group.name);
		CU_ASSERT(i < sizeof(suites) / sizeof(*suites));
	}
}

/* Does "nodes=0 policy=bind" set the knob? */
static bool sets(const char *settings, const char *name)
{
	size_t len = strlen(name);

	for (; *settings; settings += strspn(settings, " ")) {
		if (!strncmp(settings, name, len) && settings[len] == '=')
			return true;
		settings += strcspn(settings, " ");
	}
	return false;
}

static void test_every_knob_is_set_by_a_row(void)
{
	const struct row *row;

	for (const struct knob *k = tunable->group.knobs; k->name; k++) {
		for (row = suite->rows; row->settings && !sets(row->settings, k->name); row++)
			;
		if (!row->settings)
			printf("\n    no row sets %s", k->name);
		CU_ASSERT(row->settings != NULL);
	}
}

static void test_a_row_can_fail(void)
{
	static const unsigned all = (1U << VERDICTS) - 1;

	for (const struct row *row = suite->rows; row->settings; row++) {
		bool fits = row->verdicts && !(row->verdicts & ~all) && row->verdicts != all;
		/* What may be done or refused says nothing of a wrong cause. */
		bool told = !(row->verdicts & ~REFUSED) ? row->why != NULL : true;

		if (!fits || !told)
			printf("\n    %s: what could be wrong with it?", row->settings);
		CU_ASSERT(fits && told);
	}
}

/* What the kernel takes and does not give back. */
static const struct {
	const char *tunable, *knob, *reason;
} unasked[] = {
	{ "socket", "busy-poll-budget", "getsockopt(2) does not know SO_BUSY_POLL_BUDGET" },
};

static const char *unasked_reason(const struct knob *k)
{
	for (size_t i = 0; i < sizeof(unasked) / sizeof(*unasked); i++)
		if (!strcmp(unasked[i].tunable, suite->name) && !strcmp(unasked[i].knob, k->name))
			return unasked[i].reason;
	return NULL;
}

static void test_every_knob_says_how_it_is_read_back_or_cannot_be(void)
{
	for (const struct knob *k = tunable->group.knobs; k->name; k++) {
		if (!k->read_back == !unasked_reason(k))
			printf("\n    %s: neither or both", k->name);
		CU_ASSERT(!k->read_back != !unasked_reason(k));
	}
}

static void test_what_info_tries_are_settings_that_end_in_a_verdict(void)
{
	struct verdict_report report;
	struct err err = { 0 };

	for (const char *const *text = tunable->trials; text && *text; text++) {
		CHECK_INT(tunable_try(tunable, *text, &report, &err), 0);
		CU_ASSERT(*report.requested != '\0');
		CU_ASSERT(report.verdict == VERDICT_OK || *report.why);
	}
}

static CU_TestInfo tests[] = {
	{ "every setting ends in its verdict and can be taken back",
	  test_every_setting_ends_in_its_verdict_and_can_be_taken_back },
	{ "defaults touch nothing and report what is there",
	  test_defaults_touch_nothing_and_report_what_is_there },
	{ "without a journal, what needs one is denied",
	  test_without_a_journal_what_needs_one_is_denied },
	{ "nonsense does not reach the kernel", test_nonsense_does_not_reach_the_kernel },
	{ "what is gone is an error", test_what_is_gone_is_an_error },
	{ "the registry has affinity before the policy",
	  test_the_registry_has_affinity_before_the_policy },
	{ "every tunable has its rows", test_every_tunable_has_its_rows },
	{ "every knob is set by a row", test_every_knob_is_set_by_a_row },
	{ "a row can fail", test_a_row_can_fail },
	{ "every knob says how it is read back, or cannot be",
	  test_every_knob_says_how_it_is_read_back_or_cannot_be },
	{ "what info tries are settings that end in a verdict",
	  test_what_info_tries_are_settings_that_end_in_a_verdict },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	const char *why;
	size_t i;

	for (i = 0; i < sizeof(suites) / sizeof(*suites); i++)
		if (argc == 2 && !strcmp(suites[i]->name, argv[1]))
			suite = suites[i];
	if (!suite) {
		fprintf(stderr, "usage: test_tunable_contract TUNABLE\n");
		return 2;
	}
	tunable = tunable_find(suite->name);
	if (suite->impossible && (why = suite->impossible()))
		return test_skip(why);
	return test_main(suite->name, tests);
}
