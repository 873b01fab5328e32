/*
 * journal_group.c - see journal_group.h: cgroups(7), versions 1 and 2.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/journal_group.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "system/kernel_value.h"

/* A task that was killed leaves its group a little later. */
enum { TRIES = 100, PAUSE_NS = 10000000 };

/*
 * Each list of tasks, as far as there is one: threads (version 1), processes, and the threads of a
 * threaded group, where the list of processes cannot be read (version 2).
 */
static const char *const lists[] = { "tasks", "cgroup.procs", "cgroup.threads" };

static void move_tasks(const char *path, const char *list)
{
	char from[PATH_MAX], to[PATH_MAX], task[32];
	AUTO(auto_fclose) FILE *file = NULL;

	snprintf(from, sizeof(from), "%s/%s", path, list);
	snprintf(to, sizeof(to), "%s/../%s", path, list);
	file = fopen(from, "re");
	while (file && fgets(task, sizeof(task), file)) {
		task[strcspn(task, "\n")] = '\0';
		kernel_value_write(to, task); /* that it failed shows when the group is removed */
	}
}

int journal_group_remove(const char *path, struct err *err)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	int rc = 0;

	if (strlen(path) > JOURNAL_GROUP_PATH_MAX)
		return err_set(err, -ENAMETOOLONG,
			       "%.200s... cannot be removed: its path is too long", path);
	for (int i = 0; i < TRIES; i++) {
		if (!rmdir(path) || errno == ENOENT)
			return 0;
		rc = -errno;
		if (rc != -EBUSY)
			break;
		for (unsigned l = 0; l < sizeof(lists) / sizeof(*lists); l++)
			move_tasks(path, lists[l]);
		if (i)
			nanosleep(&pause, NULL);
	}
	return err_sys(err, rc, "%s cannot be removed", path);
}

bool journal_group_is_control(const char *path)
{
	static const char name[] = "/cgroup.subtree_control";
	size_t len = strlen(path);

	return len >= strlen(name) && !strcmp(path + len - strlen(name), name);
}

static bool has_word(const char *text, const char *word, size_t len)
{
	for (; *text; text += strcspn(text, " "), text += strspn(text, " "))
		if (strcspn(text, " ") == len && !strncmp(text, word, len))
			return true;
	return false;
}

/* Appends sign and those words of `text` that are not in `other`. */
static void add_missing(const char *text, const char *other, const char *sign, char *buf,
			size_t size)
{
	for (; *text; text += strspn(text, " ")) {
		size_t used = strlen(buf), len = strcspn(text, " ");

		if (!has_word(other, text, len))
			snprintf(buf + used, size - used, "%s%s%.*s", used ? " " : "", sign,
				 (int)len, text);
		text += len;
	}
}

void journal_group_control_change(const char *now, const char *wanted, char *buf, size_t size)
{
	*buf = '\0';
	add_missing(wanted, now, "+", buf, size);
	add_missing(now, wanted, "-", buf, size);
}

void journal_group_control_result(const char *now, const char *change, char *buf, size_t size)
{
	char gone[KERNEL_VALUE_MAX] = "", come[KERNEL_VALUE_MAX] = "";

	for (; *change; change += strspn(change, " ")) {
		size_t len = strcspn(change, " ");
		char *list = *change == '-' ? gone : come;
		size_t used = strlen(list);

		snprintf(list + used, KERNEL_VALUE_MAX - used, "%s%.*s", used ? " " : "",
			 len ? (int)len - 1 : 0, change + 1);
		change += len;
	}
	*buf = '\0';
	add_missing(now, gone, "", buf, size);
	add_missing(come, now, "", buf, size);
}
