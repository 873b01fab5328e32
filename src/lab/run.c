/*
 * run.c - one run from top to bottom.
 *
 *	settings of the whole machine are applied, if there are any (run_system.h)
 *	ringwalk node --json=... --bind-addr=127.0.0.1:0 --KEY=VALUE... says "listening on ADDRESS"
 *	ringwalk hog --json=... if there is to be one, beside them, says "busy ..."
 *	node and machine are looked at from outside (observation.h), now and when the client ends
 *	ringwalk client --to=ADDRESS --json=... --hlog=... --KEY=VALUE... loads it and ends
 *	SIGTERM to hog and node, which write their counters and end
 *	the whole machine is as it was before
 *	run.json is made of what both wrote; the folder gets its name when all of it is on disk
 *
 * Both programs are new in every run, so that no run inherits anything from the one before. The
 * files of a run in the making lie in runs/00042.tmp; whoever finds such a folder later knows that
 * the run was torn. Read child.c next for how processes are watched, record.c for what is kept.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/run.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/cpus.h"
#include "lab/files.h"
#include "lab/foreign.h"
#include "lab/observation.h"
#include "lab/run_system.h"

/* How long a node may take to listen, and to end when it is told to; at most a run's limit. */
#define NODE_PATIENCE_NS (10 * SEC)

enum { ADDRESS_SIZE = 256, EXIT_IMPOSSIBLE = 3 };

struct run {
	const struct run_order *order;
	const struct watch *watch;
	struct settings settings;
	const struct plan_config *config;
	char folder[PATH_MAX]; /* runs/00042.tmp */
	char address[ADDRESS_SIZE];
	struct child hog, node, client;
	int64_t cpu_ns;
	struct observation observation;
	struct foreign_watch foreign;
	struct run_system system;
	struct run_result result;
};

/* A command line. `broken`: memory ran out while it was made. */
enum { OWN_ARGUMENTS = 16 };
struct arguments {
	bool broken;
	unsigned count;
	char **items; /* ends with NULL */
};

static void auto_arguments(struct arguments *a)
{
	for (unsigned i = 0; i < a->count; i++)
		free(a->items[i]);
	free(a->items);
}

