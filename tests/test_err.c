/*
 * test_err.c - failures in words: what is in front, what is cut, who need not listen.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/err.h"

#include <errno.h>

#include "tests/test.h"

static void test_setting_returns_the_code_and_keeps_the_sentence(void)
{
	struct err err = { 0 };

	CHECK_INT(err_set(&err, -EINVAL, "\"%s\" is not a %s", "x", "time"), -EINVAL);
	CHECK_INT(err.code, -EINVAL);
	CHECK_TEXT(err.text, "\"x\" is not a time");
}

static void test_a_system_error_ends_with_its_own_words(void)
{
	struct err err = { 0 };

	CHECK_INT(err_sys(&err, -ECONNREFUSED, "connect %s", "127.0.0.1:7891"), -ECONNREFUSED);
	CHECK_TEXT(err.text, "connect 127.0.0.1:7891: Connection refused");
}

static void test_each_caller_stands_in_front_of_the_one_it_called(void)
{
	struct err err = { 0 };

	err_sys(&err, -ECONNREFUSED, "connect %s", "127.0.0.1:7891");
	CHECK_INT(err_wrap(&err, "thread %d", 2), -ECONNREFUSED);
	CHECK_INT(err_wrap(&err, "client"), -ECONNREFUSED);
	CHECK_TEXT(err.text, "client: thread 2: connect 127.0.0.1:7891: Connection refused");
	CHECK_INT(err.code, -ECONNREFUSED);
}

static void test_what_is_too_long_loses_its_end_and_nothing_else(void)
{
	struct {
		struct err err;
		char behind;
	} box = { .behind = 'x' };
	char longest[600];

	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	err_set(&box.err, -EINVAL, "%s", longest);
	CHECK_INT(strlen(box.err.text), sizeof(box.err.text) - 1);
	err_wrap(&box.err, "front");
	CHECK_INT(strlen(box.err.text), sizeof(box.err.text) - 1);
	CU_ASSERT(!strncmp(box.err.text, "front: aaa", 10));
	err_sys(&box.err, -EIO, "%s", longest);
	CHECK_INT(strlen(box.err.text), sizeof(box.err.text) - 1);
	err_wrap(&box.err, "%s", longest);
	CHECK_INT(strlen(box.err.text), sizeof(box.err.text) - 1);
	CHECK_INT(box.err.code, -EIO);
	CHECK_INT(box.behind, 'x');
}

static void test_the_last_failure_replaces_the_one_before(void)
{
	struct err err = { 0 };

	err_set(&err, -EINVAL, "a long first sentence");
	err_set(&err, -EIO, "second");
	CHECK_INT(err.code, -EIO);
	CHECK_TEXT(err.text, "second");
}

static void test_nobody_has_to_listen(void)
{
	CHECK_INT(err_set(NULL, -EINVAL, "x"), -EINVAL);
	CHECK_INT(err_sys(NULL, -EIO, "x"), -EIO);
	CU_ASSERT(err_wrap(NULL, "x") < 0);
}

static CU_TestInfo tests[] = {
	{ "setting returns the code and keeps the sentence",
	  test_setting_returns_the_code_and_keeps_the_sentence },
	{ "a system error ends with its own words", test_a_system_error_ends_with_its_own_words },
	{ "each caller stands in front of the one it called",
	  test_each_caller_stands_in_front_of_the_one_it_called },
	{ "what is too long loses its end and nothing else",
	  test_what_is_too_long_loses_its_end_and_nothing_else },
	{ "the last failure replaces the one before",
	  test_the_last_failure_replaces_the_one_before },
	{ "nobody has to listen", test_nobody_has_to_listen },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("err", tests);
}
