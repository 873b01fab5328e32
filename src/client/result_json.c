/*
 * result_json.c - see result_json.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/result_json.h"

#include "client/result_text.h"
#include "client/split_text.h"
#include "observe/describe.h"

/* Of the failed ones, the answers by status; the others' connection broke. */
static json_t *status_json(const struct client_counts *c)
{
	json_t *object = json_object();

	for (unsigned i = WIRE_ERROR; i < WIRE_STATUSES; i++)
		json_object_set_new(object, wire_status_names[i], json_integer(c->status[i]));
	return object;
}

static json_t *counts_json(const struct client_counts *c)
{
	json_t *object =
		json_pack("{sI sI sI sI sI sI sI sI sI so}", "planned", (json_int_t)c->planned,
			  "sent", (json_int_t)c->sent, "censored", (json_int_t)c->censored, "done",
			  (json_int_t)c->done, "failed", (json_int_t)c->failed, "timed_out",
			  (json_int_t)c->timed_out, "unanswered", (json_int_t)c->unanswered, "late",
			  (json_int_t)c->late, "skipped_operations",
			  (json_int_t)c->skipped_operations, "failed_by_status", status_json(c));

	json_object_set_new(object, "duplicates", json_integer((json_int_t)c->duplicates));
	json_object_set_new(object, "refused", json_integer((json_int_t)c->refused));
	return object;
}

json_t *datagram_stats_json(const struct datagram_stats *s)
{
	const struct {
		const char *name;
		uint64_t count;
	} counters[] = {
		{ "in", s->in },
		{ "out", s->out },
		{ "malformed", s->malformed },
		{ "cut", s->cut },
		{ "over_limit", s->over_limit },
		{ "no_room", s->no_room },
		{ "queue_full", s->queue_full },
		{ "unsent", s->unsent },
		{ "too_long", s->too_long },
		{ "refused", s->refused },
		{ "received_together", s->glued },
		{ "sent_together", s->gso },
		{ "gso_refused", s->gso_refused },
		{ "peers_evicted", s->peers_evicted },
		{ "peers_idle", s->peers_idle },
	};
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		json_object_set_new(object, counters[i].name,
				    json_integer((json_int_t)counters[i].count));
	return object;
}

static json_t *percentiles_json(const struct hist *h)
{
	json_t *object = json_object();
	char key[16];

	for (const double *p = result_percentiles; *p > 0; p++) {
		bool exists = result_samples_beyond(h, *p) >= PERCENTILE_SAMPLES_LEAST;

		snprintf(key, sizeof(key), "p%g", *p);
		json_object_set_new(object, key,
				    exists ? json_integer(hist_quantile(h, *p / 100))
					   : json_null());
	}
	return object;
}

static json_t *latency_json(const struct hist *h)
{
	return json_pack("{sI sI sI sI sI so}", "count", (json_int_t)hist_count(h), "over_range",
			 (json_int_t)hist_over(h), "min_ns", (json_int_t)hist_min(h), "mean_ns",
			 (json_int_t)hist_mean(h), "max_ns", (json_int_t)hist_max(h),
			 "percentiles_ns", percentiles_json(h));
}

static json_t *latencies_json(const struct client_result *r)
{
	return json_pack("{so so so so}", "response", latency_json(r->response), "service",
			 latency_json(r->service), "lateness", latency_json(r->lateness), "connect",
			 latency_json(r->connect));
}

/* Hop by hop along the way of a request; there is one node so far. */
static json_t *hops_json(const struct client_result *r)
{
	return json_pack("[{so so}]", "queue", latency_json(r->queue), "service",
			 latency_json(r->node_service));
}

static json_t *split_hop_json(const struct program_hop *hop, const double *part_ns)
{
	json_t *object = json_pack("{ss si si}", "node", hop->name, "depth", hop->depth,
				   "operation", hop->depth ? hop->tag + 1 : 0);
	char key[32];

	for (unsigned i = 0; i < SPLIT_PARTS; i++) {
		snprintf(key, sizeof(key), "%s_ns", split_part_names[i]);
		json_object_set_new(object, key, json_real(part_ns[i]));
	}
	return object;
}

/* Means of the slowest `share` of the answers. */
static json_t *split_view_json(const struct split *s, double share)
{
	json_t *hops = json_array();
	struct split_view v;

	split_view(s, share, &v);
	for (unsigned i = 0; i < s->hop_count; i++)
		json_array_append_new(hops, split_hop_json(&s->hops[i], v.part_ns[i]));
	return json_pack("{sf sf sf so}", "answers", v.answers, "response_ns", v.response_ns,
			 "late_ns", v.late_ns, "hops", hops);
}

