/*
 * test_foreign.c - whose CPU time it was: shares, limits and sentences of simulated figures, and
 * whose processes are a run's own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/foreign.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpus.h"
#include "lab/run.h"
#include "tests/test.h"

/* Two CPUs for 100 s: 60 s of programs on the first one, 30 s on the second. */
static struct cpu_time two_cpus[2];
static struct host machine;

static cpu_set_t cpus(const char *list)
{
	cpu_set_t set;

	cpus_read(list, &set);
	return set;
}

static struct foreign_facts facts(const char *node, const char *client)
{
	uint64_t tick = (uint64_t)sysconf(_SC_CLK_TCK);

	machine = (struct host){ .at_ns = 100 * SEC, .cpus = 2, .cpu = two_cpus };
	two_cpus[0] = (struct cpu_time){ .is_there = true, .busy = 60 * tick, .idle = 40 * tick };
	two_cpus[1] = (struct cpu_time){ .is_there = true, .busy = 30 * tick, .idle = 70 * tick };
	return (struct foreign_facts){ .machine = &machine,
				       .node_cpus = cpus(node),
				       .client_cpus = cpus(client),
				       .node_ns = 20 * SEC,
				       .client_ns = 10 * SEC };
}

static void test_node_and_client_that_may_meet_are_looked_at_together(void)
{
	struct foreign_facts f = facts("0", "0-1");
	struct foreign got;

	foreign_find(&f, &got);
	CHECK_NEAR(got.share, (90.0 - 30) / 200, 1e-9);
	CHECK_TEXT(got.whose, "node and client");
	CHECK_INT(CPU_COUNT(&got.cpus), 2);
	f.node_ns = 200 * SEC; /* ticks are coarse */
	foreign_find(&f, &got);
	CHECK_NEAR(got.share, 0, 0);
}

static void test_apart_the_one_that_is_disturbed_more_counts(void)
{
	struct foreign_facts f = facts("0", "1");
	struct foreign got;

	foreign_find(&f, &got);
	CHECK_NEAR(got.share, 0.4, 1e-9);
	CHECK_TEXT(got.whose, "the node");
	f.node_ns = 55 * SEC;
	foreign_find(&f, &got);
	CHECK_NEAR(got.share, 0.2, 1e-9);
	CHECK_TEXT(got.whose, "the client");
	CU_ASSERT(CPU_ISSET(1, &got.cpus) && !CPU_ISSET(0, &got.cpus));
}

static void test_a_load_in_step_with_the_ticks_is_not_taken_for_somebody(void)
{
	struct foreign_facts f = facts("0", "0");
	struct foreign got;

	two_cpus[0].idle = 70 * (uint64_t)sysconf(_SC_CLK_TCK);
	two_cpus[0].busy *= 10; /* each tick met it */
	foreign_find(&f, &got);
	CHECK_NEAR(got.share, 0, 1e-9);
}

static void test_the_way_out_of_idleness_is_nobodys(void)
{
	struct foreign_facts f = facts("0", "0");
	struct foreign got;

	two_cpus[0].idle /= 2;
	foreign_find(&f, &got);
	CHECK_NEAR(got.share, 0.3, 1e-9); /* of the 60 s that ticks met, and not of 80 */
}

static void test_a_cpu_of_nobody_in_the_run_does_not_count(void)
{
	struct foreign_facts f = facts("1", "1");
	struct foreign got;

	f.node_ns = 20 * SEC;
	f.client_ns = 10 * SEC;
	foreign_find(&f, &got);
	CHECK_NEAR(got.share, 0, 1e-9); /* the first CPU is full of others */
}

