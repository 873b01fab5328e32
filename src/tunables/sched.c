/*
 * sched.c - the tunable "sched": one sched_setattr(2) a thread.
 *
 * Decisions that sched(7) leaves open:
 *  - policy `inherit` (the default) leaves the thread as it was born, so that `chrt -f 50 ringwalk`
 *    means what it says; nice and slice alone then change nothing but themselves. With any other
 *    policy, nice is what the option says: 0 unless given.
 *  - A knob that the policy does not listen to is refused, for it would be a silent no-op.
 *  - The slice that is read back without having been set is the kernel's default of that moment.
 *  - SCHED_DEADLINE is set with reset-on-fork: without it the thread could make no threads, and
 *    io_uring's own workers could not start. Threads must all the same be made before, for they
 *    would be SCHED_OTHER.
 *  - nice (and idle) under autogroup is ok with a remark: it does decide between threads of one
 *    session, where node and client live, but not against the rest of the machine.
 *  - util-min and util-max (uclamp) are 0 and 1024 unless given, as for a thread that never asked.
 *  - A pinned reservation is not a matter of this system call: the process needs a root domain of
 *    its own first, which is cgroup.partition.
 *
 * What the kernel refuses is put in words by sched_refuse.c, what it does not do by
 * sched_explain.c; sched_overrun.c counts reservations that were too small.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tunables/sched_opts.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "tunables/sched_kernel.h"
#include "tunables/tunable.h"

#define DEFAULT_PRIORITY 10
#define UTIL_MAX	 1024 /* all of the fastest CPU */

static const char *const policy_names[] = { "inherit", "other",	   "batch", "idle", "fifo",
					    "rr",      "deadline", "ext",   NULL };

static const struct knob knobs[] = {
	{ .name = "policy",
	  .type = &knob_enum,
	  KNOB_FIELD(struct sched_opts, policy, int),
	  .choices = policy_names,
	  .def = "inherit",
	  .help = "scheduling policy, sched(7)",
	  .read_back = "sched_getattr(2)" },
	{ .name = "nice",
	  .type = &knob_int,
	  KNOB_FIELD(struct sched_opts, nice, int64_t),
	  .min = -20,
	  .max = 19,
	  .def = "0",
	  .help = "share of the CPU among other and batch; lower is more",
	  .read_back = "sched_getattr(2)" },
	{ .name = "priority",
	  .type = &knob_int,
	  KNOB_FIELD(struct sched_opts, priority, int64_t),
	  .max = 99,
	  .def = "0",
	  .help = "of fifo and rr, 1 to 99; 0: 10",
	  .read_back = "sched_getattr(2)" },
	{ .name = "runtime",
	  .type = &knob_time,
	  KNOB_FIELD(struct sched_opts, runtime_ns, int64_t),
	  .max = INT64_MAX,
	  .def = "0ns",
	  .help = "of deadline: CPU time reserved in each period",
	  .read_back = "sched_getattr(2)" },
	{ .name = "deadline",
	  .type = &knob_time,
	  KNOB_FIELD(struct sched_opts, deadline_ns, int64_t),
	  .max = INT64_MAX,
	  .def = "0ns",
	  .help = "of deadline: within how long the runtime is given",
	  .read_back = "sched_getattr(2)" },
	{ .name = "period",
	  .type = &knob_time,
	  KNOB_FIELD(struct sched_opts, period_ns, int64_t),
	  .max = INT64_MAX,
	  .def = "0ns",
	  .help = "of deadline: how often; 0: the deadline",
	  .read_back = "sched_getattr(2)" },
	{ .name = "slice",
	  .type = &knob_time,
	  KNOB_FIELD(struct sched_opts, slice_ns, int64_t),
	  .max = INT64_MAX,
	  .def = "0ns",
	  .help = "of other, batch and idle: EEVDF slice (Linux 6.12); 0: the kernel's",
	  .read_back = "sched_getattr(2)" },
	{ .name = "reclaim",
	  .type = &knob_bool,
	  KNOB_FIELD(struct sched_opts, reclaim, bool),
	  .def = "no",
	  .help = "of deadline: use what others have reserved and do not need (GRUB)",
	  .read_back = "sched_getattr(2)" },
	{ .name = "overrun",
	  .type = &knob_bool,
	  KNOB_FIELD(struct sched_opts, overrun, bool),
	  .def = "no",
	  .help = "of deadline: count how often the runtime was not enough (SIGXCPU)",
	  .read_back = "sched_getattr(2)" },
	{ .name = "util-min",
	  .type = &knob_int,
	  KNOB_FIELD(struct sched_opts, util_min, int64_t),
	  .max = UTIL_MAX,
	  .def = "0",
	  .help = "the CPU's frequency is chosen as for this load at least, of 1024 (uclamp)",
	  .read_back = "sched_getattr(2)" },
	{ .name = "util-max",
	  .type = &knob_int,
	  KNOB_FIELD(struct sched_opts, util_max, int64_t),
	  .min = 1,
	  .max = UTIL_MAX,
	  .def = "1024",
	  .help = "the CPU's frequency is chosen as for this load at most, of 1024 (uclamp)",
	  .read_back = "sched_getattr(2)" },
	{ 0 },
};

