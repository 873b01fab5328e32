/*
 * test_journal.c - changes are written down first and taken back by closing; two holders, changes
 * of others, folders.
 *
 * Temporary files stand for the kernel's: the journal does not know the difference. Who restores
 * when the owner is killed: test_watcher.c; at each step of it: test_tune.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/journal_world.h"

static void test_closing_takes_everything_back(void)
{
	struct world w;
	struct journal *j;
	char effective[16];

	world_open(&w);
	j = begin("test");
	CHECK_INT(journal_write(j, w.a, "2", effective, sizeof(effective), NULL), 0);
	CHECK_TEXT(effective, "2");
	CHECK_INT(change(j, w.b, "3", NULL), 0);
	CHECK_INT(change(j, w.a, "4", NULL), 0);
	CHECK_TEXT(get(w.a), "4");
	CHECK_INT(count_journals(&w), 1);
	journal_close(j);
	CHECK_TEXT(get(w.a), "1");
	CHECK_TEXT(get(w.b), "1");
	CHECK_INT(count_journals(&w), 0);
	world_close(&w);
}

static void test_a_value_that_is_there_is_not_written(void)
{
	struct stat before, after;
	struct world w;
	struct journal *j;

	world_open(&w);
	put(w.a, "00000000,0000000f");
	stat(w.a, &before);
	j = begin("test");
	CHECK_INT(change(j, w.a, "f", NULL), 0);
	journal_close(j);
	stat(w.a, &after);
	CHECK_INT(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	world_close(&w);
}

static void test_what_others_changed_is_left_alone_and_said(void)
{
	struct world w;
	struct journal *j;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	world_open(&w);
	j = begin("test");
	CHECK_INT(change(j, w.a, "2", NULL), 0);
	CHECK_INT(change(j, w.b, "2", NULL), 0);
	put(w.a, "7");
	CHECK_INT(journal_restore(j, out, NULL), 1);
	fflush(out);
	CU_ASSERT(strstr(text, "/a is now '7', neither '2' as it was set nor '1' as before") !=
		  NULL);
	CU_ASSERT(strstr(text, "/b") == NULL);
	journal_close(j);
	CHECK_TEXT(get(w.a), "7");
	CHECK_TEXT(get(w.b), "1");
	CHECK_INT(count_journals(&w), 1); /* remembers it */
	fseek(out, 0, SEEK_SET);
	CHECK_INT(journal_recover(out, NULL), 1);
	put(w.a, "2");
	CHECK_INT(journal_recover(NULL, NULL), 0);
	CHECK_TEXT(get(w.a), "1");
	CHECK_INT(count_journals(&w), 0);
	fclose(out);
	free(text);
	world_close(&w);
}

static void test_two_journals_cannot_hold_the_same_path(void)
{
	struct err err = { 0 };
	struct journal *one, *two;
	struct world w;

	world_open(&w);
	one = begin("ringwalk one");
	two = begin("ringwalk two");
	CHECK_INT(change(one, w.a, "2", NULL), 0);
	CHECK_INT(change(two, w.a, "3", &err), -EBUSY);
	CU_ASSERT(strstr(err.text, "/a: is held by ringwalk one (process ") != NULL);
	CHECK_TEXT(get(w.a), "2");
	CHECK_INT(change(two, w.b, "3", NULL), 0);
	journal_close(one);
	CHECK_INT(change(two, w.a, "3", NULL), 0);
	journal_close(two);
	CHECK_TEXT(get(w.a), "1");
	CHECK_TEXT(get(w.b), "1");
	world_close(&w);
}

/* The soft limit, so that there is room for so many descriptors more; before: as it was. */
static void leave_room(rlim_t room, struct rlimit *before)
{
	struct rlimit few;
	int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);

	getrlimit(RLIMIT_NOFILE, before);
	close(lowest);
	few = *before;
	few.rlim_cur = (rlim_t)lowest + room;
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &few), 0);
}

static void test_a_journal_that_cannot_be_read_is_not_taken_for_none(void)
{
	struct err err = { 0 };
	struct journal *one, *two;
	int unread = 0, busy = 0;
	struct rlimit before;
	struct world w;

	world_open(&w);
	one = begin("ringwalk one");
	two = begin("ringwalk two");
	CHECK_INT(change(one, w.a, "2", &err), 0);
	for (rlim_t room = 1; room < 6; room++) {
		int rc;

		leave_room(room, &before);
		rc = change(two, w.a, "3", &err);
		setrlimit(RLIMIT_NOFILE, &before);
		unread += rc == -EMFILE && strstr(err.text, ".journal: ");
		busy += rc == -EBUSY;
		CU_ASSERT(rc == -EMFILE || rc == -EBUSY);
		CHECK_TEXT(get(w.a), "2");
		CHECK_INT(count_journals(&w), 2);
	}
	CU_ASSERT(unread > 0 && busy > 0);
	journal_close(two);
	journal_close(one);
	CHECK_TEXT(get(w.a), "1");
	world_close(&w);
}

