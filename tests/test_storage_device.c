/*
 * test_storage_device.c - one device: what it takes, where things go, what it says.
 *
 * No file is opened here; test_storage.c does that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/storage_device.h"

#include <errno.h>
#include <pthread.h>

#include "tests/test.h"

#define GIB (1LL << 30)

/* A device without a file, for what is only arithmetic. */
static struct device plain(int64_t size, uint32_t align, uint64_t end)
{
	struct device d = { .opts.size = size, .align = align, .fd = -1, .send_fd = -1 };

	d.end = end;
	return d;
}

static struct wire_operation store(uint64_t offset, uint64_t bytes)
{
	return (struct wire_operation){ .code = WIRE_STORE, .value = bytes, .offset = offset };
}

static struct wire_operation load(uint64_t offset, uint64_t bytes)
{
	return (struct wire_operation){ .code = WIRE_LOAD, .value = bytes, .offset = offset };
}

/* D22, D23: nothing is cut to 32 bits, and nothing is written beyond the size. */
static const struct request {
	struct device d;
	bool is_store;
	uint64_t offset, bytes;
	enum wire_fault fault;
} requests[] = {
	{ { .opts.size = 100, .align = 1 }, true, 0, 100, WIRE_FINE },
	{ { .opts.size = 100, .align = 1 }, true, 0, 101, WIRE_BEYOND_DEVICE },
	{ { .opts.size = 100, .align = 1 }, true, 100, 0, WIRE_FINE },
	{ { .opts.size = 100, .align = 1 }, true, 100, 1, WIRE_BEYOND_DEVICE },
	{ { .opts.size = 100, .align = 1 }, true, 101, 0, WIRE_BEYOND_DEVICE },
	{ { .opts.size = 100, .align = 1 }, true, WIRE_SEQUENTIAL, 100, WIRE_FINE },
	{ { .opts.size = 100, .align = 1 }, true, WIRE_SEQUENTIAL, 101, WIRE_BEYOND_DEVICE },
	{ { .opts.size = 1000000, .align = 1 },
	  true,
	  WIRE_SEQUENTIAL,
	  300000000,
	  WIRE_BEYOND_DEVICE },
	{ { .opts.size = 100, .align = 1 }, true, 1ULL << 63, 1, WIRE_BEYOND_DEVICE },
	{ { .opts.size = 100, .align = 1 }, true, 0, 1ULL << 63, WIRE_BEYOND_DEVICE },
	{ { .opts.size = 100, .align = 1 }, true, UINT64_MAX - 1, UINT64_MAX, WIRE_BEYOND_DEVICE },
	{ { .opts.size = 100, .align = 1 }, true, WIRE_SEQUENTIAL, UINT64_MAX, WIRE_BEYOND_DEVICE },
	{ { .opts.size = 8 * GIB, .align = 1 }, true, 5000000000, 4096, WIRE_FINE },
	{ { .opts.size = 8 * GIB, .align = 1 }, true, 8 * GIB - 1, 2, WIRE_BEYOND_DEVICE },
	{ { .opts.size = 8192, .align = 4096 }, true, 1, 4096, WIRE_FINE },
	{ { .opts.size = 8192, .align = 4096 }, true, 1, 4097, WIRE_BEYOND_DEVICE },
	{ { .opts.size = 8192, .align = 4096 }, true, 4097, 1, WIRE_BEYOND_DEVICE },
	{ { .opts.size = 8192, .align = 4096 }, true, WIRE_SEQUENTIAL, 8191, WIRE_FINE },
	{ { .opts.size = 100, .align = 1 }, false, 0, 1000, WIRE_FINE },
	{ { .opts.size = 100, .align = 1 }, false, 99, 1000, WIRE_FINE },
	{ { .opts.size = 100, .align = 1 }, false, 100, 1, WIRE_BEYOND_DEVICE },
	{ { .opts.size = 100, .align = 1 }, false, 1ULL << 63, 1, WIRE_BEYOND_DEVICE },
	{ { .opts.size = 100, .align = 1 }, false, 0, 1ULL << 63, WIRE_BEYOND_DEVICE },
	{ { .opts.size = 100, .align = 1 }, false, WIRE_SEQUENTIAL, 1000, WIRE_FINE },
	{ { .opts.size = 8192, .align = 4096 }, false, 4097, 1, WIRE_BEYOND_DEVICE },
};

static void test_what_a_device_takes(void)
{

	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		const struct wire_operation op =
			requests[i].is_store ? store(requests[i].offset, requests[i].bytes)
					     : load(requests[i].offset, requests[i].bytes);
		int fault = device_check(&requests[i].d, &op);

		if (fault != (int)requests[i].fault)
			printf("\n    row %zu", i);
		CHECK_INT(fault, requests[i].fault);
	}
}

static void test_sequential_stores_go_on_and_wrap(void)
{
	struct device d = plain(100, 1, 0);
	const struct wire_operation op = store(WIRE_SEQUENTIAL, 30),
				    large = store(WIRE_SEQUENTIAL, 100);
	const struct wire_operation fixed = store(77, 3);

	CHECK_INT(device_place_store(&d, &op), 0);
	CHECK_INT(device_place_store(&d, &op), 30);
	CHECK_INT(device_place_store(&d, &fixed), 77);
	CHECK_INT(device_place_store(&d, &op), 60);
	CHECK_INT(device_place_store(&d, &op), 0);
	CHECK_INT(device_place_store(&d, &large), 0);
	CHECK_INT(device_place_store(&d, &op), 0);
}

