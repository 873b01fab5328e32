/*
 * profile.c - see profile.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/profile.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/knob.h"

const struct profile *profile_find(const char *name)
{
	for (const struct profile *p = profiles; p->name; p++)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

const char *profile_about(const struct profile *p, char *buf, size_t size)
{
	const char *start = p->text + strspn(p->text, "# ");

	snprintf(buf, size, "%.*s", (int)strcspn(start, ".\n"), start);
	return buf;
}

static int take_line(char *line, struct setting_request *r, struct err *err)
{
	line[strcspn(line, "#")] = '\0';
	if (!line[strspn(line, " \t\r")])
		return 0;
	return setting_request_parse(r, line, err) ? -EINVAL : 1;
}

int profile_parse(const char *file, const char *text, struct setting_request *requests,
		  unsigned max, unsigned *count, struct err *err)
{
	AUTO(auto_free) char *copy = strdup(text);
	char *rest = copy, *line;
	int rc;

	if (!copy)
		return err_sys(err, -ENOMEM, "%s", file);
	for (unsigned number = 1; (line = strsep(&rest, "\n")); number++) {
		struct setting_request r;

		rc = take_line(line, &r, err);
		if (rc < 0)
			return err_wrap(err, "%s:%u", file, number);
		if (rc && *count == max)
			return err_set(err, -EINVAL, "%s:%u: more than %u settings", file, number,
				       max);
		if (rc)
			requests[(*count)++] = r;
	}
	return 0;
}

int profile_unknown(const char *word, struct err *err)
{
	const char *names[16] = { 0 }, *near;

	for (unsigned i = 0; profiles[i].name && i < 15; i++)
		names[i] = profiles[i].name;
	near = nearest_word(word, names);
	if (near)
		return err_set(err, -ENOENT, "no profile \"%s\"; did you mean %s?", word, near);
	return err_set(err, -ENOENT,
		       "no profile \"%s\" and no file of this name; `ringwalk tune profiles` lists "
		       "profiles",
		       word);
}

static int read_file(const char *path, char **ret, struct err *err)
{
	AUTO(auto_fclose) FILE *file = fopen(path, "re");
	size_t size = 0;
	ssize_t len;

	if (!file)
		return err_sys(err, -errno, "%s", path);
	len = getdelim(ret, &size, '\0', file);
	if (len < 0)
		return err_set(err, -EINVAL, "%s is empty or cannot be read", path);
	for (const char *c = *ret; c < *ret + len; c++)
		if (iscntrl((unsigned char)*c) && !isspace((unsigned char)*c))
			return err_set(err, -EINVAL, "%s: has bytes that are no text", path);
	return 0;
}

int profile_read(const char *name_or_file, struct setting_request *requests, unsigned max,
		 unsigned *count, struct err *err)
{
	const struct profile *p = profile_find(name_or_file);
	AUTO(auto_free) char *text = NULL;
	struct stat st;
	int rc;

	if (p)
		return profile_parse(p->name, p->text, requests, max, count, err);
	if (stat(name_or_file, &st))
		return profile_unknown(name_or_file, err);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s: no file of NAME = VALUE lines, and no profile",
			       name_or_file);
	rc = read_file(name_or_file, &text, err);
	return rc ? rc : profile_parse(name_or_file, text, requests, max, count, err);
}
