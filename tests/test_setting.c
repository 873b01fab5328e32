/*
 * test_setting.c - from names to files, what a plan foresees, and a private network namespace.
 *
 * Writes only inside of namespaces made here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/setting.h"

#include <errno.h>
#include <glob.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/kernel_value.h"
#include "system/netns.h"
#include "system/profile.h"
#include "tests/possible.h"

static void test_names_mean_files(void)
{
	static const char *const rows[][3] = {
		{ "net.core.busy_poll", "/proc/sys/net/core/busy_poll", "net.core.busy_poll" },
		{ "/proc/sys/vm/swappiness", "/proc/sys/vm/swappiness", "vm.swappiness" },
		{ "irq.24.affinity", "/proc/irq/24/smp_affinity_list", "irq.*.affinity" },
		{ "nic.eth0.1.rps_cpus", "/sys/class/net/eth0.1/queues/rx-*/rps_cpus",
		  "nic.*.rps_cpus" },
		{ "nic.*.threaded", "/sys/class/net/*/threaded", "nic.*.threaded" },
		{ "cpu.3.resume_latency_us",
		  "/sys/devices/system/cpu/cpu3/power/pm_qos_resume_latency_us",
		  "cpu.*.resume_latency_us" },
		{ "kernel.ostype", "/proc/sys/kernel/ostype", NULL },
		{ "/sys/kernel/mm/ksm/run", "/sys/kernel/mm/ksm/run", NULL },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct machine_setting *s = NULL;
		char path[256] = "";

		CHECK_INT(setting_find(rows[i][0], &s, path, sizeof(path), NULL), 0);
		CHECK_TEXT(path, rows[i][1]);
		CU_ASSERT(!s == !rows[i][2]);
		if (s && rows[i][2])
			CHECK_TEXT(s->name, rows[i][2]);
	}
}

static void test_what_means_nothing_is_refused(void)
{
	static const char *const names[] = {
		"nonsense", "/etc/passwd",  "/sys/../etc/passwd", "nic.a/b.threaded",
		"",	    "irq..affinity"
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct machine_setting *s;
		struct err err = { 0 };
		char path[256];

		CU_ASSERT(setting_find(names[i], &s, path, sizeof(path), &err) < 0);
		CU_ASSERT(*err.text);
	}
}

static void test_every_line_of_the_table_is_found_by_its_name(void)
{
	for (const struct machine_setting *s = machine_settings; s->name; s++) {
		const struct machine_setting *found = NULL;
		char path[256];

		CHECK_INT(setting_find(s->name, &found, path, sizeof(path), NULL), 0);
		CU_ASSERT(found == s);
		CU_ASSERT(s->values && *s->values && s->help && *s->help);
		CU_ASSERT(s->path || !strchr(s->name, '*'));
	}
}

static void test_requests_are_read(void)
{
	struct setting_request r;

	CHECK_INT(setting_request_parse(&r, "net.ipv4.tcp_rmem = 1  2\t3 ", NULL), 0);
	CHECK_TEXT(r.name, "net.ipv4.tcp_rmem");
	CHECK_TEXT(r.value, "1 2 3");
	CHECK_INT(r.is_optional, false);
	CHECK_INT(setting_request_parse(&r, "-a.b=c=d", NULL), 0);
	CHECK_TEXT(r.name, "a.b");
	CHECK_TEXT(r.value, "c=d");
	CHECK_INT(r.is_optional, true);
	CHECK_INT(setting_request_parse(&r, "a", NULL), -EINVAL);
	CHECK_INT(setting_request_parse(&r, "a=", NULL), -EINVAL);
	CHECK_INT(setting_request_parse(&r, "=b", NULL), -EINVAL);
	CHECK_INT(setting_request_parse(&r, "-=b", NULL), -EINVAL);
}

static int plan_one(struct setting_plan *plan, const char *text, struct err *err)
{
	struct setting_request r;

	CHECK_INT(setting_request_parse(&r, text, NULL), 0);
	return setting_plan(plan, &r, 1, err);
}

static void test_a_plan_knows_words_where_numbers_stand(void)
{
	struct setting_plan plan;

	if (access("/proc/sys/net/core/somaxconn", W_OK)) {
		test_not_possible("settings cannot be written: %s", strerror(errno));
		return;
	}
	CHECK_INT(plan_one(&plan, "net.core.somaxconn=many", NULL), 0);
	CHECK_INT(plan.changes[0].report.verdict, VERDICT_UNSUPPORTED);
	CHECK_TEXT(plan.changes[0].report.why,
		   "the kernel does not take 'many' (values: connections)");
	setting_plan_finish(&plan);
	CHECK_INT(plan_one(&plan, "thp.enabled=sometimes", NULL), 0);
	CHECK_INT(plan.changes[0].report.verdict, VERDICT_UNSUPPORTED);
	setting_plan_finish(&plan);
	CHECK_INT(plan_one(&plan, "net.ipv4.tcp_rmem=4096 131072 6291456", NULL), 0);
	CU_ASSERT(!strstr(plan.changes[0].report.why, "does not take"));
	setting_plan_finish(&plan);
}

