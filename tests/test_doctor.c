/*
 * test_doctor.c - good and bad machines that are not here, and a spin on a clock that is made up.
 *
 * The argument is the folder of the listings of their files.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/doctor.h"

#include "base/clock.h"
#include "system/doctor_window.h"
#include "tests/tree.h"

static const char *listings;

/* Makes a machine of listings, the second of which may be NULL; to be removed. */
static void make(char *folder, const char *listing, const char *more)
{
	char path[512];

	strcpy(folder, "/tmp/ringwalk-doctor-XXXXXX");
	CU_ASSERT_FATAL(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/%s.txt", listings, listing);
	tree_fill(folder, path);
	snprintf(path, sizeof(path), "%s/%s.txt", listings, more ? more : "");
	if (more)
		tree_fill(folder, path);
}

static void examine(const char *root, const char *later, const char *planned,
		    struct doctor_report *report)
{
	struct doctor_request request = { .root = root, .later = later, .window_ns = MS };
	struct err err = { 0 };

	cpus_read(planned, &request.planned);
	CHECK_INT(doctor_examine(&request, report, &err), 0);
}

static const struct finding *find(const struct doctor_report *report, const char *id)
{
	for (unsigned i = 0; i < report->count; i++)
		if (!strcmp(report->findings[i].id, id))
			return &report->findings[i];
	printf("\n    no finding %s", id);
	CU_FAIL_FATAL("no such finding");
	return NULL;
}

struct row {
	const char *id;
	enum severity severity;
	const char *seen;
};

static void check_rows(const struct doctor_report *report, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct finding *f = find(report, rows[i].id);

		if (f->severity != rows[i].severity)
			printf("\n    %s: %s: %s", f->id, severity_names[f->severity], f->seen);
		CU_ASSERT(f->severity == rows[i].severity);
		CHECK_TEXT(f->seen, rows[i].seen);
	}
}

static void test_a_good_machine_has_nothing_bad(void)
{
	static const struct row rows[] = {
		{ "steal", SEVERITY_NOTE, "unknown: nothing passed on /proc/stat's clock" },
		{ "pressure", SEVERITY_OK,
		  "in the last 10 s some task waited for a CPU during 0.1 % of the time" },
		{ "daemons", SEVERITY_OK, "none of those known to change settings is running" },
		{ "irqs", SEVERITY_OK, "no device interrupted cpus 2-3" },
		{ "hypervisor", SEVERITY_OK, "no sign of a hypervisor: Workstations Ltd Desk 4" },
		{ "container", SEVERITY_OK, "no mark of a container" },
		{ "quota", SEVERITY_OK, "no CPU quota" },
		{ "cpus", SEVERITY_OK, "may run on all CPUs (0-3)" },
		{ "nofile", SEVERITY_OK, "open files (RLIMIT_NOFILE): 65536" },
		{ "memlock", SEVERITY_OK, "bytes of locked memory (RLIMIT_MEMLOCK): unlimited" },
		{ "rtprio", SEVERITY_OK, "real-time policies are allowed (CAP_SYS_NICE)" },
		{ "governor", SEVERITY_OK, "performance on all 2 CPUs (driver intel_cpufreq)" },
		{ "turbo", SEVERITY_OK, "off" },
		{ "sleep-states", SEVERITY_OK, "down to C1, 2 us to wake up (driver intel_idle)" },
		{ "siblings", SEVERITY_OK, "off, or there are none" },
		{ "mitigations", SEVERITY_OK, "0 active, 0 vulnerable, 2 not affected" },
		{ "throttling", SEVERITY_OK, "throttled 0 times since boot" },
		{ "clock", SEVERITY_OK, "tsc" },
		{ "isolation", SEVERITY_OK, "isolated: 2-3; without tick (nohz_full): 3" },
		{ "preemption", SEVERITY_OK,
		  "full, from the boot loader (can be chosen: PREEMPT_DYNAMIC)" },
		{ "hz", SEVERITY_OK,
		  "1000: threads of one priority are switched at ticks 1 ms apart" },
		{ "debugging", SEVERITY_OK, "none" },
		{ "autogroup", SEVERITY_OK, "off" },
		{ "rt-limit", SEVERITY_OK,
		  "real-time threads get 95 % of each CPU; the fair server (6.12 and later) keeps "
		  "5 % for others anyway" },
		{ "lockdown", SEVERITY_OK, "[none] integrity confidentiality" },
		{ "io_uring", SEVERITY_OK, "allowed" },
		{ "perf", SEVERITY_OK, "perf_event_paranoid is 1" },
		{ "numa-balancing", SEVERITY_OK, "off" },
		{ "thp", SEVERITY_OK, "always [madvise] never" },
		{ "swap", SEVERITY_OK, "0 of 2000 MiB in use" },
		{ "memory", SEVERITY_OK,
		  "12000 of 16000 MiB available; tasks waited for memory 0.0 % of the last 10 s" },
	};
	struct doctor_report report;
	char root[64];

	make(root, "good", NULL);
	examine(root, NULL, "2-3", &report);
	check_rows(&report, rows, sizeof(rows) / sizeof(*rows));
	CU_ASSERT(doctor_worst(&report) <= SEVERITY_NOTE);
	tree_remove(root);
}

