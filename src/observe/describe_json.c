/*
 * describe_json.c - what was observed, as JSON: see describe.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "base/cpus.h"
#include "observe/describe.h"

static json_t *count_json(int64_t count)
{
	return count < 0 ? json_null() : json_integer((json_int_t)count);
}

static void add_counters(json_t *object, const struct task *t)
{
	for (int i = 0; i < TASK_COUNTERS; i++)
		json_object_set_new(object, task_counter_names[i], count_json(t->count[i]));
}

json_t *describe_process(const struct process_change *c)
{
	char cpus[4096];
	json_t *object;

	cpus_write(&c->cpus, cpus, sizeof(cpus));
	object = json_pack("{s:I, s:s, s:i, s:i}", "window_ns", (json_int_t)c->window_ns, "cpus",
			   cpus, "threads", (int)c->count, "threads_ended", (int)c->ended);

	add_counters(object, &c->total);
	return object;
}

/* A thread's name is what somebody chose: any bytes. */
static json_t *name_json(const char *name)
{
	char safe[TASK_NAME];

	snprintf(safe, sizeof(safe), "%s", name);
	for (char *at = safe; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	return json_string(safe);
}

json_t *describe_threads(const struct process_change *c)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < c->count; i++) {
		const struct task *t = &c->tasks[i];
		json_t *object = json_pack("{s:o, s:i, s:o}", "name", name_json(t->name), "tid",
					   (int)t->tid, "last_cpu", count_json(t->cpu));

		add_counters(object, t);
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *shares_json(const struct cpu_time *t)
{
	return json_pack("{s:f, s:f, s:f, s:f, s:f}", "busy", cpu_time_share(t, t->busy), "softirq",
			 cpu_time_share(t, t->softirq), "irq", cpu_time_share(t, t->irq), "steal",
			 cpu_time_share(t, t->steal), "idle", cpu_time_share(t, t->idle));
}

static json_t *cpus_json(const struct host *m)
{
	json_t *list = json_array();

	for (unsigned c = 0; c < m->cpus; c++) {
		json_t *object;

		if (!m->cpu[c].is_there)
			continue;
		object = shares_json(&m->cpu[c]);
		json_object_set_new(object, "cpu", json_integer((json_int_t)c));
		json_array_append_new(list, object);
	}
	return list;
}

/* {"NET_RX": {"all": 10, "by_cpu": [4, 6]}} */
static json_t *softirqs_json(const struct host *m)
{
	json_t *object = json_object();

	for (unsigned kind = 0; kind < m->softirqs; kind++) {
		json_t *by_cpu = json_array();

		for (unsigned c = 0; c < m->cpus; c++)
			json_array_append_new(
				by_cpu, json_integer((json_int_t)m->softirq[kind * m->cpus + c]));
		json_object_set_new(object, m->softirq_name[kind],
				    json_pack("{s:I, s:o}", "all",
					      (json_int_t)host_softirq(m, kind), "by_cpu", by_cpu));
	}
	return object;
}

static json_t *pressure_share(const struct host *m, int64_t us)
{
	return us < 0 || m->at_ns <= 0 ? json_null() : json_real(us * 1e3 / (double)m->at_ns);
}

static json_t *pressure_json(const struct host *m)
{
	json_t *object = json_object();

	for (int i = 0; i < PRESSURES; i++)
		json_object_set_new(object, pressure_names[i],
				    json_pack("{s:o, s:o}", "some",
					      pressure_share(m, m->some_us[i]), "full",
					      pressure_share(m, m->full_us[i])));
	return object;
}

static json_t *softnet_json(const struct host *m)
{
	json_t *object = json_object();

	for (int i = 0; i < SOFTNETS; i++)
		json_object_set_new(object, softnet_names[i], count_json(m->softnet[i]));
	return object;
}

json_t *describe_machine(const struct host *m)
{
	struct cpu_time all = host_cpu_time(m, NULL);

	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "window_ns",
			 (json_int_t)m->at_ns, "shares", shares_json(&all), "cpus", cpus_json(m),
			 "interrupts", count_json(m->interrupts), "switches",
			 count_json(m->switches), "forks", count_json(m->forks), "softirqs",
			 softirqs_json(m), "softnet", softnet_json(m), "pressure",
			 pressure_json(m));
}
