/*
 * proc_text.h - whole texts of /proc, and numbers out of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_OBSERVE_PROC_TEXT_H
#define RW_OBSERVE_PROC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As much as fits into buf, ended by 0, in few system calls. False: nothing to be read. */
bool proc_text_read(const char *path, char *buf, size_t size);
/* All of it, for the caller to free; NULL: nothing to be read, or no memory. */
char *proc_text_all(const char *path);

/*
 * A whole number from 0 on, in this base, after blanks and up to the next blank or line end; *text
 * moves behind it. False: there is none; *text stays.
 */
bool proc_text_count(const char **text, int base, int64_t *ret);
/* Steps over words of this line; false: there are fewer. */
bool proc_text_skip(const char **text, unsigned words);
/* What stands behind the key at the beginning of a line, blanks and colons apart; NULL: nothing. */
const char *proc_text_find(const char *text, const char *key);
/* The next line; NULL: this is the last. */
const char *proc_text_next_line(const char *text);

#endif
