/*
 * host.c - see host.h. The formats: proc(5), Documentation/accounting/psi.rst; the columns of
 * softnet_stat: softnet_seq_show() in net/core/net-procfs.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "observe/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "observe/proc_text.h"

#define CPUS_MAX 65536 /* a number beyond is no CPU's: the text is damaged */

const char *const pressure_names[PRESSURES] = { "cpu", "io", "memory" };
const char *const softnet_names[SOFTNETS] = { "processed", "dropped", "squeezed" };

void host_finish(struct host *m)
{
	free(m->cpu);
	free(m->softirq);
	*m = (struct host){ 0 };
}

static int make_room(struct host *m, unsigned cpus)
{
	struct cpu_time *cpu = m->cpu;

	if (cpus <= m->cpus)
		return 0;
	cpu = realloc(cpu, cpus * sizeof(*cpu));
	if (!cpu)
		return -ENOMEM;
	memset(cpu + m->cpus, 0, (cpus - m->cpus) * sizeof(*cpu));
	m->cpu = cpu;
	m->cpus = cpus;
	return 0;
}

/* user nice system idle iowait irq softirq steal; guest time is contained in user. */
static bool parse_ticks(const char *text, struct cpu_time *ret)
{
	int64_t ticks[8];

	for (int i = 0; i < 8; i++)
		if (!proc_text_count(&text, 10, &ticks[i]))
			return false;
	*ret = (struct cpu_time){ .is_there = true,
				  .busy = (uint64_t)(ticks[0] + ticks[1] + ticks[2]),
				  .idle = (uint64_t)(ticks[3] + ticks[4]),
				  .irq = (uint64_t)ticks[5],
				  .softirq = (uint64_t)ticks[6],
				  .steal = (uint64_t)ticks[7] };
	return true;
}

/* A CPU that is offline has no line. */
static int parse_cpu_line(const char *text, struct host *m)
{
	struct cpu_time t;
	int64_t number;

	text += strlen("cpu");
	if (*text == ' ' || !proc_text_count(&text, 10, &number) || number >= CPUS_MAX ||
	    !parse_ticks(text, &t))
		return 0;
	if (make_room(m, (unsigned)number + 1) < 0)
		return -ENOMEM;
	m->cpu[number] = t;
	return 0;
}

static int64_t count_behind(const char *text, const char *key)
{
	const char *at = proc_text_find(text, key);
	int64_t number;

	return at && proc_text_count(&at, 10, &number) ? number : HOST_UNKNOWN;
}

int host_parse_stat(const char *text, struct host *m)
{
	int rc = 0;

	for (const char *at = text; at && rc == 0; at = proc_text_next_line(at))
		if (!strncmp(at, "cpu", 3))
			rc = parse_cpu_line(at, m);
	m->interrupts = count_behind(text, "intr ");
	m->switches = count_behind(text, "ctxt ");
	m->forks = count_behind(text, "processes ");
	return rc;
}

/* "CPU0 CPU2": which CPU each column is. Returns how many. */
static unsigned parse_columns(const char *text, const struct host *m, unsigned *column)
{
	unsigned count = 0;

	while (count < m->cpus) {
		int64_t number;

		text += strspn(text, " ");
		if (strncmp(text, "CPU", 3))
			break;
		text += 3;
		if (!proc_text_count(&text, 10, &number) || number >= m->cpus)
			break;
		column[count++] = (unsigned)number;
	}
	return count;
}

static void parse_softirq(const char *text, struct host *m, const unsigned *column,
			  unsigned columns)
{
	size_t len;
	uint64_t *counts = m->softirq + (size_t)m->softirqs * m->cpus;
	int64_t count;

	text += strspn(text, " ");
	len = strcspn(text, ":\n");
	if (text[len] != ':' || !len || len >= HOST_NAME || m->softirqs == HOST_SOFTIRQS)
		return;
	memcpy(m->softirq_name[m->softirqs++], text, len);
	text += len + 1;
	for (unsigned i = 0; i < columns && proc_text_count(&text, 10, &count); i++)
		counts[column[i]] = (uint64_t)count;
}

/* After host_parse_stat(), which knows the CPUs. */
int host_parse_softirqs(const char *text, struct host *m)
{
	AUTO(auto_free) unsigned *column = calloc(m->cpus + 1, sizeof(*column));
	unsigned columns;

	m->softirq = calloc((size_t)HOST_SOFTIRQS * m->cpus + 1, sizeof(*m->softirq));
	if (!column || !m->softirq)
		return -ENOMEM;
	columns = parse_columns(text, m, column);
	while ((text = proc_text_next_line(text)))
		parse_softirq(text, m, column, columns);
	return 0;
}

/* One line a CPU, hexadecimal: processed, dropped, squeezed, ... */
void host_parse_softnet(const char *text, struct host *m)
{
	for (; text; text = proc_text_next_line(text)) {
		const char *at = text;
		int64_t count;

		for (int i = 0; i < SOFTNETS && proc_text_count(&at, 16, &count); i++)
			m->softnet[i] = (m->softnet[i] < 0 ? 0 : m->softnet[i]) + count;
	}
}

