/*
 * placement_rig.h - a placement of tunables that only write down who was given what, for tests.
 *
 * "late" and "early" are for threads, at two moments of their lives, "socket" is for sockets and
 * "process" for the process. Each takes what it is given, but 13, which it refuses, and what is
 * above 100, of which it makes 100. Of 90 "early" hands out 90 to the first thread of a kind, 91 to
 * the next, and so on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_PLACEMENT_RIG_H
#define RW_TESTS_PLACEMENT_RIG_H

#include <errno.h>

#include "lab/placement.h"
#include "tests/lab_fake.h"
#include "tests/test.h"

/* What happened, "early=3 late=1 ", in the order in which it did. */
static char seen[400];

struct fake_opts {
	int64_t value;
};

static const struct knob table[] = {
	{ .name = "value",
	  .type = &knob_int,
	  KNOB_FIELD(struct fake_opts, value, int64_t),
	  .def = "0",
	  .read_back = "itself" },
	{ 0 },
};

static inline int64_t value_of(const void *opts)
{
	return ((const struct fake_opts *)opts)->value;
}

static inline bool is_default(const void *opts)
{
	return !value_of(opts);
}

static int64_t now;

static inline int note(const char *name, const void *opts, struct err *err)
{
	size_t len = strlen(seen);

	snprintf(seen + len, sizeof(seen) - len, "%s=%d ", name, (int)value_of(opts));
	if (value_of(opts) == 13)
		return err_set(err, -EPERM, "13 is refused");
	now = value_of(opts) > 100 ? 100 : value_of(opts);
	return 0;
}

#define NOTES(name)                                                                               \
	static inline int apply_##name(const struct target *t, const void *opts, struct err *err) \
	{                                                                                         \
		return note(#name, opts, err);                                                    \
	}
NOTES(process)
NOTES(early)
NOTES(late)
NOTES(socket)

static inline int read_back(const struct target *t, void *opts, struct err *err)
{
	((struct fake_opts *)opts)->value = now;
	return 0;
}

static inline int hand_out(const struct target *t, void *opts, struct err *err)
{
	if (value_of(opts) == 90)
		((struct fake_opts *)opts)->value += t->index;
	return 0;
}

#define FAKE(title, ...)                                                                     \
	static const struct tunable fake_##title = { .group = { .name = #title,              \
								.knobs = table,              \
								.opts_size = sizeof(         \
									struct fake_opts) }, \
						     .is_default = is_default,               \
						     .apply = apply_##title,                 \
						     .read_back = read_back,                 \
						     __VA_ARGS__ }
#define OWN .own_groups = TUNABLE_OWN_GROUPS

/* The registry's order counts within a moment only. */
FAKE(late, .scope = SCOPE_THREAD, .moment = MOMENT_READY, OWN);
FAKE(early, .scope = SCOPE_THREAD, .moment = MOMENT_STARTED, OWN, .resolve = hand_out);
FAKE(socket, .scope = SCOPE_SOCKET, .kinds = 1U << SOCKET_LISTENING | 1U << SOCKET_ACCEPTED);
FAKE(process, .scope = SCOPE_PROCESS);

static const struct tunable *const fakes[] = { &fake_late, &fake_early, &fake_socket, &fake_process,
					       NULL };

struct rig {
	struct parts parts;
	struct role_knobs *knobs;
	struct placement placement;
	struct hooks hooks;
	char said[400];
	struct err err;
};

static inline void say(void *context, const char *sentence)
{
	struct rig *rig = context;
	size_t len = strlen(rig->said);

	snprintf(rig->said + len, sizeof(rig->said) - len, "%s\n", sentence);
}

/* settings: "KEY=VALUE KEY=VALUE" of a node. */
static inline void set_up_with(struct rig *rig, const struct backend_ops *const *backends_of,
			       const char *settings, bool allow_degraded)
{
	char text[200], *rest = text, *word;

	*rig = (struct rig){ .parts = fake_parts };
	*seen = '\0';
	now = 0;
	rig->parts.tunables = fakes;
	rig->parts.backends = backends_of;
	CHECK_INT(role_knobs_create(&rig->parts, ROLE_NODE, &rig->knobs, &rig->err), 0);
	CHECK_INT(placement_init(&rig->placement, ROLE_NODE, rig->knobs, &rig->err), 0);
	snprintf(text, sizeof(text), "%s", settings);
	while ((word = strsep(&rest, " "))) {
		char *value = word + strcspn(word, "=");

		*value++ = '\0';
		CHECK_INT(knob_set_assign(role_knobs_set(rig->knobs), word, value, KNOB_ARGUMENT,
					  &rig->err),
			  0);
	}
	rig->placement.allow_degraded = allow_degraded;
	rig->placement.say = say;
	rig->placement.say_context = rig;
	rig->hooks = placement_hooks(&rig->placement);
}

static inline void set_up(struct rig *rig, const char *settings, bool allow_degraded)
{
	set_up_with(rig, fake_parts.backends, settings, allow_degraded);
}

static inline void tear_down(struct rig *rig)
{
	placement_finish(&rig->placement);
	role_knobs_destroy(rig->knobs);
}

static inline int start_thread(struct rig *rig, enum thread_role role, unsigned index)
{
	return hooks_start_thread(&rig->hooks, role, index, &rig->err);
}

#endif
