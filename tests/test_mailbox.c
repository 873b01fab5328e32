/*
 * test_mailbox.c - descriptors between two threads: in order, none lost, bounded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <sched.h>

#include "node/mailbox.h"
#include "tests/test.h"

#define MANY 100000

static void test_what_is_put_is_taken_in_order(void)
{
	static struct mailbox box;

	CHECK_INT(mailbox_take(&box), -1);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 100; i++)
			CU_ASSERT(mailbox_put(&box, round * 100 + i));
		for (int i = 0; i < 100; i++)
			CHECK_INT(mailbox_take(&box), round * 100 + i);
		CHECK_INT(mailbox_take(&box), -1);
	}
}

static void test_a_full_box_says_so_and_keeps_what_it_has(void)
{
	static struct mailbox box;

	for (int i = 0; i < MAILBOX_SLOTS; i++)
		CU_ASSERT(mailbox_put(&box, i));
	CU_ASSERT(!mailbox_put(&box, 4711));
	CHECK_INT(mailbox_take(&box), 0);
	CU_ASSERT(mailbox_put(&box, MAILBOX_SLOTS));
	CU_ASSERT(!mailbox_put(&box, 4711));
	for (int i = 1; i <= MAILBOX_SLOTS; i++)
		CHECK_INT(mailbox_take(&box), i);
	CHECK_INT(mailbox_take(&box), -1);
}

static void *put_many(void *arg)
{
	for (int i = 0; i < MANY; i++) {
		while (!mailbox_put(arg, i))
			sched_yield();
	}
	return NULL;
}

static void test_nothing_is_lost_between_two_threads(void)
{
	static struct mailbox box;
	pthread_t thread;
	int fd, next = 0;

	pthread_create(&thread, NULL, put_many, &box);
	while (next < MANY) {
		fd = mailbox_take(&box);
		if (fd < 0) {
			sched_yield();
			continue;
		}
		CU_ASSERT_FATAL(fd == next);
		next++;
	}
	pthread_join(thread, NULL);
	CHECK_INT(mailbox_take(&box), -1);
}

static CU_TestInfo tests[] = {
	{ "what is put is taken in order", test_what_is_put_is_taken_in_order },
	{ "a full box says so and keeps what it has",
	  test_a_full_box_says_so_and_keeps_what_it_has },
	{ "nothing is lost between two threads", test_nothing_is_lost_between_two_threads },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("mailbox", tests);
}
