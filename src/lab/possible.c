/*
 * possible.c - settings tried in a child process; real-time scheduling kept off the last CPU.
 *
 * The keys used here are those of the options: sched.policy, threads, wait, cgroup.cpus; and the
 * group pin.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/possible.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpus.h"
#include "lab/placement.h"

enum { TRIAL_LIMIT_MS = 3000 };

/* What the child says, in one write of less than PIPE_BUF. */
struct answer {
	bool possible;
	char why[256];
};

static bool text_is(struct role_knobs *rk, const char *key, const char *a, const char *b)
{
	char text[SETTING_TEXT];

	return role_knobs_text(rk, key, text, sizeof(text)) &&
	       (!strcmp(text, a) || !strcmp(text, b));
}

/* Options of any tunable, to be changed. */
struct opts {
	alignas(max_align_t) char bytes[TUNABLE_OPTS_MAX];
};

static const struct tunable *pin_of(struct role_knobs *rk)
{
	const struct tunable *const *tn = role_knobs_parts(rk)->tunables;

	while (*tn && strcmp((*tn)->group.name, "pin") != 0)
		tn++;
	return *tn;
}

/*
 * Every CPU that one of the threads with these options of pin could be given, however it was asked
 * for; all of them when nothing was, or when it cannot be had here, which the trial will say
 * better.
 */
static cpu_set_t pinned_cpus(const struct tunable *pin, const void *opts, const cpu_set_t *online)
{
	const struct target self = { .fd = -1 };
	char text[SETTING_TEXT];
	struct opts all;
	cpu_set_t set;

	if (!pin || !opts || pin->is_default(opts))
		return *online;
	memcpy(&all, opts, pin->group.opts_size);
	if (knob_parse(knob_find(&pin->group, "spread"), "all", &all, NULL) < 0 ||
	    pin->check(&all, NULL) < 0 || pin->resolve(&self, &all, NULL) < 0)
		return *online;
	knob_format(knob_find(&pin->group, "cpus"), &all, text, sizeof(text));
	cpus_read(text, &set);
	return set;
}

/* Of the role's threads, or of those of one kind (own: their options of pin). */
static cpu_set_t cpus_of(struct role_knobs *rk, const void *own, const cpu_set_t *online)
{
	const struct tunable *pin = pin_of(rk);
	bool is_own = pin && own && !pin->is_default(own);
	cpu_set_t set, group, both;
	char text[SETTING_TEXT];

	set = pinned_cpus(pin, is_own || !pin ? own : role_knobs_opts(rk, &pin->group), online);
	if (!role_knobs_text(rk, "cgroup.cpus", text, sizeof(text)) || !*text)
		return set;
	cpus_read(text, &group);
	CPU_AND(&both, &set, &group);
	return CPU_COUNT(&both) ? both : group;
}

