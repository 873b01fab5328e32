/*
 * parts.c - the knob sets of the two roles, with memory of their own to fill.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "lab/system.h"

enum { BACKENDS_MAX = 16, OWN_MAX = 32, OWN_NAME = 32 };

/* Threads of a role besides its main ones, as bits: who can be given settings of their own. */
static const unsigned extra_threads[ROLES_ALL] = {
	[ROLE_NODE] = 1U << THREAD_ACCEPTOR | 1U << THREAD_STORAGE | 1U << THREAD_SQPOLL |
		      1U << THREAD_IOWQ,
	[ROLE_CLIENT] = 1U << THREAD_SQPOLL | 1U << THREAD_IOWQ,
};

/* Roles that have connections: a backend, TLS and a secret are theirs. */
static bool has_connections(enum role role)
{
	return role != ROLE_HOG && role != ROLE_SYSTEM;
}

/* A tunable's knobs under another name, for one kind of threads. */
struct own_group {
	struct knob_group group;
	char name[OWN_NAME], help[160];
	const struct tunable *tunable;
	enum thread_role thread;
};

struct role_knobs {
	const struct parts *parts;
	enum role role;
	struct knob_set set;
	int owned_count;
	void *owned
		[KNOB_SET_MAX]; /* options of the groups bound here; others belong to the caller */
	struct run_opts {
		int backend; /* index in parts->backends */
		bool allow_degraded;
	} run_opts;
	const char *backend_names[BACKENDS_MAX + 1];
	struct knob run_knobs[3];
	struct knob_group run_group;
	int own_count;
	struct own_group own[OWN_MAX];
};

static const char *const node_backend_aliases[] = { "poll-mode", NULL }; /* DistWalk's name */

static void make_run_group(struct role_knobs *rk)
{
	const char *def = rk->parts->backends[0]->group.name;

	for (int i = 0; rk->parts->backends[i] && i < BACKENDS_MAX; i++) {
		rk->backend_names[i] = rk->parts->backends[i]->group.name;
		if (!strcmp(rk->backend_names[i], "epoll"))
			def = "epoll";
	}
	rk->run_knobs[0] = (struct knob){
		.name = "backend",
		.aliases = rk->role == ROLE_NODE ? node_backend_aliases : NULL,
		.letter = rk->role == ROLE_NODE ? 'p' : 0, /* a client's -p is its period */
		.type = &knob_enum,
		KNOB_FIELD(struct run_opts, backend, int),
		.choices = rk->backend_names,
		.def = def,
		.help = "kernel interface that moves the bytes",
	};
	rk->run_knobs[1] = (struct knob){
		.name = "allow-degraded",
		.type = &knob_bool,
		KNOB_FIELD(struct run_opts, allow_degraded, bool),
		.def = "no",
		.help = "go on when the kernel did not take a setting as asked; it is recorded",
	};
	rk->run_group = (struct knob_group){
		.name = "",
		.help = has_connections(rk->role)
				? "backend, and what to do about settings that are not taken"
				: "degraded: what to do about settings that are not taken",
		.knobs = has_connections(rk->role) ? rk->run_knobs : rk->run_knobs + 1,
		.opts_size = sizeof(rk->run_opts),
	};
}

static int add_group(struct role_knobs *rk, const struct knob_group *group, struct err *err)
{
	void *opts;

	if (!group->knobs)
		return 0;
	opts = calloc(1, group->opts_size);
	if (!opts)
		return err_sys(err, -ENOMEM, "settings of %s", group->name);
	rk->owned[rk->owned_count++] = opts;
	knob_set_add(&rk->set, group, opts);
	return 0;
}

static int add_own(struct role_knobs *rk, const struct tunable *tn, enum thread_role thread,
		   struct err *err)
{
	struct own_group *own = &rk->own[rk->own_count++];

	assert(rk->own_count <= OWN_MAX);
	own->tunable = tn;
	own->thread = thread;
	own->group = tn->group;
	snprintf(own->name, sizeof(own->name), "%s.%s", thread_role_names[thread], tn->group.name);
	snprintf(own->help, sizeof(own->help), "%s threads only, in place of %s",
		 thread_role_names[thread], tn->group.name);
	own->group.name = own->name;
	own->group.like = &tn->group;
	own->group.help = own->help;
	return add_group(rk, &own->group, err);
}

static int add_tunable(struct role_knobs *rk, const struct tunable *tn, struct err *err)
{
	int rc = add_group(rk, &tn->group, err);

	for (int thread = 0; thread < THREAD_ROLES && rc == 0; thread++)
		if (extra_threads[rk->role] & tn->own_groups & 1U << thread)
			rc = add_own(rk, tn, (enum thread_role)thread, err);
	return rc;
}

static bool has_both(enum role role)
{
	return role == ROLE_NODE || role == ROLE_CLIENT;
}

static int add_groups(struct role_knobs *rk, struct err *err)
{
	int rc;

	if (rk->role == ROLE_SYSTEM)
		return add_group(rk, &system_knobs, err);
	rc = add_group(rk, rk->parts->roles[rk->role], err);
	for (unsigned i = 0; i < PARTS_BOTH && rc == 0 && has_both(rk->role); i++) {
		if (rk->parts->both[i])
			rc = add_group(rk, rk->parts->both[i], err);
	}
	knob_set_add(&rk->set, &rk->run_group, &rk->run_opts);
	for (int i = 0; rk->parts->backends[i] && rc == 0 && has_connections(rk->role); i++)
		rc = add_group(rk, &rk->parts->backends[i]->group, err);
	for (int i = 0; rk->parts->tunables[i] && rc == 0; i++)
		rc = add_tunable(rk, rk->parts->tunables[i], err);
	return rc;
}

