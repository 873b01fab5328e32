/*
 * load.c - sending, and the end of it: see load.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/load.h"

#include <errno.h>

#include "base/clock.h"

/* So much may stand in a connection's queue, beyond what the kernel has taken. */
#define QUEUE_BYTES (256 << 10)

/* Sends between two looks at the answers: both get old while the other is done. */
#define BURST	      16
#define REQUESTS_EACH 64

/* How soon a stop flag is seen; and the end, while nothing can be sent. */
#define POLL_NS		(50 * MS)
#define BLOCKED_POLL_NS (10 * MS)
#define STOP_DRAIN_NS	(100 * MS)

int64_t load_clock_real(const struct loop *loop)
{
	(void)loop;
	return clock_now_ns();
}

int64_t load_clock_loop(const struct loop *loop)
{
	return loop_now_ns(loop);
}

static bool make_scratch(struct load *l)
{
	if (!l->plan.program->fits_chunk)
		l->scratch = calloc(1, PROGRAM_PREFIX_MAX);
	return l->scratch || l->plan.program->fits_chunk;
}

int load_init(struct load *l, const struct load_plan *plan, struct loop *loop, struct err *err)
{
	*l = (struct load){ .plan = *plan, .loop = loop };
	l->pacer = (struct pacer){ .mode = plan->wait, .spin_ns = plan->spin_ns };
	l->sessions = calloc(plan->connections, sizeof(*l->sessions));
	l->open = calloc(plan->connections, sizeof(struct session *));
	if (!l->sessions || !l->open || slots_init(&l->slots, plan->in_flight) ||
	    tally_init(&l->tally, plan->program, plan->thread, plan->records) ||
	    program_stream_init(&l->stream, plan->program, plan->seed, plan->thread) ||
	    !make_scratch(l) ||
	    (plan->is_datagram && plan->timeout_ns && overdue_init(&l->overdue)))
		return err_set(err, -ENOMEM,
			       "no memory for %u connections, %u requests in flight "
			       "and %llu records",
			       plan->connections, plan->in_flight,
			       (unsigned long long)plan->records);
	l->tally.is_closed_loop = plan->outstanding;
	for (uint32_t i = 0; i < plan->connections; i++)
		l->sessions[i] = (struct session){ .load = l, .since_ns = -1 };
	l->alive = plan->connections;
	return 0;
}

void load_finish(struct load *l)
{
	free(l->sessions);
	free(l->open);
	free(l->scratch);
	program_stream_finish(&l->stream);
	slots_finish(&l->slots);
	overdue_finish(&l->overdue);
	tally_finish(&l->tally);
	*l = (struct load){ 0 };
}

void load_begin(struct load *l, int64_t start_ns)
{
	l->plan.arrivals.start_ns = start_ns;
	l->measured_ns = start_ns + l->plan.arrivals.warm_up_ns;
	l->tally.start_ns = l->measured_ns;
	arrival_begin(&l->next, &l->plan.arrivals);
	l->ahead = l->next;
	l->phase = LOAD_SENDING;
}

/* A request of several chunks, or whose length is not known before it is drawn. */
static bool append_copy(struct load *l, struct conn *c, struct program_request *request)
{
	program_write(&l->stream, request, l->scratch);
	for (uint32_t done = 0, len; done < request->prefix_len; done += len) {
		uint8_t *at;

		len = request->prefix_len - done;
		if (len > CHUNK_BYTES)
			len = CHUNK_BYTES;
		at = conn_append(c, len);
		if (!at)
			return false;
		memcpy(at, l->scratch + done, len);
	}
	return true;
}

/* False: the connection has been closed, and with it this request. */
static bool append_request(struct load *l, struct conn *c, struct program_request *request)
{
	const struct program *program = l->plan.program;
	uint8_t *at;

	if (!program->fits_chunk)
		return append_copy(l, c, request);
	at = conn_append(c, program->prefix_len);
	if (at)
		program_write(&l->stream, request, at);
	return at;
}

/* The session must have a connection and the table a slot. */
static void send_request(struct session *s, int64_t intended_ns, bool is_measured, int64_t now_ns)
{
	struct load *l = s->load;
	struct slot *slot = slots_take(&l->slots);
	struct program_request request = {
		.number = l->number,
		.id = slots_id(&l->slots, slot),
		.session = l->plan.thread << 16 ^ s->number,
	};

	slot->intended_ns = intended_ns;
	slot->sent_ns = now_ns;
	slot->session = s;
	slot->session_number = s->number;
	slot->is_measured = is_measured;
	s->in_flight++;
	tally_sent(&l->tally, slot);
	if (!append_request(l, s->conn, &request))
		return;
	l->number++;
	if (request.payload_len)
		conn_append_payload(s->conn, request.payload_len);
	if (request.skipped)
		tally_skipped(&l->tally, request.skipped, is_measured);
	l->tally.cut_draws += request.cut;
	load_session_sent(s);
}

