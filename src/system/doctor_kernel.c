/*
 * doctor_kernel.c - the doctor on the kernel: how it was built, and settings that change latency.
 *
 * How it was built stands in /proc/config.gz or /boot/config-RELEASE; where neither can be read, it
 * is unknown.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "system/doctor_checks.h"
#include "system/machine.h"

static gzFile open_config(const char *root)
{
	char path[PATH_MAX], release[128];
	gzFile file;

	snprintf(path, sizeof(path), "%s/proc/config.gz", root);
	file = gzopen(path, "re");
	if (file)
		return file;
	machine_read(root, "/proc/sys/kernel/osrelease", release, sizeof(release));
	snprintf(path, sizeof(path), "%s/boot/config-%s", root, release);
	return gzopen(path, "re");
}

/*
 * Calls fn with each option that is set and its value, without CONFIG_. False: there is no
 * configuration to be read.
 */
static bool for_each_option(const char *root,
			    void (*fn)(const char *name, const char *value, void *context),
			    void *context)
{
	gzFile file = open_config(root);
	char line[512], *value;

	if (!file)
		return false;
	while (gzgets(file, line, sizeof(line))) {
		line[strcspn(line, "\n")] = '\0';
		value = strchr(line, '=');
		if (strncmp(line, "CONFIG_", 7) != 0 || !value)
			continue;
		*value++ = '\0';
		fn(line + 7, value, context);
	}
	gzclose(file);
	return true;
}

static void note_preempt(const char *name, const char *value, void *model)
{
	(void)value;
	if (!strcmp(name, "PREEMPT_NONE"))
		*(const char **)model = "none, as built";
	else if (!strcmp(name, "PREEMPT_VOLUNTARY"))
		*(const char **)model = "voluntary, as built";
	else if (!strcmp(name, "PREEMPT_LAZY"))
		*(const char **)model = "lazy, as built";
	else if (!strcmp(name, "PREEMPT"))
		*(const char **)model = "full, as built";
}

/* What was chosen at boot: "preempt=full" among the words of the command line. */
static const char *model_at_boot(const char *root, char *buf, size_t size)
{
	const char *at;

	if (!machine_read(root, "/proc/cmdline", buf, size) || !(at = strstr(buf, "preempt=")))
		return NULL;
	snprintf(buf, size, "%.*s, from the boot loader", (int)strcspn(at + 8, " "), at + 8);
	return buf;
}

static void look_at_preemption(const struct doctor *d, struct finding *f)
{
	char text[4096], version[512];
	const char *model = NULL;

	machine_read(d->root, "/proc/version", version, sizeof(version));
	if (machine_number(d->root, "/sys/kernel/realtime", 0) == 1)
		model = "PREEMPT_RT";
	else if (machine_read(d->root, "/sys/kernel/debug/sched/preempt", text, sizeof(text)))
		model = text; /* all of them, the one in use in brackets */
	else
		model = model_at_boot(d->root, text, sizeof(text));
	if (!model)
		for_each_option(d->root, note_preempt, &model);
	if (!model)
		finding_unknown(f, "neither /sys/kernel/debug/sched/preempt nor the kernel's "
				   "configuration can be read");
	else
		finding_say(f, SEVERITY_OK, "%.100s%s", model,
			    strstr(version, "PREEMPT_DYNAMIC") ? " (can be chosen: PREEMPT_DYNAMIC)"
							       : "");
}

static void note_hz(const char *name, const char *value, void *hz)
{
	if (!strcmp(name, "HZ"))
		*(long *)hz = strtol(value, NULL, 10);
}

static void look_at_hz(const struct doctor *d, struct finding *f)
{
	long hz = 0;

	if (!for_each_option(d->root, note_hz, &hz) || hz <= 0)
		finding_unknown(f, "the kernel's configuration cannot be read");
	else
		finding_say(f, hz < 250 ? SEVERITY_NOTE : SEVERITY_OK,
			    "%ld: threads of one priority are switched at ticks %.3g ms apart", hz,
			    1000.0 / (double)hz);
}

struct options_found {
	enum severity worst;
	char list[160];
};

static void note_debugging(const char *name, const char *value, void *context)
{
	static const struct {
		const char *name;
		enum severity severity;
	} costly[] = {
		{ "KASAN", SEVERITY_BAD },
		{ "KCSAN", SEVERITY_BAD },
		{ "PROVE_LOCKING", SEVERITY_BAD },
		{ "LOCKDEP", SEVERITY_BAD },
		{ "KMSAN", SEVERITY_BAD },
		{ "DEBUG_KMEMLEAK", SEVERITY_BAD },
		{ "SLUB_DEBUG_ON", SEVERITY_BAD },
		{ "UBSAN_TRAP", SEVERITY_WARN },
		{ "DEBUG_PREEMPT", SEVERITY_WARN },
		{ "DEBUG_ATOMIC_SLEEP", SEVERITY_WARN },
		{ "DEBUG_OBJECTS", SEVERITY_WARN },
		{ "DEBUG_PAGEALLOC_ENABLE_DEFAULT", SEVERITY_BAD },
	};
	struct options_found *found = context;
	size_t len = strlen(found->list);

	for (size_t i = 0; i < sizeof(costly) / sizeof(*costly); i++) {
		if (strcmp(name, costly[i].name) != 0 || *value != 'y')
			continue;
		if (costly[i].severity > found->worst)
			found->worst = costly[i].severity;
		snprintf(found->list + len, sizeof(found->list) - len, "%s%s", len ? ", " : "",
			 name);
	}
}

