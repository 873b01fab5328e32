/*
 * kernel_value.c - see kernel_value.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/kernel_value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/* "0-3,8": the most ranges that are compared by meaning; longer lists are compared as text. */
enum { RANGES_MAX = 64 };

#define BLANKS " \t\n"

int kernel_value_read(const char *path, char *buf, size_t size)
{
	AUTO(auto_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, buf, size);
	if (len < 0)
		return -errno;
	if ((size_t)len == size)
		return -EOVERFLOW;
	while (len > 0 && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	kernel_value_choose(buf);
	return 0;
}

int kernel_value_write(const char *path, const char *text)
{
	AUTO(auto_close) int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	char line[KERNEL_VALUE_MAX + 2];
	int len = snprintf(line, sizeof(line), "%s\n", text);
	ssize_t written;

	if (fd < 0)
		return -errno;
	if (len >= (int)sizeof(line))
		return -E2BIG;
	written = write(fd, line, (size_t)len);
	if (written < 0)
		return -errno;
	return written == len ? 0 : -EIO;
}

/* The word between open and close, when it stands as a word of its own. */
static bool choose(char *text, char open, char close)
{
	char *from = strchr(text, open), *to = from ? strchr(from, close) : NULL;

	if (!to || (from > text && !strchr(BLANKS, from[-1])) || !strchr(BLANKS, to[1]))
		return false;
	memmove(text, from + 1, (size_t)(to - from) - 1);
	text[to - from - 1] = '\0';
	return true;
}

/* "/autogroup-12 nice 5" is written as "5". */
static void choose_nice(char *text)
{
	static const char start[] = "/autogroup-";
	const char *nice = strstr(text, " nice ");

	if (!strncmp(text, start, strlen(start)) && nice)
		memmove(text, nice + strlen(" nice "), strlen(nice + strlen(" nice ")) + 1);
}

void kernel_value_choose(char *text)
{
	choose_nice(text);
	/* "(null)" alone is no choice: that is how the kernel writes an empty mask. */
	if (!choose(text, '[', ']') && strpbrk(text, BLANKS))
		choose(text, '(', ')');
}

void kernel_value_tidy(char *text)
{
	char *to = text;

	for (const char *at = text; *at;) {
		size_t blank = strspn(at, BLANKS), len = strcspn(at + blank, BLANKS);

		if (!len)
			break;
		if (to != text)
			*to++ = ' ';
		memmove(to, at + blank, len);
		to += len;
		at += blank + len;
	}
	*to = '\0';
}

/* A word of a text that is not changed for it. */
struct word {
	const char *at;
	size_t len;
};

static struct word next_word(const char **text)
{
	struct word w = { .at = *text + strspn(*text, BLANKS) };

	w.len = strcspn(w.at, BLANKS);
	*text = w.at + w.len;
	return w;
}

static bool same_letters(struct word a, struct word b)
{
	return a.len == b.len && !memcmp(a.at, b.at, a.len);
}

/* A parameter of a module says Y for 1. */
static bool same_bool(struct word a, struct word b)
{
	static const char *const pairs[] = { "1Y", "Y1", "0N", "N0" };

	for (unsigned i = 0; a.len == 1 && b.len == 1 && i < 4; i++)
		if (*a.at == pairs[i][0] && *b.at == pairs[i][1])
			return true;
	return false;
}

/* Is it a mask as the kernel writes those: groups of eight hexadecimal digits behind the first? */
static bool is_mask(struct word w)
{
	size_t digits = 0, groups = 0;

	for (size_t i = 0; i < w.len; i++) {
		if (w.at[i] == ',') {
			if ((groups++ && digits != 8) || !digits)
				return false;
			digits = 0;
		} else if (strchr("0123456789abcdefABCDEF", w.at[i])) {
			digits++;
		} else {
			return false;
		}
	}
	return groups ? digits == 8 : digits > 0;
}

/* The next digit that counts, 0 behind the last. */
static char mask_digit(struct word *w, bool *started)
{
	for (; w->len; w->at++, w->len--) {
		char c = *w->at;

		if (c == ',' || (c == '0' && !*started))
			continue;
		*started = true;
		w->at++;
		w->len--;
		return c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
	}
	return '\0';
}

static bool same_mask(struct word a, struct word b)
{
	bool a_started = false, b_started = false;
	char digit;

	if (!is_mask(a) || !is_mask(b))
		return false;
	do {
		digit = mask_digit(&a, &a_started);
		if (digit != mask_digit(&b, &b_started))
			return false;
	} while (digit);
	return true;
}

struct range {
	uint64_t first, last;
};

static int by_first(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static bool read_number(const char **at, const char *end, uint64_t *ret)
{
	const char *from = *at;

	*ret = 0;
	for (; *at < end && **at >= '0' && **at <= '9'; ++*at)
		*ret = *ret * 10 + (uint64_t)(**at - '0');
	return *at > from && *at - from < 19;
}

/* "2,0-1" becomes {0-2}. Returns how many ranges, 0 when it is no list. */
static unsigned read_list(struct word w, struct range *ranges)
{
	const char *at = w.at, *end = w.at + w.len;
	unsigned count = 0, merged = 0;

	do {
		struct range *r = &ranges[count];

		if (count++ == RANGES_MAX || !read_number(&at, end, &r->first))
			return 0;
		r->last = r->first;
		if (at < end && *at == '-' && (at++, !read_number(&at, end, &r->last)))
			return 0;
	} while (at < end && *at++ == ',');
	if (at != end || end[-1] == ',')
		return 0;
	qsort(ranges, count, sizeof(*ranges), by_first);
	for (unsigned i = 1; i < count; i++) {
		if (ranges[i].first > ranges[merged].last + 1)
			ranges[++merged] = ranges[i];
		else if (ranges[i].last > ranges[merged].last)
			ranges[merged].last = ranges[i].last;
	}
	return merged + 1;
}

static bool same_list(struct word a, struct word b)
{
	struct range x[RANGES_MAX], y[RANGES_MAX];
	unsigned count = a.len && b.len ? read_list(a, x) : 0;

	return count && count == read_list(b, y) && !memcmp(x, y, count * sizeof(*x));
}

bool kernel_value_same(const char *a, const char *b)
{
	struct word x, y;

	do {
		x = next_word(&a);
		y = next_word(&b);
		if (!same_letters(x, y) && !same_bool(x, y) && !same_mask(x, y) && !same_list(x, y))
			return false;
	} while (x.len);
	return true;
}

const char *kernel_path_name(const char *path, char *buf, size_t size)
{
	static const char sysctl[] = "/proc/sys/";
	bool is_sysctl = !strncmp(path, sysctl, strlen(sysctl));

	snprintf(buf, size, "%s", is_sysctl ? path + strlen(sysctl) : path);
	for (char *at = buf; is_sysctl && *at; at++)
		if (*at == '/')
			*at = '.';
		else if (*at == '.')
			*at = '/'; /* a VLAN's "eth0.1", as sysctl(8) writes it */
	return buf;
}