/* The next open connection in turn that can take more; NULL: none. */
static struct session *pick(struct load *l)
{
	for (uint32_t i = 0; i < l->open_count; i++) {
		struct session *s;

		if (l->turn >= l->open_count)
			l->turn = 0;
		s = l->open[l->turn++];
		if (s->conn->out.bytes < QUEUE_BYTES)
			return s;
	}
	return NULL;
}

/* How many requests one connection gets at once: one, or its part of what has come due meanwhile.
 * */
static unsigned requests_each(const struct load *l, int64_t now_ns)
{
	int64_t behind = now_ns - l->next.due_ns, gap = arrival_gap_ns(&l->next);
	int64_t each;

	if (behind <= gap)
		return 1;
	each = behind / (gap ? gap : 1) / l->open_count;
	return each < REQUESTS_EACH ? 1 + each : REQUESTS_EACH;
}

static bool is_due(const struct load *l, int64_t now_ns)
{
	return !l->next.over && l->next.due_ns <= now_ns;
}

static void send_some(struct session *s, int64_t now_ns)
{
	struct load *l = s->load;
	unsigned left = requests_each(l, now_ns);

	while (left-- && s->state == SESSION_OPEN && is_due(l, now_ns) && l->slots.free) {
		send_request(s, l->next.due_ns, l->next.is_measured, now_ns);
		arrival_next(&l->next);
	}
	if (s->conn)
		conn_flush(s->conn);
}

/* Sends what is due. Returns the time after it. */
static int64_t send_due(struct load *l, int64_t now_ns)
{
	l->is_blocked = false;
	for (unsigned i = 0; i < BURST && is_due(l, now_ns); i++) {
		struct session *s = l->slots.free ? pick(l) : NULL;

		if (!s) {
			l->is_blocked = true;
			break;
		}
		send_some(s, now_ns);
		now_ns = l->plan.clock(l->loop);
	}
	l->looked_ns = now_ns;
	return now_ns;
}

static bool has_passed_last_due(struct load *l, int64_t now_ns)
{
	if (l->next.over)
		return true;
	if (now_ns - l->next.due_ns <= SEND_GRACE_NS)
		return false;
	if (l->ahead.number < l->next.number)
		l->ahead = l->next;
	while (!l->ahead.over && l->ahead.due_ns <= now_ns)
		arrival_next(&l->ahead);
	return l->ahead.over && now_ns - l->ahead.last_ns > SEND_GRACE_NS;
}

bool load_may_begin(const struct load *l, int64_t now_ns)
{
	const struct arrival_plan *plan = &l->plan.arrivals;

	if (l->phase != LOAD_SENDING)
		return false;
	if (!l->plan.outstanding)
		return !l->next.over;
	if (plan->requests && l->tally.counts.sent >= plan->requests)
		return false;
	return !plan->duration_ns || now_ns < l->measured_ns + plan->duration_ns;
}

void load_fill(struct session *s, int64_t now_ns)
{
	struct load *l = s->load;

	while (s->state == SESSION_OPEN && s->in_flight < l->plan.outstanding && l->slots.free &&
	       load_may_begin(l, now_ns))
		send_request(s, now_ns, now_ns >= l->measured_ns, now_ns);
}

static void fill_all(struct load *l)
{
	for (uint32_t i = 0; i < l->plan.connections; i++) {
		struct session *s = &l->sessions[i];

		load_fill(s, l->plan.clock(l->loop));
		if (s->conn)
			conn_flush(s->conn);
	}
	l->is_filled = true;
}

/* early: the plan ends where sending last looked at it, and what was due later is none of it. */
static void end_sending(struct load *l, int64_t now_ns, bool early)
{
	int64_t drain = l->plan.drain_ns;

	l->ended_early = early;
	l->plan_end_ns = early && !l->plan.outstanding ? l->looked_ns : now_ns;
	l->drain_end_ns = now_ns + (early && drain > STOP_DRAIN_NS ? STOP_DRAIN_NS : drain);
	l->phase = LOAD_DRAINING;
}