/* Asked for, or inherited from whoever started us (chrt -f). */
static bool is_realtime(struct role_knobs *rk)
{
	int own = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;

	return text_is(rk, "sched.policy", "fifo", "rr") ||
	       (text_is(rk, "sched.policy", "inherit", "inherit") &&
		(own == SCHED_FIFO || own == SCHED_RR));
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

/* CPUs that threads could keep to themselves, and how many of those threads there are at most. */
struct takers {
	cpu_set_t cpus;
	int threads;
};

static void add_takers(struct takers *t, const cpu_set_t *cpus, int threads)
{
	CPU_OR(&t->cpus, &t->cpus, cpus);
	t->threads += least(threads, CPU_COUNT(cpus));
}

/* Threads with a policy of their own ("storage.sched.policy"): any number, but for the acceptor. */
static void add_own_takers(struct takers *t, struct role_knobs *rk, const cpu_set_t *online)
{
	const struct tunable *pin = pin_of(rk);

	for (int thread = 0; thread < THREAD_ROLES; thread++) {
		char key[SETTING_KEY];
		cpu_set_t cpus;

		snprintf(key, sizeof(key), "%s.sched.policy", thread_role_names[thread]);
		if (!text_is(rk, key, "fifo", "rr"))
			continue;
		cpus = cpus_of(rk, role_knobs_own(rk, pin, (enum thread_role)thread), online);
		add_takers(t, &cpus, thread == THREAD_ACCEPTOR ? 1 : CPU_SETSIZE);
	}
}

bool possible_realtime(struct role_knobs *const knobs[ROLES], const cpu_set_t *online, char *why,
		       size_t size)
{
	struct takers t = { .threads = 0 };
	cpu_set_t cpus[ROLES];

	for (int role = 0; role < ROLES; role++) {
		cpus[role] = cpus_of(knobs[role], NULL, online);
		if (is_realtime(knobs[role]))
			add_takers(&t, &cpus[role],
				   (int)role_knobs_number(knobs[role], "threads", 1));
		add_own_takers(&t, knobs[role], online);
	}
	if (t.threads && least(t.threads, CPU_COUNT(&t.cpus)) >= CPU_COUNT(online)) {
		snprintf(
			why, size,
			"real-time threads could take all %d CPUs and the machine with them; leave "
			"one CPU free (pin, threads)",
			CPU_COUNT(online));
		return false;
	}
	if (t.threads && CPU_COUNT(&cpus[ROLE_NODE]) == 1 &&
	    CPU_EQUAL(&cpus[ROLE_NODE], &cpus[ROLE_CLIENT]) &&
	    text_is(knobs[ROLE_CLIENT], "wait", "spin", "spin")) {
		snprintf(why, size,
			 "a real-time thread and a spinning client on one CPU: the run "
			 "would stand still; use another CPU, or wait: sleep");
		return false;
	}
	return true;
}

/* Below: in the child. Its settings end with it, or its journal takes them back. */

/* Does the sweep set a knob of the group with this name? */
static bool is_swept(const struct knob_set *set, const char *name)
{
	for (int i = 0; i < set->count; i++)
		for (int k = 0; !strcmp(set->binds[i].group->name, name) &&
				set->binds[i].group->knobs && set->binds[i].group->knobs[k].name;
		     k++)
			if (set->binds[i].from[k] == KNOB_SWEEP)
				return true;
	return false;
}

/* The knob of this group that the sweep sets, or NULL. */
static const struct knob *swept_knob(const struct knob_set *set, const struct knob_group *group)
{
	for (int i = 0; i < set->count; i++)
		for (int k = 0; set->binds[i].group == group && group->knobs[k].name; k++)
			if (set->binds[i].from[k] == KNOB_SWEEP)
				return &group->knobs[k];
	return NULL;
}

static void refuse(struct answer *a, enum role role, const struct err *err)
{
	a->possible = false;
	snprintf(a->why, sizeof(a->why), "%s: %.240s", role_names[role], err->text);
}

/* What makes no difference in any run alike is no reason to leave a configuration out. */
static void find_vacuous(const struct placement *p, struct role_knobs *rk, struct answer *a)
{
	for (unsigned i = 0; i < p->report_count; i++) {
		const struct verdict_report *r = &p->reports[i].report;

		if (r->verdict == VERDICT_VACUOUS && is_swept(role_knobs_set(rk), r->name))
			snprintf(a->why, sizeof(a->why), "vacuous: %s.%s: %.190s",
				 role_names[p->role], r->name, r->why);
	}
}

static const enum thread_role main_threads[ROLES_ALL] = {
	[ROLE_NODE] = THREAD_WORKER,
	[ROLE_CLIENT] = THREAD_CLIENT,
	[ROLE_HOG] = THREAD_HOG,
	[ROLE_PROXY] = THREAD_WORKER,
};

/* The backend is opened as a thread of the role would open it: after it was put in its place. */
static int open_backend(struct role_knobs *rk, struct backend **ret, struct err *err)
{
	const struct backend_ops *ops = role_knobs_backend(rk);
	int rc = 0;

	if (!ops)
		return 0;
	if (ops->probe)
		rc = ops->probe(err);
	if (rc == 0)
		rc = ops->open(ret, role_knobs_opts(rk, &ops->group), err);
	return rc < 0 ? err_wrap(err, "%s", ops->group.name) : 0;
}

/* One thread stands for all of the role's, so that what is for all of them comes first. */
static int try_threads(struct role_knobs *rk, enum role role, const struct hooks *hooks,
		       struct err *err)
{
	unsigned threads = (unsigned)role_knobs_number(rk, "threads", 1);
	struct thread_parts parts = { 0 };
	int rc = 0;

	for (unsigned i = 0; i < threads && rc == 0; i++)
		rc = hooks->thread_started(hooks->context, main_threads[role], i, err);
	if (rc == 0)
		rc = open_backend(rk, &parts.backend, err);
	for (unsigned i = 0; i < threads && rc == 0; i++)
		rc = hooks->thread_ready(hooks->context, main_threads[role], i, &parts, err);
	if (parts.backend)
		role_knobs_backend(rk)->close(parts.backend);
	return rc;
}

static int try_placement(struct role_knobs *rk, enum role role, struct answer *a, struct err *err)
{
	struct placement p = { .allow_degraded = role_knobs_allow_degraded(rk) };
	int rc = placement_init(&p, role, rk, err);
	struct hooks hooks;

	if (rc < 0)
		return rc;
	hooks = placement_hooks(&p);
	rc = placement_begin(&p, err);
	if (rc == 0)
		rc = possible_sockets(role, &hooks, err);
	if (rc == 0)
		rc = try_threads(rk, role, &hooks, err);
	find_vacuous(&p, rk, a);
	placement_finish(&p);
	return rc;
}

static void try_role(struct role_knobs *rk, enum role role, struct answer *a)
{
	const struct parts *parts = role_knobs_parts(rk);
	const void *opts = role_knobs_opts(rk, parts->roles[role]);
	struct err err = { 0 };

	if (parts->checks[role] && parts->checks[role](opts, role_knobs_backend(rk), &err) < 0)
		refuse(a, role, &err);
	else if (try_placement(rk, role, a, &err) < 0)
		refuse(a, role, &err);
}

static void be_child(struct role_knobs *rk, enum role role, int out)
{
	struct answer a = { .possible = true };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN);
	try_role(rk, role, &a);
	_exit(write(out, &a, sizeof(a)) == sizeof(a) ? 0 : 1);
}

