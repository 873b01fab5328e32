/*
 * setting.c - see setting.h: which files, and what they have.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/setting.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "system/kernel_file.h"
#include "system/kernel_value.h"
#include "system/netns.h"

int setting_request_parse(struct setting_request *ret, const char *text, struct err *err)
{
	const char *equals = strchr(text, '=');
	char name[SETTING_NAME + 1], *start = name;

	if (!equals || equals - text > SETTING_NAME || strlen(equals + 1) >= SETTING_VALUE)
		return err_set(err, -EINVAL, "\"%.100s\" is not of the form NAME=VALUE", text);
	snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
	kernel_value_tidy(name);
	*ret = (struct setting_request){ .is_optional = *name == '-' };
	start += ret->is_optional;
	snprintf(ret->name, sizeof(ret->name), "%.*s", SETTING_NAME - 1, start);
	snprintf(ret->value, sizeof(ret->value), "%s", equals + 1);
	kernel_value_tidy(ret->value);
	if (!*ret->name || !*ret->value)
		return err_set(err, -EINVAL, "\"%.100s\" lacks a %s: NAME=VALUE", text,
			       *ret->name ? "value" : "name");
	return 0;
}

void setting_plan_finish(struct setting_plan *plan)
{
	if (plan->held_fd >= 0)
		close(plan->held_fd);
	free(plan->changes);
	*plan = (struct setting_plan){ .held_fd = -1 };
}

/* "nic.lo.rps_cpus rx-0": what the glob's wildcards found, when it found several. */
static void name_file(struct setting_change *c, const char *name, const char *pattern)
{
	const char *at = c->path;
	size_t len = (size_t)snprintf(c->name, sizeof(c->name), "%s", name);

	for (; *pattern && *at && len < sizeof(c->name); pattern++, at++) {
		size_t part = strcspn(pattern, "/"), found = strcspn(at, "/");

		if (memchr(pattern, '*', part))
			len += (size_t)snprintf(c->name + len, sizeof(c->name) - len, " %.*s",
						(int)found, at);
		pattern += part;
		at += found;
		if (!*pattern || !*at)
			break;
	}
}

static void read_held(struct setting_change *c)
{
	AUTO(auto_close) int fd = open(c->path, O_RDONLY | O_CLOEXEC);
	int32_t latency_us;

	if (fd < 0)
		setting_refuse(c, -errno);
	else if (read(fd, &latency_us, sizeof(latency_us)) != sizeof(latency_us))
		setting_refuse(c, -EIO);
	else
		snprintf(c->now, sizeof(c->now), "%d", latency_us);
}

static void read_now(struct setting_change *c)
{
	char now[KERNEL_VALUE_MAX];
	int rc;

	if (c->setting && c->setting->is_held) {
		read_held(c);
		return;
	}
	rc = kernel_value_read(c->path, now, sizeof(now));
	if (!rc)
		kernel_value_tidy(now);
	if (!rc && strlen(now) >= sizeof(c->now))
		rc = -E2BIG;
	if (rc)
		setting_refuse(c, rc);
	else
		snprintf(c->now, sizeof(c->now), "%s", now);
}

static bool is_number(const char *text)
{
	char *end;

	strtoll(text, &end, 0);
	return *text && !*end;
}

/* "always [madvise] never": is it one of those? A file without a choice offers everything. */
static bool is_offered(const struct setting_change *c)
{
	char offered[KERNEL_VALUE_MAX], *rest = offered;

	if (!kernel_file_read(c->path, offered, sizeof(offered)) || !strchr(offered, '['))
		return true;
	for (char *word; (word = strsep(&rest, " []\t\n"));)
		if (*word && !strcmp(word, c->wanted))
			return true;
	return false;
}

/* What shows without writing it. Of settings in the table: other files may take what they hide. */
static bool is_surely_wrong(const struct setting_change *c)
{
	if (!c->setting || c->setting->is_held)
		return false;
	if (!strncmp(c->path, "/proc/sys/", 10) && is_number(c->now) && !is_number(c->wanted))
		return true;
	return !is_offered(c);
}

static void foresee(struct setting_change *c)
{
	snprintf(c->report.name, sizeof(c->report.name), "%.39s", c->name);
	snprintf(c->report.requested, sizeof(c->report.requested), "%.255s", c->wanted);
	snprintf(c->report.effective, sizeof(c->report.effective), "%.255s", c->now);
	if (c->error || !*c->wanted)
		return;
	if (!setting_change_is_none(c) && faccessat(AT_FDCWD, c->path, W_OK, AT_EACCESS))
		setting_refuse(c, -errno);
	else if (is_surely_wrong(c))
		setting_refuse(c, -EINVAL);
	else if (c->setting && c->setting->remark)
		c->setting->remark(c, &c->report);
}

