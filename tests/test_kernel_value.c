/*
 * test_kernel_value.c - one value in the several ways the kernel writes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/kernel_value.h"

#include "tests/test.h"

static void test_the_same_value_in_other_words(void)
{
	static const char *const same[][2] = {
		{ "", "" },
		{ "1", "1" },
		{ "4096 87380 6291456", "4096\t87380\t6291456\n" },
		{ "  a   b ", "a b" },
		{ "3", "00000000,00000003" },
		{ "f", "0F" },
		{ "00000001,00000000", "100000000" },
		{ "0-3", "0,1,2,3" },
		{ "0-1,4", "4,0,1" },
		{ "7", "007" },
		{ "1", "Y" },
		{ "N", "0" },
	};
	static const char *const other[][2] = {
		{ "1", "" },	  { "1", "2" },		 { "1 2", "1 2 3" },	{ "10", "1" },
		{ "0-3", "0,3" }, { "f", "10" },	 { "always", "never" }, { "-1", "1" },
		{ "1,", "1" },	  { "3", "1,00000003" }, { "0-", "0" },		{ "YY", "11" },
	};

	for (unsigned i = 0; i < sizeof(same) / sizeof(*same); i++) {
		CHECK_INT(kernel_value_same(same[i][0], same[i][1]), true);
		CHECK_INT(kernel_value_same(same[i][1], same[i][0]), true);
	}
	for (unsigned i = 0; i < sizeof(other) / sizeof(*other); i++) {
		CHECK_INT(kernel_value_same(other[i][0], other[i][1]), false);
		CHECK_INT(kernel_value_same(other[i][1], other[i][0]), false);
	}
}

static void test_a_list_longer_than_is_compared_by_meaning_is_text(void)
{
	char a[1024] = "", b[1024] = "";

	for (int i = 0; i < 130; i++) {
		snprintf(a + strlen(a), sizeof(a) - strlen(a), "%d,", 2 * i);
		snprintf(b + strlen(b), sizeof(b) - strlen(b), "%d,", 2 * (129 - i));
	}
	strcat(a, "999");
	strcat(b, "999");
	CHECK_INT(kernel_value_same(a, a), true);
	CHECK_INT(kernel_value_same(a, b), false);
}

static void test_of_a_choice_the_chosen_word_stays(void)
{
	static const char *const rows[][2] = {
		{ "always [madvise] never", "madvise" },
		{ "[always] madvise never", "always" },
		{ "none voluntary (full) lazy", "full" },
		{ "(null)", "(null)" },
		{ "[none]", "none" },
		{ "a[b]c", "a[b]c" },
		{ "plain", "plain" },
		{ "a [b", "a [b" },
		{ "", "" },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s", rows[i][0]);
		kernel_value_choose(text);
		CHECK_TEXT(text, rows[i][1]);
	}
}

static void test_blanks_become_one(void)
{
	char text[] = "  4096\t\t87380 \n6291456\n";

	kernel_value_tidy(text);
	CHECK_TEXT(text, "4096 87380 6291456");
	kernel_value_tidy(text + strlen(text));
	CHECK_TEXT(text, "4096 87380 6291456");
}

static void test_a_sysctl_has_its_name_and_the_rest_its_path(void)
{
	char buf[64];

	CHECK_TEXT(kernel_path_name("/proc/sys/vm/swappiness", buf, sizeof(buf)), "vm.swappiness");
	CHECK_TEXT(kernel_path_name("/proc/sys/net/ipv4/conf/eth0.1/rp_filter", buf, sizeof(buf)),
		   "net.ipv4.conf.eth0/1.rp_filter");
	CHECK_TEXT(kernel_path_name("/sys/kernel/mm/ksm/run", buf, sizeof(buf)),
		   "/sys/kernel/mm/ksm/run");
}

static CU_TestInfo tests[] = {
	{ "the same value in other words", test_the_same_value_in_other_words },
	{ "a list longer than is compared by meaning is text",
	  test_a_list_longer_than_is_compared_by_meaning_is_text },
	{ "of a choice the chosen word stays", test_of_a_choice_the_chosen_word_stays },
	{ "blanks become one", test_blanks_become_one },
	{ "a sysctl has its name and the rest its path",
	  test_a_sysctl_has_its_name_and_the_rest_its_path },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("kernel_value", tests);
}
