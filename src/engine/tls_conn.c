/*
 * tls_conn.c - a TLS connection's life: open, shake hands, decrypt, encrypt, say goodbye.
 *
 * conn.c and conn_input.c stay what they are: they get plain bytes from here, and what is queued
 * there is fetched from here. A server makes its SSL object when the first bytes come, so a peer
 * that connects and says nothing holds little, and not for long (tls_loop.c).
 *
 * OpenSSL is asked only when it can go on: reading has all that was lent, writing has room
 * (tls_bio.c). What it answers else than "more bytes, please" is the end of the connection.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "engine/tls_private.h"

/* The first byte of a record: what a handshake can begin with. */
#define RECORD_ALERT	 21
#define RECORD_HANDSHAKE 22

static struct tls_conn *tls_of(struct conn *c)
{
	return (struct tls_conn *)c;
}

static bool is_closing(const struct tls_conn *t)
{
	return t->conn.flags & CONN_CLOSING;
}

void tls_fail(struct tls_conn *t, int code)
{
	t->has_failed = true;
	conn_end(&t->conn, t->is_handshaking ? CONN_REFUSED : CONN_LOST, code);
}

static bool is_client(const struct tls_conn *t)
{
	return t->context->side == TLS_CLIENT;
}

void tls_end_of_stream(struct conn *c)
{
	struct tls_conn *t = tls_of(c);

	if (t->peer_is_done)
		return;
	if (t->is_handshaking) {
		tls_set_reason(t, "closed by the peer in the middle of the TLS handshake%s",
			       is_client(t) ? "; does it speak TLS on this port?" : "");
		tls_fail(t, -ECONNRESET);
		return;
	}
	tls_set_reason(t, "closed by the peer without TLS's close_notify: the end may be missing");
	conn_end(c, CONN_CUT, 0);
}

static void on_goodbye(struct tls_conn *t)
{
	if (t->is_handshaking) {
		tls_end_of_stream(&t->conn);
		return;
	}
	t->peer_is_done = true;
	conn_end_of_stream(&t->conn);
}

static bool has_rejected(const struct tls_conn *t)
{
	return t->is_handshaking && t->context->opts.verify &&
	       SSL_get_verify_result(t->ssl) != X509_V_OK;
}

/* OpenSSL could not go on, or waits for bytes that have not come. */
static void judge(struct tls_conn *t, int result)
{
	int what = SSL_get_error(t->ssl, result);

	if (what == SSL_ERROR_WANT_READ)
		return;
	if (what == SSL_ERROR_ZERO_RETURN) {
		on_goodbye(t);
		return;
	}
	tls_explain(t);
	tls_fail(t, has_rejected(t) ? -EKEYREJECTED : -EPROTO);
}

/* A name is asked for and checked, a number only checked: RFC 6066 has no room for it. */
static bool set_name(struct tls_conn *t)
{
	const struct tls_opts *o = &t->context->opts;
	const char *name = *o->name ? o->name : t->peer->host;
	X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);

	if (!*name || X509_VERIFY_PARAM_set1_ip_asc(param, name))
		return true;
	SSL_set_hostflags(t->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(t->ssl, name) && SSL_set_tlsext_host_name(t->ssl, name);
}

/* Continues an earlier session, if there is one. */
static void begin_client(struct tls_conn *t)
{
	SSL_set_connect_state(t->ssl);
	if (t->target && t->target->session)
		SSL_set_session(t->ssl, t->target->session);
}

static bool begin(struct tls_conn *t)
{
	ERR_clear_error();
	t->ssl = SSL_new(t->context->ctx);
	if (!t->ssl || tls_bio_attach(t) || (is_client(t) && !set_name(t))) {
		tls_set_reason(t, "TLS cannot begin: no memory, or the name is none");
		tls_fail(t, -ENOMEM);
		return false;
	}
	SSL_set_app_data(t->ssl, t);
	if (is_client(t))
		begin_client(t);
	else
		SSL_set_accept_state(t->ssl);
	return true;
}

static void tell_opened(struct tls_conn *t)
{
	struct conn *c = &t->conn;

	t->peer = NULL;
	c->flags &= ~CONN_CONNECTING;
	c->loop->stats.opened++;
	if (c->role->opened)
		c->role->opened(c);
}

static void finish_handshake(struct tls_conn *t)
{
	struct conn *c = &t->conn;
	struct loop_stats *stats = &c->loop->stats;

	t->is_handshaking = false;
	tls_loop_remove(c->loop->tls, t);
	stats->handshakes++;
	stats->handshakes_resumed += SSL_session_reused(t->ssl);
	if (is_client(t))
		tell_opened(t);
	/* What was queued meanwhile, before what comes behind the handshake can end it. */
	if (c->out.head && !is_closing(t))
		tls_flush(c);
}

