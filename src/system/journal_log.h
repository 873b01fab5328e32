/*
 * journal_log.h - what a journal's file says: the form of its lines, and what they add up to.
 *
 * Lines of fields with tabs in between; a tab, an end of line or a backslash in a field is written
 * \t, \n, \\. The first line says whose journal it is:
 *
 *	ringwalk-journal 1 BOOT PID START INODE:COOKIE WHAT
 *
 * the others what happened, each written and synced before the change it speaks of:
 *
 *	set PATH OLD WANTED	the file is about to be written, or to change with one that is
 *	got PATH VALUE		what the kernel made of it
 *	folder PATH		is about to be made
 *	back PATH		is as it was before
 *	kept			the changes are to stay when the process ends
 *
 * A last line without its end never was: the change behind it did not happen.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_JOURNAL_LOG_H
#define RW_SYSTEM_JOURNAL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "system/netns_id.h"

#define JOURNAL_WHAT 64

/* The process a journal belongs to. */
struct journal_holder {
	char boot[40];	       /* kernel.random.boot_id */
	pid_t pid;	       /* and when it started, for process numbers come again */
	uint64_t start_ticks;  /* /proc/PID/stat, field 22: proc(5) */
	struct netns_id netns; /* /proc/sys/net is another in each */
	char what[JOURNAL_WHAT];
};

/* One path, from its first change on. */
struct journal_entry {
	char *path;
	char *old;   /* NULL: a folder that was made */
	char **ours; /* what we wrote and what the kernel made of it: found there, it is ours */
	unsigned ours_count;
	bool is_under_way; /* written, and not yet looked at: whatever it has may be ours */
};

struct journal_log {
	struct journal_holder holder;
	bool is_kept;
	struct journal_entry *entries; /* what is not taken back yet, in the order of changes */
	unsigned count;
	unsigned damaged_line; /* the first line that is not a journal's; 0: all are */
};

/*
 * 0, or -ENODATA when there is no whole first line: then nothing was changed; -EBADMSG when the
 * first line is not a journal's, -EPROTONOSUPPORT when it is of another version; -ENOMEM. Behind a
 * damaged line only "back" and "kept" are read.
 */
int journal_log_parse(struct journal_log *log, const char *text, size_t len);
/* The same of a file. `repair`: it is to be written on, so a torn line is cut off. */
int journal_log_load(struct journal_log *log, int fd, bool repair);
void journal_log_finish(struct journal_log *log);

struct journal_entry *journal_log_find(const struct journal_log *log, const char *path);
/* Is it a file that each network namespace has for itself, under the same name? */
bool journal_path_is_netns(const char *path);
bool journal_entry_is_ours(const struct journal_entry *e, const char *value);

/* Takes a record into the log as parsing does. fields ends with NULL. 0, -EBADMSG or -ENOMEM. */
int journal_log_take(struct journal_log *log, const char *const *fields);
/* Appends and syncs one line. 0 or -errno. */
int journal_log_append(int fd, const char *const *fields);

/* Of this process. 0 or -errno. */
int journal_holder_fill(struct journal_holder *h, const char *what);
/* 1: of another boot, so nothing is left to take back; 0; -errno: nobody knows. */
int journal_holder_is_of_before(const struct journal_holder *h);
int journal_holder_append(const struct journal_holder *h, int fd);
bool journal_holder_lives(const struct journal_holder *h);

#endif
