/*
 * test_journal_paths.c - one path by itself: taken back before the others, refused when too long.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "tests/journal_world.h"

static void test_one_change_is_taken_back_before_the_others(void)
{
	struct journal *j;
	struct world w;

	world_open(&w);
	j = begin("test");
	put(w.c, "7");
	CHECK_INT(change(j, w.a, "2", NULL), 0);
	CHECK_INT(change(j, w.b, "2", NULL), 0);
	CHECK_INT(change(j, w.a, "3", NULL), 0);
	CHECK_INT(change(j, w.c, "7", NULL), 0);
	CHECK_INT(journal_restore_path(j, w.a, NULL), 0);
	CHECK_INT(journal_restore_path(j, w.c, NULL), 0);
	CHECK_INT(journal_restore_path(j, w.folder, NULL), 0);
	CHECK_TEXT(get(w.a), "1");
	CHECK_TEXT(get(w.b), "2");
	CHECK_TEXT(get(w.c), "7");
	put(w.a, "4"); /* it is nobody's again */
	journal_close(j);
	CHECK_TEXT(get(w.a), "4");
	CHECK_TEXT(get(w.b), "1");
	CHECK_INT(count_journals(&w), 0);
	world_close(&w);
}

static void test_one_change_that_somebody_else_has_changed_is_left_alone(void)
{
	struct err err = { 0 };
	struct journal *j;
	struct world w;

	world_open(&w);
	j = begin("test");
	CHECK_INT(change(j, w.a, "2", NULL), 0);
	put(w.a, "5");
	CHECK_INT(journal_restore_path(j, w.a, &err), -EPERM);
	CU_ASSERT(strstr(err.text, "somebody else changed it; left alone") != NULL);
	CHECK_TEXT(get(w.a), "5");
	journal_close(j);
	world_close(&w);
}

/* Cut off, the way would end in another folder. */
static void test_a_way_that_is_too_long_is_refused(void)
{
	char path[2 * PATH_MAX];
	struct err err = { 0 };
	struct journal *j;
	struct world w;
	size_t len;

	world_open(&w);
	j = begin("test");
	len = (size_t)snprintf(path, sizeof(path), "%s", w.folder);
	while (len < PATH_MAX)
		len += (size_t)snprintf(path + len, sizeof(path) - len, "/.");
	snprintf(path + len, sizeof(path) - len, "/state/new");
	CHECK_INT(journal_mkdir(j, path, &err), -ENAMETOOLONG);
	CU_ASSERT(strstr(err.text, "may have 4064 bytes, and this has more: /tmp/") != NULL);
	snprintf(path, sizeof(path), "%s/new", w.folder);
	CU_ASSERT(access(path, F_OK) != 0);
	journal_close(j);
	world_close(&w);
}

/* The folder could be made, but the lists of its tasks would have no path. */
static void test_a_folder_too_deep_to_be_emptied_is_refused(void)
{
	char path[2 * PATH_MAX];
	struct err err = { 0 };
	struct journal *j;
	struct world w;
	size_t len;

	world_open(&w);
	j = begin("test");
	len = (size_t)snprintf(path, sizeof(path), "%s", w.folder);
	while (len < PATH_MAX - 32 - 4) {
		size_t left = PATH_MAX - 32 - 4 - len, part = left < 200 ? left : 200;

		path[len++] = '/';
		memset(path + len, 'x', part);
		path[len += part] = '\0';
		CHECK_INT(mkdir(path, 0755), 0);
	}
	strcpy(path + len, "/abc");
	CHECK_INT(journal_mkdir(j, path, &err), -ENAMETOOLONG);
	CU_ASSERT(access(path, F_OK) != 0);
	strcpy(path + len, "/ab");
	CHECK_INT(journal_mkdir(j, path, &err), 0);
	CHECK_INT(access(path, F_OK), 0);
	journal_close(j);
	CU_ASSERT(access(path, F_OK) != 0);
	world_close(&w);
}

static CU_TestInfo tests[] = {
	{ "one change is taken back before the others",
	  test_one_change_is_taken_back_before_the_others },
	{ "one change that somebody else has changed is left alone",
	  test_one_change_that_somebody_else_has_changed_is_left_alone },
	{ "a way that is too long is refused", test_a_way_that_is_too_long_is_refused },
	{ "a folder too deep to be emptied is refused",
	  test_a_folder_too_deep_to_be_emptied_is_refused },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("journal_paths", tests);
}
