/*
 * provenance.c - kernel, processors, memory, build; and the comparison of two machines.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/provenance.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "lab/files.h"

#define CPU    "/sys/devices/system/cpu/"
#define SOURCE "/sys/devices/system/clocksource/clocksource0/"

/* So that a rebuilt program is seen as another one. */
static json_t *describe_program(const char *path)
{
	AUTO(auto_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char buf[65536];
	uLong sum = crc32(0, NULL, 0);
	uint64_t size = 0;
	ssize_t n = -1;
	char text[64];

	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0) {
		sum = crc32(sum, buf, (uInt)n);
		size += (uint64_t)n;
	}
	if (n < 0)
		return json_string("not readable");
	snprintf(text, sizeof(text), "crc32 %08lx, %llu bytes", sum, (unsigned long long)size);
	return json_string(text);
}

#ifdef __OPTIMIZE__
static const bool is_optimised = true;
#else
static const bool is_optimised = false;
#endif

static json_t *describe_build(const char *program)
{
	return json_pack("{s:s, s:s, s:b, s:o, s:{s:s, s:s}}", "version", RINGWALK_VERSION,
			 "compiler", __VERSION__, "optimised", is_optimised, "program",
			 describe_program(program), "libraries", "zlib", zlibVersion(), "jansson",
			 jansson_version_str());
}

static json_t *describe_kernel(void)
{
	struct utsname name;
	json_t *kernel;

	uname(&name);
	kernel = json_pack("{s:s, s:s, s:s, s:o, s:o}", "release", name.release, "version",
			   name.version, "machine", name.machine, "parameters",
			   provenance_command_line(), "mitigations",
			   provenance_folder(CPU "vulnerabilities", ""));
	provenance_add_line(kernel, "boot", "/proc/sys/kernel/random/boot_id");
	provenance_add_line(kernel, "clocksource", SOURCE "current_clocksource");
	provenance_add_line(kernel, "lockdown", "/sys/kernel/security/lockdown");
	provenance_add_line(kernel, "realtime", "/sys/kernel/realtime");
	provenance_add_line(kernel, "sched_ext", "/sys/kernel/sched_ext/state");
	provenance_add_line(kernel, "sched_ext_ops", "/sys/kernel/sched_ext/root/ops");
	return kernel;
}

/* The value of the first line of /proc/cpuinfo that begins so. */
static const char *cpuinfo(const char *key, char *buf, size_t size)
{
	AUTO(auto_fclose) FILE *f = fopen("/proc/cpuinfo", "re");
	size_t len = strlen(key);

	while (f && fgets(buf, (int)size, f)) {
		char *colon = strchr(buf, ':');

		if (strncmp(buf, key, len) || !colon || !colon[1])
			continue;
		colon[strcspn(colon, "\n")] = '\0';
		return colon + 2;
	}
	return "unknown";
}

static json_t *describe_caches(void)
{
	json_t *caches = json_array();

	for (int i = 0; i < 16; i++) {
		static const char *const files[] = { "level", "type", "size", "shared_cpu_list" };
		char word[4][64], path[128], text[300];

		for (int j = 0; j < 4; j++) {
			snprintf(path, sizeof(path), CPU "cpu0/cache/index%d/%s", i, files[j]);
			file_first_line(path, word[j], sizeof(word[j]));
		}
		if (!*word[0])
			break;
		snprintf(text, sizeof(text), "L%s %s %s, CPUs %s", word[0], word[1], word[2],
			 word[3]);
		json_array_append_new(caches, json_string(text));
	}
	return caches;
}

static void add_frequency(json_t *cpu)
{
	if (access(CPU "cpu0/cpufreq/scaling_governor", R_OK) < 0) {
		json_object_set_new(cpu, "governor", json_string("no cpufreq"));
	} else {
		provenance_add_line(cpu, "governor", CPU "cpu0/cpufreq/scaling_governor");
		provenance_add_line(cpu, "driver", CPU "cpu0/cpufreq/scaling_driver");
		provenance_add_line(cpu, "min_kHz", CPU "cpu0/cpufreq/scaling_min_freq");
		provenance_add_line(cpu, "max_kHz", CPU "cpu0/cpufreq/scaling_max_freq");
	}
	provenance_add_line(cpu, "boost", CPU "cpufreq/boost");
	provenance_add_line(cpu, "no_turbo", CPU "intel_pstate/no_turbo");
	provenance_add_line(cpu, "idle_driver", CPU "cpuidle/current_driver");
	provenance_add_line(cpu, "idle_governor", CPU "cpuidle/current_governor");
}

