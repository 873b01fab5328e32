/*
 * tls_loop.c - what the TLS connections of one loop share: memory, deadlines, sessions.
 *
 * One timer watches all unfinished handshakes (deadlines.h).
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

static void expire(struct deadline *d)
{
	struct tls_conn *t = (struct tls_conn *)((char *)d - offsetof(struct tls_conn, deadline));
	char limit[32];

	tls_set_reason(
		t, "no TLS handshake within %s",
		units_human_time((double)t->context->opts.handshake_ns, limit, sizeof(limit)));
	tls_fail(t, -ETIMEDOUT);
}

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
	deadlines_init(&l->handshakes, loop, expire);
	cache_init_in(&l->conns, &loop->pool, sizeof(struct tls_conn), KEEP_CONNS);
	cache_init_in(&l->outs, &loop->pool, sizeof(struct tls_out), KEEP_OUTS);
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

void tls_loop_add(struct tls_loop *l, struct tls_conn *t)
{
	deadlines_add(&l->handshakes, &t->deadline,
		      loop_now_ns(l->loop) + t->context->opts.handshake_ns);
}

void tls_loop_remove(struct tls_loop *l, struct tls_conn *t)
{
	deadlines_remove(&l->handshakes, &t->deadline);
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
