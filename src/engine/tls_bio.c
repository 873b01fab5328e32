/*
 * tls_bio.c - bytes between OpenSSL and the backend, in memory.
 *
 * In: OpenSSL reads straight from what the backend lent; it takes all of it, because records are
 * read until none is whole, and what is cut it keeps itself.
 * Out: records are collected in a struct tls_out, from which one send at a time is in flight. What
 * OpenSSL says of its own accord while that send is in flight goes behind it: the kernel was told a
 * length and looks no further. There is always room (TLS_RESERVE), unless a peer makes us talk
 * without reading; then the connection fails. So a write never has to be repeated, which is where
 * TLS programs go wrong.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <string.h>

#include "engine/tls_private.h"

static int bio_read(BIO *bio, char *buf, int len)
{
	struct tls_conn *t = BIO_get_data(bio);
	uint32_t take = (uint32_t)len < t->in_len ? (uint32_t)len : t->in_len;

	BIO_clear_retry_flags(bio);
	if (!take) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(buf, t->in, take);
	t->in += take;
	t->in_len -= take;
	return (int)take;
}

static struct tls_out *get_out(struct tls_conn *t)
{
	struct tls_out *out = cache_get(&t->conn.loop->tls->outs);

	if (!out)
		return NULL;
	memset(&out->op, 0, sizeof(out->op));
	out->owner = t;
	out->used = out->sent = 0;
	return out;
}

static int bio_write(BIO *bio, const char *buf, int len)
{
	struct tls_conn *t = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (!t->out)
		t->out = get_out(t);
	if (!t->out) {
		tls_set_reason(t, "memory is out");
		return -1;
	}
	if (t->out->used + (uint32_t)len > TLS_OUT_BYTES) {
		tls_set_reason(t, "the peer asks for more than it reads");
		return -1;
	}
	memcpy(t->out->bytes + t->out->used, buf, (size_t)len);
	t->out->used += (uint32_t)len;
	return len;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

struct bio_method_st *tls_bio_create(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "ringwalk");

	if (method && BIO_meth_set_read(method, bio_read) &&
	    BIO_meth_set_write(method, bio_write) && BIO_meth_set_ctrl(method, bio_control))
		return method;
	BIO_meth_free(method);
	return NULL;
}

int tls_bio_attach(struct tls_conn *t)
{
	BIO *bio = BIO_new(t->context->bio);

	if (!bio)
		return -ENOMEM;
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	return 0;
}

void tls_drop_out(struct tls_conn *t)
{
	if (t->out)
		cache_put(&t->conn.loop->tls->outs, t->out);
	t->out = NULL;
}

void tls_send(struct tls_conn *t)
{
	struct tls_out *out = t->out;

	if (!out || t->is_sending)
		return;
	if (out->sent == out->used) {
		tls_drop_out(t);
		return;
	}
	out->op.kind = IO_SEND;
	out->op.state = 0;
	out->op.fd = t->conn.recv.fd;
	out->op.buf = out->bytes + out->sent;
	out->op.len = out->used - out->sent;
	out->op.done = tls_on_sent;
	t->is_sending = true;
	loop_submit(t->conn.loop, &out->op);
}
