/*
 * fuzz_knob.c - arbitrary text into every type of knob: what is taken can be written and read.
 *
 * libFuzzer's entry point (`./dev test --fuzz`), and a main of its own with damaged values for
 * builds without it. The first byte of the input chooses the type.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/knob.h"
#include "base/random.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct opts {
	int64_t number;
	double share;
	int choice;
	bool flag;
	char text[40];
	struct knob_list list;
};

static const char *const choices[] = { "level", "edge", "oneshot", NULL };

static const struct knob knobs[] = {
	{ .type = &knob_int, KNOB_FIELD(struct opts, number, int64_t) },
	{ .type = &knob_int, KNOB_FIELD(struct opts, number, int64_t), .min = -20, .max = 19 },
	{ .type = &knob_time, KNOB_FIELD(struct opts, number, int64_t), .bare_unit = "us" },
	{ .type = &knob_size, KNOB_FIELD(struct opts, number, int64_t) },
	{ .type = &knob_rate, KNOB_FIELD(struct opts, share, double) },
	{ .type = &knob_ratio, KNOB_FIELD(struct opts, share, double) },
	{ .type = &knob_enum, KNOB_FIELD(struct opts, choice, int), .choices = choices },
	{ .type = &knob_bool, KNOB_FIELD(struct opts, flag, bool) },
	{ .type = &knob_text, KNOB_FIELD(struct opts, text, char[40]) },
	{ .type = &knob_cpus, KNOB_FIELD(struct opts, text, char[40]) },
	{ .type = &knob_texts, KNOB_FIELD(struct opts, list, struct knob_list) },
};
#define KNOBS (sizeof(knobs) / sizeof(*knobs))

static void check_value(const struct knob *k, const char *text)
{
	char written[sizeof(struct knob_list)];
	struct opts first = { 0 }, again = { 0 }, untouched = { 0 };
	struct err err = { 0 };

	if (knob_parse(k, text, &first, &err)) {
		if (!*err.text || !knob_equal(k, &first, &untouched))
			abort();
		return;
	}
	knob_format(k, &first, written, sizeof(written));
	if (knob_parse(k, written, &again, &err) || !knob_equal(k, &first, &again))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[256];
	size_t len = size ? size - 1 : 0;

	if (!size || len >= sizeof(text))
		return 0;
	memcpy(text, data + 1, len);
	text[len] = '\0';
	check_value(&knobs[data[0] % KNOBS], text);
	return 0;
}

#ifdef FUZZ_MAIN
/* A value that is right somewhere, with a few bytes changed. */
static size_t make_input(uint8_t *p, const struct random_key *key, uint64_t round)
{
	static const char *const values[] = { "12",   "1.5ms", "4KiB", "20k/s",	  "0.05",
					      "edge", "yes",   "5%",   "0,2-5:2", "a;b" };
	uint64_t at = round * 16;
	const char *value = values[random_below(key, at++, 10)];
	size_t len = strlen(value);

	p[0] = (uint8_t)random_u64(key, at++);
	memcpy(p + 1, value, len);
	for (uint64_t i = 0; i < random_below(key, at++, 4); i++) {
		uint64_t where = random_below(key, at++, len);

		p[1 + where] = (uint8_t)random_u64(key, at++);
	}
	return 1 + len - random_below(key, at++, 2);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	struct random_key key = random_key(seed, 0, 0, 0);
	uint8_t input[64];

	printf("seed %llu, 100000 inputs\n", (unsigned long long)seed);
	for (uint64_t round = 0; round < 100000; round++)
		LLVMFuzzerTestOneInput(input, make_input(input, &key, round));
	puts("1 passed, 0 failed, 0 skipped");
	return 0;
}
#endif
