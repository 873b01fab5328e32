/*
 * test_knob.c - knobs by rows: text in, canonical text out, refusals like successes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/knob.h"

#include <errno.h>

#include "tests/sample_knobs.h"
#include "tests/test.h"

/* key, text, code, and then the value as written or the sentence. */
static const struct {
	const char *key, *text;
	int code;
	const char *says;
} rows[] = {
	{ "threads", "4", 0, "4" },
	{ "threads", "256", 0, "256" },
	{ "threads", "0", -EINVAL, "threads: \"0\" is too small: at least 1" },
	{ "threads", "257", -EINVAL, "threads: \"257\" is too large: at most 256" },
	{ "threads", "-1", -EINVAL, "threads: \"-1\" is too small: at least 1" },
	{ "threads", "4x", -EINVAL, "threads: \"4x\" is not a whole number: try 4" },
	{ "threads", "", -EINVAL, "threads: \"\" is not a whole number: try 10" },
	{ "threads", "1G", -EINVAL, "threads: \"1G\" is too large: at most 256" },
	{ "nice", "-20", 0, "-20" },
	{ "nice", "-21", -EINVAL, "nice: \"-21\" is too small: at least -20" },
	{ "timeout", "1500us", 0, "1.5ms" },
	{ "timeout", "1h", -EINVAL,
	  "timeout: \"1h\" has an unknown unit: try 1ms (units are ns, us, ms, s)" },
	{ "timeout", "10", -EINVAL, "timeout: \"10\" has no unit: try 10ms or 10s" },
	{ "timeout", "-1us", -EINVAL, "timeout: \"-1us\" is negative: a time starts at 0" },
	{ "timeout", "999ns", -EINVAL, "timeout: \"999ns\" is too small: at least 1us" },
	{ "timeout", "9223372036s", 0, "9223372036s" },
	{ "timeout", "9223372037s", -EINVAL,
	  "timeout: \"9223372037s\" is too large: at most 9223372036854775807ns" },
	{ "period", "250", 0, "250us" },
	{ "period", "250ns", 0, "250ns" },
	{ "size", "4KiB", 0, "4KiB" },
	{ "size", "23B", -EINVAL, "size: \"23B\" is too small: at least 24B" },
	{ "size", "2MiB", -EINVAL, "size: \"2MiB\" is too large: at most 1MiB" },
	{ "size", "64", -EINVAL, "size: \"64\" has no unit: try 64KiB or 64B" },
	{ "rate", "20k", 0, "20k" },
	{ "rate", "1", 0, "1" },
	{ "rate", "1.5", 0, "1.5" },
	{ "rate", "0.5", -EINVAL, "rate: \"0.5\" is too small: at least 1" },
	{ "rate", "1000000.5", -EINVAL, "rate: \"1000000.5\" is too large: at most 1M" },
	{ "rate", "20kk", -EINVAL, "rate: \"20kk\" is not a rate: try 20k (units are k, M, G)" },
	{ "share", "10%", 0, "10%" },
	{ "share", "7", -EINVAL, "share: \"7\" is more than 1: did you mean 7%?" },
	{ "backend", "io_uring", 0, "io_uring" },
	{ "backend", "iouring", -EINVAL,
	  "backend: \"iouring\" is not one of select, poll, epoll, io_uring; "
	  "did you mean io_uring?" },
	{ "backend", "kqueue", -EINVAL,
	  "backend: \"kqueue\" is not one of select, poll, epoll, io_uring" },
	{ "backend", "", -EINVAL, "backend: \"\" is not one of select, poll, epoll, io_uring" },
	{ "poll-mode", "poll", 0, "poll" },
	{ "wait-spin", "yes", 0, "yes" },
	{ "wait-spin", "on", 0, "yes" },
	{ "wait-spin", "TRUE", 0, "yes" },
	{ "wait-spin", "1", 0, "yes" },
	{ "wait-spin", "off", 0, "no" },
	{ "wait-spin", "0", 0, "no" },
	{ "wait-spin", "2", -EINVAL, "wait-spin: \"2\" is neither yes nor no" },
	{ "wait-spin", "", -EINVAL, "wait-spin: \"\" is neither yes nor no" },
	{ "name", "1234567", 0, "1234567" },
	{ "name", "", 0, "" },
	{ "name", "12345678", -EINVAL, "name: \"12345678\" is too long: at most 7 bytes, not 8" },
	{ "cpus", "0,2-5:2", 0, "0,2,4" },
	{ "cpus", "3,1", 0, "3,1" },
	{ "cpus", "0,1,2,3", 0, "0-3" },
	{ "cpus", "0-0", 0, "0" },
	{ "cpus", "007", 0, "7" },
	{ "cpus", "", 0, "" },
	{ "cpus", "1023", 0, "1023" },
	{ "cpus", "1024", -EINVAL,
	  "cpus: \"1024\" is not a list of CPUs: try 0,2-5 or 0-6:2 (CPUs are 0 to 1023)" },
	{ "cpus", "5-2", -EINVAL,
	  "cpus: \"5-2\" is not a list of CPUs: try 0,2-5 or 0-6:2 (CPUs are 0 to 1023)" },
	{ "cpus", "0,", -EINVAL,
	  "cpus: \"0,\" is not a list of CPUs: try 0,2-5 or 0-6:2 (CPUs are 0 to 1023)" },
	{ "cpus", "0-4:0", -EINVAL,
	  "cpus: \"0-4:0\" is not a list of CPUs: try 0,2-5 or 0-6:2 (CPUs are 0 to 1023)" },
	{ "cpus", "0-", -EINVAL,
	  "cpus: \"0-\" is not a list of CPUs: try 0,2-5 or 0-6:2 (CPUs are 0 to 1023)" },
	{ "cpus", "all", -EINVAL,
	  "cpus: \"all\" is not a list of CPUs: try 0,2-5 or 0-6:2 (CPUs are 0 to 1023)" },
	{ "cpus", "0-1023,0", -EINVAL,
	  "cpus: \"0-1023,0\" is not a list of CPUs: try 0,2-5 or 0-6:2 (CPUs are 0 to 1023)" },
	{ "cpus", "0-30:2", -EINVAL, "cpus: \"0-30:2\" is too long: at most 15 bytes" },
	{ "bind-addr", ":1", 0, ":1" },
	{ "bind-addr", ":1;:2", 0, ":1;:2" },
	{ "bind-addr", "", 0, "127.0.0.1:7891" },
	{ "epoll.trigger", "edge", 0, "edge" },
	{ "epoll.trigger", "edg", -EINVAL,
	  "epoll.trigger: \"edg\" is not one of level, edge, oneshot; did you mean edge?" },
	{ "epoll.triger", "edge", -ENOENT,
	  "epoll.triger: no such setting; did you mean epoll.trigger?" },
	{ "trigger", "edge", -ENOENT, "trigger: no such setting; did you mean epoll.trigger?" },
	{ "poll-mod", "x", -ENOENT, "poll-mod: no such setting; did you mean backend?" },
	{ "colour", "red", -ENOENT, "colour: no such setting" },
	{ "", "red", -ENOENT, ": no such setting" },
};

