/*
 * test_guard.c - connections that have to prove a secret, on sim or on the backend that the
 * argument names: plain, and on TLS of both versions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/secret_file.h"
#include "tests/tls_rig.h"

#define GOOD  "the secret of all nodes"
#define WRONG "the secret of somebody else"
#define BRIEF (30 * MS)

enum kind { PLAIN, OVER_TLS_1_3, OVER_TLS_1_2, WITHOUT_TICKETS, KINDS };

static struct secret *good, *wrong;

static void init(struct rig *rig, enum kind kind)
{
	rig_init(rig);
	rig->server.is_plain = rig->client.is_plain = kind == PLAIN;
	if (kind == OVER_TLS_1_2)
		rig->server.opts.max_version = TLS_1_2;
	rig->server.opts.resume = kind != WITHOUT_TICKETS;
	rig->server.secret = rig->client.secret = good;
}

/* A connection of TLS of this kind, or plain, from the rig's client. */
static void open_and_connect(struct rig *rig)
{
	rig_open(rig, NULL, 1);
	rig_connect(rig);
}

/* A plain connection that the test plays. */
static int open_raw(struct rig *rig)
{
	int fd;

	rig_open(rig, NULL, 1);
	fd = raw_connect(rig);
	RIG_UNTIL(rig, rig->server.opened == 1);
	return fd;
}

/* Nothing is left of proofs that are over. */
static void check_nothing_left(const struct rig *rig)
{
	const struct party *parties[] = { &rig->server, &rig->client };

	for (int i = 0; i < 2; i++) {
		const struct guard *g = parties[i]->loop.guard;

		if (!g)
			continue;
		CHECK_INT(guard_proofs(g), 0);
	}
}

/* What the client is told. */
static void check_refusal(const struct rig *rig, int code, const char *reason)
{
	CHECK_INT(rig->client.end, CONN_REFUSED);
	CHECK_INT(rig->client.code, code);
	CHECK_TEXT(rig->client.reason, reason);
	CHECK_INT(rig->client.opened, 0);
}

static void test_who_knows_the_secret_is_served(void)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct rig rig;

		init(&rig, kind);
		rig_open(&rig, NULL, 1);
		for (unsigned i = 1; i <= 3; i++) {
			rig_connect(&rig);
			RIG_UNTIL(&rig, rig.client.opened == i);
			check_nothing_left(&rig);
			rig_ask(&rig, 1, 100, 1000);
			rig_ask(&rig, 2, 5000, 200000);
			RIG_UNTIL(&rig, rig.client.messages == 2 * i);
		}
		CHECK_INT(rig.server.messages, 6);
		CHECK_INT(rig.server.ends + rig.client.ends, 0);
		rig_close(&rig);
	}
}

static void test_another_secret_is_refused(void)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct rig rig;

		init(&rig, kind);
		rig.client.secret = wrong;
		open_and_connect(&rig);
		RIG_UNTIL(&rig, rig.client.ends == 1 && rig.server.ends == 1);
		CHECK_INT(rig.server.end, CONN_FAULT);
		CHECK_INT(rig.server.code, WIRE_BAD_PROOF);
		check_refusal(&rig, -EACCES,
			      "the node did not accept the proof: its secret is another one");
		CHECK_INT(rig.server.loop.stats.faults, 1);
		check_nothing_left(&rig);
		rig_close(&rig);
	}
}

/* It does not know that there is one, and asks at once. */
static void test_who_shows_none_gets_nothing_and_is_told(void)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct rig rig;

		init(&rig, kind);
		rig.client.secret = NULL;
		open_and_connect(&rig);
		rig_ask(&rig, 1, 100, 100);
		RIG_UNTIL(&rig, rig.client.ends == 1 && rig.server.ends == 1);
		CHECK_INT(rig.client.end, CONN_FAULT);
		CHECK_INT(rig.client.code, WIRE_ASKS_SECRET);
		CHECK_INT(rig.server.messages + rig.client.messages, 0);
		rig_close(&rig);
	}
}

