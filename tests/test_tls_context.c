/*
 * test_tls_context.c - what is wrong with options of TLS is said before anything starts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <openssl/pem.h>
#include <unistd.h>

#include "engine/tls.h"
#include "tests/certificates.h"
#include "tests/test.h"

static struct certificates certs;
static char both[160], locked[160], nowhere[160]; /* paths */

struct row {
	enum tls_side side;
	const char *option, *value, *option2, *value2;
	const char *part; /* of the sentence; NULL: it is fine */
};

static void set(struct tls_opts *o, const char *name, const char *value)
{
	const struct knob *k = name ? knob_find(&tls_knobs, name) : NULL;

	if (name)
		CU_ASSERT_FATAL(k != NULL);
	if (k)
		CHECK_INT(knob_parse(k, value, o, NULL), 0);
}

static void check(const struct row *row)
{
	struct tls_context *context = NULL;
	struct err err = { 0 };
	struct tls_opts o;
	int result;

	knob_defaults(&tls_knobs, &o);
	set(&o, row->option, row->value);
	set(&o, row->option2, row->value2);
	result = tls_context_create(&context, &o, row->side, &err);
	CHECK_INT(result, err.code);
	CHECK_INT(result < 0, row->part != NULL);
	if (!strstr(err.text, row->part ? row->part : ""))
		printf("\n    \"%s\" lacks \"%s\"", err.text, row->part);
	CU_ASSERT(strstr(err.text, row->part ? row->part : "") != NULL);
	if (result < 0)
		CU_ASSERT(context == NULL);
	tls_context_destroy(context);
}

static void test_options_are_taken_or_refused_in_words(void)
{
	const char *server = certs.cert[CERT_SERVER], *key = certs.key[CERT_SERVER];
	const char *ca = certs.cert[CERT_CA];
	const struct row rows[] = {
		{ TLS_CLIENT, NULL, NULL, NULL, NULL, NULL },
		{ TLS_SERVER, NULL, NULL, NULL, NULL, "--tls-cert=FILE and --tls-key=FILE" },
		{ TLS_SERVER, "tls-cert", server, "tls-key", key, NULL },
		{ TLS_CLIENT, "tls-cert", server, "tls-key", key, NULL },
		{ TLS_SERVER, "tls-cert", both, NULL, NULL, NULL },
		{ TLS_SERVER, "tls-cert", server, NULL, NULL, "--tls-key names the file" },
		{ TLS_CLIENT, "tls-key", key, NULL, NULL, "its certificate is missing" },
		{ TLS_SERVER, "tls-cert", nowhere, NULL, NULL, "No such file" },
		{ TLS_SERVER, "tls-cert", server, "tls-key", nowhere, "No such file" },
		{ TLS_SERVER, "tls-cert", key, NULL, NULL, "--tls-cert=" },
		{ TLS_SERVER, "tls-cert", server, "tls-key", server, "no private key in it" },
		{ TLS_SERVER, "tls-cert", server, "tls-key", locked, "needs no password" },
		{ TLS_SERVER, "tls-cert", server, "tls-key", certs.key[CERT_CLIENT],
		  "the key is not that of the certificate" },
		{ TLS_SERVER, "tls-cert", both, "tls-verify", "yes", "say whose" },
		{ TLS_CLIENT, "tls-verify", "yes", NULL, NULL, NULL },
		{ TLS_CLIENT, "tls-verify", "yes", "tls-ca", ca, NULL },
		{ TLS_CLIENT, "tls-verify", "yes", "tls-ca-path", certs.folder, NULL },
		{ TLS_CLIENT, "tls-ca", nowhere, NULL, NULL, "No such file" },
		{ TLS_CLIENT, "tls-ca", key, NULL, NULL, "--tls-ca=" },
		{ TLS_CLIENT, "tls-ca-path", nowhere, NULL, NULL, "No such file" },
		{ TLS_CLIENT, "tls-ciphers", "ECDHE+AESGCM", NULL, NULL, NULL },
		{ TLS_CLIENT, "tls-ciphers", "rot13", NULL, NULL, "no cipher match" },
		{ TLS_CLIENT, "tls-ciphersuites", "TLS_AES_128_GCM_SHA256", NULL, NULL, NULL },
		{ TLS_CLIENT, "tls-ciphersuites", "rot13", NULL, NULL, "--tls-ciphersuites=rot13" },
		{ TLS_CLIENT, "tls-min-version", "1.3", NULL, NULL, NULL },
		{ TLS_CLIENT, "tls-min-version", "1.3", "tls-max-version", "1.2", "is above" },
		{ TLS_CLIENT, "tls-alpn", "", NULL, NULL, NULL },
		{ TLS_SERVER, "tls-cert", both, "tls-resume", "no", NULL },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check(&rows[i]);
}

static void test_distwalks_names_are_understood(void)
{
	static const char *const names[][2] = {
		{ "ssl-cert", "tls-cert" },	  { "ssl-key", "tls-key" },
		{ "ssl-ca", "tls-ca" },		  { "ssl-ca-path", "tls-ca-path" },
		{ "ssl-ciphers", "tls-ciphers" }, { "ssl-verify", "tls-verify" }
	};
	struct knob_set set_of_all = { 0 };
	const struct knob_bind *bind;
	struct tls_opts o;

	knob_set_add(&set_of_all, &tls_knobs, &o);
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		CHECK_TEXT(knob_set_find(&set_of_all, names[i][0], &bind)->name, names[i][1]);
}

static void write_keys(void)
{
	FILE *from = fopen(certs.key[CERT_SERVER], "r"), *to = fopen(locked, "w");
	EVP_PKEY *key = PEM_read_PrivateKey(from, NULL, NULL, NULL);
	char line[256];

	PEM_write_PrivateKey(to, key, EVP_aes_128_cbc(), (unsigned char *)"secret", 6, NULL, NULL);
	fclose(to);
	EVP_PKEY_free(key);
	rewind(from);
	to = fopen(both, "w");
	while (fgets(line, sizeof(line), from))
		fputs(line, to);
	fclose(from);
	from = fopen(certs.cert[CERT_SERVER], "r");
	while (fgets(line, sizeof(line), from))
		fputs(line, to);
	fclose(from);
	fclose(to);
}

static CU_TestInfo tests[] = {
	{ "options are taken, or refused in words", test_options_are_taken_or_refused_in_words },
	{ "DistWalk's names are understood", test_distwalks_names_are_understood },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	int result;

	certificates_make(&certs);
	snprintf(both, sizeof(both), "%s/both.pem", certs.folder);
	snprintf(locked, sizeof(locked), "%s/locked.key", certs.folder);
	snprintf(nowhere, sizeof(nowhere), "%s/nowhere", certs.folder);
	write_keys();
	result = test_main("tls_context", tests);
	unlink(both);
	unlink(locked);
	certificates_remove(&certs);
	return result;
}
