/*
 * machine.h - files of /proc and /sys below a root, so that another machine's can be looked at.
 *
 * root is "" for this machine, or the folder into which another one's files were copied.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_MACHINE_H
#define RW_SYSTEM_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* NULL when it cannot be read. */
FILE *machine_open(const char *root, const char *path);
bool machine_has(const char *root, const char *path);

/* The first line. False, and buf empty: there is none. */
bool machine_read(const char *root, const char *path, char *buf, size_t size);
int64_t machine_number(const char *root, const char *path, int64_t missing);

/*
 * The rest of the first line that begins with `key`, without the blanks, colons and equal signs
 * between: "MemTotal: 5 kB", "CONFIG_HZ=250", "ctxt 17". False, and buf empty: there is none.
 */
bool machine_find(const char *root, const char *path, const char *key, char *buf, size_t size);

/* Is `word` one of the words of the text, between blanks and commas? */
bool machine_has_word(const char *text, const char *word);

/* Does the CPU say that a hypervisor runs this kernel? x86 has a flag for it. */
bool machine_is_virtual(const char *root);

#endif