/* True: the handshake is over and the connection is open. */
static bool shake_hands(struct tls_conn *t)
{
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(t->ssl);
	if (result == 1)
		finish_handshake(t);
	else
		judge(t, result);
	return result == 1 && !is_closing(t);
}

/* Whole records to messages. */
static void read_records(struct tls_conn *t)
{
	uint8_t *plain = t->conn.loop->tls->in;

	while ((t->in_len || SSL_has_pending(t->ssl)) && !t->peer_is_done) {
		int got;

		ERR_clear_error();
		got = SSL_read(t->ssl, plain, TLS_PIECE);
		if (got <= 0) {
			judge(t, got);
			return;
		}
		conn_input(&t->conn, plain, (uint32_t)got);
		if (is_closing(t))
			return;
	}
}

/* Peers that do not speak TLS at all are told apart before OpenSSL wonders about their bytes. */
static bool is_tls(struct tls_conn *t)
{
	if (t->has_heard)
		return true;
	t->has_heard = true;
	if (*t->in == RECORD_HANDSHAKE || *t->in == RECORD_ALERT)
		return true;
	tls_set_reason(t, "what came is no TLS; does the peer speak plain tcp?");
	tls_fail(t, -EPROTO);
	return false;
}

void tls_input(struct conn *c, const uint8_t *data, uint32_t len)
{
	struct tls_conn *t = tls_of(c);

	t->in = data;
	t->in_len = len;
	if (!is_tls(t) || (!t->ssl && !begin(t)))
		return;
	if (!t->is_handshaking || shake_hands(t))
		read_records(t);
	/* With answers it leaves at the end of the input. */
	if (!is_closing(t) && !(c->flags & CONN_DIRTY))
		tls_send(t);
}

static bool has_room(const struct tls_conn *t)
{
	return !t->out || t->out->used + TLS_PIECE + TLS_OVERHEAD + TLS_RESERVE <= TLS_OUT_BYTES;
}

/*
 * The next bytes of the queue, for one record: the one place where what is queued turns into bytes
 * to encrypt. Files and pages that are not copied never get into the queue (CONN_BY_COPY).
 */
static const uint8_t *next_piece(struct tls_conn *t, uint32_t *ret_len)
{
	return outqueue_peek(&t->conn.out, t->conn.loop->tls->out, TLS_PIECE, ret_len);
}

static void encrypt(struct tls_conn *t)
{
	struct conn *c = &t->conn;

	while (c->out.head && has_room(t)) {
		uint32_t len;
		const uint8_t *piece = next_piece(t, &len);
		int taken;

		ERR_clear_error();
		taken = SSL_write(t->ssl, piece, (int)len);
		if (taken <= 0) {
			tls_explain(t);
			tls_fail(t, -EPROTO);
			return;
		}
		outqueue_advance(&c->out, &c->loop->chunks, (uint32_t)taken);
	}
}

/* Encrypts what has room, and hands it over. */
void tls_flush(struct conn *c)
{
	struct tls_conn *t = tls_of(c);

	if (t->is_sending)
		return;
	if (!t->is_handshaking && !t->said_goodbye)
		encrypt(t);
	if (!is_closing(t))
		tls_send(t);
}

static void count_sent(struct tls_conn *t, int32_t res)
{
	struct tls_out *out = t->out;

	if (res > 0) {
		t->conn.loop->stats.bytes_out += res;
		out->sent += res;
	}
	if (res < 0 || out->sent == out->used)
		out->sent = out->used = 0;
}

void tls_on_sent(struct io_op *op, const struct io_result *r)
{
	struct tls_out *out = (struct tls_out *)op;
	struct tls_conn *t = out->owner;
	struct conn *c = &t->conn;

	t->is_sending = false;
	if (is_closing(t)) {
		tls_drop_out(t);
		return;
	}
	if (r->res < 0 && !tls_has_parted(c)) {
		conn_end(c, CONN_LOST, r->res);
		return;
	}
	count_sent(t, r->res);
	tls_flush(c);
	conn_after_send(c);
}

/* close_notify, if it can still be said. */
static void shut_down(struct tls_conn *t)
{
	if (!t->ssl || t->is_handshaking || t->has_failed || t->said_goodbye)
		return;
	t->said_goodbye = true;
	ERR_clear_error();
	SSL_shutdown(t->ssl);
}

/* Before it is open nothing can be sent, and nothing is read any more. */
bool tls_is_finished(struct conn *c, bool owes)
{
	struct tls_conn *t = tls_of(c);

	if (t->is_handshaking)
		return true;
	if (owes || t->is_sending)
		return false;
	shut_down(t);
	tls_send(t);
	return !t->is_sending;
}

