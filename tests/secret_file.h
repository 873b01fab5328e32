/*
 * secret_file.h - secrets in files of their own, for tests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_SECRET_FILE_H
#define RW_TESTS_SECRET_FILE_H

#include <stdlib.h>
#include <unistd.h>

#include "engine/secret.h"
#include "engine/wire.h"
#include "tests/test.h"

/* Options with a file that has these bytes; to be removed by secret_file_remove(). Ends the program
 * when it cannot, for it may be called outside of tests. */
static inline struct secret_opts secret_file(const void *bytes, size_t len)
{
	struct secret_opts o;
	int fd;

	knob_defaults(&secret_knobs, &o);
	strcpy(o.file, "/tmp/ringwalk_test_secret_XXXXXX");
	fd = mkstemp(o.file);
	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len || close(fd))
		abort();
	return o;
}

static inline void secret_file_remove(const struct secret_opts *o)
{
	unlink(o->file);
}

#define CHALLENGE_BYTES (WIRE_HEAD + WIRE_RANDOM)
#define PROOF_BYTES	(WIRE_HEAD + WIRE_RANDOM + WIRE_MAC)

/* What a client answers to this challenge; talk has its random bytes, and the challenge's after. */
static inline void put_proof(uint8_t proof[PROOF_BYTES], const struct secret *s,
			     const uint8_t challenge[CHALLENGE_BYTES], struct secret_talk *talk)
{
	memcpy(talk->challenge, challenge + WIRE_HEAD, WIRE_RANDOM);
	wire_put_head(proof, &(struct wire_head){ .length = PROOF_BYTES,
						  .version = WIRE_VERSION,
						  .type = WIRE_PROOF,
						  .body_len = PROOF_BYTES - WIRE_HEAD });
	memcpy(proof + WIRE_HEAD, talk->random, WIRE_RANDOM);
	secret_prove(s, SECRET_CLIENT, talk, proof + WIRE_HEAD + WIRE_RANDOM);
}

/* A secret of its own for each text, which is long enough. */
static inline struct secret *make_secret(const char *text, int64_t proof_ns)
{
	struct secret_opts o = secret_file(text, strlen(text));
	struct secret *s = NULL;

	o.proof_ns = proof_ns;
	if (secret_create(&s, &o, NULL))
		abort();
	secret_file_remove(&o);
	return s;
}

#endif
