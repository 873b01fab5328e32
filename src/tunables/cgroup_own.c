/*
 * cgroup_own.c - a group of this process: found by its name, made, entered, left.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "system/kernel_file.h"
#include "system/kernel_value.h"
#include "tunables/cgroup_opts.h"

int cgroup_put(const char *folder, const char *file, const char *text)
{
	char path[CGROUP_PATH + 64];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	return kernel_value_write(path, text);
}

bool cgroup_get(const char *folder, const char *file, char *buf, size_t size)
{
	char path[CGROUP_PATH + 64];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	return kernel_file_read(path, buf, size);
}

int64_t cgroup_get_number(const char *folder, const char *file, int64_t missing)
{
	char path[CGROUP_PATH + 64];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	return kernel_file_number(path, missing);
}

int cgroup_refuse(const struct cgroup_own *g, const char *knob, const char *file, int code,
		  struct err *err)
{
	if (code == -ENOENT)
		return err_set(err, -EOPNOTSUPP,
			       "cgroup.%s refused: groups of version %d have no %s on this kernel",
			       knob, g->version->number, file);
	return err_sys(err, code, "cgroup.%s refused: %s/%s", knob, g->folder, file);
}

int cgroup_set(const struct cgroup_own *g, const char *knob, const char *file, const char *text,
	       struct err *err)
{
	int rc = cgroup_put(g->folder, file, text);

	return rc ? cgroup_refuse(g, knob, file, rc, err) : 0;
}

int cgroup_set_number(const struct cgroup_own *g, const char *knob, const char *file,
		      int64_t number, struct err *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)number);
	return cgroup_set(g, knob, file, text, err);
}

bool cgroup_own_find(const char *controller, const char *parent, struct cgroup_own *ret)
{
	struct cgroup_place place;
	char name[32], *last;

	if (!cgroup_find(0, controller, &place))
		return false;
	snprintf(name, sizeof(name), "/ringwalk-%d", getpid());
	last = strrchr(place.folder, '/');
	*ret = (struct cgroup_own){
		.version = place.version == 1 ? &cgroup_v1 : &cgroup_v2,
		.is_inside = !strcmp(last, name),
	};
	snprintf(ret->mount, sizeof(ret->mount), "%s", place.mount);
	if (ret->is_inside) {
		snprintf(ret->folder, sizeof(ret->folder), "%s", place.folder);
		*last = '\0';
		snprintf(ret->base, sizeof(ret->base), "%s", place.folder);
		snprintf(ret->home, sizeof(ret->home), "%s", place.folder);
		return true;
	}
	snprintf(ret->home, sizeof(ret->home), "%s", place.folder);
	if (!*parent)
		snprintf(ret->base, sizeof(ret->base), "%s", place.folder);
	else if (snprintf(ret->base, sizeof(ret->base), "%s%s", place.mount,
			  strcmp(parent, "/") ? parent : "") >= CGROUP_PATH)
		return false;
	return snprintf(ret->folder, sizeof(ret->folder), "%s%s", ret->base, name) < CGROUP_PATH;
}

int cgroup_own_make(const struct cgroup_own *g, const char *controller, struct journal *j,
		    struct err *err)
{
	int rc;

	if (access(g->base, F_OK))
		return err_sys(err, -errno, "cgroup.parent: %s", g->base);
	rc = g->version->admit(g, controller, j, err);
	/* With version 2 the folder may be there for the other controller. */
	if (rc || !access(g->folder, F_OK))
		return rc;
	rc = journal_mkdir(j, g->folder, err);
	if (rc == -EACCES || rc == -EPERM || rc == -EROFS)
		return err_set(err, rc,
			       "a group below %s may not be made: needs root, or a group that is "
			       "this user's (cgroup.parent)",
			       g->base);
	return rc;
}

int cgroup_own_enter(const struct cgroup_own *g, struct err *err)
{
	int rc = cgroup_put(g->folder, "cgroup.procs", "0");

	if (rc == -EINVAL)
		return err_set(err, rc,
			       "%s takes no process with real-time threads: new groups have no "
			       "real-time budget (cgroup.rt-runtime)",
			       g->folder);
	return rc ? err_sys(err, rc, "cannot enter %s", g->folder) : 0;
}

void cgroup_own_leave(const struct cgroup_own *g, const char *controller, struct journal *j)
{
	cgroup_put(g->home, "cgroup.procs", "0");
	if (!strcmp(controller, "cpuset") && g->version->unpart && g->version->is_part(g))
		g->version->unpart(g, j);
	rmdir(g->folder);
}
