/*
 * secret.c - see secret.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

struct secret {
	int64_t proof_ns;
	size_t len;
	uint8_t bytes[SECRET_MAX + 2]; /* a newline and one byte too many come in, too */
};

static const struct knob knobs[] = {
	{ .name = "secret-file",
	  .type = &knob_text,
	  KNOB_FIELD(struct secret_opts, file, char[256]),
	  .metavar = "FILE",
	  .help = "node: serve only who knows the secret in it; client, and forwards: prove it, "
		  "and be shown that the node knows it; else " SECRET_ENVIRONMENT " has it" },
	{ .name = "secret-timeout",
	  .type = &knob_time,
	  KNOB_FIELD(struct secret_opts, proof_ns, int64_t),
	  .min = MS,
	  .max = 3600 * SEC,
	  .def = "5s",
	  .help = "who has not proved to know the secret by then is dropped" },
	{ 0 },
};

const struct knob_group secret_knobs = {
	.name = "",
	.help = "secret that client and node share",
	.knobs = knobs,
	.opts_size = sizeof(struct secret_opts),
};

/* One newline at the end is an editor's. */
static size_t trimmed_len(const uint8_t *bytes, size_t len)
{
	if (len && bytes[len - 1] == '\n')
		len--;
	if (len && bytes[len - 1] == '\r')
		len--;
	return len;
}

/*
 * As ssh does it with keys: the file of who runs this is his to protect, and he can. One that is
 * another's (the administrator's, an orchestrator's) has the mode that its owner chose.
 */
static int check_mode(FILE *file, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fileno(file), &st) < 0)
		return err_sys(err, -errno, "--secret-file=%s", path);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || !(st.st_mode & 077))
		return 0;
	return err_set(err, -EINVAL,
		       "--secret-file=%s: others than its owner can read or write it (mode %04o): "
		       "chmod 600",
		       path, (unsigned)(st.st_mode & 07777));
}

static int read_file(struct secret *s, const char *path, struct err *err)
{
	AUTO(auto_fclose) FILE *file = fopen(path, "re");
	int rc;

	if (!file)
		return err_sys(err, -errno, "--secret-file=%s", path);
	rc = check_mode(file, path, err);
	if (rc)
		return rc;
	setvbuf(file, NULL, _IONBF, 0); /* no copy that stays behind */
	s->len = fread(s->bytes, 1, sizeof(s->bytes), file);
	if (ferror(file))
		return err_sys(err, -errno, "--secret-file=%s", path);
	s->len = trimmed_len(s->bytes, s->len);
	return 0;
}

static int check_len(const struct secret *s, const char *from, struct err *err)
{
	if (s->len > SECRET_MAX)
		return err_set(err, -EINVAL, "%s: longer than the %d bytes that a secret may have",
			       from, SECRET_MAX);
	if (!s->len)
		return err_set(err, -EINVAL, "%s is empty; \"openssl rand -hex 32\" makes a secret",
			       from);
	if (s->len < SECRET_MIN)
		return err_set(err, -EINVAL,
			       "%s: %zu bytes can be guessed; a secret has at least %d: "
			       "\"openssl rand -hex 32\" makes one",
			       from, s->len, SECRET_MIN);
	return 0;
}

/* 0, and a length of 0 where none is given. */
static int read_secret(struct secret *s, const struct secret_opts *o, struct err *err)
{
	const char *text = getenv(SECRET_ENVIRONMENT);
	char from[sizeof(o->file) + 32];
	int result;

	if (*o->file) {
		snprintf(from, sizeof(from), "--secret-file=%s", o->file);
		result = read_file(s, o->file, err);
		return result ? result : check_len(s, from, err);
	}
	if (!text)
		return 0;
	s->len = strnlen(text, sizeof(s->bytes));
	memcpy(s->bytes, text, s->len);
	return check_len(s, SECRET_ENVIRONMENT, err);
}

int secret_create(struct secret **ret, const struct secret_opts *opts, struct err *err)
{
	struct secret *s = calloc(1, sizeof(*s));
	int result;

	if (!s)
		return err_set(err, -ENOMEM, "no memory for the secret");
	s->proof_ns = opts->proof_ns;
	result = read_secret(s, opts, err);
	if (result || !s->len) {
		secret_destroy(s);
		s = NULL;
	}
	if (!result)
		*ret = s;
	return result;
}

void secret_destroy(struct secret *s)
{
	if (!s)
		return;
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
}

int64_t secret_proof_ns(const struct secret *s)
{
	return s->proof_ns;
}

int secret_draw(uint8_t ret[WIRE_RANDOM])
{
	return RAND_bytes(ret, WIRE_RANDOM) == 1 ? 0 : -EIO;
}

/* Neither label begins with the other, and all that follows has its fixed length. */
int secret_prove(const struct secret *s, enum secret_side side, const struct secret_talk *talk,
		 uint8_t ret[WIRE_MAC])
{
	static const char *const labels[] = {
		[SECRET_NODE] = "ringwalk node", [SECRET_CLIENT] = "ringwalk client"
	};
	uint8_t text[16 + 2 * WIRE_RANDOM + sizeof(talk->binding)];
	size_t len = strlen(labels[side]);
	unsigned got = 0;

	memcpy(text, labels[side], len);
	memcpy(text + len, talk->challenge, WIRE_RANDOM);
	memcpy(text + len + WIRE_RANDOM, talk->random, WIRE_RANDOM);
	len += 2 * WIRE_RANDOM;
	memcpy(text + len, talk->binding, talk->binding_len);
	len += talk->binding_len;
	return HMAC(EVP_sha256(), s->bytes, (int)s->len, text, len, ret, &got) && got == WIRE_MAC
		       ? 0
		       : -EIO;
}

bool secret_check(const struct secret *s, enum secret_side side, const struct secret_talk *talk,
		  const uint8_t mac[WIRE_MAC])
{
	uint8_t right[WIRE_MAC];

	return !secret_prove(s, side, talk, right) && !CRYPTO_memcmp(right, mac, WIRE_MAC);
}
