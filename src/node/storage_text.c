/*
 * storage_text.c - see storage_text.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/storage_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/knob.h"
#include "base/units.h"
#include "node/node.h"

#define CLONES_MAX 256

static const char *const words[] = {
	"file", "size", "sync", "odirect", "wait-spin", "count", NULL
};

static int read_path(const char *value, struct device_opts *ret, struct err *err)
{
	if (*ret->path)
		return err_set(err, -EINVAL, "a second file \"%s\": one device is one file", value);
	if (!*value || strlen(value) >= DEVICE_PATH)
		return err_set(err, -EINVAL, "\"%.40s\" is no path of 1 to %d bytes", value,
			       DEVICE_PATH - 1);
	strcpy(ret->path, value);
	return 0;
}

static int read_size(const char *value, struct device_opts *ret, struct err *err)
{
	int64_t size;
	int result = units_parse(UNIT_SIZE, value, "B", &size, err);

	if (result)
		return result;
	if (size <= 0 || size > STORAGE_SIZE_MAX)
		return err_set(err, -EINVAL, "\"%s\" is not from 1B to 1PiB", value);
	ret->size = size;
	return 0;
}

static int read_sync(const char *value, struct device_opts *ret, struct err *err)
{
	int64_t period_ns;
	int result = units_parse(UNIT_TIME, value, "ms", &period_ns, err);

	if (result)
		return result;
	if (period_ns < 0 || period_ns > STORAGE_SYNC_MAX_NS)
		return err_set(err, -EINVAL, "\"%s\" is not from 0 to 1h", value);
	ret->sync_period_ns = period_ns;
	return 0;
}

static int read_count(const char *value, struct device_opts *ret, struct err *err)
{
	int64_t count;
	int result = units_parse(UNIT_COUNT, value, NULL, &count, err);

	if (result)
		return result;
	if (count < 1 || count > CLONES_MAX)
		return err_set(err, -EINVAL, "\"%s\" is not from 1 to %d", value, CLONES_MAX);
	ret->clones = (unsigned)count;
	return 0;
}

static const struct {
	const char *name;
	int (*read)(const char *value, struct device_opts *ret, struct err *err);
} keys[] = {
	{ "file", read_path },
	{ "size", read_size },
	{ "sync", read_sync },
	{ "count", read_count },
};

static int refuse(const char *word, const char *what, struct err *err)
{
	const char *near = nearest_word(word, words);

	return err_set(err, -EINVAL,
		       "%s \"%s\"%s%s%s: [file=]PATH, size=SIZE, sync=TIME, odirect, wait-spin "
		       "and count=N are known",
		       what, word, near ? " (did you mean \"" : "", near ? near : "",
		       near ? "\"?)" : "");
}

static int read_pair(char *item, char *value, struct device_opts *ret, struct err *err)
{
	int result;

	*value++ = '\0';
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (strcmp(keys[i].name, item))
			continue;
		result = keys[i].read(value, ret, err);
		return result ? err_wrap(err, "%s", item) : 0;
	}
	return refuse(item, "unknown key", err);
}

/* Only the first word without a value can be the path. */
static int read_word(const char *item, bool is_first, struct device_opts *ret, struct err *err)
{
	if (!strcmp(item, "odirect"))
		ret->direct = true;
	else if (!strcmp(item, "wait-spin"))
		ret->spin = true;
	else if (is_first)
		return read_path(item, ret, err);
	else
		return refuse(item, "unknown word", err);
	return 0;
}

int storage_text_parse(const char *text, struct device_opts *ret, struct err *err)
{
	struct device_opts opts = *ret;
	char copy[STORAGE_TEXT], *rest = copy, *item, *value;
	bool is_first = true;
	int result = 0;

	if (strlen(text) >= sizeof(copy))
		return err_set(err, -EINVAL, "\"%.40s...\" is longer than %zu bytes", text,
			       sizeof(copy) - 1);
	strcpy(copy, text);
	*opts.path = '\0';
	opts.clones = 0;
	while (!result && (item = strsep(&rest, ","))) {
		value = strchr(item, '=');
		result = value ? read_pair(item, value, &opts, err)
			       : read_word(item, is_first, &opts, err);
		is_first = false;
	}
	if (!result && !*opts.path)
		result = err_set(err, -EINVAL, "\"%s\" names no file: [file=]PATH", text);
	if (!result)
		*ret = opts;
	return result;
}

int storage_text_path(const struct device_opts *opts, unsigned clone, char ret[DEVICE_PATH],
		      struct err *err)
{
	const char *mark = strstr(opts->path, "%d");
	char path[DEVICE_PATH + 16];
	int len;

	if (!opts->clones)
		len = snprintf(path, sizeof(path), "%s", opts->path);
	else if (mark)
		len = snprintf(path, sizeof(path), "%.*s%u%s", (int)(mark - opts->path), opts->path,
			       clone, mark + 2);
	else
		len = snprintf(path, sizeof(path), "%s_%u", opts->path, clone);
	if (len >= DEVICE_PATH)
		return err_set(err, -EINVAL, "\"%.40s...\" is longer than %d bytes", path,
			       DEVICE_PATH - 1);
	memcpy(ret, path, (size_t)len + 1);
	return 0;
}
