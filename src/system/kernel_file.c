/*
 * kernel_file.c - see kernel_file.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/kernel_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

bool kernel_file_read(const char *path, char *buf, size_t size)
{
	AUTO(auto_fclose) FILE *file = fopen(path, "re");

	*buf = '\0';
	if (!file || !fgets(buf, (int)size, file))
		return false;
	buf[strcspn(buf, "\n")] = '\0';
	return *buf != '\0';
}

int64_t kernel_file_number(const char *path, int64_t missing)
{
	char text[32], *end;
	int64_t number;

	if (!kernel_file_read(path, text, sizeof(text)))
		return missing;
	number = strtoll(text, &end, 10);
	return *end ? missing : number;
}

bool kernel_file_line(const char *path, const char *key, char *buf, size_t size)
{
	AUTO(auto_fclose) FILE *file = fopen(path, "re");
	size_t len = strlen(key);
	char line[1024];

	*buf = '\0';
	while (file && fgets(line, sizeof(line), file)) {
		const char *value = line + len;

		if (strncmp(line, key, len))
			continue;
		value += strspn(value, " \t");
		snprintf(buf, size, "%.*s", (int)strcspn(value, "\n"), value);
		return true;
	}
	return false;
}
