/*
 * numa_opts.h - the tunable "numa": what its files share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TUNABLES_NUMA_OPTS_H
#define RW_TUNABLES_NUMA_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "system/nodes.h"
#include "tunables/tunable.h"

enum numa_choice {
	NUMA_DEFAULT,
	NUMA_LOCAL,
	NUMA_BIND,
	NUMA_PREFERRED,
	NUMA_PREFERRED_MANY,
	NUMA_INTERLEAVE,
	NUMA_WEIGHTED_INTERLEAVE,
};

struct numa_opts {
	int policy; /* enum numa_choice */
	char nodes[128];
	int64_t home_node; /* -1: none */
	bool balancing, migrate;
};

/* By enum numa_choice. */
extern const struct numa_policy {
	int mode;	  /* of the kernel */
	bool takes_nodes; /* needs them; else takes none */
	bool takes_home;
	const char *needs; /* the kernel that knows it */
} numa_policies[];

/* The tunable's settle(); opts as the user gave them. */
int numa_settle(const struct target *t, const void *opts, const struct memory_range *ranges,
		unsigned count, bool at_end, struct verdict_report *report, struct err *err);

/* The tunable's read_back(). */
int numa_read_back(const struct target *t, void *opts, struct err *err);

/* Nodes exist, have memory, and this process may use them; else says which do not. */
int numa_check_nodes(const struct node_set *nodes, struct err *err);

#endif
