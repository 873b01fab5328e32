/*
 * tls_context.c - options to OpenSSL's context: certificate, authorities, versions, tickets.
 *
 * Everything that can be wrong with files and lists is found here, before anything listens or
 * connects, and said with the option's name. A server keeps no sessions: what it needs to continue
 * one is in the ticket that the client holds, so all threads know all sessions. A client's sessions
 * are kept by tls_loop.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/tls_private.h"

/* Sessions of other programs' servers are not ours. */
static const unsigned char session_name[] = "ringwalk";

/* OpenSSL's own words for what it refused, without its numbers. */
static const char *last_words(void)
{
	const char *words = ERR_reason_error_string(ERR_peek_last_error());

	return words ? words : "no reason given";
}

static int refuse(const char *option, const char *value, struct err *err)
{
	return err_set(err, -EINVAL, "--%s=%s: %s", option, value, last_words());
}

static int check_readable(const char *option, const char *path, struct err *err)
{
	return access(path, R_OK) ? err_sys(err, -errno, "--%s=%s", option, path) : 0;
}

/* OpenSSL would ask on the terminal. */
static int no_password(char *buf, int size, int is_writing, void *context)
{
	(void)buf;
	(void)size;
	(void)is_writing;
	(void)context;
	return -1;
}

static int load_key(SSL_CTX *ctx, const struct tls_opts *o, struct err *err)
{
	const char *path = *o->key ? o->key : o->cert;
	const char *option = *o->key ? "tls-key" : "tls-cert";
	int result = check_readable(option, path, err);

	if (result)
		return result;
	if (SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) == 1)
		return 0;
	if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH)
		return err_set(err, -EINVAL,
			       "--%s=%s: the key is not that of the certificate in %s", option,
			       path, o->cert);
	return err_set(err, -EINVAL,
		       "--%s=%s: there is no private key in it that needs no password (%s)%s",
		       option, path, last_words(),
		       *o->key ? "" : "; --tls-key names the file with it");
}

static int load_certificate(struct tls_context *c, struct err *err)
{
	const struct tls_opts *o = &c->opts;
	int result;

	if (!*o->cert && *o->key)
		return err_set(err, -EINVAL, "--tls-key=%s: its certificate is missing: --tls-cert",
			       o->key);
	if (!*o->cert && c->side == TLS_SERVER)
		return err_set(err, -EINVAL,
			       "TLS needs a certificate and its key: --tls-cert=FILE and "
			       "--tls-key=FILE");
	if (!*o->cert)
		return 0;
	result = check_readable("tls-cert", o->cert, err);
	if (result)
		return result;
	if (SSL_CTX_use_certificate_chain_file(c->ctx, o->cert) != 1)
		return refuse("tls-cert", o->cert, err);
	return load_key(c->ctx, o, err);
}

static int load_authorities(struct tls_context *c, struct err *err)
{
	const struct tls_opts *o = &c->opts;
	int result = 0;

	if (*o->ca)
		result = check_readable("tls-ca", o->ca, err);
	if (!result && *o->ca_path)
		result = check_readable("tls-ca-path", o->ca_path, err);
	if (result)
		return result;
	if (*o->ca && SSL_CTX_load_verify_file(c->ctx, o->ca) != 1)
		return refuse("tls-ca", o->ca, err);
	if (*o->ca_path && SSL_CTX_load_verify_dir(c->ctx, o->ca_path) != 1)
		return refuse("tls-ca-path", o->ca_path, err);
	if (!o->verify || *o->ca || *o->ca_path)
		return 0;
	if (c->side == TLS_SERVER)
		return err_set(err, -EINVAL,
			       "--tls-verify: clients must show a certificate, so say whose: "
			       "--tls-ca=FILE or --tls-ca-path=DIR");
	if (SSL_CTX_set_default_verify_paths(c->ctx) != 1)
		return refuse("tls-verify", "yes", err);
	return 0;
}

