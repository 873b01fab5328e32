/*
 * setting.h - settings of the whole machine by name: what there is, what a change would do, and
 * the change itself, read back and judged.
 *
 * A setting is a file of /proc or /sys, or one such file for each CPU, queue or device. Its name is
 * that of the sysctl ("net.core.busy_poll"), or one from the table for what has none
 * ("cpufreq.governor", "irq.24.affinity", "nic.eth0.rps_cpus"), or just its path. Names outside the
 * table work as well; what the table adds is what the kernel does not say: units, and what goes
 * wrong without a word.
 *
 *	setting_plan()		looks: which files, what they have, what would fail and why
 *	setting_apply()		writes through a journal (system/journal.h), which takes it back
 *
 * Settings that are a network namespace's own need no journal in a private one (system/netns.h):
 * setting_plan_split() asks the kernel which they are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_SETTING_H
#define RW_SYSTEM_SETTING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/verdict.h"
#include "system/journal.h"

#define SETTING_NAME  96
#define SETTING_VALUE 256
#define SETTING_FILES 1024 /* that one plan may touch */

struct setting_change;

struct machine_setting {
	const char *name; /* '*' stands for a number or a device */
	const char *path; /* '%' is what stood for it; may be a glob(7) of several files */
	const char *values;
	const char *help;
	/* What the kernel does not say. All optional. */
	const char *missing; /* what it means that there is no such file */
	const char *along;   /* another setting, which becomes 0 when this one is written */
	/* Sees what was read back (or is to be written) and may put a better verdict there. */
	void (*remark)(const struct setting_change *c, struct verdict_report *report);
	bool is_held; /* no file to write: in force while a descriptor is open */
};

/* setting_table.c - in the order of `ringwalk info settings`; ends with one without a name. */
extern const struct machine_setting machine_settings[];

/* What was asked for: by a command line, a profile or an experiment. */
struct setting_request {
	char name[SETTING_NAME];
	char value[SETTING_VALUE];
	bool is_optional; /* not possible here is no failure */
};

/* "NAME=VALUE", blanks around both allowed; a "-" in front of the name: optional. */
int setting_request_parse(struct setting_request *ret, const char *text, struct err *err);

/* One file. */
struct setting_change {
	const struct machine_setting *setting; /* NULL: not in the table */
	char name[SETTING_NAME];	       /* of the one file: "nic.lo.rps_cpus rx-0" */
	char path[256];
	char now[SETTING_VALUE], wanted[SETTING_VALUE];
	bool is_optional;
	bool in_netns; /* is to be written inside the private network namespace */
	/* What setting_plan() expects: ok, or denied or unsupported and why, or a remark. */
	struct verdict_report report;
	int error; /* of the last attempt to look or to write; 0: none */
};

struct setting_plan {
	struct setting_change *changes;
	unsigned count;
	int held_fd;		/* of what is in force while it is open; -1: none */
	const char *no_journal; /* why there is none, though one is needed: changes are denied */
};

/*
 * Finds the files and what they have. -EINVAL and -ENOENT: a name that means nothing, with the
 * nearest one, or the same file twice. What exists and cannot be changed is no error here: it
 * stands in the change's report.
 */
int setting_plan(struct setting_plan *plan, const struct setting_request *requests, unsigned count,
		 struct err *err);
void setting_plan_finish(struct setting_plan *plan);

/*
 * Finds out which changes a private network namespace has for itself, and sets in_netns. Asks by
 * making one for a moment; -errno when that is not allowed.
 */
int setting_plan_split(struct setting_plan *plan, struct err *err);

/*
 * Writes those changes whose in_netns is as given, through the journal (NULL: straight, for the
 * inside of a namespace that goes away, or with no_journal set), reads back and judges: each
 * change's report says what came of it. What is refused is tried again behind the others, for some
 * values are valid only together. Stops at nothing; returns how many are neither ok nor vacuous
 * (optional ones do not count), or -errno when the journal cannot be written.
 */
int setting_apply(struct setting_plan *plan, struct journal *j, bool in_netns, struct err *err);

/* Does its report say that it was not, or will not be, made as asked? Optional ones never do. */
bool setting_change_is_bad(const struct setting_change *c);

/* Is there nothing to write, because it has the value already? */
bool setting_change_is_none(const struct setting_change *c);

/*
 * setting_find.c: the table's line of a name, and in path the file or files (a glob) that it means.
 * -ENOENT with the nearest name, -EINVAL: a path where there are no settings.
 */
int setting_find(const char *name, const struct machine_setting **ret, char *path, size_t size,
		 struct err *err);

/* setting_refusal.c: fills in verdict and sentence of a failed access. */
void setting_refuse(struct setting_change *c, int rc);

/* "net.core.busy_poll" as the path of its file. */
void setting_sysctl_path(const char *name, char *path, size_t size);

/* setting_remark.c: what `remark` of the table points to. */
void setting_remark_rt_runtime(const struct setting_change *c, struct verdict_report *report);
void setting_remark_fastopen(const struct setting_change *c, struct verdict_report *report);
void setting_remark_busy_poll(const struct setting_change *c, struct verdict_report *report);
void setting_remark_irq(const struct setting_change *c, struct verdict_report *report);
void setting_remark_latency(const struct setting_change *c, struct verdict_report *report);
void setting_remark_unused(const struct setting_change *c, struct verdict_report *report);
void setting_remark_hugepages(const struct setting_change *c, struct verdict_report *report);

#endif
