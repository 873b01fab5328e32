/*
 * cgroup.c - the tunable "cgroup": a group of this process's own, with what the knobs ask for.
 *
 * The group is called ringwalk-PID and lies below the one the process is in, or below
 * cgroup.parent. The whole process is in it, threads to come included, and so are CPUs and shares
 * of the CPU that the kernel gives out by group: threads in the topmost group compete with the
 * group as a whole. Made through the journal, it goes away with the process, however that ends.
 *
 * A knob that is not asked for is not written; so the kernel's defaults for a new group hold, and
 * one of them is treacherous: where the kernel has real-time budgets by group (version 1,
 * CONFIG_RT_GROUP_SCHED) a new group's is 0, and it takes no FIFO or RR thread. rt-runtime gives it
 * one; SCHED_DEADLINE is exempt.
 *
 * read_back() says what the process's own group has, and nothing while there is none. apply() of
 * nothing leaves the group. What version 1 and 2 do differently is in cgroup_v1.c and cgroup_v2.c;
 * both can be there at once, one for cpu and one for cpuset.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpus.h"
#include "base/units.h"
#include "system/kernel_file.h"
#include "system/kernel_value.h"
#include "tunables/cgroup_opts.h"
#include "tunables/tunable.h"

#define DEFAULT_PERIOD_NS 100000000

const struct tunable tunable_cgroup;

static const char *const partition_names[] = { "no", "root", NULL };

static const struct knob knobs[] = {
	{ .name = "parent",
	  .type = &knob_text,
	  KNOB_FIELD(struct cgroup_opts, parent, char[128]),
	  .def = "",
	  .metavar = "GROUP",
	  .help = "group below which to make one, like /lab; none: the one it is started in",
	  .read_back = "/proc/PID/cgroup" },
	{ .name = "cpu-weight",
	  .type = &knob_int,
	  KNOB_FIELD(struct cgroup_opts, cpu_weight, int64_t),
	  .max = 10000,
	  .def = "0",
	  .help = "share of the CPU beside other groups, 100 is theirs; 0: as it is",
	  .read_back = "cpu.weight, cpu.shares" },
	{ .name = "cpu-shares",
	  .type = &knob_int,
	  KNOB_FIELD(struct cgroup_opts, cpu_shares, int64_t),
	  .max = 1000000,
	  .def = "0",
	  .help = "the same as version 1 counts it, 1024 is others'; 0: as it is",
	  .read_back = "cpu.shares" },
	{ .name = "cpu-quota",
	  .type = &knob_time,
	  KNOB_FIELD(struct cgroup_opts, quota_ns, int64_t),
	  .max = INT64_MAX,
	  .def = "0ns",
	  .help = "CPU time of all threads together in each cpu-period; 0: no bound",
	  .read_back = "cpu.max, cpu.cfs_quota_us" },
	{ .name = "cpu-period",
	  .type = &knob_time,
	  KNOB_FIELD(struct cgroup_opts, period_ns, int64_t),
	  .max = 1000 * MS,
	  .def = "0ns",
	  .help = "how often the quota is given; 0: 100ms",
	  .read_back = "cpu.max, cpu.cfs_period_us" },
	{ .name = "cpu-burst",
	  .type = &knob_time,
	  KNOB_FIELD(struct cgroup_opts, burst_ns, int64_t),
	  .max = INT64_MAX,
	  .def = "0ns",
	  .help = "how much quota not used may be saved up (Linux 5.14)",
	  .read_back = "cpu.max.burst, cpu.cfs_burst_us" },
	{ .name = "cpu-idle",
	  .type = &knob_bool,
	  KNOB_FIELD(struct cgroup_opts, is_idle, bool),
	  .def = "no",
	  .help = "run only when no other group wants to (Linux 5.15)",
	  .read_back = "cpu.idle" },
	{ .name = "rt-runtime",
	  .type = &knob_time,
	  KNOB_FIELD(struct cgroup_opts, rt_runtime_ns, int64_t),
	  .max = 1000 * MS,
	  .def = "0ns",
	  .help = "of fifo and rr threads together each second, where groups have such a budget",
	  .read_back = "cpu.rt_runtime_us" },
	{ .name = "cpus",
	  .type = &knob_cpus,
	  KNOB_FIELD(struct cgroup_opts, cpus, char[128]),
	  .def = "",
	  .help = "the only CPUs its threads can be put on, whatever pin says",
	  .read_back = "cpuset.cpus.effective, cpuset.effective_cpus" },
	{ .name = "mems",
	  .type = &knob_cpus,
	  KNOB_FIELD(struct cgroup_opts, mems, char[64]),
	  .def = "",
	  .metavar = "NODES",
	  .help = "the only memory nodes its memory can come from",
	  .read_back = "cpuset.mems.effective, cpuset.effective_mems" },
	{ .name = "partition",
	  .type = &knob_enum,
	  KNOB_FIELD(struct cgroup_opts, partition, int),
	  .choices = partition_names,
	  .def = "no",
	  .help = "root: make cpus a root domain, as pinned threads of policy deadline need; "
		  "changes how the whole machine is balanced",
	  .read_back = "cpuset.cpus.partition, cpuset.sched_load_balance" },
	{ 0 },
};

/* Those that need a controller. */
static const char *const cpu_knobs[] = { "cpu-weight", "cpu-shares", "cpu-quota",
					 "cpu-idle",   "rt-runtime", NULL };
