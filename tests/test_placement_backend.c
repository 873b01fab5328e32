/*
 * test_placement_backend.c - backends are asked what the kernel has of their settings, and the
 * kernel's threads behind them get what is theirs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include "system/kernel_file.h"
#include "tests/placement_rig.h"

/* A backend that can be asked, and whose thread of the kernel is this one. */
static enum thread_role its_thread = THREAD_SQPOLL;
static bool is_at_end, it_is_shared, it_is_bound;

static int ask_backend(struct backend *b, void *opts, struct verdict_report *report,
		       struct err *err)
{
	if (value_of(opts) > 100)
		((struct fake_opts *)opts)->value = 100;
	if (is_at_end) {
		report->verdict = VERDICT_VACUOUS;
		snprintf(report->why, sizeof(report->why), "in vain");
	}
	return 0;
}

static unsigned threads_of(pid_t maker, struct backend_thread *ret, unsigned max)
{
	*ret = (struct backend_thread){ its_thread, maker, it_is_shared, it_is_bound };
	return 1;
}

static const struct backend_ops asked = {
	.group = { .name = "asked", .knobs = table, .opts_size = sizeof(struct fake_opts) },
	.read_back = ask_backend,
	.kernel_threads = threads_of,
};
static const struct backend_ops *const asked_backends[] = { &asked, NULL };

static int start_with_backend(struct rig *rig, struct backend *b)
{
	const struct thread_parts with = { .backend = b };

	*b = (struct backend){ .ops = &asked };
	return rig->hooks.thread_ready(&rig->placement, THREAD_WORKER, 0, &with, &rig->err);
}

static void end_with_backend(struct rig *rig, struct backend *b)
{
	const struct thread_parts with = { .backend = b };

	is_at_end = true;
	rig->hooks.thread_ending(&rig->placement, THREAD_WORKER, 0, &with);
	is_at_end = false;
}

static void test_a_backend_is_asked_at_both_ends_of_its_thread(void)
{
	struct backend b;
	struct rig rig;

	set_up_with(&rig, asked_backends, "asked.value=5", false);
	CHECK_INT(start_with_backend(&rig, &b), 0);
	CHECK_TEXT(rig.placement.reports[0].report.name, "asked");
	CHECK_TEXT(rig.placement.reports[0].subject, "worker 0");
	CHECK_TEXT(rig.placement.reports[0].report.effective, "value=5");
	CHECK_INT(rig.placement.reports[0].report.verdict, VERDICT_OK);
	end_with_backend(&rig, &b);
	CHECK_INT(rig.placement.reports[0].report.verdict, VERDICT_VACUOUS);
	CHECK_INT(rig.placement.reports[0].count, 1);
	tear_down(&rig);
}

static void test_a_backend_that_was_not_taken_as_asked_ends_the_start(void)
{
	for (int allowed = 0; allowed < 2; allowed++) {
		struct backend b;
		struct rig rig;

		set_up_with(&rig, asked_backends, "asked.value=200", allowed);
		CHECK_INT(start_with_backend(&rig, &b), allowed ? 0 : -ERANGE);
		if (!allowed)
			CHECK_TEXT(rig.err.text,
				   "worker 0: asked.value: asked for 200, the kernel has 100");
		CHECK_INT(rig.placement.reports[0].report.verdict, VERDICT_CLAMPED);
		tear_down(&rig);
	}
}

static const struct verdict_report *report_of(const struct rig *rig, const char *subject,
					      const char *name)
{
	for (unsigned i = 0; i < rig->placement.report_count; i++)
		if (!strcmp(rig->placement.reports[i].subject, subject) &&
		    !strcmp(rig->placement.reports[i].report.name, name))
			return &rig->placement.reports[i].report;
	return NULL;
}

/* "early" was asked for, "late" was not: what it has of its maker is noted. */
static void test_a_polling_thread_gets_its_own_and_what_it_inherited_is_noted(void)
{
	const struct verdict_report *own, *inherited;
	struct backend b;
	struct rig rig;

	its_thread = THREAD_SQPOLL;
	set_up_with(&rig, asked_backends, "sqpoll.early.value=7", false);
	CHECK_INT(start_with_backend(&rig, &b), 0);
	CHECK_TEXT(seen, "early=7 ");
	own = report_of(&rig, "sqpoll 0", "sqpoll.early");
	inherited = report_of(&rig, "sqpoll 0", "sqpoll.late");
	CU_ASSERT_FATAL(own && inherited);
	CHECK_TEXT(own->requested, "value=7");
	CHECK_TEXT(inherited->requested, "");
	CHECK_TEXT(inherited->why, "not asked for: inherited from worker 0, which made it");
	tear_down(&rig);
}