static void test_a_node_without_a_secret_is_not_believed(void)
{
	struct secret *impatient = make_secret(GOOD, BRIEF);

	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct rig rig;

		init(&rig, kind);
		rig.server.secret = NULL;
		rig.client.secret = impatient;
		open_and_connect(&rig);
		RIG_UNTIL(&rig, rig.client.ends == 1);
		check_refusal(
			&rig, -ETIMEDOUT,
			"the node has not asked for the secret within 30.0 ms; was it started "
			"without --secret-file?");
		CHECK_INT(rig.client.opened, 0);
		rig_close(&rig);
	}
	secret_destroy(impatient);
}

/* A node that asks, but knows nothing: it repeats what it hears, or invents something. */
static bool repeats;

static void pretend(struct conn *c, const struct message *m)
{
	uint8_t *at = conn_append(c, WIRE_HEAD + WIRE_MAC);

	wire_put_head(at, &(struct wire_head){ .length = WIRE_HEAD + WIRE_MAC,
					       .version = WIRE_VERSION,
					       .type = WIRE_WELCOME,
					       .body_len = WIRE_MAC });
	memset(at + WIRE_HEAD, 7, WIRE_MAC);
	if (repeats)
		memcpy(at + WIRE_HEAD, m->body + WIRE_RANDOM, WIRE_MAC);
}

static const struct conn_role pretender = { .accepts = WIRE_PROOF, .message = pretend };

static void pretend_to_ask(struct io_op *op, const struct io_result *r)
{
	struct rig *rig = (struct rig *)((char *)op - offsetof(struct rig, accept));
	struct conn *c = conn_open(&rig->server.loop, r->res, &pretender, NULL);
	uint8_t *at = conn_append(c, WIRE_HEAD + WIRE_RANDOM);

	wire_put_head(at, &(struct wire_head){ .length = WIRE_HEAD + WIRE_RANDOM,
					       .version = WIRE_VERSION,
					       .type = WIRE_CHALLENGE,
					       .body_len = WIRE_RANDOM });
	memset(at + WIRE_HEAD, 1, WIRE_RANDOM);
}

static void test_a_node_that_pretends_is_found_out(void)
{
	for (int i = 0; i < 2; i++) {
		struct rig rig;

		repeats = i;
		init(&rig, PLAIN);
		rig_open(&rig, NULL, 1);
		rig.accept.done = pretend_to_ask;
		rig_connect(&rig);
		RIG_UNTIL(&rig, rig.client.ends == 1);
		check_refusal(&rig, -EACCES,
			      "the node does not know the secret: its proof is wrong");
		rig_close(&rig);
	}
}

static void raw_read_all(struct rig *rig, int fd, uint8_t *bytes, size_t len)
{
	size_t done = 0;

	for (int tries = 0; done < len && tries < 10000; tries++) {
		int n = raw_read(rig, fd, bytes + done, len - done);

		done += n > 0 ? (size_t)n : 0;
		rig_turn(rig);
	}
	CHECK_INT(done, len);
}

/* The right answer to what is asked on fd. */
static void make_proof(struct rig *rig, int fd, uint8_t proof[PROOF_BYTES])
{
	struct secret_talk talk = { .random = { 1, 2, 3 } };
	uint8_t challenge[CHALLENGE_BYTES];
	struct wire_head head;

	raw_read_all(rig, fd, challenge, sizeof(challenge));
	CHECK_INT(wire_get_head(challenge, UINT32_MAX, &head), WIRE_FINE);
	CHECK_INT(head.type, WIRE_CHALLENGE);
	put_proof(proof, good, challenge, &talk);
}

