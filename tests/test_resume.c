/*
 * test_resume.c - sweeps that were killed, stopped or torn go on, and lose nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/random.h"
#include "lab/files.h"
#include "lab/store.h"
#include "tests/lab_sweep.h"
#include "tests/test.h"

/*
 * What the machine is like is asked once: another ringwalk beside this test may change it for a
 * while, and a sweep is right not to go on then. That it says the same when it is asked again is
 * for test_provenance.c. Linked in the place of the one in lab/provenance.c (--wrap, ld(1)).
 */
json_t *__real_provenance_collect(const char *program);
json_t *__wrap_provenance_collect(const char *program);

json_t *__wrap_provenance_collect(const char *program)
{
	static json_t *first;

	if (!first)
		first = __real_provenance_collect(program);
	return json_deep_copy(first);
}

#define KILLS 11 /* before the first run, and in each of the 10 */

/* Processes that have the folder in their command line. */
static int count_left(const char *folder)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	int n = 0;

	while ((entry = readdir(dir))) {
		char path[300], *text = NULL;
		size_t len = 0;

		if (*entry->d_name < '0' || *entry->d_name > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		if (file_read(path, 1 << 20, &text, &len, NULL) == 0)
			n += memmem(text, len, folder, strlen(folder)) != NULL;
		free(text);
	}
	closedir(dir);
	return n;
}

/* In a process of its own, until it is killed. */
static pid_t start_sweep(const struct plan *plan, const char *folder, bool resume)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct sweep_result r;

		_exit(lab_sweep_run(plan, folder, resume, false, &r, NULL) == 0 ? 0 : 1);
	}
	return pid;
}

/* True: it was done before. */
static bool kill_sweep(pid_t pid, int64_t after_ns)
{
	struct timespec pause = clock_timespec(after_ns);
	int status;

	nanosleep(&pause, NULL);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Waits until this many runs have begun. */
static void await_run(const char *folder, unsigned id)
{
	int64_t end_ns = clock_now_ns() + 20 * SEC;
	char name[32];

	do {
		nanosleep(&(struct timespec){ .tv_nsec = MS / 2 }, NULL);
		snprintf(name, sizeof(name), "runs/%05u.tmp", id);
		if (lab_sweep_has(folder, name))
			return;
		snprintf(name, sizeof(name), "runs/%05u", id);
	} while (!lab_sweep_has(folder, name) && clock_now_ns() < end_ns);
}

/* A killed sweep's children are gone soon after. */
static void check_nothing_left(const char *folder)
{
	int64_t end_ns = clock_now_ns() + 5 * SEC;

	while (count_left(folder) && clock_now_ns() < end_ns)
		nanosleep(&(struct timespec){ .tv_nsec = MS }, NULL);
	CHECK_INT(count_left(folder), 0);
}

/* Ends what was killed; by then every run that was complete must still be the same. */
static void finish_killed(const struct plan *plan, const char *folder)
{
	struct stored_runs before = { 0 }, after = { 0 };
	struct sweep_result r;
	struct err err = { 0 };
	bool begun = lab_sweep_has(folder, "plan.json");

	if (begun)
		CHECK_INT(store_read_runs(folder, plan, &before, &err), 0);
	if (lab_sweep_run(plan, folder, begun, false, &r, &err) < 0)
		printf("\n    %s", err.text);
	CU_ASSERT(err.code == 0);
	CHECK_INT(store_read_runs(folder, plan, &after, &err), 0);
	CHECK_INT(after.torn, 0);
	for (unsigned i = 0; i < before.count && i < after.count; i++)
		CU_ASSERT(before.items[i].run.started_s == after.items[i].run.started_s);
	lab_sweep_check_complete(folder, plan);
	stored_runs_finish(&before);
	stored_runs_finish(&after);
}

/* In every run once, at some moment of it: begun, measuring, being written, published. */
static void test_a_sweep_killed_anywhere_goes_on_and_loses_nothing(void)
{
	struct random_key key = random_key(20261, 0, 0, 0);
	struct plan *plan = lab_sweep_plan(lab_sweep_text);

	CU_ASSERT_FATAL(plan != NULL);
	for (unsigned i = 0; i < KILLS; i++) {
		char *folder = fake_folder();
		pid_t pid = start_sweep(plan, folder, false);

		if (i)
			await_run(folder, i);
		kill_sweep(pid, (int64_t)random_below(&key, i, 15 * MS));
		check_nothing_left(folder);
		finish_killed(plan, folder);
		fake_folder_remove(folder);
	}
	plan_destroy(plan);
}

/* Before the plan was written: the folder counts as free. After: as a sweep. */
static void test_a_beginning_that_was_cut_off_is_begun_again(void)
{
	static const char *const leftovers[] = { "lock", "sweep.yaml", "plan.json.new" };
	struct plan *plan = lab_sweep_plan(lab_sweep_text);
	char *folder = fake_folder(), path[200];
	struct sweep_result r;

	CU_ASSERT_FATAL(plan != NULL);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, leftovers[i]);
		CHECK_INT(file_write_text(path, "half", 4, NULL), 0);
	}
	CHECK_INT(lab_sweep_run(plan, folder, false, false, &r, NULL), 0);
	lab_sweep_check_complete(folder, plan);
	plan_destroy(plan);
	fake_folder_remove(folder);
}