/* Two workers, the second one first, each of which finds the one thread. */
static int start_two_that_share(struct rig *rig, const char *settings, bool allow_degraded)
{
	int rc = 0;

	its_thread = THREAD_SQPOLL;
	it_is_shared = true;
	set_up_with(rig, asked_backends, settings, allow_degraded);
	for (unsigned i = 2; i-- && !rc;) {
		struct backend b = { .ops = &asked };
		const struct thread_parts with = { .backend = &b };

		rc = rig->hooks.thread_ready(&rig->placement, THREAD_WORKER, i, &with, &rig->err);
	}
	it_is_shared = it_is_bound = false;
	return rc;
}

static void test_a_shared_polling_thread_is_placed_once(void)
{
	const struct verdict_report *inherited;
	struct rig rig;

	CHECK_INT(start_two_that_share(&rig, "sqpoll.early.value=7", false), 0);
	CHECK_TEXT(seen, "early=7 ");
	CU_ASSERT(report_of(&rig, "sqpoll 0", "sqpoll.early") != NULL);
	CU_ASSERT(report_of(&rig, "sqpoll 1", "sqpoll.early") == NULL);
	inherited = report_of(&rig, "sqpoll 0", "sqpoll.late");
	CU_ASSERT_FATAL(inherited != NULL);
	CHECK_TEXT(inherited->why,
		   "not asked for: inherited from the first worker of those that share it");
	tear_down(&rig);
}

/* What each thread would get its own of: chance would decide whose. */
static void test_a_shared_polling_thread_cannot_be_handed_things_in_turn(void)
{
	static const struct {
		const char *settings, *words;
	} rows[] = {
		{ "sqpoll.early.value=90",
		  "sqpoll 0: sqpoll.early gives each sqpoll thread its own, but one works for "
		  "all (io_uring.sqpoll-share=yes): ask for the same for all "
		  "(sqpoll.early.spread=all)" },
		{ "iowq.early.value=90",
		  "iowq 0: iowq.early gives each iowq thread its own, but one works for all "
		  "(io_uring.sqpoll-share=yes): ask for the same for all "
		  "(iowq.early.spread=all)" },
		{ "early.value=90",
		  "sqpoll 0: sqpoll.early: early gives worker 0 and worker 1 different CPUs, and "
		  "the polling thread that they share (io_uring.sqpoll-share=yes) would inherit "
		  "those of either: say where it runs (sqpoll.early.cpus, io_uring.sqpoll-cpu)" },
	};

	for (unsigned i = 0; i < 3; i++) {
		struct rig rig;

		CHECK_INT(start_two_that_share(&rig, rows[i].settings, false), -EINVAL);
		CHECK_TEXT(rig.err.text, rows[i].words);
		CHECK_INT(rig.placement.reports[0].report.verdict, VERDICT_UNSUPPORTED);
		CHECK_TEXT(seen, "");
		tear_down(&rig);
		CHECK_INT(start_two_that_share(&rig, rows[i].settings, true), 0);
		CHECK_TEXT(seen, i == 0 ? "early=90 " : "");
		tear_down(&rig);
	}
}

/* Inherited is what was not said otherwise. */
static void test_workers_may_be_apart_when_it_is_said_where_they_are_polled(void)
{
	struct rig rig;

	CHECK_INT(start_two_that_share(&rig, "early.value=90 sqpoll.early.value=7", false), 0);
	CHECK_TEXT(seen, "early=7 ");
	tear_down(&rig);
	it_is_bound = true;
	CHECK_INT(start_two_that_share(&rig, "early.value=90", false), 0);
	tear_down(&rig);
}

static void test_shared_threads_for_blocking_work_are_placed_once(void)
{
	struct rig rig;

	its_thread = THREAD_IOWQ;
	it_is_shared = true;
	set_up_with(&rig, asked_backends, "iowq.late.value=6", false);
	CHECK_INT(placement_begin(&rig.placement, &rig.err), 0);
	for (unsigned i = 2; i--;) {
		struct backend b = { .ops = &asked };
		const struct thread_parts with = { .backend = &b };

		CHECK_INT(rig.hooks.thread_ready(&rig.placement, THREAD_WORKER, i, &with, &rig.err),
			  0);
	}
	for (unsigned i = 0; i < 2; i++) {
		struct backend b = { .ops = &asked };
		const struct thread_parts with = { .backend = &b };

		rig.hooks.thread_ending(&rig.placement, THREAD_WORKER, i, &with);
	}
	CHECK_TEXT(seen, "late=6 ");
	CU_ASSERT(report_of(&rig, "iowq 0", "iowq.late") != NULL);
	CU_ASSERT(report_of(&rig, "iowq 1", "iowq.late") == NULL);
	it_is_shared = false;
	tear_down(&rig);
}

