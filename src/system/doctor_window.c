/*
 * doctor_window.c - see doctor_window.h. Files are read before and after a spin, and subtracted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/doctor_window.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "system/machine.h"

enum { PROCESSES_MAX = 8192, IRQS_MAX = 1024 };

void spin_watch(int64_t (*now)(void *context), void *context, int64_t window_ns, struct spin *ret)
{
	int64_t begin_ns = now(context), last_ns = begin_ns;

	*ret = (struct spin){ 0 };
	do {
		int64_t at_ns = now(context), gap_ns = at_ns - last_ns;

		last_ns = at_ns;
		if (gap_ns <= SPIN_GAP_NS)
			continue;
		ret->gaps++;
		ret->lost_ns += gap_ns;
		if (gap_ns > ret->longest_ns)
			ret->longest_ns = gap_ns;
	} while (last_ns - begin_ns < window_ns);
	ret->window_ns = last_ns - begin_ns;
}

static int64_t read_clock(void *context)
{
	(void)context;
	return clock_now_ns();
}

/* Totals since boot, as the files have them. */
struct snapshot {
	uint64_t all_ticks, steal_ticks;
	unsigned process_count, irq_count;
	struct process_use *processes;
	struct irq_use *irqs;
};

static void auto_snapshot(struct snapshot *s)
{
	free(s->processes);
	free(s->irqs);
}

/* proc_stat(5): user nice system idle iowait irq softirq steal; what follows is counted in them. */
static void read_cpu_times(const char *root, struct snapshot *s)
{
	char line[256], *at = line;

	if (!machine_find(root, "/proc/stat", "cpu", line, sizeof(line)))
		return;
	for (int field = 0; field < 8; field++) {
		uint64_t ticks = strtoull(at, &at, 10);

		s->all_ticks += ticks;
		if (field == 7)
			s->steal_ticks = ticks;
	}
}

/* proc_pid_stat(5): "pid (name) state ..."; the times are fields 14 and 15. Names may hold ")". */
static bool read_process(const char *root, int pid, struct process_use *ret)
{
	char path[64], line[512], *open, *end;
	unsigned long user = 0, system = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (!machine_read(root, path, line, sizeof(line)) || !(open = strchr(line, '(')) ||
	    !(end = strrchr(line, ')')) ||
	    sscanf(end + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu", &user,
		   &system) != 2)
		return false;
	*ret = (struct process_use){ .pid = pid, .ticks = user + system };
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)(end - open - 1), open + 1);
	return true;
}

static void read_processes(const char *root, struct snapshot *s)
{
	char path[PATH_MAX];
	AUTO(auto_closedir) DIR *dir = NULL;
	const struct dirent *entry;

	snprintf(path, sizeof(path), "%s/proc", root);
	dir = opendir(path);
	while (dir && s->process_count < PROCESSES_MAX && (entry = readdir(dir))) {
		int pid = atoi(entry->d_name);

		if (pid > 0 && (*root || pid != getpid()) &&
		    read_process(root, pid, &s->processes[s->process_count]))
			s->process_count++;
	}
}

/* A line of proc_interrupts(5): " 24:   100   0  PCI-MSI 1-edge  eth0"; NULL: not of a device. */
static const char *read_irq(char *line, const cpu_set_t *planned, unsigned cpus,
			    const unsigned short *order, struct irq_use *ret)
{
	char *at;

	ret->number = (int)strtol(line, &at, 10);
	if (*at++ != ':')
		return NULL;
	for (unsigned i = 0; i < cpus; i++) {
		uint64_t count = strtoull(at, &at, 10);

		if (CPU_ISSET(order[i], planned))
			ret->planned += count;
	}
	at[strcspn(at, "\n")] = '\0';
	return strrchr(at, ' ') ? strrchr(at, ' ') + 1 : at;
}

