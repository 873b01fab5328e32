/*
 * knob_cpus.c - lists of CPUs: "0,2-5:2" checked and written in one way.
 *
 * Lists of other things that have numbers, as memory nodes, are told apart by their metavar.
 *
 * The order is kept, because a list hands out one CPU per thread: "3,1" is not "1,3". Two lists
 * of the same CPUs in the same order are the same text: "2-5:2" and "2,4" are kept as "2,4",
 * "0,1,2" as "0-2", which for ascending lists is how the kernel writes them (cpuset(7)).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/knob.h"

struct cpu_list {
	int count;
	uint16_t cpu[CPU_SETSIZE];
};

/* Reads a number at *text and moves behind it; -1 if there is none or it is no CPU. */
static int read_cpu(const char **text)
{
	size_t len = strspn(*text, "0123456789");
	long cpu = len && len < 9 ? strtol(*text, NULL, 10) : -1;

	*text += len;
	return cpu < CPU_SETSIZE ? (int)cpu : -1;
}

/* first, first-last or first-last:step at *text. */
static bool read_term(const char **text, struct cpu_list *list)
{
	int first = read_cpu(text), last = first, step = 1;

	if (first >= 0 && **text == '-') {
		++*text;
		last = read_cpu(text);
		if (**text == ':') {
			++*text;
			step = read_cpu(text);
		}
	}
	if (first < 0 || last < first || step < 1)
		return false;
	for (; first <= last; first += step) {
		if (list->count == CPU_SETSIZE)
			return false;
		list->cpu[list->count++] = (uint16_t)first;
	}
	return true;
}

static bool read_list(const char *text, struct cpu_list *list)
{
	list->count = 0;
	if (!*text)
		return true;
	while (read_term(&text, list)) {
		if (!*text)
			return true;
		if (*text++ != ',')
			return false;
	}
	return false;
}

/* Runs of neighbours become first-last. Returns the length it has or would have. */
static size_t write_list(const struct cpu_list *list, char *buf, size_t size)
{
	size_t len = 0;
	int i, end;

	*buf = '\0';
	for (i = 0; i < list->count && len < size; i = end) {
		for (end = i + 1; end < list->count; end++)
			if (list->cpu[end] != list->cpu[end - 1] + 1)
				break;
		len += snprintf(buf + len, size - len, "%s%d", i ? "," : "", list->cpu[i]);
		if (end - i > 1 && len < size)
			len += snprintf(buf + len, size - len, "-%d", list->cpu[end - 1]);
	}
	return len;
}

static int parse_cpus(const struct knob *k, const char *text, void *field, struct err *err)
{
	char canonical[CPU_SETSIZE * 5];
	const char *what = k->metavar ? k->metavar : "CPUs";
	struct cpu_list list;
	size_t len;

	if (!read_list(text, &list))
		return err_set(err, -EINVAL,
			       "\"%s\" is not a list of %s: try 0,2-5 or 0-6:2 (%s are 0 to %d)",
			       text, what, what, CPU_SETSIZE - 1);
	len = write_list(&list, canonical, sizeof(canonical));
	if (len >= k->size)
		return err_set(err, -EINVAL, "\"%s\" is too long: at most %zu bytes", text,
			       k->size - 1);
	memcpy(field, canonical, len + 1);
	return 0;
}

static void format_cpus(const struct knob *k, const void *field, char *buf, size_t size)
{
	snprintf(buf, size, "%s", (const char *)field);
}

const struct knob_type knob_cpus = { "CPUS", parse_cpus, format_cpus };
