/*
 * tls_text.c - why TLS failed, in one sentence with OpenSSL's reason.
 *
 * What a certificate says is a stranger's text: it is printed with everything but ASCII escaped,
 * and cut.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/tls_private.h"

#define NAME_TEXT 96
#define NAMES_MAX 4 /* of a certificate are listed */
#define ESCAPED	  (XN_FLAG_RFC2253 | ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_ESC_MSB)

void tls_set_reason(struct tls_conn *t, const char *fmt, ...)
{
	struct tls_loop *l = t->conn.loop->tls;
	va_list args;

	if (t->has_reason)
		return;
	t->has_reason = true;
	va_start(args, fmt);
	vsnprintf(l->reason, sizeof(l->reason), fmt, args);
	va_end(args);
}

/* What was printed to bio, as text in buf. */
static const char *take_text(BIO *bio, char *buf, size_t size)
{
	int got = bio ? BIO_read(bio, buf, (int)size - 1) : 0;

	buf[got > 0 ? got : 0] = '\0';
	BIO_free(bio);
	return buf;
}

static const char *name_text(const X509_NAME *name, char *buf, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (bio)
		X509_NAME_print_ex(bio, name, 0, ESCAPED);
	return take_text(bio, buf, size);
}

static const char *time_text(const ASN1_TIME *time, char *buf, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (bio)
		ASN1_TIME_print(bio, time);
	return take_text(bio, buf, size);
}

static bool print_name(BIO *bio, const GENERAL_NAME *name, bool is_first)
{
	char address[INET6_ADDRSTRLEN];
	const unsigned char *bytes;
	int len;

	if (name->type != GEN_DNS && name->type != GEN_IPADD)
		return false;
	if (!is_first)
		BIO_printf(bio, ", ");
	if (name->type == GEN_DNS) {
		ASN1_STRING_print_ex(bio, name->d.dNSName,
				     ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_ESC_MSB);
		return true;
	}
	bytes = ASN1_STRING_get0_data(name->d.iPAddress);
	len = ASN1_STRING_length(name->d.iPAddress);
	if ((len == 4 || len == 16) &&
	    inet_ntop(len == 4 ? AF_INET : AF_INET6, bytes, address, sizeof(address)))
		BIO_printf(bio, "%s", address);
	return true;
}

/* "localhost, 127.0.0.1"; a certificate without names: its subject. */
static const char *names_text(const X509 *certificate, char *buf, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	BIO *bio = BIO_new(BIO_s_mem());
	int printed = 0;

	for (int i = 0; bio && i < sk_GENERAL_NAME_num(names) && printed < NAMES_MAX; i++)
		printed += print_name(bio, sk_GENERAL_NAME_value(names, i), !printed);
	if (bio && !printed)
		X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, ESCAPED);
	GENERAL_NAMES_free(names);
	return take_text(bio, buf, size);
}

static void explain_name(struct tls_conn *t, X509 *certificate)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);
	char *number = X509_VERIFY_PARAM_get1_ip_asc(param);
	const char *name = number ? number : X509_VERIFY_PARAM_get0_host(param, 0);
	char names[2 * NAME_TEXT];

	tls_set_reason(t, "host name mismatch: the certificate is for %s, not for %s",
		       names_text(certificate, names, sizeof(names)), name ? name : "that");
	OPENSSL_free(number);
}

static void explain_certificate(struct tls_conn *t, X509 *certificate, int code)
{
	char subject[NAME_TEXT], text[NAME_TEXT];

	name_text(X509_get_subject_name(certificate), subject, sizeof(subject));
	switch (code) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		explain_name(t, certificate);
		break;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		tls_set_reason(t,
			       "the certificate of %s is not signed by an authority that is "
			       "trusted here (%s; issuer %s); --tls-ca names the file with it",
			       subject, X509_verify_cert_error_string(code),
			       name_text(X509_get_issuer_name(certificate), text, sizeof(text)));
		break;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		tls_set_reason(t, "the certificate of %s expired on %s", subject,
			       time_text(X509_get0_notAfter(certificate), text, sizeof(text)));
		break;
	default:
		tls_set_reason(t, "the certificate of %s is not accepted: %s", subject,
			       X509_verify_cert_error_string(code));
	}
}

/* The certificate is at hand only here. What OpenSSL decided stays as it is. */
int tls_on_verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	X509 *certificate = X509_STORE_CTX_get_current_cert(store);

	if (!ok && certificate)
		explain_certificate(SSL_get_app_data(ssl), certificate,
				    X509_STORE_CTX_get_error(store));
	return ok;
}

static const char *words_for(int reason)
{
	static const struct {
		int reason;
		const char *words;
	} rows[] = {
		{ SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE,
		  "the peer showed no certificate, and --tls-verify requires one" },
		{ SSL_R_UNSUPPORTED_PROTOCOL,
		  "the peer speaks no TLS version that is allowed here (--tls-min-version, "
		  "--tls-max-version)" },
		{ SSL_R_NO_SHARED_CIPHER, "the peer knows no cipher that is allowed here" },
		{ SSL_R_NO_APPLICATION_PROTOCOL,
		  "the peer wants another application protocol (--tls-alpn)" },
		{ SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC,
		  "what came was changed on its way: decryption failed" },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (rows[i].reason == reason)
			return rows[i].words;
	}
	return NULL;
}

void tls_explain(struct tls_conn *t)
{
	unsigned long error = ERR_peek_last_error(); /* the outermost */
	int reason = ERR_GET_REASON(error);
	const char *words = words_for(reason);

	if (!error)
		tls_set_reason(t, "TLS failed for no reason that was given");
	else if (words)
		tls_set_reason(t, "%s", words);
	else if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET)
		tls_set_reason(t, "refused by the peer: %s", ERR_reason_error_string(error));
	else
		tls_set_reason(t, "TLS failed: %s", ERR_reason_error_string(error));
}