/* Found at the latest when its maker ends, and once only. */
static void test_threads_for_blocking_work_are_looked_for(void)
{
	struct backend b;
	struct rig rig;

	its_thread = THREAD_IOWQ;
	set_up_with(&rig, asked_backends, "iowq.late.value=6", false);
	CHECK_INT(placement_begin(&rig.placement, &rig.err), 0);
	CHECK_INT(start_with_backend(&rig, &b), 0);
	end_with_backend(&rig, &b);
	CHECK_TEXT(seen, "late=6 ");
	CU_ASSERT(report_of(&rig, "iowq 0", "iowq.late") != NULL);
	tear_down(&rig);
}

/* Is there a thread of this name, so one that runs? */
static bool has_thread(const char *name)
{
	DIR *folder = opendir("/proc/self/task");
	struct dirent *entry;
	bool found = false;

	while (folder && !found && (entry = readdir(folder))) {
		char path[300], text[32];

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		found = kernel_file_read(path, text, sizeof(text)) && !strcmp(text, name);
	}
	if (folder)
		closedir(folder);
	return found;
}

/* As a role waits for them: blocked, so that they go to whoever has not blocked them. */
static void test_signals_do_not_reach_who_looks_for_kernel_threads(void)
{
	const struct timespec limit = { .tv_sec = 10 };
	sigset_t stop, was;
	struct rig rig;

	set_up_with(&rig, asked_backends, "iowq.late.value=6", false);
	CHECK_INT(placement_begin(&rig.placement, &rig.err), 0);
	while (!has_thread("rw-iowq-look"))
		sched_yield();
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &stop, &was);
	kill(getpid(), SIGTERM);
	CHECK_INT(sigtimedwait(&stop, NULL, &limit), SIGTERM);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	tear_down(&rig);
}

static void test_what_fails_when_the_run_goes_on_is_said(void)
{
	const struct verdict_report *report;
	struct backend b;
	struct rig rig;

	its_thread = THREAD_IOWQ;
	set_up_with(&rig, asked_backends, "iowq.late.value=13", false);
	CHECK_INT(placement_begin(&rig.placement, &rig.err), 0);
	CHECK_INT(start_with_backend(&rig, &b), 0);
	end_with_backend(&rig, &b);
	CHECK_TEXT(rig.said, "iowq 0: iowq.late: 13 is refused\n");
	report = report_of(&rig, "iowq 0", "iowq.late");
	CU_ASSERT_FATAL(report != NULL);
	CHECK_INT(report->verdict, VERDICT_DENIED);
	tear_down(&rig);
}

static CU_TestInfo tests[] = {
	{ "a backend is asked at both ends of its thread",
	  test_a_backend_is_asked_at_both_ends_of_its_thread },
	{ "a backend that was not taken as asked ends the start",
	  test_a_backend_that_was_not_taken_as_asked_ends_the_start },
	{ "a polling thread gets its own, and what it inherited is noted",
	  test_a_polling_thread_gets_its_own_and_what_it_inherited_is_noted },
	{ "a polling thread that is shared is placed once, as the first",
	  test_a_shared_polling_thread_is_placed_once },
	{ "what would give a shared polling thread several places is refused in words",
	  test_a_shared_polling_thread_cannot_be_handed_things_in_turn },
	{ "threads may be apart when it is said where their polling thread is",
	  test_workers_may_be_apart_when_it_is_said_where_they_are_polled },
	{ "shared threads for blocking work are placed once",
	  test_shared_threads_for_blocking_work_are_placed_once },
	{ "threads for blocking work are looked for",
	  test_threads_for_blocking_work_are_looked_for },
	{ "signals do not reach who looks for kernel threads",
	  test_signals_do_not_reach_who_looks_for_kernel_threads },
	{ "what fails when the run goes on is said and reported",
	  test_what_fails_when_the_run_goes_on_is_said },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("placement_backend", tests);
}
