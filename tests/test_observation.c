/*
 * test_observation.c - a process seen from outside, who else was on its CPUs, and what people read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/observation.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/test.h"

/* A child that works until it is killed. */
static pid_t start_worker(void)
{
	pid_t pid = fork();

	while (pid == 0)
		;
	return pid;
}

static void end_worker(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int64_t used_ns(pid_t pid)
{
	clockid_t clock;

	return clock_getcpuclockid(pid, &clock) ? 0 : clock_read_ns(clock);
}

static void test_a_process_is_seen_from_outside(void)
{
	const struct observe_opts opts = { .hardware = true };
	struct observation o;
	pid_t pid = start_worker();
	json_t *json, *process, *hardware, *not_known;
	int64_t begin_ns;

	observation_begin(&o, pid, &opts);
	begin_ns = used_ns(pid);
	while (used_ns(pid) < begin_ns + 20 * MS)
		;
	observation_end(&o);
	end_worker(pid);
	CU_ASSERT_FATAL(o.is_complete);
	json = observation_json(&o);
	process = json_object_get(json, "process");
	if (o.process.total.count[TASK_CPU_NS] >= 0)
		CU_ASSERT(json_integer_value(json_object_get(process, "cpu_ns")) >= 10 * MS);
	/* What cannot be counted is null and has its reason. */
	hardware = json_object_get(json, "hardware");
	not_known = json_object_get(json, "not_known");
	CHECK_INT(json_is_null(json_object_get(hardware, "cycles")),
		  json_is_string(json_object_get(not_known, "cycles")));
	CU_ASSERT(json_object_get(hardware, "migrations") == NULL);
	json_decref(json);
	observation_finish(&o);
}

static void test_a_process_that_ends_is_no_observation(void)
{
	struct observation o = { 0 };
	pid_t pid = start_worker();

	observation_begin(&o, pid, &(struct observe_opts){ 0 });
	end_worker(pid);
	observation_end(&o);
	CU_ASSERT(!o.is_complete);
	CU_ASSERT_PTR_NULL(observation_json(&o));
	observation_finish(&o);
	observation_begin(&o, pid, &(struct observe_opts){ .hardware = true });
	observation_end(&o);
	CU_ASSERT_PTR_NULL(observation_json(&o));
	observation_finish(&o);
	observation_finish(&o);
}

/* Two CPUs for 10 s: 9 s of programs on the first one, 3 s on the second. */
static struct cpu_time two_cpus[2];

static struct observation seen(int64_t node_cpu_ns)
{
	struct observation o = { .is_complete = true,
				 .machine = { .at_ns = 10 * SEC, .cpus = 2, .cpu = two_cpus } };
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);

	two_cpus[0] = (struct cpu_time){ .is_there = true, .busy = 9 * ticks, .idle = ticks };
	two_cpus[1] = (struct cpu_time){ .is_there = true, .busy = 3 * ticks, .idle = 7 * ticks };
	CPU_ZERO(&o.process.cpus);
	CPU_SET(0, &o.process.cpus);
	o.process.total.count[TASK_CPU_NS] = node_cpu_ns;
	return o;
}

/* On the second CPU others used 2 s more, and a thread that waits may go there. */
static void test_others_are_looked_for_where_the_node_works(void)
{
	struct observation o = seen(4 * SEC);
	struct task tasks[2] = { { .has_cpus = true, .count[TASK_CPU_NS] = 4 * SEC },
				 { .has_cpus = true } };
	cpu_set_t client;

	CPU_ZERO(&client);
	CPU_SET(1, &client);
	tasks[0].allowed = tasks[1].allowed = o.process.cpus;
	CPU_SET(1, &tasks[1].allowed);
	o.process.cpus = tasks[1].allowed;
	o.process.tasks = tasks;
	o.process.count = 2;
	CHECK_NEAR(observation_others(&o, &client, 1 * SEC), 0.5, 1e-9);
}

