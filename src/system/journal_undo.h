/*
 * journal_undo.h - takes back what a journal says, as far as it is still ours.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_JOURNAL_UNDO_H
#define RW_SYSTEM_JOURNAL_UNDO_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "system/journal_log.h"

struct journal_undo {
	int fd;	     /* of the journal: notes what is taken back */
	FILE *out;   /* a sentence for each change left alone; NULL: nobody asks */
	FILE *done;  /* a sentence for each change taken back; NULL: nobody asks */
	bool force;  /* write the old value also over what somebody else has written */
	bool forget; /* accept what somebody else has written as the new state of things */
};

/*
 * Backwards. What cannot be written is tried again after the others, as long as one of them gets
 * anywhere: some values are valid only together. Returns how many were left alone, which stay in
 * the log, or -ENOMEM.
 */
int journal_undo(struct journal_log *log, const struct journal_undo *how, struct err *err);

/* One change. 0 also when the log has none of this path. */
int journal_undo_path(struct journal_log *log, const struct journal_undo *how, const char *path,
		      struct err *err);

#endif
