/*
 * tree.h - a folder of small files, as another machine's /proc and /sys, out of one listing.
 *
 * A listing has lines "== /path", each followed by what the file says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_TREE_H
#define RW_TESTS_TREE_H

#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/test.h"

static inline FILE *tree_create(const char *folder, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", folder, name);
	for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	return fopen(path, "we");
}

/* Adds the files of a listing to the folder. */
static inline void tree_fill(const char *folder, const char *listing)
{
	FILE *in = fopen(listing, "re"), *out = NULL;
	char line[512];

	if (!in)
		printf("\n    no %s", listing);
	CU_ASSERT_FATAL(in != NULL);
	while (fgets(line, sizeof(line), in)) {
		if (strncmp(line, "== ", 3)) {
			fputs(line, out);
			continue;
		}
		if (out)
			fclose(out);
		line[strcspn(line, "\n")] = '\0';
		out = tree_create(folder, line + 3);
		CU_ASSERT_FATAL(out != NULL);
	}
	if (out)
		fclose(out);
	fclose(in);
}

static inline int tree_remove_entry(const char *path, const struct stat *st, int type,
				    struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void tree_remove(const char *folder)
{
	nftw(folder, tree_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
