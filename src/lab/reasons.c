/*
 * reasons.c - who is not in the ranking and why; see reasons.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/reasons.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const char *const absence_names[] = { "excluded", "not possible",    "no different", "failed",
				      "invalid",  "too few samples", "not run yet" };

unsigned reasons_count(const struct analysis *a)
{
	return a->data->excluded_count + a->data->config_count;
}

/* Of the last run of a configuration that does not count. */
static const char *last_reason(const struct dataset *d, unsigned config, const char *none)
{
	for (unsigned i = d->run_count; i-- > 0;)
		if (d->runs[i].config == config && !d->runs[i].usable && d->runs[i].reasons[0])
			return d->runs[i].reasons;
	return none;
}

static void explain(const struct analysis *a, unsigned c, struct absent *ret)
{
	const struct config_summary *s = &a->configs[c];
	const struct lab_config *config = &a->data->configs[c];

	ret->why = config->why;
	if (!config->possible) {
		ret->kind = ABSENT_IMPOSSIBLE;
	} else if (config->why[0] && c != a->data->baseline) {
		ret->kind = ABSENT_VACUOUS;
	} else if (s->takes_part) {
		ret->kind = ABSENT_UNMEASURED;
		ret->why = "its runs have no number for the primary metric";
	} else if (s->failed || s->invalid) {
		ret->kind = s->failed >= s->invalid ? ABSENT_FAILED : ABSENT_INVALID;
		ret->why = last_reason(a->data, c, "no reason is recorded");
	} else {
		ret->kind = ABSENT_WAITING;
		ret->why = "the sweep ended before its first run";
	}
}

bool reasons_absent(const struct analysis *a, unsigned index, struct absent *ret)
{
	const struct dataset *d = a->data;

	if (index < d->excluded_count) {
		ret->kind = ABSENT_EXCLUDED;
		ret->label = d->excluded[index].label;
		ret->why = d->excluded[index].why;
		return true;
	}
	index -= d->excluded_count;
	ret->label = d->configs[index].label;
	explain(a, index, ret);
	return !a->configs[index].rank;
}

/* A time has its unit, which is another one when it is longer, and means the same. */
static const char *skip_number(const char *s)
{
	static const char *const units[] = { " ns", " us", " ms", " s" };

	while (isdigit((unsigned char)*s) || (*s == '.' && isdigit((unsigned char)s[1])))
		s++;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		size_t len = strlen(units[i]);

		if (!strncmp(s, units[i], len) && !isalpha((unsigned char)s[len]))
			return s + len;
	}
	return s;
}

bool reasons_alike(const char *x, const char *y)
{
	while (*x && *y) {
		if (isdigit((unsigned char)*x) && isdigit((unsigned char)*y)) {
			x = skip_number(x);
			y = skip_number(y);
		} else if (*x++ != *y++) {
			return false;
		}
	}
	return *x == *y;
}

const char *reasons_next(const char *reasons, const char *last, size_t *len)
{
	const char *start = last ? last + *len : reasons;

	start += strspn(start, "\n");
	*len = strcspn(start, "\n");
	return *len ? start : NULL;
}

const char *reasons_line(const char *reasons, char *buf, size_t size)
{
	const char *reason = NULL;
	size_t used = 0, len;

	*buf = '\0';
	while ((reason = reasons_next(reasons, reason, &len)) && used < size)
		used += snprintf(buf + used, size - used, "%s%.*s", used ? "; " : "", (int)len,
				 reason);
	return buf;
}