static void test_others_are_all_but_node_and_client(void)
{
	struct observation o = seen(4 * SEC);
	cpu_set_t same = o.process.cpus, other;

	CPU_ZERO(&other);
	CPU_SET(1, &other);
	CHECK_NEAR(observation_others(&o, &other, 2 * SEC), 0.5,
		   1e-9); /* the client is elsewhere */
	CHECK_NEAR(observation_others(&o, &same, 2 * SEC), 0.3, 1e-9);
	CPU_OR(&other, &other, &same); /* anywhere: both CPUs are looked at */
	CHECK_NEAR(observation_others(&o, &other, 2 * SEC), 0.3, 1e-9);
	CHECK_NEAR(observation_others(&o, &same, 9 * SEC), 0, 0); /* ticks are coarse */
	CHECK_NEAR(observation_others(&o, NULL, 0), -1, 0);
	o.process.ended = 1; /* what it used is not known */
	CHECK_NEAR(observation_others(&o, &same, 0), -1, 0);
	o = seen(TASK_UNKNOWN);
	CHECK_NEAR(observation_others(&o, &same, 0), -1, 0);
}

static void test_the_line_says_what_is_worth_a_word(void)
{
	struct observation o = seen(4 * SEC);
	char text[DESCRIBE_TEXT];
	int64_t *count = o.process.total.count;

	for (int i = 0; i < PRESSURES; i++)
		o.machine.some_us[i] = HOST_UNKNOWN;
	o.machine.softnet[SOFTNET_DROPPED] = HOST_UNKNOWN;
	count[TASK_RUN_DELAY_NS] = 3 * SEC;
	count[TASK_VOLUNTARY] = 500000;
	count[TASK_INVOLUNTARY] = 5;
	count[TASK_MIGRATIONS] = TASK_UNKNOWN;
	CHECK_TEXT(describe_text(&o.process, &o.machine, 1e6, text),
		   "run delay/request 3.00 us, switches/request 0.5");
	count[TASK_RUN_DELAY_NS] = TASK_UNKNOWN;
	count[TASK_INVOLUNTARY] = 2000000;
	count[TASK_MIGRATIONS] = 3;
	o.machine.some_us[PRESSURE_CPU] = 9999000;
	two_cpus[0].steal = two_cpus[0].idle;
	two_cpus[0].idle = 0;
	CHECK_TEXT(describe_text(&o.process, &o.machine, 1e6, text),
		   "switches/request 0.5, preemptions/request 2, migrations 3, steal 5 %, "
		   "CPU pressure 100 %");
	CHECK_TEXT(describe_text(&o.process, &o.machine, 0, text), "");
}

static void test_a_very_long_line_is_cut(void)
{
	struct observation o = seen(0);
	char text[DESCRIBE_TEXT];

	for (int i = 0; i < TASK_COUNTERS; i++)
		o.process.total.count[i] = INT64_MAX / 2;
	for (int i = 0; i < PRESSURES; i++)
		o.machine.some_us[i] = INT64_MAX;
	o.machine.softnet[SOFTNET_DROPPED] = INT64_MAX;
	o.process.ended = UINT32_MAX;
	two_cpus[0].softirq = two_cpus[0].steal = UINT32_MAX;
	describe_text(&o.process, &o.machine, 1e-3, text);
	CU_ASSERT(strlen(text) < DESCRIBE_TEXT);
}

static CU_TestInfo tests[] = {
	{ "a process is seen from outside", test_a_process_is_seen_from_outside },
	{ "a process that ends is no observation", test_a_process_that_ends_is_no_observation },
	{ "others are looked for where the node works",
	  test_others_are_looked_for_where_the_node_works },
	{ "others are all but node and client", test_others_are_all_but_node_and_client },
	{ "the line says what is worth a word", test_the_line_says_what_is_worth_a_word },
	{ "a very long line is cut", test_a_very_long_line_is_cut },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("observation", tests);
}