static void test_everything_that_is_bad_is_named(void)
{
	static const struct row rows[] = {
		{ "steal", SEVERITY_BAD,
		  "25.0 % of the CPUs' time went to other virtual machines (50 of 200 ticks)" },
		{ "load", SEVERITY_BAD,
		  "other processes used 26 % of the CPUs: cc1 (a) b 100 %, irqbalance 4 % of a "
		  "CPU" },
		{ "pressure", SEVERITY_BAD,
		  "in the last 10 s some task waited for a CPU during 45.0 % of the time" },
		{ "daemons", SEVERITY_WARN, "running: irqbalance" },
		{ "irqs", SEVERITY_WARN,
		  "200 interrupts of devices on cpus 1, the most by irq 25 (nvme0q1): 200" },
		{ "hypervisor", SEVERITY_WARN, "a virtual machine, QEMU Standard PC" },
		{ "container", SEVERITY_NOTE, "inside a container (/.dockerenv is there)" },
		{ "quota", SEVERITY_BAD,
		  "the cgroup gets 1.50 CPUs: 150000 us in every 100000 us, then it stands still" },
		{ "cpus", SEVERITY_NOTE, "may run on cpus 0-1 of 0-3, not on 2-3" },
		{ "nofile", SEVERITY_WARN, "open files (RLIMIT_NOFILE): 1024" },
		{ "memlock", SEVERITY_NOTE, "bytes of locked memory (RLIMIT_MEMLOCK): 65536" },
		{ "rtprio", SEVERITY_NOTE, "real-time priority (RLIMIT_RTPRIO): 0" },
		{ "governor", SEVERITY_WARN, "powersave on 1 of 2 CPUs (driver acpi-cpufreq)" },
		{ "turbo", SEVERITY_NOTE, "on: the frequency depends on load and heat" },
		{ "sleep-states", SEVERITY_WARN,
		  "down to C6, 133 us to wake up (driver intel_idle)" },
		{ "siblings", SEVERITY_NOTE, "on: two CPUs share a core, says the hypervisor" },
		{ "mitigations", SEVERITY_NOTE, "1 active, 1 vulnerable, 0 not affected" },
		{ "throttling", SEVERITY_WARN, "throttled 12 times since boot" },
		{ "clock", SEVERITY_BAD, "hpet" },
		{ "isolation", SEVERITY_OK,
		  "isolated: none; without tick (nohz_full): not built into this kernel" },
		{ "preemption", SEVERITY_OK, "none, as built" },
		{ "hz", SEVERITY_NOTE,
		  "100: threads of one priority are switched at ticks 10 ms apart" },
		{ "debugging", SEVERITY_BAD, "built with PROVE_LOCKING, KASAN, DEBUG_PREEMPT" },
		{ "schedstats", SEVERITY_NOTE, "on" },
		{ "autogroup", SEVERITY_WARN,
		  "on: nice and SCHED_IDLE count inside one session only" },
		{ "rt-limit", SEVERITY_WARN, "real-time threads are not limited" },
		{ "lockdown", SEVERITY_NOTE, "none [integrity] confidentiality" },
		{ "io_uring", SEVERITY_WARN, "switched off for everybody" },
		{ "perf", SEVERITY_NOTE, "perf_event_paranoid is 4" },
		{ "numa-balancing", SEVERITY_WARN, "on (1)" },
		{ "thp", SEVERITY_NOTE, "[always] madvise never" },
		{ "swap", SEVERITY_WARN, "1000 of 2000 MiB in use" },
		{ "memory", SEVERITY_BAD,
		  "500 of 16000 MiB available; tasks waited for memory 7.5 % of the last 10 s" },
	};
	struct doctor_report report;
	char root[64], later[64];

	make(root, "bad", NULL);
	make(later, "bad", "bad-later");
	examine(root, later, "1", &report);
	check_rows(&report, rows, sizeof(rows) / sizeof(*rows));
	CHECK_INT(doctor_worst(&report), SEVERITY_BAD);
	tree_remove(root);
	tree_remove(later);
}

