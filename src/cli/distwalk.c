/*
 * distwalk.c - dw_node's spellings of what is set in another way here: see distwalk.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/distwalk.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

/* One of the set's own knobs; what is refused is said under DistWalk's name. */
static int assign(const struct knob *k, void *field, const char *key, const char *text,
		  struct err *err)
{
	struct distwalk_opts *o = (void *)((char *)field - k->offset);

	return knob_set_assign(o->set, key, text, KNOB_ARGUMENT, err);
}

/* "0,1,5": the CPUs that this process may use. */
static int list_own_cpus(char *buf, size_t size, struct err *err)
{
	cpu_set_t own;
	size_t len = 0;

	if (sched_getaffinity(0, sizeof(own), &own))
		return err_sys(err, -errno, "cannot ask for the CPUs of this process");
	for (int cpu = 0; cpu < CPU_SETSIZE && len < size; cpu++)
		if (CPU_ISSET(cpu, &own))
			len += snprintf(buf + len, size - len, "%s%d", len ? "," : "", cpu);
	return 0;
}

static int parse_affinity(const struct knob *k, const char *text, void *field, struct err *err)
{
	char own[CPU_SETSIZE * 5];
	bool is_auto = !strcmp(text, "auto");
	int rc = is_auto ? list_own_cpus(own, sizeof(own), err) : 0;

	if (!rc)
		rc = assign(k, field, "pin.cpus", is_auto ? own : text, err);
	return rc ? rc : knob_text.parse(k, text, field, err);
}

static const char *const policy_keys[] = { "sched.nice", "sched.priority", "sched.runtime",
					   "sched.deadline", NULL };

static const struct form {
	const char *name, *policy;
	const char *keys[2]; /* of the numbers behind the colon */
	const char *unit;
	bool is_short; /* may stand without them */
	const char *usage;
} forms[] = {
	{ "other", "other", { "sched.nice" }, "", true, "other or other:NICE" },
	{ "rr", "rr", { "sched.priority" }, "", false, "rr:PRIORITY" },
	{ "fifo", "fifo", { "sched.priority" }, "", false, "fifo:PRIORITY" },
	{ "dl",
	  "deadline",
	  { "sched.runtime", "sched.deadline" },
	  "us",
	  false,
	  "dl:RUNTIME_US,DEADLINE_US" },
};
#define FORMS (sizeof(forms) / sizeof(*forms))

static const struct form *find_form(const char *text)
{
	size_t len = strcspn(text, ":");

	for (size_t i = 0; i < FORMS; i++)
		if (strlen(forms[i].name) == len && !strncmp(forms[i].name, text, len))
			return &forms[i];
	return NULL;
}

static unsigned count_numbers(const char *text)
{
	unsigned count = *text != '\0';

	while ((text = strchr(text, ',')))
		text++, count++;
	return count;
}

/* The numbers of a policy; what an earlier --sched-policy said is forgotten. */
static int assign_numbers(const struct knob *k, void *field, const struct form *form,
			  const char *text, unsigned count, struct err *err)
{
	char number[64];
	int rc = 0;

	for (unsigned i = 0; policy_keys[i] && !rc; i++)
		rc = assign(k, field, policy_keys[i], i < 2 ? "0" : "0ns", err);
	for (unsigned i = 0; i < count && !rc; i++) {
		size_t len = strcspn(text, ",");
		bool is_bare = strspn(text, "0123456789") == len;

		snprintf(number, sizeof(number), "%.*s%s", (int)len, text,
			 is_bare ? form->unit : "");
		rc = assign(k, field, form->keys[i], number, err);
		text += len + (text[len] == ',');
	}
	return rc;
}

static int parse_policy(const struct knob *k, const char *text, void *field, struct err *err)
{
	const struct form *form = find_form(text);
	const char *numbers = strchr(text, ':') ? strchr(text, ':') + 1 : "";
	unsigned count = count_numbers(numbers);
	int rc;

	if (!form)
		return err_set(err, -EINVAL,
			       "\"%s\" is no policy; try other:NICE, rr:PRIORITY, fifo:PRIORITY or "
			       "dl:RUNTIME_US,DEADLINE_US",
			       text);
	if (count != 1U + !!form->keys[1] && (count || !form->is_short))
		return err_set(err, -EINVAL, "\"%s\": write %s", text, form->usage);
	rc = assign_numbers(k, field, form, numbers, count, err);
	if (!rc)
		rc = assign(k, field, "sched.policy", form->policy, err);
	return rc ? rc : knob_text.parse(k, text, field, err);
}

static void format_text(const struct knob *k, const void *field, char *buf, size_t size)
{
	knob_text.format(k, field, buf, size);
}

static const struct knob_type affinity_type = { "CPUS", parse_affinity, format_text };
static const struct knob_type policy_type = { "POLICY", parse_policy, format_text };

static const char *const spin_aliases[] = { "ws", NULL };

static const struct knob knobs[] = {
	{ .name = "thread-affinity",
	  .letter = 'c',
	  .type = &affinity_type,
	  KNOB_FIELD(struct distwalk_opts, affinity, char[128]),
	  .metavar = "auto|CPUS",
	  .help = "the same as --pin.cpus; auto: all that this process may use, one each" },
	{ .name = "sched-policy",
	  .type = &policy_type,
	  KNOB_FIELD(struct distwalk_opts, policy, char[64]),
	  .metavar = "other[:NICE]|rr:PRIORITY|fifo:PRIORITY|dl:RUNTIME,DEADLINE",
	  .help = "--sched.policy and what belongs to it; times without a unit are us" },
	{ .name = "wait-spin",
	  .aliases = spin_aliases,
	  .type = &knob_bool,
	  KNOB_FIELD(struct distwalk_opts, spin, bool),
	  .def = "no",
	  .help = "the same as a busy-wait of 1s of the backend that is chosen" },
	{ .name = "no-defrag",
	  .type = &knob_bool,
	  KNOB_FIELD(struct distwalk_opts, no_defrag, bool),
	  .def = "no",
	  .help = "understood, and makes no difference: receive buffers are never moved here" },
	{ 0 },
};

const struct knob_group distwalk_knobs = {
	.name = "",
	.help = "DistWalk's words for other options",
	.knobs = knobs,
	.opts_size = sizeof(struct distwalk_opts),
};

int distwalk_spin(const struct distwalk_opts *o, const char *backend, struct err *err)
{
	char key[64];

	if (!o->spin)
		return 0;
	snprintf(key, sizeof(key), "%s.busy-wait", backend);
	return knob_set_assign(o->set, key, "1s", KNOB_ARGUMENT, err);
}