/* D21: with O_DIRECT they stayed at 0. */
static void test_sequential_stores_advance_by_whole_blocks(void)
{
	struct device d = plain(16384, 4096, 0);
	const struct wire_operation op = store(WIRE_SEQUENTIAL, 4096),
				    odd = store(WIRE_SEQUENTIAL, 1);
	const struct wire_operation fixed = store(4097, 1);

	CHECK_INT(device_place_store(&d, &op), 0);
	CHECK_INT(device_place_store(&d, &odd), 4096);
	CHECK_INT(device_place_store(&d, &op), 8192);
	CHECK_INT(device_place_store(&d, &fixed), 8192);
	CHECK_INT(device_place_store(&d, &op), 12288);
	CHECK_INT(device_place_store(&d, &op), 0);
}

static void test_sequential_loads_wrap_at_the_end_of_the_file(void)
{
	struct device d = plain(1000, 1, 100);
	const struct wire_operation op = load(WIRE_SEQUENTIAL, 60),
				    large = load(WIRE_SEQUENTIAL, 250);

	CHECK_INT(device_place_load(&d, &op), 0);
	CHECK_INT(device_place_load(&d, &op), 60);
	CHECK_INT(device_place_load(&d, &op), 20);
	device_grow(&d, 200);
	device_grow(&d, 150);
	CHECK_INT(device_end(&d), 200);
	CHECK_INT(device_place_load(&d, &op), 80);
	CHECK_INT(device_place_load(&d, &large), 140);
	CHECK_INT(device_place_load(&d, &op), 190);
	d.end = 0;
	CHECK_INT(device_place_load(&d, &op), 0);
}

#define STORERS	    4
#define STORES_EACH 5000

static void *take_places(void *context)
{
	const struct wire_operation op = store(WIRE_SEQUENTIAL, 1);
	struct device *d = context;
	uint64_t last = 0;

	for (int i = 0; i < STORES_EACH; i++) {
		uint64_t at = device_place_store(d, &op);

		if (i && at <= last)
			return d;
		last = at;
	}
	return NULL;
}

static void test_workers_share_the_places(void)
{
	struct device d = plain(STORERS * STORES_EACH, 1, 0);
	const struct wire_operation op = store(WIRE_SEQUENTIAL, 1);
	pthread_t threads[STORERS];
	void *backwards;

	for (int i = 0; i < STORERS; i++)
		pthread_create(&threads[i], NULL, take_places, &d);
	for (int i = 0; i < STORERS; i++) {
		pthread_join(threads[i], &backwards);
		CU_ASSERT(backwards == NULL);
	}
	CHECK_INT(d.next_store, STORERS * STORES_EACH);
	CHECK_INT(device_place_store(&d, &op), 0);
}

static void test_a_reply_wraps_a_small_file_only_so_often(void)
{
	struct device d = plain(1000, 1, 10);

	CHECK_INT(device_check_send(&d, 64), WIRE_NO_DEVICE);
	d.send_fd = 0;
	CHECK_INT(device_check_send(&d, 640), WIRE_FINE);
	CHECK_INT(device_check_send(&d, 641), WIRE_BEYOND_DEVICE);
	d.end = 0;
	CHECK_INT(device_check_send(&d, 24), WIRE_BEYOND_DEVICE);
}

static void keep_sentence(void *context, const char *sentence)
{
	snprintf(context, 512, "%s", sentence);
}

static void test_each_kind_of_failure_is_said_once(void)
{
	char said[512] = "";
	const struct hooks hooks = { .context = said, .say = keep_sentence };
	struct device d = plain(1000, 1, 10);
	struct storage storage = { 0 };
	struct speaker speaker;

	speaker_init(&speaker, &hooks);
	storage.speaker = &speaker;
	strcpy(d.opts.path, "/a");
	device_failed(&storage, &d, IO_WRITE, -ENOSPC);
	CHECK_TEXT(said, "storage 0: /a: store: No space left on device: such requests are "
			 "answered with an error");
	*said = '\0';
	device_failed(&storage, &d, IO_WRITE, -ENOSPC);
	CHECK_TEXT(said, "");
	device_failed(&storage, &d, IO_SYNC, -EIO);
	CU_ASSERT(strstr(said, "sync: Input/output error") != NULL);
	CHECK_INT(d.errors, 3);
}

static CU_TestInfo tests[] = {
	{ "what a device takes", test_what_a_device_takes },
	{ "sequential stores go on and wrap", test_sequential_stores_go_on_and_wrap },
	{ "sequential stores advance by whole blocks",
	  test_sequential_stores_advance_by_whole_blocks },
	{ "sequential loads wrap at the end of the file",
	  test_sequential_loads_wrap_at_the_end_of_the_file },
	{ "workers share the places", test_workers_share_the_places },
	{ "a reply wraps a small file only so often",
	  test_a_reply_wraps_a_small_file_only_so_often },
	{ "each kind of failure is said once", test_each_kind_of_failure_is_said_once },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("storage_device", tests);
}
