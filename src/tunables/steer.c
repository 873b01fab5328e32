/*
 * steer.c - the tunable "steer": connections to the worker whose CPU they arrive on.
 *
 * With SO_REUSEPORT every worker has a listening socket of its own, and the kernel spreads
 * connections over them by a hash of the addresses. A program, or the CPU that is said of each
 * socket, makes it choose by the CPU that receives the SYN. Whose CPU is whose comes from the pins.
 *
 * The kernel tells nobody which program is attached. So the same is tried on a port of our own
 * before anything is served (steer_trial.c), and of each accepted connection it is asked whether it
 * came to the CPU it arrived on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tunables/steer.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system/kernel_file.h"
#include "tunables/socket_options.h"

static const char *const choices[] = { "hash", "cpu", "incoming-cpu", "random", NULL };
static const char *const programs[] = { "classic", "extended", NULL };

static const struct knob knobs[] = {
	{ .name = "by",
	  .type = &knob_enum,
	  KNOB_FIELD(struct steer_opts, by, int),
	  .choices = choices,
	  .def = "hash",
	  .help = "which worker's socket gets a connection (accept-mode child)",
	  .read_back = "SO_INCOMING_CPU of what was accepted" },
	{ .name = "program",
	  .type = &knob_enum,
	  KNOB_FIELD(struct steer_opts, program, int),
	  .choices = programs,
	  .def = "classic",
	  .help = "of cpu and random: classic BPF, or extended (CAP_BPF)",
	  .read_back = "SO_INCOMING_CPU of what was accepted" },
	{ 0 },
};

int steer_cpu(const struct socket_port *port, unsigned i)
{
	return port->cpus && port->cpus[i] >= 0 ? port->cpus[i] : (int)i;
}

static bool is_pinned(const struct socket_port *port)
{
	for (unsigned i = 0; i < port->count; i++)
		if (!port->cpus || port->cpus[i] < 0)
			return false;
	return true;
}

static int set_cpus(const struct socket_port *port, bool all)
{
	for (unsigned i = 0; i < port->count; i++) {
		int cpu = all ? -1 : steer_cpu(port, i);

		if (setsockopt(port->fds[i], SOL_SOCKET, SO_INCOMING_CPU, &cpu, sizeof(cpu)))
			return -errno;
	}
	return 0;
}

static int refuse(const struct steer_opts *o, int fd, int code, struct err *err)
{
	if (code == -EOPNOTSUPP && socket_has_mptcp(fd))
		return err_set(err, code,
			       "steer.by=%s: MPTCP sockets take no program: only one of it and "
			       "socket.mptcp=on can be had",
			       choices[o->by]);
	if (code == -EPERM && o->program == STEER_EXTENDED)
		return err_set(err, code,
			       "steer.program=extended: loading it needs CAP_BPF; classic needs "
			       "nothing");
	if (code == -ENOSYS)
		return err_set(err, code, "steer.program=extended: this kernel has no bpf(2)");
	return err_sys(err, code, "steer.by=%s", choices[o->by]);
}

int steer_tell(const struct socket_port *port, const struct steer_opts *o, struct err *err)
{
	int rc = steer_detach(port->fds[0]);

	if (!rc)
		rc = set_cpus(port, o->by != STEER_INCOMING_CPU);
	if (!rc && (o->by == STEER_CPU || o->by == STEER_RANDOM))
		rc = steer_attach(port, o);
	return rc ? refuse(o, port->fds[0], rc, err) : 0;
}

static bool is_default(const void *opts)
{
	return ((const struct steer_opts *)opts)->by == STEER_HASH;
}

static int check_cpus(const struct socket_port *port, struct err *err)
{
	char path[64];

	for (unsigned i = 0; i < port->count; i++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d", steer_cpu(port, i));
		if (access(path, F_OK))
			return err_set(err, -ENODEV,
				       "steer: worker %u would be for cpu %d, which does not exist",
				       i, steer_cpu(port, i));
	}
	return 0;
}

static int resolve(const struct target *t, void *opts, struct err *err)
{
	const struct steer_opts *o = opts;

	if (t->kind != SOCKET_PORT || o->by != STEER_INCOMING_CPU)
		return 0;
	if (!is_pinned(t->port))
		return err_set(err, -EINVAL,
			       "steer.by=incoming-cpu needs a CPU for each worker: pin.cpus");
	return check_cpus(t->port, err);
}

static int apply(const struct target *t, const void *opts, struct err *err)
{
	return t->kind == SOCKET_PORT ? steer_tell(t->port, opts, err) : 0;
}

static int incoming_cpu(int fd, struct err *err)
{
	socklen_t len = sizeof(int);
	int cpu = -1;

	if (getsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &len))
		return err_sys(err, -errno, "SO_INCOMING_CPU");
	return cpu;
}

/* A program cannot be seen. */
static int read_back(const struct target *t, void *opts, struct err *err)
{
	struct steer_opts *o = opts;
	socklen_t len = sizeof(int);
	int cpu = -1;

	*o = (struct steer_opts){ .by = STEER_HASH };
	if (getsockopt(t->fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &len))
		return err_sys(err, -errno, "SO_INCOMING_CPU of descriptor %d", t->fd);
	if (t->kind == SOCKET_PORT && cpu >= 0)
		o->by = STEER_INCOMING_CPU;
	return 0;
}