static bool read_answer(int in, struct answer *a)
{
	struct pollfd p = { .fd = in, .events = POLLIN };
	int64_t end_ns = clock_now_ns() + TRIAL_LIMIT_MS * MS, left_ns;
	int rc;

	do {
		left_ns = end_ns - clock_now_ns();
		rc = poll(&p, 1, left_ns > 0 ? (int)(left_ns / MS) + 1 : 0);
	} while (rc < 0 && errno == EINTR);
	return rc == 1 && read(in, a, sizeof(*a)) == sizeof(*a);
}

static void close_both(const int *ends)
{
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
}

static struct answer ask_child(struct role_knobs *rk, enum role role)
{
	struct answer a = { .possible = false };
	int ends[2] = { -1, -1 }, status = 0;
	pid_t pid;

	pid = pipe2(ends, O_CLOEXEC) < 0 ? -1 : fork();
	if (pid < 0) {
		snprintf(a.why, sizeof(a.why), "%s: cannot be tried: %s", role_names[role],
			 strerror(errno));
		close_both(ends);
		return a;
	}
	if (pid == 0)
		be_child(rk, role, ends[1]);
	close(ends[1]);
	if (!read_answer(ends[0], &a)) {
		kill(pid, SIGKILL);
		snprintf(a.why, sizeof(a.why), "%s: no answer when its settings were tried",
			 role_names[role]);
		a.possible = false;
	}
	close(ends[0]);
	waitpid(pid, &status, 0);
	return a;
}

/* A knob of a backend that is not the one in use does nothing. */
static void find_idle_knob(struct role_knobs *rk, enum role role, char *why, size_t size)
{
	const struct backend_ops *const *all = role_knobs_parts(rk)->backends;
	const struct backend_ops *used = role_knobs_backend(rk);

	for (int i = 0; all[i]; i++) {
		const struct knob_group *group = &all[i]->group;
		const struct knob *k = swept_knob(role_knobs_set(rk), group);

		if (k && all[i] != used)
			snprintf(why, size, "vacuous: %s.%s.%s does nothing with backend %s",
				 role_names[role], group->name, k->name, used->group.name);
	}
}

/* A hog without threads is none. */
static bool takes_part(struct role_knobs *rk)
{
	return role_knobs_number(rk, "threads", 1) > 0;
}

bool possible_here(struct role_knobs *const knobs[ROLES], char *why, size_t size)
{
	cpu_set_t online;

	*why = '\0';
	sched_getaffinity(0, sizeof(online), &online);
	if (!possible_realtime(knobs, &online, why, size))
		return false;
	for (int role = 0; role < ROLES; role++) {
		struct answer a = { .possible = true };

		if (takes_part(knobs[role]))
			a = ask_child(knobs[role], (enum role)role);
		if (*a.why)
			snprintf(why, size, "%s", a.why);
		if (!a.possible)
			return false;
	}
	for (int role = 0; role < ROLES && !*why; role++)
		find_idle_knob(knobs[role], (enum role)role, why, size);
	return true;
}
