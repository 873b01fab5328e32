/*
 * numa.c - the tunable "numa": on which memory nodes a thread's pages are, set_mempolicy(2).
 *
 * A policy says where pages go that are touched from then on. So it is set before the thread
 * allocates anything, and when its buffers are there, settle() (numa_settle.c) gives each range a
 * rule of its own, moves the pages that were there before (the stack and the thread's variables are
 * touched by who makes the thread), and counts all of them.
 *
 * The kernel drops nodes that do not exist, or that the cpuset forbids, from a mask as long as one
 * is left. Here a list means what it says: one node that cannot be had refuses the whole, by name.
 *
 * A home node belongs to ranges, and migration to what is there already: both are for settle(), and
 * a thread's policy has neither. Weights are the whole machine's, so they are no knob here: they
 * are files below /sys/kernel/mm/mempolicy/weighted_interleave.
 *
 * System calls are made directly: libnuma 2.0.16 has no word for weighted-interleave or for home
 * nodes, and for the others it adds nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <linux/mempolicy.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "system/kernel_file.h"
#include "tunables/numa_opts.h"

#define MODE_WEIGHTED_INTERLEAVE 6 /* younger than Debian 12's header */

static const char *const policy_names[] = { "default",
					    "local",
					    "bind",
					    "preferred",
					    "preferred-many",
					    "interleave",
					    "weighted-interleave",
					    NULL };

const struct numa_policy numa_policies[] = {
	[NUMA_DEFAULT] = { MPOL_DEFAULT },
	[NUMA_LOCAL] = { MPOL_LOCAL },
	[NUMA_BIND] = { MPOL_BIND, .takes_nodes = true, .takes_home = true },
	[NUMA_PREFERRED] = { MPOL_PREFERRED, .takes_nodes = true },
	[NUMA_PREFERRED_MANY] = { MPOL_PREFERRED_MANY, .takes_nodes = true, .takes_home = true,
				  .needs = "5.15" },
	[NUMA_INTERLEAVE] = { MPOL_INTERLEAVE, .takes_nodes = true },
	[NUMA_WEIGHTED_INTERLEAVE] = { MODE_WEIGHTED_INTERLEAVE, .takes_nodes = true,
				       .needs = "6.9" },
};
#define POLICIES (int)(sizeof(numa_policies) / sizeof(*numa_policies))

static const struct knob knobs[] = {
	{ .name = "policy",
	  .type = &knob_enum,
	  KNOB_FIELD(struct numa_opts, policy, int),
	  .choices = policy_names,
	  .def = "default",
	  .help = "where a thread's memory is; default: on the node whose CPU touches it first",
	  .read_back = "get_mempolicy(2); pages: move_pages(2)" },
	{ .name = "nodes",
	  .type = &knob_cpus,
	  KNOB_FIELD(struct numa_opts, nodes, char[128]),
	  .metavar = "nodes",
	  .def = "",
	  .help = "memory nodes for all policies but default and local",
	  .read_back = "get_mempolicy(2); pages: move_pages(2)" },
	{ .name = "home-node",
	  .type = &knob_int,
	  KNOB_FIELD(struct numa_opts, home_node, int64_t),
	  .min = -1,
	  .max = NODES_MAX - 1,
	  .def = "-1",
	  .help = "which of the nodes comes first (bind, preferred-many; Linux 5.17); -1: the "
		  "nearest",
	  .read_back = "pages: move_pages(2)" },
	{ .name = "balancing",
	  .type = &knob_bool,
	  KNOB_FIELD(struct numa_opts, balancing, bool),
	  .def = "no",
	  .help = "bind: the kernel may move pages among the nodes (kernel.numa_balancing)",
	  .read_back = "get_mempolicy(2)" },
	{ .name = "migrate",
	  .type = &knob_bool,
	  KNOB_FIELD(struct numa_opts, migrate, bool),
	  .def = "no",
	  .help = "move what the whole process has elsewhere to these nodes, too",
	  .read_back = "migrate_pages(2)" },
	{ 0 },
};

