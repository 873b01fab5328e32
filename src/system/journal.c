/*
 * journal.c - see journal.h.
 *
 * Each change is: claim the path and note it (synced), make it, note what came of it. So whoever
 * finds a record without its result knows that the value, whatever it is, may be the result.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/journal.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "system/journal_folder.h"
#include "system/journal_group.h"
#include "system/journal_undo.h"
#include "system/kernel_value.h"
#include "system/watcher.h"

struct journal {
	struct journal_folder folder;
	char path[PATH_MAX];
	int fd;
	struct journal_log log; /* what the file says */
	struct watcher watcher;
	pthread_mutex_t mutex; /* one change after the other, by whichever thread */
};

static void unlock(pthread_mutex_t **mutex)
{
	pthread_mutex_unlock(*mutex);
}

/* A child that was forked has a copy of the journal, and the changes are not its own. */
static bool is_own(const struct journal *j)
{
	return !j->log.holder.pid || j->log.holder.pid == getpid();
}

static int refuse_child(const struct journal *j, struct err *err)
{
	return err_set(err, -EPERM, "the journal belongs to process %d, this is %d",
		       j->log.holder.pid, getpid());
}

/* Until the end of the function. */
#define HOLD(j)                                            \
	AUTO(unlock) pthread_mutex_t *held_ = &(j)->mutex; \
	pthread_mutex_lock(held_)

static void remove_file(const char *path, int fd)
{
	struct stat st;

	/* Its name may belong to another by now. */
	if (!fstat(fd, &st) && st.st_nlink)
		unlink(path);
}

/* In the watcher. What is left alone stays in the file, for the next one to say. */
static void wake(int fd, const void *context)
{
	const struct journal_undo how = { .fd = fd };
	struct journal_log log;

	if (!journal_log_load(&log, fd, true) && !log.is_kept && !journal_undo(&log, &how, NULL))
		remove_file(context, fd);
}

struct recovery {
	const struct journal_order *order;
	int left;
	struct err *err;
};

/* On request it is said; a start is not kept from its work by it. */
static int pass_over(struct recovery *r, const struct journal_file *file)
{
	const struct journal_order *order = r->order;

	if (order->found)
		order->found->none++;
	if (!order->kept)
		return 0;
	if (order->out)
		fprintf(order->out, "%s\n", file->why.text);
	r->left++;
	return 0;
}

static int recover_file(struct journal_file *file, void *context)
{
	struct recovery *r = context;
	const struct journal_undo how = {
		.fd = file->fd,
		.out = r->order->out,
		.done = r->order->done,
		.force = r->order->force,
		.forget = r->order->forget,
	};
	int left;

	if (file->state == JOURNAL_NONE)
		return pass_over(r, file);
	if (r->order->found) {
		r->order->found->held += file->state == JOURNAL_HELD;
		r->order->found->changes += file->state == JOURNAL_HELD ? 0 : file->log.count;
	}
	if (file->state == JOURNAL_HELD || (file->state == JOURNAL_KEPT && !r->order->kept))
		return 0;
	left = journal_undo(&file->log, &how, r->err);
	if (left < 0)
		return left;
	if (!left || (r->order->forget && !file->log.count))
		remove_file(file->path, file->fd);
	else
		r->left += left;
	return 0;
}

/* With the folder's lock. */
static int recover(struct journal_folder *f, const struct journal_order *order, struct err *err)
{
	struct recovery r = { .order = order, .err = err };
	int rc = journal_folder_each(f, recover_file, &r, err);

	return rc ? rc : r.left;
}

int journal_take_back(const struct journal_order *order, struct err *err)
{
	struct journal_folder f;
	int rc = journal_folder_open(&f, err);

	if (!rc)
		rc = journal_folder_lock(&f, err);
	if (!rc)
		rc = recover(&f, order, err);
	journal_folder_close(&f);
	return rc;
}

int journal_recover(FILE *out, struct err *err)
{
	const struct journal_order order = { .out = out };

	return journal_take_back(&order, err);
}

static int create(struct journal *j, const char *what, struct err *err)
{
	const struct journal_order order = { 0 };
	int rc = recover(&j->folder, &order, err);

	if (rc < 0)
		return rc;
	j->fd = journal_folder_create(&j->folder, j->path, sizeof(j->path), err);
	if (j->fd < 0)
		return j->fd;
	rc = journal_holder_fill(&j->log.holder, what);
	if (!rc)
		rc = journal_holder_append(&j->log.holder, j->fd);
	return rc ? err_sys(err, rc, "%s", j->path) : 0;
}