static int set_versions(struct tls_context *c, struct err *err)
{
	static const int numbers[] = { [TLS_1_2] = TLS1_2_VERSION, [TLS_1_3] = TLS1_3_VERSION };
	const struct tls_opts *o = &c->opts;

	if (o->min_version > o->max_version)
		return err_set(err, -EINVAL, "--tls-min-version is above --tls-max-version");
	SSL_CTX_set_min_proto_version(c->ctx, numbers[o->min_version]);
	SSL_CTX_set_max_proto_version(c->ctx, numbers[o->max_version]);
	if (*o->ciphers && SSL_CTX_set_cipher_list(c->ctx, o->ciphers) != 1)
		return refuse("tls-ciphers", o->ciphers, err);
	if (*o->ciphersuites && SSL_CTX_set_ciphersuites(c->ctx, o->ciphersuites) != 1)
		return refuse("tls-ciphersuites", o->ciphersuites, err);
	return 0;
}

/* A client that names protocols, and not this one, is not meant for us; one that names none may
 * be. */
static int on_protocols(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
			const unsigned char *offered, unsigned offered_len, void *context)
{
	const struct tls_context *c = context;
	unsigned char *chosen;

	(void)ssl;
	if (SSL_select_next_proto(&chosen, ret_len, c->alpn, c->alpn_len, offered, offered_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int set_protocol(struct tls_context *c, struct err *err)
{
	size_t len = strlen(c->opts.alpn);

	if (!len)
		return 0;
	c->alpn[0] = (uint8_t)len;
	memcpy(c->alpn + 1, c->opts.alpn, len);
	c->alpn_len = (uint8_t)(1 + len);
	if (c->side == TLS_SERVER)
		SSL_CTX_set_alpn_select_cb(c->ctx, on_protocols, c);
	else if (SSL_CTX_set_alpn_protos(c->ctx, c->alpn, c->alpn_len))
		return refuse("tls-alpn", c->opts.alpn, err);
	return 0;
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_conn *t = SSL_get_app_data(ssl);

	if (!t->target)
		return 0;
	SSL_SESSION_free(t->target->session);
	t->target->session = session;
	return 1;
}

static void set_sessions(struct tls_context *c)
{
	bool resume = c->opts.resume;

	if (c->side == TLS_SERVER) {
		SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
		SSL_CTX_set_session_id_context(c->ctx, session_name, sizeof(session_name) - 1);
		SSL_CTX_set_num_tickets(c->ctx, resume);
	} else {
		SSL_CTX_set_session_cache_mode(c->ctx, resume ? SSL_SESS_CACHE_CLIENT |
									SSL_SESS_CACHE_NO_INTERNAL
							      : SSL_SESS_CACHE_OFF);
		SSL_CTX_sess_set_new_cb(c->ctx, on_session);
	}
	if (!resume)
		SSL_CTX_set_options(c->ctx, SSL_OP_NO_TICKET);
}

static void set_rules(struct tls_context *c)
{
	int required = c->side == TLS_SERVER ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;

	SSL_CTX_set_mode(c->ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(c->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_dh_auto(c->ctx, 1);
	SSL_CTX_set_default_passwd_cb(c->ctx, no_password);
	SSL_CTX_set_verify(c->ctx, c->opts.verify ? SSL_VERIFY_PEER | required : SSL_VERIFY_NONE,
			   c->opts.verify ? tls_on_verify : NULL);
}

static int prepare(struct tls_context *c, struct err *err)
{
	int result;

	ERR_clear_error();
	c->ctx = SSL_CTX_new(c->side == TLS_SERVER ? TLS_server_method() : TLS_client_method());
	c->bio = tls_bio_create();
	if (!c->ctx || !c->bio)
		return err_set(err, -ENOMEM, "no memory for TLS");
	set_rules(c);
	set_sessions(c);
	result = set_versions(c, err);
	if (!result)
		result = load_certificate(c, err);
	if (!result)
		result = load_authorities(c, err);
	if (!result)
		result = set_protocol(c, err);
	ERR_clear_error();
	return result;
}

int tls_context_create(struct tls_context **ret, const struct tls_opts *opts, enum tls_side side,
		       struct err *err)
{
	struct tls_context *c = calloc(1, sizeof(*c));
	int result;

	if (!c)
		return err_set(err, -ENOMEM, "no memory for TLS");
	c->opts = *opts;
	c->side = side;
	result = prepare(c, err);
	if (result) {
		tls_context_destroy(c);
		return result;
	}
	*ret = c;
	return 0;
}

void tls_context_destroy(struct tls_context *c)
{
	if (!c)
		return;
	SSL_CTX_free(c->ctx);
	BIO_meth_free(c->bio);
	free(c);
}