static void test_where_nothing_can_be_read_nothing_is_guessed(void)
{
	struct doctor_report report;
	unsigned unknown = 0;
	char root[] = "/tmp/ringwalk-doctor-XXXXXX";

	CU_ASSERT_FATAL(mkdtemp(root) != NULL);
	examine(root, NULL, "0", &report);
	for (unsigned i = 0; i < report.count; i++) {
		const struct finding *f = &report.findings[i];

		if (f->severity > SEVERITY_NOTE)
			printf("\n    %s: %s", f->id, f->seen);
		CU_ASSERT(f->severity <= SEVERITY_NOTE);
		CHECK_INT(!strncmp(f->seen, "unknown: ", 9), f->is_unknown);
		unknown += f->is_unknown;
	}
	CU_ASSERT(unknown >= 28);
	tree_remove(root);
}

static void test_this_machine_is_looked_at_within_the_window(void)
{
	struct doctor_request request = { .root = "", .window_ns = 50 * MS };
	struct doctor_report report;
	struct err err = { 0 };

	CHECK_INT(doctor_examine(&request, &report, &err), 0);
	for (unsigned i = 0; i < report.count; i++) {
		CU_ASSERT(*report.findings[i].seen != '\0');
		CU_ASSERT(*report.findings[i].why != '\0');
		for (unsigned k = 0; k < i; k++)
			CU_ASSERT(strcmp(report.findings[i].id, report.findings[k].id) != 0);
	}
	CU_ASSERT(!find(&report, "gaps")->is_unknown);
	CU_ASSERT(!strncmp(find(&report, "gaps")->seen, "a spin of ", 10));
}

/* A clock that goes on by 1 us a look, and stands for others where it is told to. */
struct fake_clock {
	int64_t now_ns;
	unsigned looks;
};

static int64_t tick(void *context)
{
	struct fake_clock *c = context;

	c->looks++;
	c->now_ns += c->looks == 10   ? 30 * US
		     : c->looks == 20 ? 5 * MS
		     : c->looks == 30 ? 20 * US
				      : US;
	return c->now_ns;
}

static void test_a_spin_counts_what_was_taken_away(void)
{
	struct fake_clock clock = { 0 };
	struct spin spin;

	spin_watch(tick, &clock, 10 * MS, &spin);
	CHECK_INT(spin.gaps, 2);
	CHECK_INT(spin.lost_ns, 5 * MS + 30 * US);
	CHECK_INT(spin.longest_ns, 5 * MS);
	CHECK_INT(spin.window_ns, 10 * MS);
}

static CU_TestInfo tests[] = {
	{ "a good machine has nothing bad", test_a_good_machine_has_nothing_bad },
	{ "everything that is bad is named", test_everything_that_is_bad_is_named },
	{ "where nothing can be read nothing is guessed",
	  test_where_nothing_can_be_read_nothing_is_guessed },
	{ "this machine is looked at within the window",
	  test_this_machine_is_looked_at_within_the_window },
	{ "a spin counts what was taken away", test_a_spin_counts_what_was_taken_away },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	listings = argc > 1 ? argv[1] : "tests/fixtures/doctor";
	return test_main("doctor", tests);
}