bool tls_has_parted(const struct conn *c)
{
	return ((const struct tls_conn *)c)->said_goodbye;
}

/*
 * What there is to say last, an alert or close_notify, is tried once: the close comes right behind
 * it, and a peer that has no room for it has not read before either.
 */
void tls_end(struct conn *c, enum conn_end end)
{
	struct tls_conn *t = tls_of(c);

	if (t->is_handshaking) {
		tls_loop_remove(c->loop->tls, t);
		c->loop->stats.handshakes_failed += end != CONN_LOCAL;
	}
	if (end == CONN_LOCAL || end == CONN_FAULT)
		shut_down(t);
	SSL_free(t->ssl);
	t->ssl = NULL;
	tls_send(t);
}

static struct tls_conn *create(struct loop *loop, int fd, struct tls_context *context,
			       const struct conn_role *role, void *owner)
{
	struct tls_loop *l = tls_loop_get(loop);
	struct tls_conn *t;

	if (!l) {
		loop->stats.refused++;
		loop_close_fd(loop, fd);
		return NULL;
	}
	t = (struct tls_conn *)conn_create(loop, fd, &l->conns, role, owner);
	if (!t)
		return NULL;
	t->conn.flags |= CONN_TLS;
	t->context = context;
	t->is_handshaking = true;
	tls_loop_add(l, t);
	return t;
}

bool tls_is_crowded(const struct loop *loop, const struct tls_context *context)
{
	return loop->tls && loop->tls->handshakes.count >= context->opts.handshakes;
}

struct conn *conn_open_tls(struct loop *loop, int fd, struct tls_context *context,
			   const struct conn_role *role, void *owner)
{
	struct tls_conn *t;

	if (tls_is_crowded(loop, context)) {
		loop->stats.refused++;
		loop_close_fd(loop, fd);
		return NULL;
	}
	t = create(loop, fd, context, role, owner);
	if (!t)
		return NULL;
	loop->stats.opened++;
	conn_start_reading(&t->conn);
	return &t->conn;
}

static void on_connected(struct io_op *op, const struct io_result *r)
{
	struct conn *c = (struct conn *)op;
	struct tls_conn *t = tls_of(c);

	if (is_closing(t))
		return;
	if (r->res < 0) {
		conn_end(c, CONN_REFUSED, r->res);
		return;
	}
	conn_start_reading(c);
	if (begin(t) && !shake_hands(t) && !is_closing(t))
		tls_send(t);
}

struct conn *conn_connect_tls(struct loop *loop, int fd, const struct address *to,
			      const struct tls_peer *peer, const struct conn_role *role,
			      void *owner)
{
	struct tls_conn *t = create(loop, fd, peer->context, role, owner);
	struct conn *c;

	if (!t)
		return NULL;
	c = &t->conn;
	t->peer = peer;
	t->target = tls_loop_target(loop->tls, to, peer);
	c->flags |= CONN_CONNECTING;
	c->recv.kind = IO_CONNECT;
	c->recv.addr = (const struct sockaddr *)&to->storage;
	c->recv.addr_len = to->len;
	c->recv.done = on_connected;
	loop_submit(loop, &c->recv);
	return c;
}

const char *tls_reason(const struct conn *c)
{
	const struct tls_conn *t = (const struct tls_conn *)c;

	return c->flags & CONN_TLS && t->has_reason ? c->loop->tls->reason : NULL;
}

bool tls_describe(const struct conn *c, struct tls_info *ret)
{
	const struct tls_conn *t = (const struct tls_conn *)c;

	if (!(c->flags & CONN_TLS) || !t->ssl || t->is_handshaking)
		return false;
	ret->version = SSL_get_version(t->ssl);
	ret->cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(t->ssl));
	ret->is_resumed = SSL_session_reused(t->ssl);
	ret->is_verified = t->context->opts.verify;
	return true;
}

int tls_binding(const struct conn *c, uint8_t ret[32])
{
	static const char label[] = "EXPORTER-Channel-Binding";
	const struct tls_conn *t = (const struct tls_conn *)c;

	if (!(c->flags & CONN_TLS))
		return 0;
	if (!t->ssl || t->is_handshaking ||
	    (SSL_version(t->ssl) < TLS1_3_VERSION && SSL_get_extms_support(t->ssl) != 1))
		return -EPROTO;
	ERR_clear_error();
	if (SSL_export_keying_material(t->ssl, ret, 32, label, sizeof(label) - 1, NULL, 0, 0) != 1)
		return -EPROTO;
	return 32;
}
