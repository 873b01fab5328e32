/*
 * session.c - the connections of a load: opened, replaced after so many requests, tried again.
 *
 *	connecting -> open -> (ending) -> connecting ...
 *	    |           |  lost
 *	    +-> resting <+     -> lost for good when nothing is left to try
 *
 * The schedule of an open loop does not wait for any of this: what is due meanwhile gets late, and
 * that is counted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/load.h"

void load_session_opened(struct session *s)
{
	struct load *l = s->load;
	int64_t now_ns = loop_now_ns(l->loop);

	s->state = SESSION_OPEN;
	s->place = l->open_count;
	s->number = l->session_count++;
	s->tries = 0;
	s->sent = 0;
	s->records = l->tally.record_count;
	l->open[l->open_count++] = s;
	if (s->since_ns < 0)
		return;
	tally_connected(&l->tally, now_ns - s->since_ns);
	if (l->plan.sink && l->plan.sink->opened)
		l->plan.sink->opened(l->plan.sink->context, l->plan.thread, s->number,
				     now_ns - s->since_ns);
}

static void keep_tls(struct client_tls *tls, const struct conn *c)
{
	struct tls_info info;

	if (*tls->version || !tls_describe(c, &info))
		return;
	snprintf(tls->version, sizeof(tls->version), "%s", info.version);
	snprintf(tls->cipher, sizeof(tls->cipher), "%s", info.cipher);
	tls->is_verified = info.is_verified;
}

/* Ends a connection that is not as it should be, with the reason as that of a refusal. */
static bool is_fit(struct session *s)
{
	struct load *l = s->load;
	struct err err = { 0 };
	bool is_first = !l->lost;

	if (!l->plan.check || !l->plan.check(s, &err))
		return true;
	if (l->phase == LOAD_CONNECTING && !l->refused) {
		l->refused = err.code;
		snprintf(l->refused_text, sizeof(l->refused_text), "%.*s",
			 (int)sizeof(l->refused_text) - 1, err.text);
	}
	conn_close(s->conn);
	if (is_first && l->lost)
		snprintf(l->lost_text, sizeof(l->lost_text), "%.*s", (int)sizeof(l->lost_text) - 1,
			 err.text);
	return false;
}

static void on_opened(struct conn *c)
{
	struct session *s = c->owner;
	struct load *l = s->load;

	if (!is_fit(s))
		return;
	keep_tls(&l->tls, c);
	load_session_opened(s);
	if (l->plan.outstanding && l->is_filled)
		load_fill(s, l->plan.clock(l->loop));
}

static void leave_open(struct session *s)
{
	struct load *l = s->load;
	struct session *last = l->open[--l->open_count];

	l->open[s->place] = last;
	last->place = s->place;
}

static void rest(struct session *s)
{
	struct load *l = s->load;

	s->state = SESSION_RESTING;
	s->since_ns = l->plan.clock(l->loop) + l->plan.retry_ns;
	l->resting++;
}

static void give_up(struct session *s)
{
	s->state = SESSION_LOST;
	s->load->alive--;
}

int load_session_connect(struct session *s, struct err *err)
{
	struct load *l = s->load;

	s->state = SESSION_CONNECTING;
	s->since_ns = l->plan.clock(l->loop);
	return l->plan.connect(s, err);
}

/* In the run there is nobody to tell but the first one's text. */
static void connect_again(struct session *s)
{
	struct load *l = s->load;
	struct err err = { 0 };

	if (!load_session_connect(s, &err))
		return;
	if (!l->lost++)
		snprintf(l->lost_text, sizeof(l->lost_text), "%.*s", (int)sizeof(l->lost_text) - 1,
			 err.text);
	give_up(s);
}

void load_session_retry(struct load *l, int64_t now_ns)
{
	for (uint32_t i = 0; l->resting && i < l->plan.connections; i++) {
		struct session *s = &l->sessions[i];

		if (s->state != SESSION_RESTING || s->since_ns > now_ns)
			continue;
		l->resting--;
		connect_again(s);
	}
}

int64_t load_session_next_ns(const struct load *l)
{
	int64_t next_ns = INT64_MAX;

	for (uint32_t i = 0; l->resting && i < l->plan.connections; i++) {
		const struct session *s = &l->sessions[i];

		if (s->state == SESSION_RESTING && s->since_ns < next_ns)
			next_ns = s->since_ns;
	}
	return next_ns;
}

