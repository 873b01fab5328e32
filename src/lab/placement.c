/*
 * placement.c - see placement.h. What becomes of the reports: placement_report.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/placement.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "system/journal.h"

enum { REPORTS_AT_FIRST = 64 };

int placement_init(struct placement *p, enum role role, const struct role_knobs *rk,
		   struct err *err)
{
	p->role = role;
	p->knobs = rk;
	p->tunables = role_knobs_parts(rk)->tunables;
	p->reports = calloc(REPORTS_AT_FIRST, sizeof(*p->reports));
	if (!p->reports)
		return err_sys(err, -ENOMEM, "reports of the tunables");
	p->report_room = REPORTS_AT_FIRST;
	pthread_mutex_init(&p->lock, NULL);
	pthread_mutex_init(&p->shared_lock, NULL);
	for (unsigned i = 0; p->tunables[i]; i++) {
		assert(i < PLACEMENT_TUNABLES);
		p->general[i] = role_knobs_opts(rk, &p->tunables[i]->group);
		for (int thread = 0; thread < THREAD_ROLES; thread++)
			p->own[i][thread] =
				role_knobs_own(rk, p->tunables[i], (enum thread_role)thread);
	}
	return 0;
}

/* Each line of what the journal left alone is one thing to be said. */
static void say_lines(struct placement *p, char *text)
{
	for (char *line; (line = strsep(&text, "\n"));)
		if (*line && p->say)
			p->say(p->say_context, line);
}

static void restore(struct placement *p)
{
	AUTO(auto_free) char *text = NULL;
	struct err err = { 0 };
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int left = journal_restore(p->journal, out, &err);

	if (out)
		fclose(out);
	if (text)
		say_lines(p, text);
	if (left < 0 && p->say)
		p->say(p->say_context, err.text);
	journal_close(p->journal);
	p->journal = NULL;
}

void placement_finish(struct placement *p)
{
	placement_kernel_finish(p); /* its thread may be applying something through the journal */
	if (p->journal)
		restore(p);
	if (!p->reports)
		return;
	pthread_mutex_destroy(&p->lock);
	pthread_mutex_destroy(&p->shared_lock);
	free(p->reports);
	p->reports = NULL;
}

static bool is_of_kernel(enum thread_role role)
{
	return role == THREAD_SQPOLL || role == THREAD_IOWQ;
}

const void *placement_opts(const struct placement *p, unsigned i, enum thread_role role)
{
	const void *own = p->own[i][role];

	if (own && !p->tunables[i]->is_default(own))
		return own;
	return is_of_kernel(role) ? NULL : p->general[i];
}

static void say_degraded(struct placement *p, const char *subject,
			 const struct verdict_report *report)
{
	char sentence[400];

	placement_told(p, subject, report);
	snprintf(sentence, sizeof(sentence), "%s: %s %s, and goes on all the same: %s", subject,
		 report->name, verdict_names[report->verdict], report->why);
	p->say(p->say_context, sentence);
}

/* Most sentences do not name their tunable; those that name a knob do. */
static int refuse(const char *subject, const struct verdict_report *report, struct err *err)
{
	if (!strncmp(err->text, report->name, strlen(report->name)))
		return err_wrap(err, "%s", subject);
	return err_wrap(err, "%s: %s", subject, report->name);
}

int placement_conclude(struct placement *p, const char *subject,
		       const struct verdict_report *report, int rc, struct err *err)
{
	bool is_news = placement_report(p, subject, report);

	if (rc < 0 && !p->allow_degraded)
		return refuse(subject, report, err);
	if (rc < 0 && is_news && p->say)
		say_degraded(p, subject, report);
	return 0;
}

static void name_report(const struct placement *p, unsigned i, const void *opts,
			const struct target *t, char *buf, size_t size)
{
	const char *name = p->tunables[i]->group.name;

	if (opts == p->general[i])
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "%s.%s", thread_role_names[t->role], name);
}

int placement_apply(struct placement *p, unsigned i, const void *opts, const struct target *t,
		    const char *subject, struct err *err)
{
	const struct tunable *tn = p->tunables[i];
	struct verdict_report report;
	int rc;

	if (!opts || tn->is_default(opts))
		return 0;
	rc = tunable_apply(tn, t, opts, &report, err);
	/* Threads of the kernel come and go as they like. */
	if (rc == -ESRCH && is_of_kernel(t->role))
		return 0;
	name_report(p, i, opts, t, report.name, sizeof(report.name));
	/* All that was asked for is due at another moment of this socket's life. */
	if (tn->scope == SCOPE_SOCKET && !rc && !*report.requested)
		return 0;
	return placement_conclude(p, subject, &report, rc, err);
}

static bool asks_for_journal(const struct tunable *tn, const void *opts)
{
	return opts && tn->needs_journal && !tn->is_default(opts) && tn->needs_journal(opts);
}

static bool needs_journal(const struct placement *p)
{
	for (unsigned i = 0; p->tunables[i]; i++) {
		if (asks_for_journal(p->tunables[i], p->general[i]))
			return true;
		for (int thread = 0; thread < THREAD_ROLES; thread++)
			if (asks_for_journal(p->tunables[i], p->own[i][thread]))
				return true;
	}
	return false;
}