bool setting_change_is_none(const struct setting_change *c)
{
	return !c->error && kernel_value_same(c->now, c->wanted);
}

static int add_file(struct setting_plan *plan, const struct setting_change *like, const char *name,
		    const char *path, const char *pattern, struct err *err)
{
	struct setting_change *c = &plan->changes[plan->count];

	if (plan->count == SETTING_FILES)
		return err_set(err, -E2BIG, "more than %d files are to be changed", SETTING_FILES);
	for (unsigned i = 0; i < plan->count; i++)
		if (*like->wanted && !strcmp(plan->changes[i].path, path))
			return err_set(err, -EINVAL, "%s is set twice", plan->changes[i].name);
	*c = *like;
	snprintf(c->path, sizeof(c->path), "%s", path);
	name_file(c, name, pattern);
	read_now(c);
	foresee(c);
	plan->count++;
	return 0;
}

/* A single file, also one that is not there. */
static bool is_single(const glob_t *found)
{
	return found->gl_pathc <= 1;
}

static int add(struct setting_plan *plan, const struct setting_request *r, struct err *err)
{
	struct setting_change like = { .is_optional = r->is_optional };
	char path[sizeof(like.path)];
	glob_t found = { 0 };
	int rc = setting_find(r->name, &like.setting, path, sizeof(path), err);

	if (rc)
		return rc;
	snprintf(like.wanted, sizeof(like.wanted), "%s", r->value);
	glob(path, 0, NULL, &found);
	if (!found.gl_pathc)
		rc = add_file(plan, &like, r->name, path, "", err);
	for (size_t i = 0; i < found.gl_pathc && !rc; i++)
		rc = add_file(plan, &like, r->name, found.gl_pathv[i],
			      is_single(&found) ? "" : path, err);
	globfree(&found);
	return rc;
}

int setting_plan(struct setting_plan *plan, const struct setting_request *requests, unsigned count,
		 struct err *err)
{
	int rc = 0;

	*plan = (struct setting_plan){ .held_fd = -1 };
	plan->changes = calloc(SETTING_FILES, sizeof(*plan->changes));
	if (!plan->changes)
		return err_sys(err, -ENOMEM, "settings");
	for (unsigned i = 0; i < count && !rc; i++)
		rc = add(plan, &requests[i], err);
	if (rc)
		setting_plan_finish(plan);
	return rc;
}

static bool is_of_network(const char *path)
{
	return !strncmp(path, "/proc/sys/net/", 14) || !strncmp(path, "/sys/class/net/", 15);
}

/* In a child, whose namespace goes with it. */
static void try_inside(const struct setting_plan *plan, int out)
{
	char answer[SETTING_FILES + 1] = "";
	struct err err = { 0 };
	int rc = netns_enter(&err);

	for (unsigned i = 0; i < plan->count && !rc; i++)
		answer[i] =
			is_of_network(plan->changes[i].path) && !access(plan->changes[i].path, W_OK)
				? 'y'
				: 'n';
	if (rc)
		rc = write(out, &err, sizeof(err)) < 0;
	else
		rc = write(out, answer, plan->count) < 0;
	_exit(rc);
}

static int read_answer(struct setting_plan *plan, int in, struct err *err)
{
	union {
		char text[SETTING_FILES + 1];
		struct err err;
	} answer;
	ssize_t len = read(in, &answer, sizeof(answer));

	if (len == sizeof(answer.err) && answer.err.code)
		return err_set(err, answer.err.code, "%s", answer.err.text);
	if (len != (ssize_t)plan->count)
		return err_set(err, -EIO, "a network namespace cannot be tried");
	for (unsigned i = 0; i < plan->count; i++)
		plan->changes[i].in_netns = answer.text[i] == 'y';
	return 0;
}

int setting_plan_split(struct setting_plan *plan, struct err *err)
{
	int ends[2], rc;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return err_sys(err, -errno, "pipe");
	pid = fork();
	if (pid == 0)
		try_inside(plan, ends[1]);
	rc = pid < 0 ? err_sys(err, -errno, "fork") : 0;
	close(ends[1]);
	if (!rc)
		rc = read_answer(plan, ends[0], err);
	close(ends[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return rc;
}