static void tell_ended(const struct session *s)
{
	struct load *l = s->load;
	const struct client_sink *sink = l->plan.sink;

	if (!sink || !sink->ended || !l->tally.records)
		return;
	sink->ended(sink->context, l->plan.thread, s->number, l->tally.records + s->records,
		    l->tally.record_count - s->records);
	if (l->plan.connections == 1 && !sink->needs_all)
		l->tally.record_count = 0;
}

void load_session_finish(struct load *l)
{
	for (uint32_t i = 0; i < l->plan.connections; i++)
		if (l->sessions[i].state == SESSION_OPEN || l->sessions[i].state == SESSION_ENDING)
			tell_ended(&l->sessions[i]);
}

/* Its requests are sent and none is under way any more. */
static void end_session(struct session *s)
{
	struct load *l = s->load;

	conn_close(s->conn);
	tell_ended(s);
	if (load_may_begin(l, l->plan.clock(l->loop)))
		connect_again(s);
	else
		give_up(s);
}

void load_session_sent(struct session *s)
{
	if (++s->sent != s->load->plan.session_requests || s->state != SESSION_OPEN)
		return;
	leave_open(s);
	s->state = SESSION_ENDING;
}

void load_session_answered(struct session *s)
{
	if (s->state == SESSION_ENDING && !s->in_flight)
		end_session(s);
}

static void describe_end(const struct conn *c, enum conn_end end, int code, char *buf, size_t size)
{
	const char *reason = conn_reason(c);

	if (reason)
		snprintf(buf, size, "%s", reason);
	else if (end == CONN_PEER_CLOSED)
		snprintf(buf, size, "closed by the node, whose own output may say why");
	else if (end == CONN_CUT)
		snprintf(buf, size, "closed by the node in the middle of an answer");
	else if (end == CONN_FAULT && code == WIRE_ASKS_SECRET)
		snprintf(buf, size, "%s", wire_fault_text(code));
	else if (end == CONN_FAULT)
		snprintf(buf, size, "the answer is no reply: %s", wire_fault_text(code));
	else
		snprintf(buf, size, "%s%s", strerror(-code),
			 code == -ECONNRESET ? "; the node's own output may say why" : "");
}

static void note_refusal(struct load *l, const struct conn *c, int code)
{
	const char *reason = conn_reason(c);

	if (l->refused)
		return;
	l->refused = code;
	snprintf(l->refused_text, sizeof(l->refused_text), "%s", reason ? reason : "");
}

/* It could not be opened. */
static void on_refused(struct session *s, const struct conn *c, enum conn_end end, int code)
{
	struct load *l = s->load;

	if (s->tries < l->plan.retries) {
		s->tries++;
		rest(s);
		return;
	}
	give_up(s);
	if (l->phase == LOAD_CONNECTING)
		note_refusal(l, c, code);
	else if (!l->lost++)
		describe_end(c, end, code, l->lost_text, sizeof(l->lost_text));
}

static void on_lost(struct session *s, const struct conn *c, enum conn_end end, int code)
{
	struct load *l = s->load;

	if (s->state == SESSION_OPEN)
		leave_open(s);
	s->state = SESSION_LOST;
	if (!l->lost++)
		describe_end(c, end, code, l->lost_text, sizeof(l->lost_text));
	load_fail_requests(s, loop_now_ns(l->loop));
	tell_ended(s);
	if (l->plan.retries && l->phase == LOAD_SENDING)
		rest(s);
	else
		l->alive--;
}

static void on_closed(struct conn *c, enum conn_end end, int code)
{
	struct session *s = c->owner;

	s->conn = NULL;
	if (s->load->phase == LOAD_OVER || (end == CONN_LOCAL && s->state == SESSION_ENDING))
		return;
	if (s->state == SESSION_CONNECTING)
		on_refused(s, c, end, code);
	else
		on_lost(s, c, end, code);
}

const struct conn_role load_role = {
	.accepts = WIRE_REPLY,
	.opened = on_opened,
	.message = load_answer,
	.refused = load_refused,
	.closed = on_closed,
};
