/*
 * tls_loop.c - what the TLS connections of one loop share: memory, deadlines, sessions.
 *
 * One timer watches all unfinished handshakes. It is set for the first deadline and left alone when
 * that handshake ends in time; when it fires it looks for the next.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "engine/tls_private.h"

/* Free objects kept for reuse. */
#define KEEP_CONNS 64
#define KEEP_OUTS  32

/* Addresses whose sessions are kept; connections to more of them shake hands in full. */
#define TARGETS_MAX 64

static void set_timer(struct tls_loop *l);

struct tls_loop *tls_loop_get(struct loop *loop)
{
	struct tls_loop *l = loop->tls;

	if (l)
		return l;
	l = malloc(sizeof(*l));
	if (!l)
		return NULL;
	memset(l, 0, offsetof(struct tls_loop, in));
	l->loop = loop;
	cache_init(&l->conns, sizeof(struct tls_conn), KEEP_CONNS);
	cache_init(&l->outs, sizeof(struct tls_out), KEEP_OUTS);
	loop->tls = l;
	return l;
}

void tls_loop_finish(struct tls_loop *l)
{
	if (!l)
		return;
	while (l->targets) {
		struct tls_target *target = l->targets;

		l->targets = target->next;
		SSL_SESSION_free(target->session);
		free(target);
	}
	cache_finish(&l->conns);
	cache_finish(&l->outs);
	free(l);
}

static void expire(struct tls_conn *t)
{
	char limit[32];

	tls_set_reason(
		t, "no TLS handshake within %s",
		units_human_time((double)t->context->opts.handshake_ns, limit, sizeof(limit)));
	tls_fail(t, -ETIMEDOUT);
}

static void on_timer(struct io_op *op, const struct io_result *r)
{
	struct tls_loop *l = (struct tls_loop *)((char *)op - offsetof(struct tls_loop, timer));

	(void)r;
	l->is_timing = l->is_cancelled = false;
	while (l->first && l->first->deadline_ns <= loop_now_ns(l->loop))
		expire(l->first);
	set_timer(l);
}

/* Another role's handshakes may have less time than the one that the timer is set for. */
static bool is_set_too_late(const struct tls_loop *l)
{
	return l->first->deadline_ns < l->timer.deadline_ns && !l->is_cancelled;
}

static void set_timer(struct tls_loop *l)
{
	if (!l->first)
		return;
	if (l->is_timing && is_set_too_late(l)) {
		l->is_cancelled = true;
		loop_cancel(l->loop, &l->timer);
	}
	if (l->is_timing)
		return;
	l->is_timing = true;
	l->timer.kind = IO_TIMER;
	l->timer.deadline_ns = l->first->deadline_ns;
	l->timer.done = on_timer;
	loop_submit(l->loop, &l->timer);
}

/* A role's handshakes all have the same time, so the place is nearly always the end. */
void tls_loop_add(struct tls_loop *l, struct tls_conn *t)
{
	struct tls_conn *before = l->last;

	t->deadline_ns = loop_now_ns(l->loop) + t->context->opts.handshake_ns;
	while (before && before->deadline_ns > t->deadline_ns)
		before = before->before;
	t->before = before;
	t->after = before ? before->after : l->first;
	if (t->before)
		t->before->after = t;
	else
		l->first = t;
	if (t->after)
		t->after->before = t;
	else
		l->last = t;
	l->handshakes++;
	set_timer(l);
}

void tls_loop_remove(struct tls_loop *l, struct tls_conn *t)
{
	if (t->before)
		t->before->after = t->after;
	else
		l->first = t->after;
	if (t->after)
		t->after->before = t->before;
	else
		l->last = t->before;
	l->handshakes--;
}

static bool is_for(const struct tls_target *target, const struct address *to,
		   const struct tls_peer *peer)
{
	return target->context == peer->context && target->to.len == to->len &&
	       !memcmp(&target->to.storage, &to->storage, to->len) &&
	       !strcmp(target->host, peer->host);
}

struct tls_target *tls_loop_target(struct tls_loop *l, const struct address *to,
				   const struct tls_peer *peer)
{
	struct tls_target *target = l->targets;

	while (target && !is_for(target, to, peer))
		target = target->next;
	if (target || !peer->context->opts.resume || l->target_count == TARGETS_MAX)
		return target;
	target = calloc(1, sizeof(*target));
	if (!target)
		return NULL;
	target->context = peer->context;
	target->to = *to;
	memcpy(target->host, peer->host, sizeof(target->host));
	target->next = l->targets;
	l->targets = target;
	l->target_count++;
	return target;
}