static bool is_default(const void *opts)
{
	const struct numa_opts *o = opts;

	return o->policy == NUMA_DEFAULT && !*o->nodes && o->home_node < 0 && !o->balancing &&
	       !o->migrate;
}

static int probe(struct err *why)
{
	int mode;

	if (!syscall(SYS_get_mempolicy, &mode, NULL, 0UL, NULL, 0UL))
		return 0;
	if (errno == ENOSYS)
		return err_set(why, -ENOSYS, "this kernel is built without memory nodes (NUMA)");
	return err_set(why, -errno,
		       "memory policies are forbidden here: a container's filter does so unless "
		       "CAP_SYS_NICE is granted");
}

static int check(const void *opts, struct err *err)
{
	const struct numa_opts *o = opts;
	const struct numa_policy *policy = &numa_policies[o->policy];
	struct node_set nodes;

	node_set_parse(o->nodes, &nodes);
	if (policy->takes_nodes && !*o->nodes)
		return err_set(err, -EINVAL, "numa.policy=%s needs numa.nodes",
			       policy_names[o->policy]);
	if (!policy->takes_nodes && *o->nodes)
		return err_set(err, -EINVAL, "numa.nodes means nothing to policy %s",
			       policy_names[o->policy]);
	if (o->policy == NUMA_PREFERRED && node_set_count(&nodes) > 1)
		return err_set(err, -EINVAL,
			       "numa.policy=preferred takes one node; preferred-many takes "
			       "several");
	if (o->home_node >= 0 && !policy->takes_home)
		return err_set(err, -EINVAL,
			       "numa.home-node means nothing to policy %s, only to bind and "
			       "preferred-many",
			       policy_names[o->policy]);
	if (o->balancing && o->policy != NUMA_BIND)
		return err_set(err, -EINVAL,
			       "numa.balancing means nothing to policy %s, only to bind",
			       policy_names[o->policy]);
	if (o->migrate && !policy->takes_nodes)
		return err_set(err, -EINVAL, "numa.migrate means nothing to policy %s",
			       policy_names[o->policy]);
	return 0;
}

static int name_nodes(const struct node_set *missing, const struct node_set *there, const char *one,
		      const char *several, struct err *err)
{
	char which[64], all[64];

	node_set_format(missing, which, sizeof(which));
	node_set_format(there, all, sizeof(all));
	return err_set(err, -ENODEV, "node%s %s %s (%s)", node_set_count(missing) > 1 ? "s" : "",
		       which, node_set_count(missing) > 1 ? several : one, all);
}

int numa_check_nodes(const struct node_set *nodes, struct err *err)
{
	struct node_set there = { 0 }, allowed = { 0 }, missing;

	nodes_with_memory(&there);
	missing = node_set_minus(nodes, &there);
	if (node_set_count(&missing))
		return name_nodes(&missing, &there,
				  "does not exist on this machine, or has no memory; there is",
				  "do not exist on this machine, or have no memory; there is", err);
	if (syscall(SYS_get_mempolicy, NULL, allowed.bits, NODES_MAX + 1UL, NULL,
		    (unsigned long)MPOL_F_MEMS_ALLOWED))
		return err_sys(err, -errno, "get_mempolicy");
	missing = node_set_minus(nodes, &allowed);
	if (node_set_count(&missing))
		return name_nodes(&missing, &allowed, "is not in this cpuset; it has",
				  "are not in this cpuset; it has", err);
	return 0;
}

/* As the kernel writes the list; what only settle() can do is none of the thread's policy. */
static int resolve(const struct target *t, void *opts, struct err *err)
{
	struct numa_opts *o = opts;
	struct node_set nodes;
	int rc;

	(void)t;
	node_set_parse(o->nodes, &nodes);
	node_set_format(&nodes, o->nodes, sizeof(o->nodes));
	if (o->home_node >= 0)
		node_set_add(&nodes, (unsigned)o->home_node);
	rc = numa_check_nodes(&nodes, err);
	o->home_node = -1;
	o->migrate = false;
	return rc;
}

