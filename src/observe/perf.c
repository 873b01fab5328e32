/*
 * perf.c - see perf.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "observe/perf.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "system/kernel_file.h"

#define PARANOID "/proc/sys/kernel/perf_event_paranoid"

const char *const perf_event_names[PERF_EVENTS] = {
	[PERF_CYCLES] = "cycles",
	[PERF_INSTRUCTIONS] = "instructions",
	[PERF_CACHE_MISSES] = "cache_misses",
	[PERF_BRANCH_MISSES] = "branch_misses",
	[PERF_MIGRATIONS] = "migrations",
	[PERF_SWITCHES] = "switches",
};

static const struct {
	uint32_t type;
	uint64_t config;
} codes[PERF_EVENTS] = {
	[PERF_CYCLES] = { PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
	[PERF_INSTRUCTIONS] = { PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS },
	[PERF_CACHE_MISSES] = { PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES },
	[PERF_BRANCH_MISSES] = { PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES },
	[PERF_MIGRATIONS] = { PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS },
	[PERF_SWITCHES] = { PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES },
};

bool perf_event_is_hardware(enum perf_event e)
{
	return codes[e].type == PERF_TYPE_HARDWARE;
}

int perf_event_start(enum perf_event e, pid_t tid, bool user_only)
{
	struct perf_event_attr attr = {
		.type = codes[e].type,
		.size = sizeof(attr),
		.config = codes[e].config,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
		.inherit = 1,
		.exclude_kernel = user_only,
		.exclude_hv = user_only,
	};
	long fd = syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

int64_t perf_event_read(int fd)
{
	struct {
		uint64_t value, enabled_ns, running_ns;
	} r;
	ssize_t n = read(fd, &r, sizeof(r));

	if (n != (ssize_t)sizeof(r))
		return n < 0 ? -errno : -EIO;
	if (r.running_ns && r.running_ns < r.enabled_ns)
		return (int64_t)((double)r.value * (double)r.enabled_ns / (double)r.running_ns);
	return (int64_t)r.value;
}

/* Every PMU of a processor announces itself as cpu, cpu_core, armv8_pmuv3_0 ... with this file. */
static bool machine_has_pmu(void)
{
	return access("/sys/bus/event_source/devices/cpu", F_OK) == 0 ||
	       access("/sys/bus/event_source/devices/cpu_core", F_OK) == 0 ||
	       access("/sys/bus/event_source/devices/armv8_pmuv3_0", F_OK) == 0;
}

const char *perf_event_refusal(enum perf_event e, int code, char *buf, size_t size)
{
	int64_t paranoid = kernel_file_number(PARANOID, -1);

	if ((code == -EACCES || code == -EPERM) && paranoid > 1 && !perf_event_is_hardware(e))
		snprintf(buf, size,
			 "perf_event_paranoid is %d: a user may count only outside the kernel, "
			 "where this count is always 0; needs CAP_PERFMON",
			 (int)paranoid);
	else if (code == -EACCES || code == -EPERM)
		snprintf(buf, size,
			 "not allowed: needs CAP_PERFMON or perf_event_paranoid below 3 (now %d)",
			 (int)paranoid);
	else if ((code == -ENOENT || code == -EOPNOTSUPP) && !machine_has_pmu())
		snprintf(buf, size,
			 "no PMU: this machine, mostly a virtual one, has none or does "
			 "not show it");
	else if (code == -ENOENT || code == -EOPNOTSUPP)
		snprintf(buf, size, "the processor's PMU does not count this");
	else if (code == -ENOSYS)
		snprintf(buf, size, "this kernel has no perf_event_open");
	else
		snprintf(buf, size, "perf_event_open: %s", strerror(-code));
	return buf;
}

/* Without the kernel only where a count without it means something. */
static int start(struct perf_counts *c, enum perf_event e, pid_t tid)
{
	int fd = perf_event_start(e, tid, c->user_only);

	if ((fd == -EACCES || fd == -EPERM) && perf_event_is_hardware(e) && !c->count) {
		c->user_only = true;
		fd = perf_event_start(e, tid, true);
	}
	return fd;
}

void perf_session_start(struct perf_session *s, enum perf_event e, const pid_t *tids,
			unsigned count)
{
	struct perf_counts *c = &s->event[e];
	int fd = 0;

	*c = (struct perf_counts){ .wanted = true };
	if (count > PERF_THREADS) {
		snprintf(c->why, sizeof(c->why), "%u threads; at most %d are counted", count,
			 PERF_THREADS);
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		fd = start(c, e, tids[i]);
		if (fd == -ESRCH)
			continue; /* it has just ended */
		if (fd < 0)
			break;
		c->fds[c->count++] = fd;
	}
	if (fd >= 0 || fd == -ESRCH)
		return;
	while (c->count)
		close(c->fds[--c->count]);
	perf_event_refusal(e, fd, c->why, sizeof(c->why));
}

int64_t perf_session_read(const struct perf_session *s, enum perf_event e)
{
	const struct perf_counts *c = &s->event[e];
	int64_t sum = 0;

	if (!c->wanted || !c->count)
		return -1;
	for (unsigned i = 0; i < c->count; i++) {
		int64_t value = perf_event_read(c->fds[i]);

		if (value < 0)
			return -1;
		sum += value;
	}
	return sum;
}

void perf_session_finish(struct perf_session *s)
{
	for (int e = 0; e < PERF_EVENTS; e++) {
		struct perf_counts *c = &s->event[e];

		while (c->count)
			close(c->fds[--c->count]);
		c->wanted = false;
	}
}
