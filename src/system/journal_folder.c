/*
 * journal_folder.c - see journal_folder.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/journal_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "system/journal.h"
#include "system/kernel_value.h"

/* How long a lock of others is waited for: much longer than taking back a few settings takes. */
enum { LOCK_TRIES = 1000, WATCHER_TRIES = 300, PAUSE_NS = 10000000 };

/* Who can write a journal decides what is written to the machine by the next one who opens one. */
static int check(const char *path, int fd, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_sys(err, -errno, "%s", path);
	if (st.st_uid != geteuid())
		return err_set(err, -EPERM,
			       "%s, the folder of journals, belongs to another user: run as that "
			       "user, mostly root (RINGWALK_STATE names another folder)",
			       path);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(err, -EPERM,
			       "%s: others than its owner can write into the folder of journals; "
			       "chmod go-w, or another by RINGWALK_STATE",
			       path);
	return 0;
}

/* Its own path: the watcher is in another folder than its owner. */
static int resolve(struct journal_folder *f, const char *name, struct err *err)
{
	char path[PATH_MAX];

	if (!realpath(name, path))
		return err_sys(err, -errno, "%s, the folder of journals", name);
	if (strlen(path) >= sizeof(f->path))
		return err_sys(err, -ENAMETOOLONG, "%s, the folder of journals", name);
	snprintf(f->path, sizeof(f->path), "%.*s", (int)sizeof(f->path) - 1, path);
	return 0;
}

static const char *name_folder(void)
{
	const char *named = getenv("RINGWALK_STATE");

	return named && *named ? named : JOURNAL_FOLDER;
}

int journal_folder_open(struct journal_folder *f, struct err *err)
{
	const char *name = name_folder();
	char lock[PATH_MAX];
	int rc;

	*f = (struct journal_folder){ .lock = -1 };
	if (mkdir(name, 0755) && errno != EEXIST)
		return err_sys(err, -errno,
			       "%s: the folder of journals cannot be made (RINGWALK_STATE names "
			       "another)",
			       name);
	rc = resolve(f, name, err);
	if (rc)
		return rc;
	AUTO(auto_close) int fd = open(f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	rc = fd < 0 ? err_sys(err, -errno, "%s", f->path) : check(f->path, fd, err);
	if (rc)
		return rc;
	snprintf(lock, sizeof(lock), "%s/lock", f->path);
	f->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return f->lock < 0 ? err_sys(err, -errno, "%s", lock) : 0;
}

void journal_folder_close(struct journal_folder *f)
{
	if (f->lock >= 0)
		close(f->lock);
	f->lock = -1;
}

/* False: still locked by others. */
static bool try_lock(int fd, int tries)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };

	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (--tries <= 0)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

int journal_folder_lock(struct journal_folder *f, struct err *err)
{
	return try_lock(f->lock, LOCK_TRIES)
		       ? 0
		       : err_set(err, -EBUSY, "%s/lock has been held by another ringwalk for 10 s",
				 f->path);
}

void journal_folder_unlock(struct journal_folder *f)
{
	flock(f->lock, LOCK_UN);
}

