/*
 * guard.h - a connection that has to prove first that it knows a secret, and is shown the same.
 *
 *	node		challenge	-> peer
 *	peer		proof		-> node		(a wrong one ends the connection)
 *	node		welcome		-> peer		(a wrong one, too); from here on as ever
 *
 * Until then the connection is not its role's: a guard stands in between, knows these messages
 * alone, and ends it if they do not come in time. Nothing else is looked at. Afterwards nothing is
 * left of it: neither memory nor time.
 *
 * A role that connects hears of opened() when both are sure, and must not append before. It hears
 * of closed() in any case: who connects hears CONN_REFUSED, and conn_reason() has the sentence; a
 * node CONN_FAULT with WIRE_NO_PROOF, WIRE_LATE_PROOF or WIRE_BAD_PROOF.
 *
 * What is proved is proved of the beginning of a connection. On TLS it is bound to that (a proof
 * cannot be passed on by somebody in between); without, whoever can change what is on its way can
 * change what comes later: docs/TRUST.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_GUARD_H
#define RW_ENGINE_GUARD_H

#include "engine/conn.h"
#include "engine/secret.h"

/*
 * Right behind conn_open() and conn_connect(), whose result c is; also of TLS, not of datagrams.
 * Returns c. NULL: c was, or memory is out: then c is closed and nothing is called.
 */
struct conn *guard_node(struct conn *c, const struct secret *secret);
struct conn *guard_client(struct conn *c, const struct secret *secret);

/* A client of a node that has not proved anything yet. */
bool guard_waits_for_client(const struct conn *c);

/* For conn_reason(). */
const char *guard_reason(const struct conn *c);

/* For loop.c, after the backend is closed; NULL is fine. */
struct guard;
void guard_finish(struct guard *guard);
/* Connections of a loop that have not proved anything yet: memory that is in use. */
uint32_t guard_proofs(const struct guard *guard);

#endif
