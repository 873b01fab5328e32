/*
 * cgroup.c - see cgroup.h; the files are described in cgroups(7) and proc_pid_mountinfo(5).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/cgroup.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "system/kernel_file.h"

enum { LINE = 1024 };

/* A line of mountinfo, as far as it matters. */
struct mount {
	const char *root;   /* which group lies at the mount point */
	const char *point;  /* the folder */
	const char *type;   /* cgroup, cgroup2 */
	const char *option; /* of the file system: for version 1 its controllers */
};

bool cgroup_list_has(const char *list, char between, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; at; at = strchr(at, between), at = at ? at + 1 : NULL)
		if (!strncmp(at, word, len) && (at[len] == between || !at[len]))
			return true;
	return false;
}

bool cgroup_file_has(const char *folder, const char *file, const char *word)
{
	char path[CGROUP_PATH + 64], text[LINE];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	return kernel_file_read(path, text, sizeof(text)) && cgroup_list_has(text, ' ', word);
}

/*
 * Lines are "number:controllers:/path"; version 2 has number 0 and no controllers. Finds the
 * controller's own line, else that of version 2. Returns the version, 0 for none.
 */
static int find_path(FILE *cgroups, const char *controller, char *path, size_t size)
{
	char line[LINE];
	int version = 0;

	while (fgets(line, sizeof(line), cgroups)) {
		char *at = line, *controllers;

		strsep(&at, ":");
		controllers = strsep(&at, ":");
		if (!at || (*controllers && !cgroup_list_has(controllers, ',', controller)))
			continue;
		at[strcspn(at, "\n")] = '\0';
		snprintf(path, size, "%s", at);
		version = *controllers ? 1 : 2;
		if (version == 1)
			break;
	}
	return version;
}

/* Blanks in names are written \040. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (*text == '\\' && strspn(text + 1, "01234567") >= 3) {
			char octal[4] = { text[1], text[2], text[3], '\0' };

			*to++ = (char)strtol(octal, NULL, 8);
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

/* "31 23 0:28 ROOT POINT options [tag...] - TYPE source OPTION" */
static bool read_mount(char *line, struct mount *ret)
{
	char *words[6], *rest = strstr(line, " - ");

	if (!rest)
		return false;
	*rest = '\0';
	rest += strlen(" - ");
	for (int i = 0; i < 6; i++)
		words[i] = strsep(&line, " ");
	if (!words[4])
		return false;
	unescape(words[3]);
	unescape(words[4]);
	rest[strcspn(rest, "\n")] = '\0';
	*ret = (struct mount){ .root = words[3], .point = words[4] };
	ret->type = strsep(&rest, " ");
	strsep(&rest, " ");
	ret->option = rest ? rest : "";
	return true;
}

/* The part of a path that lies below root; NULL when it lies elsewhere. */
static const char *below(const char *path, const char *root)
{
	size_t len = strcmp(root, "/") ? strlen(root) : 0;

	if (strncmp(path, root, len) || (path[len] && path[len] != '/') || strstr(path, "/.."))
		return NULL;
	return strcmp(path + len, "/") ? path + len : "";
}

static bool is_mount_of(const struct mount *m, int version, const char *controller)
{
	if (version == 2)
		return !strcmp(m->type, "cgroup2");
	return !strcmp(m->type, "cgroup") && cgroup_list_has(m->option, ',', controller);
}

bool cgroup_parse(FILE *cgroups, FILE *mounts, const char *controller, struct cgroup_place *ret)
{
	char path[CGROUP_PATH], line[LINE];
	int version = find_path(cgroups, controller, path, sizeof(path));
	const char *rest;
	struct mount m;

	while (version && fgets(line, sizeof(line), mounts)) {
		if (!read_mount(line, &m) || !is_mount_of(&m, version, controller) ||
		    !(rest = below(path, m.root)) || strlen(m.point) + strlen(rest) >= CGROUP_PATH)
			continue;
		ret->version = version;
		snprintf(ret->mount, sizeof(ret->mount), "%s", m.point);
		snprintf(ret->folder, sizeof(ret->folder), "%s%s", m.point, rest);
		return true;
	}
	return false;
}

bool cgroup_find(pid_t tid, const char *controller, struct cgroup_place *ret)
{
	char path[64] = "/proc/thread-self/cgroup";
	AUTO(auto_fclose) FILE *cgroups = NULL;
	AUTO(auto_fclose) FILE *mounts = fopen("/proc/thread-self/mountinfo", "re");

	if (tid)
		snprintf(path, sizeof(path), "/proc/%d/cgroup", tid);
	cgroups = fopen(path, "re");
	return cgroups && mounts && cgroup_parse(cgroups, mounts, controller, ret) &&
	       (ret->version == 1 || cgroup_file_has(ret->mount, "cgroup.controllers", controller));
}