static int open_all(struct journal *j, const char *what, struct err *err)
{
	int rc = journal_folder_open(&j->folder, err);

	if (!rc)
		rc = journal_folder_lock(&j->folder, err);
	if (rc)
		return rc;
	rc = create(j, what, err);
	journal_folder_unlock(&j->folder);
	return rc ? rc : watcher_start(&j->watcher, j->fd, wake, j->path, err);
}

int journal_open(struct journal **ret, const char *what, struct err *err)
{
	struct journal *j = calloc(1, sizeof(*j));
	int rc;

	if (!j)
		return err_sys(err, -ENOMEM, "journal");
	j->fd = j->folder.lock = -1;
	pthread_mutex_init(&j->mutex, NULL);
	rc = open_all(j, what, err);
	if (rc) {
		journal_close(j);
		return rc;
	}
	*ret = j;
	return 0;
}

/* To the file and to what is remembered of it. */
static int record(struct journal *j, const char *const *fields, struct err *err)
{
	int rc = journal_log_append(j->fd, fields);

	if (!rc)
		rc = journal_log_take(&j->log, fields);
	return rc ? err_sys(err, rc, "%s", j->path) : 0;
}

/*
 * A path that is new to this journal must be nobody else's. The folder's lock is held then until
 * release_claim(), so that what another takes back meanwhile is not read as the old value.
 */
static int claim(struct journal *j, const char *path, struct err *err)
{
	int rc;

	if (journal_log_find(&j->log, path))
		return 0;
	rc = journal_folder_lock(&j->folder, err);
	return rc ? rc : journal_folder_claim(&j->folder, j->path, path, err);
}

static void release_claim(struct journal *j)
{
	journal_folder_unlock(&j->folder);
}

static int record_result(struct journal *j, const char *path, const char *value, struct err *err)
{
	const char *const got[] = { "got", path, value, NULL };

	return record(j, got, err);
}

/* A refused write has changed nothing, most of the time: then the path is free again. */
static int refused(struct journal *j, const char *path, const char *before, const char *text,
		   int rc, struct err *err)
{
	const struct journal_entry *e = journal_log_find(&j->log, path);
	const char *const back[] = { "back", path, NULL };
	char now[KERNEL_VALUE_MAX], name[256];

	if (!kernel_value_read(path, now, sizeof(now))) {
		if (!strcmp(now, e->old))
			record(j, back, NULL);
		else
			record_result(j, path, now, NULL);
	}
	return err_sys(err, rc, "%s: '%s' instead of '%s'",
		       kernel_path_name(path, name, sizeof(name)), text, before);
}

static int change(struct journal *j, const char *path, const char *before, const char *text,
		  struct err *err)
{
	char now[KERNEL_VALUE_MAX];
	int rc = kernel_value_write(path, text);

	if (rc)
		return refused(j, path, before, text, rc, err);
	rc = kernel_value_read(path, now, sizeof(now));
	return rc ? err_sys(err, rc, "%s", path) : record_result(j, path, now, err);
}

static bool is_there_already(const char *path, const char *before, const char *text)
{
	char after[KERNEL_VALUE_MAX];

	if (!journal_group_is_control(path))
		return kernel_value_same(before, text);
	journal_group_control_result(before, text, after, sizeof(after));
	return kernel_value_same(before, after);
}

static int read_value(const char *path, char *value, struct err *err)
{
	int rc = kernel_value_read(path, value, KERNEL_VALUE_MAX);

	return rc ? err_sys(err, rc, "%s", path) : 0;
}

enum { NO_CHANGE = 1 };

/*
 * What it has goes to `before`, and the change into the file, unless there is none to make. What is
 * there already may be another's change, which will not stay: so that is asked first.
 */
static int announce(struct journal *j, const char *path, const char *text, char *before,
		    struct err *err)
{
	const char *const set[] = { "set", path, before, text, NULL };
	int rc = claim(j, path, err);

	if (!rc)
		rc = read_value(path, before, err);
	if (!rc)
		rc = is_there_already(path, before, text) ? NO_CHANGE : record(j, set, err);
	release_claim(j);
	return rc;
}

