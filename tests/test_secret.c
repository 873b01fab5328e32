/*
 * test_secret.c - what a secret is read from, and what is proved with it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "tests/secret_file.h"

#define GOOD  "0123456789abcdef"
#define OTHER "0123456789abcdeg"

static void test_files_are_taken_or_refused_in_words(void)
{
	static const char zeros[SECRET_MAX + 8];
	static const struct {
		const char *bytes;
		size_t len;
		const char *part; /* of the sentence; NULL: it is fine */
	} rows[] = {
		{ GOOD, 16, NULL },
		{ GOOD "\n", 17, NULL },
		{ GOOD "\r\n", 18, NULL },
		{ zeros, SECRET_MIN, NULL },
		{ zeros, SECRET_MAX, NULL },
		{ "", 0, "is empty" },
		{ "\n", 1, "is empty" },
		{ GOOD, 15, "15 bytes can be guessed; a secret has at least 16" },
		{ "0123456789abcde\n", 16, "15 bytes can be guessed" },
		{ zeros, SECRET_MAX + 1, "longer than the 4096 bytes" },
		{ zeros, sizeof(zeros), "longer than the 4096 bytes" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct secret_opts o = secret_file(rows[i].bytes, rows[i].len);
		struct secret *s = NULL;
		struct err err = { 0 };
		int result = secret_create(&s, &o, &err);

		CHECK_INT(result, rows[i].part ? -EINVAL : 0);
		CHECK_INT(result, err.code);
		CU_ASSERT(strstr(err.text, rows[i].part ? rows[i].part : "") != NULL);
		CU_ASSERT((s == NULL) == (rows[i].part != NULL));
		secret_destroy(s);
		secret_file_remove(&o);
	}
}

static void test_what_cannot_be_read_is_refused(void)
{
	static const struct {
		const char *file;
		int code;
	} rows[] = { { "/nonexistent/secret", -ENOENT }, { "/tmp", -EISDIR } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct secret_opts o = { .proof_ns = SEC };
		struct secret *s = NULL;
		struct err err = { 0 };

		strcpy(o.file, rows[i].file);
		CHECK_INT(secret_create(&s, &o, &err), rows[i].code);
		CU_ASSERT(strstr(err.text, "--secret-file=/") == err.text);
		CU_ASSERT(s == NULL);
	}
}

static void test_a_file_that_others_can_read_is_refused(void)
{
	static const struct {
		mode_t mode;
		bool is_fine;
	} rows[] = { { 0600, true },  { 0400, true },  { 0700, true },	{ 0640, false },
		     { 0604, false }, { 0620, false }, { 0644, false }, { 0666, false } };
	struct secret_opts o = secret_file(GOOD, strlen(GOOD));

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct secret *s = NULL;
		struct err err = { 0 };
		char want[32];

		CHECK_INT(chmod(o.file, rows[i].mode), 0);
		CHECK_INT(secret_create(&s, &o, &err), rows[i].is_fine ? 0 : -EINVAL);
		CU_ASSERT((s != NULL) == rows[i].is_fine);
		snprintf(want, sizeof(want), "(mode %04o): chmod 600", (unsigned)rows[i].mode);
		CU_ASSERT(rows[i].is_fine || strstr(err.text, want) != NULL);
		secret_destroy(s);
	}
	secret_file_remove(&o);
}

/* Its mode is its owner's business, who may have chosen it for this user. */
static void test_a_file_of_another_owner_is_taken_as_it_is(void)
{
	struct secret_opts o = secret_file(GOOD, strlen(GOOD));
	struct secret *s = NULL;
	struct err err = { 0 };

	CHECK_INT(chmod(o.file, 0644), 0);
	if (chown(o.file, geteuid() + 1, (gid_t)-1) < 0) {
		printf(" (not looked at: only root gives files away)");
	} else {
		CHECK_INT(secret_create(&s, &o, &err), 0);
		secret_destroy(s);
	}
	secret_file_remove(&o);
}

static struct secret_talk some_talk(void)
{
	struct secret_talk talk = { .binding_len = 0 };

