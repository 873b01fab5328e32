/*
 * test_storage_life.c - storage of a real node from start to stop: device 0 that nobody named,
 * threads, draining, peers that go.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdatomic.h>

#include "tests/stored_fixture.h"

static void test_a_node_without_storage_makes_device_0_for_who_asks(void)
{
	struct setup s;
	char home[256], path[128];
	int fd;

	snprintf(home, sizeof(home), "%s", getenv("HOME") ? getenv("HOME") : "");
	setenv("HOME", folder, 1);
	snprintf(path, sizeof(path), "%s/.ringwalk_store_0", folder);
	setup_init(&s, backend);
	s.opts.storage.mode = mode;
	s.opts.threads = 2;
	CU_ASSERT_FATAL(setup_start(&s) == 0);
	CHECK_INT(node_device_count(s.node), 0);
	for (int i = 0; i < 4; i++) {
		fd = connect_to_node(&s);
		CHECK_INT(call(fd, store(WIRE_SEQUENTIAL, 5000, WIRE_STORE_SYNC)).status, WIRE_OK);
		close(fd);
	}
	CHECK_INT(node_device_count(s.node), 1);
	CHECK_STORED(path, 0, 20000);
	CHECK_INT(count_said(&s, "no --storage is given"), 1);
	setenv("HOME", home, 1);
	setup_finish(&s);
	unlink(path);
}

static void test_stopping_does_not_wait_for_the_period(void)
{
	struct stored s;
	int fds[4];

	prepare(&s, ",sync=1000s");
	s.setup.opts.drain_ns = PATIENCE_S * SEC;
	CU_ASSERT_FATAL(setup_start(&s.setup) == 0);
	for (int i = 0; i < 4; i++) {
		fds[i] = connect_to_node(&s.setup);
		CHECK_INT(ask(fds[i], 1, store(WIRE_SEQUENTIAL, 100000, WIRE_STORE_SYNC)), 0);
	}
	WAIT_UNTIL(size_of(s.path) == 400000);
	CHECK_INT(device_of(&s).syncs, 0);
	CHECK_INT(node_stop(s.setup.node, NULL), 0);
	CU_ASSERT(device_of(&s).syncs > 0);
	CHECK_INT(device_of(&s).stores, 4);
	for (int i = 0; i < 4; i++) {
		CHECK_INT(await(fds[i]).status, WIRE_OK);
		close(fds[i]);
	}
	finish(&s);
}

static void test_stopping_lets_stores_end(void)
{
	struct stored s;
	int fd;

	prepare(&s, "");
	s.setup.opts.drain_ns = PATIENCE_S * SEC;
	CU_ASSERT_FATAL(setup_start(&s.setup) == 0);
	fd = connect_to_node(&s.setup);
	CHECK_INT(ask(fd, 1, store(0, 40 * MIB, WIRE_STORE_SYNC)), 0);
	WAIT_UNTIL(size_of(s.path) > 0);
	CHECK_INT(node_stop(s.setup.node, NULL), 0);
	CHECK_INT(size_of(s.path), 40 * MIB);
	CHECK_INT(await(fd).status, WIRE_OK);
	close(fd);
	finish(&s);
}

static void test_a_peer_that_goes_leaves_the_node_in_order(void)
{
	struct stored s;

	prepare(&s, "");
	s.setup.opts.storage.depth = 2;
	CU_ASSERT_FATAL(setup_start(&s.setup) == 0);
	for (int i = 0; i < 20; i++) {
		const struct linger at_once = { .l_onoff = 1 };
		int fd = connect_to_node(&s.setup);

		for (int k = 0; k < 5; k++)
			ask(fd, k, store(WIRE_SEQUENTIAL, MIB, WIRE_STORE_SYNC));
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		if (i % 2)
			usleep(1000);
		close(fd);
	}
	for (int i = 0; i < 5; i++) {
		int fd = connect_to_node(&s.setup);

		CHECK_INT(call(fd, store(0, 100, WIRE_STORE_SYNC)).status, WIRE_OK);
		close(fd);
	}
	finish(&s);
}

static atomic_uint storage_threads;
static atomic_uint thread_numbers; /* bits */

static int note_thread(void *context, enum thread_role role, unsigned index, struct err *err)
{
	(void)context;
	(void)err;
	if (role == THREAD_STORAGE) {
		storage_threads++;
		atomic_fetch_or(&thread_numbers, 1U << index);
	}
	return 0;
}

static void test_threads_of_storage_are_numbered_behind_the_workers(void)
{
	struct stored s;

	prepare(&s, ",count=2");
	storage_threads = thread_numbers = 0;
	s.setup.hooks.thread_started = note_thread;
	s.setup.opts.threads = 3;
	s.setup.opts.storage.keep = false;
	CU_ASSERT_FATAL(setup_start(&s.setup) == 0);
	CHECK_INT(storage_threads, mode == STORAGE_THREAD ? 2 : 0);
	CHECK_INT(thread_numbers, mode == STORAGE_THREAD ? 3 << 3 : 0);
	finish(&s);
}

static int refuse_storage(void *context, enum thread_role role, unsigned index, struct err *err)
{
	(void)context;
	(void)index;
	return role == THREAD_STORAGE ? err_set(err, -EPERM, "storage may not") : 0;
}

static void test_a_storage_thread_that_cannot_start_ends_it_all(void)
{
	struct stored s;
	struct err err = { 0 };

	prepare(&s, "");
	setup_bind(&s.setup, "127.0.0.1:0");
	s.setup.hooks.thread_started = refuse_storage;
	s.setup.opts.storage.keep = false;
	if (mode == STORAGE_THREAD) {
		CHECK_INT(node_start(&s.setup.node, &s.setup.opts, backend, s.setup.backend_opts,
				     &s.setup.hooks, &err),
			  -EPERM);
		CHECK_TEXT(err.text, "storage may not");
		CHECK_INT(size_of(s.path), -1);
		s.setup.node = NULL;
	}
	finish(&s);
}

static void test_threads_that_poll_serve_and_end(void)
{
	struct stored s;
	int fd;

	if (mode != STORAGE_THREAD) {
		test_does_not_apply("no threads of the storage's own");
		return;
	}
	prepare(&s, ",wait-spin,count=2");
	s.setup.opts.storage.keep = false;
	CU_ASSERT_FATAL(setup_start(&s.setup) == 0);
	fd = connect_to_node(&s.setup);
	for (int i = 0; i < 10; i++)
		CHECK_INT(call(fd, store(WIRE_SEQUENTIAL, 5000, 0)).status, WIRE_OK);
	close(fd);
	finish(&s);
}

static CU_TestInfo tests[] = {
	{ "a node without storage makes device 0 for who asks",
	  test_a_node_without_storage_makes_device_0_for_who_asks },
	{ "stopping does not wait for the period", test_stopping_does_not_wait_for_the_period },
	{ "stopping lets stores end", test_stopping_lets_stores_end },
	{ "a peer that goes leaves the node in order",
	  test_a_peer_that_goes_leaves_the_node_in_order },
	{ "threads of storage are numbered behind the workers",
	  test_threads_of_storage_are_numbered_behind_the_workers },
	{ "a storage thread that cannot start ends it all",
	  test_a_storage_thread_that_cannot_start_ends_it_all },
	{ "threads that poll serve and end", test_threads_that_poll_serve_and_end },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	return stored_main(argc, argv, "storage_life", tests);
}
