/*
 * dataset.c - the list of metrics, and finding one's way in a dataset.
 *
 * A new metric is one member of enum metric and one line here; statistics and reports follow.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/dataset.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/knob.h"
#include "lab/taken.h"

/* Margins: measurement.md 2.4 (h). What varies more between equal runs has a wider one. */
const struct metric_info metric_infos[METRICS] = {
	[METRIC_P50] = { "p50", "p50 response", "ns", .margin = 0.02 },
	[METRIC_P90] = { "p90", "p90 response", "ns", .margin = 0.03 },
	[METRIC_P99] = { "p99", "p99 response", "ns", .margin = 0.05 },
	[METRIC_P999] = { "p999", "p99.9 response", "ns", .margin = 0.10 },
	[METRIC_MEAN] = { "mean", "mean response", "ns", .margin = 0.03 },
	[METRIC_SERVICE_P50] = { "service_p50", "p50 service", "ns", .margin = 0.02 },
	[METRIC_SERVICE_P99] = { "service_p99", "p99 service", "ns", .margin = 0.05 },
	[METRIC_LATENESS_P99] = { "lateness_p99", "p99 lateness", "ns", .margin = 0.10 },
	[METRIC_RATE] = { "rate", "throughput", "1/s", .higher_is_better = true, .margin = 0.02 },
	[METRIC_CPU] = { "cpu", "CPU per request", "ns", .margin = 0.03, .reason = "CPU" },
	[METRIC_SYSCALLS] = { "syscalls", "system calls per request", "", .margin = 0.02,
			      .reason = "system calls" },
	[METRIC_RUN_DELAY] = { "run-delay", "run delay per request", "ns", .nothing = 1e3,
			       .margin = 0.10, .reason = "run delay" },
	[METRIC_RUNQ_P99] = { "runq-p99", "p99 run-queue latency", "ns", .margin = 0.10,
			      .reason = "run-queue p99" },
	[METRIC_SWITCHES] = { "switches", "voluntary switches per request", "", .nothing = 0.01,
			      .margin = 0.05, .reason = "switches" },
	[METRIC_PREEMPTIONS] = { "preemptions", "preemptions per request", "", .nothing = 0.01,
				 .margin = 0.20, .reason = "preemptions" },
	[METRIC_MIGRATIONS] = { "migrations", "migrations", "1/s", .nothing = 1, .margin = 0.20,
				.reason = "migrations" },
	[METRIC_FAULTS] = { "faults", "page faults per request", "", .nothing = 0.01,
			    .margin = 0.10, .reason = "page faults" },
	[METRIC_CYCLES] = { "cycles", "cycles per request", "", .margin = 0.03,
			    .reason = "cycles" },
	[METRIC_INSTRUCTIONS] = { "instructions", "instructions per request", "", .margin = 0.02,
				  .reason = "instructions" },
	[METRIC_CACHE_MISSES] = { "cache-misses", "cache misses per request", "", .margin = 0.05,
				  .reason = "cache misses" },
	[METRIC_BRANCH_MISSES] = { "branch-misses", "branch misses per request", "", .margin = 0.05,
				   .reason = "branch misses" },
	[METRIC_SOFTIRQ] = { "softirq", "softirq time", "%", .nothing = 0.1, .margin = 0.10,
			     .reason = "softirq time" },
	[METRIC_STEAL] = { "steal", "stolen time", "%", .nothing = 0.1, .margin = 0.20,
			   .reason = "stolen time" },
	[METRIC_PRESSURE] = { "pressure", "CPU pressure", "%", .nothing = 1, .margin = 0.10,
			      .reason = "CPU pressure" },
	[METRIC_OTHERS] = { "others", "CPU used by others", "%", .nothing = 1, .margin = 0.20,
			    .reason = "CPU used by others" },
};

double metric_log(enum metric m, double value)
{
	double sum = value + metric_infos[m].nothing;

	return sum > 0 && isfinite(sum) ? log(sum) : NAN;
}

double metric_exp(enum metric m, double log)
{
	return exp(log) - metric_infos[m].nothing;
}

/* "p99.9" is p999, and it is not to be remembered which names have a hyphen. */
static bool is_name(const char *name, const char *word)
{
	for (; *word; word++) {
		if (*word == '.')
			continue;
		if (*word != *name && !(strchr("_-", *word) && *name && strchr("_-", *name)))
			return false;
		name++;
	}
	return !*name;
}

int metric_find(const char *name, struct err *err)
{
	const char *names[METRICS + 1] = { 0 }, *nearest;

	for (int m = 0; m < METRICS; m++) {
		names[m] = metric_infos[m].name;
		if (is_name(names[m], name))
			return m;
	}
	nearest = nearest_word(name, names);
	if (nearest)
		return err_set(err, -EINVAL, "no metric \"%s\"; did you mean \"%s\"?", name,
			       nearest);
	return err_set(err, -EINVAL,
		       "no metric \"%s\"; there are p50, p99, rate, cpu and others "
		       "(docs/METHOD.md)",
		       name);
}

const char *const run_status_names[] = { "valid", "suspect", "invalid", "failed" };

enum run_status run_status(const struct lab_run *run)
{
	if (run->failed)
		return RUN_IS_FAILED;
	return (enum run_status)run->validity;
}

void dataset_destroy(struct dataset *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < d->factor_count; i++)
		free(d->factors[i].levels);
	for (unsigned i = 0; i < d->config_count; i++) {
		free(d->configs[i].levels);
		hist_destroy(d->configs[i].response);
	}
	free(d->factors);
	free(d->configs);
	free(d->runs);
	free(d->excluded);
	if (d->taken)
		taken_finish(d->taken);
	free(d->taken);
	json_decref(d->environment);
	json_decref(d->settings);
	free(d);
}

static bool ends_in(const char *key, const char *end)
{
	size_t key_len = strlen(key), end_len = strlen(end);

	return key_len >= end_len && !strcmp(key + key_len - end_len, end);
}

static bool is_shared(const struct dataset *d, unsigned factor, const char *end)
{
	for (unsigned f = 0; f < d->factor_count; f++)
		if (f != factor && ends_in(d->factors[f].key, end))
			return true;
	return false;
}

const char *factor_title(const struct dataset *d, unsigned factor)
{
	const char *key = d->factors[factor].key, *end = key + strlen(key);

	while (end > key) {
		end--;
		if ((end == key || end[-1] == '.') && !is_shared(d, factor, end))
			return end;
	}
	return key;
}

unsigned factors_varied(const struct dataset *d)
{
	unsigned count = 0;

	for (unsigned f = 0; f < d->factor_count; f++)
		count += d->factors[f].level_count > 1;
	return count;
}

static const struct lab_run *find_run(const struct dataset *d, unsigned config, unsigned block,
				      bool is_aa)
{
	for (unsigned i = 0; i < d->run_count; i++) {
		const struct lab_run *run = &d->runs[i];

		if (run->usable && run->config == config && run->block == block &&
		    run->is_aa == is_aa)
			return run;
	}
	return NULL;
}

const struct lab_run *dataset_run(const struct dataset *d, unsigned config, unsigned block)
{
	return find_run(d, config, block, false);
}

const struct lab_run *dataset_aa_run(const struct dataset *d, unsigned block)
{
	return find_run(d, d->baseline, block, true);
}