/* In single bytes, with a request right behind it. */
static void test_a_proof_is_good_once(void)
{
	uint8_t proof[PROOF_BYTES], welcome[WIRE_HEAD + WIRE_MAC], request[64];
	struct rig rig;
	int fd, len;

	init(&rig, PLAIN);
	fd = open_raw(&rig);
	make_proof(&rig, fd, proof);
	for (int i = 0; i < PROOF_BYTES; i++) {
		CHECK_INT(rig.server.messages, 0);
		raw_write_all(&rig, fd, proof + i, 1);
	}
	len = make_request(request, 5, 64, 64);
	raw_write_all(&rig, fd, request, (size_t)len);
	raw_read_all(&rig, fd, welcome, sizeof(welcome));
	CHECK_INT(welcome[5], WIRE_WELCOME);
	RIG_UNTIL(&rig, rig.server.messages == 1);
	raw_close(&rig, fd);
	RIG_UNTIL(&rig, rig.server.ends == 1);

	fd = raw_connect(&rig);
	RIG_UNTIL(&rig, rig.server.opened == 2);
	raw_write_all(&rig, fd, proof, sizeof(proof));
	RIG_UNTIL(&rig, rig.server.ends == 2);
	CHECK_INT(rig.server.end, CONN_FAULT);
	CHECK_INT(rig.server.code, WIRE_BAD_PROOF);
	raw_close(&rig, fd);
	rig_close(&rig);
}

/* What strangers send instead of a proof: nothing of it is looked at. */
static void test_whatever_is_no_proof_ends_the_connection(void)
{
	static const struct {
		struct wire_head head;
		int fault;
	} rows[] = {
		{ { 36, 2, WIRE_REQUEST, .body_len = 12 }, WIRE_NO_PROOF },
		{ { 64 * MB, 2, WIRE_REQUEST }, WIRE_NO_PROOF },
		{ { 56, 2, WIRE_REPLY, .body_len = 32 }, WIRE_NO_PROOF },
		{ { 56, 2, WIRE_CHALLENGE, .body_len = 32 }, WIRE_NO_PROOF },
		{ { 56, 2, WIRE_WELCOME, .body_len = 32 }, WIRE_NO_PROOF },
		{ { 88, 2, WIRE_WELCOME + 1, .body_len = 64 }, WIRE_NO_PROOF },
		{ { 88, 1, WIRE_PROOF, .body_len = 64 }, WIRE_BAD_VERSION },
		{ { 64 * MB, 2, WIRE_PROOF, .body_len = 64 }, WIRE_SHORT_LENGTH },
		{ { 56, 2, WIRE_PROOF, .body_len = 32 }, WIRE_SHORT_LENGTH },
		{ { 88, 2, WIRE_PROOF, .flags = 1, .body_len = 64 }, WIRE_BAD_FLAGS },
		{ { 88, 2, WIRE_PROOF, .id = 1, .body_len = 64 }, WIRE_BAD_FLAGS },
		{ { 88, 2, WIRE_PROOF, .body_len = 64 }, WIRE_BAD_PROOF },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t bytes[WIRE_HEAD + 64] = { 0 };
		struct rig rig;
		int fd;

		init(&rig, PLAIN);
		fd = open_raw(&rig);
		wire_put_head(bytes, &rows[i].head);
		raw_write_all(&rig, fd, bytes, WIRE_HEAD + rows[i].head.body_len);
		RIG_UNTIL(&rig, rig.server.ends == 1);
		CHECK_INT(rig.server.end, CONN_FAULT);
		CHECK_INT(rig.server.code, rows[i].fault);
		CHECK_INT(rig.server.messages, 0);
		check_nothing_left(&rig);
		raw_close(&rig, fd);
		rig_close(&rig);
	}
}

#define CROWD 50

/* False: the machine was so slow that even who knows the secret proved it too late. */
static bool drop_a_crowd(int64_t proof_ns)
{
	struct secret *impatient = make_secret(GOOD, proof_ns);
	struct rig rig;
	bool in_time;
	int fds[CROWD];

	init(&rig, PLAIN);
	rig.server.secret = impatient;
	rig_open(&rig, NULL, 1);
	for (int i = 0; i < CROWD; i++)
		fds[i] = raw_connect(&rig);
	raw_write_all(&rig, fds[0], (uint8_t[]){ PROOF_BYTES, 0 }, 2);
	rig_connect(&rig);
	RIG_UNTIL(&rig, rig.client.opened == 1 || rig.client.ends == 1);
	in_time = rig.client.opened;
	if (in_time) {
		RIG_UNTIL(&rig, rig.server.ends == CROWD);
		CHECK_INT(rig.server.end, CONN_FAULT);
		CHECK_INT(rig.server.code, WIRE_LATE_PROOF);
		rig_ask(&rig, 1, 100, 100);
		RIG_UNTIL(&rig, rig.client.messages == 1);
		check_nothing_left(&rig);
	}
	for (int i = 0; i < CROWD; i++)
		raw_close(&rig, fds[i]);
	rig_close(&rig);
	secret_destroy(impatient);
	return in_time;
}

