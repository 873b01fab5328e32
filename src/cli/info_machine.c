/*
 * info_machine.c - what this machine is, in a few lines, and its parts by the names of --pin.at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/info_machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/wrapped.h"
#include "system/cpus.h"
#include "system/machine.h"
#include "system/topology.h"

enum { COLUMN = 14, LINE = 1024 };

static void print_line(const char *name, const char *text)
{
	printf("  %-*s", COLUMN - 2, name);
	print_wrapped(COLUMN, text);
}

static void print_kernel(void)
{
	struct utsname u;
	char text[LINE];

	uname(&u);
	snprintf(text, sizeof(text), "%s %s %s, %s", u.sysname, u.release, u.machine, u.version);
	print_line("kernel", text);
}

static void print_cpus(void)
{
	char model[256], online_text[128], allowed_text[128], text[LINE];
	cpu_set_t online, allowed;

	cpus_online(&online);
	cpus_allowed(&allowed);
	cpus_write(&online, online_text, sizeof(online_text));
	cpus_write(&allowed, allowed_text, sizeof(allowed_text));
	if (!machine_find("", "/proc/cpuinfo", "model name", model, sizeof(model)))
		snprintf(model, sizeof(model), "of unknown model");
	snprintf(text, sizeof(text), "%d online (%s)%s%s, %s%s", CPU_COUNT(&online), online_text,
		 CPU_EQUAL(&online, &allowed) ? "" : ", of which the cpuset allows ",
		 CPU_EQUAL(&online, &allowed) ? "" : allowed_text, model,
		 machine_is_virtual("") ? ", under a hypervisor" : "");
	print_line("CPUs", text);
}

static const char *size_text(uint64_t bytes, char *buf, size_t size)
{
	double mib = (double)bytes / (1 << 20);

	if (mib >= 10240)
		snprintf(buf, size, "%.1f GiB", mib / 1024);
	else
		snprintf(buf, size, "%.4g MiB", mib);
	return buf;
}

/* In MiB; the kernel's kB are 1024 bytes. */
static double meminfo_mib(const char *key)
{
	char text[64];

	return machine_find("", "/proc/meminfo", key, text, sizeof(text))
		       ? strtod(text, NULL) / 1024
		       : 0;
}

/* The kernel keeps both counts; where memory came or went after boot they may differ. */
static void compare_memory(uint64_t of_nodes)
{
	double nodes = (double)of_nodes / (1 << 20), all = meminfo_mib("MemTotal");
	char text[LINE];

	if (!of_nodes || !(all > 0) || (nodes > 0.99 * all && nodes < 1.01 * all))
		return;
	snprintf(text, sizeof(text),
		 "(%.0f MiB in all by the nodes' own count in /sys, %.0f by /proc/meminfo: the "
		 "kernel itself has two figures here)",
		 nodes, all);
	print_line("", text);
}

static void print_nodes(const struct topology *t)
{
	char cpus[128], bytes[32], text[LINE];
	struct topology_object o;
	uint64_t all = 0;
	size_t len = 0;

	for (unsigned i = 0; topology_object(t, TOPOLOGY_NODE, i, &o) && len < sizeof(text); i++) {
		cpus_write(&o.cpus, cpus, sizeof(cpus));
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%snode %d: cpus %s, %s",
					len ? "; " : "", o.os, *cpus ? cpus : "none",
					size_text(o.bytes, bytes, sizeof(bytes)));
		all += o.bytes;
	}
	if (len)
		print_line("nodes", text);
	if (topology_is_real(t))
		compare_memory(all);
}

static void print_memory(void)
{
	char text[LINE], pages[64];

	if (!machine_find("", "/proc/meminfo", "HugePages_Total", pages, sizeof(pages)))
		snprintf(pages, sizeof(pages), "no");
	snprintf(text, sizeof(text),
		 "%.0f MiB in all (MemTotal), of which %.0f are available; %s huge pages",
		 meminfo_mib("MemTotal"), meminfo_mib("MemAvailable"), pages);
	print_line("memory", text);
}

static void print_structure(void)
{
	struct topology *t = NULL;
	struct err err = { 0 };
	char text[LINE];

	if (topology_open(&t, NULL, &err) < 0) {
		print_line("topology", err.text);
		return;
	}
	print_line("topology", topology_summary(t, text, sizeof(text)));
	if (!topology_is_real(t))
		print_line("", "(not this machine's: HWLOC_XMLFILE or HWLOC_SYNTHETIC is set)");
	print_nodes(t);
	topology_close(t);
}

