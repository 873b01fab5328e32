/*
 * run_system.c - see run_system.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/run_system.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"

/* In words, when the change is not as asked and that is not allowed. */
static int check(const struct run_system *rs, struct err *err)
{
	const struct setting_change *c = system_plan_bad(&rs->plan);

	if (!c)
		return 0;
	return err_set(err, c->error == -EBUSY ? -EBUSY : -EOPNOTSUPP, "%s=%.64s: %s: %s", c->name,
		       c->wanted, verdict_names[c->report.verdict], c->report.why);
}

static bool is_machine_changed(const struct run_system *rs)
{
	for (unsigned i = 0; i < rs->plan.settings.count; i++)
		if (!rs->plan.settings.changes[i].in_netns)
			return true;
	return false;
}

/* Without a journal each change is denied, where that is allowed. */
static int apply_outside(struct run_system *rs, struct err *err)
{
	int rc = journal_open(&rs->journal, "ringwalk sweep", &rs->no_journal);

	if (rc < 0 && !rs->plan.opts.allow_degraded)
		return err_set(err, rc, "%s", rs->no_journal.text);
	if (rc < 0)
		rs->plan.settings.no_journal = rs->no_journal.text;
	rc = setting_apply(&rs->plan.settings, rs->journal, false, err);
	return rc < 0 ? rc : 0; /* how many are bad, and which, check() says */
}

static int apply_inside(void *context, struct err *err)
{
	int rc = setting_apply(context, NULL, true, err);

	return rc < 0 ? rc : 0;
}

/* A child applies them, in memory that both see. */
static int make_netns(struct run_system *rs, struct err *err)
{
	struct setting_plan *plan = &rs->plan.settings, inside = *plan;
	size_t size = (plan->count + 1) * sizeof(*plan->changes);
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int rc;

	if (shared == MAP_FAILED)
		return err_sys(err, -errno, "settings of the network namespace");
	inside.changes = shared;
	if (plan->count)
		memcpy(shared, plan->changes, plan->count * sizeof(*plan->changes));
	rc = netns_open(&rs->netns, apply_inside, &inside, err);
	if (plan->count)
		memcpy(plan->changes, shared, plan->count * sizeof(*plan->changes));
	munmap(shared, size);
	return rc;
}

int run_system_begin(struct run_system *rs, const struct settings *s, struct err *err)
{
	int rc = 0;

	*rs = (struct run_system){
		.plan.settings.held_fd = -1,
		.netns = NETNS_NONE,
		.is_set = settings_has(s, ROLE_SYSTEM),
	};
	if (rs->is_set)
		rc = system_plan_make(&rs->plan, s, err);
	if (rc == 0 && is_machine_changed(rs))
		rc = apply_outside(rs, err);
	if (rc == 0 && rs->plan.opts.network_namespace)
		rc = make_netns(rs, err);
	return rc < 0 ? rc : check(rs, err);
}

const struct netns *run_system_netns(const struct run_system *rs)
{
	return rs->netns.net >= 0 ? &rs->netns : NULL;
}

int run_system_end(struct run_system *rs, struct err *err)
{
	AUTO(auto_free) char *text = NULL;
	size_t size = 0;
	FILE *out;
	int left;

	netns_close(&rs->netns);
	if (!rs->journal)
		return 0;
	out = open_memstream(&text, &size);
	left = journal_restore(rs->journal, out, err);
	if (out)
		fclose(out);
	journal_close(rs->journal);
	rs->journal = NULL;
	if (left <= 0)
		return left;
	return err_set(err, -EBUSY, "%.*s", text ? (int)strcspn(text, "\n") : 0, text ? text : "");
}

/* As placement_json() writes what node and client made of theirs. */
static json_t *change_json(const struct setting_change *c)
{
	const struct verdict_report *r = &c->report;
	size_t name = strcspn(r->name, " "); /* without the one CPU, queue or device */

	return json_pack("{s:s, s:s%, s:s, s:s, s:s, s:s, s:i, s:i}", "subject",
			 c->in_netns ? "network namespace" : "machine", "name", r->name, name,
			 "requested", r->requested, "effective", r->effective, "verdict",
			 verdict_names[r->verdict], "why", r->why, "count", 1, "not_ok",
			 setting_change_is_bad(c));
}

static bool is_same(const json_t *a, const json_t *b)
{
	static const char *const keys[] = { "subject",	 "name", "requested",
					    "effective", "why",	 "verdict" };

	for (unsigned i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!json_equal(json_object_get(a, keys[i]), json_object_get(b, keys[i])))
			return false;
	return true;
}

static void add(json_t *to, const json_t *entry, const char *key)
{
	json_int_t sum = json_integer_value(json_object_get(to, key)) +
			 json_integer_value(json_object_get(entry, key));

	json_object_set_new(to, key, json_integer(sum));
}

/* The files of one setting that all say the same are one entry. Takes entry over. */
static void add_change(json_t *list, json_t *entry)
{
	json_t *other;
	size_t i;

	json_array_foreach(list, i, other)
	{
		if (!is_same(other, entry))
			continue;
		add(other, entry, "count");
		add(other, entry, "not_ok");
		json_decref(entry);
		return;
	}
	json_array_append_new(list, entry);
}

json_t *run_system_json(const struct run_system *rs)
{
	json_t *list;

	if (!rs->is_set)
		return NULL;
	list = json_array();
	for (unsigned i = 0; i < rs->plan.settings.count; i++)
		add_change(list, change_json(&rs->plan.settings.changes[i]));
	return json_pack("{s:b, s:o}", "network_namespace", rs->plan.opts.network_namespace,
			 "tunables", list);
}

void run_system_finish(struct run_system *rs)
{
	system_plan_finish(&rs->plan);
}
