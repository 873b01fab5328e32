/*
 * cgroup_v2.c - groups of version 2: one hierarchy, controllers handed down group by group.
 *
 * A group's files are there when the group above has the controller in its cgroup.subtree_control,
 * and that does not go together with processes in it: only leaves hold processes, the topmost group
 * excepted (Documentation/admin-guide/cgroup-v2.rst, "No Internal Process Constraint").
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "system/kernel_file.h"
#include "tunables/cgroup_opts.h"

/* The topmost group of all may have them, and is the one without a type. */
static bool has_internal_processes(const struct cgroup_own *g)
{
	char text[64];

	return cgroup_get(g->base, "cgroup.type", text, sizeof(text)) &&
	       cgroup_get(g->base, "cgroup.procs", text, sizeof(text));
}

static int refuse_processes(const struct cgroup_own *g, const char *controller, struct err *err)
{
	return err_set(err, -EBUSY,
		       "%s has processes of its own, so it cannot hand the controller %s on to "
		       "groups of processes below it (cgroups(7)). Name another group by "
		       "cgroup.parent (\"/\" is the topmost), or start in one that was "
		       "delegated: systemd-run --scope -p Delegate=yes",
		       g->base, controller);
}

/* -EBUSY is the journal's: of a controller that another ringwalk will switch off again. */
static int refuse_controller(const struct cgroup_own *g, const char *controller, int code,
			     struct err *err)
{
	if (code == -EACCES || code == -EPERM || code == -EROFS)
		return err_set(err, code,
			       "%s does not hand the controller %s on, and may not be changed: "
			       "needs root, or a delegated group (systemd-run --user --scope -p "
			       "Delegate=yes)",
			       g->base, controller);
	return err_wrap(err, "controller %s", controller);
}

/*
 * Processes are looked for here, because the kernel takes cpu and cpuset all the same: they can be
 * handed on to groups of single threads, and a group made then takes no process (EOPNOTSUPP).
 * A controller that is on is asked for as well: if another ringwalk switched it on, it goes off
 * when that one ends, and this group's knobs with it.
 */
static int admit(const struct cgroup_own *g, const char *controller, struct journal *j,
		 struct err *err)
{
	char path[CGROUP_PATH + 32], change[32], effective[256];
	int rc;

	if (!cgroup_file_has(g->base, "cgroup.controllers", controller))
		return err_set(err, -EOPNOTSUPP,
			       "%s has no controller %s: a group above it does not hand it on "
			       "(cgroup.subtree_control); name another by cgroup.parent",
			       g->base, controller);
	if (has_internal_processes(g))
		return refuse_processes(g, controller, err);
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", g->base);
	snprintf(change, sizeof(change), "+%s", controller);
	rc = journal_write(j, path, change, effective, sizeof(effective), err);
	return rc ? refuse_controller(g, controller, rc, err) : 0;
}

static int write_quota(const struct cgroup_own *g, const struct cgroup_opts *o, struct err *err)
{
	char text[64];
	int rc;

	if (!o->quota_ns)
		return 0;
	snprintf(text, sizeof(text), "%lld %lld", (long long)(o->quota_ns / US),
		 (long long)(o->period_ns / US));
	rc = cgroup_set(g, "cpu-quota", "cpu.max", text, err);
	if (!rc && o->burst_ns)
		rc = cgroup_set_number(g, "cpu-burst", "cpu.max.burst", o->burst_ns / US, err);
	return rc;
}

static int write_cpu(const struct cgroup_own *g, const struct cgroup_opts *o, struct err *err)
{
	int rc = 0;

	if (o->cpu_shares)
		return err_set(err, -EOPNOTSUPP,
			       "cgroup.cpu-shares is of version 1, and here the controller cpu is "
			       "version 2's: use cgroup.cpu-weight");
	if (o->rt_runtime_ns)
		return err_set(err, -EOPNOTSUPP,
			       "cgroup.rt-runtime is of version 1, and here the controller cpu is "
			       "version 2's, which does not limit real-time threads by group");
	if (o->cpu_weight)
		rc = cgroup_set_number(g, "cpu-weight", "cpu.weight", o->cpu_weight, err);
	return rc ? rc : write_quota(g, o, err);
}

static void read_cpu(const struct cgroup_own *g, struct cgroup_opts *o)
{
	long long quota_us, period_us;
	char text[64];

	o->cpu_weight = cgroup_get_number(g->folder, "cpu.weight", 0);
	if (!cgroup_get(g->folder, "cpu.max", text, sizeof(text)) ||
	    sscanf(text, "%lld %lld", &quota_us, &period_us) != 2)
		return; /* "max 100000" */
	o->quota_ns = quota_us * 1000;
	o->period_ns = period_us * 1000;
	o->burst_ns = cgroup_get_number(g->folder, "cpu.max.burst", 0) * 1000;
}

/* The kernel takes the word and says afterwards that it is invalid, and why. */
static int part(const struct cgroup_own *g, const struct cgroup_opts *o, struct journal *j,
		struct err *err)
{
	char text[256];
	int rc = cgroup_set(g, "partition", "cpuset.cpus.partition", "root", err);

	if (rc)
		return rc;
	cgroup_get(g->folder, "cpuset.cpus.partition", text, sizeof(text));
	if (!strcmp(text, "root"))
		return 0;
	return err_set(err, -EOPNOTSUPP, "cgroup.partition refused for cpus %s: %s", o->cpus, text);
}

static bool is_part(const struct cgroup_own *g)
{
	char text[256];

	return cgroup_get(g->folder, "cpuset.cpus.partition", text, sizeof(text)) &&
	       !strcmp(text, "root");
}

const struct cgroup_version cgroup_v2 = {
	.number = 2,
	.effective_cpus = "cpuset.cpus.effective",
	.effective_mems = "cpuset.mems.effective",
	.throttled = "throttled_usec",
	.throttled_unit_ns = 1000,
	.admit = admit,
	.write_cpu = write_cpu,
	.read_cpu = read_cpu,
	.part = part,
	.is_part = is_part,
};
