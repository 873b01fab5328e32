/*
 * doctor_cpu.c - the doctor on CPUs: frequency, sleep states, siblings, mitigations, clock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "system/doctor_checks.h"
#include "system/machine.h"

#define CPU_FOLDER "/sys/devices/system/cpu"

static void look_at_governor(const struct doctor *d, struct finding *f)
{
	unsigned count = 0, other = 0;
	char path[128], driver[32], governor[32], slowest[32] = "";

	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		snprintf(path, sizeof(path), CPU_FOLDER "/cpu%u/cpufreq/scaling_governor", cpu);
		if (!machine_read(d->root, path, governor, sizeof(governor)))
			continue;
		count++;
		if (!strcmp(governor, "performance"))
			continue;
		other++;
		snprintf(slowest, sizeof(slowest), "%s", governor);
	}
	machine_read(d->root, CPU_FOLDER "/cpu0/cpufreq/scaling_driver", driver, sizeof(driver));
	if (!count)
		finding_unknown(f, "no cpufreq driver (usual in a virtual machine): the frequency "
				   "is the host's or the firmware's");
	else if (other)
		finding_say(f, SEVERITY_WARN, "%s on %u of %u CPUs (driver %s)", slowest, other,
			    count, driver);
	else
		finding_say(f, SEVERITY_OK, "performance on all %u CPUs (driver %s)", count,
			    driver);
}

static void look_at_turbo(const struct doctor *d, struct finding *f)
{
	int64_t intel = machine_number(d->root, CPU_FOLDER "/intel_pstate/no_turbo", -1);
	int64_t boost = machine_number(d->root, CPU_FOLDER "/cpufreq/boost", -1);

	if (intel < 0 && boost < 0)
		finding_unknown(f, "neither intel_pstate/no_turbo nor cpufreq/boost is there");
	else if (intel == 0 || boost == 1)
		finding_say(f, SEVERITY_NOTE, "on: the frequency depends on load and heat");
	else
		finding_say(f, SEVERITY_OK, "off");
}

/* The wake-up time of the deepest sleep state of CPU 0 that is not switched off; its name. */
static int64_t deepest_us(const char *root, char *name, size_t size)
{
	int64_t deepest = -1;
	char path[128];

	for (unsigned state = 0; state < 16; state++) {
		int64_t latency;

		snprintf(path, sizeof(path), CPU_FOLDER "/cpu0/cpuidle/state%u/latency", state);
		latency = machine_number(root, path, -1);
		snprintf(path, sizeof(path), CPU_FOLDER "/cpu0/cpuidle/state%u/disable", state);
		if (latency <= deepest || machine_number(root, path, 0))
			continue;
		deepest = latency;
		snprintf(path, sizeof(path), CPU_FOLDER "/cpu0/cpuidle/state%u/name", state);
		machine_read(root, path, name, size);
	}
	return deepest;
}

/* The smallest wake-up time that anybody has asked for, in us; negative: it cannot be read. */
static int64_t requested_us(const char *root)
{
	AUTO(auto_fclose) FILE *file = machine_open(root, "/dev/cpu_dma_latency");
	int32_t us;

	return file && fread(&us, sizeof(us), 1, file) == 1 ? us : -1;
}

static void look_at_sleep(const struct doctor *d, struct finding *f)
{
	char driver[32], name[32] = "";
	int64_t deepest = deepest_us(d->root, name, sizeof(name)), limit = requested_us(d->root);

	if (!machine_read(d->root, CPU_FOLDER "/cpuidle/current_driver", driver, sizeof(driver)))
		finding_unknown(f, "no cpuidle in /sys");
	else if (!strcmp(driver, "none") || deepest < 0)
		finding_say(f, SEVERITY_OK,
			    "no cpuidle driver: sleep states are the hypervisor's, and a request "
			    "to /dev/cpu_dma_latency has no effect");
	else if (limit >= 0 && limit < deepest)
		finding_say(f, SEVERITY_OK, "up to %s with %lld us (driver %s), held at %lld us",
			    name, (long long)deepest, driver, (long long)limit);
	else
		finding_say(f, deepest > 10 ? SEVERITY_WARN : SEVERITY_OK,
			    "down to %s, %lld us to wake up (driver %s)", name, (long long)deepest,
			    driver);
}

static void look_at_siblings(const struct doctor *d, struct finding *f)
{
	int64_t active = machine_number(d->root, CPU_FOLDER "/smt/active", -1);
	bool is_virtual = machine_is_virtual(d->root);

	if (active < 0)
		finding_unknown(f, "no smt/active in /sys");
	else if (active)
		finding_say(f, SEVERITY_NOTE, "on: two CPUs share a core%s",
			    is_virtual ? ", says the hypervisor" : "");
	else if (is_virtual)
		finding_unknown(f, "this machine shows none, but a hypervisor may hide them");
	else
		finding_say(f, SEVERITY_OK, "off, or there are none");
}