/* "cpu cpuset": of version 1, from /proc/cgroups' hierarchies that are not the 0th. */
static void list_v1(char *buf, size_t size)
{
	AUTO(auto_fclose) FILE *file = machine_open("", "/proc/cgroups");
	char line[256], name[64];
	size_t len = 0;
	int hierarchy;

	*buf = '\0';
	while (file && fgets(line, sizeof(line), file) && len < size)
		if (*line != '#' && sscanf(line, "%63s %d", name, &hierarchy) == 2 && hierarchy > 0)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? " " : "",
						name);
}

static void print_cgroups(void)
{
	char v1[256], v2[256] = "", text[LINE];
	bool has_v2 = machine_has("", "/sys/fs/cgroup/cgroup.controllers") ||
		      machine_has("", "/sys/fs/cgroup/unified/cgroup.controllers");

	list_v1(v1, sizeof(v1));
	if (!machine_read("", "/sys/fs/cgroup/cgroup.controllers", v2, sizeof(v2)))
		machine_read("", "/sys/fs/cgroup/unified/cgroup.controllers", v2, sizeof(v2));
	snprintf(text, sizeof(text), "version 1: %s; version 2: %s", *v1 ? v1 : "none",
		 *v2	  ? v2
		 : has_v2 ? "mounted, without controllers"
			  : "not mounted");
	print_line("cgroups", text);
}

void print_machine(void)
{
	puts("machine");
	print_kernel();
	print_cpus();
	print_memory();
	print_structure();
	print_cgroups();
	puts("  (`ringwalk info topology`: its parts; `ringwalk doctor`: what disturbs it)");
}

static unsigned first_cpu(const cpu_set_t *cpus)
{
	unsigned cpu = 0;

	while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, cpus))
		cpu++;
	return cpu;
}

/* The kernel's number of what the part lies in; -1: it has none. */
static int number_around(const struct topology *t, enum topology_kind outer,
			 const struct topology_object *part)
{
	int logical = topology_of_cpu(t, outer, first_cpu(&part->cpus));
	struct topology_object o;

	return logical >= 0 && topology_object(t, outer, (unsigned)logical, &o) ? o.os : -1;
}

/* Another name, as TSLoad has it; empty: there is none. */
static const char *other_name(const struct topology *t, enum topology_kind kind,
			      const struct topology_object *o, char *buf, size_t size)
{
	int package = number_around(t, TOPOLOGY_PACKAGE, o);

	*buf = '\0';
	if (kind == TOPOLOGY_PACKAGE)
		snprintf(buf, size, "chip:%d", o->os);
	else if (kind == TOPOLOGY_CORE && package >= 0)
		snprintf(buf, size, "core:%d:%d", package, o->os);
	else if (kind == TOPOLOGY_PU && package >= 0)
		snprintf(buf, size, "strand:%d:%d:%d", package, number_around(t, TOPOLOGY_CORE, o),
			 o->os);
	return buf;
}

static void print_part(const struct topology *t, enum topology_kind kind,
		       const struct topology_object *o)
{
	bool by_kernel = kind == TOPOLOGY_PACKAGE || kind == TOPOLOGY_NODE || kind == TOPOLOGY_PU;
	char name[64], other[64], cpus[256], bytes[32];

	snprintf(name, sizeof(name), "%s:%d", topology_kind_names[kind],
		 by_kernel ? o->os : (int)o->logical);
	cpus_write(&o->cpus, cpus, sizeof(cpus));
	printf("  %-12s %-16s cpus %s", name, other_name(t, kind, o, other, sizeof(other)),
	       *cpus ? cpus : "none");
	if (o->bytes)
		printf(", %s", size_text(o->bytes, bytes, sizeof(bytes)));
	putchar('\n');
}

int print_topology(void)
{
	struct topology *t = NULL;
	struct topology_object o;
	struct err err = { 0 };
	char text[LINE];

	if (topology_open(&t, NULL, &err) < 0)
		return complain(EXIT_IMPOSSIBLE, "info", &err);
	puts(topology_summary(t, text, sizeof(text)));
	for (int kind = 0; kind < TOPOLOGY_KINDS; kind++)
		for (unsigned i = 0; topology_object(t, (enum topology_kind)kind, i, &o); i++)
			print_part(t, (enum topology_kind)kind, &o);
	if (machine_is_virtual(""))
		puts("(caches and cores are as the hypervisor shows them)");
	topology_close(t);
	return EXIT_VALID;
}