/* The kernel gives and changes the caller's own policy only. */
static int check_caller(const struct target *t, struct err *err)
{
	if (!t->tid || t->tid == gettid())
		return 0;
	return err_set(err, -EOPNOTSUPP, "a thread's memory policy is set by itself only");
}

static int refuse(const struct numa_opts *o, int code, struct err *err)
{
	const char *needs = numa_policies[o->policy].needs;

	if (code == -EINVAL && needs)
		return err_set(err, code, "numa.policy=%s needs Linux %s", policy_names[o->policy],
			       needs);
	if (code == -EINVAL && o->balancing)
		return err_set(err, code,
			       "numa.balancing=yes needs Linux 5.12 with CONFIG_NUMA_BALANCING");
	return err_sys(err, code, "set_mempolicy: policy %s, nodes %s", policy_names[o->policy],
		       o->nodes);
}

static int apply(const struct target *t, const void *opts, struct err *err)
{
	const struct numa_opts *o = opts;
	const struct numa_policy *policy = &numa_policies[o->policy];
	int mode = policy->mode | (o->balancing ? MPOL_F_NUMA_BALANCING : 0);
	struct node_set nodes;
	int rc = check_caller(t, err);

	if (rc)
		return rc;
	node_set_parse(o->nodes, &nodes);
	rc = (int)syscall(SYS_set_mempolicy, mode, policy->takes_nodes ? nodes.bits : NULL,
			  policy->takes_nodes ? NODES_MAX + 1UL : 0UL);
	return rc ? refuse(o, -errno, err) : 0;
}

int numa_read_back(const struct target *t, void *opts, struct err *err)
{
	struct numa_opts *o = opts;
	struct node_set nodes = { 0 };
	int mode = 0, rc = check_caller(t, err);

	if (rc)
		return rc;
	if (syscall(SYS_get_mempolicy, &mode, nodes.bits, NODES_MAX + 1UL, NULL, 0UL))
		return err_sys(err, -errno, "get_mempolicy");
	*o = (struct numa_opts){ .home_node = -1, .balancing = mode & MPOL_F_NUMA_BALANCING };
	mode &= ~MPOL_MODE_FLAGS;
	/* Before 5.14 "local" was a preference for no node. */
	if (mode == MPOL_PREFERRED && !node_set_count(&nodes))
		mode = MPOL_LOCAL;
	while (o->policy < POLICIES - 1 && numa_policies[o->policy].mode != mode)
		o->policy++;
	node_set_format(&nodes, o->nodes, sizeof(o->nodes));
	return 0;
}

static void explain(const struct target *t, const void *requested, const void *effective,
		    struct verdict_report *report)
{
	const struct numa_opts *o = requested;
	struct node_set there;

	(void)t;
	(void)effective;
	if (report->verdict != VERDICT_OK)
		return;
	if (nodes_with_memory(&there) && node_set_count(&there) == 1) {
		report->verdict = VERDICT_VACUOUS;
		snprintf(report->why, sizeof(report->why),
			 "this machine has one memory node: all memory is there whatever the "
			 "policy says");
	} else if (o->balancing && kernel_file_number("/proc/sys/kernel/numa_balancing", 0) == 0) {
		snprintf(report->why, sizeof(report->why),
			 "numa.balancing=yes moves nothing: kernel.numa_balancing is 0");
	}
}

const struct tunable tunable_numa = {
	.group = { .name = "numa",
		   .help = "memory nodes, for each thread",
		   .knobs = knobs,
		   .opts_size = sizeof(struct numa_opts) },
	.scope = SCOPE_THREAD,
	.moment = MOMENT_STARTED,
	.own_groups = 1U << THREAD_ACCEPTOR | 1U << THREAD_STORAGE,
	.probe = probe,
	.is_default = is_default,
	.check = check,
	.resolve = resolve,
	.apply = apply,
	.read_back = numa_read_back,
	.explain = explain,
	.settle = numa_settle,
};
