/*
 * journal_holder.c - which process a journal belongs to, and whether that is still there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/journal_log.h"
#include "system/kernel_file.h"
#include "system/kernel_value.h"

/* Field 22 of /proc/PID/stat; the second is a name that may have blanks and brackets: proc(5). */
static uint64_t start_ticks(pid_t pid)
{
	char path[32], line[1024], *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (!kernel_file_read(path, line, sizeof(line)))
		return 0;
	at = strrchr(line, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

/* Where there is no such file, each boot is taken for this one. */
static int read_boot(char *buf, size_t size)
{
	int rc = kernel_value_read("/proc/sys/kernel/random/boot_id", buf, size);

	if (rc)
		*buf = '\0';
	return rc == -ENOENT ? 0 : rc;
}

int journal_holder_fill(struct journal_holder *h, const char *what)
{
	*h = (struct journal_holder){ .pid = getpid(), .start_ticks = start_ticks(getpid()) };
	snprintf(h->what, sizeof(h->what), "%s", what);
	h->netns = netns_id_own();
	return read_boot(h->boot, sizeof(h->boot));
}

int journal_holder_is_of_before(const struct journal_holder *h)
{
	char boot[sizeof(h->boot)];
	int rc = read_boot(boot, sizeof(boot));

	return rc ? rc : *boot && *h->boot && strcmp(boot, h->boot) != 0;
}

int journal_holder_append(const struct journal_holder *h, int fd)
{
	char pid[16], start[24], netns[48];
	const char *const fields[] = {
		"ringwalk-journal", "1", h->boot, pid, start, netns, h->what, NULL
	};

	snprintf(pid, sizeof(pid), "%d", h->pid);
	snprintf(start, sizeof(start), "%" PRIu64, h->start_ticks);
	snprintf(netns, sizeof(netns), "%" PRIu64 ":%" PRIu64, h->netns.inode, h->netns.cookie);
	return journal_log_append(fd, fields);
}

/* A zombie has no more to do with its journal. */
static bool is_zombie(pid_t pid)
{
	char path[32], line[1024], *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (!kernel_file_read(path, line, sizeof(line)))
		return true;
	at = strrchr(line, ')');
	return !at || at[2] == 'Z' || at[2] == 'X';
}

bool journal_holder_lives(const struct journal_holder *h)
{
	uint64_t ticks;

	errno = 0;
	ticks = start_ticks(h->pid);
	if (!ticks && (errno == EMFILE || errno == ENFILE))
		return true; /* nobody can look */
	return h->pid && ticks == h->start_ticks && !is_zombie(h->pid);
}