/* The machine's CPUs beyond those of the workers: what arrives there is spread by hash. */
static unsigned count_others(const struct socket_port *port)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned mine = 0;

	for (unsigned i = 0; i < port->count; i++) {
		bool is_new = true;

		for (unsigned other = 0; other < i; other++)
			is_new = is_new && steer_cpu(port, other) != steer_cpu(port, i);
		mine += is_new;
	}
	return online > (long)mine ? (unsigned)online - mine : 0;
}

static void explain_trial(const struct target *t, const struct steer_opts *o,
			  struct verdict_report *report)
{
	unsigned sent = 0, right = 0, others = count_others(t->port);
	struct err err = { 0 };
	int rc;

	if (o->by == STEER_RANDOM)
		return;
	rc = steer_try(t->port, o, &sent, &right, &err);
	if (rc || !sent) {
		/* What nobody has seen work is not ok. */
		report->verdict = rc ? verdict_of_error(rc) : VERDICT_UNSUPPORTED;
		snprintf(
			report->why, sizeof(report->why), "steer could not be tried: %.160s",
			rc ? err.text
			   : "this process may not run on any CPU that a worker is for (pin.cpus)");
		return;
	}
	if (right < sent)
		report->verdict = VERDICT_IGNORED;
	snprintf(report->why, sizeof(report->why),
		 "tried: %u of %u connections came to the worker of their CPU%s", right, sent,
		 right < sent && socket_has_mptcp(t->port->fds[0])
			 ? "; MPTCP sockets that listen already are not steered: socket.mptcp=off"
			 : "");
	if (others && report->verdict == VERDICT_OK)
		snprintf(
			report->why, sizeof(report->why),
			"tried: %u of %u connections came to the worker of their CPU; %u CPUs have "
			"no worker: by hash",
			right, sent, others);
}

/* The socket that listened, which this one is a copy of. */
static bool is_shared(int fd)
{
	socklen_t len = sizeof(int);
	int on = 0;

	return getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, &len) || on;
}

/* Whoever accepts is the worker. */
static void explain_accepted(const struct target *t, const struct steer_opts *o,
			     struct verdict_report *report)
{
	int arrived = incoming_cpu(t->fd, NULL), here = sched_getcpu();

	if (!is_shared(t->fd)) {
		report->verdict = VERDICT_VACUOUS;
		snprintf(report->why, sizeof(report->why),
			 "steer chooses among sockets that share a port, and one alone listened: a "
			 "node's share one with accept-mode=child and several threads");
		return;
	}
	if (o->by == STEER_RANDOM || arrived == here)
		return;
	report->verdict = VERDICT_VACUOUS;
	snprintf(report->why, sizeof(report->why),
		 "steer: a connection arrived on cpu %d and was accepted on cpu %d", arrived, here);
}

static void explain(const struct target *t, const void *requested, const void *effective,
		    struct verdict_report *report)
{
	report->verdict = VERDICT_OK;
	*report->why = '\0';
	if (t->kind == SOCKET_PORT)
		explain_trial(t, requested, report);
	else
		explain_accepted(t, requested, report);
	snprintf(report->effective, sizeof(report->effective), "%s",
		 report->verdict == VERDICT_OK ? report->requested : "");
}

const struct tunable tunable_steer = {
	.group = { .name = "steer",
		   .help = "connections to the worker whose CPU they arrive on",
		   .knobs = knobs,
		   .opts_size = sizeof(struct steer_opts) },
	.scope = SCOPE_SOCKET,
	.kinds = 1U << SOCKET_PORT | 1U << SOCKET_ACCEPTED,
	.is_default = is_default,
	.resolve = resolve,
	.apply = apply,
	.read_back = read_back,
	.explain = explain,
};
