/*
 * system.c - see system.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/system.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "system/profile.h"

/* The text stays as it is; what it names must be there. */
static int parse_profile(const struct knob *k, const char *text, void *field, struct err *err)
{
	AUTO(auto_free) struct setting_request *items = NULL;
	unsigned count = 0;

	if (!strcmp(text, "none"))
		return knob_text.parse(k, text, field, err);
	items = calloc(PROFILE_LINES, sizeof(*items));
	if (!items)
		return err_sys(err, -ENOMEM, "%s", text);
	if (profile_read(text, items, PROFILE_LINES, &count, err))
		return -EINVAL;
	return knob_text.parse(k, text, field, err);
}

static void format_profile(const struct knob *k, const void *field, char *buf, size_t size)
{
	knob_text.format(k, field, buf, size);
}

static const struct knob_type knob_profile = { "PROFILE", parse_profile, format_profile };

static const struct knob own_knobs[] = {
	{ .name = "profile",
	  .type = &knob_profile,
	  KNOB_FIELD(struct system_opts, profile, char[256]),
	  .def = "none",
	  .help = "settings by the name of a profile of `ringwalk tune`, or of a file; none" },
	{ .name = "network-namespace",
	  .type = &knob_bool,
	  KNOB_FIELD(struct system_opts, network_namespace, bool),
	  .def = "no",
	  .help = "each run in a network namespace of its own, with loopback; settings that it has "
		  "for itself change nowhere else" },
	{ .name = "allow-degraded",
	  .type = &knob_bool,
	  KNOB_FIELD(struct system_opts, allow_degraded, bool),
	  .def = "no",
	  .help = "go on when a setting is refused, shrunk or ignored; it is recorded" },
	{ 0 },
};

const struct knob_group system_knobs = {
	.name = "",
	.help = "the whole machine",
	.knobs = own_knobs,
	.opts_size = sizeof(struct system_opts),
};

/* What of our own was meant, by somebody who did not name a setting. */
static const char *near_own(const char *key)
{
	const char *names[sizeof(own_knobs) / sizeof(*own_knobs)] = { 0 };

	for (unsigned i = 0; own_knobs[i].name; i++)
		names[i] = own_knobs[i].name;
	return nearest_word(key, names);
}

_Static_assert(SETTING_KEY >= SETTING_NAME, "a key that passes system_check() has room");

int system_check(const char *key, const char *text, struct err *err)
{
	const struct machine_setting *setting;
	const char *near = near_own(key);
	char path[256];

	if (near)
		return err_set(err, -EINVAL, "no such setting; did you mean %s?", near);
	if (strlen(key) >= SETTING_NAME)
		return err_set(err, -EINVAL, "longer than %d bytes", SETTING_NAME - 1);
	if (setting_find(key, &setting, path, sizeof(path), err))
		return -EINVAL;
	if (!*text || strlen(text) >= SETTING_VALUE)
		return err_set(err, -EINVAL, "a value of 1 to %d bytes belongs here",
			       SETTING_VALUE - 1);
	return 0;
}

void system_recover(void)
{
	journal_recover(NULL, NULL);
}

struct requests {
	unsigned count;
	struct setting_request items[PROFILE_LINES];
};

/* The last one counts, as with factors that change what is fixed. */
static int add_request(struct requests *r, const struct setting *s, struct err *err)
{
	struct setting_request *at = r->items;

	while (at < r->items + r->count && strcmp(at->name, s->key))
		at++;
	if (at == r->items + PROFILE_LINES)
		return err_set(err, -E2BIG, "more than %d settings", PROFILE_LINES);
	if (at == r->items + r->count)
		r->count++;
	*at = (struct setting_request){ 0 };
	snprintf(at->name, sizeof(at->name), "%.*s", SETTING_NAME - 1, s->key);
	snprintf(at->value, sizeof(at->value), "%.*s", SETTING_VALUE - 1, s->text);
	return 0;
}

/* Those of system_knobs; what is none of them is left for collect(). */
static int read_own(struct system_opts *opts, const struct settings *s, struct err *err)
{
	int rc = 0;

	knob_defaults(&system_knobs, opts);
	for (unsigned i = 0; i < s->count && rc == 0; i++) {
		const struct setting *item = &s->items[i];
		const struct knob *k =
			item->role == ROLE_SYSTEM ? knob_find(&system_knobs, item->key) : NULL;

		if (k && knob_parse(k, item->text, opts, err))
			rc = err_wrap(err, "%s", item->key);
	}
	return rc;
}

static int collect(struct requests *r, const struct system_opts *opts, const struct settings *s,
		   struct err *err)
{
	int rc = 0;

	if (strcmp(opts->profile, "none"))
		rc = profile_read(opts->profile, r->items, PROFILE_LINES, &r->count, err);
	for (unsigned i = 0; i < s->count && rc == 0; i++)
		if (s->items[i].role == ROLE_SYSTEM && !knob_find(&system_knobs, s->items[i].key))
			rc = add_request(r, &s->items[i], err);
	return rc;
}

int system_plan_make(struct system_plan *p, const struct settings *s, struct err *err)
{
	AUTO(auto_free) struct requests *r = calloc(1, sizeof(*r));
	int rc = r ? 0 : err_sys(err, -ENOMEM, "settings");

	*p = (struct system_plan){ .settings.held_fd = -1 };
	if (rc == 0)
		rc = read_own(&p->opts, s, err);
	if (rc == 0)
		rc = collect(r, &p->opts, s, err);
	if (rc == 0 && r->count)
		rc = setting_plan(&p->settings, r->items, r->count, err);
	if (rc == 0 && p->opts.network_namespace)
		rc = setting_plan_split(&p->settings, err);
	if (rc < 0)
		system_plan_finish(p);
	return rc;
}

void system_plan_finish(struct system_plan *p)
{
	setting_plan_finish(&p->settings);
}

const struct setting_change *system_plan_bad(const struct system_plan *p)
{
	for (unsigned i = 0; i < p->settings.count && !p->opts.allow_degraded; i++)
		if (setting_change_is_bad(&p->settings.changes[i]))
			return &p->settings.changes[i];
	return NULL;
}
