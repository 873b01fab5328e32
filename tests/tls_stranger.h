/*
 * tls_stranger.h - a peer of a server on TLS: OpenSSL used in the plainest way, on bytes that the
 * test carries to and fro, cuts and changes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_TLS_STRANGER_H
#define RW_TESTS_TLS_STRANGER_H

#include <openssl/ssl.h>

#include "tests/tls_rig.h"

struct stranger {
	struct rig *rig;
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out; /* the SSL's */
	int fd;
	bool is_at_end;
	const char *unwanted; /* never to be seen on the wire */
	bool saw_unwanted;
};

static inline void stranger_open(struct stranger *s, struct rig *rig, int max_version)
{
	memset(s, 0, sizeof(*s));
	s->rig = rig;
	s->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_max_proto_version(s->ctx, max_version);
	s->ssl = SSL_new(s->ctx);
	s->in = BIO_new(BIO_s_mem());
	s->out = BIO_new(BIO_s_mem());
	SSL_set_bio(s->ssl, s->in, s->out);
	SSL_set_connect_state(s->ssl);
	s->fd = raw_connect(rig);
}

static inline void stranger_close(struct stranger *s)
{
	if (s->fd >= 0)
		raw_close(s->rig, s->fd);
	SSL_free(s->ssl);
	SSL_CTX_free(s->ctx);
}

static inline void stranger_send(struct stranger *s)
{
	uint8_t bytes[4096];
	int len;

	while ((len = BIO_read(s->out, bytes, sizeof(bytes))) > 0)
		raw_write_all(s->rig, s->fd, bytes, (size_t)len);
}

static inline void stranger_receive(struct stranger *s)
{
	uint8_t bytes[4096];
	int len;

	while ((len = raw_read(s->rig, s->fd, bytes, sizeof(bytes))) > 0) {
		BIO_write(s->in, bytes, len);
		s->saw_unwanted |=
			s->unwanted && memmem(bytes, len, s->unwanted, strlen(s->unwanted));
	}
	s->is_at_end |= len != -EAGAIN;
}

static inline void stranger_turn(struct stranger *s)
{
	stranger_send(s);
	rig_turn(s->rig);
	stranger_receive(s);
}

#define STRANGER_UNTIL(s, condition)                                 \
	do {                                                         \
		int64_t end_ns_ = clock_now_ns() + PATIENCE;         \
		while (!(condition) && clock_now_ns() < end_ns_)     \
			stranger_turn(s);                            \
		CU_ASSERT(condition);                                \
		if (!(condition))                                    \
			printf("\n    %s", (s)->rig->server.reason); \
	} while (0)

static inline void stranger_shake_hands(struct stranger *s)
{
	STRANGER_UNTIL(s, SSL_do_handshake(s->ssl) == 1);
	stranger_send(s);
}

static inline void stranger_ask(struct stranger *s, uint64_t id, uint64_t size)
{
	uint8_t request[64];

	make_request(request, id, sizeof(request), size);
	CHECK_INT(SSL_write(s->ssl, request, sizeof(request)), sizeof(request));
}

/* All that has come; -1: close_notify, or no more. */
static inline int stranger_read(struct stranger *s)
{
	static uint8_t bytes[65536];
	int got = SSL_read(s->ssl, bytes, sizeof(bytes));

	if (got > 0)
		return got;
	return SSL_get_error(s->ssl, got) == SSL_ERROR_WANT_READ ? 0 : -1;
}

static inline void stranger_read_all(struct stranger *s, uint64_t want)
{
	uint64_t total = 0;
	int got = 0;

	STRANGER_UNTIL(s, (got = stranger_read(s)) < 0 ||
				  (total += got > 0 ? (uint64_t)got : 0) >= want);
	CHECK_INT(total, want);
}

#endif
