/*
 * setting_apply.c - writes a plan's changes, reads back, and says what came of each.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/kernel_value.h"
#include "system/setting.h"

static int write_held(struct setting_plan *plan, struct setting_change *c)
{
	int32_t latency_us = (int32_t)strtol(c->wanted, NULL, 10);
	int fd = open(c->path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, &latency_us, sizeof(latency_us)) != sizeof(latency_us) ||
	    read(fd, &latency_us, sizeof(latency_us)) != sizeof(latency_us)) {
		close(fd);
		return -EINVAL;
	}
	plan->held_fd = fd;
	snprintf(c->report.effective, sizeof(c->report.effective), "%d", latency_us);
	return 0;
}

/* In a namespace of its own: nobody else sees it, and it goes with the last process inside. */
static int write_straight(struct setting_change *c)
{
	int rc = kernel_value_read(c->path, c->now, sizeof(c->now));

	kernel_value_tidy(c->now);
	if (!rc && !kernel_value_same(c->now, c->wanted))
		rc = kernel_value_write(c->path, c->wanted);
	if (!rc)
		rc = kernel_value_read(c->path, c->report.effective, sizeof(c->report.effective));
	kernel_value_tidy(c->report.effective);
	return rc;
}

/* The other setting that becomes 0 with this one, if it is not 0 already. */
static int expect_along(struct journal *j, const struct setting_change *c, struct err *err)
{
	char path[256], now[KERNEL_VALUE_MAX];

	if (!c->setting || !c->setting->along)
		return 0;
	setting_sysctl_path(c->setting->along, path, sizeof(path));
	if (kernel_value_read(path, now, sizeof(now)) || !strcmp(now, "0"))
		return 0;
	return journal_expect(j, path, "0", err);
}

/* What only the journal knows, that another process has the path, is said in its own words. */
static int write_journalled(struct journal *j, struct setting_change *c)
{
	struct err err = { 0 };
	int rc = expect_along(j, c, &err);

	if (!rc)
		rc = journal_write(j, c->path, c->wanted, c->report.effective,
				   sizeof(c->report.effective), &err);
	if (rc)
		setting_refuse(c, rc);
	if (rc == -EBUSY)
		snprintf(c->report.why, sizeof(c->report.why), "%.255s", err.text);
	return rc;
}

/* What has its value already needs nobody to take it back. */
static int deny(struct setting_change *c, const char *no_journal)
{
	if (setting_change_is_none(c)) {
		snprintf(c->report.effective, sizeof(c->report.effective), "%s", c->now);
		return 0;
	}
	c->report.verdict = VERDICT_DENIED;
	snprintf(c->report.why, sizeof(c->report.why),
		 "there is no journal to take it back by: %.200s", no_journal);
	return -EPERM;
}

static void judge(struct setting_change *c)
{
	struct verdict_report *r = &c->report;

	r->why[0] = '\0';
	if (kernel_value_same(r->effective, c->wanted)) {
		r->verdict = VERDICT_OK;
	} else {
		r->verdict =
			kernel_value_same(r->effective, c->now) ? VERDICT_IGNORED : VERDICT_CLAMPED;
		snprintf(r->why, sizeof(r->why), "asked for %.64s, the kernel has %.64s", c->wanted,
			 r->effective);
	}
	if (c->setting && c->setting->remark)
		c->setting->remark(c, r);
}

/* Is it one that only a journal would allow, where there is none? */
static bool lacks_journal(const struct setting_plan *plan, const struct setting_change *c)
{
	return plan->no_journal && !c->in_netns && !(c->setting && c->setting->is_held);
}

static int attempt(struct setting_plan *plan, struct setting_change *c, struct journal *j)
{
	bool is_held = c->setting && c->setting->is_held;
	int rc;

	if (lacks_journal(plan, c))
		return deny(c, plan->no_journal);
	if (j && !is_held)
		return write_journalled(j, c);
	rc = is_held ? write_held(plan, c) : write_straight(c);
	if (rc)
		setting_refuse(c, rc);
	return rc;
}

static void apply_one(struct setting_plan *plan, struct setting_change *c, struct journal *j)
{
	if (c->error && lacks_journal(plan, c))
		return; /* it could not be changed with one, either, and that is said */
	c->report.why[0] = '\0';
	c->error = attempt(plan, c, j);
	if (!c->error)
		judge(c);
}

/* Those that are still to be done; returns how many of them worked. */
static unsigned apply_pending(struct setting_plan *plan, struct journal *j, bool in_netns,
			      bool *done)
{
	unsigned worked = 0;

	for (unsigned i = 0; i < plan->count; i++) {
		if (done[i] || plan->changes[i].in_netns != in_netns)
			continue;
		apply_one(plan, &plan->changes[i], j);
		done[i] = !plan->changes[i].error;
		worked += done[i];
	}
	return worked;
}

/* At the end, for a later change may have undone an earlier one. */
static void look_again(struct setting_change *c)
{
	if (c->error || (c->setting && c->setting->is_held))
		return;
	if (kernel_value_read(c->path, c->report.effective, sizeof(c->report.effective)))
		return;
	kernel_value_tidy(c->report.effective);
	judge(c);
}

bool setting_change_is_bad(const struct setting_change *c)
{
	return !c->is_optional && c->report.verdict != VERDICT_OK &&
	       c->report.verdict != VERDICT_VACUOUS;
}

int setting_apply(struct setting_plan *plan, struct journal *j, bool in_netns, struct err *err)
{
	bool done[SETTING_FILES] = { false };
	int bad = 0;

	while (apply_pending(plan, j, in_netns, done))
		;
	for (unsigned i = 0; i < plan->count; i++) {
		struct setting_change *c = &plan->changes[i];

		if (c->in_netns != in_netns)
			continue;
		look_again(c);
		if (!setting_change_is_bad(c))
			continue;
		if (!bad++)
			err_set(err, c->error ? c->error : -ERANGE, "%s=%.64s: %s: %s", c->name,
				c->wanted, verdict_names[c->report.verdict], c->report.why);
	}
	return bad;
}
