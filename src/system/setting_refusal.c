/*
 * setting_refusal.c - why a setting cannot be read or written here, in a sentence.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "system/kernel_file.h"
#include "system/kernel_value.h"
#include "system/setting.h"

static bool begins(const char *path, const char *root)
{
	return !strncmp(path, root, strlen(root));
}

/* "virtio1-req.0": the last word of the interrupt's line of /proc/interrupts. */
static void irq_name(unsigned irq, char *buf, size_t size)
{
	AUTO(auto_fclose) FILE *file = fopen("/proc/interrupts", "re");
	char line[4096];
	unsigned number;

	snprintf(buf, size, "no driver");
	while (file && fgets(line, sizeof(line), file)) {
		char *end = line + strcspn(line, "\n"), *word;

		*end = '\0';
		word = strrchr(line, ' ');
		if (word && sscanf(line, " %u:", &number) == 1 && number == irq)
			snprintf(buf, size, "%s", word + 1);
	}
}

static bool refuse_irq(const struct setting_change *c, int rc, char *why, size_t size)
{
	char name[64];
	unsigned irq;

	if ((rc != -EPERM && rc != -EIO) || sscanf(c->path, "/proc/irq/%u/", &irq) != 1)
		return false;
	irq_name(irq, name, sizeof(name));
	snprintf(why, size, "IRQ %u (%s) is managed by the kernel and cannot be moved", irq, name);
	return true;
}

static bool refuse_debugfs(const struct setting_change *c, int rc, char *why, size_t size)
{
	char lockdown[64] = "";

	if (!begins(c->path, "/sys/kernel/debug/"))
		return false;
	if (rc == -ENOENT && access("/sys/kernel/debug/sched", F_OK)) {
		snprintf(why, size, "debugfs is not mounted, or closed to this user");
		return true;
	}
	if (rc != -EPERM)
		return false;
	kernel_value_read("/sys/kernel/security/lockdown", lockdown, sizeof(lockdown));
	snprintf(why, size, "kernel lockdown%s%s%s blocks /sys/kernel/debug", *lockdown ? " (" : "",
		 lockdown, *lockdown ? ")" : "");
	return true;
}

static bool refuse_absent(const struct setting_change *c, int rc, char *why, size_t size)
{
	if (rc != -ENOENT && rc != -ENODEV && rc != -ENOTDIR)
		return false;
	snprintf(why, size, "%s",
		 c->setting && c->setting->missing ? c->setting->missing
						   : "there is no such file in this kernel");
	return true;
}

static bool refuse_right(const struct setting_change *c, int rc, char *why, size_t size)
{
	const char *cause = "not even root may change it here: a container's capabilities or a "
			    "security module forbid it";

	if (rc != -EACCES && rc != -EPERM && rc != -EROFS)
		return false;
	if (geteuid())
		cause = "only root may write it";
	else if (rc != -EPERM)
		cause = "it is read-only even for root: the kernel's own, or closed to a container";
	snprintf(why, size, "%s", cause);
	return true;
}

static bool refuse_value(const struct setting_change *c, int rc, char *why, size_t size)
{
	char online[64] = "";
	int len;

	if (rc == -EOVERFLOW) {
		kernel_file_read("/sys/devices/system/cpu/online", online, sizeof(online));
		snprintf(why, size, "'%s' names CPUs that do not exist (online %s)", c->wanted,
			 online);
		return true;
	}
	if (rc != -EINVAL && rc != -ERANGE)
		return false;
	len = snprintf(why, size, "the kernel does not take '%s'", c->wanted);
	if (c->setting)
		len += snprintf(why + len, size - (size_t)len, " (values: %s)", c->setting->values);
	if (c->setting && c->setting->along && !strcmp(c->wanted, "0"))
		snprintf(why + len, size - (size_t)len, "; set %s instead", c->setting->along);
	return true;
}

void setting_refuse(struct setting_change *c, int rc)
{
	static bool (*const causes[])(const struct setting_change *, int, char *, size_t) = {
		refuse_irq, refuse_debugfs, refuse_absent, refuse_right, refuse_value,
	};
	struct err err = { 0 };

	c->error = rc;
	c->report.verdict = verdict_of_error(rc == -EROFS ? -EPERM : rc);
	for (unsigned i = 0; i < sizeof(causes) / sizeof(*causes); i++)
		if (causes[i](c, rc, c->report.why, sizeof(c->report.why)))
			return;
	err_sys(&err, rc, "the kernel refuses it");
	snprintf(c->report.why, sizeof(c->report.why), "%.200s", err.text);
}
