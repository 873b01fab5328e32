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

#include "base/cleanup.h"
#include "system/journal_group.h"
#include "system/kernel_value.h"

/* One journal on its way back. */
struct undoing {
	struct journal_log *log;
	const struct journal_undo *how;
	bool is_here;	       /* the network namespace is this one */
	enum netns_life netns; /* else */
	struct err why;	       /* NETNS_UNKNOWN */
	unsigned gone;	       /* changes that went with their namespace */
};

static bool is_elsewhere(const struct undoing *u, const struct journal_entry *e)
{
	return !u->is_here && e->old && journal_path_is_netns(e->path);
}

/* The kernel is asked only about what is elsewhere. */
static void look_for_netns(struct undoing *u)
{
	const struct netns_id own = netns_id_own();

	u->is_here = netns_id_same(&own, &u->log->holder.netns);
	for (unsigned i = 0; i < u->log->count && !u->is_here; i++)
		if (journal_path_is_netns(u->log->entries[i].path)) {
			u->netns = netns_id_life(&u->log->holder.netns, &u->why);
			return;
		}
}

/* Why a change is over, if it is not that its old value is there again. */
enum {
	OVER_WITH_FILE = 1, /* its device or group is gone */
	OVER_WITH_NETNS,
	OVER_FORGOTTEN,
};

static int look_elsewhere(const struct undoing *u, const struct journal_entry *e, const char *name,
			  struct err *err)
{
	if (u->netns == NETNS_GONE)
		return OVER_WITH_NETNS;
	if (u->how->forget)
		return OVER_FORGOTTEN;
	if (u->netns == NETNS_UNKNOWN)
		return err_set(err, -EXDEV,
			       "%s was changed in another network namespace, from '%s', and "
			       "whether that is gone is not certain (%s); left alone",
			       name, e->old, u->why.text);
	return err_set(err, -EXDEV,
		       "%s was changed in another network namespace, from '%s'; left alone", name,
		       e->old);
}

static int write_old(const struct journal_entry *e, const char *now)
{
	char text[KERNEL_VALUE_MAX];

	if (!journal_group_is_control(e->path))
		return kernel_value_write(e->path, e->old);
	journal_group_control_change(now, e->old, text, sizeof(text));
	return kernel_value_write(e->path, text);
}

/* 0, OVER_..., or -errno and why in err. */
static int undo_value(const struct undoing *u, const struct journal_entry *e, struct err *err)
{
	const struct journal_undo *how = u->how;
	char now[KERNEL_VALUE_MAX], name[256];
	int rc = kernel_value_read(e->path, now, sizeof(now));

	kernel_path_name(e->path, name, sizeof(name));
	if (is_elsewhere(u, e))
		return look_elsewhere(u, e, name, err);
	if (rc == -ENOENT || rc == -ENODEV)
		return OVER_WITH_FILE;
	if (rc)
		return err_sys(err, rc, "%s cannot be read", name);
	if (kernel_value_same(now, e->old))
		return 0;
	if (!how->force && !journal_entry_is_ours(e, now))
		return how->forget
			       ? OVER_FORGOTTEN
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

static int undo_entry(const struct undoing *u, const struct journal_entry *e, struct err *err)
{
	return e->old ? undo_value(u, e, err) : journal_group_remove(e->path, err);
}

/* What went with its namespace is said once of all: say_rest(). */
static void say_over(struct undoing *u, const struct journal_entry *e, int how)
{
	FILE *out = u->how->done;
	char name[256];

	u->gone += how == OVER_WITH_NETNS;
	if (!out || how == OVER_WITH_NETNS)
		return;
	kernel_path_name(e->path, name, sizeof(name));
	if (how == OVER_WITH_FILE)
		fprintf(out, "%s is gone, and nothing is to be restored there\n", name);
	else if (how == OVER_FORGOTTEN)
		fprintf(out, "%s was '%s' and is left as it is\n", name, e->old);
	else if (e->old)
		fprintf(out, "%s is '%s' again\n", name, e->old);
	else
		fprintf(out, "%s is removed\n", e->path);
}

/*
 * Where no line can be added (a full disk) the rest is taken back all the same. Who reads the file
 * later finds the old value there.
 */
static int note(struct undoing *u, const struct journal_entry *e)
{
	AUTO(auto_free) char *path = strdup(e->path);
	const char *const fields[] = { "back", path, NULL };

	if (!path)
		return -ENOMEM;
	journal_log_append(u->how->fd, fields);
	return journal_log_take(u->log, fields);
}

int journal_undo_path(struct journal_log *log, const struct journal_undo *how, const char *path,
		      struct err *err)
{
	const struct journal_entry *e = journal_log_find(log, path);
	struct undoing u = { .log = log, .how = how };
	int rc = 0;

	look_for_netns(&u);
	if (e)
		rc = undo_entry(&u, e, err);
	if (!e || rc < 0)
		return rc;
	rc = note(&u, e);
	return rc ? err_sys(err, rc, "what the journal says") : 0;
}

/* Once over all, backwards; `out` hears why not. Returns how many were taken back or -errno. */
static int undo_once(struct undoing *u, FILE *out)
{
	int done = 0;

	for (unsigned i = u->log->count; i-- > 0;) {
		const struct journal_entry *e = &u->log->entries[i];
		struct err why = { 0 };
		int rc = undo_entry(u, e, &why);

		if (rc < 0 && out)
			fprintf(out, "%s\n", why.text);
		if (rc < 0)
			continue;
		say_over(u, e, rc);
		rc = note(u, e);
		if (rc)
			return rc;
		done++;
	}
	return done;
}

static void say_rest(const struct undoing *u)
{
	const struct journal_holder *h = &u->log->holder;

	if (u->gone && u->how->done)
		fprintf(u->how->done,
			"the network namespace of %s (process %d) is gone, and with it what was "
			"changed there: nothing to restore\n",
			h->what, h->pid);
	if (u->log->damaged_line && u->how->out)
		fprintf(u->how->out,
			"the journal of %s (process %d) is damaged in line %u: what stands behind "
			"it is left alone\n",
			h->what, h->pid, u->log->damaged_line);
}

int journal_undo(struct journal_log *log, const struct journal_undo *how, struct err *err)
{
	struct undoing u = { .log = log, .how = how };
	int done;

	look_for_netns(&u);
	do
		done = undo_once(&u, NULL);
	while (done > 0 && log->count);
	if (done == 0 && log->count)
		done = undo_once(&u, how->out);
	if (done < 0)
		return err_sys(err, done, "what the journal says");
	say_rest(&u);
	return (int)log->count + (log->damaged_line != 0);
}
