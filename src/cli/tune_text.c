/*
 * tune_text.c - what `ringwalk tune` prints: plans, settings, profiles, open journals.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/tune.h"
#include "system/journal_folder.h"
#include "system/kernel_value.h"
#include "system/profile.h"

enum { VALUE_WIDTH = 24 };

static int most(int a, int b)
{
	return a > b ? a : b;
}

static int name_width(const struct setting_plan *plan)
{
	int width = 0;

	for (unsigned i = 0; i < plan->count; i++)
		width = most(width, (int)strlen(plan->changes[i].name));
	return width;
}

static const char *value_or_dash(const struct setting_change *c)
{
	return *c->now ? c->now : c->error ? "-" : "''";
}

static void print_change(const struct setting_change *c, int width, bool is_split)
{
	const struct verdict_report *r = &c->report;

	if (setting_change_is_none(c))
		printf("  %-*s  %s, as it is", width, c->name, c->now);
	else
		printf("  %-*s  %s -> %s", width, c->name, value_or_dash(c), c->wanted);
	if (is_split && c->in_netns)
		printf("  [may be private]");
	if (r->verdict != VERDICT_OK)
		printf("  %s", verdict_names[r->verdict]);
	if (*r->why)
		printf("%s %s", r->verdict == VERDICT_OK ? "; but" : ":", r->why);
	if (c->is_optional && c->error)
		printf(" (optional: left out)");
	putchar('\n');
}

void tune_print_plan(const struct tune *t, bool is_split)
{
	int width = name_width(&t->plan);
	unsigned writes = 0, private = 0;

	for (unsigned i = 0; i < t->plan.count; i++) {
		print_change(&t->plan.changes[i], width, is_split);
		writes += !t->plan.changes[i].error && !setting_change_is_none(&t->plan.changes[i]);
		private += t->plan.changes[i].in_netns;
	}
	printf("%u of %u would be written; nothing has been. `tune restore` or a reboot takes it "
	       "back.\n",
	       writes, t->plan.count);
	if (is_split && private)
		puts("[may be private]: with `tune run --private-network` it is set for the "
		     "command alone.");
}

/* "performance", or what of several files says that they differ. */
static void collapse(const struct setting_plan *plan, unsigned first, unsigned count, char *buf,
		     size_t size)
{
	const struct setting_change *c = &plan->changes[first];
	bool same = true;

	for (unsigned i = 1; i < count; i++)
		same = same && !strcmp(c->now, plan->changes[first + i].now);
	if (count == 1)
		snprintf(buf, size, "%s", value_or_dash(c));
	else if (same)
		snprintf(buf, size, "%s (%u times)", value_or_dash(c), count);
	else
		snprintf(buf, size, "%u values", count);
}

static const char *where(const struct setting_change *c, bool is_split)
{
	return !is_split ? "" : c->in_netns ? "network namespace" : "machine";
}

static void print_setting(const struct setting_change *c, const char *name, const char *value,
			  int width, bool is_split)
{
	printf("  %-*s  %-*s  %-*s", width, name, VALUE_WIDTH, value, is_split ? 17 : 0,
	       where(c, is_split));
	if (c->error)
		printf("  %s\n", c->report.why);
	else
		printf("  %s%s%s%s\n", c->setting ? c->setting->help : "", c->setting ? " (" : "",
		       c->setting ? c->setting->values : "", c->setting ? ")" : "");
}

void tune_print_all(const struct setting_plan *plan, bool is_split)
{
	int width = 0;
	char value[SETTING_VALUE + 32];

	for (const struct machine_setting *s = machine_settings; s->name; s++)
		width = most(width, (int)strlen(s->name));
	for (unsigned i = 0, count; i < plan->count; i += count) {
		const struct machine_setting *s = plan->changes[i].setting;

		for (count = 1; i + count < plan->count && plan->changes[i + count].setting == s;)
			count++;
		collapse(plan, i, count, value, sizeof(value));
		print_setting(&plan->changes[i], s->name, value, width, is_split);
	}
}

void tune_print_settings(const struct setting_plan *plan, bool is_split)
{
	int width = name_width(plan);

	for (unsigned i = 0; i < plan->count; i++)
		print_setting(&plan->changes[i], plan->changes[i].name,
			      value_or_dash(&plan->changes[i]), width, is_split);
}

void tune_print_profiles(void)
{
	char about[128];

	for (const struct profile *p = profiles; p->name; p++)
		printf("  %-19s %s\n", p->name, profile_about(p, about, sizeof(about)));
	puts("`ringwalk tune profiles NAME` prints one, to be copied and changed; any command "
	     "takes such a file.");
}