/* Killed again and again, each time a little later, it gets through all the same. */
static void test_many_kills_do_not_stop_a_sweep(void)
{
	struct random_key key = random_key(20262, 0, 0, 0);
	struct plan *plan = lab_sweep_plan(lab_sweep_text);
	char *folder = fake_folder();
	bool done = false;

	CU_ASSERT_FATAL(plan != NULL);
	for (int i = 1; i < 200 && !done; i++)
		done = kill_sweep(start_sweep(plan, folder, lab_sweep_has(folder, "plan.json")),
				  (int64_t)random_below(&key, (uint64_t)i, (uint64_t)i * 20 * MS));
	CU_ASSERT(done);
	lab_sweep_check_complete(folder, plan);
	plan_destroy(plan);
	fake_folder_remove(folder);
}

static void test_a_torn_run_is_thrown_away_and_run_again(void)
{
	struct plan *plan = lab_sweep_plan(lab_sweep_text);
	char *folder = fake_folder(), path[200];
	struct sweep_result r;

	CU_ASSERT_FATAL(plan != NULL);
	CHECK_INT(lab_sweep_run(plan, folder, false, false, &r, NULL), 0);
	/* As if the kill had come before the last rename, and in the middle of a write. */
	snprintf(path, sizeof(path), "%s/runs/00010", folder);
	CHECK_INT(folder_remove(path, NULL), 0);
	strcat(path, ".tmp");
	CHECK_INT(folder_create(path, NULL), 0);
	strcat(path, "/run.json");
	CHECK_INT(file_write_text(path, "{\"run\": 10,", 11, NULL), 0);
	CHECK_INT(lab_sweep_run(plan, folder, true, false, &r, NULL), 0);
	CHECK_INT(r.torn, 1);
	CHECK_INT(r.complete, 10);
	lab_sweep_check_complete(folder, plan);
	plan_destroy(plan);
	fake_folder_remove(folder);
}

static void stop_after_four(void *context, const struct progress *p)
{
	lab_sweep_stop = p->done >= 4;
}

static void test_a_stop_keeps_what_is_complete(void)
{
	struct plan *plan = lab_sweep_plan(lab_sweep_text);
	char *folder = fake_folder(), want[200];
	struct sweep_opts opts = { .folder = folder,
				   .program = lab_sweep_program,
				   .stop = &lab_sweep_stop,
				   .progress = stop_after_four };
	struct sweep_result r;
	struct err err = { 0 };

	CU_ASSERT_FATAL(plan != NULL);
	CHECK_INT(sweep_run(plan, &opts, &r, &err), -EINTR);
	snprintf(want, sizeof(want),
		 "interrupted; 4 of 10 runs are complete; go on with: ringwalk sweep --resume %s",
		 folder);
	CHECK_TEXT(err.text, want);
	CHECK_INT(r.complete, 4);
	CU_ASSERT(lab_sweep_has(folder, "runs.csv"));
	lab_sweep_stop = 0;
	CHECK_INT(lab_sweep_run(plan, folder, true, false, &r, NULL), 0);
	CHECK_INT(r.complete, 10);
	lab_sweep_check_complete(folder, plan);
	plan_destroy(plan);
	fake_folder_remove(folder);
}