static const char *const cpuset_knobs[] = { "cpus", "mems", "partition", NULL };

/* The first of these that is asked for; NULL: none. */
static const char *first_of(const char *const *names, const struct cgroup_opts *o)
{
	static const struct cgroup_opts nothing;

	while (*names && knob_equal(knob_find(&tunable_cgroup.group, *names), o, &nothing))
		names++;
	return *names;
}

static bool wants_cpu(const struct cgroup_opts *o)
{
	return first_of(cpu_knobs, o) != NULL;
}

static bool wants_cpuset(const struct cgroup_opts *o)
{
	return first_of(cpuset_knobs, o) != NULL;
}

static bool is_default(const void *opts)
{
	const struct cgroup_opts *o = opts;

	return !wants_cpu(o) && !wants_cpuset(o) && !o->period_ns && !o->burst_ns && !*o->parent;
}

static bool needs_journal(const void *opts)
{
	return true;
}

static int check_quota(const struct cgroup_opts *o, struct err *err)
{
	int64_t period_ns = o->period_ns ? o->period_ns : DEFAULT_PERIOD_NS;

	if (!o->quota_ns && (o->period_ns || o->burst_ns))
		return err_set(err, -EINVAL, "cgroup.%s means nothing without cgroup.cpu-quota",
			       o->period_ns ? "cpu-period" : "cpu-burst");
	if (o->quota_ns && (o->quota_ns < MS || period_ns < MS))
		return err_set(err, -EINVAL, "cgroup.%s is 1ms at least",
			       o->quota_ns < MS ? "cpu-quota" : "cpu-period");
	if (o->burst_ns > o->quota_ns)
		return err_set(err, -EINVAL, "cgroup.cpu-burst is more than cgroup.cpu-quota");
	return 0;
}

static int check(const void *opts, struct err *err)
{
	const struct cgroup_opts *o = opts;

	if (*o->parent && (*o->parent != '/' || strstr(o->parent, "/..")))
		return err_set(err, -EINVAL,
			       "cgroup.parent is the path of a group from the topmost: /lab, or /");
	if (*o->parent && !wants_cpu(o) && !wants_cpuset(o))
		return err_set(err, -EINVAL, "cgroup.parent alone asks for nothing in a group");
	if (o->cpu_weight && o->cpu_shares)
		return err_set(err, -EINVAL,
			       "cgroup.cpu-weight and cgroup.cpu-shares are two words for one "
			       "thing: give one");
	if (o->is_idle && (o->cpu_weight || o->cpu_shares))
		return err_set(err, -EINVAL, "an idle group has no weight: cgroup.cpu-idle alone");
	if (o->partition && !*o->cpus)
		return err_set(err, -EINVAL,
			       "cgroup.partition needs the CPUs it is to consist of: cgroup.cpus");
	return check_quota(o, err);
}

/* The kernel writes sets in ascending order. */
static int sort(char *list, size_t size, const char *knob, struct err *err)
{
	cpu_set_t set;

	cpus_read(list, &set);
	return cpus_write(&set, list, size) ? err_set(err, -E2BIG, "cgroup.%s is too long", knob)
					    : 0;
}

static int resolve(const struct target *t, void *opts, struct err *err)
{
	struct cgroup_opts *o = opts;
	int rc = sort(o->cpus, sizeof(o->cpus), "cpus", err);

	if (o->quota_ns && !o->period_ns)
		o->period_ns = DEFAULT_PERIOD_NS;
	return rc ? rc : sort(o->mems, sizeof(o->mems), "mems", err);
}

