/*
 * observation.c - see observation.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/observation.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static unsigned list_threads(const struct process_sample *s, pid_t tids[PERF_THREADS])
{
	unsigned count = s->count < PERF_THREADS ? s->count : PERF_THREADS;

	for (unsigned i = 0; i < count; i++)
		tids[i] = s->tasks[i].tid;
	return s->count;
}

/* Migrations by perf only where /proc does not tell them. */
static void start_events(struct observation *o, bool hardware)
{
	pid_t tids[PERF_THREADS];
	unsigned count = list_threads(&o->begin, tids);

	for (int e = 0; e < PERF_EVENTS; e++)
		if (hardware && perf_event_is_hardware((enum perf_event)e))
			perf_session_start(&o->perf, (enum perf_event)e, tids, count);
	if (o->begin.tasks[0].count[TASK_MIGRATIONS] < 0)
		perf_session_start(&o->perf, PERF_MIGRATIONS, tids, count);
}

static void start_runq(struct observation *o, bool wanted)
{
	struct err err = { 0 };

	if (wanted && runq_start(o->pid, &o->runq, &err) < 0)
		snprintf(o->runq_why, sizeof(o->runq_why), "%.*s", (int)sizeof(o->runq_why) - 1,
			 err.text);
}

void observation_begin(struct observation *o, pid_t pid, const struct observe_opts *opts)
{
	*o = (struct observation){ .pid = pid };
	if (process_sample_take(pid, &o->begin) < 0)
		return;
	start_events(o, opts->hardware);
	start_runq(o, opts->runq_latency);
	if (host_sample_take(&o->machine_begin) < 0)
		process_sample_finish(&o->begin);
}

static void read_events(struct observation *o)
{
	for (int e = 0; e < PERF_EVENTS; e++)
		o->events[e] = perf_session_read(&o->perf, (enum perf_event)e);
	if (o->process.total.count[TASK_MIGRATIONS] < 0)
		o->process.total.count[TASK_MIGRATIONS] = o->events[PERF_MIGRATIONS];
}

/* Percentiles of the waits, as a client's of its latencies; null with fewer than 10 beyond. */
static json_t *latency_json(const struct hist *h)
{
	static const struct {
		const char *name;
		double share;
	} rows[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p99.9", 0.999 } };
	json_t *percentiles = json_object();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		double beyond = (double)hist_count(h) * (1 - rows[i].share);

		json_object_set_new(percentiles, rows[i].name,
				    beyond < 10 ? json_null()
						: json_integer(hist_quantile(h, rows[i].share)));
	}
	return json_pack("{s:I, s:f, s:I, s:o}", "waits", (json_int_t)hist_count(h), "mean_ns",
			 hist_mean(h), "max_ns", (json_int_t)hist_max(h), "percentiles_ns",
			 percentiles);
}

static void read_runq(struct observation *o)
{
	struct hist *h = o->runq ? hist_create() : NULL;

	if (!h)
		return;
	runq_read(o->runq, h);
	json_decref(o->latency);
	o->latency = latency_json(h);
	hist_destroy(h);
}

/* Both must have been there at the end, too. */
static bool take_changes(struct observation *o)
{
	struct process_sample process = { 0 };
	struct host machine = { 0 };
	bool done = o->begin.count && process_sample_take(o->pid, &process) == 0 &&
		    host_sample_take(&machine) == 0 &&
		    process_between(&o->begin, &process, &o->process) == 0 &&
		    host_between(&o->machine_begin, &machine, &o->machine) == 0;

	process_sample_finish(&process);
	host_finish(&machine);
	return done;
}

void observation_end(struct observation *o)
{
	process_change_finish(&o->process);
	host_finish(&o->machine);
	o->is_complete = take_changes(o);
	if (!o->is_complete)
		return;
	read_events(o);
	read_runq(o);
}

void observation_finish(struct observation *o)
{
	perf_session_finish(&o->perf);
	runq_stop(o->runq);
	process_sample_finish(&o->begin);
	process_change_finish(&o->process);
	host_finish(&o->machine_begin);
	host_finish(&o->machine);
	json_decref(o->latency);
	*o = (struct observation){ 0 };
}

double observation_others(const struct observation *o, const cpu_set_t *client_cpus,
			  int64_t client_cpu_ns)
{
	cpu_set_t cpus = process_working_cpus(&o->process), shared;
	int64_t own_ns = o->process.total.count[TASK_CPU_NS];
	struct cpu_time t;
	double used_ns, all_ns;

	if (!o->is_complete || !client_cpus || own_ns < 0 || o->process.ended)
		return -1;
	CPU_AND(&shared, &cpus, client_cpus);
	if (CPU_COUNT(&shared)) {
		CPU_OR(&cpus, &cpus, client_cpus);
		own_ns += client_cpu_ns;
	}
	t = host_cpu_time(&o->machine, &cpus);
	used_ns = (double)t.busy * 1e9 / (double)sysconf(_SC_CLK_TCK) - (double)own_ns;
	all_ns = (double)o->machine.at_ns * CPU_COUNT(&cpus);
	return used_ns > 0 && all_ns > 0 ? used_ns / all_ns : 0;
}

static void explain(json_t *not_known, const char *what, const char *why)
{
	json_object_set_new(not_known, what, json_string(why));
}

static json_t *events_json(const struct observation *o, json_t *not_known)
{
	json_t *object = json_object();

	for (int e = 0; e < PERF_EVENTS; e++) {
		const struct perf_counts *c = &o->perf.event[e];

		if (!perf_event_is_hardware((enum perf_event)e) || !c->wanted)
			continue;
		json_object_set_new(object, perf_event_names[e],
				    o->events[e] < 0 ? json_null()
						     : json_integer((json_int_t)o->events[e]));
		if (*c->why)
			explain(not_known, perf_event_names[e], c->why);
		if (c->user_only)
			explain(not_known, perf_event_names[e],
				"counted outside the kernel only: the rest needs CAP_PERFMON");
	}
	return object;
}

/* Why a counter of /proc is null. */
static void explain_counters(const struct observation *o, json_t *not_known)
{
	const int64_t *count = o->process.total.count;
	const char *perf_why = o->perf.event[PERF_MIGRATIONS].why;

	if (count[TASK_RUN_DELAY_NS] < 0)
		explain(not_known, "run_delay_ns",
			"this kernel has no /proc/PID/task/TID/schedstat (CONFIG_SCHED_INFO)");
	if (count[TASK_MIGRATIONS] < 0)
		explain(not_known, "migrations",
			*perf_why ? perf_why : "/proc/PID/task/TID/sched does not say");
	if (o->machine.some_us[PRESSURE_CPU] < 0)
		explain(not_known, "pressure",
			"this kernel has no /proc/pressure (CONFIG_PSI, psi=1)");
	if (o->process.ended)
		explain(not_known, "threads_ended",
			"threads that ended took their counters along; totals lack them");
	if (*o->runq_why)
		explain(not_known, "run_queue", o->runq_why);
}

json_t *observation_json(const struct observation *o)
{
	json_t *not_known, *events;

	if (!o->is_complete)
		return NULL;
	not_known = json_object();
	events = events_json(o, not_known);
	explain_counters(o, not_known);
	return json_pack("{s:o, s:o, s:o, s:o, s:O?, s:o}", "process",
			 describe_process(&o->process), "threads", describe_threads(&o->process),
			 "machine", describe_machine(&o->machine), "hardware", events, "run_queue",
			 o->latency, "not_known", not_known);
}