void load_stop(struct load *l)
{
	int64_t now_ns = l->plan.clock(l->loop);

	if (l->phase == LOAD_SENDING)
		end_sending(l, now_ns, true);
	else if (l->phase == LOAD_DRAINING && l->drain_end_ns > now_ns + STOP_DRAIN_NS)
		l->drain_end_ns = now_ns + STOP_DRAIN_NS;
}

/* Returns the time after it. */
static int64_t send_open(struct load *l, int64_t now_ns)
{
	now_ns = send_due(l, now_ns);
	if (has_passed_last_due(l, now_ns))
		end_sending(l, now_ns, false);
	return now_ns;
}

static int64_t send_closed(struct load *l, int64_t now_ns)
{
	if (!l->is_filled && now_ns >= l->plan.arrivals.start_ns)
		fill_all(l);
	if (!load_may_begin(l, now_ns))
		end_sending(l, now_ns, false);
	return now_ns;
}

/* What the pacer is to wait for; INT64_MAX: answers only. */
static int64_t next_due(const struct load *l)
{
	if (l->phase != LOAD_SENDING || l->is_blocked)
		return INT64_MAX;
	if (!l->plan.outstanding)
		return l->next.due_ns;
	return l->is_filled ? INT64_MAX : l->plan.arrivals.start_ns;
}

/* When something else than a due request or an answer must be looked at. */
static int64_t next_look(const struct load *l, int64_t now_ns)
{
	const struct slot *oldest = l->plan.timeout_ns ? slots_oldest(&l->slots) : NULL;
	int64_t look = now_ns + (l->is_blocked ? BLOCKED_POLL_NS : POLL_NS), at;

	if (oldest && oldest->sent_ns + l->plan.timeout_ns < look)
		look = oldest->sent_ns + l->plan.timeout_ns;
	at = l->measured_ns + l->plan.arrivals.duration_ns;
	if (l->plan.outstanding && l->plan.arrivals.duration_ns && l->phase == LOAD_SENDING &&
	    at < look)
		look = at;
	if (l->phase == LOAD_DRAINING && l->drain_end_ns < look)
		look = l->drain_end_ns;
	/* Nobody is tried again once sending has ended: their time would be over for ever. */
	if (l->resting && l->phase == LOAD_SENDING && load_session_next_ns(l) < look)
		look = load_session_next_ns(l);
	return look;
}

static int64_t wait_ns(const struct load *l, int64_t now_ns)
{
	struct pacer_step step = pacer_decide(&l->pacer, now_ns, next_due(l));
	int64_t look = next_look(l, now_ns) - now_ns;

	if (step.action != PACER_SLEEP || look <= 0)
		return 0;
	return step.wait_ns < look ? step.wait_ns : look;
}

/* What was due and never sent has waited until now, like what was sent and not answered. */
static void censor(struct load *l, int64_t now_ns)
{
	for (; is_due(l, l->plan_end_ns); arrival_next(&l->next))
		tally_censored(&l->tally, l->next.due_ns, l->next.is_measured, now_ns);
}

static void end(struct load *l, int64_t now_ns)
{
	load_give_up(l, now_ns);
	if (!l->plan.outstanding)
		censor(l, now_ns);
	l->window_ns = l->plan_end_ns > l->measured_ns ? l->plan_end_ns - l->measured_ns : 0;
	if (!l->plan.outstanding && l->next.over)
		l->window_ns = arrival_window_ns(&l->next);
	l->phase = LOAD_OVER;
	load_session_finish(l);
}

static void look_around(struct load *l)
{
	int64_t now_ns = loop_now_ns(l->loop);

	load_expire(l, now_ns);
	if (l->resting && l->phase == LOAD_SENDING)
		load_session_retry(l, now_ns);
	if (l->phase == LOAD_SENDING && !l->alive)
		end_sending(l, now_ns, true);
	if (l->phase != LOAD_DRAINING || (l->slots.used && now_ns < l->drain_end_ns))
		return;
	end(l, now_ns);
}

int load_turn(struct load *l)
{
	uint64_t answers = l->loop->stats.messages_in, requests = l->number;
	int64_t now_ns = l->plan.clock(l->loop), wait;
	int rc;

	pacer_count_turn(&l->pacer, now_ns, l->was_idle);
	if (l->phase == LOAD_SENDING)
		now_ns = l->plan.outstanding ? send_closed(l, now_ns) : send_open(l, now_ns);
	wait = wait_ns(l, now_ns);
	rc = loop_turn(l->loop, wait);
	if (rc < 0)
		return rc;
	l->was_idle = !wait && answers == l->loop->stats.messages_in && requests == l->number;
	look_around(l);
	return l->phase != LOAD_OVER;
}
