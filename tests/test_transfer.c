/*
 * test_transfer.c - loads and stores over the sim backend: where the bytes go, in which order, and
 * how long it took.
 *
 * Every operation on a file takes 1 ms of simulated time here, unless a test says otherwise.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "tests/storage_rig.h"

static struct wire_operation store(uint64_t offset, uint64_t bytes, unsigned flags)
{
	return (struct wire_operation){ WIRE_STORE, (uint8_t)flags, bytes, offset, 0 };
}

static struct wire_operation load(uint64_t offset, uint64_t bytes)
{
	return (struct wire_operation){ WIRE_LOAD, 0, bytes, offset, 0 };
}

static void test_a_store_writes_its_bytes_at_its_offset(void)
{
	struct rig rig;
	struct rig_reply r;

	rig_init(&rig);
	rig.storage.devices[0].opts.size = 1LL << 40;
	rig_open(&rig);
	r = rig_call(&rig, store(5000000000, 10000, 0));
	CHECK_INT(r.head.hops, WIRE_OK);
	CHECK_INT(sim_file_size(rig.net, rig.storage.devices[0].fd), 5000010000);
	CHECK_INT(rig_byte(&rig, 0, 4999999999), 0);
	for (uint64_t i = 0; i < 10000; i++)
		CU_ASSERT_FATAL(rig_byte(&rig, 0, 5000000000 + i) == 1 + (int)(i % 4096 % 251));
	CHECK_INT(rig.storage.devices[0].stores, 1);
	CHECK_INT(rig.storage.devices[0].stored, 10000);
	CHECK_INT(rig.storage.devices[0].end, 5000010000);
	rig_close(&rig);
}

static void test_storage_time_is_what_the_device_took(void)
{
	static const struct {
		struct wire_operation op;
		int64_t storage_ns;
	} rows[] = {
		{ { WIRE_STORE, 0, 0, 0, 0 }, 0 },
		{ { WIRE_STORE, 0, 1, 0, 0 }, MS },
		{ { WIRE_STORE, 0, 4096, 0, 0 }, MS },
		{ { WIRE_STORE, 0, 4097, 0, 0 }, 2 * MS },
		{ { WIRE_STORE, WIRE_STORE_SYNC, 0, 0, 0 }, MS },
		{ { WIRE_STORE, WIRE_STORE_SYNC, 4096, 0, 0 }, 2 * MS },
		{ { WIRE_LOAD, 0, 0, 0, 0 }, 0 },
		{ { WIRE_LOAD, 0, 4096, 0, 0 }, MS },
		{ { WIRE_LOAD, 0, 12288, 0, 0 }, 3 * MS },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rig rig;
		struct rig_reply r;

		rig_init(&rig);
		rig.storage.devices[0].end = 16384;
		rig_open(&rig);
		r = rig_call(&rig, rows[i].op);
		CHECK_INT(r.head.hops, WIRE_OK);
		CHECK_INT(r.hop.storage_ns, rows[i].storage_ns);
		CHECK_INT(r.hop.queue_ns, 0);
		CHECK_INT(r.hop.service_ns, 0);
		rig_close(&rig);
	}
}

static void test_a_load_reads_on_at_the_beginning(void)
{
	static const struct {
		uint64_t offset, bytes;
		int operations;
	} rows[] = { { 0, 100, 1 }, { 90, 10, 1 }, { 90, 20, 2 }, { 90, 350, 5 }, { 500, 10, 1 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rig rig;
		struct rig_reply r;

		rig_init(&rig);
		rig.storage.devices[0].end = 100;
		rig_open(&rig);
		r = rig_call(&rig, load(rows[i].offset, rows[i].bytes));
		CHECK_INT(r.head.hops, WIRE_OK);
		CHECK_INT(r.hop.storage_ns, rows[i].operations * MS);
		CHECK_INT(rig.storage.devices[0].loaded, rows[i].bytes);
		rig_close(&rig);
	}
}

static void test_an_empty_file_cannot_be_loaded_from(void)
{
	struct rig rig;
	struct rig_reply r;

	rig_init(&rig);
	rig_open(&rig);
	r = rig_call(&rig, load(WIRE_SEQUENTIAL, 10));
	CHECK_INT(r.head.hops, WIRE_ERROR);
	CHECK_INT(rig.storage.devices[0].errors, 1);
	/* Believed to have bytes that somebody has cut off meanwhile. */
	rig.storage.devices[0].end = 1000;
	r = rig_call(&rig, load(500, 10));
	CHECK_INT(r.head.hops, WIRE_ERROR);
	CHECK_INT(rig.storage.devices[0].errors, 2);
	r = rig_call(&rig, store(0, 10, 0));
	CHECK_INT(r.head.hops, WIRE_OK);
	r = rig_call(&rig, load(500, 25));
	CHECK_INT(r.head.hops, WIRE_OK);
	rig_close(&rig);
}

