/*
 * test_node_secret.c - nodes, a client and forwards that share a secret or do not, on the backend
 * that the argument names.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/client.h"
#include "tests/certificate_opts.h"
#include "tests/forward_body.h"
#include "tests/node_fixture.h"
#include "tests/secret_file.h"

#define GOOD  "the secret of all nodes"
#define OTHER "the secret of somebody else"

static const struct backend_ops *backend;
static struct certificates certs;
static struct secret_opts good, other, none;
static struct setup a, b;
static struct tls_opts node_tls, client_tls;

static void init(void)
{
	setup_init(&a, backend);
	setup_init(&b, backend);
	knob_defaults(&tls_knobs, &node_tls);
	knob_defaults(&tls_knobs, &client_tls);
	tls_opts_show(&node_tls, &certs, CERT_SERVER);
	tls_opts_trust(&client_tls, &certs, CERT_CA);
	a.opts.tls = b.opts.tls = &node_tls;
	a.opts.secret = b.opts.secret = &good;
}

static void set(struct client_opts *o, const char *name, const char *text)
{
	CHECK_INT(knob_parse(knob_find(&client_knobs, name), text, o, NULL), 0);
}

/* 40 requests over 8 connections to node a. */
static int run_client(const struct secret_opts *secret, struct client_result **ret, struct err *err)
{
	struct client_opts o;

	knob_defaults(&client_knobs, &o);
	set(&o, "wait", "sleep");
	set(&o, "reply", "64B");
	set(&o, "outstanding", "1"); /* a schedule does not wait for sessions to be open */
	set(&o, "requests", "20");
	set(&o, "connections", "4");
	set(&o, "threads", "2");
	set(&o, "session-requests", "3");
	set(&o, "seed", "7");
	o.tls = node_address(a.node, 0)->transport == TRANSPORT_TLS ? &client_tls : NULL;
	o.secret = secret;
	address_format(node_address(a.node, 0), o.to, sizeof(o.to));
	return client_run(&o, backend, a.backend_opts, NULL, NULL, ret, err);
}

static void test_a_client_that_knows_it_is_served_everywhere(void)
{
	char path[ADDRESS_TEXT];
	const char *const places[] = { "127.0.0.1:0", "tls://127.0.0.1:0", path };

	unix_name(backend, path, sizeof(path));
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		struct client_result *r = NULL;
		struct err err = { 0 };

		init();
		a.opts.threads = 2;
		setup_bind(&a, places[i]);
		CU_ASSERT_FATAL(setup_start(&a) == 0);
		CHECK_INT(run_client(&good, &r, &err), 0);
		CHECK_TEXT(err.text, "");
		CU_ASSERT_FATAL(r != NULL);
		CHECK_INT(r->counts.done, 40);
		CHECK_INT(r->connections_lost, 0);
		client_result_destroy(r);
		setup_finish(&a);
		setup_finish(&b);
		CHECK_INT(count_said(&a, "secret"), 0);
	}
}

static void test_a_client_with_another_secret_hears_why_not(void)
{
	struct client_result *r = NULL;
	struct err err = { 0 };

	init();
	CU_ASSERT_FATAL(setup_start(&a) == 0);
	CHECK_INT(run_client(&other, &r, &err), -EACCES);
	CU_ASSERT(strstr(err.text, "did not accept the proof: its secret is another one") != NULL);
	CHECK_INT(stats_of(&a).requests, 0);
	CU_ASSERT(stats_of(&a).faults[WIRE_BAD_PROOF] > 0);
	setup_finish(&a);
	setup_finish(&b);
	CU_ASSERT(count_said(&a, "does not know the secret: its proof is wrong") > 0);
}