/* A hog, a proxy, the kernel: taken off where they may have run, and nowhere else. */
static void test_what_is_part_of_the_run_is_no_neighbour(void)
{
	struct foreign_process processes[] = {
		{ .name = "ringwalk", .is_ours = true, .cpus = cpus("0"), .cpu_ns = 25 * SEC },
		{ .name = "kworker/1:0", .is_ours = true, .cpus = cpus("1"), .cpu_ns = 5 * SEC },
		{ .name = "make", .cpus = cpus("0-1"), .cpu_ns = 30 * SEC },
	};
	struct foreign_facts f = facts("0-1", "0-1");
	struct foreign got;

	f.processes = processes;
	f.count = 3;
	foreign_find(&f, &got);
	CHECK_NEAR(got.share, (90.0 - 30 - 25 - 5) / 200, 1e-9);
	CHECK_TEXT(got.by, "make");
	CHECK_INT(got.by_ns, 30 * SEC);
	f.node_cpus = f.client_cpus = cpus("1");
	f.node_ns = f.client_ns = 0;
	foreign_find(&f, &got);
	CHECK_NEAR(got.share, 0.25, 1e-9);
}

static void test_the_name_is_that_of_most_of_it(void)
{
	struct foreign_process processes[] = {
		{ .name = "big", .cpus = cpus("0"), .cpu_ns = 20 * SEC },
		{ .name = "cc1", .cpus = cpus("0-1"), .cpu_ns = 15 * SEC },
		{ .name = "cc1", .cpus = cpus("0-1"), .cpu_ns = 14 * SEC },
	};
	struct foreign_facts f = facts("0-1", "0-1");
	struct foreign got;

	f.processes = processes;
	f.count = 3;
	foreign_find(&f, &got);
	CHECK_TEXT(got.by, "cc1");
	CHECK_INT(got.by_ns, 29 * SEC);
	f.node_cpus = f.client_cpus = cpus("1"); /* where `big` cannot be */
	f.count = 1;
	f.node_ns = f.client_ns = 0;
	foreign_find(&f, &got);
	CHECK_TEXT(got.by, "");
	f = facts("0-1", "0-1"); /* 60 s of others, of which 15 s have a name: nobody stands out */
	f.processes = processes + 1;
	f.count = 1;
	foreign_find(&f, &got);
	CHECK_TEXT(got.by, "");
}

static void test_a_short_window_tells_less(void)
{
	static const struct {
		double seconds, limit;
	} rows[] = { { 1000, 0.02 }, { 100, 0.02 }, { 10, 0.0335 }, { 1, 0.106 }, { 0.5, 0.15 } };
	struct foreign_facts f = facts("0-1", "0-1");
	struct foreign got;

	/* The ticks of this table are 10 ms. */
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows) && sysconf(_SC_CLK_TCK) == 100; i++) {
		for (int c = 0; c < 2; c++)
			two_cpus[c].busy = two_cpus[c].idle = (uint64_t)(rows[i].seconds * 50);
		machine.at_ns = (int64_t)(rows[i].seconds * SEC);
		foreign_find(&f, &got);
		CHECK_NEAR(got.limit, rows[i].limit, 0.001);
	}
}

static void test_what_is_not_known_is_no_reason(void)
{
	struct foreign_facts f = facts("0-1", "0-1");
	struct foreign got;
	char text[FOREIGN_TEXT];
	json_t *json;

	CPU_ZERO(&f.client_cpus);
	foreign_find(&f, &got);
	CU_ASSERT(got.share < 0);
	f = facts("0-1", "0-1");
	two_cpus[0].is_there = two_cpus[1].is_there = false;
	foreign_find(&f, &got);
	CU_ASSERT(got.share < 0);
	json = foreign_json(&got);
	CU_ASSERT(json_is_null(json));
	CHECK_TEXT(foreign_reason(json, text, sizeof(text)), "");
	CHECK_TEXT(foreign_reason(NULL, text, sizeof(text)), "");
	json_decref(json);
}

