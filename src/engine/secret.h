/*
 * secret.h - what those who trust each other know, and how one shows it without saying it.
 *
 * The secret is what a file says, without one newline at its end, or RINGWALK_SECRET in the
 * environment; never an argument, which everybody on the machine can read. At least SECRET_MIN
 * bytes, because whoever hears a proof can try secrets against it at leisure: 32 random bytes in
 * hex (openssl rand -hex 32) are beyond that. A file of one's own that others can read is refused.
 *
 * guard.h is what a connection makes of it; docs/TRUST.md says what it is good for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_SECRET_H
#define RW_ENGINE_SECRET_H

#include "base/err.h"
#include "base/knob.h"
#include "engine/wire.h"

#define SECRET_MIN	   16
#define SECRET_MAX	   4096
#define SECRET_ENVIRONMENT "RINGWALK_SECRET"

struct secret_opts {
	char file[256]; /* --secret-file; empty: the environment, and if that has none: no secret */
	int64_t proof_ns; /* --secret-timeout: longest wait for each other's proof */
};

extern const struct knob_group secret_knobs; /* bare names; both roles have them */

/* Shared by threads; outlives the loops that use it. */
struct secret;
/* *ret is NULL where no secret is given. */
int secret_create(struct secret **ret, const struct secret_opts *opts, struct err *err);
void secret_destroy(struct secret *secret); /* NULL is fine; leaves no copy in memory */
int64_t secret_proof_ns(const struct secret *secret);

/* Random bytes that nobody can guess; 0 or -EIO. */
int secret_draw(uint8_t ret[WIRE_RANDOM]);

enum secret_side { SECRET_NODE, SECRET_CLIENT };

/* What both sides know of a connection. */
struct secret_talk {
	uint8_t challenge[WIRE_RANDOM], random[WIRE_RANDOM];
	uint8_t binding[32];
	uint8_t binding_len;
};

/* What the one on this side shows the other. 0 or -EIO. */
int secret_prove(const struct secret *secret, enum secret_side side, const struct secret_talk *talk,
		 uint8_t ret[WIRE_MAC]);
/* Whether mac is that. Takes as long for a wrong one as for the right one. */
bool secret_check(const struct secret *secret, enum secret_side side,
		  const struct secret_talk *talk, const uint8_t mac[WIRE_MAC]);

#endif
