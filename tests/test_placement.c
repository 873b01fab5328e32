/*
 * test_placement.c - which settings reach which threads and sockets, when, and what is kept of it.
 *
 * Tunables that only write down who was given what stand in for the real ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/placement.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "system/kernel_file.h"
#include "tests/lab_fake.h"
#include "tests/test.h"

/* What happened, "early=3 late=1 ", in the order in which it did. */
static char seen[400];

struct fake_opts {
	int64_t value;
};

static const struct knob table[] = {
	{ .name = "value",
	  .type = &knob_int,
	  KNOB_FIELD(struct fake_opts, value, int64_t),
	  .def = "0",
	  .read_back = "itself" },
	{ 0 },
};

static int64_t value_of(const void *opts)
{
	return ((const struct fake_opts *)opts)->value;
}

static bool is_default(const void *opts)
{
	return !value_of(opts);
}

static int64_t now;

static int note(const char *name, const void *opts, struct err *err)
{
	size_t len = strlen(seen);

	snprintf(seen + len, sizeof(seen) - len, "%s=%d ", name, (int)value_of(opts));
	if (value_of(opts) == 13)
		return err_set(err, -EPERM, "13 is refused");
	now = value_of(opts) > 100 ? 100 : value_of(opts);
	return 0;
}

#define NOTES(name)                                                                        \
	static int apply_##name(const struct target *t, const void *opts, struct err *err) \
	{                                                                                  \
		return note(#name, opts, err);                                             \
	}
NOTES(process)
NOTES(early)
NOTES(late)
NOTES(socket)

static int read_back(const struct target *t, void *opts, struct err *err)
{
	((struct fake_opts *)opts)->value = now;
	return 0;
}

#define FAKE(title, ...)                                                                     \
	static const struct tunable fake_##title = { .group = { .name = #title,              \
								.knobs = table,              \
								.opts_size = sizeof(         \
									struct fake_opts) }, \
						     .is_default = is_default,               \
						     .apply = apply_##title,                 \
						     .read_back = read_back,                 \
						     __VA_ARGS__ }
#define OWN .own_groups = TUNABLE_OWN_GROUPS

/* The registry's order counts within a moment only. */
FAKE(late, .scope = SCOPE_THREAD, .moment = MOMENT_READY, OWN);
FAKE(early, .scope = SCOPE_THREAD, .moment = MOMENT_STARTED, OWN);
FAKE(socket, .scope = SCOPE_SOCKET, .kinds = 1U << SOCKET_LISTENING | 1U << SOCKET_ACCEPTED);
FAKE(process, .scope = SCOPE_PROCESS);

static const struct tunable *const fakes[] = { &fake_late, &fake_early, &fake_socket, &fake_process,
					       NULL };

struct rig {
	struct parts parts;
	struct role_knobs *knobs;
	struct placement placement;
	struct hooks hooks;
	char said[400];
	struct err err;
};

static void say(void *context, const char *sentence)
{
	struct rig *rig = context;
	size_t len = strlen(rig->said);

	snprintf(rig->said + len, sizeof(rig->said) - len, "%s\n", sentence);
}

/* settings: "KEY=VALUE KEY=VALUE" of a node. */
static void set_up_with(struct rig *rig, const struct backend_ops *const *backends_of,
			const char *settings, bool allow_degraded)
{
	char text[200], *rest = text, *word;

	*rig = (struct rig){ .parts = fake_parts };
	*seen = '\0';
	now = 0;
	rig->parts.tunables = fakes;
	rig->parts.backends = backends_of;
	CHECK_INT(role_knobs_create(&rig->parts, ROLE_NODE, &rig->knobs, &rig->err), 0);
	CHECK_INT(placement_init(&rig->placement, ROLE_NODE, rig->knobs, &rig->err), 0);
	snprintf(text, sizeof(text), "%s", settings);
	while ((word = strsep(&rest, " "))) {
		char *value = word + strcspn(word, "=");

		*value++ = '\0';
		CHECK_INT(knob_set_assign(role_knobs_set(rig->knobs), word, value, KNOB_ARGUMENT,
					  &rig->err),
			  0);
	}
	rig->placement.allow_degraded = allow_degraded;
	rig->placement.say = say;
	rig->placement.say_context = rig;
	rig->hooks = placement_hooks(&rig->placement);
}

