/*
 * test_operation_storage.c - loads and stores against a real node and real files, on the backend
 * that the argument names and in every storage mode that it has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/possible.h"
#include "tests/stored_fixture.h"

/* D22: at 5e9 the low 32 bits of it were written to. */
static void test_a_store_lands_beyond_4_gib(void)
{
	struct stored s;
	int fd;

	start(&s, ",size=8GiB");
	fd = connect_to_node(&s.setup);
	CHECK_INT(call(fd, store(5000000000, 1 * MIB + 1, 0)).status, WIRE_OK);
	CHECK_INT(size_of(s.path), 5000000000 + MIB + 1);
	CHECK_STORED(s.path, 5000000000, MIB + 1);
	CHECK_INT(count_stored(s.path, 705032704, MIB), 0);
	CHECK_INT(call(fd, load(5000000000, 3 * MIB)).status, WIRE_OK);
	CHECK_INT(device_of(&s).stored, MIB + 1);
	CHECK_INT(device_of(&s).loaded, 3 * MIB);
	close(fd);
	finish(&s);
}

static void test_a_sync_store_is_answered_after_its_sync(void)
{
	struct stored s;
	int fd;

	start(&s, "");
	fd = connect_to_node(&s.setup);
	for (unsigned i = 1; i <= 5; i++) {
		struct answer a = call(fd, store(WIRE_SEQUENTIAL, 5000, WIRE_STORE_SYNC));

		CHECK_INT(a.status, WIRE_OK);
		CU_ASSERT(a.hop.storage_ns > 0);
		CHECK_INT(device_of(&s).syncs, i);
		CHECK_INT(size_of(s.path), i * 5000);
	}
	CHECK_INT(call(fd, store(WIRE_SEQUENTIAL, 5000, 0)).status, WIRE_OK);
	CHECK_INT(device_of(&s).syncs, 5);
	close(fd);
	finish(&s);
}

#define CONNECTIONS 16
#define EACH	    8
#define PIECE	    3000

static void test_many_connections_store_at_once(void)
{
	struct stored s;
	int fds[CONNECTIONS];

	prepare(&s, "");
	s.setup.opts.threads = 2;
	s.setup.opts.storage.depth = 3;
	s.setup.opts.storage.group_sync = GROUP_YES;
	CU_ASSERT_FATAL(setup_start(&s.setup) == 0);
	for (int i = 0; i < CONNECTIONS; i++)
		fds[i] = connect_to_node(&s.setup);
	for (int k = 0; k < EACH; k++) {
		for (int i = 0; i < CONNECTIONS; i++)
			CHECK_INT(ask(fds[i], k,
				      store(WIRE_SEQUENTIAL, PIECE, k % 2 ? WIRE_STORE_SYNC : 0)),
				  0);
	}
	for (int i = 0; i < CONNECTIONS; i++) {
		for (int k = 0; k < EACH; k++)
			CHECK_INT(await(fds[i]).status, WIRE_OK);
		close(fds[i]);
	}
	CHECK_INT(size_of(s.path), CONNECTIONS * EACH * PIECE);
	CHECK_STORED(s.path, 0, CONNECTIONS * EACH * PIECE);
	CHECK_INT(device_of(&s).stores, CONNECTIONS * EACH);
	CU_ASSERT(device_of(&s).syncs > 0);
	CU_ASSERT(device_of(&s).syncs <= CONNECTIONS * EACH / 2);
	finish(&s);
}

static void test_a_device_that_is_full_answers_with_an_error(void)
{
	struct setup s;
	int fd;

	setup_init(&s, backend);
	knob_list_add(&s.opts.storage.devices, "/dev/full", 9, NULL);
	s.opts.storage.mode = mode;
	CU_ASSERT_FATAL(setup_start(&s) == 0);
	fd = connect_to_node(&s);
	for (int i = 0; i < 3; i++)
		CHECK_INT(call(fd, store(WIRE_SEQUENTIAL, 5000, WIRE_STORE_SYNC)).status,
			  WIRE_ERROR);
	CHECK_INT(call(fd, load(WIRE_SEQUENTIAL, 5000)).status, WIRE_OK);
	CU_ASSERT(is_answered(fd, 7));
	CHECK_INT(count_said(&s, "storage 0: /dev/full: store: No space left on device"), 1);
	CHECK_INT(count_said(&s, ""), 1);
	close(fd);
	setup_finish(&s);
}

