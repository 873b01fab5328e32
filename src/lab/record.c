/*
 * record.c - what is kept of a run: run.json, and the numbers that are compared.
 *
 * run.json holds what was asked for and where each value came from, what both programs said they
 * had, the verdict, and one number per metric. store.c reads it back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "lab/foreign.h"
#include "lab/run.h"

#define RECORD_VERSION 1

/* The value at the end of a way of keys, which NULL ends. */
static const json_t *find(const json_t *json, ...)
{
	const char *key;
	va_list keys;

	va_start(keys, json);
	while ((key = va_arg(keys, const char *)))
		json = json_object_get(json, key);
	va_end(keys);
	return json;
}

/* NaN for null and for what is not there. */
static double number(const json_t *json)
{
	return json_is_number(json) ? json_number_value(json) : NAN;
}

/* A client leaves out (null) what has fewer than ten samples beyond it. */
static double percentile(const json_t *client, const char *which, const char *name)
{
	return number(find(client, "latency", which, "percentiles_ns", name, NULL));
}

/* What was observed from outside of the node, per request; NaN is passed on. */
static void take_observed(const json_t *observed, double requests, double *metric)
{
	const json_t *process = find(observed, "process", NULL);
	const json_t *hardware = find(observed, "hardware", NULL);
	const json_t *machine = find(observed, "machine", NULL);
	double seconds = number(find(process, "window_ns", NULL)) / SEC;

	metric[METRIC_RUN_DELAY] = number(find(process, "run_delay_ns", NULL)) / requests;
	metric[METRIC_RUNQ_P99] =
		number(find(observed, "run_queue", "percentiles_ns", "p99", NULL));
	metric[METRIC_SWITCHES] = number(find(process, "voluntary_switches", NULL)) / requests;
	metric[METRIC_PREEMPTIONS] = number(find(process, "involuntary_switches", NULL)) / requests;
	metric[METRIC_MIGRATIONS] = number(find(process, "migrations", NULL)) / seconds;
	metric[METRIC_FAULTS] = (number(find(process, "minor_faults", NULL)) +
				 number(find(process, "major_faults", NULL))) /
				requests;
	metric[METRIC_SOFTIRQ] = 100 * number(find(machine, "shares", "softirq", NULL));
	metric[METRIC_STEAL] = 100 * number(find(machine, "shares", "steal", NULL));
	metric[METRIC_PRESSURE] = 100 * number(find(machine, "pressure", "cpu", "some", NULL));
	metric[METRIC_OTHERS] = 100 * number(find(observed, "others_share", NULL));
	metric[METRIC_CYCLES] = number(find(hardware, "cycles", NULL)) / requests;
	metric[METRIC_INSTRUCTIONS] = number(find(hardware, "instructions", NULL)) / requests;
	metric[METRIC_CACHE_MISSES] = number(find(hardware, "cache_misses", NULL)) / requests;
	metric[METRIC_BRANCH_MISSES] = number(find(hardware, "branch_misses", NULL)) / requests;
}

static void take_metrics(const struct run_facts *f, double *metric)
{
	const json_t *node = f->node, *client = f->client;
	double requests = number(find(node, "stats", "requests", NULL));
	double syscalls = number(find(node, "stats", "syscalls", NULL));

	metric[METRIC_P50] = percentile(client, "response", "p50");
	metric[METRIC_P90] = percentile(client, "response", "p90");
	metric[METRIC_P99] = percentile(client, "response", "p99");
	metric[METRIC_P999] = percentile(client, "response", "p99.9");
	metric[METRIC_MEAN] = number(find(client, "latency", "response", "mean_ns", NULL));
	metric[METRIC_SERVICE_P50] = percentile(client, "service", "p50");
	metric[METRIC_SERVICE_P99] = percentile(client, "service", "p99");
	metric[METRIC_LATENESS_P99] = percentile(client, "lateness", "p99");
	metric[METRIC_RATE] = number(find(client, "rates_per_s", "done", NULL));
	if (requests > 0) {
		metric[METRIC_CPU] = (double)f->cpu_ns / requests;
		metric[METRIC_SYSCALLS] = syscalls / requests;
		take_observed(f->observed, requests, metric);
	}
}

static void fail(struct run_result *r, const char *sentence)
{
	r->failed = true;
	snprintf(r->reasons, sizeof(r->reasons), "%s", sentence);
}

