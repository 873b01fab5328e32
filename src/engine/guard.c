/*
 * guard.c - see guard.h.
 *
 * A guarded connection has one of three roles of ours instead of its own, which waits in a struct
 * proof: one for each message that can come next, so that conn_input.c refuses all others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/guard.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stddef.h>

#include "base/units.h"
#include "engine/conn_private.h"
#include "engine/deadlines.h"
#include "engine/tls.h"

#define KEEP_PROOFS 64

/* One connection's, until it is proved. */
struct proof {
	struct deadline deadline;
	struct conn *conn;
	const struct secret *secret;
	const struct conn_role *role; /* whose the connection will be */
	void *owner;
	struct secret_talk talk;
	bool is_timed; /* not while it connects */
};

/* What those of a loop share. */
struct guard {
	struct cache proofs;
	struct deadlines deadlines;
	const struct conn *ending; /* reason is its */
	const char *reason;
	char text[128];
};

static const struct conn_role awaits_proof, awaits_challenge, awaits_welcome, nobody;

static struct guard *guard_of(const struct conn *c)
{
	return c->loop->guard;
}

static void expire(struct deadline *d);

static struct guard *guard_get(struct loop *loop)
{
	struct guard *g = loop->guard;

	if (g)
		return g;
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	cache_init(&g->proofs, sizeof(struct proof), KEEP_PROOFS);
	deadlines_init(&g->deadlines, loop, expire);
	loop->guard = g;
	return g;
}

void guard_finish(struct guard *g)
{
	if (!g)
		return;
	cache_finish(&g->proofs);
	free(g);
}

uint32_t guard_proofs(const struct guard *g)
{
	return g->proofs.live;
}

static void start_clock(struct proof *p)
{
	struct loop *loop = p->conn->loop;

	p->is_timed = true;
	deadlines_add(&loop->guard->deadlines, &p->deadline,
		      loop_now_ns(loop) + secret_proof_ns(p->secret));
}

/* The connection is its role's again. */
static void leave(struct proof *p)
{
	struct conn *c = p->conn;
	struct guard *g = guard_of(c);

	c->role = p->role;
	c->owner = p->owner;
	if (p->is_timed)
		deadlines_remove(&g->deadlines, &p->deadline);
	OPENSSL_cleanse(&p->talk, sizeof(p->talk));
	cache_put(&g->proofs, p);
}

/* Ends a client's connection with this sentence. */
static void refuse(struct conn *c, int code, const char *reason)
{
	struct guard *g = guard_of(c);

	g->ending = c;
	g->reason = reason;
	conn_end(c, CONN_REFUSED, code);
}

static void expire(struct deadline *d)
{
	struct proof *p = (struct proof *)d;
	struct guard *g = guard_of(p->conn);
	char limit[32];

	if (p->conn->role == &awaits_proof) {
		conn_fault(p->conn, WIRE_LATE_PROOF);
		return;
	}
	units_human_time((double)secret_proof_ns(p->secret), limit, sizeof(limit));
	snprintf(g->text, sizeof(g->text),
		 p->conn->role == &awaits_challenge
			 ? "the node has not asked for the secret within %s; was it started "
			   "without --secret-file?"
			 : "the node has not answered the proof of the secret within %s",
		 limit);
	refuse(p->conn, -ETIMEDOUT, g->text);
}

static bool append(struct conn *c, enum wire_type type, const uint8_t *first, const uint8_t *second,
		   uint32_t second_len)
{
	uint32_t len = wire_rare_len(type);
	uint8_t *at = conn_append(c, WIRE_HEAD + len);

	if (!at)
		return false;
	wire_put_head(at, &(struct wire_head){ .length = WIRE_HEAD + len,
					       .version = WIRE_VERSION,
					       .type = (uint8_t)type,
					       .body_len = len });
	memcpy(at + WIRE_HEAD, first, len - second_len);
	if (second_len)
		memcpy(at + WIRE_HEAD + len - second_len, second, second_len);
	return true;
}

/* False: the connection is on TLS that does not say which connection it is. */
static bool bind_talk(struct proof *p)
{
	int len = tls_binding(p->conn, p->talk.binding);

	p->talk.binding_len = len > 0 ? (uint8_t)len : 0;
	return len >= 0;
}

static void on_proof(struct conn *c, const struct message *m)
{
	struct proof *p = c->owner;
	uint8_t mac[WIRE_MAC];

	memcpy(p->talk.random, m->body, WIRE_RANDOM);
	if (!bind_talk(p) ||
	    !secret_check(p->secret, SECRET_CLIENT, &p->talk, m->body + WIRE_RANDOM) ||
	    secret_prove(p->secret, SECRET_NODE, &p->talk, mac)) {
		conn_fault(c, WIRE_BAD_PROOF);
		return;
	}
	if (append(c, WIRE_WELCOME, mac, NULL, 0))
		leave(p);
}

