/*
 * journal_world.h - a folder of journals and a few files to be changed, for tests of the journal.
 *
 * Temporary files stand for the kernel's: the journal does not know the difference.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_JOURNAL_WORLD_H
#define RW_TESTS_JOURNAL_WORLD_H

#include <dirent.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "system/journal.h"
#include "system/kernel_value.h"
#include "tests/test.h"

/* A state folder and three files "a", "b", "c" with the value 1. */
struct world {
	char folder[64], state[80], a[80], b[80], c[80];
};

static inline void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	CU_ASSERT_FATAL(file != NULL);
	fprintf(file, "%s\n", text);
	fclose(file);
}

static inline const char *get(const char *path)
{
	static char text[KERNEL_VALUE_MAX];

	CHECK_INT(kernel_value_read(path, text, sizeof(text)), 0);
	return text;
}

static inline void world_open(struct world *w)
{
	snprintf(w->folder, sizeof(w->folder), "/tmp/test_journal.XXXXXX");
	CU_ASSERT_FATAL(mkdtemp(w->folder) != NULL);
	snprintf(w->state, sizeof(w->state), "%s/state", w->folder);
	snprintf(w->a, sizeof(w->a), "%s/a", w->folder);
	snprintf(w->b, sizeof(w->b), "%s/b", w->folder);
	snprintf(w->c, sizeof(w->c), "%s/c", w->folder);
	put(w->a, "1");
	put(w->b, "1");
	put(w->c, "1");
	setenv("RINGWALK_STATE", w->state, 1);
}

/* How many journals lie in the state's folder. */
static inline int count_journals(const struct world *w)
{
	DIR *dir = opendir(w->state);
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir)))
		count += strstr(entry->d_name, ".journal") != NULL;
	if (dir)
		closedir(dir);
	return count;
}

static inline void world_close(struct world *w)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", w->folder);
	CHECK_INT(system(command), 0);
}

static inline struct journal *begin(const char *what)
{
	struct journal *j = NULL;
	struct err err = { 0 };

	CHECK_INT(journal_open(&j, what, &err), 0);
	CHECK_TEXT(err.text, "");
	CU_ASSERT_FATAL(j != NULL);
	return j;
}

static inline int change(struct journal *j, const char *path, const char *text, struct err *err)
{
	char effective[64];

	return journal_write(j, path, text, effective, sizeof(effective), err);
}

/* Waits at most 30 s for what another process does. */
static inline bool becomes(const char *path, const char *value)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < 30000; i++) {
		if (!strcmp(get(path), value))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

#endif
