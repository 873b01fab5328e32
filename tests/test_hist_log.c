/*
 * test_hist_log.c - the interval log against lines of HdrHistogram, and against damaged ones.
 *
 * What is marked "upstream" was written by hdr-histogram-js 3.0.1 (the HdrHistogram project), with
 * lowest 1, highest 60 s, 3 digits, and is kept as it came.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/hist.h"
#include "base/random.h"
#include "tests/test.h"

#define SEED   778
#define VALUES 20000

static void auto_hist(struct hist **h)
{
	hist_destroy(*h);
}

/* What is written to a FILE, at most size bytes. */
static FILE *open_text(char *buf, size_t size)
{
	FILE *out = fmemopen(buf, size, "w");

	CU_ASSERT_FATAL(out != NULL);
	return out;
}

/* Upstream: these values and counts. */
static const struct {
	int64_t value;
	uint64_t count;
} upstream_values[] = {
	{ 0, 1 },	 { 1, 2 },	 { 2047, 3 },	 { 2048, 1 },	   { 2049, 1 },
	{ 10000, 1000 }, { 123456, 50 }, { 1000000, 7 }, { 999999999, 1 }, { HIST_MAX_NS, 1 },
};
#define UPSTREAM                                                                   \
	"HISTFAAAADt4nJNpmSzMwMAgzsDAwMjAwMDMAAEgNu8P9wgGGJ+J5ac8G8tB5Qv8p61S1hrw" \
	"LZzPyNQfxwQA5g4KeQ=="

static struct hist *upstream_hist(void)
{
	struct hist *h = hist_create();

	CU_ASSERT_FATAL(h != NULL);
	for (size_t i = 0; i < sizeof(upstream_values) / sizeof(*upstream_values); i++)
		hist_record_n(h, upstream_values[i].value, upstream_values[i].count);
	return h;
}

static void test_an_upstream_line_is_read(void)
{
	AUTO(auto_hist) struct hist *want = upstream_hist();
	AUTO(auto_hist) struct hist *h = hist_create();
	struct err err = { 0 };
	char tag[8] = "old";

	CHECK_INT(hist_log_parse("Tag=rd,0.127,1.007,60000.000," UPSTREAM "\r\n", h, tag,
				 sizeof(tag), &err),
		  0);
	CHECK_TEXT(err.text, "");
	CHECK_TEXT(tag, "rd");
	CU_ASSERT(!memcmp(h->counters, want->counters, sizeof(h->counters)));
	CHECK_INT(hist_count(h), 1067);
	CHECK_INT(hist_over(h), 0);
	CHECK_INT(hist_max(h), HIST_MAX_NS);

	CHECK_INT(hist_log_parse("0,1,2," UPSTREAM, h, tag, sizeof(tag), &err), 0);
	CHECK_TEXT(tag, "");
	CHECK_INT(hist_count(h), 2 * 1067);
}

/* The bytes that a line carries, found by other code than the reader's. */
static size_t payload(const char *line, uint8_t *plain, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static uint8_t packed[4096];
	const char *text = strrchr(line, ',') + 1;
	size_t bits = strspn(text, digits) * 6 / 8 * 8;
	uLongf len = size;

	CU_ASSERT_FATAL(bits / 8 <= sizeof(packed));
	memset(packed, 0, sizeof(packed));
	for (size_t i = 0; i < bits; i++)
		if ((strchr(digits, text[i / 6]) - digits) >> (5 - i % 6) & 1)
			packed[i / 8] |= (uint8_t)(128 >> i % 8);
	CU_ASSERT(!memcmp(packed, "\x1c\x84\x93\x14", 4));
	CHECK_INT(packed[4] << 24 | packed[5] << 16 | packed[6] << 8 | packed[7], bits / 8 - 8);
	CHECK_INT(uncompress(plain, &len, packed + 8, bits / 8 - 8), Z_OK);
	return len;
}