static json_t *describe_cpu(void)
{
	char buf[4096];
	json_t *cpu = json_object();

	json_object_set_new(cpu, "model", json_string(cpuinfo("model name", buf, sizeof(buf))));
	json_object_set_new(cpu, "microcode", json_string(cpuinfo("microcode", buf, sizeof(buf))));
	json_object_set_new(cpu, "hypervisor",
			    json_boolean(strstr(cpuinfo("flags", buf, sizeof(buf)), "hypervisor")));
	json_object_set_new(cpu, "caches", describe_caches());
	provenance_add_line(cpu, "online", CPU "online");
	provenance_add_line(cpu, "isolated", CPU "isolated");
	provenance_add_line(cpu, "nohz_full", CPU "nohz_full");
	provenance_add_line(cpu, "smt", CPU "smt/control");
	provenance_add_line(cpu, "siblings_of_cpu0", CPU "cpu0/topology/thread_siblings_list");
	add_frequency(cpu);
	return cpu;
}

static json_t *describe_nodes(void)
{
	json_t *nodes = json_array();

	for (int i = 0; i < 64; i++) {
		char path[96], cpus[128], distance[128], text[300];

		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", i);
		if (access(path, R_OK) < 0)
			continue;
		file_first_line(path, cpus, sizeof(cpus));
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/distance", i);
		file_first_line(path, distance, sizeof(distance));
		snprintf(text, sizeof(text), "node %d: CPUs %s, distance %s", i, cpus, distance);
		json_array_append_new(nodes, json_string(text));
	}
	return nodes;
}

static json_t *describe_memory(void)
{
	json_t *memory =
		json_pack("{s:o, s:I, s:I}", "numa", describe_nodes(), "page_bytes",
			  (json_int_t)sysconf(_SC_PAGESIZE), "total_MiB",
			  (json_int_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) >> 20);

	provenance_add_line(memory, "transparent_hugepage",
			    "/sys/kernel/mm/transparent_hugepage/enabled");
	provenance_add_line(memory, "ksm", "/sys/kernel/mm/ksm/run");
	return memory;
}

static json_t *describe_now(void)
{
	json_t *now = json_object();
	time_t seconds = time(NULL);
	struct tm tm;
	char text[32];

	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
	json_object_set_new(now, "time", json_string(text));
	provenance_add_line(now, "load", "/proc/loadavg");
	provenance_add_line(now, "pressure_cpu", "/proc/pressure/cpu");
	return now;
}

json_t *provenance_collect(const char *program)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "ringwalk",
			 describe_build(program), "kernel", describe_kernel(), "cpu",
			 describe_cpu(), "memory", describe_memory(), "sysctl",
			 provenance_sysctls(), "limits", provenance_limits(), "group",
			 provenance_group(), "tuning_daemons", provenance_daemons(), "now",
			 describe_now());
}

static const char *value_text(const json_t *value, char *buf, size_t size)
{
	if (!value)
		snprintf(buf, size, "(none)");
	else if (json_is_string(value))
		snprintf(buf, size, "%s", json_string_value(value));
	else
		buf[json_dumpb(value, buf, size - 1, JSON_ENCODE_ANY | JSON_COMPACT)] = '\0';
	return buf;
}

static void compare_values(const json_t *before, const json_t *after, const char *path,
			   json_t *out);

static void compare_objects(const json_t *before, const json_t *after, const char *path,
			    json_t *out)
{
	const char *key;
	char longer[200];
	json_t *value;

	json_object_foreach((json_t *)before, key, value)
	{
		snprintf(longer, sizeof(longer), "%s%s%s", path, *path ? "." : "", key);
		if (strcmp(longer, "now"))
			compare_values(value, json_object_get(after, key), longer, out);
	}
	json_object_foreach((json_t *)after, key, value)
	{
		snprintf(longer, sizeof(longer), "%s%s%s", path, *path ? "." : "", key);
		if (strcmp(longer, "now") && !json_object_get(before, key))
			compare_values(NULL, value, longer, out);
	}
}

static void compare_values(const json_t *before, const json_t *after, const char *path, json_t *out)
{
	char was[200], is[200], text[640];

	if (before && after && json_is_object(before) && json_is_object(after)) {
		compare_objects(before, after, path, out);
		return;
	}
	if (before && after && json_equal(before, after))
		return;
	snprintf(text, sizeof(text), "%s: %s -> %s", path, value_text(before, was, sizeof(was)),
		 value_text(after, is, sizeof(is)));
	json_array_append_new(out, json_string(text));
}

json_t *provenance_differences(const json_t *before, const json_t *after)
{
	json_t *out = json_array();

	compare_objects(before, after, "", out);
	return out;
}
