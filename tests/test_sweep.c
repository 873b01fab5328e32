/*
 * test_sweep.c - sweeps with the fake program: what they leave, what they refuse, what fails.
 *
 * test_resume.c has those that are interrupted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/store.h"
#include "tests/lab_sweep.h"
#include "tests/test.h"

static void test_a_sweep_runs_its_plan_and_leaves_a_table(void)
{
	struct plan *plan = lab_sweep_plan(lab_sweep_text);
	char *folder = fake_folder();
	struct sweep_result r;
	struct err err = { 0 };

	CU_ASSERT_FATAL(plan != NULL);
	CHECK_INT(lab_sweep_run(plan, folder, false, false, &r, &err), 0);
	CHECK_INT(r.complete, 10);
	CHECK_INT(r.valid, 10);
	lab_sweep_check_complete(folder, plan);
	CU_ASSERT(lab_sweep_has(folder, "sweep.yaml"));
	CU_ASSERT(lab_sweep_has(folder, "plan.json"));
	CU_ASSERT(lab_sweep_has(folder, "runs.csv"));
	plan_destroy(plan);
	fake_folder_remove(folder);
}

/* Runs of one block have the same workload; the fake's numbers show it. */
static void test_a_block_shares_its_workload(void)
{
	struct plan *plan = lab_sweep_plan(lab_sweep_text);
	char *folder = fake_folder();
	struct sweep_result r;
	struct dataset *d;

	CU_ASSERT_FATAL(plan != NULL);
	CHECK_INT(lab_sweep_run(plan, folder, false, false, &r, NULL), 0);
	d = lab_sweep_load(folder);
	CU_ASSERT_FATAL(d != NULL);
	for (unsigned b = 0; b < d->block_count; b++) {
		double epoll = dataset_run(d, 0, b)->metric[METRIC_P50];

		CHECK_NEAR(epoll, 20000 + (double)(plan->block_seeds[b] % 1000), 0);
		CHECK_NEAR(dataset_aa_run(d, b)->metric[METRIC_P50], epoll, 0);
		CHECK_NEAR(dataset_run(d, 2, b)->metric[METRIC_P50], epoll + 5000, 0);
	}
	dataset_destroy(d);
	plan_destroy(plan);
	fake_folder_remove(folder);
}

static void test_invalid_runs_are_repeated_in_their_block(void)
{
	static const char flaky[] = "client: {duration: 1ms, behave: flaky}\n"
				    "factors: {node.backend: [epoll, poll, select]}\n"
				    "blocks: 2\nseed: 3\ninvalid: {repeat: 2}\n";
	struct plan *plan = lab_sweep_plan(flaky);
	char *folder = fake_folder();
	struct sweep_result r;
	struct dataset *d;

	CU_ASSERT_FATAL(plan != NULL);
	CHECK_INT(lab_sweep_run(plan, folder, false, false, &r, NULL), 0);
	d = lab_sweep_load(folder);
	CU_ASSERT_FATAL(d != NULL);
	/* Odd runs are INVALID: 1 and 3 of the first block come again as 5 and 6, 5 again as 7,
	 * which is the third time and the last. */
	CHECK_INT(d->runs[4].attempt, 1);
	CHECK_INT(d->runs[4].config, d->runs[0].config);
	CHECK_INT(d->runs[5].config, d->runs[2].config);
	CU_ASSERT(d->runs[5].usable && !d->runs[2].usable);
	CHECK_INT(d->runs[6].attempt, 2);
	CU_ASSERT(!d->runs[6].usable);
	CHECK_INT(d->runs[7].block, 1);
	for (unsigned i = 0; i < d->run_count; i++)
		CHECK_INT(d->runs[i].validity, (i + 1) % 2 ? RUN_INVALID : RUN_VALID);
	CHECK_INT(r.invalid, (d->run_count + 1) / 2);
	dataset_destroy(d);
	plan_destroy(plan);
	fake_folder_remove(folder);
}

static void test_a_configuration_that_fails_does_not_end_the_sweep(void)
{
	static const char text[] = "client: {duration: 1ms}\n"
				   "factors: {node.behave: [well, refuse, crash]}\n"
				   "blocks: 2\n";
	struct plan *plan = lab_sweep_plan(text);
	char *folder = fake_folder();
	struct sweep_result r;
	struct dataset *d;

	CU_ASSERT_FATAL(plan != NULL);
	CHECK_INT(lab_sweep_run(plan, folder, false, false, &r, NULL), 0);
	CHECK_INT(r.complete, 8);
	CHECK_INT(r.failed, 4);
	d = lab_sweep_load(folder);
	CU_ASSERT_FATAL(d != NULL);
	CU_ASSERT(d->configs[0].possible && d->configs[2].possible);
	CU_ASSERT(!d->configs[1].possible);
	CHECK_TEXT(d->configs[1].why,
		   "node: exit status 3: sched: SCHED_FIFO refused: needs CAP_SYS_NICE");
	CU_ASSERT(dataset_run(d, 0, 1) != NULL && dataset_run(d, 2, 1) == NULL);
	dataset_destroy(d);
	plan_destroy(plan);
	fake_folder_remove(folder);
}

