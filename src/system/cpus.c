/*
 * cpus.c - see cpus.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/cpus.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/kernel_file.h"

void cpu_order_read(const char *text, struct cpu_order *ret)
{
	ret->count = 0;
	while (*text >= '0' && *text <= '9') {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (; first <= last && first < CPU_SETSIZE && ret->count < CPU_SETSIZE; first++)
			ret->cpus[ret->count++] = (unsigned short)first;
		text = end + (*end == ',');
	}
}

void cpus_read(const char *text, cpu_set_t *ret)
{
	struct cpu_order order;

	cpu_order_read(text, &order);
	CPU_ZERO(ret);
	for (unsigned i = 0; i < order.count; i++)
		CPU_SET(order.cpus[i], ret);
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

void cpus_online(cpu_set_t *ret)
{
	char text[1024];

	kernel_file_read("/sys/devices/system/cpu/online", text, sizeof(text));
	cpus_read(text, ret);
}

static void *ask_for_all(void *ret)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);
	sched_getaffinity(0, sizeof(cpu_set_t), ret);
	return NULL;
}

void cpus_allowed(cpu_set_t *ret)
{
	pthread_t thread;

	CPU_ZERO(ret);
	if (pthread_create(&thread, NULL, ask_for_all, ret) == 0)
		pthread_join(thread, NULL);
	else
		sched_getaffinity(0, sizeof(*ret), ret);
}
