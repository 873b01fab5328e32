/*
 * test_speaker.c - ten sentences a second, and how many were left out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "engine/speaker.h"
#include "tests/test.h"

struct heard {
	unsigned count;
	char last[128];
};

static void hear(void *context, const char *sentence)
{
	struct heard *heard = context;

	heard->count++;
	snprintf(heard->last, sizeof(heard->last), "%s", sentence);
}

static void say_some(struct speaker *s, int64_t now_ns, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		speaker_say(s, now_ns, "sentence %u", i);
}

static void test_ten_sentences_a_second_and_then_a_count(void)
{
	struct heard heard = { 0 };
	const struct hooks hooks = { .context = &heard, .say = hear };
	struct speaker s;

	speaker_init(&s, &hooks);
	say_some(&s, 5 * SEC, 10);
	CHECK_INT(heard.count, 10);
	CHECK_TEXT(heard.last, "sentence 9");
	CU_ASSERT(!speaker_say(&s, 5 * SEC + 999 * MS, "not this one"));
	say_some(&s, 5 * SEC + 999 * MS, 6);
	CHECK_INT(heard.count, 10);
	CU_ASSERT(speaker_say(&s, 6 * SEC, "but this"));
	CHECK_INT(heard.count, 12);
	CHECK_TEXT(heard.last, "but this");
}

static void test_the_rest_is_counted_once(void)
{
	struct heard heard = { 0 };
	const struct hooks hooks = { .context = &heard, .say = hear };
	struct speaker s;

	speaker_init(&s, &hooks);
	speaker_rest(&s);
	CHECK_INT(heard.count, 0);
	say_some(&s, 0, 15);
	speaker_rest(&s);
	CHECK_TEXT(heard.last, "5 more sentences were left out");
	speaker_rest(&s);
	CHECK_INT(heard.count, 11);
}

static void test_without_a_listener_nothing_is_left_out(void)
{
	const struct hooks hooks = { 0 };
	struct speaker s;

	speaker_init(&s, &hooks);
	for (int i = 0; i < 30; i++)
		CU_ASSERT(speaker_say(&s, 0, "nobody hears this"));
	speaker_rest(&s);
}

static CU_TestInfo tests[] = {
	{ "ten sentences a second and then a count", test_ten_sentences_a_second_and_then_a_count },
	{ "the rest is counted once", test_the_rest_is_counted_once },
	{ "without a listener nothing is left out", test_without_a_listener_nothing_is_left_out },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("speaker", tests);
}