static void look_at_mitigations(const struct doctor *d, struct finding *f)
{
	char path[PATH_MAX], text[256];
	unsigned mitigated = 0, vulnerable = 0, unaffected = 0;
	AUTO(auto_closedir) DIR *dir = NULL;
	const struct dirent *entry;

	snprintf(path, sizeof(path), "%s" CPU_FOLDER "/vulnerabilities", d->root);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), CPU_FOLDER "/vulnerabilities/%s", entry->d_name);
		if (*entry->d_name == '.' || !machine_read(d->root, path, text, sizeof(text)))
			continue;
		mitigated += strstr(text, "Mitigation") != NULL;
		vulnerable += strstr(text, "Vulnerable") == text;
		unaffected += strstr(text, "Not affected") == text;
	}
	if (!dir)
		finding_unknown(f, "no vulnerabilities in /sys");
	else
		finding_say(f, mitigated ? SEVERITY_NOTE : SEVERITY_OK,
			    "%u active, %u vulnerable, %u not affected", mitigated, vulnerable,
			    unaffected);
}

/* Of all CPUs, since boot. -1: the kernel does not count. */
static int64_t count_throttles(const char *root)
{
	int64_t sum = -1;
	char path[128];

	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		int64_t count;

		snprintf(path, sizeof(path),
			 CPU_FOLDER "/cpu%u/thermal_throttle/core_throttle_count", cpu);
		count = machine_number(root, path, -1);
		if (count >= 0)
			sum = (sum < 0 ? 0 : sum) + count;
	}
	return sum;
}

static void look_at_throttling(const struct doctor *d, struct finding *f)
{
	int64_t count = count_throttles(d->root);

	if (count < 0)
		finding_unknown(f, "no thermal_throttle in /sys");
	else
		finding_say(f, count ? SEVERITY_WARN : SEVERITY_OK,
			    "throttled %lld times since boot", (long long)count);
}

static void look_at_clock(const struct doctor *d, struct finding *f)
{
	/* Read without entering the kernel (vdso(7)); the others cost a microsecond and more. */
	static const char fast[] = "tsc kvm-clock hyperv_clocksource_tsc_page arch_sys_counter "
				   "riscv_clocksource timebase";
	char text[64];

	if (!machine_read(d->root,
			  "/sys/devices/system/clocksource/clocksource0/current_clocksource", text,
			  sizeof(text)))
		finding_unknown(f, "no clocksource in /sys");
	else
		finding_say(f, machine_has_word(fast, text) ? SEVERITY_OK : SEVERITY_BAD, "%s",
			    text);
}

static void look_at_isolation(const struct doctor *d, struct finding *f)
{
	bool has_nohz = machine_has(d->root, CPU_FOLDER "/nohz_full");
	char isolated[128], nohz[128];

	machine_read(d->root, CPU_FOLDER "/isolated", isolated, sizeof(isolated));
	machine_read(d->root, CPU_FOLDER "/nohz_full", nohz, sizeof(nohz));
	finding_say(f, SEVERITY_OK, "isolated: %s; without tick (nohz_full): %s",
		    *isolated ? isolated : "none",
		    !has_nohz				   ? "not built into this kernel"
		    : *nohz && strcmp(nohz, "(null)") != 0 ? nohz
							   : "none");
}

const struct doctor_check doctor_cpu_checks[] = {
	{ "governor", "a CPU that is idle between requests answers slowly until it is fast again",
	  "cpupower frequency-set -g performance", look_at_governor },
	{ "turbo", "the same code runs at another speed when it is warm or others work",
	  "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo (or 0 > cpufreq/boost)",
	  look_at_turbo },
	{ "sleep-states", "waking up from a deep state is part of the latency at low rates",
	  "hold /dev/cpu_dma_latency at 0, or cpupower idle-set -D 10", look_at_sleep },
	{ "siblings", "a busy sibling takes tens of per cent from the other",
	  "echo off > /sys/devices/system/cpu/smt/control, or --pin.strategy=scatter",
	  look_at_siblings },
	{ "mitigations", "they make system calls and switches slower, on each CPU differently",
	  "note them; mitigations=off at boot on a machine that runs nothing foreign",
	  look_at_mitigations },
	{ "throttling", "a hot CPU is slowed down in the middle of a run",
	  "better cooling, no turbo, shorter runs", look_at_throttling },
	{ "clock", "a clock that must be asked in the kernel costs microseconds a request",
	  "clocksource=tsc at boot", look_at_clock },
	{ "isolation", "isolated CPUs have fewer interruptions, and no balancing", "",
	  look_at_isolation },
	{ 0 },
};