/* The head is that of the Java implementation: offset 0, ratio 1.0 (the line has other ones). */
static void test_a_line_carries_the_counts_of_the_upstream_one(void)
{
	static const uint8_t head[40] = {
		0x1c, 0x84, 0x93, 0x13, 0,    0,    0, 23, 0, 0, 0, 0, 0, 0,
		0,    3,    0,	  0,	0,    0,    0, 0,  0, 1, 0, 0, 0, 0x0d,
		0xf8, 0x47, 0x58, 0,	0x3f, 0xf0, 0, 0,  0, 0, 0, 0,
	};
	AUTO(auto_hist) struct hist *h = upstream_hist();
	uint8_t ours[1024], theirs[1024];
	char line[1024];
	FILE *out = open_text(line, sizeof(line));
	size_t len;

	CHECK_INT(hist_log_add(out, "rd", h, 0.1274, 1.007, NULL), 0);
	fclose(out);
	CU_ASSERT(!strncmp(line, "Tag=rd,0.127,1.007,60000.000,HISTF", 34));
	CU_ASSERT(line[strlen(line) - 1] == '\n');
	len = payload(line, ours, sizeof(ours));
	CU_ASSERT(!memcmp(ours, head, sizeof(head)));
	CHECK_INT(len, payload("," UPSTREAM, theirs, sizeof(theirs)));
	CU_ASSERT(!memcmp(ours + sizeof(head), theirs + sizeof(head), len - sizeof(head)));
}

static void test_the_head_of_a_log_is_what_readers_look_for(void)
{
	char text[1024];
	FILE *out = open_text(text, sizeof(text));

	CHECK_INT(hist_log_begin(out, "Ringwalk run 7\nx", 1441812279.474, NULL), 0);
	fclose(out);
	CHECK_TEXT(text, "#[Ringwalk run 7]\n"
			 "#[Histogram log format version 1.3]\n"
			 "#[StartTime: 1441812279.474 (seconds since epoch), "
			 "Wed Sep 09 15:24:39 UTC 2015]\n"
			 "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
			 "\"Interval_Compressed_Histogram\"\n");
}

/* A line of any histogram, allocated. */
static char *line_of(const struct hist *h, const char *tag)
{
	size_t size;
	char *line = NULL;
	FILE *out = open_memstream(&line, &size);

	CU_ASSERT_FATAL(out != NULL);
	CHECK_INT(hist_log_add(out, tag, h, 1, 2, NULL), 0);
	fclose(out);
	return line;
}

static void test_what_a_line_says_comes_back(void)
{
	AUTO(auto_hist) struct hist *h = hist_create();
	AUTO(auto_hist) struct hist *back = hist_create();
	AUTO(auto_free) char *line = NULL;
	AUTO(auto_free) char *nothing = NULL;
	struct random_key key = random_key(SEED, 0, 0, 6);

	for (uint64_t i = 0; i < VALUES; i++)
		hist_record(h, (int64_t)exp(random_unit(&key, i) * log(5e10)));
	hist_record(h, HIST_MAX_NS * 2);
	hist_record_n(h, 4711, 1ULL << 62); /* the longest number */
	line = line_of(h, NULL);
	CHECK_INT(hist_log_parse(line, back, NULL, 0, NULL), 0);
	CU_ASSERT(!memcmp(h->counters, back->counters, sizeof(h->counters)));
	CHECK_INT(hist_count(back), hist_count(h));
	CHECK_INT(hist_over(back), 1);
	CU_ASSERT(llabs(hist_min(back) - hist_min(h)) <= hist_min(h) / 1000);

	hist_reset(h);
	hist_reset(back);
	nothing = line_of(h, NULL);
	CHECK_INT(hist_log_parse(nothing, back, NULL, 0, NULL), 0);
	CU_ASSERT(!memcmp(h, back, sizeof(*h)));
}

static void test_every_counter_full_fits_a_line(void)
{
	AUTO(auto_hist) struct hist *h = hist_create();
	AUTO(auto_hist) struct hist *back = hist_create();
	AUTO(auto_free) char *line = NULL;
	struct random_key key = random_key(SEED, 0, 0, 9);

	for (uint32_t i = 0; i < HIST_COUNTERS; i++) {
		/* Those between 60 s and the last cannot be used. */
		if (i <= hist_index(HIST_MAX_NS) || i == HIST_COUNTERS - 1)
			h->counters[i] = 1ULL << 48 | random_below(&key, i, 1ULL << 48);
	}
	line = line_of(h, NULL);
	CHECK_INT(hist_log_parse(line, back, NULL, 0, NULL), 0);
	CU_ASSERT(!memcmp(h->counters, back->counters, sizeof(h->counters)));
}

