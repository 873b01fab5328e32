/*
 * cgroup_v1.c - groups of version 1: cpu and cpuset in hierarchies of their own, cgroups(7).
 *
 * The kernel counts weights in one unit in both versions, shares of which 1024 are the default; to
 * it weight 100 of version 2 is that. So cpu-weight means the same here and there. What version 1
 * takes beyond its bounds (2 to 262144) it makes fit without a word, as cpu-shares shows.
 *
 * A root domain: the topmost cpuset stops balancing over all CPUs, the group's CPUs become
 * exclusive, and the rest get a cpuset without tasks, so that they are balanced among each other
 * as before (Documentation/admin-guide/cgroup-v1/cpusets.rst).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpus.h"
#include "system/kernel_file.h"
#include "tunables/cgroup_opts.h"

#define DEFAULT_SHARES 1024
#define DEFAULT_WEIGHT 100
#define BALANCE	       "cpuset.sched_load_balance"

static int admit(const struct cgroup_own *g, const char *controller, struct journal *j,
		 struct err *err)
{
	return 0;
}

static int write_shares(const struct cgroup_own *g, const struct cgroup_opts *o, struct err *err)
{
	int64_t shares = o->cpu_shares;

	if (o->cpu_weight)
		shares = (o->cpu_weight * DEFAULT_SHARES + DEFAULT_WEIGHT / 2) / DEFAULT_WEIGHT;
	return shares ? cgroup_set_number(g, o->cpu_weight ? "cpu-weight" : "cpu-shares",
					  "cpu.shares", shares, err)
		      : 0;
}

static int write_quota(const struct cgroup_own *g, const struct cgroup_opts *o, struct err *err)
{
	int rc;

	if (!o->quota_ns)
		return 0;
	rc = cgroup_set_number(g, "cpu-period", "cpu.cfs_period_us", o->period_ns / US, err);
	if (!rc)
		rc = cgroup_set_number(g, "cpu-quota", "cpu.cfs_quota_us", o->quota_ns / US, err);
	if (!rc && o->burst_ns)
		rc = cgroup_set_number(g, "cpu-burst", "cpu.cfs_burst_us", o->burst_ns / US, err);
	return rc;
}

static int write_realtime(const struct cgroup_own *g, const struct cgroup_opts *o, struct err *err)
{
	static const char file[] = "cpu.rt_runtime_us";
	int rc;

	if (!o->rt_runtime_ns)
		return 0;
	rc = cgroup_set_number(g, "rt-runtime", file, o->rt_runtime_ns / US, err);
	if (rc != -EINVAL)
		return rc;
	return err_set(err, rc,
		       "cgroup.rt-runtime refused: the group above (%s) has %lld us itself, and "
		       "all groups below it share them",
		       g->base, (long long)cgroup_get_number(g->base, file, 0));
}

static int write_cpu(const struct cgroup_own *g, const struct cgroup_opts *o, struct err *err)
{
	int rc = write_shares(g, o, err);

	if (!rc)
		rc = write_quota(g, o, err);
	return rc ? rc : write_realtime(g, o, err);
}

static void read_cpu(const struct cgroup_own *g, struct cgroup_opts *o)
{
	int64_t quota_us = cgroup_get_number(g->folder, "cpu.cfs_quota_us", -1);

	o->cpu_shares = cgroup_get_number(g->folder, "cpu.shares", 0);
	o->cpu_weight = (o->cpu_shares * DEFAULT_WEIGHT + DEFAULT_SHARES / 2) / DEFAULT_SHARES;
	o->rt_runtime_ns = cgroup_get_number(g->folder, "cpu.rt_runtime_us", 0) * 1000;
	if (quota_us < 0)
		return;
	o->quota_ns = quota_us * 1000;
	o->period_ns = cgroup_get_number(g->folder, "cpu.cfs_period_us", 0) * 1000;
	o->burst_ns = cgroup_get_number(g->folder, "cpu.cfs_burst_us", 0) * 1000;
}

static const char *rest_folder(const struct cgroup_own *g, char *buf, size_t size)
{
	snprintf(buf, size, "%s-rest", g->folder);
	return buf;
}

/* The CPUs of the topmost cpuset that are not the group's stay together. */
static int make_rest(const struct cgroup_own *g, const char *cpus, struct journal *j,
		     struct err *err)
{
	char folder[CGROUP_PATH + 8], all[256], rest[256], mems[256];
	cpu_set_t of_all, of_group, of_rest;
	int rc;

