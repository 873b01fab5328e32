/*
 * registry.c - the one place that names every backend.
 *
 * A new backend: its file, two lines here, one in src/backends/meson.build, and its
 * name in tests/meson.build, where the contract suite runs against it. backend_sim is not here:
 * users cannot choose it, tests name it directly.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "backends/backend.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

extern const struct backend_ops backend_select;
extern const struct backend_ops backend_poll;
extern const struct backend_ops backend_epoll;
extern const struct backend_ops backend_io_uring;

const struct backend_ops *const backends[] = {
	&backend_select, &backend_poll, &backend_epoll, &backend_io_uring, NULL,
};

#define BACKENDS (sizeof(backends) / sizeof(backends[0]) - 1)

/* "select, poll and epoll" */
static void list_names(char *buf, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < BACKENDS && len < size; i++)
		len += snprintf(buf + len, size - len, "%s%s", backends[i]->group.name,
				i + 2 < BACKENDS    ? ", "
				: i + 2 == BACKENDS ? " and "
						    : "");
}

const struct backend_ops *backend_find(const char *name, struct err *err)
{
	const char *names[BACKENDS + 1] = { NULL };
	const char *nearest;
	char all[128];

	for (size_t i = 0; i < BACKENDS; i++) {
		names[i] = backends[i]->group.name;
		if (!strcmp(name, names[i]))
			return backends[i];
	}
	nearest = nearest_word(name, names);
	list_names(all, sizeof(all));
	if (nearest)
		err_set(err, -ENOENT, "there is no backend '%s'; did you mean '%s'?", name,
			nearest);
	else
		err_set(err, -ENOENT, "there is no backend '%s'; there are %s", name, all);
	return NULL;
}
