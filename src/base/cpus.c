/*
 * cpus.c - see cpus.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/cpus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number at *text, which is moved behind it. What is too large becomes CPU_SETSIZE. */
static bool read_number(const char **text, unsigned *ret)
{
	size_t len = strspn(*text, "0123456789");
	unsigned long number = len ? strtoul(*text, NULL, 10) : 0;

	*ret = number < CPU_SETSIZE ? (unsigned)number : CPU_SETSIZE;
	*text += len;
	return len > 0;
}

static bool skip(const char **text, char sign)
{
	bool is_there = **text == sign;

	*text += is_there;
	return is_there;
}

static bool read_run(const char **text, struct cpu_order *ret)
{
	unsigned cpu, last, step = 1;

	if (!read_number(text, &cpu))
		return false;
	last = cpu;
	if (skip(text, '-') && (!read_number(text, &last) ||
				(skip(text, ':') && (!read_number(text, &step) || !step))))
		return false;
	if (cpu > last || step == CPU_SETSIZE)
		return false;
	for (; cpu <= last && cpu < CPU_SETSIZE; cpu += step) {
		if (ret->count == CPU_SETSIZE)
			return false;
		ret->cpus[ret->count++] = (unsigned short)cpu;
	}
	return last < CPU_SETSIZE;
}

bool cpu_order_read(const char *text, struct cpu_order *ret)
{
	ret->count = 0;
	if (!*text)
		return true;
	while (read_run(&text, ret)) {
		if (!*text)
			return true;
		if (!skip(&text, ','))
			return false;
	}
	return false;
}

bool cpus_read(const char *text, cpu_set_t *ret)
{
	struct cpu_order order;
	bool is_whole = cpu_order_read(text, &order);

	CPU_ZERO(ret);
	for (unsigned i = 0; i < order.count; i++)
		CPU_SET(order.cpus[i], ret);
	return is_whole;
}

int cpu_order_write(const struct cpu_order *order, char *buf, size_t size)
{
	unsigned i, end;
	size_t len = 0;

	*buf = '\0';
	for (i = 0; i < order->count && len < size; i = end) {
		for (end = i + 1; end < order->count; end++)
			if (order->cpus[end] != order->cpus[end - 1] + 1)
				break;
		len += snprintf(buf + len, size - len, "%s%u", i ? "," : "", order->cpus[i]);
		if (end - i > 1 && len < size)
			len += snprintf(buf + len, size - len, "-%u", order->cpus[end - 1]);
	}
	return len < size ? 0 : -E2BIG;
}

int cpus_write(const cpu_set_t *cpus, char *buf, size_t size)
{
	struct cpu_order order = { 0 };

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, cpus))
			order.cpus[order.count++] = (unsigned short)cpu;
	return cpu_order_write(&order, buf, size);
}

int cpus_minus(const cpu_set_t *a, const cpu_set_t *b, cpu_set_t *ret)
{
	cpu_set_t rest;

	CPU_XOR(&rest, a, b);
	CPU_AND(ret, &rest, a);
	return CPU_COUNT(ret);
}