static void test_tags_that_would_break_a_line_are_refused(void)
{
	static const char *const tags[] = { "", "a,b", "a b", "a\nb" };
	AUTO(auto_hist) struct hist *h = hist_create();
	struct err err = { 0 };
	char text[256] = "";
	FILE *out = open_text(text, sizeof(text));

	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++)
		CHECK_INT(hist_log_add(out, tags[i], h, 0, 1, &err), -EINVAL);
	fclose(out);
	CHECK_TEXT(err.text, "\"a\nb\" is no tag of a histogram log: blanks and commas cannot be "
			     "in it");
	CHECK_TEXT(text, "");
}

static void test_a_full_disk_is_told(void)
{
	AUTO(auto_hist) struct hist *h = upstream_hist();
	struct err err = { 0 };
	FILE *out = fopen("/dev/full", "w");

	CU_ASSERT_FATAL(out != NULL);
	setvbuf(out, NULL, _IONBF, 0);
	CHECK_INT(hist_log_add(out, NULL, h, 0, 1, &err), -EIO);
	CHECK_INT(hist_write_hgrm(h, out, 1000, &err), -EIO);
	CHECK_INT(hist_log_begin(out, NULL, 0, &err), -EIO);
	fclose(out);
}

static void test_damaged_lines_are_refused_and_add_nothing(void)
{
	static const struct {
		const char *line, *says;
	} rows[] = {
		{ "", "\"\" is not an interval of a histogram log: start,length,max,histogram" },
		{ "#[StartTime: 1]", "\"#[StartTime: 1]\" is not an interval of a histogram log: "
				     "start,length,max,histogram" },
		{ "1,2," UPSTREAM, NULL },
		{ "Tag=x", NULL },
		{ "Tag=x,1,2,3", NULL },
		{ "Tag=toolongatag,1,2,3," UPSTREAM, "the tag \"toolongatag\" is too long" },
		{ "1,2,3,", "the histogram is not in compressed format V2" },
		{ "1,2,3,HIST*AAA", "the histogram is not in base64" },
		{ "1,2,3,HISTFAAAADt4nJNpmSzMwMAg",
		  "the histogram is not in compressed format V2" },
		{ "1,2,3,HISTFAAAADt4nJNpmSzMwMAgzsDAwMjAwMDMAAEgNu8P9wgGGJ+J5ac8G8tB5Qv8p61S1hrw"
		  "LZzPyNQfxwQA5g4Ke",
		  "the histogram is not in compressed format V2" },
		{ "1,2,3,HISTEwAAADt4nJNpmSzMwMAg",
		  "the histogram is not in compressed format V2" },
		/* Upstream (test data of hdr-histogram-js): lowest 20000, 2 digits. */
		{ "0.127,1.007,2.769,HISTFAAAAEV42pNpmSzMwMCgyAABTBDKT4GBgdnNYMcCBvsPEBEJISEuATEZMQ"
		  "4uASkhIR4nrxg9v2lMaxhvMekILGZkKmcCAEf2CsI=",
		  "the histogram has 2 digits from 20000 on, not 3 from 1 on" },
	};
	AUTO(auto_hist) struct hist *h = hist_create();
	AUTO(auto_hist) struct hist *empty = hist_create();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err err = { 0 };
		char tag[8] = "old";

		CHECK_INT(hist_log_parse(rows[i].line, h, tag, sizeof(tag), &err), -EINVAL);
		if (rows[i].says)
			CHECK_TEXT(err.text, rows[i].says);
		CHECK_TEXT(tag, "old");
		CU_ASSERT(!memcmp(h, empty, sizeof(*h)));
	}
}

/* A line with these counts behind a correct header, packed by hand. */
static const char *packed_line(const uint8_t *counts, size_t len, uint32_t counts_bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static char line[2048];
	uint8_t plain[256] = "\x1c\x84\x93\x13\0\0\0\0\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\1"
			     "\0\0\0\15\xf8\x47\x58\0\x3f\xf0",
		packed[512] = "\x1c\x84\x93\x14";
	uLongf packed_len = sizeof(packed) - 8;
	uint32_t length;
	size_t at = strlen(strcpy(line, "1,2,3,"));

	counts_bytes = htobe32(counts_bytes);
	memcpy(plain + 4, &counts_bytes, 4);
	memcpy(plain + 40, counts, len);
	compress(packed + 8, &packed_len, plain, 40 + len);
	length = htobe32((uint32_t)packed_len);
	memcpy(packed + 4, &length, 4);
	for (size_t i = 0; i < (packed_len + 8) * 8; i += 6) {
		uint32_t pair = (uint32_t)packed[i / 8] << 8 | packed[i / 8 + 1];

		line[at++] = digits[pair >> (10 - i % 8) & 63];
	}
	line[at] = '\0';
	return line;
}