static void on_challenge(struct conn *c, const struct message *m)
{
	struct proof *p = c->owner;
	uint8_t mac[WIRE_MAC];

	memcpy(p->talk.challenge, m->body, WIRE_RANDOM);
	if (!bind_talk(p)) {
		refuse(c, -EPROTO,
		       "this connection on TLS 1.2 cannot be told from another "
		       "(extended_master_secret): the secret is not used on it");
		return;
	}
	if (secret_draw(p->talk.random) || secret_prove(p->secret, SECRET_CLIENT, &p->talk, mac)) {
		refuse(c, -EIO, "no random numbers for the proof of the secret");
		return;
	}
	c->role = &awaits_welcome;
	append(c, WIRE_PROOF, p->talk.random, mac, sizeof(mac));
}

static void on_welcome(struct conn *c, const struct message *m)
{
	struct proof *p = c->owner;

	if (!secret_check(p->secret, SECRET_NODE, &p->talk, m->body)) {
		refuse(c, -EACCES, "the node does not know the secret: its proof is wrong");
		return;
	}
	leave(p);
	if (c->role->opened)
		c->role->opened(c);
}

/* Connected; TLS has shaken hands. */
static void on_opened(struct conn *c)
{
	start_clock(c->owner);
}

static void on_node_closed(struct conn *c, enum conn_end end, int code)
{
	leave(c->owner);
	if (end == CONN_FAULT && code == WIRE_BAD_TYPE)
		code = WIRE_NO_PROOF;
	if (c->role->closed)
		c->role->closed(c, end, code);
}

/* What it means that a node ended, or said something else. */
static const char *explain(const struct proof *p, enum conn_end end, int code)
{
	bool has_proved = p->conn->role == &awaits_welcome;

	if (end == CONN_FAULT)
		return has_proved
			       ? "what the node said to the proof of the secret is no answer to it"
		       : code == WIRE_BAD_TYPE
			       ? "the node did not ask for the secret, but said something else"
			       : wire_fault_text((enum wire_fault)code);
	return has_proved ? "the node did not accept the proof: its secret is another one"
			  : "the node closed the connection before it asked for the secret";
}

static void on_client_closed(struct conn *c, enum conn_end end, int code)
{
	struct guard *g = guard_of(c);
	struct proof *p = c->owner;

	if (p->is_timed && end != CONN_LOCAL && end != CONN_REFUSED) {
		g->ending = c;
		g->reason = explain(p, end, code);
		end = CONN_REFUSED;
		code = -EACCES;
		c->loop->stats.refused++;
	}
	leave(p);
	if (c->role->closed)
		c->role->closed(c, end, code);
	g->ending = NULL;
}

static const struct conn_role awaits_proof = {
	.accepts = WIRE_PROOF,
	.message = on_proof,
	.closed = on_node_closed,
};
static const struct conn_role awaits_challenge = {
	.accepts = WIRE_CHALLENGE,
	.opened = on_opened,
	.message = on_challenge,
	.closed = on_client_closed,
};
static const struct conn_role awaits_welcome = {
	.accepts = WIRE_WELCOME,
	.message = on_welcome,
	.closed = on_client_closed,
};
static const struct conn_role nobody = { 0 };

/* NULL: memory is out, or was c; c is closed, and its role has not heard of it. */
static struct proof *create(struct conn *c, const struct secret *secret)
{
	struct guard *g = c ? guard_get(c->loop) : NULL;
	struct proof *p = g ? cache_get(&g->proofs) : NULL;

	if (!c)
		return NULL;
	if (!p) {
		c->role = &nobody;
		conn_close(c);
		return NULL;
	}
	memset(p, 0, sizeof(*p));
	p->conn = c;
	p->secret = secret;
	p->role = c->role;
	p->owner = c->owner;
	c->owner = p;
	return p;
}

struct conn *guard_client(struct conn *c, const struct secret *secret)
{
	if (!create(c, secret))
		return NULL;
	c->role = &awaits_challenge;
	return c;
}

struct conn *guard_node(struct conn *c, const struct secret *secret)
{
	struct proof *p = create(c, secret);

	if (!p)
		return NULL;
	c->role = &nobody;
	if (secret_draw(p->talk.challenge) ||
	    !append(c, WIRE_CHALLENGE, p->talk.challenge, NULL, 0)) {
		conn_close(c);
		cache_put(&guard_of(c)->proofs, p);
		return NULL;
	}
	c->role = &awaits_proof;
	start_clock(p);
	return c;
}

bool guard_waits_for_client(const struct conn *c)
{
	return c->role == &awaits_proof;
}

const char *guard_reason(const struct conn *c)
{
	const struct guard *g = guard_of(c);

	return g && g->ending == c ? g->reason : NULL;
}