/* A controller, and what to do with it. */
struct part {
	const char *controller;
	const char *const *knobs; /* that need it */
	int (*write)(const struct cgroup_own *g, const struct cgroup_opts *o, struct journal *j,
		     struct err *err);
	void (*read)(const struct cgroup_own *g, struct cgroup_opts *o);
};

static int write_cpu(const struct cgroup_own *g, const struct cgroup_opts *o, struct journal *j,
		     struct err *err)
{
	int rc = g->version->write_cpu(g, o, err);

	return !rc && o->is_idle ? cgroup_set(g, "cpu-idle", "cpu.idle", "1", err) : rc;
}

static void read_cpu(const struct cgroup_own *g, struct cgroup_opts *o)
{
	g->version->read_cpu(g, o);
	o->is_idle = cgroup_get_number(g->folder, "cpu.idle", 0) == 1;
}

/* Does the group above have all that is asked for? */
static bool is_among(const char *asked, const char *have)
{
	cpu_set_t a, b, lacking;

	cpus_read(asked, &a);
	cpus_read(have, &b);
	return !cpus_minus(&a, &b, &lacking);
}

/* cpus or mems; where they were not asked for those of the group above, which version 1 needs. */
static int write_set(const struct cgroup_own *g, const char *knob, const char *file,
		     const char *effective, const char *asked, struct err *err)
{
	char have[256], text[256];
	int rc;

	cgroup_get(g->base, effective, have, sizeof(have));
	snprintf(text, sizeof(text), "%s", *asked ? asked : have);
	if (!*asked && g->version->number == 2)
		return 0;
	rc = cgroup_put(g->folder, file, text);
	if (rc == -EINVAL && is_among(text, have))
		return err_set(err, -EBUSY,
			       "cgroup.%s=%s refused: another cpuset below %s has some of them for "
			       "itself alone",
			       knob, text, g->base);
	if (rc == -EINVAL || rc == -ERANGE || rc == -EACCES || rc == -ENODEV)
		return err_set(err, -ENODEV, "cgroup.%s=%s refused: %s has %s", knob, text, g->base,
			       have);
	return rc ? cgroup_refuse(g, knob, file, rc, err) : 0;
}

static int write_cpuset(const struct cgroup_own *g, const struct cgroup_opts *o, struct journal *j,
			struct err *err)
{
	int rc = write_set(g, "cpus", "cpuset.cpus", g->version->effective_cpus, o->cpus, err);

	if (!rc)
		rc = write_set(g, "mems", "cpuset.mems", g->version->effective_mems, o->mems, err);
	return !rc && o->partition ? g->version->part(g, o, j, err) : rc;
}

static void read_cpuset(const struct cgroup_own *g, struct cgroup_opts *o)
{
	cgroup_get(g->folder, g->version->effective_cpus, o->cpus, sizeof(o->cpus));
	cgroup_get(g->folder, g->version->effective_mems, o->mems, sizeof(o->mems));
	o->partition = g->version->is_part(g) ? PARTITION_ROOT : PARTITION_NO;
}

static const struct part parts[] = {
	{ "cpu", cpu_knobs, write_cpu, read_cpu },
	{ "cpuset", cpuset_knobs, write_cpuset, read_cpuset },
};
#define PARTS (sizeof(parts) / sizeof(*parts))

static int set_up(const struct part *part, const struct cgroup_own *g, const struct cgroup_opts *o,
		  struct journal *j, struct err *err)
{
	int rc = cgroup_own_make(g, part->controller, j, err);

	if (!rc)
		rc = part->write(g, o, j, err);
	if (!rc)
		rc = cgroup_own_enter(g, err);
	/* What is wrong with one option says so itself; the group is what the first one needs. */
	if (rc && err && strncmp(err->text, "cgroup.", strlen("cgroup.")) != 0)
		err_wrap(err, "cgroup.%s", first_of(part->knobs, o));
	return rc;
}

static void leave_all(const struct cgroup_opts *o, struct journal *j)
{
	struct cgroup_own own;

	for (size_t i = 0; i < PARTS; i++)
		if (cgroup_own_find(parts[i].controller, o->parent, &own))
			cgroup_own_leave(&own, parts[i].controller, j);
}

