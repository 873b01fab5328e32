/*
 * nodes.h - the memory nodes of the machine (NUMA): which there are, which CPU is where, how far.
 *
 * Read from /sys/devices/system/node; nothing is kept.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_NODES_H
#define RW_SYSTEM_NODES_H

#include <stdbool.h>
#include <stddef.h>

#define NODES_MAX 1024 /* as many as any kernel is built for */
#define NODE_WORD 64

struct node_set {
	unsigned long bits[NODES_MAX / NODE_WORD];
};

static inline void node_set_add(struct node_set *s, unsigned node)
{
	s->bits[node / NODE_WORD] |= 1UL << node % NODE_WORD;
}

static inline bool node_set_has(const struct node_set *s, unsigned node)
{
	return node < NODES_MAX && s->bits[node / NODE_WORD] >> node % NODE_WORD & 1;
}

unsigned node_set_count(const struct node_set *s);
/* The first one from `from` on; NODES_MAX: none. */
unsigned node_set_next(const struct node_set *s, unsigned from);
/* What is in a and not in b. */
struct node_set node_set_minus(const struct node_set *a, const struct node_set *b);

/* Lists as the kernel writes them and knob_cpus keeps them: "0,2-5". */
void node_set_parse(const char *text, struct node_set *ret);
/* Ascending, runs as first-last. Returns buf. */
char *node_set_format(const struct node_set *s, char *buf, size_t size);

/* Nodes that have memory. False: this kernel knows no nodes. */
bool nodes_with_memory(struct node_set *ret);

/* Of the CPU the caller is on; and whether it can leave that node: its CPUs lie on several. */
unsigned nodes_here(void);
bool nodes_can_leave(unsigned node);

/* As the firmware says, 10: the same node; 0: unknown. */
unsigned nodes_distance(unsigned from, unsigned to);

/* Pages in a row that weighted-interleave puts there. 0: the kernel has no weights. */
unsigned nodes_weight(unsigned node);

#endif
