/*
 * files.h - files and folders of a result: read with a limit, written so that they survive.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_FILES_H
#define RW_LAB_FILES_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

/* The whole file, with a zero byte behind; the caller frees. -EFBIG: more than max bytes. */
int file_read(const char *path, size_t max, char **ret, size_t *ret_len, struct err *err);
/* The first line, cut to size; "" when there is none. Returns buf. */
const char *file_first_line(const char *path, char *buf, size_t size);

/* JSON of at most 16 MiB. */
int file_read_json(const char *path, json_t **ret, struct err *err);

/* On the disk when these return: complete under its name, or absent. */
int file_write_text(const char *path, const char *text, size_t len, struct err *err);
int file_write_json(const char *path, const json_t *json, struct err *err);

int folder_create(const char *path, struct err *err); /* with parents; -EEXIST is success */
int folder_sync(const char *path, struct err *err);   /* its files and the folder itself */
int folder_remove(const char *path, struct err *err); /* its files, no folders in it, and itself */

#endif
