/*
 * journal.h - changes to the machine that outlive a process: written down first, always taken back.
 *
 * A setting of the whole machine (a sysctl, a file of /sys) or a folder made in a cgroup hierarchy
 * stays when the process that made it is killed. So each change is appended to a file of this
 * process under /run/ringwalk and synced before it is made: path, old value, value wanted, and
 * afterwards what the kernel made of it. /run, because a reboot resets the settings and removes
 * the journal; the file holds the boot's id all the same. A torn last line says that the change
 * behind it never happened.
 *
 * Three restore, whoever comes first: journal_close(); a watcher, a small process in a session of
 * its own that wakes when this one is gone, also after SIGKILL; and the next start of anything that
 * opens a journal, when both were killed (journal_recover). Restoring goes backwards. What has the
 * old value already is skipped; what still has the value that was written gets the old one back,
 * read back; what has neither was changed by somebody else: it is left alone, kept in the journal,
 * and said.
 *
 * Two processes may hold journals at the same time, but not the same path: the second is refused
 * with -EBUSY and who holds it. Any thread of the process may use its journal; the file is
 * locked for as long as the process or its watcher lives. A forked child has no part in it: what it
 * asks for is refused, and closing takes nothing back.
 *
 * What the file says: journal_log.h. Where they lie: journal_folder.h. Undoing: journal_undo.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_JOURNAL_H
#define RW_SYSTEM_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

struct journal;

/* Where journals are when no folder is given; the environment's RINGWALK_STATE replaces it. */
#define JOURNAL_FOLDER "/run/ringwalk"

/*
 * `what` is said to others who want the same path: "ringwalk sweep". Recovers first. Forks the
 * watcher: to be called before the process has threads.
 */
int journal_open(struct journal **ret, const char *what, struct err *err);

/*
 * Writes text into the file. *effective gets what it reads afterwards, blanks made one and
 * "[selected]" reduced to its word. 0 also when that is not what was asked for: the caller compares
 * (kernel_value_same). A value that is there already is not written, but refused like another when
 * it is there because somebody else holds the path. A cgroup.subtree_control is written as the
 * kernel wants it ("+cpuset") and taken back controller by controller.
 */
int journal_write(struct journal *j, const char *path, const char *text, char *effective,
		  size_t size, struct err *err);

/*
 * Before a write that makes another file read `value`, too (vm.dirty_bytes makes vm.dirty_ratio 0):
 * it gets back what it has now.
 */
int journal_expect(struct journal *j, const char *path, const char *value, struct err *err);

/*
 * Makes a folder (a cgroup) that goes away at the end; tasks that are in it then are moved to its
 * parent, if they live on. -ENAMETOOLONG when the lists of its tasks would have too long a path.
 */
int journal_mkdir(struct journal *j, const char *path, struct err *err);

/*
 * Takes one change back before the others: the file has again what it had before this journal wrote
 * to it. Nothing was written: it is left alone.
 */
int journal_restore_path(struct journal *j, const char *path, struct err *err);

/*
 * Takes everything back, in reverse order. Returns how many changes were left alone, each of which
 * is said on `out` (NULL: nobody asks), or -errno. The journal is empty then, but for those.
 */
int journal_restore(struct journal *j, FILE *out, struct err *err);

/* Restores, ends the watcher, removes the file unless something was left alone. NULL is fine. */
void journal_close(struct journal *j);

/*
 * Instead of closing: from here on the changes stay when the process ends, until somebody runs
 * `ringwalk tune restore`. Returns how many changes stay: when it is none, nothing is left behind.
 * Frees j; on failure everything has been taken back, as by closing.
 */
int journal_keep(struct journal *j, struct err *err);

/* Takes back what dead processes have left. As journal_restore(). */
int journal_recover(FILE *out, struct err *err);

/* What was found, whatever became of it. */
struct journal_found {
	unsigned changes; /* to be taken back */
	unsigned held;	  /* journals whose owners live: those take back themselves */
	unsigned none;	  /* named as journals, but none: left alone as one change each */
};

/* The same on request. */
struct journal_order {
	bool kept;   /* also what is kept on purpose */
	bool force;  /* write the old value over what somebody else has written */
	bool forget; /* accept what somebody else has written as the new state of things */
	FILE *out;   /* a sentence for each change left alone; NULL: nobody asks */
	FILE *done;  /* a sentence for each change taken back */
	struct journal_found *found; /* counted here; NULL: nobody asks */
};
int journal_take_back(const struct journal_order *order, struct err *err);

#endif