	cgroup_get(g->base, "cpuset.effective_cpus", all, sizeof(all));
	cgroup_get(g->base, "cpuset.effective_mems", mems, sizeof(mems));
	cpus_read(all, &of_all);
	cpus_read(cpus, &of_group);
	if (!cpus_minus(&of_all, &of_group, &of_rest) || cpus_write(&of_rest, rest, sizeof(rest)))
		return 0;
	rest_folder(g, folder, sizeof(folder));
	rc = access(folder, F_OK) ? journal_mkdir(j, folder, err) : 0;
	if (rc)
		return rc;
	rc = cgroup_put(folder, "cpuset.cpus", rest);
	if (rc == -EINVAL)
		return err_set(err, -EBUSY,
			       "cgroup.partition refused: another cpuset below %s has some of the "
			       "other CPUs (%s) for itself alone",
			       g->base, rest);
	if (!rc)
		rc = cgroup_put(folder, "cpuset.mems", mems);
	return rc ? err_sys(err, rc, "%s", folder) : 0;
}

static const char *balance_path(const struct cgroup_own *g, char *buf, size_t size)
{
	snprintf(buf, size, "%s/" BALANCE, g->mount);
	return buf;
}

static int end_balance(const struct cgroup_own *g, struct journal *j, struct err *err)
{
	char path[CGROUP_PATH + 32], effective[32];

	return journal_write(j, balance_path(g, path, sizeof(path)), "0", effective,
			     sizeof(effective), err);
}

static int part(const struct cgroup_own *g, const struct cgroup_opts *o, struct journal *j,
		struct err *err)
{
	int rc;

	if (strcmp(g->base, g->mount))
		return err_set(err, -EOPNOTSUPP,
			       "cgroup.partition needs a group right below the topmost (%s), not "
			       "below %s: cgroup.parent=/",
			       g->mount, g->base);
	rc = cgroup_put(g->folder, "cpuset.cpu_exclusive", "1");
	if (rc == -EINVAL)
		return err_set(err, -EBUSY,
			       "cgroup.partition refused: another cpuset below %s has some of cpus "
			       "%s, and they must be this one's alone",
			       g->base, o->cpus);
	if (rc)
		return cgroup_refuse(g, "partition", "cpuset.cpu_exclusive", rc, err);
	rc = make_rest(g, o->cpus, j, err);
	return rc ? rc : end_balance(g, j, err);
}

static bool is_part(const struct cgroup_own *g)
{
	return cgroup_get_number(g->folder, "cpuset.cpu_exclusive", 0) == 1 &&
	       cgroup_get_number(g->mount, BALANCE, 1) == 0;
}

/* Balancing may have been off before: then other root domains depend on that. */
static void unpart(const struct cgroup_own *g, struct journal *j)
{
	char folder[CGROUP_PATH + 8], path[CGROUP_PATH + 32];

	journal_restore_path(j, balance_path(g, path, sizeof(path)), NULL);
	rmdir(rest_folder(g, folder, sizeof(folder)));
}

const struct cgroup_version cgroup_v1 = {
	.number = 1,
	.effective_cpus = "cpuset.effective_cpus",
	.effective_mems = "cpuset.effective_mems",
	.throttled = "throttled_time",
	.throttled_unit_ns = 1,
	.admit = admit,
	.write_cpu = write_cpu,
	.read_cpu = read_cpu,
	.part = part,
	.is_part = is_part,
	.unpart = unpart,
};