static void test_the_sentence_has_figure_limit_and_name(void)
{
	static const struct {
		double share, limit;
		const char *by, *says;
	} rows[] = {
		{ 0, 0.02, "make", "" },
		{ 0.02, 0.02, "make", "" },
		{ 0.0201, 0.02, "", "others used the CPUs of node and client: 2%; limit 2%" },
		{ 0.31, 0.02, "make",
		  "others used the CPUs of node and client: 31%, most of all make; limit 2%" },
		{ 0.1, 0.15, "make", "" },
		{ 0.2, 0.15, "make",
		  "others used the CPUs of node and client: 20%, most of all make; limit 15% in so "
		  "short a time" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct foreign f = { .share = rows[i].share,
				     .limit = rows[i].limit,
				     .whose = "node and client",
				     .cpus = cpus("0-1") };
		char text[FOREIGN_TEXT];
		json_t *json;

		strcpy(f.by, rows[i].by);
		json = foreign_json(&f);
		CHECK_TEXT(json_string_value(json_object_get(json, "cpus")), "0-1");
		CHECK_TEXT(foreign_reason(json, text, sizeof(text)), rows[i].says);
		json_decref(json);
	}
}

static void test_a_run_is_suspect_for_it_and_never_invalid(void)
{
	static const struct {
		const char *client, *reason;
		double share;
		enum validity want;
		const char *says;
	} rows[] = {
		{ "VALID", NULL, 0.01, RUN_VALID, "" },
		{ "VALID", NULL, 0.99, RUN_SUSPECT,
		  "others used the CPUs of the node: 99%; limit 2%" },
		{ "SUSPECT", "late", 0.01, RUN_SUSPECT, "late" },
		{ "SUSPECT", "late", 0.5, RUN_SUSPECT,
		  "late\nothers used the CPUs of the node: 50%; limit 2%" },
		{ "INVALID", "late", 0.5, RUN_INVALID,
		  "late\nothers used the CPUs of the node: 50%; limit 2%" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct foreign found = { rows[i].share, 0.02, "the node", cpus("0"), "", 0 };
		json_t *client = json_pack("{s:s, s:[s*], s:{s:i}}", "verdict", rows[i].client,
					   "reasons", rows[i].reason, "counts", "done", 100);
		json_t *observed = json_pack("{s:o}", "foreign", foreign_json(&found));
		struct run_result r = { 0 };

		record_judge(&(struct run_facts){ .client = client, .observed = observed }, &r);
		CU_ASSERT(!r.failed);
		CHECK_INT(r.validity, rows[i].want);
		CHECK_TEXT(r.reasons, rows[i].says);
		json_decref(client);
		json_decref(observed);
	}
}

/* Of those with that name the one that used the most. */
static const struct foreign_process *named(const struct foreign_watch *w, const char *name)
{
	const struct foreign_process *most = NULL;

	for (unsigned i = 0; i < w->count; i++)
		if (!strcmp(w->processes[i].name, name) &&
		    (!most || w->processes[i].cpu_ns > most->cpu_ns))
			most = &w->processes[i];
	return most;
}

#define PROGRAM "/proc/self/exe"
#define WORK_NS (60 * MS)

/* Runs this program as `ringwalk WORD NAME`: see be_somebody(). */
static pid_t start_somebody(const char *word, const char *name)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(PROGRAM, "ringwalk", word, name, (char *)NULL);
		_exit(1);
	}
	return pid;
}

/* "work": uses some CPU time under that name, and says so. Anything else: has a child that does. */
static int be_somebody(const char *word, const char *name)
{
	if (strcmp(word, "work")) {
		start_somebody("work", name);
		wait(NULL);
		return 0;
	}
	prctl(PR_SET_NAME, name);
	while (clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) < WORK_NS)
		;
	kill(atoi(getenv("RW_TEST_LAB")), SIGUSR1);
	pause();
	return 0;
}

/* Somebody who works as a sweep's node, as one that a script has started, or as the lab's own. */
static void check_somebody(const char *word, const char *name, bool is_ours)
{
	const struct timespec patience = { .tv_sec = 60 };
	const struct foreign_process *p;
	struct foreign_watch w;
	sigset_t done;
	pid_t pid;

	sigemptyset(&done);
	sigaddset(&done, SIGUSR1);
	foreign_watch_begin(&w);
	pid = start_somebody(word, name);
	CHECK_INT(sigtimedwait(&done, NULL, &patience), SIGUSR1);
	foreign_watch_end(&w, &(struct foreign_own){ .program = PROGRAM });
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CU_ASSERT(w.is_complete);
	p = named(&w, name);
	CU_ASSERT(p && p->cpu_ns >= WORK_NS / 2);
	CHECK_INT(p ? p->is_ours : -1, is_ours);
	foreign_watch_finish(&w);
	foreign_watch_finish(&w);
}