static void test_a_client_without_a_secret_gets_nothing(void)
{
	struct client_result *r = NULL;
	struct err err = { 0 };

	init();
	CU_ASSERT_FATAL(setup_start(&a) == 0);
	if (!run_client(&none, &r, &err))
		CHECK_INT(r->counts.done, 0);
	else
		CU_ASSERT(strstr(err.text, "the node asks for a secret") != NULL);
	client_result_destroy(r);
	CHECK_INT(stats_of(&a).requests, 0);
	setup_finish(&a);
	setup_finish(&b);
}

/* Blocking, to node a. */
static int connect_and_prove(void)
{
	struct secret *s = make_secret(GOOD, SEC);
	struct secret_talk talk = { .random = { 1 } };
	uint8_t challenge[CHALLENGE_BYTES], proof[PROOF_BYTES], welcome[WIRE_HEAD + WIRE_MAC];
	int fd = connect_to_node(&a);

	CHECK_INT(read_all(fd, challenge, sizeof(challenge)), sizeof(challenge));
	put_proof(proof, s, challenge, &talk);
	CHECK_INT(send(fd, proof, sizeof(proof), MSG_NOSIGNAL), sizeof(proof));
	CHECK_INT(read_all(fd, welcome, sizeof(welcome)), sizeof(welcome));
	CU_ASSERT(secret_check(s, SECRET_NODE, &talk, welcome + WIRE_HEAD));
	secret_destroy(s);
	return fd;
}

/* Twenty requests to a, ten of them at a time, which forwards them to b: the status of all. */
static int forward(enum transport transport)
{
	struct body inner = nap_then_reply(0), body = { 0 };
	struct branch branch = {
		.ports = { port_of(&b) }, .transports = { transport }, .count = 1, .program = &inner
	};
	int fd = a.opts.secret == &none ? connect_to_node(&a) : connect_and_prove(), status = -1;
	struct wire_head head;
	struct wire_hop hop;

	add_branches(&body, (struct wire_forward){ .timeout_us = 5000000 }, &branch, 1);
	add_reply(&body, REPLY_SIZE);
	for (int i = 0; i < 30; i++) {
		if (i < 20)
			send_body(fd, (struct wire_head){ .hops = 2 }, &body);
		if (i < 10)
			continue;
		CHECK_INT(read_reply(fd, &head, &hop), 0);
		status = status < 0 || status == head.hops ? head.hops : 99;
	}
	close(fd);
	return status;
}

static void test_forwards_show_the_secret_and_want_to_be_shown_it(void)
{
	struct secret_opts hasty = good;
	const struct {
		const struct secret_opts *a, *b;
		int status;
		const char *sentence; /* of a; NULL: nothing is said */
	} rows[] = {
		{ &good, &good, WIRE_OK, NULL },
		{ &good, &other, WIRE_ERROR, "did not accept the proof" },
		{ &none, &good, WIRE_ERROR, "failed: the node asks for a secret (--secret-file)" },
		{ &hasty, &none, WIRE_ERROR, "has not asked for the secret within 500 ms" },
	};

	hasty.proof_ns = 500 * MS; /* for the client of this test, too */
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int over_tls = 0; over_tls < 2; over_tls++) {
			init();
			a.opts.secret = rows[i].a;
			b.opts.secret = rows[i].b;
			a.opts.tls = &client_tls;
			setup_bind(&b, over_tls ? "tls://127.0.0.1:0" : "127.0.0.1:0");
			CU_ASSERT_FATAL(setup_start(&a) == 0);
			CU_ASSERT_FATAL(setup_start(&b) == 0);
			CHECK_INT(forward(over_tls ? TRANSPORT_TLS : TRANSPORT_STREAM),
				  rows[i].status);
			CHECK_INT(stats_of(&b).requests, rows[i].status ? 0 : 20);
			if (!rows[i].status)
				CHECK_INT(stats_of(&a).forward.opened, 1);
			setup_finish(&a);
			setup_finish(&b);
			CHECK_INT(count_said(&a, rows[i].sentence ? rows[i].sentence : ""),
				  rows[i].sentence != NULL);
		}
	}
}