static int64_t pressure_total(const char *text, const char *key)
{
	const char *at = proc_text_find(text, key);
	int64_t total = HOST_UNKNOWN;

	if (at && proc_text_skip(&at, 3)) {
		at += strspn(at, " ");
		if (!strncmp(at, "total=", 6)) {
			at += 6;
			proc_text_count(&at, 10, &total);
		}
	}
	return total;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0", then "full ...", which old kernels lack. */
void host_parse_pressure(const char *text, int64_t *some_us, int64_t *full_us)
{
	*some_us = pressure_total(text, "some ");
	*full_us = pressure_total(text, "full ");
}

static void nothing_known(struct host *m)
{
	*m = (struct host){ .interrupts = HOST_UNKNOWN,
			    .switches = HOST_UNKNOWN,
			    .forks = HOST_UNKNOWN };
	for (int i = 0; i < SOFTNETS; i++)
		m->softnet[i] = HOST_UNKNOWN;
	for (int i = 0; i < PRESSURES; i++)
		m->some_us[i] = m->full_us[i] = HOST_UNKNOWN;
}

static int take(const char *path, int (*parse)(const char *text, struct host *m), struct host *m)
{
	AUTO(auto_free) char *text = proc_text_all(path);

	return text ? parse(text, m) : 0;
}

int host_sample_take(struct host *ret)
{
	AUTO(auto_free) char *softnet = NULL;
	char path[64], text[512];
	struct host m;
	int rc;

	nothing_known(&m);
	m.at_ns = clock_now_ns();
	rc = take("/proc/stat", host_parse_stat, &m);
	if (rc == 0)
		rc = take("/proc/softirqs", host_parse_softirqs, &m);
	if (rc < 0) {
		host_finish(&m);
		return rc;
	}
	softnet = proc_text_all("/proc/net/softnet_stat");
	if (softnet)
		host_parse_softnet(softnet, &m);
	for (int i = 0; i < PRESSURES; i++) {
		snprintf(path, sizeof(path), "/proc/pressure/%s", pressure_names[i]);
		if (proc_text_read(path, text, sizeof(text)))
			host_parse_pressure(text, &m.some_us[i], &m.full_us[i]);
	}
	*ret = m;
	return 0;
}

static int64_t difference(int64_t from, int64_t to)
{
	return from < 0 || to < 0 ? HOST_UNKNOWN : to > from ? to - from : 0;
}

static uint64_t added(uint64_t from, uint64_t to)
{
	return to > from ? to - from : 0;
}

/* iowait may go backwards: proc(5); and a CPU may come or go. */
static struct cpu_time ticks_between(const struct cpu_time *from, const struct cpu_time *to)
{
	if (!from->is_there || !to->is_there)
		return (struct cpu_time){ 0 };
	return (struct cpu_time){ .is_there = true,
				  .busy = added(from->busy, to->busy),
				  .idle = added(from->idle, to->idle),
				  .irq = added(from->irq, to->irq),
				  .softirq = added(from->softirq, to->softirq),
				  .steal = added(from->steal, to->steal) };
}

static void counts_between(const struct host *from, const struct host *to, struct host *m)
{
	m->interrupts = difference(from->interrupts, to->interrupts);
	m->switches = difference(from->switches, to->switches);
	m->forks = difference(from->forks, to->forks);
	for (int i = 0; i < SOFTNETS; i++)
		m->softnet[i] = difference(from->softnet[i], to->softnet[i]);
	for (int i = 0; i < PRESSURES; i++) {
		m->some_us[i] = difference(from->some_us[i], to->some_us[i]);
		m->full_us[i] = difference(from->full_us[i], to->full_us[i]);
	}
}

/* The kinds are the kernel's and in its order, so they are the same in both. */
static void softirqs_between(const struct host *from, const struct host *to, struct host *m)
{
	if (from->softirqs != to->softirqs || !from->softirq || !to->softirq)
		return;
	m->softirqs = to->softirqs;
	memcpy(m->softirq_name, to->softirq_name, sizeof(m->softirq_name));
	for (unsigned kind = 0; kind < m->softirqs; kind++)
		for (unsigned c = 0; c < m->cpus; c++)
			m->softirq[kind * m->cpus + c] = added(from->softirq[kind * from->cpus + c],
							       to->softirq[kind * to->cpus + c]);
}

int host_between(const struct host *from, const struct host *to, struct host *ret)
{
	struct host m = { .at_ns = to->at_ns - from->at_ns };
	unsigned cpus = from->cpus < to->cpus ? from->cpus : to->cpus;

	m.softirq = calloc((size_t)HOST_SOFTIRQS * cpus + 1, sizeof(*m.softirq));
	if (!m.softirq || make_room(&m, cpus) < 0) {
		host_finish(&m);
		return -ENOMEM;
	}
	for (unsigned c = 0; c < cpus; c++)
		m.cpu[c] = ticks_between(&from->cpu[c], &to->cpu[c]);
	counts_between(from, to, &m);
	softirqs_between(from, to, &m);
	*ret = m;
	return 0;
}

struct cpu_time host_cpu_time(const struct host *m, const cpu_set_t *cpus)
{
	struct cpu_time sum = { 0 };

	for (unsigned c = 0; c < m->cpus; c++) {
		const struct cpu_time *t = &m->cpu[c];

		if (!t->is_there || (cpus && (c >= CPU_SETSIZE || !CPU_ISSET(c, cpus))))
			continue;
		sum.is_there = true;
		sum.busy += t->busy;
		sum.idle += t->idle;
		sum.irq += t->irq;
		sum.softirq += t->softirq;
		sum.steal += t->steal;
	}
	return sum;
}

double cpu_time_share(const struct cpu_time *t, uint64_t part)
{
	uint64_t all = t->busy + t->idle + t->irq + t->softirq + t->steal;

	return all ? (double)part / (double)all : 0;
}

uint64_t host_softirq(const struct host *m, unsigned kind)
{
	uint64_t sum = 0;

	for (unsigned c = 0; c < m->cpus; c++)
		sum += m->softirq[kind * m->cpus + c];
	return sum;
}