static void test_text_becomes_a_value_or_a_sentence(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fixture *f = setup();
		struct basic_opts was = f->basic;

		CHECK_INT(knob_set_assign(&f->set, rows[i].key, rows[i].text, KNOB_FILE, &f->err),
			  rows[i].code);
		if (rows[i].code) {
			CHECK_TEXT(f->err.text, rows[i].says);
			CU_ASSERT(!memcmp(&was, &f->basic, sizeof(was)));
		} else if (strcmp(rows[i].key, "bind-addr") || *rows[i].text) {
			CHECK_TEXT(value_of(f, rows[i].key), rows[i].says);
			CHECK_INT(origin_of(f, rows[i].key), KNOB_FILE);
		}
	}
}

static void test_what_is_written_reads_back_as_equal(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fixture *f = setup();
		struct basic_opts copy = { 0 };
		const struct knob *k = knob_find(&basic, rows[i].key);
		char buf[256];

		if (rows[i].code || !k)
			continue;
		CHECK_INT(knob_parse(k, rows[i].text, &f->basic, NULL), 0);
		knob_format(k, &f->basic, buf, sizeof(buf));
		CHECK_INT(knob_parse(k, buf, &copy, NULL), 0);
		CU_ASSERT(knob_equal(k, &f->basic, &copy));
	}
}

static void test_texts_are_equal_whatever_lies_behind_their_end(void)
{
	const struct knob *k = knob_find(&basic, "name");
	struct basic_opts a = { .name = "ab\0cd" }, b = { .name = "ab" };

	CU_ASSERT(knob_equal(k, &a, &b));
	strcpy(b.name, "ac");
	CU_ASSERT(!knob_equal(k, &a, &b));
}

static void test_defaults_are_what_the_table_says(void)
{
	struct fixture *f = setup();

	CHECK_INT(f->basic.threads, 1);
	CHECK_INT(f->basic.timeout_ns, 1000000000);
	CHECK_INT(f->basic.size_bytes, 1024);
	CHECK_INT(f->basic.backend, 2);
	CHECK_INT(f->basic.spin, false);
	CHECK_TEXT(value_of(f, "bind-addr"), "127.0.0.1:7891");
	CHECK_INT(origin_of(f, "threads"), KNOB_DEFAULT);
	CHECK_TEXT(knob_origin_names[KNOB_SWEEP], "sweep");
}

static void test_a_choice_nobody_knows_is_written_as_its_number(void)
{
	struct fixture *f = setup();

	f->basic.backend = 9;
	CHECK_TEXT(value_of(f, "backend"), "9");
}

static void test_the_nearest_word_is_near_or_none(void)
{
	static const struct {
		const char *word, *near;
	} words[] = {
		{ "edge", "edge" },	  { "egde", "edge" },  { "edg", "edge" },
		{ "levle", "level" },	  { "lvel", "level" }, { "one--shot", "oneshot" },
		{ "oneshut", "oneshot" }, { "", NULL },	       { "x", NULL },
		{ "ed", NULL },
	};
	char longest[200];
	const char *near;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		near = nearest_word(words[i].word, trigger_names);
		CHECK_TEXT(near ? near : "none", words[i].near ? words[i].near : "none");
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	CU_ASSERT(!nearest_word(longest, trigger_names));
}

static CU_TestInfo tests[] = {
	{ "text becomes a value or a sentence", test_text_becomes_a_value_or_a_sentence },
	{ "what is written reads back as equal", test_what_is_written_reads_back_as_equal },
	{ "texts are equal whatever lies behind their end",
	  test_texts_are_equal_whatever_lies_behind_their_end },
	{ "defaults are what the table says", test_defaults_are_what_the_table_says },
	{ "a choice nobody knows is written as its number",
	  test_a_choice_nobody_knows_is_written_as_its_number },
	{ "the nearest word is near or none", test_the_nearest_word_is_near_or_none },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("knob", tests);
}
