/*
 * tls.h - TLS 1.2 and 1.3 on a connection: what can be set, contexts, opening.
 *
 * A connection on TLS is a struct conn like any other: roles append, hold, finish and close it. No
 * descriptor is ever given to OpenSSL: received bytes are decrypted where the backend lends them,
 * what is queued is encrypted a few records at a time into a buffer that is sent like other bytes.
 * So every backend carries TLS, a large reply to a slow reader holds two records of ciphertext, and
 * nothing waits or spins. An idle connection gives OpenSSL's buffers back.
 *
 * The handshake goes on in the loop, for at most opts.handshake_ns. A client's opened() comes after
 * it. A failure is CONN_REFUSED before its end and CONN_LOST after it; conn_reason() has the
 * sentence. A stream that ends without close_notify is CONN_CUT: what came last may be missing.
 * conn_finish() says close_notify before it closes (a handshake is not finished, but ended);
 * conn_close() says it if that needs no waiting.
 *
 * A session that a server granted is kept for each address in each loop and is used by later
 * connections, more than once: sweeps want to compare, not to hide. Renegotiation is off.
 *
 * Where things are: tls_context.c (options to OpenSSL's context), tls_conn.c (a connection's life),
 * tls_bio.c (bytes in and out), tls_loop.c (what connections of a loop share), tls_text.c (why it
 * failed).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_TLS_H
#define RW_ENGINE_TLS_H

#include "base/knob.h"
#include "engine/address.h"
#include "engine/conn.h"

enum tls_version { TLS_1_2, TLS_1_3 };

struct tls_opts {
	char cert[256];		/* --tls-cert, --ssl-cert: PEM, own certificate, then its chain */
	char key[256];		/* --tls-key, --ssl-key: PEM; empty: it is in the file of cert */
	char ca[256];		/* --tls-ca, --ssl-ca: PEM, authorities that are trusted */
	char ca_path[256];	/* --tls-ca-path, --ssl-ca-path: a directory of them */
	char ciphers[256];	/* --tls-ciphers, --ssl-ciphers: up to TLS 1.2; empty: OpenSSL's */
	char ciphersuites[256]; /* --tls-ciphersuites: TLS 1.3; empty: OpenSSL's */
	char name[256];		/* --tls-name: asked for and checked; empty: the address's host */
	char alpn[64];		/* --tls-alpn: application protocol; empty: none */
	/*
	 * --tls-verify, --ssl-verify. A client checks the chain and the name. A server requires a
	 * certificate of its clients: DistWalk asks for one and accepts none, which checks nothing.
	 */
	bool verify;
	bool resume;		      /* --tls-resume */
	int min_version, max_version; /* --tls-min-version, --tls-max-version */
	int64_t handshake_ns;	      /* --tls-handshake: longest */
	int64_t handshakes;	      /* --tls-max-handshakes: unfinished at a time in a loop */
};

extern const struct knob_group tls_knobs; /* bare names; both roles have them */

/* What TLS connections of one role have in common. Shared by threads; outlives their loops. */
struct tls_context;
enum tls_side { TLS_SERVER, TLS_CLIENT };

/* opts is copied. */
int tls_context_create(struct tls_context **ret, const struct tls_opts *opts, enum tls_side side,
		       struct err *err);
void tls_context_destroy(struct tls_context *context); /* NULL is fine */

/* conn_open() for a server's side: NULL also when opts.handshakes are unfinished. */
struct conn *conn_open_tls(struct loop *loop, int fd, struct tls_context *context,
			   const struct conn_role *role, void *owner);
bool tls_is_crowded(const struct loop *loop, const struct tls_context *context);

/* Whom a client connects to. Both must stay as they are until opened() or closed(). */
struct tls_peer {
	struct tls_context *context; /* of a client */
	char host[256];		     /* address_host(); opts.name goes before it */
};
/* conn_connect() for a client's side. */
struct conn *conn_connect_tls(struct loop *loop, int fd, const struct address *to,
			      const struct tls_peer *peer, const struct conn_role *role,
			      void *owner);

/* For conn_reason(), and of TLS alone. */
const char *tls_reason(const struct conn *c);

/* What was agreed upon; the texts are constant. False: c is no TLS connection, or not open yet. */
struct tls_info {
	const char *version, *cipher;
	bool is_resumed;
	bool is_verified; /* the peer showed a certificate that was checked */
};
bool tls_describe(const struct conn *c, struct tls_info *ret);

/*
 * What both ends of this connection know, and nobody in between who has one with each of them (RFC
 * 9266): 32 bytes. Returns how many there are; 0: no TLS; -errno: not open, or TLS 1.2 without
 * extended_master_secret (RFC 7627), which does not tell.
 */
int tls_binding(const struct conn *c, uint8_t ret[32]);

#endif