int journal_folder_look(struct journal_folder *f, struct err *err)
{
	const char *name = name_folder();
	char lock[PATH_MAX];
	int rc;

	*f = (struct journal_folder){ .lock = -1, .is_look = true };
	if (access(name, F_OK) && errno == ENOENT)
		return 0;
	rc = resolve(f, name, err);
	if (rc)
		return rc;
	snprintf(lock, sizeof(lock), "%s/lock", f->path);
	f->lock = open(lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (f->lock >= 0 && !try_lock(f->lock, LOCK_TRIES))
		journal_folder_close(f);
	return 0;
}

/*
 * A dead owner's watcher is at work: it takes milliseconds, so it is waited for. Without the
 * folder's lock no journal is locked, for who makes one or takes one back would find it so.
 */
static enum journal_state state_of(const struct journal_folder *f, struct journal_file *file)
{
	bool is_locked;

	if (f->lock < 0)
		is_locked = !file->log.is_kept && journal_holder_lives(&file->log.holder);
	else
		is_locked = !try_lock(file->fd, 1);
	if (f->lock >= 0 && is_locked && !journal_holder_lives(&file->log.holder))
		is_locked = !try_lock(file->fd, WATCHER_TRIES);
	if (is_locked)
		return JOURNAL_HELD;
	return file->log.is_kept ? JOURNAL_KEPT : JOURNAL_ORPHAN;
}

/* 0: look at it; 1: there is nothing in it; else -errno. */
static int load(const struct journal_folder *f, struct journal_file *file)
{
	struct stat st;
	int rc;

	if (fstat(file->fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENXIO;
	rc = journal_log_load(&file->log, file->fd, false);
	if (rc == -ENODATA)
		return !f->is_look && try_lock(file->fd, 1) ? 1 : -EBUSY;
	if (rc)
		return rc;
	file->state = state_of(f, file);
	journal_log_finish(&file->log); /* its watcher may have been at work since */
	rc = journal_log_load(&file->log, file->fd, !f->is_look && file->state != JOURNAL_HELD);
	if (rc || fstat(file->fd, &st) || !st.st_nlink)
		return rc ? rc : 1;
	return journal_holder_is_of_before(&file->log.holder);
}

/* Gone since its name was read, or without a first line, so without a change, in other hands. */
static bool is_passed_over(int rc)
{
	return rc == -ENOENT || rc == -EBUSY;
}

/* What it is instead; false: a journal, for all one knows. */
static bool find_none(struct journal_file *file, int rc)
{
	const char *what = "it is not a file: remove it";

	if (rc == -EBADMSG)
		what = "its first line is damaged, so nothing in it is taken back: look at it, set "
		       "back by hand what it names, and remove it";
	else if (rc == -EPROTONOSUPPORT)
		what = "it is of another version of ringwalk: let that one restore it";
	else if (rc != -ELOOP && rc != -EISDIR && rc != -ENXIO)
		return false;
	file->state = JOURNAL_NONE;
	err_set(&file->why, rc, "%s cannot be read as a journal; %s", file->path, what);
	return true;
}

static bool find_unread(const struct journal_folder *f, struct journal_file *file, int rc)
{
	if (!f->is_look || rc == 1 || is_passed_over(rc))
		return false;
	file->state = JOURNAL_UNREAD;
	err_sys(&file->why, rc, "what %s says is changed cannot be read", file->path);
	return true;
}

static int look_at(const struct journal_folder *f, const char *path,
		   int (*look)(struct journal_file *file, void *context), void *context,
		   struct err *err)
{
	int flags =
		O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (f->is_look ? O_RDONLY : O_RDWR | O_APPEND);
	AUTO(auto_close) int fd = open(path, flags);
	struct journal_file file = { .path = path, .fd = fd };
	int rc = fd < 0 ? -errno : load(f, &file);

	if (rc == 1 && !f->is_look)
		unlink(path);
	if (!rc || find_none(&file, rc) || find_unread(f, &file, rc))
		rc = look(&file, context);
	else
		rc = rc == 1 || is_passed_over(rc) ? 0 : err_sys(err, rc, "journal %s", path);
	journal_log_finish(&file.log);
	return rc;
}

static bool is_journal(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && !strcmp(dot, ".journal");
}

int journal_folder_each(struct journal_folder *f,
			int (*look)(struct journal_file *file, void *context), void *context,
			struct err *err)
{
	AUTO(auto_closedir) DIR *dir = *f->path ? opendir(f->path) : NULL;
	char path[PATH_MAX];
	struct dirent *entry;
	int rc = dir || !*f->path ? 0 : err_sys(err, -errno, "%s", f->path);

	while (dir && !rc && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", f->path, entry->d_name);
		if (is_journal(entry->d_name))
			rc = look_at(f, path, look, context, err);
	}
	return rc;
}

struct claim {
	const char *own, *path;
	struct netns_id netns;
	struct err *err;
};

static int refuse(const struct journal_file *file, const struct claim *c)
{
	static const char *const states[] = {
		[JOURNAL_HELD] = "is held by %s (process %d)",
		[JOURNAL_KEPT] = "is held by %s (process %d, ended), until `ringwalk tune restore`",
		[JOURNAL_ORPHAN] =
			"was left changed by %s (process %d, gone): see `ringwalk tune status`",
	};
	const struct journal_holder *h = &file->log.holder;
	char name[256];

	kernel_path_name(c->path, name, sizeof(name));
	err_set(c->err, -EBUSY, states[file->state], h->what, h->pid);
	return err_wrap(c->err, "%s", name), -EBUSY;
}

static int look_for_path(struct journal_file *file, void *context)
{
	const struct claim *c = context;

	if (!strcmp(file->path, c->own) || !journal_log_find(&file->log, c->path))
		return 0;
	if (journal_path_is_netns(c->path) && !netns_id_same(&file->log.holder.netns, &c->netns))
		return 0;
	return refuse(file, c);
}

int journal_folder_claim(struct journal_folder *f, const char *own, const char *path,
			 struct err *err)
{
	struct claim c = { .own = own, .path = path, .netns = netns_id_own(), .err = err };

	return journal_folder_each(f, look_for_path, &c, err);
}

int journal_folder_create(struct journal_folder *f, char *buf, size_t size, struct err *err)
{
	int fd = -1;

	for (unsigned i = 0; fd < 0; i++) {
		snprintf(buf, size, "%s/%d-%u.journal", f->path, getpid(), i);
		fd = open(buf, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0 && errno != EEXIST)
			return err_sys(err, -errno, "%s", buf);
	}
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	close(fd);
	unlink(buf);
	return err_set(err, -EBUSY, "%s: somebody else locked it", buf);
}