static void add_argument(struct arguments *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void add_argument(struct arguments *a, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (!a->items || vasprintf(&a->items[a->count], fmt, args) < 0)
		a->broken = true;
	else
		a->count++;
	va_end(args);
}

/* The program, the command, --json, and the settings of the role. */
static void begin_arguments(struct run *run, enum role role, struct arguments *a)
{
	const char *name = role_names[role];

	a->items = calloc(run->settings.count + OWN_ARGUMENTS, sizeof(*a->items));
	add_argument(a, "%s", run->order->program);
	add_argument(a, "%s", name);
	add_argument(a, "--json=%s/%s.json", run->folder, name);
	for (unsigned i = 0; i < run->settings.count; i++) {
		const struct setting *s = &run->settings.items[i];

		if (s->role == role)
			add_argument(a, "--%s=%s", s->key, s->text);
	}
}

static int start(struct run *run, struct child *c, const char *name, bool is_read,
		 const struct arguments *a, struct err *err)
{
	char log[PATH_MAX + 32];
	struct child_spec spec = {
		.name = name,
		.argv = a->items,
		.log = log,
		.is_read = is_read,
		.realtime_limit_ns = run->config->limit_ns,
		.netns = run_system_netns(&run->system),
	};

	if (a->broken)
		return err_sys(err, -ENOMEM, "start the %s", name);
	snprintf(log, sizeof(log), "%s/%s.log", run->folder, name);
	return child_start(c, &spec, err);
}

/* Nobody is beside them unless something is set for it. */
static bool has_hog(const struct run *run)
{
	const struct setting *threads = settings_find(&run->settings, ROLE_HOG, "threads");

	return settings_has(&run->settings, ROLE_HOG) && !(threads && !strcmp(threads->text, "0"));
}

/* It ends when the run is over at the latest. */
static int start_hog(struct run *run, struct err *err)
{
	AUTO(auto_arguments) struct arguments a = { 0 };

	begin_arguments(run, ROLE_HOG, &a);
	if (!settings_find(&run->settings, ROLE_HOG, "duration"))
		add_argument(&a, "--duration=%lldns",
			     (long long)(run->config->limit_ns + 2 * NODE_PATIENCE_NS));
	return start(run, &run->hog, "hog", true, &a, err);
}

static int start_node(struct run *run, struct err *err)
{
	AUTO(auto_arguments) struct arguments a = { 0 };

	begin_arguments(run, ROLE_NODE, &a);
	if (!settings_find(&run->settings, ROLE_NODE, "bind-addr"))
		add_argument(&a, "--bind-addr=127.0.0.1:0");
	return start(run, &run->node, "node", true, &a, err);
}

static int start_client(struct run *run, struct err *err)
{
	AUTO(auto_arguments) struct arguments a = { 0 };

	begin_arguments(run, ROLE_CLIENT, &a);
	add_argument(&a, "--to=%s", run->address);
	add_argument(&a, "--hlog=%s/histograms.hlog", run->folder);
	add_argument(&a, "--seed=%lld",
		     (long long)run->order->plan->block_seeds[run->order->block]);
	return start(run, &run->client, "client", false, &a, err);
}

/* A failed run is a result too: the sentence becomes its reason. Returns 0. */
static int fail(struct run *run, const char *fmt, ...) PRINTF_LIKE(2, 3);

static int fail(struct run *run, const char *fmt, ...)
{
	va_list args;

	if (run->result.failed)
		return 0;
	run->result.failed = true;
	va_start(args, fmt);
	vsnprintf(run->result.reasons, sizeof(run->result.reasons), fmt, args);
	va_end(args);
	return 0;
}

/* What it said first, without "ringwalk node: "; else how it ended. */
static int fail_as_said(struct run *run, const struct child *c)
{
	char path[PATH_MAX + 32], line[400], prefix[32], ending[64];
	const char *sentence = line;

	snprintf(path, sizeof(path), "%s/%s.log", run->folder, c->name);
	snprintf(prefix, sizeof(prefix), "ringwalk %s: ", c->name);
	file_first_line(path, line, sizeof(line));
	if (!strncmp(line, prefix, strlen(prefix)))
		sentence += strlen(prefix);
	run->result.impossible = child_exit_status(c) == EXIT_IMPOSSIBLE;
	return fail(run, "%s: %s%s%s", c->name, child_ending(c, ending, sizeof(ending)),
		    *sentence ? ": " : "", sentence);
}

static int64_t node_patience_ns(const struct run *run)
{
	return run->config->limit_ns < NODE_PATIENCE_NS ? run->config->limit_ns : NODE_PATIENCE_NS;
}

/* The rest of the first line that begins with `words` goes to buf. */
static int await_words(struct run *run, struct child *c, const char *words, char *buf, size_t size)
{
	int64_t deadline_ns = clock_now_ns() + node_patience_ns(run);

	switch (child_read_line(c, words, buf, size, deadline_ns, run->watch)) {
	case CHILD_SAID:
		return 0;
	case CHILD_STOPPED:
		return -EINTR;
	case CHILD_LATE:
		return fail(run, "%s: did not say \"%.*s\" within %.3g s", c->name,
			    (int)strlen(words) - 1, words, (double)node_patience_ns(run) / SEC);
	default:
		/* It has closed its output, so it is about to end, if it is not stuck. */
		if (child_wait(c, NULL, deadline_ns, run->watch) != CHILD_ENDED)
			return fail(run, "%s: closed its output and does not end", c->name);
		return fail_as_said(run, c);
	}
}

static int await_client(struct run *run)
{
	int64_t limit_ns = run->config->limit_ns;
	char ending[64];

	switch (child_wait(&run->client, &run->node, clock_now_ns() + limit_ns, run->watch)) {
	case CHILD_ENDED:
		return 0;
	case CHILD_STOPPED:
		return -EINTR;
	case CHILD_LATE:
		return fail(run, "client: still running after %.3g s, ended",
			    (double)limit_ns / SEC);
	default:
		return fail(run, "node: ended during the run with %s",
			    child_ending(&run->node, ending, sizeof(ending)));
	}
}

/* Loads the node, and keeps what it used of the CPU and what else was to be seen meanwhile. */
static int load(struct run *run, struct err *err)
{
	const struct foreign_own own = { run->node.pid, run->order->program };
	int64_t before_ns;
	int rc;

	foreign_watch_begin(&run->foreign);
	observation_begin(&run->observation, run->node.pid, &run->order->plan->experiment->observe);
	before_ns = child_cpu_ns(&run->node);
	rc = start_client(run, err);
	if (rc == 0)
		rc = await_client(run);
	run->cpu_ns = child_cpu_ns(&run->node) - before_ns;
	if (rc == 0)
		observation_end(&run->observation);
	if (rc == 0)
		foreign_watch_end(&run->foreign, &own);
	return rc;
}

static int stop(struct run *run, struct child *c)
{
	child_signal(c, SIGTERM);
	switch (child_wait(c, NULL, clock_now_ns() + node_patience_ns(run), run->watch)) {
	case CHILD_ENDED:
		return child_succeeded(c) ? 0 : fail_as_said(run, c);
	case CHILD_STOPPED:
		return -EINTR;
	default:
		return fail(run, "%s: still running %.3g s after SIGTERM, killed", c->name,
			    (double)node_patience_ns(run) / SEC);
	}
}

/* The node first, so that it starts as it would alone; then who is beside it. */
static int set_up(struct run *run, struct err *err)
{
	int rc = start_node(run, err);
	char rest[16];

	if (rc == 0)
		rc = await_words(run, &run->node, "listening on ", run->address,
				 sizeof(run->address));
	if (rc < 0 || run->result.failed || !has_hog(run))
		return rc;
	rc = start_hog(run, err);
	return rc < 0 ? rc : await_words(run, &run->hog, "busy ", rest, sizeof(rest));
}

/* 0 also when the run failed; -EINTR: stopped. */
static int measure(struct run *run, struct err *err)
{
	int rc = set_up(run, err);

	if (rc < 0 || run->result.failed)
		return rc;
	rc = load(run, err);
	if (rc < 0 || run->result.failed)
		return rc;
	/* Status 1: it ran, and a request failed or the run is not valid. The numbers are there. */
	if (child_exit_status(&run->client) != 0 && child_exit_status(&run->client) != 1)
		fail_as_said(run, &run->client);
	rc = has_hog(run) ? stop(run, &run->hog) : 0;
	return rc < 0 ? rc : stop(run, &run->node);
}

static json_t *read_output(struct run *run, const char *name)
{
	char path[PATH_MAX + 32];
	struct err why = { 0 };
	json_t *json = NULL;

	snprintf(path, sizeof(path), "%s/%s.json", run->folder, name);
	if (!run->result.failed && file_read_json(path, &json, &why) < 0)
		fail(run, "%s: %s", name, why.text);
	return json;
}

/* What somebody who is no part of the run used of its CPUs. */
static json_t *foreign_of(const struct run *run, const cpu_set_t *client_cpus)
{
	const struct foreign_facts facts = {
		.machine = &run->observation.machine,
		.node_cpus = process_working_cpus(&run->observation.process),
		.client_cpus = *client_cpus,
		.node_ns = run->cpu_ns,
		.client_ns = child_cpu_ns(&run->client),
		.count = run->foreign.count,
		.processes = run->foreign.processes,
	};
	struct foreign found;

	if (!run->foreign.is_complete || !run->observation.is_complete)
		return json_null();
	foreign_find(&facts, &found);
	return foreign_json(&found);
}

/* Who else was on the node's CPUs can be told only with what the client says about its own. */
static json_t *observed_json(struct run *run, const json_t *client)
{
	const json_t *own = json_object_get(json_object_get(client, "observed"), "process");
	const char *text = json_string_value(json_object_get(own, "cpus"));
	json_t *json = observation_json(&run->observation);
	cpu_set_t cpus;
	double others = -1;

	CPU_ZERO(&cpus);
	if (text)
		cpus_read(text, &cpus);
	if (CPU_COUNT(&cpus))
		others = observation_others(&run->observation, &cpus, child_cpu_ns(&run->client));
	if (json) {
		json_object_set_new(json, "others_share",
				    others < 0 ? json_null() : json_real(others));
		json_object_set_new(json, "foreign", foreign_of(run, &cpus));
	}
	return json;
}

static int write_record(struct run *run, struct err *err)
{
	json_t *node = read_output(run, "node"), *client = read_output(run, "client");
	json_t *hog = has_hog(run) ? read_output(run, "hog") : NULL;
	json_t *observed = observed_json(run, client), *record;
	json_t *system = run_system_json(&run->system);
	const struct run_facts facts = { node, client, observed, run->cpu_ns };
	char path[PATH_MAX + 32];
	int rc;

	record_judge(&facts, &run->result);
	record = record_to_json(run->order, &run->result, &facts);
	if (record && hog)
		json_object_set(record, "hog", hog);
	if (record && system)
		json_object_set(record, "system", system);
	snprintf(path, sizeof(path), "%s/run.json", run->folder);
	rc = record ? file_write_json(path, record, err) : err_sys(err, -ENOMEM, "%s", path);
	json_decref(record);
	json_decref(observed);
	json_decref(system);
	json_decref(hog);
	json_decref(client);
	json_decref(node);
	return rc;
}

/* From here on the run exists. */
static int publish(struct run *run, struct err *err)
{
	char path[PATH_MAX], runs[PATH_MAX];
	int rc = folder_sync(run->folder, err);

	if (rc < 0)
		return rc;
	run_folder(run->order->folder, run->order->id, path, sizeof(path));
	if (rename(run->folder, path) < 0)
		return err_sys(err, -errno, "rename %s", run->folder);
	snprintf(runs, sizeof(runs), "%s/runs", run->order->folder);
	return folder_sync(runs, err);
}

static int open_folder(struct run *run, struct err *err)
{
	char path[PATH_MAX - 8];
	int rc;

	run_folder(run->order->folder, run->order->id, path, sizeof(path));
	snprintf(run->folder, sizeof(run->folder), "%s.tmp", path);
	rc = folder_remove(run->folder, err);
	return rc < 0 ? rc : folder_create(run->folder, err);
}

/* Settings of the whole machine that are not taken fail the run before anything is started. */
static void set_system(struct run *run)
{
	struct err err = { 0 };

	if (run_system_begin(&run->system, &run->settings, &err) == 0)
		return;
	run->result.impossible = err.code != -EBUSY;
	fail(run, "system: %.480s", err.text);
}

/* What somebody else has changed meanwhile was not what the run says it was. */
static void take_system_back(struct run *run)
{
	struct err err = { 0 };

	if (run_system_end(&run->system, &err) < 0)
		fail(run, "system: %.480s", err.text);
}

static int execute(struct run *run, struct err *err)
{
	int rc = open_folder(run, err);
	int64_t start_ns = clock_now_ns();

	if (rc < 0)
		return rc;
	run->result.started_epoch_ns = clock_read_ns(CLOCK_REALTIME);
	set_system(run);
	rc = run->result.failed ? 0 : measure(run, err);
	child_finish(&run->client);
	child_finish(&run->node);
	child_finish(&run->hog);
	take_system_back(run);
	run->result.took_ns = clock_now_ns() - start_ns;
	if (rc == 0)
		rc = write_record(run, err);
	if (rc == 0)
		rc = publish(run, err);
	if (rc < 0)
		folder_remove(run->folder, NULL);
	return rc == -EINTR ? err_set(err, -EINTR, "interrupted") : rc;
}

int run_once(const struct run_order *order, const struct watch *watch, struct run_result *ret,
	     struct err *err)
{
	const struct plan *plan = order->plan;
	struct run run = { .order = order, .watch = watch };
	int rc;

	run.config = &plan->configs[order->slot.config];
	rc = experiment_settings(plan->experiment, run.config->levels, &run.settings, err);
	if (rc < 0)
		return rc;
	rc = execute(&run, err);
	observation_finish(&run.observation);
	foreign_watch_finish(&run.foreign);
	run_system_finish(&run.system);
	settings_finish(&run.settings);
	if (rc == 0)
		*ret = run.result;
	return rc;
}

const char *run_folder(const char *folder, unsigned id, char *buf, size_t size)
{
	snprintf(buf, size, "%s/runs/%05u", folder, id);
	return buf;
}
