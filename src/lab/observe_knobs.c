/*
 * observe_knobs.c - see observe_knobs.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/observe_knobs.h"

#include <errno.h>
#include <string.h>

static const struct knob knobs[] = {
	{ .name = "hardware",
	  .type = &knob_bool,
	  KNOB_FIELD(struct observe_opts, hardware, bool),
	  .def = "no",
	  .help = "count cycles, instructions, cache and branch misses of the node (needs a PMU)" },
	{ .name = "runq-latency",
	  .type = &knob_bool,
	  KNOB_FIELD(struct observe_opts, runq_latency, bool),
	  .def = "no",
	  .help = "how long the node's threads waited for a CPU, each time: by eBPF, as root" },
	{ 0 },
};

const struct knob_group observe_knobs = {
	.name = "observe",
	.help = "what is observed beside a run and costs a little",
	.knobs = knobs,
	.opts_size = sizeof(struct observe_opts),
};

static const struct knob *find(const char *key, struct err *err)
{
	const char *names[sizeof(knobs) / sizeof(*knobs)] = { 0 }, *near;

	for (int i = 0; knobs[i].name; i++) {
		names[i] = knobs[i].name;
		if (!strcmp(key, names[i]))
			return &knobs[i];
	}
	near = nearest_word(key, names);
	err_set(err, -EINVAL, "no such thing%s%s%s; there are hardware and runq-latency",
		near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	return NULL;
}

int observe_set(struct observe_opts *o, const char *key, const char *text, struct err *err)
{
	const struct knob *k = find(key, err);

	return k ? knob_parse(k, text, o, err) : -EINVAL;
}

json_t *observe_to_json(const struct observe_opts *o)
{
	json_t *object = json_object();
	char text[32];

	for (const struct knob *k = knobs; k->name; k++) {
		knob_format(k, o, text, sizeof(text));
		json_object_set_new(object, k->name, json_string(text));
	}
	return object;
}

int observe_from_json(const json_t *json, struct observe_opts *ret, struct err *err)
{
	struct observe_opts o = { 0 };

	for (const struct knob *k = knobs; k->name; k++) {
		const char *text = json_string_value(json_object_get(json, k->name));

		if (text && observe_set(&o, k->name, text, err) < 0)
			return -EINVAL;
	}
	*ret = o;
	return 0;
}
