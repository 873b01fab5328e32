/*
 * forward.c - forwards: attempts, answers, quorum, retries, the end. forward.h has the rules.
 *
 * Whatever happens to a forward (it begins, an answer, a loss, its timer) changes targets and may
 * decide it; only then, as the last thing, end() lets go of it and its request goes on: that may
 * run programs, which may begin and end other forwards.
 *
 * operation_forward.c begins them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/forward.h"

#include <errno.h>

#include "base/clock.h"

/* Padding up to here is cheaper as bytes behind the head than as a part of its own. */
#define INLINE_PADDING 512

#define KEEP_FEW     1024
#define KEEP_MANY    16
#define KEEP_RECORDS 256
#define FEW	     4

static struct cache *cache_of(struct forwards *all, unsigned count)
{
	return count <= FEW ? &all->few : &all->many;
}

struct forward *forward_create(struct forwards *all, unsigned count)
{
	struct forward *f = cache_get(cache_of(all, count));

	if (!f)
		return NULL;
	memset(f, 0, sizeof(*f) + count * sizeof(*f->targets));
	f->all = all;
	f->count = (uint16_t)count;
	return f;
}

static void list_add(struct forward **head, struct forward *f)
{
	f->next = *head;
	f->linked = head;
	if (f->next)
		f->next->linked = &f->next;
	*head = f;
}

static void list_remove(struct forward *f)
{
	*f->linked = f->next;
	if (f->next)
		f->next->linked = f->linked;
}

void forward_adopt(struct waiting *w, struct forward *f)
{
	f->owner = w;
	list_add(&w->forwards, f);
}

static int64_t now_of(const struct forward *f)
{
	return program_now_ns(f->owner->run.host);
}

/* Nobody waits for it any more. It goes with its timer. */
static void let_go(struct forward *f)
{
	struct forwards *all = f->all;

	for (unsigned i = 0; i < f->count; i++) {
		struct attempt *a;

		while ((a = f->targets[i].attempts)) {
			f->targets[i].attempts = a->sibling;
			upstream_drop(&all->upstreams, a);
		}
	}
	list_remove(f);
	f->owner = NULL;
	if (!f->timer_runs) {
		cache_put(cache_of(all, f->count), f);
		return;
	}
	list_add(&all->orphans, f);
	loop_cancel(all->upstreams.loop, &f->timer);
}

static void decide(struct forward *f, enum wire_status status, const struct target *t)
{
	f->is_decided = true;
	f->status = status;
	f->child = (struct wire_child){
		.depth = 1,
		.status = status,
		.tag = f->asked.tag,
		.destination = (uint16_t)(t - f->targets),
		.attempts = f->asked.pick ? f->tries : t->tries,
		.elapsed_ns = (uint64_t)(now_of(f) - f->started_ns),
	};
}

/* When an attempt at t that begins now has been silent for too long. */
static int64_t deadline_ns(const struct forward *f, const struct target *t)
{
	int64_t patience_ns = f->asked.timeout_us * US;

	if (!patience_ns && t->to.transport == TRANSPORT_UDP)
		patience_ns = FORWARD_UDP_TIMEOUT_NS;
	return patience_ns ? now_of(f) + patience_ns : INT64_MAX;
}

/* 0, or -errno: it cannot begin. */
static int begin(struct forward *f, struct target *t, struct attempt **ret)
{
	if (t->to.transport == TRANSPORT_UDP && f->asked.size > DATAGRAM_MAX)
		return -EMSGSIZE;
	return upstream_begin(&f->all->upstreams, &t->to, f->hops, f, (uint16_t)(t - f->targets),
			      ret);
}

/* What is forbidden is told apart from what does not work. */
static enum wire_status status_of(int code)
{
	return code == -EACCES || code == -EMSGSIZE ? WIRE_REFUSED : WIRE_ERROR;
}

static bool may_try_again(const struct forward *f, const struct target *t)
{
	return (f->asked.pick ? f->tries : t->tries) <= f->asked.retries;
}

/* t cannot answer any more. */
static void give_up(struct forward *f, struct target *t, enum wire_status status)
{
	t->state = TARGET_PASSED;
	f->waiting--;
	if (f->answered + f->waiting < f->quorum)
		decide(f, status, t);
}

/*
 * After t has been silent or has failed: whom to ask instead, t itself without a pick. NULL: nobody
 * is left.
 */
static struct target *next_try(struct forward *f, struct target *t, enum wire_status status)
{
	if (!may_try_again(f, t)) {
		give_up(f, t, status);
		return NULL;
	}
	if (!f->asked.pick)
		return t;
	t->state = TARGET_PASSED;
	return forward_pick(f);
}

/* What is forbidden or too much stays so: only another candidate can help. */
static struct target *next_after_refusal(struct forward *f, struct target *t,
					 enum wire_status status)
{
	if (f->asked.pick)
		return next_try(f, t, status);
	give_up(f, t, status);
	return NULL;
}

