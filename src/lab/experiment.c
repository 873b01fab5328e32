/*
 * experiment.c - an experiment in memory: combinations of levels, labels, rules.
 *
 * The reading of the file is in experiment_file.c and experiment_factors.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/experiment.h"

#include <stdlib.h>
#include <string.h>

#include "lab/avoid.h"

static void factor_finish(struct factor *f)
{
	for (unsigned i = 0; i < f->level_count; i++)
		settings_finish(&f->levels[i].settings);
	free(f->levels);
}

void experiment_destroy(struct experiment *x)
{
	if (!x)
		return;
	for (unsigned i = 0; i < x->factor_count; i++)
		factor_finish(&x->factors[i]);
	free(x->factors);
	free(x->excludes);
	settings_finish(&x->fixed);
	free(x->text);
	free(x);
}

unsigned experiment_combinations(const struct experiment *x)
{
	unsigned n = 1;

	for (unsigned i = 0; i < x->factor_count; i++)
		n *= x->factors[i].level_count;
	return n;
}

void experiment_levels(const struct experiment *x, unsigned number, unsigned *levels)
{
	for (unsigned i = x->factor_count; i-- > 0;) {
		levels[i] = number % x->factors[i].level_count;
		number /= x->factors[i].level_count;
	}
}

static bool rule_applies(const struct exclude *rule, const unsigned *levels)
{
	for (unsigned i = 0; i < rule->condition_count; i++) {
		const struct condition *c = &rule->conditions[i];

		if (!(c->levels >> levels[c->factor] & 1))
			return false;
	}
	return true;
}

const struct exclude *experiment_excluded(const struct experiment *x, const unsigned *levels)
{
	for (unsigned i = 0; i < x->exclude_count; i++)
		if (rule_applies(&x->excludes[i], levels))
			return &x->excludes[i];
	return NULL;
}

const char *experiment_label(const struct experiment *x, const unsigned *levels, char *buf,
			     size_t size)
{
	size_t len = 0;

	*buf = '\0';
	for (unsigned i = 0; i < x->factor_count && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? " " : "",
					x->factors[i].levels[levels[i]].text);
	return buf;
}

bool experiment_sets(const struct experiment *x, enum role role)
{
	bool sets = settings_has(&x->fixed, role);

	for (unsigned i = 0; i < x->factor_count; i++)
		for (unsigned j = 0; j < x->factors[i].level_count; j++)
			sets |= settings_has(&x->factors[i].levels[j].settings, role);
	return sets;
}

static bool always_sets(const struct factor *f, enum role role, const char *key)
{
	for (unsigned i = 0; i < f->level_count; i++)
		if (!settings_find(&f->levels[i].settings, role, key))
			return false;
	return true;
}

bool experiment_always_sets(const struct experiment *x, enum role role, const char *key)
{
	bool sets = settings_find(&x->fixed, role, key) != NULL;

	for (unsigned i = 0; i < x->factor_count; i++)
		sets |= always_sets(&x->factors[i], role, key);
	return sets;
}

int experiment_settings(const struct experiment *x, const unsigned *levels, struct settings *ret,
			struct err *err)
{
	struct settings s = { 0 };
	int rc = settings_add_all(&s, &x->fixed, err);

	for (unsigned i = 0; i < x->factor_count && rc == 0; i++)
		rc = settings_add_all(&s, &x->factors[i].levels[levels[i]].settings, err);
	if (rc == 0)
		rc = avoid_client(&s, err);
	if (rc < 0)
		settings_finish(&s);
	else
		*ret = s;
	return rc;
}
