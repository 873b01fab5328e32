/*
 * journal_folder.h - where journals lie: found, locked one at a time, and asked who holds a path.
 *
 * A journal's file is locked (flock(2)) by its owner and its watcher together. So a file without a
 * lock is one whose owner and watcher are gone, or one that is kept on purpose.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_JOURNAL_FOLDER_H
#define RW_SYSTEM_JOURNAL_FOLDER_H

#include <limits.h>
#include <stdbool.h>

#include "base/err.h"
#include "system/journal_log.h"

struct journal_folder {
	char path[PATH_MAX - NAME_MAX - 2];
	int lock;     /* held while journals are made, claimed or recovered; -1: not open */
	bool is_look; /* nothing is made, mended or removed */
};

/* Makes it, unless it is there. Refused when others than this user can write into it. */
int journal_folder_open(struct journal_folder *f, struct err *err);
/*
 * To look only: needs no rights but to read, and no folder, for where there is none there are no
 * journals. Locks it, where this user may, so that nothing is seen half done. What cannot be read
 * is JOURNAL_UNREAD then, and what nobody holds is told by its process alone.
 */
int journal_folder_look(struct journal_folder *f, struct err *err);
void journal_folder_close(struct journal_folder *f);

int journal_folder_lock(struct journal_folder *f, struct err *err);
void journal_folder_unlock(struct journal_folder *f);

enum journal_state {
	JOURNAL_HELD,	/* its owner lives, or its watcher is taking it back */
	JOURNAL_KEPT,	/* `tune apply`: to stay until `tune restore` */
	JOURNAL_ORPHAN, /* owner and watcher are gone */
	JOURNAL_NONE,	/* named as one, but nobody can read it as one: `why` says so */
	JOURNAL_UNREAD, /* not by this user: `why`. Only when looking */
};

struct journal_file {
	const char *path; /* of the journal */
	int fd;		  /* to read and to write; locked unless held */
	enum journal_state state;
	struct journal_log log; /* JOURNAL_NONE, JOURNAL_UNREAD: empty */
	struct err why;
};

/*
 * Calls look() for each journal of this boot; it ends when that returns other than 0, and returns
 * that. Journals of another boot, and those that never got to a change, are removed. -errno and a
 * sentence when one cannot be read: nobody knows then what is held. The caller holds the folder's
 * lock, or looks only: then nothing is removed.
 */
int journal_folder_each(struct journal_folder *f,
			int (*look)(struct journal_file *file, void *context), void *context,
			struct err *err);

/* 0, or -EBUSY and who has `path` in another journal than `own` (a file's path). */
int journal_folder_claim(struct journal_folder *f, const char *own, const char *path,
			 struct err *err);

/* A new file, locked, its path in buf. Returns its descriptor or -errno. */
int journal_folder_create(struct journal_folder *f, char *buf, size_t size, struct err *err);

#endif
