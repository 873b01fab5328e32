/*
 * foreign_watch.c - who used CPU time beside node and client, and whose they are: see foreign.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab/foreign.h"
#include "observe/proc_text.h"
#include "observe/process.h"

/* Where it may have run: anywhere, if it has ended meanwhile. */
static void find_cpus(pid_t pid, cpu_set_t *ret)
{
	struct process_sample s = { 0 };

	memset(ret, 0xff, sizeof(*ret));
	if (process_sample_take(pid, &s) < 0)
		return;
	for (unsigned i = 0; i < s.count; i++) {
		if (!i)
			CPU_ZERO(ret);
		CPU_OR(ret, ret, &s.tasks[i].allowed);
	}
	process_sample_finish(&s);
	if (!CPU_COUNT(ret))
		memset(ret, 0xff, sizeof(*ret));
}

static bool runs_program(pid_t pid, const struct stat *program)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return stat(path, &st) == 0 && st.st_dev == program->st_dev && st.st_ino == program->st_ino;
}

/* "ringwalk\0sweep\0...": its second word is the command. */
static bool is_sweep(pid_t pid)
{
	char path[64], text[512] = "";

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	return proc_text_read(path, text, sizeof(text) - 1) &&
	       !strcmp(text + strnlen(text, sizeof(text) - 2) + 1, "sweep");
}

/* A sweep beside this one, and what it has started, is a neighbour like any other. */
static bool is_ours(const struct census_process *p, const struct stat *program)
{
	if (p->is_kernel || p->pid == getpid())
		return true;
	if (!runs_program(p->pid, program))
		return false;
	if (p->parent == getpid())
		return true;
	return !is_sweep(p->pid) && !(runs_program(p->parent, program) && is_sweep(p->parent));
}

void foreign_watch_begin(struct foreign_watch *w)
{
	*w = (struct foreign_watch){ 0 };
	w->is_complete = census_take(&w->begin) == 0;
}

static void add(struct foreign_watch *w, const struct census_process *p, const struct stat *program)
{
	struct foreign_process *f = &w->processes[w->count++];

	f->is_ours = is_ours(p, program);
	f->cpu_ns = (int64_t)((double)p->ticks * 1e9 / (double)sysconf(_SC_CLK_TCK));
	find_cpus(p->pid, &f->cpus);
	memcpy(f->name, p->name, sizeof(f->name));
}

void foreign_watch_end(struct foreign_watch *w, const struct foreign_own *own)
{
	struct census now = { 0 };
	struct stat program;

	w->is_complete = w->is_complete && stat(own->program, &program) == 0 &&
			 census_take(&now) == 0 && census_between(&w->begin, &now, &w->change) == 0;
	census_finish(&now);
	if (w->is_complete)
		w->processes = calloc(w->change.count + 1, sizeof(*w->processes));
	w->is_complete = w->processes;
	for (unsigned i = 0; w->is_complete && i < w->change.count; i++)
		if (w->change.processes[i].pid != own->node)
			add(w, &w->change.processes[i], &program);
}

void foreign_watch_finish(struct foreign_watch *w)
{
	census_finish(&w->begin);
	census_finish(&w->change);
	free(w->processes);
	*w = (struct foreign_watch){ 0 };
}