static void test_more_than_the_depth_wait_in_order(void)
{
	const struct wire_operation op = store(WIRE_SEQUENTIAL, 100, 0);
	struct rig rig;

	rig_init(&rig);
	rig.storage.opts.depth = 2;
	rig_open(&rig);
	for (int i = 0; i < 5; i++)
		rig_ask(&rig, 0, i, &op, 1);
	for (int i = 0; i < 5; i++) {
		struct rig_reply r = rig_reply(&rig, 0);

		CHECK_INT(r.head.id, i);
		CHECK_INT(r.hop.storage_ns, MS);
		CHECK_INT(r.hop.queue_ns, i / 2 * MS);
	}
	CHECK_INT(rig.transfers.place_count, 2);
	rig_close(&rig);
}

static void test_short_operations_go_on(void)
{
	struct rig rig;
	struct rig_reply r;

	rig_init(&rig);
	rig.faults.short_file = 0.5;
	rig_open(&rig);
	for (int i = 0; i < 20; i++) {
		r = rig_call(&rig, store(i * 10000, 10000, WIRE_STORE_SYNC));
		CHECK_INT(r.head.hops, WIRE_OK);
		r = rig_call(&rig, load(i * 10000, 10000));
		CHECK_INT(r.head.hops, WIRE_OK);
	}
	CHECK_INT(sim_file_size(rig.net, rig.storage.devices[0].fd), 200000);
	for (uint64_t i = 0; i < 200000; i++)
		CU_ASSERT_FATAL(rig_byte(&rig, 0, i) > 0);
	rig_close(&rig);
}

