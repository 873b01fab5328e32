/*
 * autogroup.c - the tunable "autogroup": the nice value of this process's session as a whole.
 *
 * It is the session's and not the process's: all that was started from the same terminal or service
 * gets it, and keeps it when the process is gone. So it goes through the journal, and as the file
 * of a process that has been killed is gone with it, the one of the session's leader is written.
 * Where the leader has ended already nobody could put it back, and it is refused: also when its
 * parent has not waited for it yet, for then the file can be written, and not for long.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tunables/autogroup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "system/cgroup.h"
#include "system/journal.h"
#include "system/kernel_file.h"
#include "tunables/tunable.h"

struct autogroup_opts {
	int64_t nice;
};

static const struct knob knobs[] = {
	{ .name = "nice",
	  .type = &knob_int,
	  KNOB_FIELD(struct autogroup_opts, nice, int64_t),
	  .min = -20,
	  .max = 19,
	  .def = "0",
	  .help = "share of the CPU of the whole session beside other sessions; 0: as it is",
	  .read_back = "/proc/PID/autogroup" },
	{ 0 },
};

#define SWITCH "/proc/sys/kernel/sched_autogroup_enabled"

/*
 * Autogroup is for threads in the topmost cpu group. In version 2 the group is the nearest one
 * upwards that has the controller; the topmost has none of its files.
 */
static bool in_cpu_group(pid_t tid)
{
	struct cgroup_place place;
	char path[CGROUP_PATH + 32], *slash;

	if (!cgroup_find(tid, "cpu", &place))
		return false;
	if (place.version == 1)
		return strcmp(place.folder, place.mount) != 0;
	do {
		snprintf(path, sizeof(path), "%s/cpu.weight", place.folder);
		if (!access(path, F_OK))
			return true;
		slash = strrchr(place.folder, '/');
		*slash = '\0';
	} while (strlen(place.folder) >= strlen(place.mount));
	return false;
}

static bool read_group(pid_t tid, struct autogroup *ret)
{
	char path[64] = "/proc/self/autogroup", line[64];

	if (tid)
		snprintf(path, sizeof(path), "/proc/%d/autogroup", tid);
	return kernel_file_read(path, line, sizeof(line)) &&
	       sscanf(line, "%31s nice %d", ret->name, &ret->nice) == 2;
}

bool autogroup_read(pid_t tid, struct autogroup *ret)
{
	return kernel_file_number(SWITCH, 0) == 1 && read_group(tid, ret) && !in_cpu_group(tid);
}

static int probe(struct err *why)
{
	struct autogroup group;

	if (access(SWITCH, F_OK) || !read_group(0, &group))
		return err_set(why, -EOPNOTSUPP,
			       "this kernel has no autogroups (CONFIG_SCHED_AUTOGROUP)");
	return 0;
}

static bool is_default(const void *opts)
{
	return !((const struct autogroup_opts *)opts)->nice;
}

static bool needs_journal(const void *opts)
{
	return true;
}

static int refuse(const struct autogroup *group, int64_t nice, int code, struct err *err)
{
	if (code == -EPERM || code == -EACCES)
		return err_set(
			err, code,
			"autogroup.nice=%d refused: %s has %d, and less needs CAP_SYS_NICE or "
			"RLIMIT_NICE >= %d; the leader's file must be writable, too",
			(int)nice, group->name, group->nice, 20 - (int)nice);
	if (code == -EAGAIN)
		return err_set(err, code,
			       "autogroup.nice refused: the kernel takes such a change ten times "
			       "a second from all users together; try again");
	return code;
}

static bool has_ended(pid_t pid)
{
	char path[64], state[32];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	return !kernel_file_line(path, "State:", state, sizeof(state)) || strchr("ZX", *state);
}

/* Can the group be reached by its session's leader for as long as it lasts? */
static bool is_led(pid_t session, const struct autogroup *own)
{
	struct autogroup leader;

	return session > 0 && read_group(session, &leader) && !strcmp(own->name, leader.name) &&
	       !has_ended(session);
}

static int apply(const struct target *t, const void *opts, struct err *err)
{
	const struct autogroup_opts *o = opts;
	struct autogroup own;
	pid_t session = getsid(0);
	char path[64], text[16], effective[64];
	int rc;

	if (!read_group(0, &own))
		return probe(err);
	if (own.nice == o->nice)
		return 0;
	if (!is_led(session, &own))
		return err_set(err, -EOPNOTSUPP,
			       "autogroup.nice refused: the leader of this session (pid %d) has "
			       "ended or is outside of this container, so nobody could put %s back",
			       session, own.name);
	snprintf(path, sizeof(path), "/proc/%d/autogroup", session);
	snprintf(text, sizeof(text), "%d", (int)o->nice);
	rc = journal_write(t->journal, path, text, effective, sizeof(effective), err);
	return rc ? refuse(&own, o->nice, rc, err) : 0;
}

static int read_back(const struct target *t, void *opts, struct err *err)
{
	struct autogroup own;

	if (!read_group(0, &own))
		return probe(err);
	*(struct autogroup_opts *)opts = (struct autogroup_opts){ .nice = own.nice };
	return 0;
}

static void explain(const struct target *t, const void *requested, const void *effective,
		    struct verdict_report *report)
{
	struct autogroup own;

	if (report->verdict != VERDICT_OK || !read_group(0, &own))
		return;
	if (kernel_file_number(SWITCH, 0) != 1) {
		report->verdict = VERDICT_VACUOUS;
		snprintf(report->why, sizeof(report->why),
			 "kernel.sched_autogroup_enabled is 0: sessions do not count");
	} else if (in_cpu_group(0)) {
		report->verdict = VERDICT_VACUOUS;
		snprintf(report->why, sizeof(report->why),
			 "this process is in a cpu cgroup, which counts instead of its session");
	} else {
		snprintf(report->why, sizeof(report->why),
			 "of the whole session (%s), until this process ends", own.name);
	}
}

const struct tunable tunable_autogroup = {
	.group = { .name = "autogroup",
		   .help = "the session as the scheduler sees it, sched(7)",
		   .knobs = knobs,
		   .opts_size = sizeof(struct autogroup_opts) },
	.scope = SCOPE_PROCESS,
	.needs_journal = needs_journal,
	.probe = probe,
	.is_default = is_default,
	.apply = apply,
	.read_back = read_back,
	.explain = explain,
};
