/*
 * process.c - see process.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "observe/process.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* A thread that used less of its process's CPU time does not work. */
#define WORK_LEAST 0.01

static int add_task(struct process_sample *s, unsigned *room, const struct task *t)
{
	if (s->count == *room) {
		unsigned more = *room ? 2 * *room : 16;
		struct task *tasks = realloc(s->tasks, more * sizeof(*tasks));

		if (!tasks)
			return -ENOMEM;
		s->tasks = tasks;
		*room = more;
	}
	s->tasks[s->count++] = *t;
	return 0;
}

int process_sample_take(pid_t pid, struct process_sample *ret)
{
	AUTO(auto_closedir) DIR *dir = NULL;
	struct process_sample s = { .at_ns = clock_now_ns() };
	const struct dirent *entry;
	unsigned room = 0;
	char path[64];
	int rc = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && rc == 0 && (entry = readdir(dir))) {
		pid_t tid = atoi(entry->d_name);
		struct task t;

		if (tid > 0 && task_read(pid, tid, &t))
			rc = add_task(&s, &room, &t);
	}
	if (rc == 0 && s.count) {
		*ret = s;
		return 0;
	}
	process_sample_finish(&s);
	return rc < 0 ? rc : -ESRCH;
}

void process_sample_finish(struct process_sample *s)
{
	free(s->tasks);
	*s = (struct process_sample){ 0 };
}

static const struct task *find_task(const struct process_sample *s, const struct task *like)
{
	for (unsigned i = 0; i < s->count; i++)
		if (s->tasks[i].tid == like->tid && s->tasks[i].born == like->born)
			return &s->tasks[i];
	return NULL;
}

static int change_init(struct process_change *c, unsigned count, int64_t window_ns)
{
	*c = (struct process_change){ .window_ns = window_ns };
	CPU_ZERO(&c->cpus);
	c->tasks = calloc(count + 1, sizeof(*c->tasks));
	return c->tasks ? 0 : -ENOMEM;
}

static void change_add(struct process_change *c, const struct task *from, const struct task *to)
{
	struct task *t = &c->tasks[c->count++];

	task_between(from, to, t);
	task_add(&c->total, t);
	if (t->has_cpus)
		CPU_OR(&c->cpus, &c->cpus, &t->allowed);
}

int process_between(const struct process_sample *from, const struct process_sample *to,
		    struct process_change *ret)
{
	unsigned survivors = 0;
	int rc = change_init(ret, to->count, to->at_ns - from->at_ns);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < to->count; i++) {
		const struct task *before = find_task(from, &to->tasks[i]);

		change_add(ret, before, &to->tasks[i]);
		survivors += before != NULL;
	}
	ret->ended = from->count - survivors;
	return 0;
}

int process_of_tasks(const struct task *from, const struct task *to, unsigned count,
		     int64_t window_ns, struct process_change *ret)
{
	int rc = change_init(ret, count, window_ns);

	for (unsigned i = 0; i < count && rc == 0; i++)
		change_add(ret, &from[i], &to[i]);
	return rc;
}

void process_change_finish(struct process_change *c)
{
	free(c->tasks);
	*c = (struct process_change){ 0 };
}

cpu_set_t process_working_cpus(const struct process_change *c)
{
	double least = WORK_LEAST * (double)c->total.count[TASK_CPU_NS];
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	for (unsigned i = 0; i < c->count; i++)
		if (c->tasks[i].has_cpus && (double)c->tasks[i].count[TASK_CPU_NS] > least)
			CPU_OR(&cpus, &cpus, &c->tasks[i].allowed);
	return CPU_COUNT(&cpus) ? cpus : c->cpus;
}
