/*
 * test_hog.c - a hog takes what it was told to, no longer than it was told to, and ends at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hog/hog.h"

#include <errno.h>

#include "base/clock.h"
#include "tests/test.h"

static struct hog_opts options(void)
{
	struct hog_opts opts;

	knob_defaults(&hog_knobs, &opts);
	opts.duration_ns = 10 * SEC;
	return opts;
}

static int64_t cpu_of(const struct hog *h)
{
	int64_t sum_ns = 0;

	for (unsigned i = 0; i < hog_threads(h); i++) {
		struct hog_stats s;

		hog_stats(h, i, &s);
		sum_ns += s.cpu_ns;
	}
	return sum_ns;
}

static void wait_until_over(const struct hog *h)
{
	const struct timespec nap = clock_timespec(MS);
	int64_t end_ns = clock_now_ns() + 60 * SEC;

	while (!hog_is_over(h) && clock_now_ns() < end_ns)
		nanosleep(&nap, NULL);
	CU_ASSERT(hog_is_over(h));
}

#define TRIES 5

/* The CPU time of a hog from its start to its end by itself. */
static int64_t cpu_of_a_life(const struct hog_opts *opts)
{
	struct err err = { 0 };
	struct hog *h = NULL;
	int64_t cpu_ns;

	CHECK_INT(hog_start(&h, opts, NULL, &err), 0);
	CU_ASSERT_FATAL(h != NULL);
	wait_until_over(h);
	hog_stop(h);
	cpu_ns = cpu_of(h);
	hog_destroy(h);
	CU_ASSERT(cpu_ns > 0);
	return cpu_ns;
}

/*
 * A hypervisor that takes the CPU away lets the time go on as the thread's: what was too much is
 * measured again, for a hog that takes too much does so every time.
 */
static void check_takes_at_most(const struct hog_opts *opts, int64_t max_ns)
{
	int64_t cpu_ns = INT64_MAX;

	for (int i = 0; i < TRIES && cpu_ns > max_ns; i++)
		cpu_ns = cpu_of_a_life(opts);
	if (cpu_ns > max_ns)
		printf("\n    %lld ns of CPU", (long long)cpu_ns);
	CU_ASSERT(cpu_ns <= max_ns);
}

static void test_it_ends_when_its_time_is_over(void)
{
	struct hog_opts opts = options();

	opts.threads = 3;
	opts.duration_ns = 30 * MS;
	check_takes_at_most(&opts, 3 * 60 * MS);
}

/* However busy the machine is, it takes no more than its share. */
static void test_it_takes_no_more_than_its_share_of_each_period(void)
{
	struct hog_opts opts = options();

	opts.busy = 0.1;
	opts.period_ns = 10 * MS;
	opts.duration_ns = 200 * MS;
	check_takes_at_most(&opts, 60 * MS);
}

static void test_a_long_period_does_not_keep_it_from_stopping(void)
{
	struct hog_opts opts = options();
	struct hog *h = NULL;
	int64_t start_ns;

	opts.busy = 0;
	opts.period_ns = 10 * SEC;
	CHECK_INT(hog_start(&h, &opts, NULL, NULL), 0);
	start_ns = clock_now_ns();
	hog_stop(h);
	CU_ASSERT(clock_now_ns() - start_ns < 5 * SEC);
	CU_ASSERT(hog_is_over(h));
	hog_destroy(h);
}

struct seen {
	unsigned started, ready;
	unsigned long len;
	int refuse;
};

static int on_started(void *context, enum thread_role role, unsigned index, struct err *err)
{
	struct seen *seen = context;

	CHECK_INT(role, THREAD_HOG);
	seen->started++;
	return seen->refuse ? err_set(err, -EPERM, "hog %u may not", index) : 0;
}

static int on_ready(void *context, enum thread_role role, unsigned index,
		    const struct thread_parts *parts, struct err *err)
{
	struct seen *seen = context;

	(void)role, (void)index, (void)err;
	seen->ready++;
	if (parts->range_count)
		seen->len = parts->ranges[0].len;
	return 0;
}

static void test_memory_is_walked_over_and_given_to_the_hooks(void)
{
	struct seen seen = { 0 };
	const struct hooks hooks = { .context = &seen,
				     .thread_started = on_started,
				     .thread_ready = on_ready };
	struct hog_opts opts = options();
	struct hog *h = NULL;

	opts.memory = 100; /* less than a walk of one round: it begins anew */
	opts.duration_ns = 20 * MS;
	CHECK_INT(hog_start(&h, &opts, &hooks, NULL), 0);
	CHECK_INT(seen.started, 1);
	CHECK_INT(seen.ready, 1);
	CHECK_INT(seen.len, 100);
	wait_until_over(h);
	hog_destroy(h);
}

static void test_a_hook_that_refuses_ends_the_start(void)
{
	struct seen seen = { .refuse = 1 };
	const struct hooks hooks = { .context = &seen, .thread_started = on_started };
	struct hog_opts opts = options();
	struct err err = { 0 };
	struct hog *h = NULL;

	CHECK_INT(hog_start(&h, &opts, &hooks, &err), -EPERM);
	CHECK_TEXT(err.text, "hog 0 may not");
	CU_ASSERT(!h);
}

static void test_memory_that_is_not_there_is_a_sentence(void)
{
	struct hog_opts opts = options();
	struct err err = { 0 };
	struct hog *h = NULL;

	opts.memory = INT64_MAX / 2;
	CHECK_INT(hog_start(&h, &opts, NULL, &err), -ENOMEM);
	CU_ASSERT(strstr(err.text, "--memory: ") == err.text);
}

static void test_no_threads_are_nobody(void)
{
	struct hog_opts opts = options();
	struct hog *h = NULL;

	opts.threads = 0;
	CHECK_INT(hog_start(&h, &opts, NULL, NULL), 0);
	CU_ASSERT(hog_is_over(h));
	hog_destroy(h);
	hog_destroy(NULL);
}

static CU_TestInfo tests[] = {
	{ "it ends when its time is over", test_it_ends_when_its_time_is_over },
	{ "it takes no more than its share of each period",
	  test_it_takes_no_more_than_its_share_of_each_period },
	{ "a long period does not keep it from stopping",
	  test_a_long_period_does_not_keep_it_from_stopping },
	{ "memory is walked over and given to the hooks",
	  test_memory_is_walked_over_and_given_to_the_hooks },
	{ "a hook that refuses ends the start", test_a_hook_that_refuses_ends_the_start },
	{ "memory that is not there is a sentence", test_memory_that_is_not_there_is_a_sentence },
	{ "no threads are nobody", test_no_threads_are_nobody },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("hog", tests);
}