static void test_counts_that_do_not_fit_are_refused(void)
{
	static const struct {
		const char *counts;
		size_t len;
		uint32_t said;
		int code;
		uint64_t count;
	} rows[] = {
		{ "\2", 1, 1, 0, 1 },			/* one value of 0 */
		{ "\0\2", 2, 2, 0, 1 },			/* a single empty counter as 0 */
		{ "\1\2", 2, 2, 0, 1 },			/* and as a run of one */
		{ "\2", 1, 0, 0, 0 },			/* length says none */
		{ "\2", 1, 2, -EINVAL, 0 },		/* length says more than there is */
		{ "\2\x80", 2, 2, -EINVAL, 0 },		/* a number cut off */
		{ "\xfd\xdf\6\2", 4, 4, 0, 1 },		/* 55295 empty, then the last */
		{ "\xfd\xdf\6\2\2", 5, 5, -EINVAL, 0 }, /* one behind the last */
		{ "\2\xff\xff\7", 4, 4, -EINVAL, 0 },	/* a run of 65536 */
		{ "\2\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10, 10, -EINVAL, 0 }, /* of 2^63 */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		AUTO(auto_hist) struct hist *h = hist_create();
		struct err err = { 0 };
		const char *line =
			packed_line((const uint8_t *)rows[i].counts, rows[i].len, rows[i].said);

		CHECK_INT(hist_log_parse(line, h, NULL, 0, &err), rows[i].code);
		CHECK_INT(hist_count(h), rows[i].count);
		if (rows[i].code)
			CHECK_TEXT(err.text, "the counts of the histogram are damaged");
	}
}

static void test_wider_histograms_are_read_with_their_tail_as_over(void)
{
	AUTO(auto_hist) struct hist *h = hist_create();
	/* 55295 empty ones, then the counter that ends at INT64_MAX. */
	const char *line = packed_line((const uint8_t *)"\xfd\xdf\6\2", 4, 4);

	CHECK_INT(hist_log_parse(line, h, NULL, 0, NULL), 0);
	CHECK_INT(hist_over(h), 1);
	CHECK_INT(hist_count(h), 1);
	CHECK_INT(h->counters[HIST_COUNTERS - 1], 1);
}

static void test_flipped_bytes_never_do_more_than_be_refused(void)
{
	AUTO(auto_hist) struct hist *h = hist_create();
	struct random_key key = random_key(SEED, 0, 0, 10);
	char line[] = "1,2,3," UPSTREAM;

	for (uint64_t i = 0; i < 3000; i++) {
		size_t at = random_below(&key, 2 * i, sizeof(line) - 1);
		char was = line[at];
		int rc;

		line[at] = (char)random_below(&key, 2 * i + 1, 256);
		rc = hist_log_parse(line, h, NULL, 0, NULL);
		CU_ASSERT(rc == 0 || rc == -EINVAL);
		line[at] = was;
	}
}

static CU_TestInfo tests[] = {
	{ "an upstream line is read", test_an_upstream_line_is_read },
	{ "a line carries the counts of the upstream one",
	  test_a_line_carries_the_counts_of_the_upstream_one },
	{ "the head of a log is what readers look for",
	  test_the_head_of_a_log_is_what_readers_look_for },
	{ "what a line says comes back", test_what_a_line_says_comes_back },
	{ "every counter full fits a line", test_every_counter_full_fits_a_line },
	{ "tags that would break a line are refused",
	  test_tags_that_would_break_a_line_are_refused },
	{ "a full disk is told", test_a_full_disk_is_told },
	{ "damaged lines are refused and add nothing",
	  test_damaged_lines_are_refused_and_add_nothing },
	{ "counts that do not fit are refused", test_counts_that_do_not_fit_are_refused },
	{ "wider histograms are read with their tail as over",
	  test_wider_histograms_are_read_with_their_tail_as_over },
	{ "flipped bytes never do more than be refused",
	  test_flipped_bytes_never_do_more_than_be_refused },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	printf("seed %d\n", SEED);
	return test_main("hist_log", tests);
}
