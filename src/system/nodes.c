/*
 * nodes.c - see nodes.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/nodes.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cpus.h"
#include "system/kernel_file.h"

#define FOLDER	"/sys/devices/system/node"
#define WEIGHTS "/sys/kernel/mm/mempolicy/weighted_interleave"

_Static_assert(NODES_MAX == CPU_SETSIZE, "a list of nodes is read as one of CPUs");

unsigned node_set_count(const struct node_set *s)
{
	unsigned count = 0;

	for (size_t i = 0; i < sizeof(s->bits) / sizeof(*s->bits); i++)
		count += (unsigned)__builtin_popcountl(s->bits[i]);
	return count;
}

unsigned node_set_next(const struct node_set *s, unsigned from)
{
	while (from < NODES_MAX && !node_set_has(s, from))
		from++;
	return from;
}

struct node_set node_set_minus(const struct node_set *a, const struct node_set *b)
{
	struct node_set out;

	for (size_t i = 0; i < sizeof(a->bits) / sizeof(*a->bits); i++)
		out.bits[i] = a->bits[i] & ~b->bits[i];
	return out;
}

void node_set_parse(const char *text, struct node_set *ret)
{
	struct cpu_order order;

	*ret = (struct node_set){ 0 };
	cpu_order_read(text, &order);
	for (unsigned i = 0; i < order.count; i++)
		node_set_add(ret, order.cpus[i]);
}

char *node_set_format(const struct node_set *s, char *buf, size_t size)
{
	struct cpu_order order = { 0 };

	for (unsigned node = 0; (node = node_set_next(s, node)) < NODES_MAX; node++)
		order.cpus[order.count++] = (unsigned short)node;
	cpu_order_write(&order, buf, size);
	return buf;
}

bool nodes_with_memory(struct node_set *ret)
{
	char text[512];

	if (!kernel_file_read(FOLDER "/has_memory", text, sizeof(text)))
		return false;
	node_set_parse(text, ret);
	return true;
}

unsigned nodes_here(void)
{
	unsigned cpu, node = 0;

	getcpu(&cpu, &node);
	return node;
}

bool nodes_can_leave(unsigned node)
{
	char path[80], text[1024];
	struct node_set here; /* of CPUs: lists are written alike, and there are as many at most */
	cpu_set_t mask;

	_Static_assert(CPU_SETSIZE == NODES_MAX, "a set of nodes holds CPUs, too");
	snprintf(path, sizeof(path), FOLDER "/node%u/cpulist", node);
	kernel_file_read(path, text, sizeof(text));
	node_set_parse(text, &here);
	CPU_ZERO(&mask);
	sched_getaffinity(0, sizeof(mask), &mask);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &mask) && !node_set_has(&here, cpu))
			return true;
	return false;
}

/* One number for each node that is online, in their order. */
unsigned nodes_distance(unsigned from, unsigned to)
{
	char path[80], text[4096], *at = text;
	struct node_set online;
	unsigned long distance = 0;

	kernel_file_read(FOLDER "/online", text, sizeof(text));
	node_set_parse(text, &online);
	snprintf(path, sizeof(path), FOLDER "/node%u/distance", from);
	if (!kernel_file_read(path, text, sizeof(text)) || !node_set_has(&online, to))
		return 0;
	for (unsigned node = node_set_next(&online, 0); node <= to;
	     node = node_set_next(&online, node + 1))
		distance = strtoul(at, &at, 10);
	return (unsigned)distance;
}

unsigned nodes_weight(unsigned node)
{
	char path[96];

	snprintf(path, sizeof(path), WEIGHTS "/node%u", node);
	return (unsigned)kernel_file_number(path, 0);
}