struct second {
	struct journal *journal;
	const char *path;
	int rc;
};

static void *change_second(void *context)
{
	struct second *s = context;

	s->rc = change(s->journal, s->path, "3", NULL);
	return NULL;
}

/* The folder's lock keeps the second waiting while the first one takes back. */
static void test_what_another_takes_back_meanwhile_is_not_the_old_value(void)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	struct journal *one, *two;
	struct second s;
	pthread_t thread;
	struct world w;
	char lock[96];
	int fd;

	world_open(&w);
	one = begin("ringwalk one");
	two = begin("ringwalk two");
	CHECK_INT(change(one, w.a, "2", NULL), 0);
	snprintf(lock, sizeof(lock), "%s/lock", w.state);
	fd = open(lock, O_RDWR | O_CLOEXEC);
	CHECK_INT(flock(fd, LOCK_EX), 0);
	s = (struct second){ two, w.a, -EIO };
	CHECK_INT(pthread_create(&thread, NULL, change_second, &s), 0);
	nanosleep(&pause, NULL); /* it has looked by then, if it looks too early */
	journal_close(one);
	CHECK_TEXT(get(w.a), "1");
	close(fd);
	pthread_join(thread, NULL);
	CHECK_INT(s.rc, 0);
	CHECK_TEXT(get(w.a), "3");
	journal_close(two);
	CHECK_TEXT(get(w.a), "1");
	world_close(&w);
}

static void test_a_refused_write_names_both_values_and_frees_the_path(void)
{
	struct err err = { 0 };
	struct journal *one, *two;
	struct world w;
	char folder[PATH_MAX];

	world_open(&w);
	one = begin("ringwalk one");
	two = begin("ringwalk two");
	CHECK_INT(change(one, "/proc/sys/kernel/ostype", "Nonsense", &err), -EACCES);
	CHECK_TEXT(err.text, "kernel.ostype: 'Nonsense' instead of 'Linux': Permission denied");
	CHECK_INT(change(two, "/proc/sys/kernel/ostype", "Nonsense", NULL), -EACCES);
	CHECK_INT(change(one, "/proc/sys/kernel/no_such_file", "1", &err), -ENOENT);
	snprintf(folder, sizeof(folder), "%s/missing/folder", w.folder);
	CHECK_INT(journal_mkdir(one, folder, &err), -ENOENT);
	journal_close(one);
	journal_close(two);
	CHECK_INT(count_journals(&w), 0);
	world_close(&w);
}

/* No line can be added: what is there suffices to take it all back. */
static void test_what_cannot_be_noted_is_taken_back_all_the_same(void)
{
	char command[128];
	struct rlimit before, small;
	struct journal *j;
	struct world w;

	world_open(&w);
	j = begin("test");
	CHECK_INT(change(j, w.a, "2", NULL), 0);
	CHECK_INT(change(j, w.b, "2", NULL), 0);
	CHECK_INT(change(j, w.c, "2", NULL), 0);
	put(w.b, "7");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 8; /* the files that stand for the kernel's are smaller */
	setrlimit(RLIMIT_FSIZE, &small);
	CHECK_INT(change(j, w.a, "4", NULL), -EFBIG);
	journal_close(j);
	setrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_DFL);
	CHECK_TEXT(get(w.a), "1");
	CHECK_TEXT(get(w.b), "7");
	CHECK_TEXT(get(w.c), "1");
	CHECK_INT(count_journals(&w), 1); /* for b */
	snprintf(command, sizeof(command), "tail -c 1 %s/*.journal | grep -q '^$'", w.state);
	CHECK_INT(system(command), 0); /* nothing half written */
	put(w.b, "1");
	CHECK_INT(journal_recover(NULL, NULL), 0);
	CHECK_INT(count_journals(&w), 0);
	world_close(&w);
}