static void test_a_plan_foresees_what_would_fail(void)
{
	struct setting_plan plan;

	CHECK_INT(plan_one(&plan, "irq.99999.affinity=0", NULL), 0);
	CHECK_INT(plan.count, 1);
	CHECK_INT(plan.changes[0].report.verdict, VERDICT_UNSUPPORTED);
	CHECK_TEXT(plan.changes[0].report.why,
		   "there is no such interrupt; /proc/interrupts lists them");
	setting_plan_finish(&plan);
	CHECK_INT(plan_one(&plan, "kernel.ostype=BSD", NULL), 0);
	CHECK_INT(plan.changes[0].report.verdict, VERDICT_DENIED);
	CHECK_TEXT(plan.changes[0].now, "Linux");
	setting_plan_finish(&plan);
	CHECK_INT(plan_one(&plan, "kernel.ostype=Linux", NULL), 0);
	CHECK_INT(plan.changes[0].report.verdict, VERDICT_OK);
	CHECK_INT(setting_change_is_none(&plan.changes[0]), true);
	setting_plan_finish(&plan);
}

/* A name without a value: its files as they are. */
static int look(struct setting_plan *plan, const char *name)
{
	struct setting_request r = { 0 };

	snprintf(r.name, sizeof(r.name), "%s", name);
	return setting_plan(plan, &r, 1, NULL);
}

static void test_a_glob_is_a_change_for_each_file(void)
{
	struct setting_plan plan;
	glob_t found = { 0 };

	glob("/sys/devices/system/cpu/cpu*/power/pm_qos_resume_latency_us", 0, NULL, &found);
	CHECK_INT(look(&plan, "cpu.resume_latency_us"), 0);
	CHECK_INT(plan.count, found.gl_pathc ? found.gl_pathc : 1);
	if (found.gl_pathc > 1)
		CHECK_TEXT(plan.changes[0].name, "cpu.resume_latency_us cpu0");
	setting_plan_finish(&plan);
	globfree(&found);
}

/* Exit status of the child: 0 when all was right inside. */
static int inside(void)
{
	struct setting_request requests[3];
	struct setting_plan plan;
	struct err err = { 0 };
	int bad;

	if (setting_request_parse(&requests[0], "net.ipv4.tcp_fastopen=3", NULL) ||
	    setting_request_parse(&requests[1], "nic.lo.rps_cpus=1", NULL) ||
	    setting_request_parse(&requests[2], "net.ipv4.tcp_autocorking=7", NULL) ||
	    setting_plan(&plan, requests, 3, NULL) || setting_plan_split(&plan, &err))
		return 10;
	if (!plan.changes[0].in_netns || !plan.changes[1].in_netns || netns_enter(&err))
		return 11;
	bad = setting_apply(&plan, NULL, true, &err);
	if (bad != 1 || plan.changes[0].report.verdict != VERDICT_OK ||
	    plan.changes[1].report.verdict != VERDICT_OK ||
	    plan.changes[2].report.verdict != VERDICT_UNSUPPORTED)
		return 12;
	return strstr(err.text, "the kernel does not take '7' (values: 0, 1)") ? 0 : 13;
}

static void test_a_private_namespace_has_its_own(void)
{
	char before[KERNEL_VALUE_MAX], after[KERNEL_VALUE_MAX];
	struct setting_plan plan;
	struct err err = { 0 };
	int status = 0;
	pid_t child;

	if (!possible_own_net())
		return;
	CHECK_INT(look(&plan, "net.ipv4.tcp_fastopen"), 0);
	CHECK_INT(setting_plan_split(&plan, &err), 0);
	CHECK_TEXT(err.text, "");
	setting_plan_finish(&plan);
	CHECK_INT(look(&plan, "vm.swappiness"), 0);
	CHECK_INT(setting_plan_split(&plan, NULL), 0);
	CHECK_INT(plan.changes[0].in_netns, false);
	setting_plan_finish(&plan);
	CHECK_INT(kernel_value_read("/proc/sys/net/ipv4/tcp_fastopen", before, sizeof(before)), 0);
	child = fork();
	if (child == 0)
		_exit(inside());
	waitpid(child, &status, 0);
	CHECK_INT(status, 0);
	CHECK_INT(kernel_value_read("/proc/sys/net/ipv4/tcp_fastopen", after, sizeof(after)), 0);
	CHECK_TEXT(after, before);
}

static void test_a_profile_is_read_line_by_line(void)
{
	struct setting_request requests[4];
	struct err err = { 0 };
	unsigned count = 0;

	CHECK_INT(profile_parse("p", "# Head.\n\na.b = 1 # why\n-c.d=2 3\n", requests, 4, &count,
				&err),
		  0);
	CHECK_INT(count, 2);
	CHECK_TEXT(requests[0].value, "1");
	CHECK_TEXT(requests[1].name, "c.d");
	CHECK_TEXT(requests[1].value, "2 3");
	CHECK_INT(profile_parse("p", "\n\na b\n", requests, 4, &count, &err), -EINVAL);
	CHECK_TEXT(err.text, "p:3: \"a b\" is not of the form NAME=VALUE");
	CHECK_INT(profile_parse("p", "a=1\nb=1\nc=1\n", requests, 4, &count, &err), -EINVAL);
	CHECK_TEXT(err.text, "p:3: more than 4 settings");
}

static CU_TestInfo tests[] = {
	{ "names mean files", test_names_mean_files },
	{ "what means nothing is refused", test_what_means_nothing_is_refused },
	{ "every line of the table is found by its name",
	  test_every_line_of_the_table_is_found_by_its_name },
	{ "requests are read", test_requests_are_read },
	{ "a plan knows words where numbers stand", test_a_plan_knows_words_where_numbers_stand },
	{ "a plan foresees what would fail", test_a_plan_foresees_what_would_fail },
	{ "a glob is a change for each file", test_a_glob_is_a_change_for_each_file },
	{ "a private namespace has its own", test_a_private_namespace_has_its_own },
	{ "a profile is read line by line", test_a_profile_is_read_line_by_line },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("setting", tests);
}
