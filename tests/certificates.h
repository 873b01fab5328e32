/*
 * certificates.h - certificates for tests of TLS, made afresh in a folder of their own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_CERTIFICATES_H
#define RW_TESTS_CERTIFICATES_H

enum certificate {
	CERT_CA,
	CERT_OTHER_CA,	 /* nobody's */
	CERT_SERVER,	 /* by CA, for 127.0.0.1, ::1 and localhost */
	CERT_CLIENT,	 /* by CA, for the client "client" */
	CERT_EXPIRED,	 /* as SERVER, but of the year before */
	CERT_WRONG_NAME, /* by CA, for elsewhere.example */
	CERT_STRANGER,	 /* as SERVER, but by OTHER_CA */
	CERTS,
	CERT_NONE = CERTS
};

struct certificates {
	char folder[64];
	char cert[CERTS][96], key[CERTS][96]; /* paths */
};

/* Ends the program when it cannot. */
void certificates_make(struct certificates *c);
void certificates_remove(struct certificates *c);

#endif
