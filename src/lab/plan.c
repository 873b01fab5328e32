/*
 * plan.c - the configurations of an experiment, and the order of their runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/value.h"
#include "lab/possible.h"
#include "lab/provenance.h"
#include "lab/system.h"

/* What is drawn from the sweep's seed. */
enum { DRAW_ORDER = 1, DRAW_WORKLOAD = 2 };

/* A run may take so much longer than its client's time before it is stopped. */
#define PATIENCE_NS (10 * SEC)

/* 73 years. */
#define FAR_NS (INT64_MAX / 4)

void plan_destroy(struct plan *plan)
{
	if (!plan)
		return;
	for (unsigned i = 0; i < plan->config_count; i++)
		free(plan->configs[i].levels);
	free(plan->configs);
	free(plan->excluded);
	free(plan->slots);
	free(plan->block_seeds);
	json_decref(plan->environment);
	experiment_destroy(plan->experiment);
	free(plan);
}

const struct plan_slot *plan_slot(const struct plan *plan, unsigned block, unsigned position)
{
	return &plan->slots[(size_t)block * plan->slot_count + position];
}

int64_t plan_expected_ns(const struct plan *plan, int64_t overhead_ns)
{
	int64_t block_ns = 0;

	for (unsigned i = 0; plan->slots && i < plan->slot_count; i++)
		block_ns += plan->configs[plan->slots[i].config].expected_ns + overhead_ns;
	return block_ns * plan->experiment->blocks;
}

/* All steps of a rate that changes; a second when it has no end, or does not change. */
static int64_t steps_ns(const struct role_knobs *client)
{
	int64_t step_ns = role_knobs_number(client, "rate-step", 0);
	struct value rate = { 0 };
	char text[SETTING_TEXT];
	uint64_t steps = 0;

	if (role_knobs_text(client, "rate", text, sizeof(text)) &&
	    value_parse(text, VALUE_RATE, NULL, &rate, NULL) == 0) {
		steps = value_steps(&rate);
		value_finish(&rate);
	}
	if (!steps || step_ns <= 0 || steps > (uint64_t)(FAR_NS / step_ns))
		return SEC;
	return (int64_t)steps * step_ns;
}

/* Of each thread; 0: a closed loop, or a rate that changes. */
static double steady_rate(const struct role_knobs *client)
{
	return role_knobs_number(client, "outstanding", 0) ? 0 : role_knobs_rate(client, "rate");
}

/* By duration, or by a number of requests at a rate, or (closed loop) anybody's guess. */
static int64_t measuring_ns(const struct role_knobs *client)
{
	int64_t duration = role_knobs_number(client, "duration", 0);
	int64_t requests = role_knobs_number(client, "requests", 0);
	double rate = steady_rate(client);

	if (duration > 0)
		return duration;
	if (rate > 0)
		return (int64_t)((double)(requests > 0 ? requests : 1) / rate * SEC);
	return steps_ns(client);
}

/* What ends a run first counts. */
static void set_requests(struct plan_config *c, const struct role_knobs *client)
{
	double threads = (double)role_knobs_number(client, "threads", 1);
	double requests = (double)role_knobs_number(client, "requests", 0);
	double of_time = steady_rate(client) * (double)measuring_ns(client) / SEC;

	c->rate_hz = threads * steady_rate(client);
	c->requests = threads *
		      (requests > 0 && (!c->rate_hz || requests < of_time) ? requests : of_time);
}

static void set_times(struct plan_config *c, const struct role_knobs *client)
{
	bool by_duration = role_knobs_number(client, "duration", 0) > 0;
	int64_t measuring = measuring_ns(client);

	c->expected_ns = measuring + role_knobs_number(client, "warm-up", 0);
	c->limit_ns = c->expected_ns + role_knobs_number(client, "drain", 0) + PATIENCE_NS;
	if (!by_duration)
		c->limit_ns += 9 * measuring;
	set_requests(c, client);
}

/*
 * Of the configurations that a vacuous factor makes alike, the one at its baseline's level stands
 * for all: what that level sets does not count as the factor's.
 */
static void forget_baseline_levels(const struct experiment *x, const unsigned *levels,
				   struct settings *s)
{
	for (unsigned i = 0; i < x->factor_count; i++) {
		const struct settings *of_level = &x->factors[i].levels[levels[i]].settings;

		if (levels[i] != x->factors[i].baseline)
			continue;
		for (unsigned k = 0; k < of_level->count; k++)
			for (unsigned j = 0; j < s->count; j++)
				if (s->items[j].role == of_level->items[k].role &&
				    !strcmp(s->items[j].key, of_level->items[k].key))
					s->items[j].swept = false;
	}
}

static bool is_possible(const struct settings *s, struct role_knobs *knobs[ROLES], char *why,
			size_t size)
{
	char of_system[256];

	if (!possible_system(s, why, size))
		return false;
	snprintf(of_system, sizeof(of_system), "%.*s", (int)sizeof(of_system) - 1, why);
	if (!possible_here(knobs, why, size))
		return false;
	if (!*why)
		snprintf(why, size, "%s", of_system);
	return true;
}

static int judge_config(struct plan *plan, struct plan_config *c, struct role_knobs *knobs[ROLES],
			struct err *err)
{
	struct settings s = { 0 };
	int rc = experiment_settings(plan->experiment, c->levels, &s, err);

	forget_baseline_levels(plan->experiment, c->levels, &s);
	for (int role = 0; role < ROLES && rc == 0; role++)
		rc = role_knobs_assign(knobs[role], &s, err);
	if (rc == 0 && !settings_has(&s, ROLE_HOG))
		rc = knob_set_assign(role_knobs_set(knobs[ROLE_HOG]), "threads", "0", KNOB_FILE,
				     err);
	if (rc == 0) {
		set_times(c, knobs[ROLE_CLIENT]);
		c->possible = is_possible(&s, knobs, c->why, sizeof(c->why));
	}
	settings_finish(&s);
	return rc < 0 ? err_wrap(err, "%s", c->label) : 0;
}

