/*
 * tls_private.h - what the files of TLS know of each other, and conn.c of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_TLS_PRIVATE_H
#define RW_ENGINE_TLS_PRIVATE_H

#include "engine/conn_private.h"
#include "engine/deadlines.h"
#include "engine/tls.h"

struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;
struct bio_method_st;
struct x509_store_ctx_st;

/* A record holds so much, and adds at most so much: head, tag, padding, explicit IV. */
#define TLS_PIECE    16384
#define TLS_OVERHEAD 512
/* Encrypted and not sent yet; the reserve is for what OpenSSL says of its own accord. */
#define TLS_PIECES    2
#define TLS_RESERVE   2048
#define TLS_OUT_BYTES (TLS_PIECES * (TLS_PIECE + TLS_OVERHEAD) + TLS_RESERVE)

struct tls_context {
	struct tls_opts opts;
	enum tls_side side;
	struct ssl_ctx_st *ctx;
	struct bio_method_st *bio;
	uint8_t alpn[1 + sizeof(((struct tls_opts *)0)->alpn)]; /* its length, its bytes */
	uint8_t alpn_len;					/* of both; 0: none */
};

/* Ciphertext on its way, the send in flight. */
struct tls_out {
	struct io_op op;
	struct tls_conn *owner;
	uint32_t used, sent;
	uint8_t bytes[TLS_OUT_BYTES];
};

struct tls_conn {
	struct conn conn; /* first */
	struct tls_context *context;
	struct ssl_st *ssl;	     /* NULL: a server that has heard nothing, or closed */
	const struct tls_peer *peer; /* a client's, until it is open */
	struct tls_target *target;   /* a client's: where its sessions are kept, or NULL */
	struct tls_out *out;	     /* NULL: nothing to send */
	const uint8_t *in;	     /* lent */
	uint32_t in_len;	     /* of it not read yet */
	struct deadline deadline;    /* while the handshake goes on */
	bool is_handshaking;
	bool is_sending;
	bool has_heard;	   /* something came from the peer */
	bool has_failed;   /* OpenSSL must not be asked again */
	bool has_reason;   /* tls_loop.reason is this connection's */
	bool said_goodbye; /* close_notify is sent or on its way */
	bool peer_is_done; /* and here is the peer's */
};

/* A session that a server granted to this loop. */
struct tls_target {
	struct tls_target *next;
	const struct tls_context *context;
	struct address to;
	char host[256];
	struct ssl_session_st *session; /* the newest, or NULL */
};

/* What TLS connections of a loop share; made for the first one. */
struct tls_loop {
	struct loop *loop;
	struct cache conns, outs;
	struct deadlines handshakes; /* unfinished ones */
	struct tls_target *targets;
	uint32_t target_count;
	char reason[400];
	uint8_t in[TLS_PIECE], out[TLS_PIECE]; /* plain bytes of one record each way */
};

/* tls_loop.c */
struct tls_loop *tls_loop_get(struct loop *loop); /* NULL: memory is out */
void tls_loop_finish(struct tls_loop *l);	  /* after the backend was closed; NULL is fine */
void tls_loop_add(struct tls_loop *l, struct tls_conn *t);
void tls_loop_remove(struct tls_loop *l, struct tls_conn *t);
struct tls_target *tls_loop_target(struct tls_loop *l, const struct address *to,
				   const struct tls_peer *peer);

/* tls_bio.c: bytes between OpenSSL and the backend. */
struct bio_method_st *tls_bio_create(void); /* NULL: memory is out */
int tls_bio_attach(struct tls_conn *t);	    /* to t->ssl; 0 or -ENOMEM */
void tls_send(struct tls_conn *t);	    /* hands over what is encrypted */
void tls_drop_out(struct tls_conn *t);

/* tls_conn.c */
void tls_on_sent(struct io_op *op, const struct io_result *r);
void tls_fail(struct tls_conn *t, int code); /* t->has_reason */

/* tls_text.c: sets the reason, unless there is one. */
void tls_set_reason(struct tls_conn *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
void tls_explain(struct tls_conn *t);
int tls_on_verify(int ok, struct x509_store_ctx_st *store); /* OpenSSL's callback */

/* For conn.c: what a connection with CONN_TLS does instead, or besides. */
void tls_input(struct conn *c, const uint8_t *data, uint32_t len);
void tls_end_of_stream(struct conn *c);
void tls_flush(struct conn *c);
/* Says close_notify when nothing is owed; true: it has left, or there is nobody to say it to. */
bool tls_is_finished(struct conn *c, bool owes);
/* Only close_notify is on its way: a peer that has gone meanwhile has missed nothing. */
bool tls_has_parted(const struct conn *c);
void tls_end(struct conn *c, enum conn_end end); /* the close is submitted next */

#endif
