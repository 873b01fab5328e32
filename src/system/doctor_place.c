/*
 * doctor_place.c - the doctor on what this machine is, and what this process may take of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "system/doctor_checks.h"
#include "system/machine.h"

static void look_at_hypervisor(const struct doctor *d, struct finding *f)
{
	char vendor[64], product[64], type[64];

	machine_read(d->root, "/sys/class/dmi/id/sys_vendor", vendor, sizeof(vendor));
	machine_read(d->root, "/sys/class/dmi/id/product_name", product, sizeof(product));
	machine_read(d->root, "/sys/hypervisor/type", type, sizeof(type));
	if (machine_is_virtual(d->root) || *type)
		finding_say(f, SEVERITY_WARN, "a virtual machine%s%s%s%s%s%s", *type ? ", " : "",
			    type, *vendor ? ", " : "", vendor, *product ? " " : "", product);
	else if (machine_has(d->root, "/proc/cpuinfo"))
		finding_say(f, SEVERITY_OK, "no sign of a hypervisor%s%s%s%s", *vendor ? ": " : "",
			    vendor, *product ? " " : "", product);
	else
		finding_unknown(f, "/proc/cpuinfo cannot be read");
}

static void look_for_container(const struct doctor *d, struct finding *f)
{
	static const char *const marks[] = { "/.dockerenv", "/run/.containerenv",
					     "/run/systemd/container" };

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (machine_has(d->root, marks[i])) {
			finding_say(f, SEVERITY_NOTE, "inside a container (%s is there)", marks[i]);
			return;
		}
	finding_say(f, SEVERITY_OK, "no mark of a container");
}

/*
 * The folder of this process under a controller of version 1, or of version 2 (NULL), among the
 * lines "4:cpu,cpuacct:/path" of cgroups(7). A hybrid system mounts version 2 under "unified".
 */
static bool find_group(const char *root, const char *controller, char *buf, size_t size)
{
	AUTO(auto_fclose) FILE *file = machine_open(root, "/proc/self/cgroup");
	char line[PATH_MAX];

	while (file && fgets(line, sizeof(line), file)) {
		char *at = line, *controllers;

		strsep(&at, ":");
		controllers = strsep(&at, ":");
		if (!at || (controller ? !machine_has_word(controllers, controller) : *controllers))
			continue;
		at[strcspn(at, "\n")] = '\0';
		snprintf(buf, size, "/sys/fs/cgroup%s%s%s", *controllers ? "/" : "", controllers,
			 strcmp(at, "/") ? at : "");
		return true;
	}
	return false;
}

/* Version 2: "max 100000" or "20000 100000", of the group or of any above it. */
static bool find_quota_v2(const char *root, char *buf, size_t size)
{
	char group[PATH_MAX - 16], path[PATH_MAX], *slash;

	if (!find_group(root, NULL, group, sizeof(group)))
		return false;
	do {
		snprintf(path, sizeof(path), "%s/cpu.max", group);
		if (machine_read(root, path, buf, size) && strncmp(buf, "max", 3) != 0)
			return true;
		slash = strrchr(group, '/');
		*slash = '\0';
	} while (slash != group && strlen(group) >= strlen("/sys/fs/cgroup"));
	return false;
}

static bool find_quota_v1(const char *root, char *buf, size_t size)
{
	char group[PATH_MAX - 32], path[PATH_MAX];
	int64_t quota, period;

	if (!find_group(root, "cpu", group, sizeof(group)))
		return false;
	snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", group);
	quota = machine_number(root, path, -1);
	snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", group);
	period = machine_number(root, path, 100000);
	snprintf(buf, size, "%lld %lld", (long long)quota, (long long)period);
	return quota > 0;
}

static void look_at_quota(const struct doctor *d, struct finding *f)
{
	char text[64];
	double quota = 0, period = 0;

	if (!machine_has(d->root, "/proc/self/cgroup"))
		finding_unknown(f, "no /proc/self/cgroup");
	else if ((find_quota_v2(d->root, text, sizeof(text)) ||
		  find_quota_v1(d->root, text, sizeof(text))) &&
		 sscanf(text, "%lf %lf", &quota, &period) == 2 && period > 0)
		finding_say(f, SEVERITY_BAD,
			    "the cgroup gets %.2f CPUs: %.0f us in every %.0f us, then it stands "
			    "still",
			    quota / period, quota, period);
	else
		finding_say(f, SEVERITY_OK, "no CPU quota");
}

