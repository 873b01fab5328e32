/*
 * provenance_system.c - settings of the running system: /proc/sys, limits, groups, daemons.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "lab/files.h"
#include "lab/provenance.h"

void provenance_add_line(json_t *to, const char *key, const char *path)
{
	char line[1024];

	if (access(path, R_OK) == 0)
		json_object_set_new(to, key,
				    json_string(file_first_line(path, line, sizeof(line))));
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* readdir() has an order of its own; two collections must compare and read alike. */
static json_t *sorted(json_t *object)
{
	size_t count = json_object_size(object), i = 0;
	const char **keys = calloc(count + 1, sizeof(*keys));
	json_t *out = json_object(), *value;
	const char *key;

	if (keys) {
		json_object_foreach(object, key, value) keys[i++] = key;
		qsort(keys, count, sizeof(*keys), compare_keys);
		for (i = 0; i < count; i++)
			json_object_set(out, keys[i], json_object_get(object, keys[i]));
	}
	free(keys);
	json_decref(object);
	return out;
}

/* Secrets of this boot, files that act when read, and lists that grow with loaded modules. */
static const char *const left_out[] = { "tcp_fastopen_key", "netdev_rss_key",
					"stat_refresh",	    "compact_memory",
					"drop_caches",	    "numa_stat",
					"tcp_available",    NULL };

static bool is_left_out(const char *name)
{
	for (int i = 0; left_out[i]; i++)
		if (!strncmp(name, left_out[i], strlen(left_out[i])))
			return true;
	return *name == '.';
}

json_t *provenance_folder(const char *path, const char *prefix)
{
	AUTO(auto_closedir) DIR *dir = opendir(path);
	json_t *out = json_object();
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char file[PATH_MAX];

		if (strncmp(entry->d_name, prefix, strlen(prefix)) || is_left_out(entry->d_name) ||
		    entry->d_type == DT_DIR)
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		provenance_add_line(out, entry->d_name, file);
	}
	return sorted(out);
}

static json_t *kernel_sysctls(void)
{
	json_t *out = provenance_folder("/proc/sys/kernel", "sched_");

	provenance_add_line(out, "numa_balancing", "/proc/sys/kernel/numa_balancing");
	return out;
}

json_t *provenance_sysctls(void)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "net.core",
			 provenance_folder("/proc/sys/net/core", ""), "net.ipv4",
			 provenance_folder("/proc/sys/net/ipv4", "tcp_"), "kernel",
			 kernel_sysctls(), "vm", provenance_folder("/proc/sys/vm", ""));
}

static void add_limit(json_t *out, const char *name, int which)
{
	struct rlimit limit;
	char text[64];

	if (getrlimit(which, &limit) < 0)
		return;
	if (limit.rlim_cur == RLIM_INFINITY)
		snprintf(text, sizeof(text), "unlimited");
	else
		snprintf(text, sizeof(text), "%llu", (unsigned long long)limit.rlim_cur);
	json_object_set_new(out, name, json_string(text));
}

/* The value of a line of /proc/self/status. */
static void add_status(json_t *out, const char *name, const char *key)
{
	AUTO(auto_fclose) FILE *f = fopen("/proc/self/status", "re");
	char line[1024];
	size_t len = strlen(key);

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, key, len) && line[len] == ':')
			json_object_set_new(
				out, name,
				json_string(line + len + 1 + strspn(line + len + 1, "\t ")));
	}
}

json_t *provenance_limits(void)
{
	json_t *out = json_object();

	add_limit(out, "open_files", RLIMIT_NOFILE);
	add_limit(out, "locked_memory", RLIMIT_MEMLOCK);
	add_limit(out, "realtime_priority", RLIMIT_RTPRIO);
	add_limit(out, "realtime_us", RLIMIT_RTTIME);
	add_limit(out, "nice", RLIMIT_NICE);
	add_limit(out, "stack", RLIMIT_STACK);
	add_limit(out, "address_space", RLIMIT_AS);
	add_status(out, "capabilities", "CapEff");
	add_status(out, "cpus_allowed", "Cpus_allowed_list");
	add_status(out, "memory_nodes_allowed", "Mems_allowed_list");
	return out;
}