/* response_ns is as measured; the views' are the sums of their parts. */
static json_t *split_json(const struct client_result *r)
{
	const struct split *s = &r->split;
	double mean_ns = s->answers ? s->response_ns / (double)s->answers : 0;

	return json_pack("{sI sf sI sI so so}", "answers", (json_int_t)s->answers, "response_ns",
			 mean_ns, "records_ignored", (json_int_t)s->ignored, "answers_cut",
			 (json_int_t)s->cut, "all", split_view_json(s, 1), "slowest",
			 split_view_json(s, split_slow_share(s)));
}

static json_t *reasons_json(const struct client_result *r)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < r->reason_count; i++)
		json_array_append_new(array, json_string(r->reasons[i]));
	return array;
}

static json_t *rates_json(const struct client_result *r)
{
	return json_pack("{so sf sf}", "offered",
			 r->closed_loop ? json_null() : json_real(r->offered_rate), "sent",
			 r->sent_rate, "done", r->done_rate);
}

static json_t *backend_json(const struct client_result *r)
{
	const struct backend_stats *b = &r->backend;
	json_t *batches = json_array();

	for (unsigned i = 0; i < BACKEND_BATCHES; i++)
		json_array_append_new(batches, json_integer(b->batch[i]));
	return json_pack("{sI sI sI sI sI so}", "syscalls", (json_int_t)b->syscalls, "waits",
			 (json_int_t)b->waits, "wakeups", (json_int_t)b->wakeups, "completions",
			 (json_int_t)b->completions, "retries", (json_int_t)b->retries,
			 "batches_by_power_of_2", batches);
}

static json_t *loop_json(const struct client_result *r)
{
	const struct loop_stats *l = &r->loop;

	return json_pack("{sI sI sI sI sI sI sI sI}", "messages_in", (json_int_t)l->messages_in,
			 "messages_out", (json_int_t)l->messages_out, "bytes_in",
			 (json_int_t)l->bytes_in, "bytes_out", (json_int_t)l->bytes_out, "opened",
			 (json_int_t)l->opened, "faults", (json_int_t)l->faults, "resets",
			 (json_int_t)l->resets, "strays", (json_int_t)r->strays);
}

/* What is told of a run over UDP besides. */
static void add_udp(json_t *root, const struct client_result *r)
{
	json_t *udp = datagram_stats_json(&r->loop.udp);

	json_object_set_new(udp, "lost", json_integer((json_int_t)result_lost(r)));
	json_object_set_new(root, "udp", udp);
}

static json_t *self_json(const struct client_result *r)
{
	return json_pack("{sf so sf}", "busy_share_max", r->cpu_share_max, "run_delay_share_max",
			 r->run_delay_share_max < 0 ? json_null()
						    : json_real(r->run_delay_share_max),
			 "steal_share", r->steal_share);
}

static json_t *tls_json(const struct client_result *r)
{
	const struct loop_stats *l = &r->loop;

	if (!*r->tls.version)
		return json_null();
	return json_pack("{ss ss sb sI sI}", "version", r->tls.version, "cipher", r->tls.cipher,
			 "verified", r->tls.is_verified, "handshakes", (json_int_t)l->handshakes,
			 "resumed", (json_int_t)l->handshakes_resumed);
}

/* The same names as beside a node: lab/observation.h. */
static json_t *observed_json(const struct client_result *r)
{
	if (!r->observed.count)
		return json_null();
	return json_pack("{so so so}", "process", describe_process(&r->observed), "threads",
			 describe_threads(&r->observed), "machine", describe_machine(&r->machine));
}

json_t *result_json(const struct client_result *r)
{
	json_t *root = json_pack(
		"{si ss so sb sb ss so sI sI sI so so so so so so so so so sI sI}", "schema",
		RESULT_JSON_SCHEMA, "verdict", validity_names[r->validity], "reasons",
		reasons_json(r), "interrupted", r->interrupted, "closed_loop", r->closed_loop, "to",
		r->to, "tls", tls_json(r), "seed", (json_int_t)r->seed, "start_epoch_ns",
		(json_int_t)r->start_epoch_ns, "duration_ns", (json_int_t)(r->end_ns - r->start_ns),
		"counts", counts_json(&r->counts), "warm_up", counts_json(&r->warm_up),
		"rates_per_s", rates_json(r), "latency", latencies_json(r), "hops", hops_json(r),
		"split", split_json(r), "generator", self_json(r), "backend_stats", backend_json(r),
		"loop", loop_json(r), "connections_lost", (json_int_t)r->connections_lost,
		"cut_draws", (json_int_t)r->cut_draws);

	if (!root)
		return NULL;
	json_object_set_new(root, "timeout_ns", json_integer(r->timeout_ns));
	json_object_set_new(root, "observed", observed_json(r));
	if (r->is_datagram)
		add_udp(root, r);
	return root;
}