static void look_at_cpuset(const struct doctor *d, struct finding *f)
{
	char online_text[1024], own_text[1024], list[128];
	cpu_set_t online, own, missing;

	if (!machine_find(d->root, "/proc/self/status", "Cpus_allowed_list", own_text,
			  sizeof(own_text)) ||
	    !machine_read(d->root, "/sys/devices/system/cpu/online", online_text,
			  sizeof(online_text))) {
		finding_unknown(f, "no list of CPUs in /proc/self/status or /sys");
		return;
	}
	cpus_read(online_text, &online);
	cpus_read(own_text, &own);
	if (cpus_minus(&online, &own, &missing)) {
		cpus_write(&missing, list, sizeof(list));
		finding_say(f, SEVERITY_NOTE, "may run on cpus %.80s of %.80s, not on %.80s",
			    own_text, online_text, list);
	} else {
		finding_say(f, SEVERITY_OK, "may run on all CPUs (%.100s)", online_text);
	}
}

/* proc_pid_limits(5): "Max open files   1024   4096   files". -1: unlimited; -2: no such line. */
static int64_t read_limit(const char *root, const char *name)
{
	char text[128];

	if (!machine_find(root, "/proc/self/limits", name, text, sizeof(text)))
		return -2;
	return strncmp(text, "unlimited", 9) ? strtoll(text, NULL, 10) : -1;
}

static void look_at_limit(const struct doctor *d, struct finding *f, const char *line,
			  const char *what, int64_t enough, enum severity severity)
{
	int64_t limit = read_limit(d->root, line);

	if (limit == -2)
		finding_unknown(f, "no line \"%s\" in /proc/self/limits", line);
	else if (limit == -1)
		finding_say(f, SEVERITY_OK, "%s: unlimited", what);
	else
		finding_say(f, limit < enough ? severity : SEVERITY_OK, "%s: %lld", what,
			    (long long)limit);
}

static void look_at_nofile(const struct doctor *d, struct finding *f)
{
	look_at_limit(d, f, "Max open files", "open files (RLIMIT_NOFILE)", 4096, SEVERITY_WARN);
}

static void look_at_memlock(const struct doctor *d, struct finding *f)
{
	look_at_limit(d, f, "Max locked memory", "bytes of locked memory (RLIMIT_MEMLOCK)", 8 << 20,
		      SEVERITY_NOTE);
}

enum { CAP_SYS_NICE_BIT = 23 }; /* capabilities(7) */

static void look_at_rtprio(const struct doctor *d, struct finding *f)
{
	char text[64];

	if (machine_find(d->root, "/proc/self/status", "CapEff", text, sizeof(text)) &&
	    strtoull(text, NULL, 16) & 1ULL << CAP_SYS_NICE_BIT)
		finding_say(f, SEVERITY_OK, "real-time policies are allowed (CAP_SYS_NICE)");
	else
		look_at_limit(d, f, "Max realtime priority", "real-time priority (RLIMIT_RTPRIO)",
			      1, SEVERITY_NOTE);
}

const struct doctor_check doctor_place_checks[] = {
	{ "hypervisor", "exits and neighbours add latency, and topology may be made up",
	  "compare only runs of this machine with each other; rank nothing by p99.9",
	  look_at_hypervisor },
	{ "container", "limits, seccomp and missing capabilities come from outside",
	  "measure on the host, or note the container's settings", look_for_container },
	{ "quota", "a quota stops all threads at once until the next period",
	  "remove it: echo max > /sys/fs/cgroup/GROUP/cpu.max, or run outside of the group",
	  look_at_quota },
	{ "cpus", "pins outside of the allowed CPUs are refused or shrink",
	  "taskset -pc LIST PID, or a wider cpuset", look_at_cpuset },
	{ "nofile", "every connection is an open file", "ulimit -n 65536", look_at_nofile },
	{ "memlock", "io_uring buffers before Linux 5.12 and locked memory count against it",
	  "ulimit -l unlimited", look_at_memlock },
	{ "rtprio", "FIFO, RR and DEADLINE cannot be compared without the right to set them",
	  "as root, or setcap cap_sys_nice+ep ringwalk, or rtprio in limits.conf", look_at_rtprio },
	{ 0 },
};
