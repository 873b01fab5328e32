/*
 * trust.c - whom a node serves, and as whom it forwards: docs/TRUST.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/trust.h"

#include <errno.h>

/* Clients must show a certificate there. */
static bool asks_who(const struct common *common, const struct address *a)
{
	const struct tls_opts *tls = common->opts.tls;

	return a->transport == TRANSPORT_TLS && tls && tls->verify;
}

int trust_read_secret(struct common *common, struct err *err)
{
	const struct secret_opts *opts = common->opts.secret;

	return opts ? secret_create(&common->secret, opts, err) : 0;
}

int trust_check(const struct common *common, const struct address *a, struct err *err)
{
	char buf[ADDRESS_TEXT];

	address_format(a, buf, sizeof(buf));
	if (common->secret && a->transport == TRANSPORT_UDP)
		return err_set(err, -EINVAL,
			       "listen on %s: UDP has no connection on which a client could prove "
			       "that it knows the secret; use tcp:// or tls://, or no secret "
			       "(--secret-file, " SECRET_ENVIRONMENT ")",
			       buf);
	if (address_is_loopback(a) || common->opts.insecure || common->secret ||
	    asks_who(common, a))
		return 0;
	return err_set(err, -EINVAL,
		       "listen on %s: other machines could reach it and nothing asks them who they "
		       "are; --secret-file asks for a secret%s, --insecure allows that",
		       buf,
		       a->transport == TRANSPORT_UDP
			       ? " (not by UDP)"
			       : ", tls:// with --tls-verify for a certificate");
}

/* Two milliseconds at start, so that what is wrong with files does not wait for a request. */
static int prepare_forwards(struct common *common, struct err *err)
{
	struct tls_opts opts = *common->opts.tls;
	int verify = common->opts.forward_tls_verify;

	if (verify != FORWARD_VERIFY_AUTO)
		opts.verify = verify == FORWARD_VERIFY_YES;
	if (tls_context_create(&common->forward_tls, &opts, TLS_CLIENT, err) < 0)
		return err_wrap(err, "forwards by TLS");
	return 0;
}

/* One context for all addresses on TLS, and one for all forwards by it. */
int trust_prepare(struct common *common, const struct address *addresses, unsigned count,
		  struct err *err)
{
	static const struct tls_opts none;
	const struct tls_opts *opts = common->opts.tls;
	const struct address *a = addresses;
	char buf[ADDRESS_TEXT];

	while (a < addresses + count && a->transport != TRANSPORT_TLS)
		a++;
	if (a < addresses + count &&
	    tls_context_create(&common->tls, opts ? opts : &none, TLS_SERVER, err) < 0)
		return err_wrap(err, "listen on %s", address_format(a, buf, sizeof(buf)));
	return opts ? prepare_forwards(common, err) : 0;
}

void trust_finish(struct common *common)
{
	secret_destroy(common->secret);
	tls_context_destroy(common->tls);
	tls_context_destroy(common->forward_tls);
}
