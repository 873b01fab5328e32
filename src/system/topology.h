/*
 * topology.h - how this machine's CPUs lie together: packages, caches, cores, NUMA nodes (hwloc).
 *
 * Objects have names that people and files use:
 *
 *	package:0  node:1  pu:3		by the kernel's numbers (pu: one CPU)
 *	core:2  l3:1  l2:0		counted over the whole machine, for the kernel's numbers of
 *					cores begin anew in every package, and caches may have none
 *	chip:0  core:0:2  strand:0:2:5  as in TSLoad: package, core and CPU by the kernel's numbers
 *	cache:l3:1			as in TSLoad: the same as l3:1
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_TOPOLOGY_H
#define RW_SYSTEM_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cpus.h"
#include "base/err.h"

enum topology_kind {
	TOPOLOGY_PACKAGE,
	TOPOLOGY_NODE,
	TOPOLOGY_L3,
	TOPOLOGY_L2,
	TOPOLOGY_CORE,
	TOPOLOGY_PU,
	TOPOLOGY_KINDS
};
extern const char *const topology_kind_names[]; /* "package" ...; ends with NULL */

struct topology_object {
	unsigned logical; /* 0 ... count - 1, in the order in which they lie together */
	int os;		  /* the kernel's number; -1: it has none */
	uint64_t bytes;	  /* of a cache, or of a node's memory; else 0 */
	cpu_set_t cpus;
};

/* Where it comes from when not from this machine (tests). Zero: this machine. */
struct topology_source {
	const char *synthetic; /* hwloc's words: "pack:2 l3:1 core:4 pu:2" */
	const char *xml;       /* a file that `lstopo FILE.xml` wrote */
	bool only_allowed;     /* leave out what the cpuset of this process does not allow */
};

struct topology;
/* from: NULL is zero. It takes some milliseconds and some memory; not for the data path. */
int topology_open(struct topology **ret, const struct topology_source *from, struct err *err);
void topology_close(struct topology *t); /* NULL is fine */

/* False when the environment (HWLOC_XMLFILE, HWLOC_SYNTHETIC) describes another machine. */
bool topology_is_real(const struct topology *t);

unsigned topology_count(const struct topology *t, enum topology_kind kind);
/* Number `logical` of a kind. False: there is none. */
bool topology_object(const struct topology *t, enum topology_kind kind, unsigned logical,
		     struct topology_object *ret);
/* The logical number of the object of this kind that the CPU is part of; -1: of none. */
int topology_of_cpu(const struct topology *t, enum topology_kind kind, unsigned cpu);

/* A name, taken apart. */
struct topology_name {
	enum topology_kind kind;
	unsigned count; /* of numbers: 2 and 3 with core:0:2 and strand:0:2:5 */
	unsigned numbers[3];
};
/* -EINVAL: it is no name on any machine. */
int topology_parse(const char *text, struct topology_name *ret, struct err *err);
/* The CPUs of what has this name. -ENODEV: there is no such thing here, with what there is. */
int topology_find(const struct topology *t, const struct topology_name *name, cpu_set_t *ret,
		  struct err *err);

/* "2 packages, 2 nodes, 8 cores, 16 CPUs, 2 L3 caches of 32 MiB"; buf. */
const char *topology_summary(const struct topology *t, char *buf, size_t size);

#endif