static void look_at_debugging(const struct doctor *d, struct finding *f)
{
	struct options_found found = { 0 };

	if (!for_each_option(d->root, note_debugging, &found))
		finding_unknown(f, "the kernel's configuration cannot be read");
	else
		finding_say(f, found.worst, "%s%s", *found.list ? "built with " : "none",
			    found.list);
}

static void look_at_schedstats(const struct doctor *d, struct finding *f)
{
	int64_t on = machine_number(d->root, "/proc/sys/kernel/sched_schedstats", -1);

	if (on < 0)
		finding_absent(d, f, "/proc/sys/kernel");
	else
		finding_say(f, on ? SEVERITY_NOTE : SEVERITY_OK, on ? "on" : "off");
}

static void look_at_autogroup(const struct doctor *d, struct finding *f)
{
	int64_t on = machine_number(d->root, "/proc/sys/kernel/sched_autogroup_enabled", -1);

	if (on < 0)
		finding_absent(d, f, "/proc/sys/kernel");
	else if (on)
		finding_say(f, SEVERITY_WARN,
			    "on: nice and SCHED_IDLE count inside one session only");
	else
		finding_say(f, SEVERITY_OK, "off");
}

/* From 6.12 on the fair server guards ordinary threads, whatever sched_rt_runtime_us says. */
static bool has_fair_server(const char *root)
{
	char release[64];
	int major = 0, minor = 0;

	machine_read(root, "/proc/sys/kernel/osrelease", release, sizeof(release));
	sscanf(release, "%d.%d", &major, &minor);
	return machine_has(root, "/sys/kernel/debug/sched/fair_server") || major > 6 ||
	       (major == 6 && minor >= 12);
}

static void look_at_rt(const struct doctor *d, struct finding *f)
{
	int64_t runtime = machine_number(d->root, "/proc/sys/kernel/sched_rt_runtime_us", -2);
	int64_t period = machine_number(d->root, "/proc/sys/kernel/sched_rt_period_us", 1000000);
	const char *server =
		has_fair_server(d->root)
			? "; the fair server (6.12 and later) keeps 5 % for others anyway"
			: "";

	if (runtime == -2)
		finding_unknown(f, "no kernel.sched_rt_runtime_us");
	else if (runtime < 0)
		finding_say(f, *server ? SEVERITY_OK : SEVERITY_WARN,
			    "real-time threads are not limited%s", server);
	else
		finding_say(f, SEVERITY_OK, "real-time threads get %.0f %% of each CPU%s",
			    100.0 * (double)runtime / (double)period, server);
}

static void look_at_lockdown(const struct doctor *d, struct finding *f)
{
	char text[64];

	if (!machine_read(d->root, "/sys/kernel/security/lockdown", text, sizeof(text)))
		finding_unknown(f, "no /sys/kernel/security/lockdown (not mounted, or not built)");
	else
		finding_say(f, strstr(text, "[none]") ? SEVERITY_OK : SEVERITY_NOTE, "%s", text);
}

static void look_at_io_uring(const struct doctor *d, struct finding *f)
{
	int64_t mode = machine_number(d->root, "/proc/sys/kernel/io_uring_disabled", -1);

	if (mode < 0 && machine_has(d->root, "/proc/sys/kernel"))
		finding_say(f, SEVERITY_OK, "no kernel.io_uring_disabled (before Linux 6.6)");
	else if (mode < 0)
		finding_unknown(f, "no /proc/sys/kernel");
	else
		finding_say(f, mode ? SEVERITY_WARN : SEVERITY_OK, "%s",
			    mode == 0	? "allowed"
			    : mode == 1 ? "only for CAP_SYS_ADMIN and kernel.io_uring_group"
					: "switched off for everybody");
}

static void look_at_perf(const struct doctor *d, struct finding *f)
{
	int64_t level = machine_number(d->root, "/proc/sys/kernel/perf_event_paranoid", -99);

	if (level == -99)
		finding_unknown(f, "no kernel.perf_event_paranoid: perf is not built");
	else
		finding_say(f, level > 1 ? SEVERITY_NOTE : SEVERITY_OK,
			    "perf_event_paranoid is %lld", (long long)level);
}

const struct doctor_check doctor_kernel_checks[] = {
	{ "preemption", "it decides how soon a woken thread gets the CPU", "preempt=full at boot",
	  look_at_preemption },
	{ "hz", "with few ticks ordinary threads wait longer for each other",
	  "a kernel with CONFIG_HZ=1000, or --sched.slice", look_at_hz },
	{ "debugging", "checks on every lock or allocation cost more than what is compared",
	  "boot a kernel without them", look_at_debugging },
	{ "schedstats", "counting every switch and wake-up costs time in each",
	  "sysctl -w kernel.sched_schedstats=0", look_at_schedstats },
	{ "autogroup", "a server and a hog in two sessions share the CPU whatever their nice is",
	  "sysctl -w kernel.sched_autogroup_enabled=0", look_at_autogroup },
	{ "rt-limit",
	  "it stops FIFO and RR threads that never sleep, and saves the machine from them",
	  "sysctl -w kernel.sched_rt_runtime_us=950000", look_at_rt },
	{ "lockdown", "debugfs knobs and kprobes are closed even to root",
	  "boot without lockdown= and Secure Boot", look_at_lockdown },
	{ "io_uring", "a backend that is switched off cannot be compared",
	  "sysctl -w kernel.io_uring_disabled=0", look_at_io_uring },
	{ "perf", "counters of the kernel read 0 without the right to see them",
	  "sysctl -w kernel.perf_event_paranoid=1", look_at_perf },
	{ 0 },
};