static void test_errors_are_the_replys_status_and_one_sentence(void)
{
	static const struct {
		struct sim_faults faults;
		struct wire_operation op;
		const char *part;
	} rows[] = {
		{ { .file_full = true },
		  { WIRE_STORE, 0, 100, 0, 0 },
		  "store: No space left on device" },
		{ { .file_limit = 50 }, { WIRE_STORE, 0, 100, 60, 0 }, "store: File too large" },
		{ { .file_error = 1 }, { WIRE_STORE, 0, 100, 0, 0 }, "store: Input/output error" },
		{ { .file_error = 1 }, { WIRE_LOAD, 0, 100, 0, 0 }, "load: Input/output error" },
		{ { .file_error = 1 },
		  { WIRE_STORE, WIRE_STORE_SYNC, 0, 0, 0 },
		  "sync: Input/output error" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rig rig;

		rig_init(&rig);
		rig.faults = rows[i].faults;
		rig.storage.devices[0].end = 1000;
		rig_open(&rig);
		CHECK_INT(rig_call(&rig, rows[i].op).head.hops, WIRE_ERROR);
		if (!strstr(rig.said, rows[i].part))
			CHECK_TEXT(rig.said, rows[i].part);
		*rig.said = '\0';
		CHECK_INT(rig_call(&rig, rows[i].op).head.hops, WIRE_ERROR);
		CHECK_TEXT(rig.said, "");
		CHECK_INT(rig.storage.devices[0].errors, 2);
		CHECK_INT(rig.storage.devices[0].stores, 0);
		CHECK_INT(rig.ended, 0);
		rig_close(&rig);
	}
}

static void test_sync_stores_share_a_sync(void)
{
	const struct wire_operation op = store(WIRE_SEQUENTIAL, 100, WIRE_STORE_SYNC);

	for (int group = 0; group < 2; group++) {
		struct rig rig;

		rig_init(&rig);
		rig.storage.groups = group;
		rig_open(&rig);
		for (int i = 0; i < 4; i++)
			rig_ask(&rig, i, 1, &op, 1);
		for (int i = 0; i < 4; i++) {
			struct rig_reply r = rig_reply(&rig, i);

			CHECK_INT(r.head.hops, WIRE_OK);
			CU_ASSERT(r.hop.storage_ns >= (uint64_t)(2 * MS));
		}
		/* The first to be written begins one, the others share the next. */
		CHECK_INT(rig.storage.devices[0].syncs, group ? 2 : 4);
		rig_close(&rig);
	}
}

/* What was written while a sync was on its way may not have been part of it. */
static void test_a_sync_that_began_before_does_not_count(void)
{
	const struct wire_operation op = store(WIRE_SEQUENTIAL, 100, WIRE_STORE_SYNC);
	struct rig rig;
	struct rig_reply r;

	rig_init(&rig);
	rig_open(&rig);
	rig_ask(&rig, 0, 1, &op, 1);
	rig_turns(&rig, 5);
	rig_ask(&rig, 1, 1, &op, 1);
	r = rig_reply(&rig, 0);
	CHECK_INT(r.hop.storage_ns, 2 * MS);
	CU_ASSERT(!rig_try_reply(&rig, 1).is_there);
	CHECK_INT(rig.storage.devices[0].syncs, 1);
	r = rig_reply(&rig, 1);
	CHECK_INT(rig.storage.devices[0].syncs, 2);
	/* Its write, the rest of the other's sync, its own. */
	CU_ASSERT(r.hop.storage_ns > (uint64_t)(2 * MS) && r.hop.storage_ns < (uint64_t)(3 * MS));
	rig_close(&rig);
}

static void test_with_a_period_sync_stores_wait_for_it_and_others_do_not(void)
{
	const struct wire_operation op = store(WIRE_SEQUENTIAL, 100, WIRE_STORE_SYNC);
	const struct wire_operation fast = store(WIRE_SEQUENTIAL, 100, 0);
	struct rig rig;
	struct rig_reply r;
	int64_t begin_ns;

	rig_init(&rig);
	rig.storage.devices[0].opts.sync_period_ns = 20 * MS;
	rig_open(&rig);
	begin_ns = rig.transfers.begin_ns;
	for (int i = 0; i < 3; i++)
		rig_ask(&rig, i, 1, &op, 1);
	rig_ask(&rig, 3, 1, &fast, 1);
	r = rig_reply(&rig, 3);
	CHECK_INT(r.hop.storage_ns, MS);
	CHECK_INT(rig.storage.devices[0].syncs, 0);
	for (int i = 0; i < 3; i++) {
		r = rig_reply(&rig, i);
		CHECK_INT(r.at_ns - begin_ns, 21 * MS);
	}
	CHECK_INT(rig.storage.devices[0].syncs, 1);
	r = rig_call(&rig, fast);
	rig_turns(&rig, 250);
	CHECK_INT(rig.storage.devices[0].syncs, 2);
	rig_turns(&rig, 500);
	CHECK_INT(rig.storage.devices[0].syncs, 2);
	rig_close(&rig);
}

static void test_nobody_waits_for_a_period_when_the_worker_drains(void)
{
	const struct wire_operation op = store(WIRE_SEQUENTIAL, 100, WIRE_STORE_SYNC);
	struct rig rig;
	struct rig_reply r;

	rig_init(&rig);
	rig.storage.devices[0].opts.sync_period_ns = 3600 * SEC;
	rig_open(&rig);
	rig_ask(&rig, 0, 1, &op, 1);
	rig_turns(&rig, 20);
	CHECK_INT(rig.storage.devices[0].syncs, 0);
	transfers_hurry(&rig.transfers);
	rig_ask(&rig, 1, 1, &op, 1);
	r = rig_reply(&rig, 0);
	CHECK_INT(r.head.hops, WIRE_OK);
	r = rig_reply(&rig, 1);
	CHECK_INT(r.head.hops, WIRE_OK);
	CU_ASSERT(r.at_ns < 100 * MS);
	rig_close(&rig);
}

/* In each of the places where a transfer can be. */
static void test_a_peer_that_goes_takes_its_transfers_along(void)
{
	static const struct {
		int64_t period_ns;
		int turns;
		bool groups;
	} rows[] = {
		{ 0, 1, true },		  { 0, 2, true },  { 0, 12, true },
		{ 0, 12, false },	  { 0, 15, true }, { 3600 * SEC, 5, true },
		{ 3600 * SEC, 30, true },
	};
	const struct wire_operation op = store(WIRE_SEQUENTIAL, 100, WIRE_STORE_SYNC);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rig rig;
		int64_t begin_ns;

		rig_init(&rig);
		rig.storage.groups = rows[i].groups;
		rig.storage.opts.depth = 2;
		rig.storage.devices[0].opts.sync_period_ns = rows[i].period_ns;
		rig_open(&rig);
		begin_ns = sim_net_now_ns(rig.net);
		for (int k = 0; k < 10; k++)
			rig_ask(&rig, k % 2, k, &op, 1);
		rig_turns(&rig, rows[i].turns);
		sim_reset(rig.net, rig.peers[0]);
		sim_reset(rig.net, rig.peers[1]);
		rig_turns(&rig, 50);
		CHECK_INT(rig.ended, 2);
		CHECK_INT(rig.host.small.live, 0);
		CHECK_INT(rig.transfers.cache.live, 0);
		CHECK_INT(rig.transfers.place_count, 2);
		CU_ASSERT(sim_net_now_ns(rig.net) < begin_ns + SEC);
		rig_ask(&rig, 2, 1, &(struct wire_operation){ WIRE_STORE, 0, 100, 0, 0 }, 1);
		CHECK_INT(rig_reply(&rig, 2).head.hops, WIRE_OK);
		rig_close(&rig);
	}
}

