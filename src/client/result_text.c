/*
 * result_text.c - see result_text.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/result_text.h"

#include <errno.h>
#include <inttypes.h>

#include "base/units.h"
#include "client/split_text.h"
#include "observe/describe.h"

const double result_percentiles[] = { 50, 90, 99, 99.9, 0 };

uint64_t result_samples_beyond(const struct hist *h, double percentile)
{
	return hist_count(h) * (100 - percentile) / 100 + 1e-6;
}

uint64_t result_lost(const struct client_result *r)
{
	const struct client_counts *c = &r->counts;

	return c->timed_out + c->unanswered - c->late;
}

static void write_verdict(const struct client_result *r, FILE *out)
{
	fprintf(out, "%s%s\n", validity_names[r->validity], r->reason_count ? ":" : "");
	for (unsigned i = 0; i < r->reason_count; i++)
		fprintf(out, "  %s\n", r->reasons[i]);
}

static void write_count(FILE *out, uint64_t n, const char *what)
{
	if (n)
		fprintf(out, ", %" PRIu64 " %s", n, what);
}

/* Why those failed that did. */
static void write_failures(FILE *out, const struct client_counts *c)
{
	uint64_t broke = c->failed;
	const char *gap = " (";

	if (!c->failed)
		return;
	write_count(out, c->failed, "failed");
	for (unsigned i = WIRE_ERROR; i < WIRE_STATUSES; i++) {
		broke -= c->status[i];
		if (c->status[i])
			fprintf(out, "%s%s %" PRIu64, gap, wire_status_names[i], c->status[i]);
		gap = c->status[i] ? ", " : gap;
	}
	if (c->refused)
		fprintf(out, "%snobody listens there %" PRIu64, gap, c->refused);
	broke -= c->refused;
	gap = c->refused ? ", " : gap;
	if (broke)
		fprintf(out, "%sconnection lost %" PRIu64, gap, broke);
	fputc(')', out);
}

static void write_counts(const struct client_result *r, FILE *out)
{
	const struct client_counts *c = &r->counts;

	fprintf(out, "requests    %" PRIu64 " planned, %" PRIu64 " sent, %" PRIu64 " done",
		c->planned, c->sent, c->done);
	write_failures(out, c);
	write_count(out, c->timed_out, "timed out");
	write_count(out, c->late, "answered after their timeout");
	write_count(out, c->unanswered, "unanswered");
	write_count(out, c->censored, "never sent");
	write_count(out, c->skipped_operations, "operations skipped");
	write_count(out, r->cut_draws, "drawn values cut to their limit");
	write_count(out, r->warm_up.planned, "before that to warm up");
	fputc('\n', out);
}

/* Lost: no answer in time and none later. */
static void write_datagrams(const struct client_result *r, FILE *out)
{
	const struct datagram_stats *u = &r->loop.udp;

	fprintf(out, "datagrams   %" PRIu64 " sent, %" PRIu64 " received", u->out, u->in);
	write_count(out, result_lost(r), "requests without an answer");
	write_count(out, r->counts.late, "late answers");
	write_count(out, r->counts.duplicates, "duplicate answers");
	write_count(out, u->malformed + u->cut, "received that were no answer");
	write_count(out, u->unsent + u->queue_full, "not sent");
	write_count(out, u->gso, "sends of several at once");
	write_count(out, u->glued, "receives of several at once");
	write_count(out, u->gso_refused, "sockets on which the kernel refused UDP_SEGMENT");
	fputc('\n', out);
}

static void write_rates(const struct client_result *r, FILE *out)
{
	char offered[32], sent[32], done[32];

	fprintf(out, "per second  ");
	if (!r->closed_loop)
		fprintf(out, "%s offered, %s sent, ",
			units_human_count(r->offered_rate, offered, sizeof(offered)),
			units_human_count(r->sent_rate, sent, sizeof(sent)));
	fprintf(out, "%s done\n", units_human_count(r->done_rate, done, sizeof(done)));
}