/* The head of the table: "   CPU0   CPU1". */
static unsigned read_columns(char *line, unsigned short *order)
{
	unsigned count = 0;

	for (char *at = strstr(line, "CPU"); at && count < CPU_SETSIZE; at = strstr(at, "CPU"))
		order[count++] = (unsigned short)(strtoul(at + 3, &at, 10) % CPU_SETSIZE);
	return count;
}

static void read_irqs(const char *root, const cpu_set_t *planned, struct snapshot *s)
{
	AUTO(auto_fclose) FILE *file = machine_open(root, "/proc/interrupts");
	AUTO(auto_free) char *line = NULL;
	unsigned short order[CPU_SETSIZE];
	unsigned columns = 0;
	size_t size = 0;

	if (file && getline(&line, &size, file) > 0)
		columns = read_columns(line, order);
	while (columns && s->irq_count < IRQS_MAX && getline(&line, &size, file) > 0) {
		struct irq_use irq = { 0 };
		const char *name = read_irq(line, planned, columns, order, &irq);

		if (!name)
			continue;
		snprintf(irq.name, sizeof(irq.name), "%s", name);
		s->irqs[s->irq_count++] = irq;
	}
}

static int snapshot_take(const char *root, const cpu_set_t *planned, struct snapshot *ret)
{
	ret->processes = calloc(PROCESSES_MAX, sizeof(*ret->processes));
	ret->irqs = calloc(IRQS_MAX, sizeof(*ret->irqs));
	if (!ret->processes || !ret->irqs)
		return -ENOMEM;
	read_cpu_times(root, ret);
	read_processes(root, ret);
	read_irqs(root, planned, ret);
	return 0;
}

static int compare_uses(const void *a, const void *b)
{
	const struct process_use *p = a, *q = b;

	return p->ticks < q->ticks ? 1 : p->ticks > q->ticks ? -1 : p->pid - q->pid;
}

static uint64_t ticks_before(const struct snapshot *s, int pid)
{
	for (unsigned i = 0; i < s->process_count; i++)
		if (s->processes[i].pid == pid)
			return s->processes[i].ticks;
	return 0; /* new: all of it was in the window */
}

static uint64_t irqs_before(const struct snapshot *s, int number)
{
	for (unsigned i = 0; i < s->irq_count; i++)
		if (s->irqs[i].number == number)
			return s->irqs[i].planned;
	return 0;
}

/* Keeps of `after`, whose lists it takes over, what came on top of `before`. */
static void subtract(const struct snapshot *before, struct snapshot *after, struct doctor_window *w)
{
	w->all_ticks = after->all_ticks - before->all_ticks;
	w->steal_ticks = after->steal_ticks - before->steal_ticks;
	w->processes = after->processes;
	w->process_count = after->process_count;
	w->irqs = after->irqs;
	w->irq_count = after->irq_count;
	for (unsigned i = 0; i < w->process_count; i++)
		w->processes[i].ticks -= ticks_before(before, w->processes[i].pid);
	for (unsigned i = 0; i < w->irq_count; i++)
		w->irqs[i].planned -= irqs_before(before, w->irqs[i].number);
	qsort(w->processes, w->process_count, sizeof(*w->processes), compare_uses);
	*after = (struct snapshot){ 0 };
}

int doctor_window_watch(const struct doctor_request *r, struct doctor_window **ret, struct err *err)
{
	AUTO(auto_snapshot) struct snapshot before = { 0 }, after = { 0 };
	struct doctor_window *w = calloc(1, sizeof(*w));
	int rc = w ? snapshot_take(r->root, &r->planned, &before) : -ENOMEM;

	if (!rc && !*r->root)
		spin_watch(read_clock, NULL, r->window_ns, &w->spin);
	if (!rc)
		rc = snapshot_take(r->later ? r->later : r->root, &r->planned, &after);
	if (rc) {
		free(w);
		return err_sys(err, rc, "watching this machine");
	}
	subtract(&before, &after, w);
	*ret = w;
	return 0;
}

void doctor_window_free(struct doctor_window *w)
{
	if (!w)
		return;
	free(w->processes);
	free(w->irqs);
	free(w);
}
