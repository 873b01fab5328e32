/*
 * parts.h - everything that can be set in a run, as two sets of knobs.
 *
 * The lab names no backend and no tunable: whoever starts it passes the tables. A role's set holds
 * its own knobs; if it has connections those of TLS and of the secret, `backend` (which of the
 * backends), and a group per backend; and a group per tunable, with one more of the same for
 * threads that are set apart. So a key is "threads", "backend", "epoll.trigger", "sched.policy" or
 * "storage.sched.policy". The system's set is small (lab/system.h): its other keys are names of
 * settings, which are checked and are no knobs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_PARTS_H
#define RW_LAB_PARTS_H

#include "backends/backend.h"
#include "base/knob.h"
#include "lab/settings.h"
#include "tunables/tunable.h"

#define PARTS_BOTH 2

struct parts {
	const struct knob_group *roles[ROLES_ALL]; /* &node_knobs ... */
	/* What node and client have, each its own. */
	const struct knob_group *both[PARTS_BOTH];
	const struct backend_ops *const *backends;
	const struct tunable *const *tunables;
	/* Of a role: do options that are each fine go together? Does nothing else. Or NULL. */
	int (*checks[ROLES_ALL])(const void *opts, const struct backend_ops *backend,
				 struct err *err);
};

struct role_knobs;

/* All defaults; the backend's is epoll, or the first when there is none of that name. */
int role_knobs_create(const struct parts *parts, enum role role, struct role_knobs **ret,
		      struct err *err);
void role_knobs_destroy(struct role_knobs *rk); /* NULL is fine */
/* More groups may be added to it; their options stay the caller's. */
struct knob_set *role_knobs_set(struct role_knobs *rk);
const struct parts *role_knobs_parts(const struct role_knobs *rk);

/* Back to the defaults, then those of the settings that are this role's. */
int role_knobs_assign(struct role_knobs *rk, const struct settings *s, struct err *err);

/* What the role would run with; NULL: it has no connections (a hog). */
const struct backend_ops *role_knobs_backend(const struct role_knobs *rk);
bool role_knobs_allow_degraded(const struct role_knobs *rk);
const void *role_knobs_opts(const struct role_knobs *rk, const struct knob_group *group);
/* Of the group "storage.sched" beside "sched"; NULL: this role has no such threads. */
const void *role_knobs_own(const struct role_knobs *rk, const struct tunable *tn,
			   enum thread_role thread);

/* The canonical text of a knob's value; false: there is no such knob. */
bool role_knobs_text(const struct role_knobs *rk, const char *key, char *buf, size_t size);
/* The canonical text of this text. Everything else goes back to its default, if it is a knob's. */
int role_knobs_canonical(struct role_knobs *rk, const char *key, const char *text, char *buf,
			 size_t size, struct err *err);
/* A whole number, time or size; `otherwise` when there is no such knob of that kind. */
int64_t role_knobs_number(const struct role_knobs *rk, const char *key, int64_t otherwise);
/* A rate per second; 0 when there is no such knob. */
double role_knobs_rate(const struct role_knobs *rk, const char *key);

#endif