static int find_all(const struct cgroup_opts *o, struct cgroup_own *own, struct err *err)
{
	for (size_t i = 0; i < PARTS; i++)
		if (first_of(parts[i].knobs, o) &&
		    !cgroup_own_find(parts[i].controller, o->parent, &own[i]))
			return err_set(err, -EOPNOTSUPP,
				       "cgroup.%s: no groups with the controller %s are mounted "
				       "here",
				       first_of(parts[i].knobs, o), parts[i].controller);
	return 0;
}

static int apply(const struct target *t, const void *opts, struct err *err)
{
	const struct cgroup_opts *o = opts;
	struct cgroup_own own[PARTS];
	int rc;

	if (is_default(o)) {
		leave_all(o, t->journal);
		return 0;
	}
	assert(t->journal);
	rc = find_all(o, own, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < PARTS && !rc; i++)
		if (first_of(parts[i].knobs, o))
			rc = set_up(&parts[i], &own[i], o, t->journal, err);
	/* As they were found: the process goes back to where it was, and not just one group up. */
	for (size_t i = PARTS; rc && i-- > 0;)
		if (first_of(parts[i].knobs, o))
			cgroup_own_leave(&own[i], parts[i].controller, t->journal);
	return rc;
}

static int read_back(const struct target *t, void *opts, struct err *err)
{
	struct cgroup_opts *o = opts;
	struct cgroup_own own;

	memset(o, 0, sizeof(*o));
	for (size_t i = 0; i < PARTS; i++) {
		if (!cgroup_own_find(parts[i].controller, "", &own) || !own.is_inside)
			continue;
		parts[i].read(&own, o);
		snprintf(o->parent, sizeof(o->parent), "%s",
			 strcmp(own.base, own.mount) ? own.base + strlen(own.mount) : "/");
	}
	return 0;
}

static void explain(const struct target *t, const void *requested, const void *effective,
		    struct verdict_report *report)
{
	const struct cgroup_opts *asked = requested, *got = effective;
	struct cgroup_own own;

	tunable_describe_asked(&tunable_cgroup, requested, effective, report);
	if (report->verdict != VERDICT_OK)
		return;
	if ((asked->cpu_weight || asked->cpu_shares || asked->is_idle) &&
	    cgroup_own_find("cpu", "", &own))
		snprintf(report->why, sizeof(report->why),
			 "counts against what else is in %.150s, other groups as a whole",
			 own.base);
	if (*asked->cpus && !wants_cpu(asked) && !*asked->mems && !asked->partition &&
	    cgroup_own_find("cpuset", "", &own) && own.is_inside) {
		char all[256];

		cgroup_get(own.base, own.version->effective_cpus, all, sizeof(all));
		if (strcmp(all, got->cpus))
			return;
		report->verdict = VERDICT_VACUOUS;
		snprintf(report->why, sizeof(report->why),
			 "these are all CPUs of %.150s: nothing is kept from it", own.base);
	}
}

/* How often the quota was used up. */
static void ended(const struct target *t, const void *opts, struct verdict_report *report)
{
	char path[CGROUP_PATH + 16], periods[32], times[32], amount[32], text[32];
	struct cgroup_own own;

	if (!((const struct cgroup_opts *)opts)->quota_ns || !cgroup_own_find("cpu", "", &own) ||
	    !own.is_inside)
		return;
	snprintf(path, sizeof(path), "%s/cpu.stat", own.folder);
	if (!kernel_file_line(path, "nr_periods", periods, sizeof(periods)) ||
	    !kernel_file_line(path, "nr_throttled", times, sizeof(times)) ||
	    !kernel_file_line(path, own.version->throttled, amount, sizeof(amount)))
		return;
	snprintf(report->why, sizeof(report->why),
		 "stopped in %s of %s periods because its quota was used up, for %s in all", times,
		 periods,
		 units_human_time((double)strtoll(amount, NULL, 10) *
					  (double)own.version->throttled_unit_ns,
				  text, sizeof(text)));
}

const struct tunable tunable_cgroup = {
	.group = { .name = "cgroup",
		   .help = "a control group of the process's own",
		   .knobs = knobs,
		   .opts_size = sizeof(struct cgroup_opts) },
	.scope = SCOPE_PROCESS,
	.needs_journal = needs_journal,
	.is_default = is_default,
	.check = check,
	.resolve = resolve,
	.apply = apply,
	.read_back = read_back,
	.explain = explain,
	.ended = ended,
};
