/*
 * provenance.h - the machine and the build a sweep ran on, as JSON, and how two of them differ.
 *
 * What could change a latency and can be read without asking anybody: kernel, boot, processors,
 * memory, settings under /proc/sys, limits, daemons that tune, the program itself. What is not
 * there (no cpufreq in a virtual machine) is said, not left out. No host names, no addresses.
 * Everything but "now" is meant to stay the same as long as a sweep lasts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_PROVENANCE_H
#define RW_LAB_PROVENANCE_H

#include <jansson.h>
#include <stdbool.h>

/* program: the file that will be run for nodes and clients. NULL: out of memory. */
json_t *provenance_collect(const char *program);

/* An array of sentences, "kernel.release: 6.1.0 -> 6.12.1"; empty when nothing differs. */
json_t *provenance_differences(const json_t *before, const json_t *after);

/* provenance_system.c: the parts that are lists of files. */
void provenance_add_line(json_t *to, const char *key, const char *path); /* nothing if no file */
json_t *provenance_folder(const char *path, const char *prefix);	 /* name -> first line */
json_t *provenance_sysctls(void);
json_t *provenance_limits(void);
json_t *provenance_group(void);
json_t *provenance_daemons(void);
json_t *provenance_command_line(void);

#endif
