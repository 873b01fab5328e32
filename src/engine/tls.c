/*
 * tls.c - what can be set about TLS; tls.h says what it means.
 *
 * DistWalk's names are aliases.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/tls.h"

#include "base/clock.h"

#define FIELD(field, ctype) KNOB_FIELD(struct tls_opts, field, ctype)
#define ALIASES(...)	    ((const char *const[]){ __VA_ARGS__, NULL })

static const char *const version_names[] = { "1.2", "1.3", NULL };

static const struct knob knobs[] = {
	{ .name = "tls-cert",
	  .aliases = ALIASES("ssl-cert"),
	  .type = &knob_text,
	  FIELD(cert, char[256]),
	  .metavar = "FILE",
	  .help = "own certificate and its chain (PEM); a node on tls:// needs one" },
	{ .name = "tls-key",
	  .aliases = ALIASES("ssl-key"),
	  .type = &knob_text,
	  FIELD(key, char[256]),
	  .metavar = "FILE",
	  .help = "its key (PEM, no password); not given: in the file of --tls-cert" },
	{ .name = "tls-ca",
	  .aliases = ALIASES("ssl-ca"),
	  .type = &knob_text,
	  FIELD(ca, char[256]),
	  .metavar = "FILE",
	  .help = "authorities whose certificates are trusted (PEM); clients: else the system's" },
	{ .name = "tls-ca-path",
	  .aliases = ALIASES("ssl-ca-path"),
	  .type = &knob_text,
	  FIELD(ca_path, char[256]),
	  .metavar = "DIR",
	  .help = "the same as a directory with a file for each, named by hash" },
	{ .name = "tls-verify",
	  .aliases = ALIASES("ssl-verify"),
	  .type = &knob_bool,
	  FIELD(verify, bool),
	  .def = "no",
	  .help = "node: clients must show a certificate; client: check the node's, and its name" },
	{ .name = "tls-name",
	  .type = &knob_text,
	  FIELD(name, char[256]),
	  .metavar = "NAME",
	  .help = "name to ask the node for and to check; not given: the host of its address" },
	{ .name = "tls-min-version",
	  .type = &knob_enum,
	  FIELD(min_version, int),
	  .choices = version_names,
	  .def = "1.2",
	  .help = "oldest version that is spoken" },
	{ .name = "tls-max-version",
	  .type = &knob_enum,
	  FIELD(max_version, int),
	  .choices = version_names,
	  .def = "1.3",
	  .help = "newest version that is spoken" },
	{ .name = "tls-ciphers",
	  .aliases = ALIASES("ssl-ciphers"),
	  .type = &knob_text,
	  FIELD(ciphers, char[256]),
	  .metavar = "LIST",
	  .help = "ciphers of TLS 1.2, as OpenSSL lists them; not given: OpenSSL's choice" },
	{ .name = "tls-ciphersuites",
	  .type = &knob_text,
	  FIELD(ciphersuites, char[256]),
	  .metavar = "LIST",
	  .help = "cipher suites of TLS 1.3; not given: OpenSSL's choice" },
	{ .name = "tls-alpn",
	  .type = &knob_text,
	  FIELD(alpn, char[64]),
	  .metavar = "PROTOCOL",
	  .def = "ringwalk/2",
	  .help = "application protocol to agree upon; empty: none" },
	{ .name = "tls-resume",
	  .type = &knob_bool,
	  FIELD(resume, bool),
	  .def = "yes",
	  .help = "later connections continue the session of earlier ones" },
	{ .name = "tls-handshake",
	  .type = &knob_time,
	  FIELD(handshake_ns, int64_t),
	  .min = MS,
	  .max = 3600 * SEC,
	  .def = "5s",
	  .help = "longest handshake; a peer that takes longer is dropped" },
	{ .name = "tls-max-handshakes",
	  .type = &knob_int,
	  FIELD(handshakes, int64_t),
	  .min = 1,
	  .max = 1 << 20,
	  .def = "4096",
	  .help = "unfinished handshakes of a node's worker; new connections above are closed" },
	{ 0 },
};

const struct knob_group tls_knobs = {
	.name = "",
	.help = "TLS",
	.knobs = knobs,
	.opts_size = sizeof(struct tls_opts),
};
