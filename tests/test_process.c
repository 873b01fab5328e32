/*
 * test_process.c - threads that work, wait for a CPU, are born and end between two samples.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "observe/process.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/test.h"

#define WORK_NS	  (30 * MS)
#define GLANCE_NS (300 * US) /* less than a slice: mostly nobody interrupts it */
#define ATTEMPTS  200
#define HOGS	  2

static int64_t used_ns(void)
{
	return clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

static void work(int64_t ns)
{
	for (int64_t end = used_ns() + ns; used_ns() < end;)
		;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK_INT(sched_setaffinity(0, sizeof(set), &set), 0);
}

struct hog {
	int cpu;
	atomic_bool stop;
	pthread_barrier_t started;
};

static void *run_hog(void *context)
{
	struct hog *hog = context;

	pin(hog->cpu);
	pthread_barrier_wait(&hog->started);
	while (!atomic_load(&hog->stop))
		;
	return NULL;
}

/* Run delay of this thread while it worked, as a share of its work. */
static double delay_of_work(int64_t ns)
{
	struct process_sample from, to;
	struct process_change change;
	double delay = -1;

	CHECK_INT(process_sample_take(getpid(), &from), 0);
	work(ns);
	CHECK_INT(process_sample_take(getpid(), &to), 0);
	CHECK_INT(process_between(&from, &to, &change), 0);
	for (unsigned i = 0; i < change.count; i++)
		if (change.tasks[i].tid == gettid())
			delay = (double)change.tasks[i].count[TASK_RUN_DELAY_NS] / (double)ns;
	process_sample_finish(&from);
	process_sample_finish(&to);
	process_change_finish(&change);
	return delay;
}

static double delay_beside_hogs(int cpu)
{
	struct hog hog = { .cpu = cpu };
	pthread_t threads[HOGS];
	double delay;

	pthread_barrier_init(&hog.started, NULL, HOGS + 1);
	for (int i = 0; i < HOGS; i++)
		CU_ASSERT_FATAL(!pthread_create(&threads[i], NULL, run_hog, &hog));
	pthread_barrier_wait(&hog.started);
	delay = delay_of_work(WORK_NS);
	atomic_store(&hog.stop, true);
	for (int i = 0; i < HOGS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&hog.started);
	return delay;
}

/* The machine may be busy with others: then one undisturbed glance of many is enough. */
static double least_delay_alone(void)
{
	double least = delay_of_work(GLANCE_NS);

	for (int i = 0; i < ATTEMPTS && least > 0; i++) {
		double delay = delay_of_work(GLANCE_NS);

		least = delay < least ? delay : least;
	}
	return least;
}

static void test_a_thread_with_a_hog_on_its_cpu_shows_run_delay(void)
{
	struct task self;
	double alone, beside;

	if (access("/proc/thread-self/schedstat", R_OK)) {
		test_not_possible("this kernel does not count run delay");
		return;
	}
	task_read_self(&self);
	CU_ASSERT(self.count[TASK_RUN_DELAY_NS] >= 0);
	pin(self.cpu);
	beside = delay_beside_hogs(self.cpu);
	alone = least_delay_alone();
	printf("\n    run delay beside two hogs %.0f %% of the work, alone %.2f %% ", 100 * beside,
	       100 * alone);
	CU_ASSERT(beside > 0.5);
	CU_ASSERT(alone < 0.1);
	CHECK_INT(sched_setaffinity(0, sizeof(self.allowed), &self.allowed), 0);
}

struct pair {
	pthread_barrier_t ready, go;
};

static void *wait_in_between(void *context)
{
	struct pair *p = context;

	pthread_setname_np(pthread_self(), "late-comer");
	work(MS);
	pthread_barrier_wait(&p->ready);
	pthread_barrier_wait(&p->go);
	return NULL;
}

static void test_threads_come_and_go(void)
{
	struct process_sample alone, both, again;
	struct process_change grown, shrunk;
	struct pair p;
	pthread_t thread;

	pthread_barrier_init(&p.ready, NULL, 2);
	pthread_barrier_init(&p.go, NULL, 2);
	CHECK_INT(process_sample_take(getpid(), &alone), 0);
	CU_ASSERT_FATAL(!pthread_create(&thread, NULL, wait_in_between, &p));
	pthread_barrier_wait(&p.ready);
	CHECK_INT(process_sample_take(getpid(), &both), 0);
	pthread_barrier_wait(&p.go);
	pthread_join(thread, NULL);
	while (process_sample_take(getpid(), &again) == 0 && again.count > alone.count)
		process_sample_finish(&again); /* joined, but not yet out of /proc */
	CHECK_INT(process_between(&alone, &both, &grown), 0);
	CHECK_INT(grown.count, alone.count + 1);
	CHECK_INT(grown.ended, 0);
	CHECK_TEXT(grown.tasks[grown.count - 1].name, "late-comer");
	if (grown.tasks[grown.count - 1].count[TASK_CPU_NS] >= 0)
		CU_ASSERT(grown.tasks[grown.count - 1].count[TASK_CPU_NS] >= MS / 2);
	CHECK_INT(process_between(&both, &again, &shrunk), 0);
	CHECK_INT(shrunk.ended, 1);
	process_change_finish(&grown);
	process_change_finish(&shrunk);
	process_sample_finish(&alone);
	process_sample_finish(&both);
	process_sample_finish(&again);
}

/* A tid comes again some day; the thread behind it is another one. */
static void test_a_thread_born_later_is_not_the_one_before(void)
{
	struct task before = { .tid = 5, .born = 100, .count = { 1000 } };
	struct task after = { .tid = 5, .born = 200, .count = { 30 } };
	struct process_sample from = { .count = 1, .tasks = &before };
	struct process_sample to = { .at_ns = SEC, .count = 1, .tasks = &after };
	struct process_change change;

	CHECK_INT(process_between(&from, &to, &change), 0);
	CHECK_INT(change.total.count[TASK_CPU_NS], 30);
	CHECK_INT(change.ended, 1);
	process_change_finish(&change);
}

static void test_a_process_that_is_gone_is_no_sample(void)
{
	struct process_sample s = { 0 };
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK_INT(process_sample_take(pid, &s), -ESRCH);
	CU_ASSERT_PTR_NULL(s.tasks);
}

static void test_a_thread_that_only_waits_does_not_widen_the_view(void)
{
	struct task tasks[2] = { { .has_cpus = true, .count[TASK_CPU_NS] = MS },
				 { .has_cpus = true, .count[TASK_CPU_NS] = 999 * MS } };
	struct process_change c = { .count = 2, .tasks = tasks };
	cpu_set_t got, one, all;

	CPU_ZERO(&one);
	CPU_SET(1, &one);
	all = one;
	CPU_SET(0, &all);
	tasks[0].allowed = c.cpus = all;
	tasks[1].allowed = one;
	c.total.count[TASK_CPU_NS] = SEC;
	got = process_working_cpus(&c);
	CU_ASSERT(CPU_EQUAL(&got, &one));
	tasks[0].count[TASK_CPU_NS] = 300 * MS;
	got = process_working_cpus(&c);
	CU_ASSERT(CPU_EQUAL(&got, &all));
	/* Nobody worked, or the kernel does not say who did. */
	for (int64_t ns = TASK_UNKNOWN; ns <= 0; ns++) {
		c.total.count[TASK_CPU_NS] = ns;
		tasks[0].count[TASK_CPU_NS] = tasks[1].count[TASK_CPU_NS] = ns;
		got = process_working_cpus(&c);
		CU_ASSERT(CPU_EQUAL(&got, &all));
	}
}

static CU_TestInfo tests[] = {
	{ "a thread with a hog on its CPU shows run delay, one without does not",
	  test_a_thread_with_a_hog_on_its_cpu_shows_run_delay },
	{ "threads come and go", test_threads_come_and_go },
	{ "a thread born later is not the one before",
	  test_a_thread_born_later_is_not_the_one_before },
	{ "a process that is gone is no sample", test_a_process_that_is_gone_is_no_sample },
	{ "a thread that only waits does not widen the view",
	  test_a_thread_that_only_waits_does_not_widen_the_view },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("process", tests);
}
