/*
 * test_placement.c - which settings reach which threads and sockets, when, and what is kept of it.
 *
 * Backends and threads of the kernel: test_placement_backend.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/placement_rig.h"

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

static int protocol_of(const void *opts)
{
	return (int)value_of(opts);
}

static void test_sockets_are_made_with_what_a_tunable_asks_for(void)
{
	struct tunable of_sockets = fake_socket;
	const struct tunable *const with[] = { &fake_late, &of_sockets, NULL };
	struct rig rig;

	of_sockets.protocol = protocol_of;
	set_up(&rig, "socket.value=2", false);
	CHECK_INT(rig.hooks.stream_protocol, 0);
	rig.placement.tunables = with;
	rig.placement.general[1] = rig.placement.general[2];
	CHECK_INT(placement_hooks(&rig.placement).stream_protocol, 2);
	rig.placement.tunables = fakes;
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

static CU_TestInfo tests[] = {
	{ "everything comes at its moment", test_everything_comes_at_its_moment },
	{ "what is not asked for is not touched", test_what_is_not_asked_for_is_not_touched },
	{ "sockets are made with what a tunable asks for",
	  test_sockets_are_made_with_what_a_tunable_asks_for },
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
	{ "no report is lost, however many there are", test_no_report_is_lost },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("placement", tests);
}