static void forget(struct forward *f, struct target *t, struct attempt *a)
{
	struct attempt **at = &t->attempts;

	while (*at != a)
		at = &(*at)->sibling;
	*at = a->sibling;
	upstream_drop(&f->all->upstreams, a);
}

/* Asks t, or whoever comes next if that fails at once. t counts as waiting already. */
void forward_ask(struct forward *f, struct target *t)
{
	struct attempt *a;

	while (t) {
		int code;

		t->state = TARGET_WAITING;
		t->tries++;
		f->tries++;
		t->deadline_ns = deadline_ns(f, t);
		code = begin(f, t, &a);
		if (!code) {
			a->sibling = t->attempts;
			t->attempts = a;
			return;
		}
		t = next_after_refusal(f, t, status_of(code));
	}
}

/* t was silent for too long, or has failed. */
static void ask_again(struct forward *f, struct target *t, enum wire_status status)
{
	struct attempt *a = t->attempts;

	if (a && !a->is_written && may_try_again(f, t) && !f->asked.pick) {
		/* It stands in the queue still: a second one behind it would be no help. */
		t->tries++;
		t->deadline_ns = deadline_ns(f, t);
		return;
	}
	if (a && !a->is_written)
		forget(f, t, a);
	forward_ask(f, next_try(f, t, status));
}

static void on_timer(struct io_op *op, const struct io_result *r);

/* For the target that is due first, or the end of the request. */
void forward_arm(struct forward *f)
{
	int64_t due_ns = f->expires_ns ? f->expires_ns : INT64_MAX;

	if (f->timer_runs)
		return;
	for (unsigned i = 0; i < f->count; i++) {
		struct target *t = &f->targets[i];

		if (t->state == TARGET_WAITING && t->deadline_ns < due_ns)
			due_ns = t->deadline_ns;
	}
	if (due_ns == INT64_MAX)
		return;
	f->timer_runs = true;
	f->timer.kind = IO_TIMER;
	f->timer.state = 0;
	f->timer.done = on_timer;
	f->timer.deadline_ns = due_ns;
	loop_submit(f->all->upstreams.loop, &f->timer);
}

static void count_end(struct forward_stats *s, enum wire_status status)
{
	uint64_t *const counts[WIRE_STATUSES] = { &s->completed, &s->failures, &s->timeouts,
						  &s->refused };

	++*counts[status];
}

static struct records *records_of(struct forwards *all, struct waiting *w)
{
	if (!w->records) {
		w->records = cache_get(&all->records);
		if (w->records) {
			w->records->len = 0;
			w->records->is_cut = false;
		}
	}
	return w->records;
}

static bool is_awaited(const struct waiting *w, const struct forward *f)
{
	return w->awaits_all || w->awaited == f;
}

/* The part of the time until now_ns that w had nothing to do but wait for f. */
static int64_t take_waited_ns(struct waiting *w, const struct forward *f, int64_t now_ns)
{
	int64_t waited_ns = now_ns - w->waits_since_ns;

	if (!is_awaited(w, f) || waited_ns < 0)
		return 0;
	w->waits_since_ns = now_ns;
	w->run.forward_ns += waited_ns;
	return waited_ns;
}

/* m: the answer that decided it, or NULL. */
void forward_record(struct forward *f, const struct message *m)
{
	struct waiting *w = f->owner;
	struct records *records = records_of(f->all, w);
	const uint8_t *body = m ? m->body : NULL;
	uint32_t body_len = m && m->head.body_len >= WIRE_HOP ? m->head.body_len : 0;

	count_end(&f->all->stats, f->status);
	if (f->status && !w->run.status)
		w->run.status = f->status;
	f->child.waited_ns = (uint64_t)take_waited_ns(w, f, now_of(f));
	if (body_len)
		wire_get_hop(body, &f->child.hop);
	if (records)
		records_add(records, &f->child, body, body_len, m ? m->head.flags : 0);
	let_go(f);
}

static void end(struct forward *f, const struct message *m)
{
	struct waiting *w = f->owner;
	bool was_awaited = is_awaited(w, f);
	int64_t now_ns = now_of(f);

	forward_record(f, m);
	if (!was_awaited || (w->awaits_all && w->forwards))
		return;
	w->ready_ns = now_ns > w->waits_since_ns ? now_ns : w->waits_since_ns;
	w->awaited = NULL;
	w->awaits_all = false;
	program_continue(w);
}

