/*
 * scenario_tune.c - a setting of the whole machine that the kernel fulfils in part: more huge pages
 * than there is memory for, which nobody wants to try on a machine with something to do.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/guest/roles.h"
#include "tests/test.h"

#define HUGE_PAGES "/proc/sys/vm/nr_hugepages"
#define TOO_MANY   "600" /* of 2 MiB, and the guest has 1 GiB */

static long count_huge_pages(void)
{
	FILE *file = fopen(HUGE_PAGES, "re");
	long count = -1;

	if (file && fscanf(file, "%ld", &count) != 1)
		count = -1;
	if (file)
		fclose(file);
	return count;
}

/* What it says is the count of what there is, not just some sentence. */
static void check_words(const char *words, long found)
{
	char sentence[256];

	snprintf(sentence, sizeof(sentence),
		 "the kernel found memory for %ld of " TOO_MANY " huge pages: the rest is in use "
		 "or in pieces",
		 found);
	if (!strstr(words, sentence))
		printf("\n    %s\n    and not: %s", words, sentence);
	CU_ASSERT(strstr(words, sentence) != NULL);
}

static void test_refused(void)
{
	long before = count_huge_pages();
	char words[4096];

	CHECK_INT(role_run("tune apply vm.nr_hugepages=" TOO_MANY, words, sizeof(words)), 3);
	CU_ASSERT(strstr(words, " of " TOO_MANY " huge pages: the rest is in use") != NULL);
	CU_ASSERT(strstr(words, "nothing is changed") != NULL);
	CHECK_INT(count_huge_pages(), before);
}

static void test_taken_for_what_it_is(void)
{
	long before = count_huge_pages(), found;
	char words[4096];

	CHECK_INT(role_run("tune apply --allow-degraded vm.nr_hugepages=" TOO_MANY, words,
			   sizeof(words)),
		  0);
	found = count_huge_pages();
	printf(" %ld of " TOO_MANY, found);
	CU_ASSERT(found > before && found < atol(TOO_MANY));
	check_words(words, found);
	CHECK_INT(role_run("tune restore", words, sizeof(words)), 0);
	CHECK_INT(count_huge_pages(), before);
}

static CU_TestInfo tests[] = {
	{ "no-op 17: huge pages that there is no memory for are counted, refused and given back",
	  test_refused },
	{ "no-op 17: taken all the same, it says how many there are, and restore gives them back",
	  test_taken_for_what_it_is },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	if (!roles_init(argc, argv))
		return test_skip("for the guest: ./dev test --guest");
	return test_main("scenario_tune", tests);
}
