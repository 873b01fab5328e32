/*
 * topology_name.c - "core:2", "l3:1", TSLoad's "strand:0:2:5": which part of the machine is meant.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/knob.h"
#include "system/topology.h"

/* What may stand before the numbers, and how many of them follow. */
static const struct prefix {
	const char *word;
	enum topology_kind kind;
	unsigned least, most;
} prefixes[] = {
	{ "package", TOPOLOGY_PACKAGE, 1, 1 }, { "chip", TOPOLOGY_PACKAGE, 1, 1 },
	{ "node", TOPOLOGY_NODE, 1, 1 },       { "l3", TOPOLOGY_L3, 1, 1 },
	{ "l2", TOPOLOGY_L2, 1, 1 },	       { "cache:l3", TOPOLOGY_L3, 1, 1 },
	{ "cache:l2", TOPOLOGY_L2, 1, 1 },     { "core", TOPOLOGY_CORE, 1, 2 },
	{ "pu", TOPOLOGY_PU, 1, 1 },	       { "strand", TOPOLOGY_PU, 3, 3 },
};
enum { PREFIXES = sizeof(prefixes) / sizeof(*prefixes), NAME_TEXT = 64 };

/* ":0:2" at `text`, up to its end. Returns how many numbers, 0 when it is anything else. */
static unsigned read_numbers(const char *text, unsigned numbers[3])
{
	unsigned count = 0;

	while (*text == ':' && count < 3) {
		size_t digits = strspn(++text, "0123456789");

		if (!digits || digits > 6)
			return 0;
		numbers[count++] = (unsigned)strtoul(text, NULL, 10);
		text += digits;
	}
	return *text ? 0 : count;
}

static int complain(const char *text, struct err *err)
{
	const char *words[PREFIXES + 1] = { 0 }, *near;
	char word[NAME_TEXT];

	for (unsigned i = 0; i < PREFIXES; i++)
		words[i] = prefixes[i].word;
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(text, ":"), text);
	near = nearest_word(word, words);
	if (near && strcmp(near, word) != 0)
		return err_set(err, -EINVAL, "\"%s\" is no part of a machine; did you mean %s?",
			       text, near);
	return err_set(err, -EINVAL,
		       "\"%s\" is no part of a machine: package:N, node:N, l3:N, l2:N, core:N, "
		       "pu:N, or TSLoad's chip:N, core:CHIP:CORE, strand:CHIP:CORE:CPU",
		       text);
}

int topology_parse(const char *text, struct topology_name *ret, struct err *err)
{
	for (unsigned i = 0; i < PREFIXES; i++) {
		const struct prefix *p = &prefixes[i];
		struct topology_name name = { .kind = p->kind };
		size_t len = strlen(p->word);

		if (strncmp(text, p->word, len) != 0 || text[len] != ':')
			continue;
		name.count = read_numbers(text + len, name.numbers);
		if (name.count < p->least || name.count > p->most)
			continue;
		*ret = name;
		return 0;
	}
	return complain(text, err);
}

/* The number by which the object goes in names: the kernel's, or its place in the order. */
static int number_of(enum topology_kind kind, const struct topology_object *o)
{
	bool is_kernels = kind == TOPOLOGY_PACKAGE || kind == TOPOLOGY_NODE || kind == TOPOLOGY_PU;

	return is_kernels ? o->os : (int)o->logical;
}

static unsigned first_cpu(const cpu_set_t *cpus)
{
	unsigned cpu = 0;

	while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, cpus))
		cpu++;
	return cpu;
}

/* With core:0:2 and strand:0:2:5: is it in that package, and in that core? */
static bool is_inside(const struct topology *t, const struct topology_name *name,
		      const struct topology_object *o)
{
	static const enum topology_kind outer[] = { TOPOLOGY_PACKAGE, TOPOLOGY_CORE };
	struct topology_object around;

	for (unsigned i = 0; i + 1 < name->count; i++) {
		int logical = topology_of_cpu(t, outer[i], first_cpu(&o->cpus));

		if (logical < 0 || !topology_object(t, outer[i], (unsigned)logical, &around) ||
		    around.os != (int)name->numbers[i])
			return false;
	}
	return true;
}

static bool is_meant(const struct topology *t, const struct topology_name *name,
		     const struct topology_object *o)
{
	int last = (int)name->numbers[name->count - 1];

	if (name->count == 1)
		return number_of(name->kind, o) == last;
	return o->os == last && is_inside(t, name, o);
}

static const char *write_name(const struct topology_name *name, char *buf, size_t size)
{
	const char *kind = name->count == 3 ? "strand" : topology_kind_names[name->kind];
	size_t len = (size_t)snprintf(buf, size, "%s", kind);

	for (unsigned i = 0; i < name->count && len < size; i++)
		len += snprintf(buf + len, size - len, ":%u", name->numbers[i]);
	return buf;
}

/* "there is no core:9 here, but core:0-3" */
static int refuse(const struct topology *t, const struct topology_name *name, struct err *err)
{
	char text[NAME_TEXT], list[256];
	struct topology_object o;
	cpu_set_t numbers; /* only the writing of it is used */

	write_name(name, text, sizeof(text));
	if (!topology_count(t, name->kind))
		return err_set(err, -ENODEV, "there is no %s: this machine shows no %s at all",
			       text, topology_kind_names[name->kind]);
	CPU_ZERO(&numbers);
	for (unsigned i = 0; topology_object(t, name->kind, i, &o); i++)
		if (number_of(name->kind, &o) >= 0 && number_of(name->kind, &o) < CPU_SETSIZE)
			CPU_SET(number_of(name->kind, &o), &numbers);
	cpus_write(&numbers, list, sizeof(list));
	return err_set(err, -ENODEV, "there is no %s on this machine, which has %s:%s%s", text,
		       topology_kind_names[name->kind], list,
		       name->count > 1 ? " (`ringwalk info topology` has all of their names)" : "");
}

int topology_find(const struct topology *t, const struct topology_name *name, cpu_set_t *ret,
		  struct err *err)
{
	struct topology_object o;

	for (unsigned i = 0; topology_object(t, name->kind, i, &o); i++) {
		if (!is_meant(t, name, &o))
			continue;
		if (!CPU_COUNT(&o.cpus))
			return err_set(err, -ENODEV, "%s:%u has no CPUs, only memory",
				       topology_kind_names[name->kind], name->numbers[0]);
		*ret = o.cpus;
		return 0;
	}
	return refuse(t, name, err);
}