static void on_timer(struct io_op *op, const struct io_result *r)
{
	struct forward *f = (struct forward *)op;
	int64_t now_ns = loop_now_ns(f->all->upstreams.loop);
	bool is_over = f->expires_ns && f->expires_ns <= now_ns;

	(void)r;
	f->timer_runs = false;
	if (!f->owner) {
		list_remove(f);
		cache_put(cache_of(f->all, f->count), f);
		return;
	}
	for (unsigned i = 0; i < f->count && !f->is_decided; i++) {
		struct target *t = &f->targets[i];

		if (t->state != TARGET_WAITING || (!is_over && t->deadline_ns > now_ns))
			continue;
		if (is_over)
			give_up(f, t, WIRE_TIMEOUT);
		else
			ask_again(f, t, WIRE_TIMEOUT);
	}
	if (f->is_decided)
		end(f, NULL);
	else
		forward_arm(f);
}

static void on_lost(struct attempt *a)
{
	struct forward *f = a->owner;
	struct target *t = &f->targets[a->place];

	forget(f, t, a);
	if (t->state == TARGET_WAITING && !t->attempts)
		ask_again(f, t, WIRE_ERROR);
	if (f->is_decided)
		end(f, NULL);
	else
		forward_arm(f);
}

static void on_answered(struct attempt *a, const struct message *m)
{
	struct forward *f = a->owner;
	struct target *t = &f->targets[a->place];
	bool was_waiting = t->state == TARGET_WAITING;
	unsigned status = m->head.hops;

	program_look_ns(f->owner->run.host);
	while (t->attempts)
		forget(f, t, t->attempts);
	if (status != WIRE_OK) {
		if (was_waiting)
			give_up(f, t, status < WIRE_STATUSES ? status : WIRE_ERROR);
	} else {
		f->waiting -= was_waiting;
		t->state = TARGET_ANSWERED;
		if (++f->answered >= f->quorum)
			decide(f, WIRE_OK, t);
	}
	if (f->is_decided)
		end(f, m);
}

/* bytes NULL: zeros. */
static void append_bytes(struct conn *c, const uint8_t *bytes, uint32_t len)
{
	while (len) {
		uint32_t part = len < CHUNK_BYTES ? len : CHUNK_BYTES;
		uint8_t *p = conn_append_more(c, part);

		if (!p)
			return;
		if (bytes) {
			memcpy(p, bytes, part);
			bytes += part;
		} else {
			memset(p, 0, part);
		}
		len -= part;
	}
}

static void write_request(struct attempt *a, struct conn *c)
{
	struct forward *f = a->owner;
	const struct target *t = &f->targets[a->place];
	uint32_t filled = WIRE_HEAD + t->program_len, padding = f->asked.size - filled;
	uint32_t inlined = padding <= INLINE_PADDING ? padding : 0;
	int64_t left_us = (f->expires_ns - now_of(f)) / US;
	uint8_t *p = conn_append(c, WIRE_HEAD);

	f->all->stats.retries += (f->asked.pick ? f->tries : t->tries) > 1;
	if (!p)
		return;
	wire_put_head(p, &(struct wire_head){
				 .length = f->asked.size,
				 .version = WIRE_VERSION,
				 .type = WIRE_REQUEST,
				 .hops = f->hops,
				 .id = upstream_id(&f->all->upstreams, a),
				 .body_len = t->program_len,
				 .deadline_us = !f->expires_ns ? 0
						: left_us > 0  ? (uint32_t)left_us
							       : 1,
			 });
	append_bytes(c, t->program, t->program_len);
	append_bytes(c, NULL, inlined);
	conn_append_payload(c, padding - inlined);
}

static const struct attempt_events events = {
	.write = write_request,
	.answered = on_answered,
	.lost = on_lost,
};

void forwards_drop(struct waiting *w)
{
	struct forward *f = w->forwards;

	for (; f; f = w->forwards) {
		f->all->stats.cancelled++;
		let_go(f);
	}
	if (w->records)
		cache_put(&w->run.host->forwards->records, w->records);
	w->records = NULL;
}

int forwards_init(struct forwards *all, struct loop *loop, const struct upstream_opts *opts,
		  uint32_t seed)
{
	size_t target = sizeof(struct target);

	*all = (struct forwards){ .key = random_key(seed, 0, 0, 0) };
	cache_init(&all->few, sizeof(struct forward) + FEW * target, KEEP_FEW);
	cache_init(&all->many, sizeof(struct forward) + WIRE_FAN_OUT * target, KEEP_MANY);
	cache_init(&all->records, sizeof(struct records), KEEP_RECORDS);
	return upstreams_init(&all->upstreams, loop, opts, &events, &all->stats);
}

void forwards_end(struct forwards *all)
{
	upstreams_end(&all->upstreams);
}

void forwards_finish(struct forwards *all)
{
	struct forward *f;

	while ((f = all->orphans)) {
		list_remove(f);
		cache_put(cache_of(all, f->count), f);
	}
	cache_finish(&all->few);
	cache_finish(&all->many);
	cache_finish(&all->records);
	upstreams_finish(&all->upstreams);
}