	CHECK_INT(secret_draw(talk.challenge), 0);
	CHECK_INT(secret_draw(talk.random), 0);
	return talk;
}

static bool is_same(const struct secret *a, const struct secret *b)
{
	struct secret_talk talk = some_talk();
	uint8_t mac[WIRE_MAC];

	CHECK_INT(secret_prove(a, SECRET_CLIENT, &talk, mac), 0);
	return secret_check(b, SECRET_CLIENT, &talk, mac);
}

static void test_a_newline_at_the_end_does_not_matter(void)
{
	struct secret *a = make_secret(GOOD, SEC), *b = make_secret(GOOD "\n", SEC);
	struct secret *c = make_secret(GOOD "\n\n", SEC), *d = make_secret(OTHER, SEC);

	CU_ASSERT(is_same(a, a));
	CU_ASSERT(is_same(a, b));
	CU_ASSERT(!is_same(a, c));
	CU_ASSERT(!is_same(a, d));
	secret_destroy(a);
	secret_destroy(b);
	secret_destroy(c);
	secret_destroy(d);
}

static void test_the_environment_has_it_where_no_file_is_named(void)
{
	struct secret *file = make_secret(GOOD, SEC), *s = NULL;
	struct secret_opts o = { .proof_ns = SEC };
	struct err err = { 0 };

	CHECK_INT(secret_create(&s, &o, &err), 0);
	CU_ASSERT(s == NULL);
	setenv(SECRET_ENVIRONMENT, GOOD, 1);
	CHECK_INT(secret_create(&s, &o, &err), 0);
	CU_ASSERT_FATAL(s != NULL);
	CU_ASSERT(is_same(s, file));
	secret_destroy(s);
	s = NULL;
	setenv(SECRET_ENVIRONMENT, "", 1);
	CHECK_INT(secret_create(&s, &o, &err), -EINVAL);
	CHECK_TEXT(err.text, "RINGWALK_SECRET is empty; \"openssl rand -hex 32\" makes a secret");
	unsetenv(SECRET_ENVIRONMENT);
	secret_destroy(file);
}

/* Whatever is changed, the proof is another one. */
static void test_a_proof_holds_for_one_side_of_one_connection(void)
{
	struct secret *s = make_secret(GOOD, SEC);
	struct secret_talk talk = some_talk(), other;
	uint8_t mac[WIRE_MAC];

	CHECK_INT(secret_prove(s, SECRET_CLIENT, &talk, mac), 0);
	CU_ASSERT(secret_check(s, SECRET_CLIENT, &talk, mac));
	CU_ASSERT(!secret_check(s, SECRET_NODE, &talk, mac));
	other = talk;
	other.challenge[31] ^= 1;
	CU_ASSERT(!secret_check(s, SECRET_CLIENT, &other, mac));
	other = talk;
	other.random[0] ^= 1;
	CU_ASSERT(!secret_check(s, SECRET_CLIENT, &other, mac));
	other = talk;
	other.binding_len = 32;
	CU_ASSERT(!secret_check(s, SECRET_CLIENT, &other, mac));
	for (int i = 0; i < WIRE_MAC; i++) {
		mac[i] ^= 0x80;
		CU_ASSERT(!secret_check(s, SECRET_CLIENT, &talk, mac));
		mac[i] ^= 0x80;
	}
	secret_destroy(s);
}

static CU_TestInfo tests[] = {
	{ "files are taken or refused in words", test_files_are_taken_or_refused_in_words },
	{ "what cannot be read is refused", test_what_cannot_be_read_is_refused },
	{ "a file that others can read is refused", test_a_file_that_others_can_read_is_refused },
	{ "a file of another owner is taken as it is",
	  test_a_file_of_another_owner_is_taken_as_it_is },
	{ "a newline at the end does not matter", test_a_newline_at_the_end_does_not_matter },
	{ "the environment has it where no file is named",
	  test_the_environment_has_it_where_no_file_is_named },
	{ "a proof holds for one side of one connection",
	  test_a_proof_holds_for_one_side_of_one_connection },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	unsetenv(SECRET_ENVIRONMENT);
	return test_main("secret", tests);
}