static void take_verdict(const json_t *client, struct run_result *r)
{
	const char *verdict = json_string_value(find(client, "verdict", NULL));
	const json_t *reasons = find(client, "reasons", NULL), *reason;
	size_t len = 0, i;
	int validity = verdict ? RUN_VALID : RUN_INVALID + 1;

	while (validity <= RUN_INVALID && strcmp(validity_names[validity], verdict))
		validity++;
	if (validity > RUN_INVALID) {
		fail(r, "client: no verdict in what it wrote");
		return;
	}
	r->validity = (enum validity)validity;
	json_array_foreach(reasons, i, reason)
	{
		if (len < sizeof(r->reasons) && json_is_string(reason))
			len += (size_t)snprintf(r->reasons + len, sizeof(r->reasons) - len, "%s%s",
						len ? "\n" : "", json_string_value(reason));
	}
}

/* What the client cannot know of: it is not told from the node and the hog there. */
static void judge_foreign(const json_t *observed, struct run_result *r)
{
	size_t len = strlen(r->reasons);
	char reason[FOREIGN_TEXT];

	if (!*foreign_reason(find(observed, "foreign", NULL), reason, sizeof(reason)))
		return;
	if (r->validity == RUN_VALID)
		r->validity = RUN_SUSPECT;
	if (len < sizeof(r->reasons))
		snprintf(r->reasons + len, sizeof(r->reasons) - len, "%s%s", len ? "\n" : "",
			 reason);
}

void record_judge(const struct run_facts *f, struct run_result *r)
{
	for (int i = 0; i < METRICS; i++)
		r->metric[i] = NAN;
	if (!r->failed)
		take_verdict(f->client, r);
	if (!r->failed && !(number(find(f->client, "counts", "done", NULL)) > 0) && !*r->reasons)
		fail(r, "client: no request was answered");
	if (r->failed)
		return;
	judge_foreign(f->observed, r);
	take_metrics(f, r->metric);
}

static json_t *metrics_to_json(const struct run_result *r)
{
	json_t *metrics = json_object();

	for (int i = 0; i < METRICS; i++)
		json_object_set_new(metrics, metric_infos[i].name,
				    isnan(r->metric[i]) ? json_null() : json_real(r->metric[i]));
	return metrics;
}

/* "node.threads": {"value": "2", "from": "sweep"} */
static json_t *requested_to_json(const struct run_order *order)
{
	const struct plan *plan = order->plan;
	struct settings s = { 0 };
	json_t *out = json_object();
	char key[SETTING_KEY + 16];

	experiment_settings(plan->experiment, plan->configs[order->slot.config].levels, &s, NULL);
	for (unsigned i = 0; i < s.count; i++) {
		snprintf(key, sizeof(key), "%s.%s", role_names[s.items[i].role], s.items[i].key);
		json_object_set_new(
			out, key,
			json_pack("{s:s, s:s}", "value", s.items[i].text, "from",
				  knob_origin_names[s.items[i].swept ? KNOB_SWEEP : KNOB_FILE]));
	}
	settings_finish(&s);
	return out;
}

static json_t *levels_to_json(const struct run_order *order)
{
	const struct experiment *x = order->plan->experiment;
	const struct plan_config *c = &order->plan->configs[order->slot.config];
	json_t *levels = json_object();

	for (unsigned i = 0; i < x->factor_count; i++)
		json_object_set_new(levels, x->factors[i].key,
				    json_string(x->factors[i].levels[c->levels[i]].text));
	return levels;
}

static json_t *times_to_json(const struct run_order *order, const struct run_result *r)
{
	int64_t since_ns = r->started_epoch_ns - order->plan->created_epoch_ns;

	return json_pack("{s:I, s:f, s:f}", "started_epoch_ns", (json_int_t)r->started_epoch_ns,
			 "started_s", (double)since_ns / SEC, "took_s", (double)r->took_ns / SEC);
}

json_t *record_to_json(const struct run_order *order, const struct run_result *r,
		       const struct run_facts *f)
{
	return json_pack(
		"{s:i, s:s, s:i, s:i, s:i, s:i, s:i, s:b, s:s, s:o, s:o, s:b, s:b, s:s, "
		"s:s, s:o, s:I, s:o, s:I, s:O?, s:O?, s:O?, s:O}",
		"version", RECORD_VERSION, "ringwalk", RINGWALK_VERSION, "run", (int)order->id,
		"config", (int)order->slot.config, "block", (int)order->block, "position",
		(int)order->position, "attempt", (int)order->attempt, "aa", order->slot.is_aa,
		"label", order->plan->configs[order->slot.config].label, "levels",
		levels_to_json(order), "requested", requested_to_json(order), "failed", r->failed,
		"impossible", r->impossible, "verdict",
		r->failed ? "FAILED" : validity_names[r->validity], "reasons", r->reasons,
		"metrics", metrics_to_json(r), "node_cpu_ns", (json_int_t)f->cpu_ns, "times",
		times_to_json(order, r), "workload_seed",
		(json_int_t)order->plan->block_seeds[order->block], "node", f->node, "client",
		f->client, "observed", f->observed, "environment", order->plan->environment);
}
