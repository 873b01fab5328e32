/*
 * fuzz_value.c - arbitrary text as a value, arbitrary bytes as its CSV file: what is taken can be
 * written and read, and draws what it said it would.
 *
 * libFuzzer's entry point (`./dev test --fuzz`), and a main of its own with damaged values for
 * builds without it. The first byte of the input chooses the kind, and text or file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/value_column.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct random_key key = { { 1, 2 }, { 3, 4 } };

static void check_draws(const struct value *v, const struct value *again)
{
	double mean = value_mean(v);

	if (isnan(mean) || mean < value_min(v) - 1e-9 * fabs(mean) ||
	    mean > value_max(v) + 1e-9 * fabs(mean))
		abort();
	for (uint64_t i = 0; i < 8; i++) {
		double x = value_draw(v, &key, i);

		if (!isfinite(x) || x < value_min(v) || x > value_max(v))
			abort();
		if (value_draw(again, &key, i) != x)
			abort();
	}
}

static void check_text(const char *text, enum value_kind kind)
{
	static const char *const bare[] = { NULL, "us", "B", NULL };
	char written[VALUE_TEXT_MAX], rewritten[VALUE_TEXT_MAX];
	struct value v = { 0 }, again = { 0 };
	struct err err = { 0 };

	if (value_parse(text, kind, bare[kind], &v, &err)) {
		if (!*err.text || v.count)
			abort();
		return;
	}
	value_format(&v, written, sizeof(written));
	if (value_parse(written, kind, NULL, &again, &err))
		abort();
	if (strcmp(written, value_format(&again, rewritten, sizeof(rewritten))))
		abort();
	check_draws(&v, &again);
	value_finish(&v);
	value_finish(&again);
}

static void check_file(const uint8_t *data, size_t size, enum value_kind kind)
{
	struct value_column *c = calloc(1, sizeof(*c));
	FILE *in = fmemopen((void *)data, size, "r");
	struct err err = { 0 };

	if (!c || !in)
		exit(1);
	c->separator = " ,;"[data[0] % 3];
	c->index = data[0] % 2;
	if (value_column_fill(c, kind, in, &err) ? !*err.text : !c->count || c->low > c->high)
		abort();
	fclose(in);
	value_column_destroy(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[256];
	size_t len = size ? size - 1 : 0;

	if (!len || len >= sizeof(text))
		return 0;
	memcpy(text, data + 1, len);
	text[len] = '\0';
	if (data[0] & 4)
		check_file(data + 1, len, data[0] % 4);
	else if (strncmp(text, "file", 4)) /* it would open what it is told to */
		check_text(text, data[0] % 4);
	return 0;
}

#ifdef FUZZ_MAIN
/* A value that is right somewhere, with a few bytes changed. */
static size_t make_input(uint8_t *p, const struct random_key *stream, uint64_t round)
{
	static const char *const values[] = {
		"12us",
		"unif:min=1:max=9",
		"exp:1000,min=500,max=2000",
		"norm:10:std=5:max=11",
		"lognorm:9:std=5:min=1",
		"lognorm:xavg=2:xstd=0.5",
		"gamma:10:std=5:min=2",
		"gamma:k=2.5:scale=4",
		"erlang:k=4:avg=100",
		"pareto:alpha=1.5:xmin=10",
		"weibull:k=0.5:scale=9:max=7",
		"zipf:n=1000:s=1.1",
		"mix:max=9:0.9*exp:1|2*7",
		"aseq:min=1:max=9:step=-2",
		"gseq:min=1:max=9:step=0.5",
		"a,b\n1,2\n\"3\",4e1\n5us;6 7",
	};
	static const char marks[] = "0123456789.:,=*|-kmge\n\"";
	uint64_t at = round * 32, changes;
	const char *value = values[random_below(stream, at++, 16)];
	size_t len = strlen(value);

	p[0] = (uint8_t)(random_u64(stream, at++) & (strchr(value, '\n') ? 7 : 3));
	memcpy(p + 1, value, len);
	changes = random_below(stream, at++, 4);
	for (uint64_t i = 0; i < changes; i++) {
		uint64_t where = random_below(stream, at++, len);

		p[1 + where] = (uint8_t)marks[random_below(stream, at++, sizeof(marks) - 1)];
	}
	return 1 + len - random_below(stream, at++, 2);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	struct random_key stream = random_key(seed, 0, 0, 0);
	uint8_t input[64];

	printf("seed %llu, 20000 inputs\n", (unsigned long long)seed);
	for (uint64_t round = 0; round < 20000; round++)
		LLVMFuzzerTestOneInput(input, make_input(input, &stream, round));
	puts("1 passed, 0 failed, 0 skipped");
	return 0;
}
#endif
