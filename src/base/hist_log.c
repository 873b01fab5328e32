/*
 * hist_log.c - HdrHistogram's interval log: lines of base64, of deflate, of V2 counts.
 *
 * A line is [Tag=x,]start,length,max,payload. Inside the payload, big-endian:
 *
 *	u32 0x1c849314, u32 length, then zlib data of that length, which is
 *	u32 0x1c849313, u32 bytes of counts, u32 0 (index offset), u32 digits,
 *	u64 lowest, u64 highest, f64 1.0 (ratio), counts
 *
 * Offset and ratio are the writer's own business: counts come in the order of their values, and
 * hdr-histogram-js writes an offset of 1 that means nothing. So they are not looked at.
 *
 * The counts are ZigZag LEB128 numbers of at most 9 bytes (the ninth has 8 bits): positive is the
 * next counter, negative a run of so many empty ones. They end with the counter of the maximum.
 * Written from the description in the Java and C implementations, HdrHistogram 2.x.
 *
 * Bytes that come in are distrusted: every length and index is checked before it is used, all
 * counts are read once for checking and once for adding.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/hist.h"

#define COOKIE_PLAIN	  0x1c849313U /* version 2, word size 1 */
#define COOKIE_COMPRESSED 0x1c849314U

enum {
	NUMBER_BYTES = 9,    /* longest ZigZag LEB128 of 64 bits */
	INDEX_LIMIT = 55296, /* counters that 3 digits need for every positive 64-bit value */
};

struct header {
	uint32_t cookie, counts_bytes, offset, digits;
	uint64_t lowest, highest, ratio;
};

struct envelope {
	uint32_t cookie, length;
};

