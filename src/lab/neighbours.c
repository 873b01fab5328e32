/*
 * neighbours.c - see neighbours.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/neighbours.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lab/number.h"

static bool is_disturbed(const struct lab_run *r)
{
	return r->usable && r->foreign.share > r->foreign.limit;
}

static unsigned count_named(const struct dataset *d, const char *name)
{
	unsigned count = 0;

	for (unsigned i = 0; i < d->run_count; i++)
		count += is_disturbed(&d->runs[i]) && !strcmp(d->runs[i].foreign.by, name);
	return count;
}

/* Named most often; "": nobody was. */
static const char *find_name(const struct dataset *d)
{
	const char *name = "";
	unsigned most = 0;

	for (unsigned i = 0; i < d->run_count; i++) {
		const struct lab_run *r = &d->runs[i];
		unsigned count =
			is_disturbed(r) && *r->foreign.by ? count_named(d, r->foreign.by) : 0;

		if (count > most) {
			most = count;
			name = r->foreign.by;
		}
	}
	return name;
}

const char *neighbours_text(const struct dataset *d, char *buf, size_t size)
{
	unsigned usable = 0, count = 0;
	double least = INFINITY, most = 0;
	char low[NUMBER_TEXT], high[NUMBER_TEXT];
	const char *name = find_name(d);

	*buf = '\0';
	for (unsigned i = 0; i < d->run_count; i++) {
		const struct lab_run *r = &d->runs[i];

		usable += r->usable;
		if (!is_disturbed(r))
			continue;
		count++;
		least = fmin(least, r->foreign.share);
		most = fmax(most, r->foreign.share);
	}
	if (count)
		snprintf(buf, size,
			 "in %u of %u usable runs somebody who is no part of them used their CPUs, "
			 "%s to %s of them%s%s: response times are of both; `ringwalk doctor` says "
			 "who is there and what to do",
			 count, usable, number_share(least, low), number_share(most, high),
			 *name ? ", most often " : "", name);
	return buf;
}
