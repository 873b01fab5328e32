/*
 * journal_undo.c - see journal_undo.h. What is undone is noted after it is done: killed in between,
 * the next one finds the old value there and notes that. Folders: journal_group.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/journal_undo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "system/journal_group.h"
#include "system/kernel_value.h"

static uint64_t own_netns(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) ? 0 : st.st_ino;
}

/* There each network namespace has its own files under the same names. */
static bool is_elsewhere(const struct journal_log *log, const struct journal_entry *e)
{
	static const char net[] = "/proc/sys/net/";

	return !strncmp(e->path, net, strlen(net)) && log->holder.netns != own_netns();
}

static int write_old(const struct journal_entry *e, const char *now)
{
	char text[KERNEL_VALUE_MAX];

	if (!journal_group_is_control(e->path))
		return kernel_value_write(e->path, e->old);
	journal_group_control_change(now, e->old, text, sizeof(text));
	return kernel_value_write(e->path, text);
}

/* 0, or why not in err. */
static int undo_value(const struct journal_log *log, const struct journal_entry *e,
		      const struct journal_undo *how, struct err *err)
{
	char now[KERNEL_VALUE_MAX], name[256];
	int rc = kernel_value_read(e->path, now, sizeof(now));

	kernel_path_name(e->path, name, sizeof(name));
	if (is_elsewhere(log, e))
		return how->forget ? 0
				   : err_set(err, -EXDEV,
					     "%s was changed in another network "
					     "namespace, from '%s'; left alone",
					     name, e->old);
	if (rc == -ENOENT || rc == -ENODEV)
		return 0; /* its device or group is gone, and the change with it */
	if (rc)
		return err_sys(err, rc, "%s cannot be read", name);
	if (kernel_value_same(now, e->old))
		return 0;
	if (!how->force && !journal_entry_is_ours(e, now))
		return how->forget
			       ? 0
			       : err_set(err, -EPERM,
					 "%s is now '%s', neither '%s' as it was set nor '%s' as "
					 "before: somebody else changed it; left alone",
					 name, now, e->ours[e->ours_count - 1], e->old);
	rc = write_old(e, now);
	if (rc)
		return err_sys(err, rc, "%s is '%s' and cannot be set back to '%s'", name, now,
			       e->old);
	if (kernel_value_read(e->path, now, sizeof(now)) || !kernel_value_same(now, e->old))
		return err_set(err, -EIO, "%s was set back to '%s', and the kernel has '%s'", name,
			       e->old, now);
	return 0;
}

static int undo_entry(const struct journal_log *log, const struct journal_entry *e,
		      const struct journal_undo *how, struct err *err)
{
	return e->old ? undo_value(log, e, how, err) : journal_group_remove(e->path, err);
}

static void say_done(const struct journal_entry *e, const struct journal_undo *how)
{
	char name[256];

	if (how->done && e->old)
		fprintf(how->done, "%s is '%s' again\n",
			kernel_path_name(e->path, name, sizeof(name)), e->old);
	else if (how->done)
		fprintf(how->done, "%s is removed\n", e->path);
}

static int note(struct journal_log *log, const struct journal_entry *e,
		const struct journal_undo *how)
{
	AUTO(auto_free) char *path = strdup(e->path);
	const char *const fields[] = { "back", path, NULL };
	int rc = path ? journal_log_append(how->fd, fields) : -ENOMEM;

	return rc ? rc : journal_log_take(log, fields);
}

int journal_undo_path(struct journal_log *log, const struct journal_undo *how, const char *path,
		      struct err *err)
{
	const struct journal_entry *e = journal_log_find(log, path);
	int rc = e ? undo_entry(log, e, how, err) : 0;

	if (!e || rc)
		return rc;
	rc = note(log, e, how);
	return rc ? err_sys(err, rc, "the journal cannot be written") : 0;
}

/* Once over all, backwards; `out` hears why not. Returns how many were taken back or -errno. */
static int undo_once(struct journal_log *log, const struct journal_undo *how, FILE *out)
{
	int done = 0;

	for (unsigned i = log->count; i-- > 0;) {
		const struct journal_entry *e = &log->entries[i];
		struct err why = { 0 };
		int rc = undo_entry(log, e, how, &why);

		if (rc && out)
			fprintf(out, "%s\n", why.text);
		if (rc)
			continue;
		say_done(e, how);
		rc = note(log, e, how);
		if (rc)
			return rc;
		done++;
	}
	return done;
}

int journal_undo(struct journal_log *log, const struct journal_undo *how, struct err *err)
{
	int done;

	do
		done = undo_once(log, how, NULL);
	while (done > 0 && log->count);
	if (done == 0 && log->count)
		done = undo_once(log, how, how->out);
	if (done < 0)
		return err_sys(err, done, "the journal cannot be written");
	if (log->damaged_line && how->out)
		fprintf(how->out,
			"the journal of %s (process %d) is damaged in line %u: what stands behind "
			"it is left alone\n",
			log->holder.what, log->holder.pid, log->damaged_line);
	return (int)log->count + (log->damaged_line != 0);
}