static void test_folders_go_from_the_inside_out(void)
{
	struct world w;
	struct journal *j;
	char outer[96], inner[128];

	world_open(&w);
	snprintf(outer, sizeof(outer), "%s/outer", w.folder);
	snprintf(inner, sizeof(inner), "%s/inner", outer);
	j = begin("test");
	CHECK_INT(journal_mkdir(j, outer, NULL), 0);
	CHECK_INT(journal_mkdir(j, inner, NULL), 0);
	CHECK_INT(journal_mkdir(j, inner, NULL), -EEXIST);
	CHECK_INT(access(inner, F_OK), 0);
	CHECK_INT(rmdir(inner), 0); /* who changes his mind */
	CHECK_INT(journal_mkdir(j, inner, NULL), 0);
	CHECK_INT(access(inner, F_OK), 0);
	journal_close(j);
	CHECK_INT(access(outer, F_OK), -1);
	CHECK_INT(count_journals(&w), 0);
	world_close(&w);
}

/* Another file that changes with the one that is written. */
static void test_what_changes_along_gets_its_value_back(void)
{
	struct world w;
	struct journal *j;

	world_open(&w);
	j = begin("test");
	CHECK_INT(journal_expect(j, w.b, "0", NULL), 0);
	CHECK_INT(change(j, w.a, "5", NULL), 0);
	put(w.b, "0"); /* as the kernel would */
	journal_close(j);
	CHECK_TEXT(get(w.a), "1");
	CHECK_TEXT(get(w.b), "1");
	world_close(&w);
}

static void test_kept_changes_stay_and_are_held(void)
{
	struct err err = { 0 };
	struct journal *j;
	struct world w;

	world_open(&w);
	j = begin("ringwalk tune apply");
	CHECK_INT(change(j, w.a, "2", NULL), 0);
	CHECK_INT(journal_keep(j, NULL), 1);
	CHECK_INT(journal_recover(NULL, NULL), 0);
	CHECK_TEXT(get(w.a), "2");
	j = begin("test");
	CHECK_INT(change(j, w.a, "3", &err), -EBUSY);
	CU_ASSERT(strstr(err.text, "until `ringwalk tune restore`") != NULL);
	journal_close(j);
	CHECK_INT(count_journals(&w), 1);
	world_close(&w);
}

static void test_a_forked_child_has_no_part_in_it(void)
{
	struct err err = { 0 };
	struct world w;
	struct journal *j;
	int status = 0;
	pid_t child;

	world_open(&w);
	j = begin("test");
	CHECK_INT(change(j, w.a, "2", NULL), 0);
	child = fork();
	if (child == 0) {
		status = change(j, w.b, "2", &err) == -EPERM &&
			 journal_restore(j, NULL, NULL) < 0 && journal_keep(j, NULL) < 0;
		_exit(status);
	}
	waitpid(child, &status, 0);
	CHECK_INT(WEXITSTATUS(status), 1);
	CHECK_TEXT(get(w.a), "2");
	CHECK_TEXT(get(w.b), "1");
	CHECK_INT(count_journals(&w), 1);
	journal_close(j);
	CHECK_TEXT(get(w.a), "1");
	world_close(&w);
}

static void test_a_folder_that_others_may_write_is_refused(void)
{
	struct err err = { 0 };
	struct journal *j;
	struct world w;

	world_open(&w);
	mkdir(w.state, 0755);
	chmod(w.state, 0777);
	CHECK_INT(journal_open(&j, "test", &err), -EPERM);
	CU_ASSERT(strstr(err.text, "others than its owner can write") != NULL);
	world_close(&w);
}

static CU_TestInfo tests[] = {
	{ "closing takes everything back", test_closing_takes_everything_back },
	{ "a value that is there is not written", test_a_value_that_is_there_is_not_written },
	{ "what others changed is left alone and said",
	  test_what_others_changed_is_left_alone_and_said },
	{ "two journals cannot hold the same path", test_two_journals_cannot_hold_the_same_path },
	{ "a journal that cannot be read is not taken for none",
	  test_a_journal_that_cannot_be_read_is_not_taken_for_none },
	{ "what another takes back meanwhile is not the old value",
	  test_what_another_takes_back_meanwhile_is_not_the_old_value },
	{ "a refused write names both values and frees the path",
	  test_a_refused_write_names_both_values_and_frees_the_path },
	{ "what cannot be noted is taken back all the same",
	  test_what_cannot_be_noted_is_taken_back_all_the_same },
	{ "folders go from the inside out", test_folders_go_from_the_inside_out },
	{ "what changes along gets its value back", test_what_changes_along_gets_its_value_back },
	{ "kept changes stay and are held", test_kept_changes_stay_and_are_held },
	{ "a forked child has no part in it", test_a_forked_child_has_no_part_in_it },
	{ "a folder that others may write is refused",
	  test_a_folder_that_others_may_write_is_refused },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("journal", tests);
}