/* The folder of our control group; version 2 when controller is "". Its name stays here. */
static bool group_folder(const char *controller, const char *mount, char *buf, size_t size)
{
	AUTO(auto_fclose) FILE *f = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];

	while (f && fgets(line, sizeof(line), f)) {
		char *name = strchr(line, ':'), *path = name ? strchr(++name, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		path[strcspn(path, "\n")] = '\0';
		if (!strcmp(name, controller)) {
			snprintf(buf, size, "/sys/fs/cgroup%s%s", mount, path);
			return access(buf, R_OK) == 0;
		}
	}
	return false;
}

static void add_group_files(json_t *out, const char *controller, const char *mount,
			    const char *const *files)
{
	char folder[PATH_MAX], path[PATH_MAX + 64];

	if (!group_folder(controller, mount, folder, sizeof(folder)))
		return;
	for (; *files; files++) {
		snprintf(path, sizeof(path), "%s/%s", folder, *files);
		provenance_add_line(out, *files, path);
	}
}

json_t *provenance_group(void)
{
	static const char *const v2[] = { "cpu.max", "cpu.weight", "memory.max", NULL };
	static const char *const cpu[] = { "cpu.shares", "cpu.cfs_quota_us", "cpu.rt_runtime_us",
					   NULL };
	json_t *out = json_object();

	add_group_files(out, "", "", v2);
	add_group_files(out, "", "/unified", v2);
	add_group_files(out, "cpu", "/cpu", cpu);
	return out;
}

/* They change settings behind one's back; a sweep wants to know. */
static const char *const tuning_daemons[] = {
	"tuned",	"bpftune", "irqbalance",   "thermald", "power-profiles-",
	"numad",	"stalld",  "earlyoom",	   "ksmtuned", "unattended-upgr",
	"auto-cpufreq", "tlp",	   "systemd-oomd", NULL
};

static bool is_tuning_daemon(const char *comm)
{
	for (int i = 0; tuning_daemons[i]; i++)
		if (!strcmp(comm, tuning_daemons[i]))
			return true;
	return false;
}

json_t *provenance_daemons(void)
{
	AUTO(auto_closedir) DIR *dir = opendir("/proc");
	json_t *found = json_object(), *names, *list = json_array(), *value;
	const struct dirent *entry;
	const char *key;

	while (dir && (entry = readdir(dir))) {
		char path[300], comm[32];

		if (*entry->d_name < '0' || *entry->d_name > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (is_tuning_daemon(file_first_line(path, comm, sizeof(comm))))
			json_object_set_new(found, comm, json_true());
	}
	names = sorted(found);
	json_object_foreach(names, key, value) json_array_append_new(list, json_string(key));
	json_decref(names);
	return list;
}

/* Those that change timing. Others can hold addresses and names, and are left out. */
static const char *const parameters[] = { "isolcpus",
					  "nohz",
					  "rcu",
					  "irqaffinity",
					  "mitigations",
					  "spec",
					  "nospec",
					  "pti",
					  "nopti",
					  "mds",
					  "l1tf",
					  "retbleed",
					  "preempt",
					  "idle=",
					  "processor.",
					  "intel_",
					  "amd_pstate",
					  "cpuidle",
					  "haltpoll",
					  "nosmt",
					  "maxcpus",
					  "nr_cpus",
					  "numa",
					  "transparent_hugepage",
					  "hugepage",
					  "default_hugepagesz",
					  "tsc",
					  "clocksource",
					  "hpet",
					  "highres",
					  "skew_tick",
					  "threadirqs",
					  "nmi_watchdog",
					  "nowatchdog",
					  "sched",
					  "workqueue.",
					  "psi",
					  "lockdown",
					  "audit",
					  "init_on_",
					  "swiotlb",
					  "iommu",
					  NULL };

static bool is_parameter(const char *word)
{
	for (int i = 0; parameters[i]; i++)
		if (!strncmp(word, parameters[i], strlen(parameters[i])))
			return true;
	return false;
}

json_t *provenance_command_line(void)
{
	char line[4096], *rest = line, *word;
	json_t *out = json_array();

	file_first_line("/proc/cmdline", line, sizeof(line));
	while ((word = strsep(&rest, " ")) && strcmp(word, "--"))
		if (is_parameter(word))
			json_array_append_new(out, json_string(word));
	return out;
}