/* That it could not be had is a matter of those that need it: each is denied. */
static void open_journal(struct placement *p)
{
	char what[32];

	snprintf(what, sizeof(what), "ringwalk %s", role_names[p->role]);
	if (needs_journal(p))
		journal_open(&p->journal, what, &p->no_journal);
}

static const char *no_journal(const struct placement *p)
{
	return p->no_journal.code ? p->no_journal.text : NULL;
}

int placement_begin(struct placement *p, struct err *err)
{
	struct target self = { .fd = -1 };
	int rc = 0;

	open_journal(p);
	self.journal = p->journal;
	self.no_journal = no_journal(p);
	for (unsigned i = 0; p->tunables[i] && !rc; i++)
		if (p->tunables[i]->scope == SCOPE_PROCESS)
			rc = placement_apply(p, i, p->general[i], &self, "process", err);
	return rc ? rc : placement_kernel_begin(p, err);
}

static int apply_to_thread(struct placement *p, enum moment moment, const struct target *t,
			   const char *subject, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; p->tunables[i] && !rc; i++)
		if (p->tunables[i]->scope == SCOPE_THREAD && p->tunables[i]->moment == moment)
			rc = placement_apply(p, i, placement_opts(p, i, t->role), t, subject, err);
	return rc;
}

static int settle_one(struct placement *p, unsigned i, const struct target *t,
		      const struct thread_parts *parts, bool at_end, const char *subject,
		      struct err *err)
{
	const struct tunable *tn = p->tunables[i];
	const void *opts = placement_opts(p, i, t->role);
	struct verdict_report report;
	int rc;

	if (!tn->settle || !opts || tn->is_default(opts))
		return 0;
	rc = tunable_settle(tn, t, opts, parts->ranges, parts->range_count, at_end, &report, err);
	if (rc == SETTLE_SAME)
		return 0;
	name_report(p, i, opts, t, report.name, sizeof(report.name));
	return placement_conclude(p, subject, &report, rc, err);
}

static int settle(struct placement *p, const struct target *t, const struct thread_parts *parts,
		  bool at_end, const char *subject, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; p->tunables[i] && !rc; i++)
		rc = settle_one(p, i, t, parts, at_end, subject, err);
	return rc;
}

static const char *name_thread(const struct target *t, char *buf, size_t size)
{
	snprintf(buf, size, "%s %u", thread_role_names[t->role], t->index);
	return buf;
}

static struct target thread_target(const struct placement *p, enum thread_role role, unsigned index)
{
	return (struct target){ .fd = -1,
				.index = index,
				.role = role,
				.journal = p->journal,
				.no_journal = no_journal(p) };
}

static int thread_started(void *context, enum thread_role role, unsigned index, struct err *err)
{
	const struct target self = thread_target(context, role, index);
	char subject[32];

	return apply_to_thread(context, MOMENT_STARTED, &self,
			       name_thread(&self, subject, sizeof(subject)), err);
}

static int thread_ready(void *context, enum thread_role role, unsigned index,
			const struct thread_parts *parts, struct err *err)
{
	const struct target self = thread_target(context, role, index);
	struct backend *b = parts->backend;
	char subject[32];
	int rc;

	name_thread(&self, subject, sizeof(subject));
	rc = b ? placement_backend_ready(context, b, subject, err) : 0;
	if (!rc)
		rc = settle(context, &self, parts, false, subject, err);
	if (!rc)
		rc = apply_to_thread(context, MOMENT_READY, &self, subject, err);
	return rc || !b ? rc : placement_kernel_ready(context, b, &self, err);
}

/* What has become of the settings since they were applied. */
static void ask_ended(struct placement *p, enum scope scope, const struct target *t,
		      const char *subject)
{
	for (unsigned i = 0; p->tunables[i]; i++) {
		const struct tunable *tn = p->tunables[i];
		const void *opts =
			scope == SCOPE_THREAD ? placement_opts(p, i, t->role) : p->general[i];
		struct verdict_report *report;
		char name[sizeof(report->name)];

		if (tn->scope != scope || !tn->ended || !opts || tn->is_default(opts))
			continue;
		name_report(p, i, opts, t, name, sizeof(name));
		pthread_mutex_lock(&p->lock);
		report = placement_find(p, subject, name);
		if (report && (report->verdict == VERDICT_OK || report->verdict == VERDICT_VACUOUS))
			tn->ended(t, opts, report);
		pthread_mutex_unlock(&p->lock);
	}
}

void placement_end(struct placement *p)
{
	const struct target self = { .fd = -1 };

	ask_ended(p, SCOPE_PROCESS, &self, "process");
}

