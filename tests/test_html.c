/*
 * test_html.c - escaping by rows, and numbers with the characters they deserve.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/html.h"

#include <stdlib.h>

#include "tests/test.h"

struct row {
	const char *text, *want;
};

static void check_rows(void (*write)(FILE *, const char *), const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *got = NULL;
		size_t size;
		FILE *out = open_memstream(&got, &size);

		write(out, rows[i].text);
		fclose(out);
		CHECK_TEXT(got, rows[i].want);
		free(got);
	}
}

#define BAD "\xef\xbf\xbd"

static const struct row text_rows[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "<script>alert(\"&'\")</script>",
	  "&lt;script&gt;alert(&quot;&amp;&#39;&quot;)&lt;/script&gt;" },
	{ "tab\tline\n", "tab\tline\n" },
	{ "bell\a escape\033[1m", "bell" BAD " escape" BAD "[1m" },
	{ "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
	  "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
	{ "cut \xe2\x82", "cut " BAD BAD },
	{ "latin \xe9t\xe9", "latin " BAD "t" BAD },
	{ "overlong \xc0\xaf \xe0\x80\xaf", "overlong " BAD BAD " " BAD BAD BAD },
	{ "surrogate \xed\xa0\x80", "surrogate " BAD BAD BAD },
	{ "beyond \xf4\x90\x80\x80", "beyond " BAD BAD BAD BAD },
	{ "no character \xef\xbf\xbf", "no character " BAD BAD BAD },
};

static void test_text_is_escaped_and_always_valid(void)
{
	check_rows(html_text, text_rows, sizeof(text_rows) / sizeof(text_rows[0]));
}

static const struct row number_rows[] = {
	{ "-14.2 %", "\xe2\x88\x92"
		     "14.2\xc2\xa0%" },
	{ "+3.0 %", "+3.0\xc2\xa0%" },
	{ "[-15.9, +2.4]", "[\xe2\x88\x92"
			   "15.9,\xc2\xa0+2.4]" },
	{ "71.2-76.8", "71.2\xe2\x80\x93"
		       "76.8" },
	{ "98.3 us", "98.3\xc2\xa0\xc2\xb5s" },
	{ "-", "\xe2\x80\x93" },
	{ "<0.001", "&lt;0.001" },
};

static void test_numbers_have_minus_dash_and_micro(void)
{
	check_rows(html_number, number_rows, sizeof(number_rows) / sizeof(number_rows[0]));
}

static const struct row sentence_rows[] = {
	{ "14 % below & beyond", "14\xc2\xa0% below &amp; beyond" },
	{ "ends ", "ends " },
};

static void test_sentences_keep_numbers_and_percent_together(void)
{
	check_rows(html_sentence, sentence_rows, sizeof(sentence_rows) / sizeof(sentence_rows[0]));
}

static CU_TestInfo tests[] = {
	{ "text is escaped and always valid", test_text_is_escaped_and_always_valid },
	{ "numbers have minus, dash and micro", test_numbers_have_minus_dash_and_micro },
	{ "sentences keep numbers and per cent together",
	  test_sentences_keep_numbers_and_percent_together },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("html", tests);
}
