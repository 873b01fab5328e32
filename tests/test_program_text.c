/*
 * test_program_text.c - texts to programs to the bytes of requests, and what is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/program_text.h"

#include <errno.h>

#include "tests/test.h"

#define SEED 4711

/* "compute 10us;reply 64B" as a list. */
static struct knob_list list_of(const char *text)
{
	struct knob_list list = { 0 };
	struct knob k = { .type = &knob_texts, .size = sizeof(list) };

	knob_texts.parse(&k, text, &list, NULL);
	return list;
}

static int parse(const char *text, int64_t request_size, struct program *p, struct err *err)
{
	struct knob_list list = list_of(text);

	*err = (struct err){ 0 };
	return program_parse(&list, request_size, 512, 0, p, err);
}

/* The request's operations as the node reads them: "compute:cpu 10000;reply 64". */
static const char *describe(const uint8_t *at, char *buf, size_t size)
{
	static const char *const names[] = { "?", "compute", "sleep", "reply" };
	static const char *const variants[] = { "", ":cpu", ":loops" };
	struct wire_operation op;
	struct wire_head head;
	struct wire_program program;
	size_t len = 0;

	*buf = '\0';
	if (wire_get_head(at, UINT32_MAX, &head) != WIRE_FINE || head.type != WIRE_REQUEST)
		return "not a request";
	program = wire_program(at + WIRE_HEAD, head.body_len);
	while (wire_next_operation(&program, &op) == WIRE_FINE && op.code)
		len += snprintf(buf + len, size - len, "%s%s%s %llu", len ? ";" : "",
				names[op.code], variants[op.flags], (unsigned long long)op.value);
	return buf;
}

static void test_programs_become_operations_on_the_wire(void)
{
	static const struct {
		const char *text, *operations;
	} rows[] = {
		{ "", "reply 512" },
		{ "reply", "reply 512" },
		{ "reply 64B", "reply 64" },
		{ "reply 64B;reply 1KiB", "reply 1024" },
		{ "compute 10us", "compute 10000;reply 512" },
		{ "compute:wall 1.5us;compute:cpu 1ms;compute:loops 2us;reply 24B",
		  "compute 1500;compute:cpu 1000000;compute:loops 2000;reply 24" },
		{ "sleep 1ms;compute 1us", "sleep 1000000;compute 1000;reply 512" },
		{ "compute   3us", "compute 3000;reply 512" },
	};
	char got[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct program p;
		struct err err;

		CHECK_INT(parse(rows[i].text, 128, &p, &err), 0);
		CHECK_TEXT(describe(p.bytes, got, sizeof(got)), rows[i].operations);
	}
}

