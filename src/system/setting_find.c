/*
 * setting_find.c - from a name to the table's line and the files it means.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/knob.h"
#include "system/kernel_value.h"
#include "system/setting.h"

static const char *const roots[] = { "/proc/sys/", "/sys/", "/proc/irq/" };

void setting_sysctl_path(const char *name, char *path, size_t size)
{
	size_t root = (size_t)snprintf(path, size, "%s", roots[0]);

	snprintf(path + root, size - root, "%s", name);
	for (char *at = path + root; *at; at++)
		if (*at == '.' || *at == '/')
			*at = *at == '.' ? '/' : '.';
}

/* What stands for the '*' of the pattern, in buf ("" when it has none). False: no match. */
static bool match(const char *pattern, const char *name, char *buf, size_t size)
{
	const char *star = strchr(pattern, '*');
	size_t before = star ? (size_t)(star - pattern) : 0, behind = star ? strlen(star + 1) : 0;
	size_t len = strlen(name);

	*buf = '\0';
	if (!star)
		return !strcmp(pattern, name);
	if (len <= before + behind || strncmp(pattern, name, before) ||
	    strcmp(star + 1, name + len - behind))
		return false;
	snprintf(buf, size, "%.*s", (int)(len - before - behind), name + before);
	return !strchr(buf, '/');
}

static void fill_path(const struct machine_setting *s, const char *name, const char *stands,
		      char *path, size_t size)
{
	const char *mark = s->path ? strchr(s->path, '%') : NULL;

	if (!s->path)
		setting_sysctl_path(name, path, size);
	else if (mark)
		snprintf(path, size, "%.*s%s%s", (int)(mark - s->path), s->path, stands, mark + 1);
	else
		snprintf(path, size, "%s", s->path);
}

static const struct machine_setting *find_in_table(const char *name, char *path, size_t size)
{
	char stands[64];

	for (const struct machine_setting *s = machine_settings; s->name; s++) {
		if (!match(s->name, name, stands, sizeof(stands)))
			continue;
		fill_path(s, name, stands, path, size);
		return s;
	}
	return NULL;
}

/* With what stands for its '*', so that "irq.24.afinity" is near "irq.24.affinity". */
static unsigned distance_to(const struct machine_setting *s, const char *name, char *shown,
			    size_t size)
{
	const char *star = strchr(s->name, '*');
	size_t before = star ? (size_t)(star - s->name) : 0;
	size_t len = star && !strncmp(s->name, name, before) ? strcspn(name + before, ".") : 0;

	if (len)
		snprintf(shown, size, "%.*s%.*s%s", (int)before, s->name, (int)len, name + before,
			 star + 1);
	else
		snprintf(shown, size, "%s", s->name);
	return word_distance(name, shown);
}

static int unknown(const char *name, struct err *err)
{
	unsigned best = word_distance_limit(name) + 1;
	char near[SETTING_NAME] = "", shown[SETTING_NAME];

	for (const struct machine_setting *s = machine_settings; s->name; s++) {
		unsigned distance = distance_to(s, name, shown, sizeof(shown));

		if (distance < best) {
			best = distance;
			snprintf(near, sizeof(near), "%s", shown);
		}
	}
	if (*near)
		return err_set(err, -ENOENT, "no setting \"%s\"; did you mean %s?", name, near);
	return err_set(err, -ENOENT,
		       "no setting \"%s\"; `ringwalk tune show` lists those with a name, and any "
		       "file of /proc/sys or /sys can be named by its path",
		       name);
}

static bool has_root(const char *path)
{
	for (unsigned i = 0; i < sizeof(roots) / sizeof(*roots); i++)
		if (!strncmp(path, roots[i], strlen(roots[i])))
			return !strstr(path, "/../");
	return false;
}

int setting_find(const char *name, const struct machine_setting **ret, char *path, size_t size,
		 struct err *err)
{
	char sysctl[256];

	*ret = NULL;
	if (*name == '/') {
		if (!has_root(name))
			return err_set(err, -EINVAL,
				       "%s is not a setting: those are below /proc/sys, /sys and "
				       "/proc/irq",
				       name);
		snprintf(path, size, "%s", name);
		kernel_path_name(name, sysctl, sizeof(sysctl));
		*ret = *sysctl == '/' ? NULL : find_in_table(sysctl, path, size);
		return 0;
	}
	*ret = find_in_table(name, path, size);
	if (*ret)
		return 0;
	setting_sysctl_path(name, path, size);
	return strchr(name, '.') && !access(path, F_OK) ? 0 : unknown(name, err);
}