/* "1.23 ms", "~1.23 ms" or "-". Returns whether it is marked. */
static bool write_percentile(const struct hist *h, double percentile, FILE *out)
{
	uint64_t beyond = result_samples_beyond(h, percentile);
	bool is_marked = beyond < PERCENTILE_SAMPLES_SURE;
	char time[32], cell[40];

	if (beyond < PERCENTILE_SAMPLES_LEAST) {
		fprintf(out, " %10s", "-");
		return false;
	}
	snprintf(cell, sizeof(cell), "%s%s", is_marked ? "~" : "",
		 units_human_time(hist_quantile(h, percentile / 100), time, sizeof(time)));
	fprintf(out, " %10s", cell);
	return is_marked;
}

static bool write_line(const char *name, const struct hist *h, FILE *out)
{
	bool is_marked = false;
	char time[32];

	if (!hist_count(h))
		return false;
	fprintf(out, "%-12s", name);
	for (const double *p = result_percentiles; *p > 0; p++)
		is_marked |= write_percentile(h, *p, out);
	fprintf(out, " %10s\n", units_human_time(hist_max(h), time, sizeof(time)));
	return is_marked;
}

static void write_latencies(const struct client_result *r, FILE *out)
{
	uint64_t bounds = r->counts.timed_out + r->counts.unanswered + r->counts.censored;
	bool is_marked = false;
	char head[16];

	fprintf(out, "%-12s", "");
	for (const double *p = result_percentiles; *p > 0; p++) {
		snprintf(head, sizeof(head), "p%g", *p);
		fprintf(out, " %10s", head);
	}
	fprintf(out, " %10s\n", "max");
	is_marked |= write_line("response", r->response, out);
	is_marked |= write_line("service", r->service, out);
	is_marked |= write_line("lateness", r->lateness, out);
	if (hist_count(r->connect) > r->connections)
		is_marked |= write_line("connect", r->connect, out);
	is_marked |= write_line("node queue", r->queue, out);
	is_marked |= write_line("node service", r->node_service, out);
	fprintf(out,
		"response counts from when a request was due, service from when it was sent\n");
	if (is_marked)
		fprintf(out, "~ rests on fewer than %d requests, - on fewer than %d\n",
			PERCENTILE_SAMPLES_SURE, PERCENTILE_SAMPLES_LEAST);
	if (bounds)
		fprintf(out,
			"%" PRIu64 " requests without an answer count in response with the "
			"time they had waited\n",
			bounds);
}

static void write_tls(const struct client_result *r, FILE *out)
{
	fprintf(out, "tls         %s, %s, %" PRIu64 " handshakes, %" PRIu64 " resumed; node %s\n",
		r->tls.version, r->tls.cipher, r->loop.handshakes, r->loop.handshakes_resumed,
		r->tls.is_verified ? "verified" : "not verified");
}

/* What the client cannot know. */
static void write_advice(const struct client_counts *c, FILE *out)
{
	uint64_t told = 0;

	for (unsigned i = WIRE_ERROR; i < WIRE_STATUSES; i++)
		told += c->status[i];
	if (told)
		fprintf(out,
			"%" PRIu64 " requests failed on a node, or behind it: what nodes print "
			"says why\n",
			told);
}

/* Per request sent; the window holds the warm-up, too. */
static void write_observed(const struct client_result *r, FILE *out)
{
	double requests = (double)(r->counts.sent + r->warm_up.sent);
	char text[DESCRIBE_TEXT];

	if (r->observed.count && *describe_text(&r->observed, &r->machine, requests, text))
		fprintf(out, "observed    %s\n", text);
}

int result_write_text(const struct client_result *r, FILE *out, struct err *err)
{
	write_verdict(r, out);
	fprintf(out, "node        %s%s\n", r->to, r->closed_loop ? ", closed loop" : "");
	if (*r->tls.version)
		write_tls(r, out);
	write_counts(r, out);
	if (r->is_datagram)
		write_datagrams(r, out);
	write_rates(r, out);
	if (hist_count(r->response))
		write_latencies(r, out);
	write_advice(&r->counts, out);
	write_observed(r, out);
	if (r->shows_split && r->split.answers) {
		fputc('\n', out);
		split_write_text(&r->split, out);
	}
	if (r->records_lost)
		fprintf(out, "%" PRIu64 " records were not kept: there was room for %" PRIu64 "\n",
			r->records_lost, r->record_count);
	if (fflush(out) || ferror(out))
		return err_sys(err, errno ? -errno : -EIO, "result");
	return 0;
}