static void set_up(struct rig *rig, const char *settings, bool allow_degraded)
{
	set_up_with(rig, fake_parts.backends, settings, allow_degraded);
}

static void tear_down(struct rig *rig)
{
	placement_finish(&rig->placement);
	role_knobs_destroy(rig->knobs);
}

static int start_thread(struct rig *rig, enum thread_role role, unsigned index)
{
	return hooks_start_thread(&rig->hooks, role, index, &rig->err);
}

static void test_everything_comes_at_its_moment(void)
{
	struct rig rig;

	set_up(&rig, "late.value=4 early.value=3 socket.value=2 process.value=1", false);
	CU_ASSERT(rig.hooks.wants_connections);
	CHECK_INT(placement_begin(&rig.placement, &rig.err), 0);
	CHECK_INT(rig.hooks.socket_opened(&rig.placement, SOCKET_LISTENING, 7, &rig.err), 0);
	CHECK_INT(rig.hooks.socket_opened(&rig.placement, SOCKET_CONNECTING, 7, &rig.err), 0);
	CHECK_INT(start_thread(&rig, THREAD_WORKER, 0), 0);
	CHECK_TEXT(seen, "process=1 socket=2 early=3 late=4 ");
	tear_down(&rig);
}

static void test_what_is_not_asked_for_is_not_touched(void)
{
	struct rig rig;

	set_up(&rig, "early.value=3", false);
	CU_ASSERT(!rig.hooks.wants_connections);
	CHECK_INT(placement_begin(&rig.placement, &rig.err), 0);
	CHECK_INT(start_thread(&rig, THREAD_WORKER, 0), 0);
	CHECK_TEXT(seen, "early=3 ");
	tear_down(&rig);
}

static void test_threads_with_a_group_of_their_own_get_that_instead(void)
{
	struct rig rig;

	set_up(&rig, "early.value=3 storage.early.value=5 late.value=4", false);
	CHECK_INT(start_thread(&rig, THREAD_STORAGE, 0), 0);
	CHECK_INT(start_thread(&rig, THREAD_ACCEPTOR, 0), 0);
	CHECK_TEXT(seen, "early=5 late=4 early=3 late=4 ");
	CHECK_TEXT(rig.placement.reports[0].report.name, "storage.early");
	CHECK_TEXT(rig.placement.reports[0].subject, "storage 0");
	tear_down(&rig);
}

static void test_threads_of_the_kernel_get_only_their_own(void)
{
	struct rig rig;

	set_up(&rig, "early.value=3 sqpoll.late.value=6", false);
	CHECK_INT(start_thread(&rig, THREAD_SQPOLL, 0), 0);
	CHECK_INT(start_thread(&rig, THREAD_IOWQ, 0), 0);
	CHECK_TEXT(seen, "late=6 ");
	tear_down(&rig);
}

static void test_a_refusal_ends_the_start_unless_degraded_is_allowed(void)
{
	for (int allowed = 0; allowed < 2; allowed++) {
		struct rig rig;

		set_up(&rig, "early.value=13 late.value=4", allowed);
		CHECK_INT(start_thread(&rig, THREAD_WORKER, 2), allowed ? 0 : -EPERM);
		if (!allowed)
			CHECK_TEXT(rig.err.text, "worker 2: early: 13 is refused");
		CHECK_TEXT(seen, allowed ? "early=13 late=4 " : "early=13 ");
		CHECK_TEXT(rig.said, allowed ? "worker 2: early denied, and goes on all the same: "
					       "13 is refused\n"
					     : "");
		CHECK_INT(rig.placement.reports[0].report.verdict, VERDICT_DENIED);
		tear_down(&rig);
	}
}