static void test_a_loop_that_ends_takes_its_transfers_along(void)
{
	const struct wire_operation op = store(WIRE_SEQUENTIAL, 100, WIRE_STORE_SYNC);

	for (int turns = 0; turns < 20; turns++) {
		struct rig rig;

		rig_init(&rig);
		rig_open(&rig);
		for (int k = 0; k < 10; k++)
			rig_ask(&rig, k % 2, k, &op, 1);
		rig_turns(&rig, turns);
		rig_close(&rig);
	}
}

static void test_devices_do_not_wait_for_each_other(void)
{
	const struct wire_operation ops[] = { { WIRE_STORE, WIRE_STORE_SYNC, 100, 0, 0 },
					      { WIRE_STORE, 0, 100, 0, 1 } };
	struct rig rig;

	rig_init(&rig);
	rig.storage.devices[0].opts.sync_period_ns = SEC;
	rig_open(&rig);
	rig_ask(&rig, 0, 1, &ops[0], 1);
	rig_ask(&rig, 1, 1, &ops[1], 1);
	CHECK_INT(rig_reply(&rig, 1).hop.storage_ns, MS);
	CHECK_INT(rig_byte(&rig, 1, 99), 100);
	CHECK_INT(rig_byte(&rig, 1, 100), -1);
	CHECK_INT(rig.storage.devices[1].stores, 1);
	CHECK_INT(rig.storage.devices[0].stores, 0);
	rig_close(&rig);
}

