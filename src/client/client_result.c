/*
 * client_result.c - what all threads counted, in one result.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "client/client_private.h"
#include "client/judge.h"

static struct client_result *create_result(const struct client *c)
{
	struct client_result *r = calloc(1, sizeof(*r));
	uint64_t records = 0;
	int no_split;

	if (!r)
		return NULL;
	for (unsigned i = 0; i < c->count; i++)
		records += c->threads[i].load.tally.record_count;
	r->response = hist_create();
	r->service = hist_create();
	r->lateness = hist_create();
	r->queue = hist_create();
	r->node_service = hist_create();
	r->connect = hist_create();
	no_split = split_init(&r->split, &c->program);
	r->records = records ? calloc(records, sizeof(*r->records)) : NULL;
	if (r->response && r->service && r->lateness && r->queue && r->node_service && r->connect &&
	    !no_split && (r->records || !records))
		return r;
	client_result_destroy(r);
	return NULL;
}

void client_result_destroy(struct client_result *r)
{
	if (!r)
		return;
	hist_destroy(r->response);
	hist_destroy(r->service);
	hist_destroy(r->lateness);
	hist_destroy(r->queue);
	hist_destroy(r->node_service);
	hist_destroy(r->connect);
	split_finish(&r->split);
	process_change_finish(&r->observed);
	host_finish(&r->machine);
	free(r->records);
	free(r);
}

static void add_stats(struct client_result *r, const struct client_thread *t)
{
	const struct loop_stats *l = &t->loop.stats;
	const struct backend_stats *b = &t->backend_stats;

	r->loop.messages_in += l->messages_in;
	r->loop.messages_out += l->messages_out;
	r->loop.bytes_in += l->bytes_in;
	r->loop.bytes_out += l->bytes_out;
	r->loop.opened += l->opened;
	r->loop.closed += l->closed;
	r->loop.faults += l->faults;
	r->loop.resets += l->resets;
	r->loop.refused += l->refused;
	r->loop.pauses += l->pauses;
	r->loop.handshakes += l->handshakes;
	r->loop.handshakes_resumed += l->handshakes_resumed;
	r->loop.handshakes_failed += l->handshakes_failed;
	datagram_stats_add(&r->loop.udp, &l->udp);
	r->backend.syscalls += b->syscalls;
	r->backend.waits += b->waits;
	r->backend.wakeups += b->wakeups;
	r->backend.completions += b->completions;
	r->backend.retries += b->retries;
	for (unsigned i = 0; i < BACKEND_BATCHES; i++)
		r->backend.batch[i] += b->batch[i];
}

static double per_second(uint64_t count, int64_t ns)
{
	return ns > 0 ? count * 1e9 / ns : 0;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void add_thread(struct client_result *r, const struct client_thread *t)
{
	const struct load *l = &t->load;
	const struct tally *tally = &l->tally;
	int64_t sending = later(l->window_ns, tally->last_sent_ns - l->measured_ns);
	int64_t working = later(l->window_ns, tally->last_done_ns - l->measured_ns);
	struct usage_shares shares = usage_between(&t->begin, &t->end, t->idle_ns);

	tally_add(r, tally);
	add_stats(r, t);
	r->offered_rate += per_second(tally->counts.planned, l->window_ns);
	r->sent_rate += per_second(tally->counts.sent, sending);
	r->done_rate += per_second(tally->counts.done, working);
	r->start_ns = l->measured_ns;
	r->end_ns = later(r->end_ns, l->measured_ns + working);
	if (shares.busy > r->cpu_share_max)
		r->cpu_share_max = shares.busy;
	if (shares.run_delay > r->run_delay_share_max)
		r->run_delay_share_max = shares.run_delay;
	r->strays += tally->strays;
	r->cut_draws += tally->cut_draws;
	r->connections_lost += l->lost;
	r->interrupted |= t->interrupted;
	if (!*r->tls.version)
		r->tls = l->tls;
	r->records_lost += tally->records_lost;
	if (tally->record_count)
		memcpy(r->records + r->record_count, tally->records,
		       tally->record_count * sizeof(*r->records));
	r->record_count += tally->record_count;
}

static int observe(struct client_result *r, const struct client *c)
{
	AUTO(auto_free) struct task *tasks = calloc(2 * (size_t)c->count + 1, sizeof(*tasks));
	int64_t window_ns = c->observed_end.at_ns - c->observed_begin.at_ns;
	int rc;

	if (!tasks)
		return -ENOMEM;
	for (unsigned i = 0; i < c->count; i++) {
		tasks[i] = c->threads[i].task_begin;
		tasks[c->count + i] = c->threads[i].task_end;
	}
	rc = process_of_tasks(tasks, tasks + c->count, c->count, window_ns, &r->observed);
	if (rc == 0)
		rc = host_between(&c->observed_begin, &c->observed_end, &r->machine);
	return rc;
}

static void judge(const struct client *c, struct client_result *r)
{
	struct judge_facts facts = {
		.is_closed_loop = r->closed_loop,
		.counts = r->counts,
		.offered_rate = r->offered_rate,
		.sent_rate = r->sent_rate,
		.lateness_p99_ns = hist_quantile(r->lateness, 0.99),
		.service_p50_ns = hist_quantile(r->service, 0.5),
		.busy_share = r->cpu_share_max,
		.run_delay_share = r->run_delay_share_max,
		.steal_share = r->steal_share,
		.strays = r->strays,
		.connections = r->connections,
		.connections_lost = r->connections_lost,
		.lost_text = "",
		.is_interrupted = r->interrupted,
	};
	struct judgement judgement;

	for (unsigned i = c->count; i-- > 0;)
		if (c->threads[i].load.lost)
			facts.lost_text = c->threads[i].load.lost_text;
	judge_run(&facts, &judgement);
	r->validity = judgement.validity;
	r->reason_count = judgement.count;
	memcpy(r->reasons, judgement.reasons, sizeof(r->reasons));
}

int client_make_result(const struct client *c, struct client_result **ret, struct err *err)
{
	struct client_result *r = create_result(c);

	if (!r)
		return err_set(err, -ENOMEM, "no memory for the result");
	r->run_delay_share_max = -1;
	r->closed_loop = c->opts->outstanding;
	r->is_datagram = c->job.to.transport == TRANSPORT_UDP;
	r->timeout_ns = c->timeout_ns;
	r->seed = c->seed;
	r->connections = c->count * c->opts->connections;
	split_name(&r->split, c->opts->to);
	r->shows_split = c->program.operations > 1;
	memcpy(r->to, c->job.to_text, sizeof(r->to));
	for (unsigned i = 0; i < c->count; i++)
		add_thread(r, &c->threads[i]);
	r->steal_share = machine_usage_steal(&c->machine_begin, &c->machine_end);
	r->start_epoch_ns = clock_read_ns(CLOCK_REALTIME) - (clock_now_ns() - r->start_ns);
	judge(c, r);
	if (observe(r, c) < 0) {
		client_result_destroy(r);
		return err_set(err, -ENOMEM, "no memory for what was observed");
	}
	*ret = r;
	return 0;
}