int role_knobs_create(const struct parts *parts, enum role role, struct role_knobs **ret,
		      struct err *err)
{
	struct role_knobs *rk = calloc(1, sizeof(*rk));

	if (!rk)
		return err_sys(err, -ENOMEM, "settings");
	rk->parts = parts;
	rk->role = role;
	make_run_group(rk);
	if (add_groups(rk, err) < 0) {
		role_knobs_destroy(rk);
		return -ENOMEM;
	}
	*ret = rk;
	return 0;
}

void role_knobs_destroy(struct role_knobs *rk)
{
	if (!rk)
		return;
	for (int i = 0; i < rk->owned_count; i++)
		free(rk->owned[i]);
	free(rk);
}

struct knob_set *role_knobs_set(struct role_knobs *rk)
{
	return &rk->set;
}

const struct parts *role_knobs_parts(const struct role_knobs *rk)
{
	return rk->parts;
}

static int assign(struct role_knobs *rk, const struct setting *s, struct err *err)
{
	const struct knob_bind *bind;

	if (rk->role == ROLE_SYSTEM && !knob_set_find(&rk->set, s->key, &bind))
		return system_check(s->key, s->text, err) ? err_wrap(err, "%s", s->key) : 0;
	return knob_set_assign(&rk->set, s->key, s->text, s->swept ? KNOB_SWEEP : KNOB_FILE, err);
}

int role_knobs_assign(struct role_knobs *rk, const struct settings *s, struct err *err)
{
	int rc = 0;

	for (int i = 0; i < rk->set.count; i++) {
		knob_defaults(rk->set.binds[i].group, rk->set.binds[i].opts);
		memset(rk->set.binds[i].from, KNOB_DEFAULT, sizeof(rk->set.binds[i].from));
	}
	for (unsigned i = 0; i < s->count && rc == 0; i++)
		if (s->items[i].role == rk->role)
			rc = assign(rk, &s->items[i], err);
	return rc;
}

const struct backend_ops *role_knobs_backend(const struct role_knobs *rk)
{
	return has_connections(rk->role) ? rk->parts->backends[rk->run_opts.backend] : NULL;
}

bool role_knobs_allow_degraded(const struct role_knobs *rk)
{
	return rk->run_opts.allow_degraded;
}

const void *role_knobs_opts(const struct role_knobs *rk, const struct knob_group *group)
{
	for (int i = 0; i < rk->set.count; i++)
		if (rk->set.binds[i].group == group)
			return rk->set.binds[i].opts;
	return NULL;
}

const void *role_knobs_own(const struct role_knobs *rk, const struct tunable *tn,
			   enum thread_role thread)
{
	for (int i = 0; i < rk->own_count; i++)
		if (rk->own[i].tunable == tn && rk->own[i].thread == thread)
			return role_knobs_opts(rk, &rk->own[i].group);
	return NULL;
}

bool role_knobs_text(const struct role_knobs *rk, const char *key, char *buf, size_t size)
{
	const struct knob_bind *bind;
	const struct knob *k = knob_set_find(&rk->set, key, &bind);

	if (k)
		knob_format(k, bind->opts, buf, size);
	return k != NULL;
}

int role_knobs_canonical(struct role_knobs *rk, const char *key, const char *text, char *buf,
			 size_t size, struct err *err)
{
	struct setting item = { .role = rk->role };
	struct settings one = { 1, &item };
	int rc;

	if (strlen(key) >= sizeof(item.key) || strlen(text) >= sizeof(item.text))
		return err_set(err, -EINVAL, "%.60s: longer than %d bytes", key, SETTING_TEXT - 1);
	strcpy(item.key, key);
	strcpy(item.text, text);
	rc = role_knobs_assign(rk, &one, err);
	if (rc == 0 && !role_knobs_text(rk, key, buf, size))
		snprintf(buf, size, "%s",
			 text); /* a setting's name: the kernel has the last word */
	return rc;
}

int64_t role_knobs_number(const struct role_knobs *rk, const char *key, int64_t otherwise)
{
	const struct knob_bind *bind;
	const struct knob *k = knob_set_find(&rk->set, key, &bind);
	char text[SETTING_TEXT];
	int64_t value = otherwise;

	if (!k)
		return otherwise;
	if (k->type == &knob_int || k->type == &knob_time || k->type == &knob_size)
		memcpy(&value, (const char *)bind->opts + k->offset, sizeof(value));
	else if (role_knobs_text(rk, key, text, sizeof(text)))
		units_parse(UNIT_COUNT, text, NULL, &value, NULL); /* "1k" or "auto" */
	return value;
}

double role_knobs_rate(const struct role_knobs *rk, const char *key)
{
	char text[SETTING_TEXT];
	double per_s = 0;

	if (role_knobs_text(rk, key, text, sizeof(text)))
		units_parse_rate(text, &per_s, NULL);
	return per_s;
}