int journal_write(struct journal *j, const char *path, const char *text, char *effective,
		  size_t size, struct err *err)
{
	char resolved[PATH_MAX], value[KERNEL_VALUE_MAX];
	int rc;
	HOLD(j);

	if (!is_own(j))
		return refuse_child(j, err);
	if (!realpath(path, resolved))
		return err_sys(err, -errno, "%s", path);
	rc = announce(j, resolved, text, value, err);
	if (!rc)
		rc = change(j, resolved, value, text, err);
	if (rc >= 0)
		rc = read_value(resolved, value, err);
	if (rc)
		return rc;
	kernel_value_tidy(value);
	snprintf(effective, size, "%s", value);
	return 0;
}

int journal_expect(struct journal *j, const char *path, const char *value, struct err *err)
{
	char resolved[PATH_MAX], now[KERNEL_VALUE_MAX];
	const char *const set[] = { "set", resolved, now, value, NULL };
	int rc;
	HOLD(j);

	if (!is_own(j))
		return refuse_child(j, err);
	if (!realpath(path, resolved))
		return err_sys(err, -errno, "%s", path);
	rc = claim(j, resolved, err);
	if (!rc)
		rc = read_value(resolved, now, err);
	if (!rc)
		rc = record(j, set, err);
	release_claim(j);
	return rc ? rc : record_result(j, resolved, now, err);
}

static int refuse_length(const char *path, struct err *err)
{
	return err_set(err, -ENAMETOOLONG,
		       "the path of a folder may have %d bytes, and this has more: %.200s...",
		       JOURNAL_GROUP_PATH_MAX, path);
}

/* The path of what is not there yet: its parent's own and its name. */
static int resolve_new(const char *path, char *resolved, struct err *err)
{
	const char *name = strrchr(path, '/');
	char parent[PATH_MAX];
	size_t len;

	if (!name || name == path || !name[1])
		return err_set(err, -EINVAL, "%s is not the path of a folder", path);
	if (snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path) >= PATH_MAX)
		return refuse_length(path, err);
	if (!realpath(parent, resolved))
		return err_sys(err, -errno, "%s", parent);
	len = strlen(resolved);
	if (len + strlen(name) > JOURNAL_GROUP_PATH_MAX)
		return refuse_length(path, err);
	snprintf(resolved + len, PATH_MAX - len, "%s", name);
	return access(resolved, F_OK) ? 0 : err_sys(err, -EEXIST, "%s", resolved);
}

int journal_mkdir(struct journal *j, const char *path, struct err *err)
{
	char resolved[PATH_MAX];
	const char *const made[] = { "folder", resolved, NULL }, *const back[] = { "back", resolved,
										   NULL };
	int rc;
	HOLD(j);

	if (!is_own(j))
		return refuse_child(j, err);
	rc = resolve_new(path, resolved, err);
	/* Who removed it meanwhile and makes it again has it in the journal still. */
	if (!rc && !journal_log_find(&j->log, resolved)) {
		rc = claim(j, resolved, err);
		if (!rc)
			rc = record(j, made, err);
		release_claim(j);
	}
	if (rc || !mkdir(resolved, 0755))
		return rc;
	rc = -errno;
	record(j, back, NULL);
	return err_sys(err, rc, "%s", resolved);
}

int journal_restore_path(struct journal *j, const char *path, struct err *err)
{
	const struct journal_undo how = { .fd = j->fd };
	char resolved[PATH_MAX];
	HOLD(j);

	if (!is_own(j))
		return refuse_child(j, err);
	if (!realpath(path, resolved))
		return err_sys(err, -errno, "%s", path);
	return journal_undo_path(&j->log, &how, resolved, err);
}

int journal_restore(struct journal *j, FILE *out, struct err *err)
{
	const struct journal_undo how = { .fd = j->fd, .out = out };
	HOLD(j);

	if (!is_own(j))
		return refuse_child(j, err);
	return journal_undo(&j->log, &how, err);
}

/* The file is removed before the watcher ends: killed in between, it finds nothing left to do. */
static void release(struct journal *j)
{
	if (is_own(j))
		watcher_end(&j->watcher);
	if (j->fd >= 0)
		close(j->fd);
	journal_folder_close(&j->folder);
	journal_log_finish(&j->log);
	pthread_mutex_destroy(&j->mutex);
	free(j);
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0 && is_own(j) && !journal_restore(j, NULL, NULL))
		remove_file(j->path, j->fd);
	release(j);
}

int journal_keep(struct journal *j, struct err *err)
{
	static const char *const kept[] = { "kept", NULL };
	int count = (int)j->log.count;
	int rc = is_own(j) ? 0 : refuse_child(j, err);

	if (!rc && count)
		rc = record(j, kept, err);
	if (rc || !count)
		journal_close(j);
	else
		release(j);
	return rc ? rc : count;
}