static bool is_baseline(const struct experiment *x, const unsigned *levels)
{
	for (unsigned i = 0; i < x->factor_count; i++)
		if (levels[i] != x->factors[i].baseline)
			return false;
	return true;
}

static void add_excluded(struct plan *plan, const unsigned *levels, const struct exclude *rule)
{
	struct lab_excluded *e = &plan->excluded[plan->excluded_count++];

	experiment_label(plan->experiment, levels, e->label, sizeof(e->label));
	snprintf(e->why, sizeof(e->why), "%.120s (%.120s)", rule->why, rule->rule);
}

static int add_config(struct plan *plan, const unsigned *levels)
{
	const struct experiment *x = plan->experiment;
	struct plan_config *c = &plan->configs[plan->config_count];

	c->levels = calloc(x->factor_count, sizeof(*c->levels));
	if (!c->levels)
		return -ENOMEM;
	memcpy(c->levels, levels, x->factor_count * sizeof(*levels));
	experiment_label(x, levels, c->label, sizeof(c->label));
	if (is_baseline(x, levels))
		plan->baseline = plan->config_count;
	plan->config_count++;
	return 0;
}

static int make_configs(struct plan *plan, struct err *err)
{
	const struct experiment *x = plan->experiment;
	unsigned combinations = experiment_combinations(x);
	unsigned levels[FACTORS_MAX];
	int rc = 0;

	plan->configs = calloc(combinations, sizeof(*plan->configs));
	plan->excluded = calloc(combinations, sizeof(*plan->excluded));
	if (!plan->configs || !plan->excluded)
		return err_sys(err, -ENOMEM, "plan");
	for (unsigned i = 0; i < combinations && rc == 0; i++) {
		const struct exclude *rule;

		experiment_levels(x, i, levels);
		rule = experiment_excluded(x, levels);
		if (rule)
			add_excluded(plan, levels, rule);
		else
			rc = add_config(plan, levels);
	}
	return rc < 0 ? err_sys(err, rc, "plan") : 0;
}

static int judge_configs(struct plan *plan, const struct parts *parts, struct err *err)
{
	struct role_knobs *knobs[ROLES] = { NULL };
	int rc = 0;

	for (int role = 0; role < ROLES && rc == 0; role++)
		rc = role_knobs_create(parts, (enum role)role, &knobs[role], err);
	for (unsigned i = 0; i < plan->config_count && rc == 0; i++)
		rc = judge_config(plan, &plan->configs[i], knobs, err);
	for (int role = 0; role < ROLES; role++)
		role_knobs_destroy(knobs[role]);
	return rc;
}

/* Fisher and Yates, from the end. */
static void shuffle(struct plan_slot *slots, unsigned count, uint64_t seed, unsigned block)
{
	struct random_key key = random_key(seed, DRAW_ORDER, block, 0);

	for (unsigned i = count; i > 1; i--) {
		unsigned j = (unsigned)random_below(&key, i, i);
		struct plan_slot other = slots[j];

		slots[j] = slots[i - 1];
		slots[i - 1] = other;
	}
}

static unsigned list_slots(const struct plan *plan, struct plan_slot *slots)
{
	unsigned n = 0;

	for (unsigned i = 0; i < plan->config_count; i++)
		if (plan->configs[i].possible)
			slots[n++] = (struct plan_slot){ .config = i };
	if (plan->configs[plan->baseline].possible)
		slots[n++] = (struct plan_slot){ .config = plan->baseline, .is_aa = true };
	return n;
}

static int make_blocks(struct plan *plan, struct err *err)
{
	unsigned blocks = plan->experiment->blocks;

	plan->slots = calloc((size_t)blocks * (plan->config_count + 1), sizeof(*plan->slots));
	plan->block_seeds = calloc(blocks, sizeof(*plan->block_seeds));
	if (!plan->slots || !plan->block_seeds)
		return err_sys(err, -ENOMEM, "plan");
	plan->slot_count = list_slots(plan, plan->slots);
	for (unsigned b = 0; b < blocks; b++) {
		struct plan_slot *slots = plan->slots + (size_t)b * plan->slot_count;
		struct random_key key = random_key(plan->seed, DRAW_WORKLOAD, b, 0);

		list_slots(plan, slots);
		shuffle(slots, plan->slot_count, plan->seed, b);
		plan->block_seeds[b] = (int64_t)(random_u64(&key, 0) >> 1) | 1;
	}
	return 0;
}

int plan_create(struct experiment *x, const struct parts *parts, const char *program,
		const char *command, struct plan **ret, struct err *err)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	int rc;

	if (!plan) {
		experiment_destroy(x);
		return err_sys(err, -ENOMEM, "plan");
	}
	plan->experiment = x;
	plan->seed = x->seed ? x->seed : random_fresh_seed() >> 1 | 1;
	plan->created_epoch_ns = clock_read_ns(CLOCK_REALTIME);
	snprintf(plan->command, sizeof(plan->command), "%s", command);
	if (experiment_sets(x, ROLE_SYSTEM))
		system_recover();
	plan->environment = provenance_collect(program);
	rc = make_configs(plan, err);
	if (rc == 0)
		rc = judge_configs(plan, parts, err);
	if (rc == 0)
		rc = make_blocks(plan, err);
	if (rc == 0)
		*ret = plan;
	else
		plan_destroy(plan);
	return rc;
}
