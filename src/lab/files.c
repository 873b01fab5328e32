/*
 * files.c - what a result consists of on disk.
 *
 * A file or folder appears under its name only when its contents are on the disk: written under
 * another name, synced, renamed, and the folder it is in synced too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { JSON_BYTES_MAX = 16 << 20 };

/* Reads to the end or max + 1 bytes, so that "too long" is seen. */
static ssize_t read_all(int fd, char **text, size_t max)
{
	size_t len = 0, size = 4096;
	ssize_t n;

	*text = malloc(size);
	while (*text && (n = read(fd, *text + len, size - len - 1)) != 0) {
		char *more;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		len += (size_t)n;
		if (len > max)
			return -EFBIG;
		if (len < size - 1)
			continue;
		size *= 2;
		more = realloc(*text, size);
		if (!more)
			return -ENOMEM;
		*text = more;
	}
	if (!*text)
		return -ENOMEM;
	(*text)[len] = '\0';
	return (ssize_t)len;
}

int file_read(const char *path, size_t max, char **ret, size_t *ret_len, struct err *err)
{
	AUTO(auto_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO(auto_free) char *text = NULL;
	ssize_t len = fd < 0 ? -errno : read_all(fd, &text, max);

	if (len == -EFBIG)
		return err_set(err, -EFBIG, "%s: more than %zu bytes", path, max);
	if (len < 0)
		return err_sys(err, (int)len, "%s", path);
	*ret = text;
	text = NULL;
	if (ret_len)
		*ret_len = (size_t)len;
	return 0;
}

const char *file_first_line(const char *path, char *buf, size_t size)
{
	AUTO(auto_fclose) FILE *f = fopen(path, "re");

	if (!f || !fgets(buf, (int)size, f))
		*buf = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}

int file_read_json(const char *path, json_t **ret, struct err *err)
{
	AUTO(auto_free) char *text = NULL;
	size_t len;
	json_error_t why;
	int rc = file_read(path, JSON_BYTES_MAX, &text, &len, err);

	if (rc < 0)
		return rc;
	*ret = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (!*ret)
		return err_set(err, -EINVAL, "%s:%d:%d: %s", path, why.line, why.column, why.text);
	return 0;
}

static int sync_path(const char *path, int flags)
{
	AUTO(auto_close) int fd = open(path, O_RDONLY | O_CLOEXEC | flags);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int write_and_rename(const char *path, const char *text, size_t len)
{
	char temporary[PATH_MAX], folder[PATH_MAX];
	AUTO(auto_close) int fd = -1;
	int rc;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	rc = fd < 0 ? -errno : write_all(fd, text, len);
	if (rc == 0 && rename(temporary, path) < 0)
		rc = -errno;
	if (rc < 0) {
		unlink(temporary);
		return rc;
	}
	strcpy(folder, path);
	return sync_path(dirname(folder), O_DIRECTORY);
}

int file_write_text(const char *path, const char *text, size_t len, struct err *err)
{
	int rc = write_and_rename(path, text, len);

	return rc < 0 ? err_sys(err, rc, "write %s", path) : 0;
}

int file_write_json(const char *path, const json_t *json, struct err *err)
{
	AUTO(auto_free) char *text = json_dumps(json, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
	size_t len = text ? strlen(text) : 0;

	if (!text)
		return err_set(err, -ENOMEM, "write %s: no memory, or not JSON", path);
	text[len++] = '\n';
	return file_write_text(path, text, len, err);
}

int folder_create(const char *path, struct err *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (!len || len >= sizeof(part))
		return err_set(err, -ENAMETOOLONG, "\"%.60s\" cannot be a folder", path);
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0777) < 0 && errno != EEXIST)
			return err_sys(err, -errno, "create folder %s", part);
	}
	return 0;
}

/* Calls fn with the path of every entry that is not a folder's own. */
static int for_each_entry(const char *path, int (*fn)(const char *path))
{
	AUTO(auto_closedir) DIR *dir = opendir(path);
	const struct dirent *entry;
	int rc = dir ? 0 : -errno;

	while (rc == 0 && (entry = readdir(dir))) {
		char name[PATH_MAX];

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		rc = fn(name);
	}
	return rc;
}

static int sync_file(const char *path)
{
	return sync_path(path, 0);
}

static int remove_file(const char *path)
{
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int folder_sync(const char *path, struct err *err)
{
	int rc = for_each_entry(path, sync_file);

	if (rc == 0)
		rc = sync_path(path, O_DIRECTORY);
	return rc < 0 ? err_sys(err, rc, "sync %s", path) : 0;
}

int folder_remove(const char *path, struct err *err)
{
	int rc = for_each_entry(path, remove_file);

	if (rc == -ENOENT)
		return 0;
	if (rc == 0 && rmdir(path) < 0)
		rc = -errno;
	return rc < 0 ? err_sys(err, rc, "remove %s", path) : 0;
}