static void test_who_says_nothing_is_dropped_and_hinders_nobody(void)
{
	bool in_time = false;

	for (int64_t proof_ns = BRIEF; !in_time && proof_ns <= 100 * BRIEF; proof_ns *= 10)
		in_time = drop_a_crowd(proof_ns);
	CU_ASSERT(in_time);
}

/* A port scan is no fault. */
static void test_who_goes_again_is_no_news(void)
{
	struct rig rig;
	int fd;

	init(&rig, PLAIN);
	fd = open_raw(&rig);
	raw_shutdown(&rig, fd);
	RIG_UNTIL(&rig, rig.server.ends == 1);
	CHECK_INT(rig.server.end, CONN_PEER_CLOSED);
	CHECK_INT(rig.server.loop.stats.faults, 0);
	raw_close(&rig, fd);
	rig_close(&rig);
}

/* Loops may end with proofs under way. */
static void test_the_end_may_come_in_between(void)
{
	for (int turns = 0; turns < 6; turns++) {
		struct rig rig;

		init(&rig, PLAIN);
		open_and_connect(&rig);
		for (int i = 0; i < turns; i++)
			rig_turn(&rig);
		rig_close(&rig);
		CU_ASSERT(rig.client.ends == 1);
	}
}

/* Somebody in between has two connections, and cannot pass a proof on. */
static void test_a_tls_connection_is_told_from_all_others(void)
{
	uint8_t ours[32], theirs[32], before[32] = { 0 };

	for (enum kind kind = OVER_TLS_1_3; kind < KINDS; kind++) {
		struct rig rig;

		init(&rig, kind);
		rig_open(&rig, NULL, 1);
		for (unsigned i = 1; i <= 2; i++) {
			rig_connect(&rig);
			RIG_UNTIL(&rig, rig.client.opened == i);
			CHECK_INT(tls_binding(rig.client.conn, ours), 32);
			CHECK_INT(tls_binding(rig.server.conn, theirs), 32);
			CU_ASSERT(!memcmp(ours, theirs, 32));
			CU_ASSERT(memcmp(ours, before, 32));
			memcpy(before, ours, 32);
		}
		rig_close(&rig);
	}
}

static CU_TestInfo tests[] = {
	{ "who knows the secret is served", test_who_knows_the_secret_is_served },
	{ "another secret is refused", test_another_secret_is_refused },
	{ "who shows none gets nothing and is told", test_who_shows_none_gets_nothing_and_is_told },
	{ "a node without a secret is not believed", test_a_node_without_a_secret_is_not_believed },
	{ "a node that pretends is found out", test_a_node_that_pretends_is_found_out },
	{ "a proof is good once", test_a_proof_is_good_once },
	{ "whatever is no proof ends the connection",
	  test_whatever_is_no_proof_ends_the_connection },
	{ "who says nothing is dropped and hinders nobody",
	  test_who_says_nothing_is_dropped_and_hinders_nobody },
	{ "who goes again is no news", test_who_goes_again_is_no_news },
	{ "the end may come in between", test_the_end_may_come_in_between },
	{ "a tls connection is told from all others",
	  test_a_tls_connection_is_told_from_all_others },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	int result = rig_choose(argc, argv);

	if (result)
		return result;
	good = make_secret(GOOD, 60 * SEC);
	wrong = make_secret(WRONG, 60 * SEC);
	result = test_main("guard", tests);
	secret_destroy(good);
	secret_destroy(wrong);
	certificates_remove(&certs);
	return result;
}
