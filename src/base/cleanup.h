/*
 * cleanup.h - locals that release themselves.
 *
 * AUTO(fn) calls fn(&local) when the local goes out of scope, on every path, in the reverse
 * order of declaration. fn must take a NULL or zeroed object.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BASE_CLEANUP_H
#define RW_BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define AUTO(fn) __attribute__((cleanup(fn)))

/* For AUTO: a malloc'ed pointer, a FILE, an open folder, a descriptor (negative: none). */
static inline void auto_free(void *p)
{
	free(*(void **)p);
}

static inline void auto_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void auto_closedir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static inline void auto_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#endif
