/*
 * proc_text.c - see proc_text.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "observe/proc_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define ALL_MAX (16u << 20) /* /proc/softirqs of 4096 CPUs is half a megabyte */

/* The kernel hands over a page or so at a time. */
static size_t fill(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = read(fd, buf + len, size - len)) != 0) {
		if (n < 0 && errno != EINTR)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	return len;
}

bool proc_text_read(const char *path, char *buf, size_t size)
{
	AUTO(auto_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = fd < 0 ? 0 : fill(fd, buf, size - 1);

	buf[len] = '\0';
	return len > 0;
}

char *proc_text_all(const char *path)
{
	AUTO(auto_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t size = 8192, len = 0, more;
	char *buf = NULL, *bigger;

	for (; fd >= 0 && size <= ALL_MAX; size *= 2) {
		bigger = realloc(buf, size);
		if (!bigger)
			break;
		buf = bigger;
		more = fill(fd, buf + len, size - 1 - len);
		len += more;
		if (len < size - 1)
			break;
	}
	if (buf)
		buf[len] = '\0';
	if (len)
		return buf;
	free(buf);
	return NULL;
}

bool proc_text_count(const char **text, int base, int64_t *ret)
{
	const char *at = *text + strspn(*text, " \t");
	const char *digits = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";
	char *end;
	int64_t number;

	if (!*at || !strchr(digits, *at))
		return false;
	errno = 0;
	number = strtoll(at, &end, base);
	if (errno || (*end && !strchr(" \t\n", *end)))
		return false;
	*text = end;
	*ret = number;
	return true;
}

bool proc_text_skip(const char **text, unsigned words)
{
	while (words--) {
		*text += strspn(*text, " \t");
		if (!**text || **text == '\n')
			return false;
		*text += strcspn(*text, " \t\n");
	}
	return true;
}

const char *proc_text_next_line(const char *text)
{
	const char *end = strchr(text, '\n');

	return end && end[1] ? end + 1 : NULL;
}

const char *proc_text_find(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text && strncmp(text, key, len))
		text = proc_text_next_line(text);
	return text ? text + len + strspn(text + len, " \t:") : NULL;
}