bool sched_is_realtime(const void *opts)
{
	return sched_policies[((const struct sched_opts *)opts)->policy].takes_priority;
}

static bool is_default(const void *opts)
{
	const struct sched_opts *o = opts;

	return o->policy == SCHED_CHOICE_INHERIT && !o->nice && !o->priority && !o->runtime_ns &&
	       !o->deadline_ns && !o->period_ns && !o->slice_ns && !o->reclaim && !o->overrun &&
	       !o->util_min && o->util_max == UTIL_MAX;
}

/* Every knob that is set must mean something to the policy. */
static int check_meaning(const struct sched_opts *o, const struct sched_policy *policy,
			 struct err *err)
{
	const struct {
		const char *name;
		int64_t value;
		bool taken;
		const char *by;
	} rows[] = {
		{ "nice", o->nice, policy->takes_nice, "other and batch" },
		{ "priority", o->priority, policy->takes_priority, "fifo and rr" },
		{ "runtime", o->runtime_ns, policy->takes_reservation, "deadline" },
		{ "deadline", o->deadline_ns, policy->takes_reservation, "deadline" },
		{ "period", o->period_ns, policy->takes_reservation, "deadline" },
		{ "reclaim", o->reclaim, policy->takes_reservation, "deadline" },
		{ "overrun", o->overrun, policy->takes_reservation, "deadline" },
		{ "slice", o->slice_ns, policy->takes_slice, "other, batch and idle" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].value && !rows[i].taken)
			return err_set(err, -EINVAL,
				       "sched.%s means nothing to policy %s, only to %s",
				       rows[i].name, policy->name, rows[i].by);
	return 0;
}

static int check_reservation(const struct sched_opts *o, struct err *err)
{
	if (!o->runtime_ns || !o->deadline_ns)
		return err_set(err, -EINVAL,
			       "policy deadline needs sched.runtime and sched.deadline, "
			       "for example 2ms and 10ms");
	if (o->runtime_ns < RUNTIME_MIN_NS)
		return err_set(err, -EINVAL, "sched.runtime is %dns at least, not %dns",
			       RUNTIME_MIN_NS, (int)o->runtime_ns);
	if (o->runtime_ns > o->deadline_ns)
		return err_set(err, -EINVAL, "sched.runtime is longer than sched.deadline");
	if (o->period_ns && o->deadline_ns > o->period_ns)
		return err_set(err, -EINVAL, "sched.deadline is longer than sched.period");
	return 0;
}

static int check(const void *opts, struct err *err)
{
	const struct sched_opts *o = opts;
	const struct sched_policy *policy = &sched_policies[o->policy];
	int rc = check_meaning(o, policy, err);

	if (!rc && o->util_min > o->util_max)
		return err_set(err, -EINVAL, "sched.util-min is above sched.util-max");
	return !rc && policy->takes_reservation ? check_reservation(o, err) : rc;
}

static int resolve(const struct target *t, void *opts, struct err *err)
{
	struct sched_opts *o = opts;
	struct sched_kernel_attr now;
	int rc;

	if (o->policy == SCHED_CHOICE_INHERIT) {
		rc = sched_attr_get(t->tid, &now);
		if (rc)
			return err_sys(err, rc, "cannot ask for the policy of thread %d", t->tid);
		rc = sched_choice_of(now.policy);
		if (rc < 0)
			return err_set(err, rc, "thread %d has policy %u, which is unknown here",
				       t->tid, now.policy);
		o->policy = rc;
		rc = check_meaning(o, &sched_policies[o->policy], err);
		if (rc)
			return rc;
	}
	if (sched_is_realtime(o) && !o->priority)
		o->priority = DEFAULT_PRIORITY;
	if (!o->period_ns)
		o->period_ns = o->deadline_ns;
	return 0;
}

