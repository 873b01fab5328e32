/*
 * profile.c - see profile.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

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
