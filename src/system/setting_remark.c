/*
 * setting_remark.c - values that the kernel takes and that then do less than it seems.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <inttypes.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "system/kernel_file.h"
#include "system/kernel_value.h"
#include "system/setting.h"

static void remark(struct verdict_report *report, enum verdict verdict, const char *sentence)
{
	report->verdict = verdict;
	snprintf(report->why, sizeof(report->why), "%s", sentence);
}

/* Is there a function of this name in the running kernel? */
static bool kernel_has(const char *function)
{
	AUTO(auto_fclose) FILE *file = fopen("/proc/kallsyms", "re");
	char line[512], name[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%*s %*s %255s", name) == 1 && !strcmp(name, function))
			return true;
	return false;
}

/* Since Linux 6.12 a deadline server serves ordinary threads, whatever the throttling says. */
void setting_remark_rt_runtime(const struct setting_change *c, struct verdict_report *report)
{
	if (!strcmp(c->wanted, "-1") && report->verdict == VERDICT_OK &&
	    kernel_has("fair_server_init"))
		remark(report, VERDICT_VACUOUS,
		       "real-time threads still do not get 100 %: this kernel's fair server keeps "
		       "5 % of each CPU for ordinary ones (debugfs sched/fair_server)");
}

void setting_remark_fastopen(const struct setting_change *c, struct verdict_report *report)
{
	if (report->verdict == VERDICT_OK && !(strtol(c->wanted, NULL, 0) & 2))
		remark(report, VERDICT_OK,
		       "bit 2 (server) is not set: TCP_FASTOPEN of a listening socket "
		       "does nothing");
}

/* Any device with queues of packets to poll? */
static bool has_real_device(void)
{
	DIR *dir = opendir("/sys/class/net");
	struct dirent *entry;
	char path[300];
	bool found = false;

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/type", entry->d_name);
		if (*entry->d_name != '.' &&
		    kernel_file_number(path, ARPHRD_LOOPBACK) != ARPHRD_LOOPBACK)
			found = true;
	}
	if (dir)
		closedir(dir);
	return found;
}

void setting_remark_busy_poll(const struct setting_change *c, struct verdict_report *report)
{
	if (report->verdict != VERDICT_OK || !strcmp(c->wanted, "0"))
		return;
	if (has_real_device())
		remark(report, VERDICT_OK,
		       "loopback has no NAPI: its connections are not polled for");
	else
		remark(report, VERDICT_VACUOUS,
		       "loopback is the only device and has no NAPI: no effect");
}

void setting_remark_unused(const struct setting_change *c, struct verdict_report *report)
{
	(void)c;
	if (report->verdict == VERDICT_OK)
		remark(report, VERDICT_VACUOUS,
		       "the kernel keeps this value and never looks at it");
}

/* What is allowed is not where it goes: one CPU takes it, and the file beside says which. */
void setting_remark_irq(const struct setting_change *c, struct verdict_report *report)
{
	char path[300], effective[64];
	const char *slash = strrchr(c->path, '/');

	snprintf(path, sizeof(path), "%.*s/effective_affinity_list", (int)(slash - c->path),
		 c->path);
	if (report->verdict != VERDICT_OK || !kernel_value_same(report->effective, c->wanted) ||
	    !kernel_file_read(path, effective, sizeof(effective)) ||
	    kernel_value_same(effective, c->wanted))
		return;
	snprintf(report->why, sizeof(report->why), "allowed %.64s, and goes to CPU %s", c->wanted,
		 effective);
}

/* The longest way out of any idle state of the first CPU, -1: there are no idle states. */
static int64_t longest_latency_us(void)
{
	int64_t longest = -1, latency;
	char path[96];

	for (int state = 0; state < 16; state++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cpuidle/state%d/latency",
			 state);
		latency = kernel_file_number(path, -1);
		if (latency > longest)
			longest = latency;
	}
	return longest;
}

void setting_remark_latency(const struct setting_change *c, struct verdict_report *report)
{
	int64_t longest_us = longest_latency_us();
	/* In the files of single CPUs 0 is "no limit" and "n/a" is 0 microseconds. */
	bool is_none = !c->setting->is_held && !strcmp(c->wanted, "0");

	if (report->verdict != VERDICT_OK || is_none)
		return;
	if (longest_us < 0) {
		remark(report, VERDICT_VACUOUS,
		       "no cpuidle driver: the request has no effect on this machine");
	} else if (strtoll(c->wanted, NULL, 10) >= longest_us) {
		report->verdict = VERDICT_VACUOUS;
		snprintf(report->why, sizeof(report->why),
			 "no idle state takes longer than %" PRId64 " us to leave: no effect",
			 longest_us);
	}
}

void setting_remark_hugepages(const struct setting_change *c, struct verdict_report *report)
{
	if (report->verdict == VERDICT_CLAMPED)
		snprintf(
			report->why, sizeof(report->why),
			"the kernel found memory for %.32s of %.32s huge pages: the rest is in use "
			"or in pieces",
			report->effective, c->wanted);
}