static void test_a_resume_needs_a_sweep(void)
{
	struct plan *plan = lab_sweep_plan(lab_sweep_text);
	char *folder = fake_folder(), want[200];
	struct sweep_result r;
	struct err err = { 0 };

	CU_ASSERT_FATAL(plan != NULL);
	CHECK_INT(lab_sweep_run(plan, folder, true, false, &r, &err), -ENOENT);
	snprintf(want, sizeof(want),
		 "%s/plan.json: not the folder of a sweep: No such file or directory", folder);
	CHECK_TEXT(err.text, want);
	plan_destroy(plan);
	fake_folder_remove(folder);
}

static void test_other_conditions_are_refused_unless_forced(void)
{
	struct plan *plan = lab_sweep_plan(lab_sweep_text);
	char *folder = fake_folder(), want[400];
	struct sweep_result r;
	struct err err = { 0 };
	struct dataset *d;

	CU_ASSERT_FATAL(plan != NULL);
	json_object_set_new(json_object_get(plan->environment, "kernel"), "release",
			    json_string("1.0"));
	json_object_set_new(json_object_get(plan->environment, "kernel"), "boot",
			    json_string("yesterday"));
	CHECK_INT(lab_sweep_run(plan, folder, false, false, &r, &err), 0);
	CHECK_INT(lab_sweep_run(plan, folder, true, false, &r, &err), -ESTALE);
	snprintf(want, sizeof(want), "%s: begun under other conditions (kernel.release: 1.0 -> ",
		 folder);
	CU_ASSERT(!strncmp(err.text, want, strlen(want)));
	CU_ASSERT(strstr(err.text, "kernel.boot: yesterday -> ") != NULL);
	CU_ASSERT(strstr(err.text, "--force-resume") != NULL);
	CHECK_INT(lab_sweep_run(plan, folder, true, true, &r, &err), 0);
	d = lab_sweep_load(folder);
	CU_ASSERT_FATAL(d != NULL);
	CHECK_INT(json_array_size(json_object_get(d->environment, "resumed")), 1);
	dataset_destroy(d);
	plan_destroy(plan);
	fake_folder_remove(folder);
}

static void test_runs_of_another_plan_are_refused(void)
{
	struct plan *plan = lab_sweep_plan(lab_sweep_text), *other;
	char *folder = fake_folder();
	struct sweep_result r;
	struct err err = { 0 };

	other = lab_sweep_plan("client: {duration: 2ms}\n"
			       "factors: {node.backend: [poll, select], node.threads: [1, 2]}\n");
	CU_ASSERT_FATAL(plan && other);
	CHECK_INT(lab_sweep_run(plan, folder, false, false, &r, &err), 0);
	CHECK_INT(lab_sweep_run(other, folder, true, false, &r, &err), -EINVAL);
	CU_ASSERT(strstr(err.text, "run.json: not a run of this plan") != NULL);
	CHECK_INT(r.complete, 0); /* and nothing was run */
	plan_destroy(plan);
	plan_destroy(other);
	fake_folder_remove(folder);
}

static CU_TestInfo tests[] = {
	{ "a sweep killed anywhere goes on and loses nothing",
	  test_a_sweep_killed_anywhere_goes_on_and_loses_nothing },
	{ "a beginning that was cut off is begun again",
	  test_a_beginning_that_was_cut_off_is_begun_again },
	{ "many kills do not stop a sweep", test_many_kills_do_not_stop_a_sweep },
	{ "a torn run is thrown away and run again", test_a_torn_run_is_thrown_away_and_run_again },
	{ "a stop keeps what is complete", test_a_stop_keeps_what_is_complete },
	{ "a resume needs a sweep", test_a_resume_needs_a_sweep },
	{ "other conditions are refused unless forced",
	  test_other_conditions_are_refused_unless_forced },
	{ "runs of another plan are refused", test_runs_of_another_plan_are_refused },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	if (argc != 2)
		return test_skip("needs the path of fake_ringwalk");
	lab_sweep_program = argv[1];
	return test_main("resume", tests);
}
