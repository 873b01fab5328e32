/*
 * census.c - see census.h. The fields of /proc/PID/stat: proc_pid_stat(5).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "observe/census.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "observe/proc_text.h"

#define KERNEL_THREAD 0x00200000 /* PF_KTHREAD of include/linux/sched.h */
#define STAT_TEXT     1024

/* A process's name is what somebody chose: any bytes. */
static void take_name(const char *from, const char *to, char ret[TASK_NAME])
{
	size_t len = (size_t)(to - from) < TASK_NAME ? (size_t)(to - from) : TASK_NAME - 1;

	for (size_t i = 0; i < len; i++)
		ret[i] = (char)(from[i] < ' ' || from[i] > '~' ? '?' : from[i]);
	ret[len] = '\0';
}

/*
 * "pid (name) state ppid ..." in which the name may hold anything, so the last bracket counts.
 * ppid is field 4, flags 9, utime 14, stime 15, starttime 22.
 */
bool census_parse(const char *text, struct census_process *ret)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')'), *at = close;
	int64_t pid, parent, flags, user, system, born;

	if (!open || !close || close < open)
		return false;
	open++;
	at++;
	if (!proc_text_count(&text, 10, &pid) || !proc_text_skip(&at, 1) ||
	    !proc_text_count(&at, 10, &parent) || !proc_text_skip(&at, 4) ||
	    !proc_text_count(&at, 10, &flags) || !proc_text_skip(&at, 4) ||
	    !proc_text_count(&at, 10, &user) || !proc_text_count(&at, 10, &system) ||
	    !proc_text_skip(&at, 6) || !proc_text_count(&at, 10, &born))
		return false;
	*ret = (struct census_process){ .pid = (pid_t)pid,
					.parent = (pid_t)parent,
					.born = (uint64_t)born,
					.ticks = (uint64_t)(user + system),
					.is_kernel = flags & KERNEL_THREAD };
	take_name(open, close, ret->name);
	return true;
}

static int add(struct census *c, unsigned *room, const struct census_process *p)
{
	if (c->count == *room) {
		unsigned more = *room ? 2 * *room : 256;
		struct census_process *processes = realloc(c->processes, more * sizeof(*processes));

		if (!processes)
			return -ENOMEM;
		c->processes = processes;
		*room = more;
	}
	c->processes[c->count++] = *p;
	return 0;
}

static int by_pid(const void *a, const void *b)
{
	const struct census_process *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static bool read_process(const char *name, struct census_process *ret)
{
	char path[64], text[STAT_TEXT];

	if (*name < '1' || *name > '9')
		return false;
	snprintf(path, sizeof(path), "/proc/%.20s/stat", name);
	return proc_text_read(path, text, sizeof(text)) && census_parse(text, ret);
}

int census_take(struct census *ret)
{
	AUTO(auto_closedir) DIR *dir = opendir("/proc");
	struct census c = { 0 };
	const struct dirent *entry;
	unsigned room = 0;
	int rc = 0;

	while (dir && rc == 0 && (entry = readdir(dir))) {
		struct census_process p;

		if (read_process(entry->d_name, &p))
			rc = add(&c, &room, &p);
	}
	if (rc < 0) {
		census_finish(&c);
		return rc;
	}
	if (c.count)
		qsort(c.processes, c.count, sizeof(*c.processes), by_pid);
	*ret = c;
	return 0;
}

/* 0: it was not there yet. */
static uint64_t ticks_before(const struct census *from, const struct census_process *p)
{
	const struct census_process *before =
		from->count ? bsearch(p, from->processes, from->count, sizeof(*p), by_pid) : NULL;

	return before && before->born == p->born ? before->ticks : 0;
}

int census_between(const struct census *from, const struct census *to, struct census *ret)
{
	struct census c = { 0 };
	unsigned room = 0;

	for (unsigned i = 0; i < to->count; i++) {
		struct census_process p = to->processes[i];
		uint64_t before = ticks_before(from, &p);

		if (p.ticks <= before)
			continue;
		p.ticks -= before;
		if (add(&c, &room, &p) < 0) {
			census_finish(&c);
			return -ENOMEM;
		}
	}
	*ret = c;
	return 0;
}

void census_finish(struct census *c)
{
	free(c->processes);
	*c = (struct census){ 0 };
}