static void test_what_is_clamped_ends_the_start_too(void)
{
	struct rig rig;

	set_up(&rig, "early.value=200", false);
	CHECK_INT(start_thread(&rig, THREAD_WORKER, 0), -ERANGE);
	CHECK_TEXT(rig.err.text, "worker 0: early.value: asked for 200, the kernel has 100");
	tear_down(&rig);
}

static void test_a_thousand_sockets_have_one_report(void)
{
	struct rig rig;

	set_up(&rig, "socket.value=2", false);
	for (int i = 0; i < 1000; i++)
		rig.hooks.socket_opened(&rig.placement, SOCKET_ACCEPTED, i, &rig.err);
	CHECK_INT(rig.placement.report_count, 1);
	CHECK_INT(rig.placement.reports[0].count, 1000);
	CHECK_TEXT(rig.placement.reports[0].subject, "accepted socket");
	tear_down(&rig);
}

static void test_settings_for_threads_there_are_none_of_are_vacuous(void)
{
	struct rig rig;
	json_t *json;

	set_up(&rig, "storage.early.value=5 early.value=3", false);
	CHECK_INT(start_thread(&rig, THREAD_WORKER, 0), 0);
	json = placement_json(&rig.placement);
	CHECK_INT(json_array_size(json), 2);
	CHECK_TEXT(json_string_value(json_object_get(json_array_get(json, 1), "name")),
		   "storage.early");
	CHECK_TEXT(json_string_value(json_object_get(json_array_get(json, 1), "verdict")),
		   "vacuous");
	CHECK_TEXT(json_string_value(json_object_get(json_array_get(json, 1), "why")),
		   "there was no thread of kind storage");
	json_decref(json);
	tear_down(&rig);
}

/* A backend that can be asked, and whose thread of the kernel is this one. */
static enum thread_role its_thread = THREAD_SQPOLL;
static bool is_at_end;

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
	*ret = (struct backend_thread){ its_thread, maker };
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

/* 256 workers with a few tunables each are more than a thousand. */
static void test_no_report_is_lost(void)
{
	enum { MANY = 3000 };
	struct verdict_report report = { .name = "late", .verdict = VERDICT_CLAMPED };
	struct rig rig;
	json_t *list;

	set_up(&rig, "late.value=1", true);
	for (unsigned i = 0; i < MANY; i++) {
		char subject[32];

		snprintf(subject, sizeof(subject), "worker %u", i);
		placement_report(&rig.placement, subject, &report);
	}
	list = placement_json(&rig.placement);
	CHECK_INT(json_array_size(list), MANY);
	json_decref(list);
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
	{ "signals do not reach who looks for kernel threads",
	  test_signals_do_not_reach_who_looks_for_kernel_threads },
	{ "no report is lost, however many there are", test_no_report_is_lost },
	{ "what fails when the run goes on is said and reported",
	  test_what_fails_when_the_run_goes_on_is_said },
	{ "a backend is asked at both ends of its thread",
	  test_a_backend_is_asked_at_both_ends_of_its_thread },
	{ "a backend that was not taken as asked ends the start",
	  test_a_backend_that_was_not_taken_as_asked_ends_the_start },
	{ "a polling thread gets its own, and what it inherited is noted",
	  test_a_polling_thread_gets_its_own_and_what_it_inherited_is_noted },
	{ "threads for blocking work are looked for",
	  test_threads_for_blocking_work_are_looked_for },
	{ "everything comes at its moment", test_everything_comes_at_its_moment },
	{ "what is not asked for is not touched", test_what_is_not_asked_for_is_not_touched },
	{ "threads with a group of their own get that instead",
	  test_threads_with_a_group_of_their_own_get_that_instead },
	{ "threads of the kernel get only their own",
	  test_threads_of_the_kernel_get_only_their_own },
	{ "a refusal ends the start unless degraded is allowed",
	  test_a_refusal_ends_the_start_unless_degraded_is_allowed },
	{ "what is clamped ends the start too", test_what_is_clamped_ends_the_start_too },
	{ "a thousand sockets have one report", test_a_thousand_sockets_have_one_report },
	{ "settings for threads there are none of are vacuous",
	  test_settings_for_threads_there_are_none_of_are_vacuous },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("placement", tests);
}