static int64_t util_min_of(const struct sched_kernel_attr *now)
{
	return now->util_min;
}

/* A kernel without clamps says 0, and no thread was ever clamped to nothing. */
static int64_t util_max_of(const struct sched_kernel_attr *now)
{
	return now->util_max ? now->util_max : UTIL_MAX;
}

/*
 * Who was started with reset-on-fork keeps it: taking it away needs CAP_SYS_NICE. Clamps that are
 * not mentioned are not touched, which is all that a kernel without them takes.
 */
static uint64_t flags_for(const struct sched_opts *o, const struct sched_kernel_attr *now)
{
	uint64_t flags = 0;

	if (sched_policies[o->policy].takes_reservation)
		flags = SCHED_KERNEL_RESET_ON_FORK | (o->reclaim ? SCHED_KERNEL_RECLAIM : 0) |
			(o->overrun ? SCHED_KERNEL_OVERRUN : 0);
	else if (now->policy != SCHED_DEADLINE)
		flags = now->flags & SCHED_KERNEL_RESET_ON_FORK;
	if (o->util_min != util_min_of(now) || o->util_max != util_max_of(now))
		flags |= SCHED_KERNEL_UTIL_MIN | SCHED_KERNEL_UTIL_MAX;
	return flags;
}

static int apply(const struct target *t, const void *opts, struct err *err)
{
	const struct sched_opts *o = opts;
	const struct sched_policy *policy = &sched_policies[o->policy];
	struct sched_kernel_attr now, attr = {
		.policy = (uint32_t)policy->number,
		.nice = (int32_t)o->nice,
		.priority = (uint32_t)o->priority,
		.runtime_ns = policy->takes_slice ? (uint64_t)o->slice_ns : (uint64_t)o->runtime_ns,
		.deadline_ns = (uint64_t)o->deadline_ns,
		.period_ns = (uint64_t)o->period_ns,
		.util_min = (uint32_t)o->util_min,
		.util_max = (uint32_t)o->util_max,
	};
	int rc = sched_attr_get(t->tid, &now);

	assert(o->policy != SCHED_CHOICE_INHERIT);
	if (rc)
		return err_sys(err, rc, "cannot ask for the policy of thread %d", t->tid);
	rc = o->overrun ? sched_overrun_watch(err) : 0;
	if (rc)
		return rc;
	attr.flags = flags_for(o, &now);
	rc = sched_attr_set(t->tid, &attr);
	return rc ? sched_refusal(t->tid, o, &now, rc, err) : 0;
}

static int read_back(const struct target *t, void *opts, struct err *err)
{
	struct sched_kernel_attr now;
	int rc = sched_attr_get(t->tid, &now), choice;

	if (rc)
		return err_sys(err, rc, "cannot ask for the policy of thread %d", t->tid);
	choice = sched_choice_of(now.policy);
	if (choice < 0)
		return err_set(err, choice, "thread %d has policy %u, which is unknown here",
			       t->tid, now.policy);
	*(struct sched_opts *)opts = (struct sched_opts){
		.policy = choice,
		.nice = now.nice,
		.priority = now.priority,
		.runtime_ns = sched_policies[choice].takes_slice ? 0 : (int64_t)now.runtime_ns,
		.deadline_ns = (int64_t)now.deadline_ns,
		.period_ns = (int64_t)now.period_ns,
		.slice_ns = sched_policies[choice].takes_slice ? (int64_t)now.runtime_ns : 0,
		.reclaim = now.flags & SCHED_KERNEL_RECLAIM,
		.overrun = now.flags & SCHED_KERNEL_OVERRUN,
		.util_min = util_min_of(&now),
		.util_max = util_max_of(&now),
	};
	return 0;
}

static const char *const trials[] = { "policy=batch",
				      "policy=idle",
				      "policy=fifo",
				      "policy=rr",
				      "policy=deadline runtime=1ms deadline=10ms",
				      "policy=ext",
				      "nice=-1",
				      "slice=3ms",
				      "util-min=1",
				      NULL };

const struct tunable tunable_sched = {
	.group = { .name = "sched",
		   .help = "scheduling policy of threads",
		   .knobs = knobs,
		   .opts_size = sizeof(struct sched_opts) },
	.scope = SCOPE_THREAD,
	.moment = MOMENT_READY,
	.own_groups = TUNABLE_OWN_GROUPS,
	.trials = trials,
	.is_default = is_default,
	.check = check,
	.resolve = resolve,
	.apply = apply,
	.read_back = read_back,
	.explain = sched_explain,
	.ended = sched_ended,
};
