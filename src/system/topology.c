/*
 * topology.c - see topology.h. Names are read in topology_name.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/topology.h"

#include <assert.h>
#include <errno.h>
#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

const char *const topology_kind_names[] = { "package", "node", "l3", "l2", "core", "pu", NULL };

static const hwloc_obj_type_t types[TOPOLOGY_KINDS] = {
	[TOPOLOGY_PACKAGE] = HWLOC_OBJ_PACKAGE, [TOPOLOGY_NODE] = HWLOC_OBJ_NUMANODE,
	[TOPOLOGY_L3] = HWLOC_OBJ_L3CACHE,	[TOPOLOGY_L2] = HWLOC_OBJ_L2CACHE,
	[TOPOLOGY_CORE] = HWLOC_OBJ_CORE,	[TOPOLOGY_PU] = HWLOC_OBJ_PU,
};

struct topology {
	hwloc_topology_t hwloc;
};

static int load(hwloc_topology_t hwloc, const struct topology_source *from, struct err *err)
{
	if (!from->only_allowed &&
	    hwloc_topology_set_flags(hwloc, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED))
		return err_sys(err, -errno, "the topology of this machine");
	if (from->synthetic && hwloc_topology_set_synthetic(hwloc, from->synthetic))
		return err_set(err, -EINVAL, "\"%s\" is no topology in hwloc's words",
			       from->synthetic);
	if (from->xml && hwloc_topology_set_xml(hwloc, from->xml))
		return err_set(err, -EINVAL, "%s: no topology that hwloc can read", from->xml);
	if (hwloc_topology_load(hwloc))
		return err_sys(err, errno ? -errno : -EIO, "the topology of this machine");
	return 0;
}

int topology_open(struct topology **ret, const struct topology_source *from, struct err *err)
{
	static const struct topology_source here = { 0 };
	struct topology *t = calloc(1, sizeof(*t));
	int rc;

	if (!t || hwloc_topology_init(&t->hwloc)) {
		free(t);
		return err_sys(err, -ENOMEM, "the topology of this machine");
	}
	rc = load(t->hwloc, from ? from : &here, err);
	if (rc < 0)
		topology_close(t);
	else
		*ret = t;
	return rc;
}

void topology_close(struct topology *t)
{
	if (!t)
		return;
	hwloc_topology_destroy(t->hwloc);
	free(t);
}

bool topology_is_real(const struct topology *t)
{
	return hwloc_topology_is_thissystem(t->hwloc);
}

unsigned topology_count(const struct topology *t, enum topology_kind kind)
{
	int count = hwloc_get_nbobjs_by_type(t->hwloc, types[kind]);

	return count > 0 ? (unsigned)count : 0;
}

static void copy_cpus(hwloc_const_bitmap_t from, cpu_set_t *ret)
{
	int cpu;

	CPU_ZERO(ret);
	for (cpu = hwloc_bitmap_first(from); cpu >= 0 && cpu < CPU_SETSIZE;
	     cpu = hwloc_bitmap_next(from, cpu))
		CPU_SET(cpu, ret);
}

static uint64_t bytes_of(hwloc_obj_t obj)
{
	if (obj->type == HWLOC_OBJ_NUMANODE)
		return obj->attr->numanode.local_memory;
	return hwloc_obj_type_is_cache(obj->type) ? obj->attr->cache.size : 0;
}

bool topology_object(const struct topology *t, enum topology_kind kind, unsigned logical,
		     struct topology_object *ret)
{
	hwloc_obj_t obj = hwloc_get_obj_by_type(t->hwloc, types[kind], logical);

	if (!obj)
		return false;
	ret->logical = logical;
	ret->os = obj->os_index == HWLOC_UNKNOWN_INDEX ? -1 : (int)obj->os_index;
	ret->bytes = bytes_of(obj);
	copy_cpus(obj->cpuset, &ret->cpus);
	return true;
}

int topology_of_cpu(const struct topology *t, enum topology_kind kind, unsigned cpu)
{
	hwloc_obj_t obj = NULL;

	while ((obj = hwloc_get_next_obj_by_type(t->hwloc, types[kind], obj)))
		if (hwloc_bitmap_isset(obj->cpuset, cpu))
			return (int)obj->logical_index;
	return -1;
}

/* Sizes are said once, so of caches that differ (hybrid CPUs) only how many there are. */
static bool have_one_size(const struct topology *t, enum topology_kind kind, uint64_t *ret)
{
	struct topology_object o;

	*ret = topology_object(t, kind, 0, &o) ? o.bytes : 0;
	for (unsigned i = 1; topology_object(t, kind, i, &o); i++)
		if (o.bytes != *ret)
			return false;
	return *ret != 0;
}

const char *topology_summary(const struct topology *t, char *buf, size_t size)
{
	static const char *const words[TOPOLOGY_KINDS] = { "package",  "node", "L3 cache",
							   "L2 cache", "core", "CPU" };
	static const enum topology_kind order[] = { TOPOLOGY_PACKAGE, TOPOLOGY_NODE, TOPOLOGY_CORE,
						    TOPOLOGY_PU,      TOPOLOGY_L3,   TOPOLOGY_L2 };
	char bytes_text[32];
	size_t len = 0;

	*buf = '\0';
	for (unsigned i = 0; i < TOPOLOGY_KINDS && len < size; i++) {
		unsigned count = topology_count(t, order[i]);
		uint64_t bytes;

		len += snprintf(buf + len, size - len, "%s%u %s%s", len ? ", " : "", count,
				words[order[i]], count == 1 ? "" : "s");
		if ((order[i] == TOPOLOGY_L3 || order[i] == TOPOLOGY_L2) && len < size &&
		    have_one_size(t, order[i], &bytes))
			len += snprintf(buf + len, size - len, " of %s",
					units_format(UNIT_SIZE, (int64_t)bytes, bytes_text,
						     sizeof(bytes_text)));
	}
	return buf;
}
