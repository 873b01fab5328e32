/*
 * certificate_opts.h - settings of TLS with the certificates of a test.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_CERTIFICATE_OPTS_H
#define RW_TESTS_CERTIFICATE_OPTS_H

#include <string.h>

#include "engine/tls.h"
#include "tests/certificates.h"

/* What this side is. */
static inline void tls_opts_show(struct tls_opts *o, const struct certificates *certs,
				 enum certificate which)
{
	strcpy(o->cert, certs->cert[which]);
	strcpy(o->key, certs->key[which]);
}

/* The other side is checked, and must be signed by this one. */
static inline void tls_opts_trust(struct tls_opts *o, const struct certificates *certs,
				  enum certificate authority)
{
	strcpy(o->ca, certs->cert[authority]);
	o->verify = true;
}

#endif