static void test_a_file_system_that_is_full_answers_with_an_error(void)
{
	struct stored s;
	int fd;

	if (mount("none", folder, "tmpfs", 0, "size=1m")) {
		test_not_possible("a tmpfs cannot be mounted: %s", strerror(errno));
		return;
	}
	start(&s, "");
	fd = connect_to_node(&s.setup);
	CHECK_INT(call(fd, store(0, 512 * KIB, WIRE_STORE_SYNC)).status, WIRE_OK);
	CHECK_INT(call(fd, store(0, 2 * MIB, WIRE_STORE_SYNC)).status, WIRE_ERROR);
	CHECK_INT(call(fd, store(0, 512 * KIB, WIRE_STORE_SYNC)).status, WIRE_OK);
	CHECK_INT(count_said(&s.setup, "No space left on device"), 1);
	close(fd);
	finish(&s);
	CHECK_INT(umount(folder), 0);
}

/* D21: all of them went to 0. */
static void test_direct_stores_go_on_by_blocks(void)
{
	struct stored s;
	int fd;

	if (!possible_direct(folder))
		return;
	start(&s, ",odirect,size=1MiB");
	fd = connect_to_node(&s.setup);
	for (int i = 0; i < 4; i++)
		CHECK_INT(
			call(fd, store(WIRE_SEQUENTIAL, 4000, i % 2 ? WIRE_STORE_SYNC : 0)).status,
			WIRE_OK);
	CHECK_INT(size_of(s.path), 4 * 4096);
	CHECK_STORED(s.path, 0, 4 * 4096);
	CHECK_INT(call(fd, store(WIRE_SEQUENTIAL, 600 * KIB, 0)).status, WIRE_OK);
	CHECK_INT(call(fd, store(WIRE_SEQUENTIAL, 600 * KIB, 0)).status, WIRE_OK);
	CHECK_INT(size_of(s.path), 4 * 4096 + 600 * KIB);
	CHECK_INT(call(fd, load(1, 5 * MIB)).status, WIRE_OK);
	close(fd);
	finish(&s);
}

/* D23: the file grew to 300 MB. */
static void test_what_cannot_be_had_is_refused(void)
{
	static const struct {
		struct wire_operation op;
		const char *sentence;
	} rows[] = {
		{ { WIRE_STORE, 0, 300000000, WIRE_SEQUENTIAL, 0 }, "over the end of a storage" },
		{ { WIRE_STORE, 0, 1, 1000000, 0 }, "over the end of a storage device" },
		{ { WIRE_STORE, 0, 1, 1ULL << 63, 0 }, "over the end of a storage device" },
		{ { WIRE_LOAD, 0, 1, 1ULL << 63, 0 }, "over the end of a storage device" },
		{ { WIRE_STORE, 0, 1ULL << 63, 0, 0 }, "more bytes of storage, than the limit" },
		{ { WIRE_LOAD, 0, 1ULL << 63, 0, 0 }, "more bytes of storage, than the limit" },
		{ { WIRE_LOAD, 0, 1, 0, 255 }, "not there (--storage gives devices)" },
		{ { WIRE_STORE, 0, 1, 0, UINT32_MAX }, "not there (--storage gives devices)" },
	};
	struct stored s;
	int bystander;

	prepare(&s, "");
	s.setup.opts.storage.size_max = 1000000;
	CU_ASSERT_FATAL(setup_start(&s.setup) == 0);
	bystander = connect_to_node(&s.setup);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned before = count_said(&s.setup, rows[i].sentence);
		int fd = connect_to_node(&s.setup);

		CHECK_INT(call(fd, rows[i].op).status, WIRE_REFUSED);
		CHECK_INT(count_said(&s.setup, rows[i].sentence), before + 1);
		CU_ASSERT(is_answered(fd, 2));
		close(fd);
	}
	CHECK_INT(size_of(s.path), 0);
	CHECK_INT(stats_of(&s.setup).loop.faults, 0);
	CHECK_INT(call(bystander, store(WIRE_SEQUENTIAL, 1000000, 0)).status, WIRE_OK);
	CHECK_INT(call(bystander, store(WIRE_SEQUENTIAL, 1000000, 0)).status, WIRE_OK);
	CHECK_INT(size_of(s.path), 1000000);
	close(bystander);
	finish(&s);
}

static CU_TestInfo tests[] = {
	{ "a store lands beyond 4 GiB", test_a_store_lands_beyond_4_gib },
	{ "a sync store is answered after its sync", test_a_sync_store_is_answered_after_its_sync },
	{ "many connections store at once", test_many_connections_store_at_once },
	{ "a device that is full answers with an error",
	  test_a_device_that_is_full_answers_with_an_error },
	{ "a file system that is full answers with an error",
	  test_a_file_system_that_is_full_answers_with_an_error },
	{ "direct stores go on by blocks", test_direct_stores_go_on_by_blocks },
	{ "what cannot be had is refused", test_what_cannot_be_had_is_refused },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	return stored_main(argc, argv, "operation_storage", tests);
}