static void test_udp_and_secrets_do_not_go_together(void)
{
	struct err err = { 0 };

	init();
	setup_bind(&a, "udp://127.0.0.1:0");
	a.opts.insecure = true;
	CHECK_INT(node_start(&a.node, &a.opts, backend, a.backend_opts, &a.hooks, &err), -EINVAL);
	CU_ASSERT(strstr(err.text, "UDP has no connection on which a client could prove") != NULL);
	setup_finish(&a);
	setup_init(&a, backend);
	a.opts.secret = &good;
	b.opts.secret = NULL;
	setup_bind(&b, "udp://127.0.0.1:0");
	CU_ASSERT_FATAL(setup_start(&a) == 0);
	CU_ASSERT_FATAL(setup_start(&b) == 0);
	CHECK_INT(forward(TRANSPORT_UDP), WIRE_ERROR);
	setup_finish(&a);
	setup_finish(&b);
	CHECK_INT(count_said(&a, "UDP has no connection on which the secret could be proved"), 1);
}

static void test_beyond_loopback_something_has_to_ask(void)
{
	static const struct {
		const char *bind;
		bool has_secret, is_insecure, is_fine;
	} rows[] = {
		{ "0.0.0.0:0", false, false, false },
		{ "0.0.0.0:0", true, false, true },
		{ "0.0.0.0:0", false, true, true },
		{ "udp://0.0.0.0:0", false, false, false },
		{ "udp://0.0.0.0:0", true, false, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err err = { 0 };

		init();
		a.opts.secret = rows[i].has_secret ? &good : &none;
		a.opts.insecure = rows[i].is_insecure;
		setup_bind(&a, rows[i].bind);
		CHECK_INT(!node_start(&a.node, &a.opts, backend, a.backend_opts, &a.hooks, &err),
			  rows[i].is_fine);
		if (!rows[i].is_fine && !rows[i].has_secret)
			CU_ASSERT(strstr(err.text, "--secret-file") &&
				  strstr(err.text, "--insecure"));
		setup_finish(&a);
		setup_finish(&b);
	}
}

static void test_stopping_does_not_wait_for_who_says_nothing(void)
{
	int64_t start_ns;
	int fd;

	init();
	a.opts.drain_ns = 20 * SEC;
	CU_ASSERT_FATAL(setup_start(&a) == 0);
	fd = connect_to_node(&a);
	WAIT_UNTIL(stats_of(&a).connections == 1);
	start_ns = clock_now_ns();
	setup_finish(&a);
	CU_ASSERT(clock_now_ns() - start_ns < 18 * SEC);
	close(fd);
	setup_finish(&b);
}

static CU_TestInfo tests[] = {
	{ "a client that knows it is served everywhere",
	  test_a_client_that_knows_it_is_served_everywhere },
	{ "a client with another secret hears why not",
	  test_a_client_with_another_secret_hears_why_not },
	{ "a client without a secret gets nothing", test_a_client_without_a_secret_gets_nothing },
	{ "forwards show the secret and want to be shown it",
	  test_forwards_show_the_secret_and_want_to_be_shown_it },
	{ "udp and secrets do not go together", test_udp_and_secrets_do_not_go_together },
	{ "beyond loopback something has to ask", test_beyond_loopback_something_has_to_ask },
	{ "stopping does not wait for who says nothing",
	  test_stopping_does_not_wait_for_who_says_nothing },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	int result;

	backend = choose_backend(argc, argv, &result);
	if (!backend)
		return result;
	unsetenv(SECRET_ENVIRONMENT);
	certificates_make(&certs);
	good = secret_file(GOOD, strlen(GOOD));
	other = secret_file(OTHER, strlen(OTHER));
	knob_defaults(&secret_knobs, &none);
	result = test_main("node_secret", tests);
	secret_file_remove(&good);
	secret_file_remove(&other);
	certificates_remove(&certs);
	return result;
}