/* Sends that were to be without a copy: what the kernel did shows only afterwards. */
static void report_zero_copy(struct placement *p, const char *subject,
			     const struct backend_stats *stats)
{
	struct verdict_report report = { .name = "zero-copy" };
	unsigned percent;

	if (!stats->zero_copy)
		return;
	percent = (unsigned)(stats->copied * 100 / stats->zero_copy);
	snprintf(report.requested, sizeof(report.requested), "sends=%" PRIu64, stats->zero_copy);
	snprintf(report.effective, sizeof(report.effective), "copied=%" PRIu64, stats->copied);
	if (percent == 100)
		report.verdict = VERDICT_VACUOUS;
	if (stats->copied)
		snprintf(report.why, sizeof(report.why),
			 "%u %% of zero-copy sends were copied (all are over loopback, and "
			 "with backends other than io_uring)",
			 percent);
	placement_report(p, subject, &report);
}

static void thread_ending(void *context, enum thread_role role, unsigned index,
			  const struct thread_parts *parts)
{
	const struct target self = thread_target(context, role, index);
	struct err err = { 0 };
	char subject[32];

	name_thread(&self, subject, sizeof(subject));
	settle(context, &self, parts, true, subject, &err);
	ask_ended(context, SCOPE_THREAD, &self, subject);
	if (parts->backend) {
		report_zero_copy(context, subject, &parts->backend->stats);
		placement_backend_ending(context, parts->backend, subject);
		placement_kernel_ending(context);
	}
}

static int socket_opened(void *context, enum socket_kind kind, int fd, struct err *err)
{
	struct placement *p = context;
	const struct target t = { .fd = fd, .kind = kind, .journal = p->journal };
	int rc = 0;

	for (unsigned i = 0; p->tunables[i] && !rc; i++)
		if (p->tunables[i]->scope == SCOPE_SOCKET && p->tunables[i]->kinds & 1U << kind)
			rc = placement_apply(p, i, p->general[i], &t, socket_kind_names[kind], err);
	return rc;
}

/* Of this worker alone; -1: none is. */
static int cpu_of_worker(const struct placement *p, unsigned worker)
{
	const struct target t = { .fd = -1, .index = worker, .role = THREAD_WORKER };
	const struct tunable *pin = tunable_find("pin");
	_Alignas(max_align_t) char opts[TUNABLE_OPTS_MAX];
	char text[128], *end;
	long cpu;

	for (unsigned i = 0; p->tunables[i]; i++) {
		if (p->tunables[i] != pin || !p->general[i] || pin->is_default(p->general[i]))
			continue;
		memcpy(opts, p->general[i], pin->group.opts_size);
		if (pin->resolve(&t, opts, NULL))
			break;
		knob_format(knob_find(&pin->group, "cpus"), opts, text, sizeof(text));
		cpu = strtol(text, &end, 10);
		return *text && !*end ? (int)cpu : -1;
	}
	return -1;
}

static int port_opened(void *context, const int *fds, unsigned count, struct err *err)
{
	struct placement *p = context;
	int *cpus = calloc(count, sizeof(*cpus)), rc = 0;
	const struct socket_port port = { fds, cpus, count };
	const struct target t = { .fd = fds[0], .port = &port, .kind = SOCKET_PORT };

	if (!cpus)
		return err_sys(err, -ENOMEM, "CPUs of the workers");
	for (unsigned i = 0; i < count; i++)
		cpus[i] = cpu_of_worker(p, i);
	for (unsigned i = 0; p->tunables[i] && !rc; i++)
		if (p->tunables[i]->scope == SCOPE_SOCKET &&
		    p->tunables[i]->kinds & 1U << SOCKET_PORT)
			rc = placement_apply(p, i, p->general[i], &t,
					     socket_kind_names[SOCKET_PORT], err);
	free(cpus);
	return rc;
}

static int told_kernel(void *context, const char *subject, const struct verdict_report *report,
		       struct err *err)
{
	return placement_conclude(context, subject, report, verdict_result(report, err), err);
}

static void pass_on(void *context, const char *sentence)
{
	struct placement *p = context;

	if (p->say)
		p->say(p->say_context, sentence);
}

/* Only then is there a call per connection. */
static bool wants_connections(const struct placement *p)
{
	const unsigned connections = 1U << SOCKET_CONNECTED | 1U << SOCKET_ACCEPTED;

	for (unsigned i = 0; p->tunables[i]; i++)
		if (p->tunables[i]->scope == SCOPE_SOCKET && p->tunables[i]->kinds & connections &&
		    !p->tunables[i]->is_default(p->general[i]))
			return true;
	return false;
}

/* What stream sockets are to be made with; 0: nobody minds. */
static int stream_protocol(const struct placement *p)
{
	for (unsigned i = 0; p->tunables[i]; i++) {
		const struct tunable *tn = p->tunables[i];

		if (tn->protocol && tn->protocol(p->general[i]))
			return tn->protocol(p->general[i]);
	}
	return 0;
}

struct hooks placement_hooks(struct placement *p)
{
	return (struct hooks){
		.context = p,
		.thread_started = thread_started,
		.thread_ready = thread_ready,
		.thread_ending = thread_ending,
		.socket_opened = socket_opened,
		.wants_connections = wants_connections(p),
		.stream_protocol = stream_protocol(p),
		.port_opened = port_opened,
		.told_kernel = told_kernel,
		.say = pass_on,
	};
}
