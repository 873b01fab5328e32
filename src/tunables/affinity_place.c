/*
 * affinity_place.c - pin.at: parts of the machine by name, "core:1,l3:0" (system/topology.h).
 *
 * The text is kept as it was written, for a result should show it; only its grammar is looked at
 * when it is read. Whether this machine has such a part is asked when a thread is pinned.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tunables/affinity.h"

/* Calls fn for each name of the text, until one fails. */
static int for_each_name(const char *text,
			 int (*fn)(const struct topology_name *name, void *context,
				   struct err *err),
			 void *context, struct err *err)
{
	char copy[PIN_TEXT], *rest = copy, *word;
	struct topology_name name;
	int rc = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	while (!rc && *text && (word = strsep(&rest, ","))) {
		rc = topology_parse(word, &name, err);
		if (!rc)
			rc = fn(&name, context, err);
	}
	return rc;
}

static int count_name(const struct topology_name *name, void *context, struct err *err)
{
	unsigned *count = context;

	(void)name;
	if (++*count > PIN_PLACES)
		return err_set(err, -EINVAL, "more than %d places", PIN_PLACES);
	return 0;
}

static int parse_at(const struct knob *k, const char *text, void *field, struct err *err)
{
	unsigned count = 0;
	int rc;

	if (strlen(text) >= k->size)
		return err_set(err, -EINVAL, "\"%s\" is too long: at most %zu bytes", text,
			       k->size - 1);
	rc = for_each_name(text, count_name, &count, err);
	if (!rc)
		strcpy(field, text);
	return rc;
}

static void format_at(const struct knob *k, const void *field, char *buf, size_t size)
{
	(void)k;
	snprintf(buf, size, "%s", (const char *)field);
}

const struct knob_type pin_knob_at = { "PLACES", parse_at, format_at };

static bool is_list(const char *text)
{
	return *text >= '0' && *text <= '9';
}

static int parse_avoid(const struct knob *k, const char *text, void *field, struct err *err)
{
	return is_list(text) ? knob_cpus.parse(k, text, field, err) : parse_at(k, text, field, err);
}

const struct knob_type pin_knob_avoid = { "CPUS", parse_avoid, format_at };

struct search {
	const struct topology *topology;
	cpu_set_t *places;
	unsigned count;
};

static int find_place(const struct topology_name *name, void *context, struct err *err)
{
	struct search *s = context;

	return topology_find(s->topology, name, &s->places[s->count++], err);
}

int pin_places(const struct topology *t, const char *at, cpu_set_t places[PIN_PLACES],
	       unsigned *ret_count, struct err *err)
{
	struct search s = { .topology = t, .places = places };
	int rc = for_each_name(at, find_place, &s, err);

	if (!rc)
		*ret_count = s.count;
	return rc;
}

int pin_avoided(const struct topology *t, const char *avoid, cpu_set_t *ret, struct err *err)
{
	cpu_set_t places[PIN_PLACES];
	unsigned count = 0;
	int rc;

	CPU_ZERO(ret);
	if (is_list(avoid)) {
		cpus_read(avoid, ret);
		return 0;
	}
	rc = pin_places(t, avoid, places, &count, err);
	for (unsigned i = 0; i < count; i++)
		CPU_OR(ret, ret, &places[i]);
	return rc;
}
