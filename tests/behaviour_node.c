/*
 * behaviour_node.c - nodes as a whole: how connections come to workers, and being looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/behaviour.h"

/*
 * Each thread has five sessions after each other, so connections come and go. A closed loop waits
 * for them: on a busy machine a schedule was over before the last one was open.
 */
static void run_sessions(const struct setup *s, enum place place)
{
	static const struct deed deed = { "compute 5us;sleep 100us;store 1KiB,nosync" };
	struct trial t = { .deed = &deed, .place = place };

	if (stage.addresses[place] < 0) {
		test_not_tried("over %s", transport_cases[place].name);
		return;
	}
	trial_prepare_client(&t, s);
	trial_set(&t, "connections", "1");
	trial_set(&t, "num-sessions", "5");
	trial_set(&t, "outstanding", "1");
	if (!trial_run_client(&t)) {
		CHECK_INT(t.result->counts.done, REQUESTS);
		CHECK_INT(t.result->counts.planned, REQUESTS);
		CHECK_INT(t.result->split.answers, REQUESTS);
		if (place != OVER_UDP)
			CHECK_INT(t.result->loop.opened, 10);
	}
	client_result_destroy(t.result);
}

static unsigned places_there(void)
{
	unsigned count = 0;

	for (unsigned place = 0; place < PLACES; place++)
		count += stage.addresses[place] >= 0;
	return count;
}

static void check_accept_mode(enum accept_mode mode, enum accept_wait wait)
{
	struct node_stats stats;
	char text[128];
	struct setup s;

	stage_init_node(&s);
	s.opts.accept_mode = mode;
	s.opts.accept_wait = wait;
	s.opts.storage.keep = false;
	snprintf(text, sizeof(text), "file=%s/accept,size=1MiB", stage.folder);
	knob_list_add(&s.opts.storage.devices, text, strlen(text), NULL);
	CU_ASSERT_FATAL(setup_start(&s) == 0);
	for (unsigned place = 0; place < PLACES; place++)
		run_sessions(&s, place);
	WAIT_UNTIL(stats_of(&s).requests == places_there() * REQUESTS);
	stats = stats_of(&s);
	CHECK_INT(stats.operations[WIRE_COMPUTE], places_there() * REQUESTS);
	CHECK_INT(stats.operations[WIRE_SLEEP], places_there() * REQUESTS);
	CHECK_INT(stats.operations[WIRE_STORE], places_there() * REQUESTS);
	CHECK_INT(stats.accept_errors, 0);
	setup_finish(&s);
}

static void test_every_accept_mode_serves_every_transport(void)
{
	for (int mode = ACCEPT_CHILD; mode <= ACCEPT_PARENT; mode++)
		for (int wait = ACCEPT_EVENT; wait <= ACCEPT_BLOCKING; wait++)
			check_accept_mode(mode, wait);
}

/* Looks at all nodes until it is told to stop; what it sees only grows. */
struct onlooker {
	pthread_t thread;
	atomic_bool stop;
	atomic_uint looks;
};

static void *look(void *onlooker)
{
	struct onlooker *o = onlooker;
	uint64_t requests[ROLES] = { 0 }, stores[ROLES] = { 0 };
	struct node_stats stats;
	struct node_device device;

	while (!atomic_load_explicit(&o->stop, memory_order_relaxed)) {
		for (unsigned i = 0; i < ROLES; i++) {
			struct node *node = stage.nodes[i].node;

			node_stats(node, (int)(o->looks % 3) - 1, &stats);
			if (o->looks % 3 == 0) {
				CU_ASSERT(stats.requests >= requests[i]);
				requests[i] = stats.requests;
			}
			node_device(node, 0, &device);
			CU_ASSERT(device.stores >= stores[i]);
			stores[i] = device.stores;
		}
		o->looks++;
	}
	return NULL;
}

static void test_being_looked_at_disturbs_nothing(void)
{
	static const struct deed deed = {
		"forward %B;store 4KiB,sync;reply;forward %C,meanwhile;load 4KiB;reply;"
		"store 4KiB,nosync",
		.asked = { [A] = { [WIRE_STORE] = 1, [WIRE_FORWARD_TO] = 2, [WIRE_SEND_REPLY] = 1 },
			   [B] = { [WIRE_STORE] = 1, [WIRE_SEND_REPLY] = 1 },
			   [C] = { [WIRE_LOAD] = 1, [WIRE_SEND_REPLY] = 1 } },
	};
	struct onlooker onlooker = { 0 };

	CU_ASSERT_FATAL(!pthread_create(&onlooker.thread, NULL, look, &onlooker));
	WAIT_UNTIL(onlooker.looks > 0);
	for (unsigned first = 0; first < ROLES; first++)
		behave_once(&deed, OVER_IPV4, first, NULL);
	atomic_store_explicit(&onlooker.stop, true, memory_order_relaxed);
	pthread_join(onlooker.thread, NULL);
}

/* Who takes a connection from a socket that all share, the kernel promises nobody. */
static void test_every_worker_has_worked(void)
{
	struct node_stats stats;

	for (unsigned i = 0; i < ROLES; i++) {
		if (i == ACCEPT_SHARED)
			continue;
		for (int worker = 0; worker < 2; worker++) {
			node_stats(stage.nodes[i].node, worker, &stats);
			CU_ASSERT(stats.requests > 0);
		}
	}
}

static uint64_t connections_open(void)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < ROLES; i++)
		count += stats_of(&stage.nodes[i]).connections;
	return count;
}

/* But for the nodes' connections to each other. */
static void test_nothing_is_left_open(void)
{
	uint64_t between = 0;
	struct node_stats stats;

	for (unsigned i = 0; i < ROLES; i++)
		between += stats_of(&stage.nodes[i]).forward.connections;
	WAIT_UNTIL(connections_open() <= between);
	for (unsigned i = 0; i < ROLES; i++) {
		stats = stats_of(&stage.nodes[i]);
		CHECK_INT(stats.accept_errors, 0);
		CHECK_INT(stats.loop.faults, 0);
		CHECK_INT(stats.forward.strays, 0);
		CHECK_INT(stats.forward.cancelled, 0);
	}
}

CU_TestInfo behaviour_node_tests[] = {
	{ "every accept mode serves every transport",
	  test_every_accept_mode_serves_every_transport },
	{ "being looked at disturbs nothing", test_being_looked_at_disturbs_nothing },
	{ "every worker has worked", test_every_worker_has_worked },
	{ "nothing is left open", test_nothing_is_left_open },
	CU_TEST_INFO_NULL,
};