static void test_programs_of_ringwalk_are_ours_unless_another_sweep_has_started_them(void)
{
	check_somebody("work", "rw-child", true);
	check_somebody("script", "rw-helper", true);
	check_somebody("sweep", "rw-stranger", false);
}

static int64_t used_ns(pid_t pid)
{
	clockid_t clock;

	return clock_getcpuclockid(pid, &clock) ? INT64_MAX : clock_read_ns(clock);
}

/* A shell that works, under a name of its own, on one CPU. */
static pid_t start_shell(const char *path, int cpu)
{
	pid_t pid = fork();
	cpu_set_t set;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	execl(path, path, "-c", "while :; do :; done", (char *)NULL);
	_exit(1);
}

static void test_another_program_is_a_neighbour_with_name_and_cpus(void)
{
	char path[64], *name = path + strlen("/tmp/");
	const struct foreign_process *p;
	int cpu = sched_getcpu();
	struct foreign_watch w;
	pid_t pid;

	snprintf(path, sizeof(path), "/tmp/rw-%d", getpid());
	unlink(path);
	CHECK_INT(symlink("/bin/sh", path), 0);
	foreign_watch_begin(&w);
	pid = start_shell(path, cpu);
	for (int i = 0; i < 60000 && used_ns(pid) < WORK_NS; i++)
		usleep(1000);
	foreign_watch_end(&w, &(struct foreign_own){ .program = PROGRAM });
	CU_ASSERT_FATAL(w.is_complete);
	p = named(&w, name);
	CU_ASSERT(p && !p->is_ours && p->cpu_ns >= WORK_NS / 2);
	CU_ASSERT(p && CPU_COUNT(&p->cpus) == 1 && CPU_ISSET(cpu, &p->cpus));
	foreign_watch_finish(&w);
	foreign_watch_begin(&w);
	for (int i = 0; i < 60000 && used_ns(pid) < 2 * WORK_NS; i++)
		usleep(1000);
	foreign_watch_end(&w, &(struct foreign_own){ .node = pid, .program = PROGRAM });
	CU_ASSERT_PTR_NULL(named(&w, name)); /* the node's time is known better */
	foreign_watch_finish(&w);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(path);
}

static CU_TestInfo tests[] = {
	{ "node and client that may meet are looked at together",
	  test_node_and_client_that_may_meet_are_looked_at_together },
	{ "apart the one that is disturbed more counts",
	  test_apart_the_one_that_is_disturbed_more_counts },
	{ "a load in step with the ticks is not taken for somebody",
	  test_a_load_in_step_with_the_ticks_is_not_taken_for_somebody },
	{ "the way out of idleness is nobody's", test_the_way_out_of_idleness_is_nobodys },
	{ "a cpu of nobody in the run does not count",
	  test_a_cpu_of_nobody_in_the_run_does_not_count },
	{ "what is part of the run is no neighbour", test_what_is_part_of_the_run_is_no_neighbour },
	{ "the name is that of most of it", test_the_name_is_that_of_most_of_it },
	{ "a short window tells less", test_a_short_window_tells_less },
	{ "what is not known is no reason", test_what_is_not_known_is_no_reason },
	{ "the sentence has figure, limit and name", test_the_sentence_has_figure_limit_and_name },
	{ "a run is suspect for it and never invalid",
	  test_a_run_is_suspect_for_it_and_never_invalid },
	{ "programs of ringwalk are ours unless another sweep has started them",
	  test_programs_of_ringwalk_are_ours_unless_another_sweep_has_started_them },
	{ "another program is a neighbour with name and CPUs",
	  test_another_program_is_a_neighbour_with_name_and_cpus },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	sigset_t done;
	char pid[16];

	if (argc == 3)
		return be_somebody(argv[1], argv[2]);
	sigemptyset(&done);
	sigaddset(&done, SIGUSR1);
	sigprocmask(SIG_BLOCK, &done, NULL);
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("RW_TEST_LAB", pid, 1);
	return test_main("foreign", tests);
}
