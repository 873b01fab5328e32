/*
 * task.c - see task.h. The formats: proc(5); schedstat in Documentation/scheduler/sched-stats.rst.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "observe/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cpus.h"
#include "observe/proc_text.h"

/* status is the longest that is read to its end: sched is longer, but what counts comes first. */
#define FILE_TEXT 4096

const char *const task_counter_names[TASK_COUNTERS] = {
	[TASK_CPU_NS] = "cpu_ns",
	[TASK_RUN_DELAY_NS] = "run_delay_ns",
	[TASK_VOLUNTARY] = "voluntary_switches",
	[TASK_INVOLUNTARY] = "involuntary_switches",
	[TASK_MIGRATIONS] = "migrations",
	[TASK_MINOR_FAULTS] = "minor_faults",
	[TASK_MAJOR_FAULTS] = "major_faults",
};

void task_init(struct task *t, pid_t tid)
{
	*t = (struct task){ .tid = tid, .cpu = TASK_UNKNOWN };
	for (int i = 0; i < TASK_COUNTERS; i++)
		t->count[i] = TASK_UNKNOWN;
}

static void take_name(struct task *t, const char *from, const char *to)
{
	size_t len = (size_t)(to - from) < TASK_NAME ? (size_t)(to - from) : TASK_NAME - 1;

	memcpy(t->name, from, len);
	t->name[len] = '\0';
}

/*
 * "tid (name) state ppid ..." in which the name may hold anything, blanks and brackets too, so the
 * last bracket counts. Fields are numbered as in proc(5): minflt 10, majflt 12, starttime 22,
 * processor 39.
 */
bool task_parse_stat(const char *text, struct task *t)
{
	const char *open = strchr(text, '('), *at = strrchr(text, ')');
	int64_t minor, major, born, cpu;

	if (!open || !at || at < open)
		return false;
	take_name(t, open + 1, at++);
	if (!proc_text_skip(&at, 7) || !proc_text_count(&at, 10, &minor) ||
	    !proc_text_skip(&at, 1) || !proc_text_count(&at, 10, &major) ||
	    !proc_text_skip(&at, 9) || !proc_text_count(&at, 10, &born) ||
	    !proc_text_skip(&at, 16) || !proc_text_count(&at, 10, &cpu))
		return false;
	t->count[TASK_MINOR_FAULTS] = minor;
	t->count[TASK_MAJOR_FAULTS] = major;
	t->born = (uint64_t)born;
	t->cpu = cpu < CPU_SETSIZE ? (int)cpu : TASK_UNKNOWN;
	return true;
}

/* Time on a CPU, time waiting for one, number of slices. */
bool task_parse_schedstat(const char *text, struct task *t)
{
	int64_t cpu, delay, slices;

	if (!proc_text_count(&text, 10, &cpu) || !proc_text_count(&text, 10, &delay) ||
	    !proc_text_count(&text, 10, &slices))
		return false;
	t->count[TASK_CPU_NS] = cpu;
	t->count[TASK_RUN_DELAY_NS] = delay;
	return true;
}

static void take_line(const char *text, const char *key, int64_t *ret)
{
	const char *at = proc_text_find(text, key);

	if (at)
		proc_text_count(&at, 10, ret);
}

void task_parse_status(const char *text, struct task *t)
{
	const char *cpus = proc_text_find(text, "Cpus_allowed_list:");

	take_line(text, "voluntary_ctxt_switches:", &t->count[TASK_VOLUNTARY]);
	take_line(text, "nonvoluntary_ctxt_switches:", &t->count[TASK_INVOLUNTARY]);
	CPU_ZERO(&t->allowed);
	if (cpus)
		cpus_read(cpus, &t->allowed);
	t->has_cpus = CPU_COUNT(&t->allowed) > 0;
}

void task_parse_sched(const char *text, struct task *t)
{
	take_line(text, "se.nr_migrations", &t->count[TASK_MIGRATIONS]);
}

bool task_read(pid_t pid, pid_t tid, struct task *ret)
{
	char path[64], text[FILE_TEXT];
	int at = snprintf(path, sizeof(path), "/proc/%d/task/%d/", pid, tid);
	struct task t;

	task_init(&t, tid);
	strcpy(path + at, "stat");
	if (!proc_text_read(path, text, sizeof(text)) || !task_parse_stat(text, &t))
		return false;
	strcpy(path + at, "schedstat");
	if (proc_text_read(path, text, sizeof(text)))
		task_parse_schedstat(text, &t);
	strcpy(path + at, "status");
	if (proc_text_read(path, text, sizeof(text)))
		task_parse_status(text, &t);
	strcpy(path + at, "sched");
	if (proc_text_read(path, text, sizeof(text)))
		task_parse_sched(text, &t);
	*ret = t;
	return true;
}

void task_read_self(struct task *ret)
{
	if (!task_read(getpid(), gettid(), ret))
		task_init(ret, gettid());
}

static int64_t difference(int64_t from, int64_t to)
{
	return from < 0 || to < 0 ? TASK_UNKNOWN : to > from ? to - from : 0;
}

void task_between(const struct task *from, const struct task *to, struct task *ret)
{
	struct task change = *to;

	for (int i = 0; from && i < TASK_COUNTERS; i++)
		change.count[i] = difference(from->count[i], to->count[i]);
	*ret = change;
}

void task_add(struct task *sum, const struct task *more)
{
	for (int i = 0; i < TASK_COUNTERS; i++)
		sum->count[i] = sum->count[i] < 0 || more->count[i] < 0
					? TASK_UNKNOWN
					: sum->count[i] + more->count[i];
}
