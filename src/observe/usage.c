/*
 * usage.c - see usage.h. /proc/thread-self/schedstat and the first line of /proc/stat: proc(5).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "observe/usage.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"

static int64_t read_run_delay(void)
{
	FILE *f AUTO(auto_fclose) = fopen("/proc/thread-self/schedstat", "re");
	int64_t running, delay;

	return f && fscanf(f, "%" SCNd64 " %" SCNd64, &running, &delay) == 2 ? delay : -1;
}

void usage_read(struct usage *u)
{
	u->run_delay_ns = read_run_delay();
	u->wall_ns = clock_now_ns();
	u->cpu_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

static double share(int64_t part, int64_t whole)
{
	return part > 0 && whole > 0 ? (double)part / whole : 0;
}

struct usage_shares usage_between(const struct usage *from, const struct usage *to, int64_t idle_ns)
{
	int64_t wall = to->wall_ns - from->wall_ns;
	struct usage_shares s = { .run_delay = -1 };

	s.busy = share(to->cpu_ns - from->cpu_ns - idle_ns, wall);
	if (from->run_delay_ns >= 0 && to->run_delay_ns >= 0)
		s.run_delay = share(to->run_delay_ns - from->run_delay_ns, wall);
	return s;
}

/* user nice system idle iowait irq softirq steal; guest time is contained in user. */
void machine_usage_read(struct machine_usage *u)
{
	FILE *f AUTO(auto_fclose) = fopen("/proc/stat", "re");
	uint64_t ticks[8];
	int read = 0;

	*u = (struct machine_usage){ 0 };
	if (!f || fscanf(f, "cpu"))
		return;
	while (read < 8 && fscanf(f, "%" SCNu64, &ticks[read]) == 1)
		u->total += ticks[read++];
	u->steal = read == 8 ? ticks[7] : 0;
}

double machine_usage_steal(const struct machine_usage *from, const struct machine_usage *to)
{
	if (to->total <= from->total || to->steal < from->steal)
		return 0;
	return (double)(to->steal - from->steal) / (double)(to->total - from->total);
}
