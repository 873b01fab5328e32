/*
 * certificates.c - see certificates.h.
 *
 * Keys are on P-256, which are made in no time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/certificates.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY  (24L * 3600)
#define YEAR (365 * DAY)

static const struct recipe {
	const char *file, *subject, *names; /* subjectAltName; NULL: none */
	enum certificate issuer;
	long from_s, to_s; /* relative to now */
} recipes[CERTS] = {
	[CERT_CA] = { "ca", "Test CA", NULL, CERT_CA, -DAY, YEAR },
	[CERT_OTHER_CA] = { "other_ca", "Other CA", NULL, CERT_OTHER_CA, -DAY, YEAR },
	[CERT_SERVER] = { "server", "server", "IP:127.0.0.1,IP:::1,DNS:localhost", CERT_CA, -DAY,
			  YEAR },
	[CERT_CLIENT] = { "client", "client", "DNS:client", CERT_CA, -DAY, YEAR },
	[CERT_EXPIRED] = { "expired", "expired", "IP:127.0.0.1,DNS:localhost", CERT_CA, -2 * YEAR,
			   -YEAR },
	[CERT_WRONG_NAME] = { "wrong_name", "wrong", "DNS:elsewhere.example", CERT_CA, -DAY, YEAR },
	[CERT_STRANGER] = { "stranger", "stranger", "IP:127.0.0.1,DNS:localhost", CERT_OTHER_CA,
			    -DAY, YEAR },
};

static void must(int is_done, const char *what)
{
	if (is_done)
		return;
	fprintf(stderr, "certificates: %s\n", what);
	abort();
}

static void add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	must(extension && X509_add_ext(x, extension, -1), value);
	X509_EXTENSION_free(extension);
}

static X509 *make(const struct recipe *r, long serial, EVP_PKEY *key, X509 *issuer,
		  EVP_PKEY *issuer_key)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
	X509_gmtime_adj(X509_getm_notBefore(x), r->from_s);
	X509_gmtime_adj(X509_getm_notAfter(x), r->to_s);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)r->subject, -1,
				   -1, 0);
	X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : name);
	add_extension(x, issuer ? issuer : x, NID_basic_constraints,
		      issuer ? "CA:FALSE" : "critical,CA:TRUE");
	if (r->names)
		add_extension(x, issuer, NID_subject_alt_name, r->names);
	must(X509_sign(x, issuer_key ? issuer_key : key, EVP_sha256()), "sign");
	return x;
}

static void write_files(const struct certificates *c, enum certificate which, X509 *x,
			EVP_PKEY *key)
{
	FILE *cert_file = fopen(c->cert[which], "w"), *key_file = fopen(c->key[which], "w");

	must(cert_file && PEM_write_X509(cert_file, x), c->cert[which]);
	must(key_file && PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL),
	     c->key[which]);
	must(!fclose(cert_file) && !fclose(key_file), "close");
}

void certificates_make(struct certificates *c)
{
	EVP_PKEY *keys[CERTS];
	X509 *made[CERTS];

	strcpy(c->folder, "/tmp/ringwalk_test_tls_XXXXXX");
	must(mkdtemp(c->folder) != NULL, c->folder);
	for (int i = 0; i < CERTS; i++) {
		const struct recipe *r = &recipes[i];
		int by = (int)r->issuer;

		snprintf(c->cert[i], sizeof(c->cert[i]), "%.40s/%s.pem", c->folder, r->file);
		snprintf(c->key[i], sizeof(c->key[i]), "%.40s/%s.key", c->folder, r->file);
		keys[i] = EVP_EC_gen("P-256");
		must(keys[i] != NULL, "key");
		made[i] = make(r, i + 1, keys[i], by == i ? NULL : made[by],
			       by == i ? NULL : keys[by]);
		write_files(c, (enum certificate)i, made[i], keys[i]);
	}
	for (int i = 0; i < CERTS; i++) {
		X509_free(made[i]);
		EVP_PKEY_free(keys[i]);
	}
}

void certificates_remove(struct certificates *c)
{
	for (int i = 0; i < CERTS; i++) {
		unlink(c->cert[i]);
		unlink(c->key[i]);
	}
	rmdir(c->folder);
}
