/*
 * test_cpus.c - lists of CPUs, by rows: what is read, what is left out, how it is written again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/cpus.h"

#include <errno.h>

#include "tests/test.h"

/* A text, whether all of it is a list, and what was read as it is written. */
static const struct row {
	const char *text;
	bool is_whole;
	const char *order, *set;
} rows[] = {
	{ "", true, "", "" },
	{ "0", true, "0", "0" },
	{ "0,2-5", true, "0,2-5", "0,2-5" },
	{ "3,1", true, "3,1", "1,3" },
	{ "1,1", true, "1,1", "1" },
	{ "2,0,1", true, "2,0-1", "0-2" },
	{ "0-6:2", true, "0,2,4,6", "0,2,4,6" },
	{ "0-6:4", true, "0,4", "0,4" },
	{ "0-3:1,9", true, "0-3,9", "0-3,9" },
	{ "1022-1023", true, "1022-1023", "1022-1023" },
	{ "007", true, "7", "7" },
	{ "1023-1025", false, "1023", "1023" },
	{ "1024", false, "", "" },
	{ "99999999999999999999", false, "", "" },
	{ "1,4294967296", false, "1", "1" },
	{ "0-3\n", false, "0-3", "0-3" },
	{ "0,", false, "0", "0" },
	{ ",0", false, "", "" },
	{ "4,5-2,7", false, "4", "4" },
	{ "1,0-4:0", false, "1", "1" },
	{ "0-4:5000", false, "", "" },
	{ "0-", false, "", "" },
	{ "0-4:", false, "", "" },
	{ "0:2", false, "0", "0" },
	{ "-1", false, "", "" },
	{ "+1", false, "", "" },
	{ " 1", false, "", "" },
	{ "all", false, "", "" },
};

static void test_a_list_is_read_and_written_again(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct cpu_order order;
		char text[64];
		cpu_set_t set;

		CHECK_INT(cpu_order_read(rows[i].text, &order), rows[i].is_whole);
		CHECK_INT(cpu_order_write(&order, text, sizeof(text)), 0);
		CHECK_TEXT(text, rows[i].order);
		CHECK_INT(cpus_read(rows[i].text, &set), rows[i].is_whole);
		CHECK_INT(cpus_write(&set, text, sizeof(text)), 0);
		CHECK_TEXT(text, rows[i].set);
	}
}

static void test_more_than_there_is_room_for_is_left_out(void)
{
	struct cpu_order order;
	char text[16];

	CHECK_INT(cpu_order_read("0-1023", &order), true);
	CHECK_INT(cpu_order_read("0-1023,7", &order), false);
	CHECK_INT(order.count, CPU_SETSIZE);
	CHECK_INT(cpu_order_write(&order, text, sizeof(text)), 0);
	CHECK_TEXT(text, "0-1023");
}

static void test_a_list_that_does_not_fit_is_said_and_begun(void)
{
	struct cpu_order order;
	char text[8];

	CU_ASSERT(cpu_order_read("0,2,4,6,8", &order));
	CHECK_INT(cpu_order_write(&order, text, sizeof(text)), -E2BIG);
	CHECK_TEXT(text, "0,2,4,6");
	CHECK_INT(cpu_order_write(&order, text, 1), -E2BIG);
	CHECK_TEXT(text, "");
	CU_ASSERT(cpu_order_read("10,12-13", &order));
	CHECK_INT(cpu_order_write(&order, text, sizeof(text)), -E2BIG);
	CHECK_TEXT(text, "10,12-1");
}

/* Every second one of all makes the longest text of a set. */
static void test_any_set_of_cpus_fits_into_five_bytes_a_cpu(void)
{
	char text[CPU_SETSIZE * 5];
	cpu_set_t set, again;

	CU_ASSERT(cpus_read("0-1023:2", &set));
	CHECK_INT(CPU_COUNT(&set), CPU_SETSIZE / 2);
	CHECK_INT(cpus_write(&set, text, sizeof(text)), 0);
	CU_ASSERT(cpus_read(text, &again));
	CU_ASSERT(CPU_EQUAL(&set, &again));
}

static void test_a_difference_is_what_only_the_first_has(void)
{
	cpu_set_t a, b, rest;
	char text[32];

	cpus_read("0-5", &a);
	cpus_read("2,4-9", &b);
	CHECK_INT(cpus_minus(&a, &b, &rest), 3);
	cpus_write(&rest, text, sizeof(text));
	CHECK_TEXT(text, "0-1,3");
	CHECK_INT(cpus_minus(&a, &a, &rest), 0);
}

static CU_TestInfo tests[] = {
	{ "a list is read and written again", test_a_list_is_read_and_written_again },
	{ "more than there is room for is left out", test_more_than_there_is_room_for_is_left_out },
	{ "a list that does not fit is said and begun",
	  test_a_list_that_does_not_fit_is_said_and_begun },
	{ "any set of cpus fits into five bytes a cpu",
	  test_any_set_of_cpus_fits_into_five_bytes_a_cpu },
	{ "a difference is what only the first has", test_a_difference_is_what_only_the_first_has },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("cpus", tests);
}
