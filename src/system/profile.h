/*
 * profile.h - named lists of settings: files like sysctl.conf, three of them built in.
 *
 * A line is "NAME = VALUE", "-NAME = VALUE" (not possible here is no failure, as in sysctl.d(5)),
 * blank, or a comment from "#" on. The comment at the head says what the profile is for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_PROFILE_H
#define RW_SYSTEM_PROFILE_H

#include <stddef.h>

#include "base/err.h"
#include "system/setting.h"

#define PROFILE_LINES 256 /* settings in one profile */

struct profile {
	const char *name, *text;
};

/* Made from profiles/NAME.conf when the program is built; ends with one without a name. */
extern const struct profile profiles[];

/* NULL: none of this name. */
const struct profile *profile_find(const char *name);

/* The first sentence of its head, in buf. */
const char *profile_about(const struct profile *p, char *buf, size_t size);

/*
 * Appends to requests[*count], at most max in all. `file` is for complaints:
 * "quiet.conf:12: ...".
 */
int profile_parse(const char *file, const char *text, struct setting_request *requests,
		  unsigned max, unsigned *count, struct err *err);

/* -ENOENT and a sentence: neither a profile nor a file, and which profile is near. */
int profile_unknown(const char *name, struct err *err);

/* A built-in one by its name, or a file; -ENOENT as above: it is neither. */
int profile_read(const char *name_or_file, struct setting_request *requests, unsigned max,
		 unsigned *count, struct err *err);

#endif