/* Holds the lock of a folder until it is killed; says so through the pipe. */
static pid_t hold_lock(const char *folder)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[200], byte;
	int ends[2];
	pid_t pid;

	CHECK_INT(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		snprintf(path, sizeof(path), "%s/lock", folder);
		if (fcntl(open(path, O_RDWR | O_CREAT, 0600), F_SETLK, &whole) == 0 &&
		    write(ends[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ends[1]);
	CHECK_INT(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	return pid;
}

static void test_two_sweeps_do_not_share_a_folder(void)
{
	struct plan *plan = lab_sweep_plan(lab_sweep_text);
	char *folder = fake_folder(), path[200], want[200];
	struct sweep_result r;
	struct err err = { 0 };
	pid_t other;

	CU_ASSERT_FATAL(plan != NULL);
	plan_save(plan, store_plan_path(folder, path, sizeof(path)), NULL);
	other = hold_lock(folder);
	CHECK_INT(lab_sweep_run(plan, folder, true, false, &r, &err), -EBUSY);
	snprintf(want, sizeof(want), "%s: another sweep is running in this folder", folder);
	CHECK_TEXT(err.text, want);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	CHECK_INT(lab_sweep_run(plan, folder, false, false, &r, &err), -EEXIST);
	plan_destroy(plan);
	fake_folder_remove(folder);
}

static void test_an_impossible_baseline_is_refused_before_anything(void)
{
	struct plan *plan = lab_sweep_plan("factors: {node.backend: [broken, epoll]}\n");
	char *folder = fake_folder();
	struct sweep_result r;
	struct err err = { 0 };

	CU_ASSERT_FATAL(plan != NULL);
	CHECK_INT(lab_sweep_run(plan, folder, false, false, &r, &err), -EOPNOTSUPP);
	CHECK_TEXT(err.text,
		   "the baseline (broken) is not possible here, so nothing can be compared: "
		   "node: broken: this kernel has no such thing");
	CU_ASSERT(!lab_sweep_has(folder, "plan.json"));
	plan_destroy(plan);
	fake_folder_remove(folder);
}

static void test_a_program_that_cannot_be_run_is_said_before_anything(void)
{
	struct plan *plan = lab_sweep_plan(lab_sweep_text);
	char *folder = fake_folder();
	struct sweep_opts opts = { .folder = folder, .program = "/nonexistent/ringwalk" };
	struct sweep_result r;
	struct err err = { 0 };

	CU_ASSERT_FATAL(plan != NULL);
	CHECK_INT(sweep_run(plan, &opts, &r, &err), -ENOENT);
	CHECK_TEXT(err.text, "cannot run /nonexistent/ringwalk: No such file or directory");
	CU_ASSERT(!lab_sweep_has(folder, "plan.json"));
	plan_destroy(plan);
	fake_folder_remove(folder);
}

struct seen {
	unsigned calls, runs;
	bool bad;
};

static void watch_progress(void *context, const struct progress *p)
{
	struct seen *seen = context;

	seen->calls++;
	seen->bad |= p->total != 10 || p->done > p->total || p->blocks != 2 || p->block > 2;
	if (p->done > seen->runs) {
		seen->runs = p->done;
		seen->bad |= !p->label || strcmp(p->verdict, "VALID") || p->p50_ns < 20000;
	}
}

static void test_progress_is_told_run_by_run(void)
{
	struct seen seen = { 0 };
	struct plan *plan = lab_sweep_plan(lab_sweep_text);
	char *folder = fake_folder();
	struct sweep_opts opts = { .folder = folder,
				   .program = lab_sweep_program,
				   .progress = watch_progress,
				   .context = &seen };
	struct sweep_result r;

	CU_ASSERT_FATAL(plan != NULL);
	CHECK_INT(sweep_run(plan, &opts, &r, NULL), 0);
	CHECK_INT(seen.runs, 10);
	CU_ASSERT(seen.calls > 10);
	CU_ASSERT(!seen.bad);
	plan_destroy(plan);
	fake_folder_remove(folder);
}

static CU_TestInfo tests[] = {
	{ "a sweep runs its plan and leaves a table",
	  test_a_sweep_runs_its_plan_and_leaves_a_table },
	{ "a block shares its workload", test_a_block_shares_its_workload },
	{ "invalid runs are repeated in their block",
	  test_invalid_runs_are_repeated_in_their_block },
	{ "a configuration that fails does not end the sweep",
	  test_a_configuration_that_fails_does_not_end_the_sweep },
	{ "two sweeps do not share a folder", test_two_sweeps_do_not_share_a_folder },
	{ "an impossible baseline is refused before anything",
	  test_an_impossible_baseline_is_refused_before_anything },
	{ "a lab_sweep_program that cannot be run is said before anything",
	  test_a_program_that_cannot_be_run_is_said_before_anything },
	{ "progress is told run by run", test_progress_is_told_run_by_run },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	if (argc != 2)
		return test_skip("needs the path of fake_ringwalk");
	lab_sweep_program = argv[1];
	return test_main("sweep", tests);
}