static void test_programs_that_ask_for_too_much_are_refused(void)
{
	static const struct {
		struct wire_operation ops[3];
		enum wire_fault why;
	} rows[] = {
		{ { { WIRE_STORE, 0, 1, 0, 2 } }, WIRE_NO_DEVICE },
		{ { { WIRE_LOAD, 0, 1, 0, 255 } }, WIRE_NO_DEVICE },
		{ { { WIRE_STORE, 0, 1, 0, UINT32_MAX } }, WIRE_NO_DEVICE },
		{ { { WIRE_STORE, 0, 5001, 0, 0 } }, WIRE_OVER_LIMIT },
		{ { { WIRE_STORE, 0, 1ULL << 63, 0, 0 } }, WIRE_OVER_LIMIT },
		{ { { WIRE_STORE, 0, UINT64_MAX, 0, 0 } }, WIRE_OVER_LIMIT },
		{ { { WIRE_LOAD, 0, 5001, 0, 0 } }, WIRE_OVER_LIMIT },
		{ { { WIRE_LOAD, 0, 1ULL << 63, 0, 0 } }, WIRE_OVER_LIMIT },
		{ { { WIRE_STORE, 0, 1, 1ULL << 63, 0 } }, WIRE_BEYOND_DEVICE },
		{ { { WIRE_STORE, 0, 1, WIRE_SEQUENTIAL - 1, 0 } }, WIRE_BEYOND_DEVICE },
		{ { { WIRE_LOAD, 0, 1, 1ULL << 63, 0 } }, WIRE_BEYOND_DEVICE },
		{ { { WIRE_STORE, 0, 4001, WIRE_SEQUENTIAL, 0 } }, WIRE_BEYOND_DEVICE },
		{ { { WIRE_STORE, 0, 2000, 0, 0 },
		    { WIRE_STORE, 0, 2000, 0, 1 },
		    { WIRE_STORE, 0, 2000, 0, 0 } },
		  WIRE_OVER_LIMIT },
		{ { { WIRE_STORE, 0, 100, 0, 0 }, { WIRE_STORE, 0, 1, 4000, 1 } },
		  WIRE_BEYOND_DEVICE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t bytes[WIRE_HEAD + 1];
		struct wire_head head;
		struct rig rig;
		int count = 0;

		rig_init(&rig);
		rig.storage.opts.store_max = rig.storage.opts.load_max = 5000;
		rig.storage.devices[0].opts.size = rig.storage.devices[1].opts.size = 4000;
		rig.storage.devices[0].end = 4000;
		rig_open(&rig);
		while (count < 3 && rows[i].ops[count].code)
			count++;
		rig_ask(&rig, 0, 1, rows[i].ops, count);
		rig_turns(&rig, 30);
		CHECK_INT(rig.ended, 0);
		CHECK_INT(rig.refused, rows[i].why);
		CHECK_INT(sim_read(rig.net, rig.peers[0], bytes, sizeof(bytes)), WIRE_HEAD);
		CHECK_INT(wire_get_head(bytes, WIRE_HEAD, &head), WIRE_FINE);
		CHECK_INT(head.hops, WIRE_REFUSED);
		CHECK_INT(head.id, 1);
		CHECK_INT(rig_call(&rig, store(0, 1, 0)).head.hops, WIRE_OK);
		rig.storage.devices[0].stores--;
		CHECK_INT(rig.storage.devices[0].stores + rig.storage.devices[0].loads, 0);
		CHECK_INT(sim_file_size(rig.net, rig.storage.devices[0].fd), 4000);
		rig_close(&rig);
	}
}

static void test_direct_devices_get_whole_blocks(void)
{
	struct rig rig;
	struct rig_reply r;

	rig_init(&rig);
	rig.storage.devices[0].align = 512;
	rig_open(&rig);
	for (int i = 1; i <= 3; i++) {
		r = rig_call(&rig, store(WIRE_SEQUENTIAL, 1, 0));
		CHECK_INT(r.head.hops, WIRE_OK);
		CHECK_INT(sim_file_size(rig.net, rig.storage.devices[0].fd), i * 512);
	}
	r = rig_call(&rig, load(1, 700));
	CHECK_INT(r.head.hops, WIRE_OK);
	CHECK_INT(r.hop.storage_ns, MS);
	CHECK_INT(rig.storage.devices[0].stored, 3);
	rig_close(&rig);
}

static CU_TestInfo tests[] = {
	{ "a store writes its bytes at its offset", test_a_store_writes_its_bytes_at_its_offset },
	{ "storage time is what the device took", test_storage_time_is_what_the_device_took },
	{ "a load reads on at the beginning", test_a_load_reads_on_at_the_beginning },
	{ "an empty file cannot be loaded from", test_an_empty_file_cannot_be_loaded_from },
	{ "more than the depth wait in order", test_more_than_the_depth_wait_in_order },
	{ "short operations go on", test_short_operations_go_on },
	{ "errors are the reply's status and one sentence",
	  test_errors_are_the_replys_status_and_one_sentence },
	{ "sync stores share a sync", test_sync_stores_share_a_sync },
	{ "a sync that began before does not count", test_a_sync_that_began_before_does_not_count },
	{ "with a period sync stores wait for it and others do not",
	  test_with_a_period_sync_stores_wait_for_it_and_others_do_not },
	{ "nobody waits for a period when the worker drains",
	  test_nobody_waits_for_a_period_when_the_worker_drains },
	{ "a peer that goes takes its transfers along",
	  test_a_peer_that_goes_takes_its_transfers_along },
	{ "a loop that ends takes its transfers along",
	  test_a_loop_that_ends_takes_its_transfers_along },
	{ "devices do not wait for each other", test_devices_do_not_wait_for_each_other },
	{ "programs that ask for too much are refused",
	  test_programs_that_ask_for_too_much_are_refused },
	{ "direct devices get whole blocks", test_direct_devices_get_whole_blocks },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("transfer", tests);
}