static void print_file_name(const struct machine_setting *s)
{
	char path[256];

	if (s->path)
		snprintf(path, sizeof(path), "%s", s->path);
	else
		setting_sysctl_path(s->name, path, sizeof(path));
	for (const char *at = path; *at; at++)
		if (*at == '%')
			fputs("NAME", stdout);
		else
			putchar(*at);
}

void tune_print_markdown(void)
{
	puts("# Settings of the whole machine\n\nMade by `ringwalk info settings` from the table "
	     "in the source. What is not here can be named by its path, and every sysctl by its "
	     "name. Each is read back from its file.\n\n"
	     "| setting | file | values | what it is |\n| --- | --- | --- | --- |");
	for (const struct machine_setting *s = machine_settings; s->name; s++) {
		printf("| `%s` | `", s->name);
		print_file_name(s);
		printf("` | %s | %s%s%s |\n", s->values, s->help,
		       s->along ? "; becomes the only one of the two, beside " : "",
		       s->along ? s->along : "");
	}
}

static const char *netns_in_words(const struct netns_id *netns)
{
	switch (netns_id_life(netns, NULL)) {
	case NETNS_LIVES:
		return "another network namespace";
	case NETNS_GONE:
		return "a network namespace that is gone";
	default:
		return "another network namespace, which may be gone";
	}
}

static void print_entry(const struct journal_entry *e, const struct netns_id *netns)
{
	char name[256], now[KERNEL_VALUE_MAX];
	const struct netns_id own = netns_id_own();
	int rc;

	if (!e->old) {
		printf("  %s was made\n", e->path);
		return;
	}
	kernel_path_name(e->path, name, sizeof(name));
	rc = kernel_value_read(e->path, now, sizeof(now));
	if (journal_path_is_netns(e->path) && !netns_id_same(netns, &own))
		printf("  %s was '%s' in %s\n", name, e->old, netns_in_words(netns));
	else if (rc)
		printf("  %s was '%s'; what it is now cannot be read: %s\n", name, e->old,
		       strerror(-rc));
	else if (kernel_value_same(now, e->old))
		printf("  %s is '%s' again\n", name, e->old);
	else
		printf("  %s was '%s', is '%s'%s\n", name, e->old, now,
		       journal_entry_is_ours(e, now) ? "" : ": changed by somebody else since");
}

struct status {
	unsigned count;
	int code; /* to exit with */
};

static int print_journal(struct journal_file *file, void *context)
{
	static const char *const states[] = {
		[JOURNAL_HELD] = "until it ends",
		[JOURNAL_KEPT] = "until `ringwalk tune restore`",
		[JOURNAL_ORPHAN] = "left over: it is gone, and this could not be taken back",
	};
	struct status *status = context;

	status->count++;
	if (file->state == JOURNAL_NONE || file->state == JOURNAL_UNREAD) {
		int code = file->state == JOURNAL_NONE ? EXIT_CHECK : EXIT_IMPOSSIBLE;

		status->code = most(status->code, complain(code, "tune", &file->why));
		return 0;
	}
	printf("%s (process %d), %s:\n", file->log.holder.what, file->log.holder.pid,
	       states[file->state]);
	for (unsigned i = 0; i < file->log.count; i++)
		print_entry(&file->log.entries[i], &file->log.holder.netns);
	if (file->log.damaged_line)
		printf("  line %u of %s is damaged; what stands behind it is not known\n",
		       file->log.damaged_line, file->path);
	return 0;
}

int tune_print_status(struct err *err)
{
	struct journal_folder f;
	struct status status = { 0 };
	int rc = journal_folder_look(&f, err);

	if (!rc)
		rc = journal_folder_each(&f, print_journal, &status, err);
	journal_folder_close(&f);
	if (!rc && !status.count)
		puts("no setting of this machine is changed by ringwalk");
	return rc < 0 ? rc : status.code;
}

void tune_print_failures(const struct setting_plan *plan, bool in_netns)
{
	for (unsigned i = 0; i < plan->count; i++) {
		const struct setting_change *c = &plan->changes[i];
		const struct verdict_report *r = &c->report;

		if (c->in_netns == in_netns && *r->why)
			fprintf(stderr, "ringwalk tune: %s = %s: %s%s%s%s\n", c->name, c->wanted,
				r->verdict == VERDICT_OK ? "" : verdict_names[r->verdict],
				r->verdict == VERDICT_OK ? "" : ": ", r->why,
				c->is_optional && c->error ? " (optional: left out)" : "");
	}
}
