/*
 * machine.c - see machine.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/machine.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

FILE *machine_open(const char *root, const char *path)
{
	char whole[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	return fopen(whole, "re");
}

bool machine_has(const char *root, const char *path)
{
	char whole[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	return access(whole, F_OK) == 0;
}

bool machine_read(const char *root, const char *path, char *buf, size_t size)
{
	AUTO(auto_fclose) FILE *file = machine_open(root, path);

	*buf = '\0';
	if (!file || !fgets(buf, (int)size, file))
		return false;
	buf[strcspn(buf, "\n")] = '\0';
	return *buf != '\0';
}

int64_t machine_number(const char *root, const char *path, int64_t missing)
{
	char text[64], *end;
	int64_t number;

	if (!machine_read(root, path, text, sizeof(text)))
		return missing;
	number = strtoll(text, &end, 10);
	return end == text || *end ? missing : number;
}

bool machine_find(const char *root, const char *path, const char *key, char *buf, size_t size)
{
	AUTO(auto_fclose) FILE *file = machine_open(root, path);
	size_t len = strlen(key);
	char line[4096];

	*buf = '\0';
	while (file && fgets(line, sizeof(line), file)) {
		const char *rest = line + len;

		if (strncmp(line, key, len) != 0 || !strchr(" \t:=", *rest))
			continue;
		rest += strspn(rest, " \t:=");
		snprintf(buf, size, "%.*s", (int)strcspn(rest, "\n"), rest);
		return true;
	}
	return false;
}

bool machine_has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		if ((at == text || strchr(" \t,", at[-1])) && strchr(" \t,\n", at[len]))
			return true;
	return false;
}

bool machine_is_virtual(const char *root)
{
	char flags[4096];

	return machine_find(root, "/proc/cpuinfo", "flags", flags, sizeof(flags)) &&
	       machine_has_word(flags, "hypervisor");
}
