/*
 * knob_cpus.c - lists of CPUs: "0,2-5:2" checked and written in one way.
 *
 * Lists of other things that have numbers, as memory nodes, are told apart by their metavar.
 *
 * The order is kept, because a list hands out one CPU per thread: "3,1" is not "1,3". Two lists
 * of the same CPUs in the same order are the same text: "2-5:2" and "2,4" are kept as "2,4",
 * "0,1,2" as "0-2" (cpus.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cpus.h"
#include "base/knob.h"

static int parse_cpus(const struct knob *k, const char *text, void *field, struct err *err)
{
	char canonical[CPU_SETSIZE * 5];
	const char *what = k->metavar ? k->metavar : "CPUs";
	struct cpu_order order;

	if (!cpu_order_read(text, &order))
		return err_set(err, -EINVAL,
			       "\"%s\" is not a list of %s: try 0,2-5 or 0-6:2 (%s are 0 to %d)",
			       text, what, what, CPU_SETSIZE - 1);
	if (cpu_order_write(&order, canonical, sizeof(canonical)) || strlen(canonical) >= k->size)
		return err_set(err, -EINVAL, "\"%s\" is too long: at most %zu bytes", text,
			       k->size - 1);
	memcpy(field, canonical, strlen(canonical) + 1);
	return 0;
}

static void format_cpus(const struct knob *k, const void *field, char *buf, size_t size)
{
	snprintf(buf, size, "%s", (const char *)field);
}

const struct knob_type knob_cpus = { "CPUS", parse_cpus, format_cpus };