static void test_what_is_wrong_is_refused_in_words(void)
{
	static const struct {
		const char *text, *word;
	} rows[] = {
		{ "compute", "needs a time" },
		{ "compute 10", "10" },
		{ "compute 10x", "10x" },
		{ "compute 2h", "2h" },
		{ "compute 7200s", "at most 1 hour" },
		{ "compute:gpu 1us", "compute:cpu" },
		{ "comptue 10us", "did you mean compute?" },
		{ "reply 23B", "at least 24 bytes" },
		{ "reply 5GB", "at most 4294967295" },
		{ "reply 10us", "10us" },
		{ "reply 64B;compute 10us", "must come last" },
		{ "skip 1", "only 0 operations" },
		{ "compute 1us;skip 2;compute 1us;reply 64B", "only 1 operations" },
		{ "skip;compute 1us", "needs a count" },
		{ "skip 0;compute 1us", "at least 1" },
		{ "skip 1,prob=1.5;compute 1us", "1.5" },
		{ "skip 1,every=0;compute 1us", "every" },
		{ "skip 1,maybe;compute 1us", "\"maybe\"" },
		{ "foo", "no such operation" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct program p = { .count = 12345 };
		struct err err;

		CHECK_INT(parse(rows[i].text, 256, &p, &err), -EINVAL);
		CHECK_INT(p.count, 12345);
		if (!strstr(err.text, rows[i].word))
			printf("\n    %s: %s", rows[i].text, err.text);
		CU_ASSERT(strstr(err.text, rows[i].word) != NULL);
	}
}

static void test_a_request_too_small_for_its_program_says_the_smallest_size(void)
{
	struct program p;
	struct err err;

	CHECK_INT(parse("compute 1us;compute 1us;reply 64B", 59, &p, &err), -EINVAL);
	CHECK_TEXT(err.text, "a request of 59 bytes cannot hold this program: at least 60 bytes");
	CHECK_INT(parse("compute 1us;compute 1us;reply 64B", 60, &p, &err), 0);
	CHECK_INT(p.prefix_len, 60);
	CHECK_INT(p.payload_len, 0);
}

static void test_short_padding_travels_as_bytes_and_long_padding_as_a_number(void)
{
	struct program p;
	struct err err;

	parse("", 36 + PROGRAM_PADDING, &p, &err);
	CHECK_INT(p.prefix_len, 36 + PROGRAM_PADDING);
	CHECK_INT(p.payload_len, 0);
	parse("", 36 + PROGRAM_PADDING + 1, &p, &err);
	CHECK_INT(p.prefix_len, 36);
	CHECK_INT(p.payload_len, PROGRAM_PADDING + 1);
	CHECK_INT(p.request_size, 36 + PROGRAM_PADDING + 1);
}

static void test_the_longest_program_fits(void)
{
	struct knob_list list = { 0 };
	struct program p;

	for (int i = 0; i < PROGRAM_STEPS - 1; i++)
		knob_list_add(&list, "compute 1us", 11, NULL);
	CHECK_INT(program_parse(&list, 100000, 512, 0, &p, NULL), 0);
	CHECK_INT(p.count, PROGRAM_STEPS);
	CHECK_INT(p.prefix_len, WIRE_HEAD + 12 * (PROGRAM_STEPS));
}

static void test_requests_without_skips_differ_in_their_id_only(void)
{
	uint8_t a[128], b[128];
	struct program p;
	struct err err;

	parse("compute 10us;reply 64B", 128, &p, &err);
	CHECK_INT(program_write(&p, NULL, 0, 0x1122334455667788, a), 0);
	CHECK_INT(program_write(&p, NULL, 1, 9, b), 0);
	CU_ASSERT(wire_get64(a + 8) == 0x1122334455667788);
	memcpy(a + 8, b + 8, 8);
	CU_ASSERT(!memcmp(a, b, 128));
}

static void test_the_deadline_is_told_to_the_node(void)
{
	struct knob_list list = { 0 };
	struct wire_head head;
	struct program p;

	program_parse(&list, 64, 64, 250000, &p, NULL);
	wire_get_head(p.bytes, 64, &head);
	CHECK_INT(head.deadline_us, 250000);
	CHECK_INT(head.hops, WIRE_HOPS);
	CHECK_INT(head.length, 64);
}

static void test_every_third_request_skips_two_operations(void)
{
	const char *text = "skip 2,every=3;compute 1us;sleep 2us;compute 3us;reply 64B";
	uint8_t at[256];
	struct program p;
	struct program_keys keys;
	struct err err;
	char got[512];

	CHECK_INT(parse(text, 256, &p, &err), 0);
	program_keys(&p, SEED, 0, &keys);
	for (uint64_t i = 0; i < 9; i++) {
		memset(at, 0xff, sizeof(at));
		CHECK_INT(program_write(&p, &keys, i, i, at), i % 3 ? 0 : 2);
		CHECK_TEXT(describe(at, got, sizeof(got)),
			   i % 3 ? "compute 1000;sleep 2000;compute 3000;reply 64"
				 : "compute 3000;reply 64");
		CHECK_INT(wire_get32(at), 256);
		CHECK_INT(at[WIRE_HEAD + wire_get32(at + 16)], 0);
	}
}

static unsigned count_skipped(const struct program *p, unsigned thread, uint64_t *pattern)
{
	struct program_keys keys;
	unsigned skipped = 0;
	uint8_t at[256];

	*pattern = 0;
	program_keys(p, SEED, thread, &keys);
	for (uint64_t i = 0; i < 10000; i++) {
		unsigned n = program_write(p, &keys, i, i, at);

		skipped += n;
		*pattern = *pattern * 3 + n;
	}
	return skipped;
}

static void test_skips_by_chance_are_seeded_and_a_thread_has_its_own(void)
{
	uint64_t first, again, other;
	struct program p;
	struct err err;
	unsigned skipped;

	parse("skip 1,prob=0.25;compute 1us;reply 64B", 256, &p, &err);
	skipped = count_skipped(&p, 0, &first);
	/* Binomial: 2500, standard deviation 43. */
	CHECK_NEAR(skipped, 2500, 220);
	count_skipped(&p, 0, &again);
	count_skipped(&p, 1, &other);
	CU_ASSERT(first == again);
	CU_ASSERT(first != other);
}

static CU_TestInfo tests[] = {
	{ "programs become operations on the wire", test_programs_become_operations_on_the_wire },
	{ "what is wrong is refused in words", test_what_is_wrong_is_refused_in_words },
	{ "a request too small for its program says the smallest size",
	  test_a_request_too_small_for_its_program_says_the_smallest_size },
	{ "short padding travels as bytes and long padding as a number",
	  test_short_padding_travels_as_bytes_and_long_padding_as_a_number },
	{ "the longest program fits", test_the_longest_program_fits },
	{ "requests without skips differ in their id only",
	  test_requests_without_skips_differ_in_their_id_only },
	{ "the deadline is told to the node", test_the_deadline_is_told_to_the_node },
	{ "every third request skips two operations",
	  test_every_third_request_skips_two_operations },
	{ "skips by chance are seeded, and a thread has its own",
	  test_skips_by_chance_are_seeded_and_a_thread_has_its_own },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	printf("seed %d\n", SEED);
	return test_main("program_text", tests);
}