_Static_assert(sizeof(struct header) == 40 && sizeof(struct envelope) == 8, "no padding");

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void base64_write(const uint8_t *data, size_t len, FILE *out)
{
	for (size_t i = 0; i < len; i += 3) {
		size_t have = len - i < 3 ? len - i : 3;
		uint32_t bits = (uint32_t)data[i] << 16 |
				(have > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
				(have > 2 ? data[i + 2] : 0);

		for (size_t j = 0; j < 4; j++)
			fputc(j <= have ? base64_digits[bits >> (18 - 6 * j) & 63] : '=', out);
	}
}

/* Reads len digits (without padding) to data, which has room for them. Bytes, or -EINVAL. */
static long base64_read(const char *text, size_t len, uint8_t *data)
{
	uint32_t bits = 0;
	long count = 0;

	for (size_t i = 0; i < len; i++) {
		const char *digit = text[i] ? strchr(base64_digits, text[i]) : NULL;

		if (!digit)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)(digit - base64_digits);
		if (i % 4)
			data[count++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	return count;
}

static size_t number_write(int64_t value, uint8_t *data)
{
	uint64_t bits = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
	size_t len = 0;

	for (; len < NUMBER_BYTES - 1 && bits > 127; bits >>= 7)
		data[len++] = (uint8_t)(bits | 128);
	data[len++] = (uint8_t)bits;
	return len;
}

/* Moves *data behind the number; false if it is cut off at end. */
static bool number_read(const uint8_t **data, const uint8_t *end, int64_t *ret)
{
	uint64_t bits = 0;
	uint8_t byte = 128;

	for (int i = 0; byte & 128 && i < NUMBER_BYTES; i++) {
		if (*data == end)
			return false;
		byte = *(*data)++;
		bits |= (uint64_t)(i < NUMBER_BYTES - 1 ? byte & 127 : byte) << 7 * i;
	}
	*ret = (int64_t)(bits >> 1 ^ -(bits & 1));
	return true;
}

/* Counts and runs of empty counters, up to the last one in use. Returns the length. */
static size_t counts_write(const struct hist *h, uint8_t *data)
{
	struct hist_iter it = hist_iter(h);
	uint32_t next = 0;
	size_t len = 0;

	while (hist_next(&it)) {
		if (it.index > next)
			len += number_write(-(int64_t)(it.index - next), data + len);
		len += number_write((int64_t)it.count, data + len);
		next = it.index + 1;
	}
	return len;
}

/* Adds a counter of any histogram with our digits; what we have no counter for is over. */
static void counter_add(struct hist *h, uint32_t index, uint64_t count)
{
	int64_t low = hist_counter_low(index), high = hist_counter_high(index);

	if (low <= HIST_MAX_NS && high > HIST_MAX_NS)
		high = HIST_MAX_NS;
	hist_record_n(h, low, count);
	if (high > h->max_ns)
		h->max_ns = high;
}

/* Walks the counts; with h, adds them. False if they are not well formed. */
static bool counts_read(const uint8_t *data, size_t len, struct hist *h)
{
	const uint8_t *end = data + len;
	uint32_t index = 0;
	int64_t value;

	while (data < end) {
		if (!number_read(&data, end, &value))
			return false;
		if (value < 0 && value < (int64_t)index - INDEX_LIMIT)
			return false;
		if (value >= 0 && index == INDEX_LIMIT)
			return false;
		if (h && value > 0)
			counter_add(h, index, (uint64_t)value);
		index += value < 0 ? (uint32_t)-value : 1;
	}
	return true;
}

/* The plain form: header and counts. Allocated; NULL: out of memory. */
static uint8_t *plain_make(const struct hist *h, size_t *ret_len)
{
	const double ratio = 1;
	struct header header = {
		.cookie = htobe32(COOKIE_PLAIN),
		.digits = htobe32(3),
		.lowest = htobe64(1),
		.highest = htobe64(HIST_MAX_NS),
	};
	/* At worst every count is of the longest and has an empty run, of at most 3 bytes. */
	uint8_t *plain = malloc(sizeof(header) + (size_t)HIST_COUNTERS * (NUMBER_BYTES + 3));
	size_t len;

	if (!plain)
		return NULL;
	len = counts_write(h, plain + sizeof(header));
	header.counts_bytes = htobe32((uint32_t)len);
	memcpy(&header.ratio, &ratio, sizeof(ratio));
	header.ratio = htobe64(header.ratio);
	memcpy(plain, &header, sizeof(header));
	*ret_len = sizeof(header) + len;
	return plain;
}

int hist_log_begin(FILE *out, const char *comment, double start_epoch_s, struct err *err)
{
	time_t start = (time_t)start_epoch_s;
	struct tm tm;
	char date[64];

	gmtime_r(&start, &tm);
	strftime(date, sizeof(date), "%a %b %d %H:%M:%S UTC %Y", &tm);
	if (comment)
		fprintf(out, "#[%.*s]\n", (int)strcspn(comment, "\n"), comment);
	fprintf(out, "#[Histogram log format version 1.3]\n");
	fprintf(out, "#[StartTime: %.3f (seconds since epoch), %s]\n", start_epoch_s, date);
	fprintf(out, "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
		     "\"Interval_Compressed_Histogram\"\n");
	if (ferror(out))
		return err_set(err, -EIO, "the head of the histogram log could not be written");
	return 0;
}

int hist_log_add(FILE *out, const char *tag, const struct hist *h, double start_s, double length_s,
		 struct err *err)
{
	AUTO(auto_free) uint8_t *plain = NULL;
	AUTO(auto_free) uint8_t *packed = NULL;
	struct envelope envelope;
	size_t plain_len;
	uLongf len;

	if (tag && (!*tag || strpbrk(tag, ", \t\r\n")))
		return err_set(err, -EINVAL,
			       "\"%s\" is no tag of a histogram log: blanks and "
			       "commas cannot be in it",
			       tag);
	plain = plain_make(h, &plain_len);
	len = plain ? compressBound(plain_len) : 0;
	packed = plain ? malloc(sizeof(envelope) + len) : NULL;
	if (!packed || compress(packed + sizeof(envelope), &len, plain, plain_len) != Z_OK)
		return err_set(err, -ENOMEM, "out of memory for the histogram log");
	envelope.cookie = htobe32(COOKIE_COMPRESSED);
	envelope.length = htobe32((uint32_t)len);
	memcpy(packed, &envelope, sizeof(envelope));

	/* The maximum is in milliseconds by custom; readers take the values from the payload. */
	fprintf(out, "%s%s%s%.3f,%.3f,%.3f,", tag ? "Tag=" : "", tag ? tag : "", tag ? "," : "",
		start_s, length_s, (double)hist_max(h) / 1e6);
	base64_write(packed, sizeof(envelope) + len, out);
	fputc('\n', out);
	if (ferror(out))
		return err_set(err, -EIO, "the histogram log could not be written");
	return 0;
}

/* The parts of a line that count; they point into it. */
struct line {
	const char *tag, *payload;
	size_t tag_len, payload_len; /* the payload without its padding */
};

static int line_split(const char *text, struct line *ret, struct err *err)
{
	struct line line = { .tag = "" };
	const char *at = text;

	if (!strncmp(at, "Tag=", 4)) {
		line.tag = at + 4;
		line.tag_len = strcspn(line.tag, ",");
		at = line.tag + line.tag_len;
		at += *at == ',';
	}
	for (int field = 0; field < 3; field++) {
		size_t len = strspn(at, "0123456789.");

		if (!len || at[len] != ',')
			return err_set(err, -EINVAL,
				       "\"%.40s\" is not an interval of a histogram "
				       "log: start,length,max,histogram",
				       text);
		at += len + 1;
	}
	line.payload = at;
	line.payload_len = strcspn(at, "= \t\r\n");
	*ret = line;
	return 0;
}

/* Unpacks what is behind the envelope into plain. Its length, or -EINVAL. */
static long unpack(const uint8_t *packed, size_t len, uint8_t *plain, size_t size)
{
	struct envelope envelope;
	uLongf plain_len = size;

	if (len < sizeof(envelope))
		return -EINVAL;
	memcpy(&envelope, packed, sizeof(envelope));
	if (be32toh(envelope.cookie) != COOKIE_COMPRESSED ||
	    be32toh(envelope.length) > len - sizeof(envelope))
		return -EINVAL;
	if (uncompress(plain, &plain_len, packed + sizeof(envelope), be32toh(envelope.length)) !=
	    Z_OK)
		return -EINVAL;
	return (long)plain_len;
}

/* The plain form, checked to the end, then added. */
static int plain_add(const uint8_t *plain, size_t len, struct hist *h, struct err *err)
{
	struct header header;
	size_t counts;

	if (len < sizeof(header))
		return err_set(err, -EINVAL, "the histogram is cut off");
	memcpy(&header, plain, sizeof(header));
	counts = be32toh(header.counts_bytes);
	if (be32toh(header.cookie) != COOKIE_PLAIN)
		return err_set(err, -EINVAL, "the histogram is not in format V2");
	if (be32toh(header.digits) != 3 || be64toh(header.lowest) != 1)
		return err_set(err, -EINVAL,
			       "the histogram has %u digits from %llu on, not 3 from 1 on",
			       be32toh(header.digits), (unsigned long long)be64toh(header.lowest));
	if (counts > len - sizeof(header) || !counts_read(plain + sizeof(header), counts, NULL))
		return err_set(err, -EINVAL, "the counts of the histogram are damaged");
	counts_read(plain + sizeof(header), counts, h);
	return 0;
}

int hist_log_parse(const char *text, struct hist *h, char *tag, size_t tag_size, struct err *err)
{
	const size_t plain_size = sizeof(struct header) + (size_t)INDEX_LIMIT * NUMBER_BYTES;
	AUTO(auto_free) uint8_t *packed = NULL;
	AUTO(auto_free) uint8_t *plain = NULL;
	struct line line = { 0 };
	int rc = line_split(text, &line, err);
	long len;

	if (rc)
		return rc;
	if (tag && line.tag_len >= tag_size)
		return err_set(err, -EINVAL, "the tag \"%.*s\" is too long", (int)line.tag_len,
			       line.tag);
	packed = malloc(line.payload_len + 1);
	plain = malloc(plain_size);
	if (!packed || !plain)
		return err_set(err, -ENOMEM, "out of memory for a line of a histogram log");
	len = base64_read(line.payload, line.payload_len, packed);
	if (len < 0)
		return err_set(err, -EINVAL, "the histogram is not in base64");
	len = unpack(packed, (size_t)len, plain, plain_size);
	if (len < 0)
		return err_set(err, -EINVAL, "the histogram is not in compressed format V2");
	rc = plain_add(plain, (size_t)len, h, err);
	if (!rc && tag) {
		memcpy(tag, line.tag, line.tag_len);
		tag[line.tag_len] = '\0';
	}
	return rc;
}
