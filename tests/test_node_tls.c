/*
 * test_node_tls.c - a node and a client on TLS, as their users start them, on the backend that the
 * argument names.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/client.h"
#include "tests/certificate_opts.h"
#include "tests/node_fixture.h"

static const struct backend_ops *backend;
static struct certificates certs;

/* A node's options and a client's, which fit each other. */
struct pair {
	struct setup node;
	struct tls_opts node_tls, client_tls;
	struct client_opts client;
	struct client_result *result;
	struct said said; /* by the client */
	struct err err;
};

static void keep_client_sentence(void *context, const char *sentence)
{
	struct said *said = context;

	snprintf(said->text[said->count++ % SENTENCES], sizeof(said->text[0]), "%s", sentence);
}

static void set(struct client_opts *o, const char *name, const char *text)
{
	CHECK_INT(knob_parse(knob_find(&client_knobs, name), text, o, NULL), 0);
}

static void init_client(struct pair *p)
{
	knob_defaults(&client_knobs, &p->client);
	set(&p->client, "wait", "sleep");
	set(&p->client, "request-size", "64B");
	set(&p->client, "reply", "64B");
	set(&p->client, "rate", "2k");
	set(&p->client, "requests", "20");
	set(&p->client, "connections", "4");
	set(&p->client, "threads", "2");
	set(&p->client, "seed", "7");
	set(&p->client, "drain", "5s");
	p->client.tls = &p->client_tls;
}

static void init_pair(struct pair *p)
{
	memset(p, 0, sizeof(*p));
	setup_init(&p->node, backend);
	knob_defaults(&tls_knobs, &p->node_tls);
	knob_defaults(&tls_knobs, &p->client_tls);
	tls_opts_show(&p->node_tls, &certs, CERT_SERVER);
	tls_opts_trust(&p->client_tls, &certs, CERT_CA);
	p->node.opts.tls = &p->node_tls;
	p->node.opts.threads = 2;
	setup_bind(&p->node, "tls://127.0.0.1:0");
	init_client(p);
}

static int run_client(struct pair *p, unsigned address)
{
	const struct hooks hooks = { .context = &p->said, .say = keep_client_sentence };

	address_format(node_address(p->node.node, address), p->client.to, sizeof(p->client.to));
	return client_run(&p->client, backend, p->node.backend_opts, &hooks, NULL, &p->result,
			  &p->err);
}

static void finish(struct pair *p)
{
	client_result_destroy(p->result);
	setup_finish(&p->node);
}

static void check_answers(struct pair *p, unsigned address, const char *version)
{
	p->client_tls.verify = *version; /* without TLS there is nothing to check */
	CHECK_INT(run_client(p, address), 0);
	CHECK_TEXT(p->err.text, "");
	if (!p->result)
		return;
	CHECK_INT(p->result->counts.done, 40);
	CHECK_INT(p->result->connections_lost, 0);
	CHECK_TEXT(p->result->tls.version, version);
	CHECK_INT(p->result->loop.handshakes, *version ? 8 : 0);
	client_result_destroy(p->result);
	p->result = NULL;
}

static void test_every_accept_mode_serves_tls_beside_tcp(void)
{
	for (int mode = ACCEPT_CHILD; mode <= ACCEPT_PARENT; mode++) {
		for (int wait = ACCEPT_EVENT; wait <= ACCEPT_BLOCKING; wait++) {
			struct pair p;

			init_pair(&p);
			p.node.opts.accept_mode = mode;
			p.node.opts.accept_wait = wait;
			setup_bind(&p.node, "127.0.0.1:0");
			CU_ASSERT_FATAL(setup_start(&p.node) == 0);
			check_answers(&p, 0, "TLSv1.3");
			check_answers(&p, 1, "");
			WAIT_UNTIL(stats_of(&p.node).connections == 0);
			CHECK_INT(stats_of(&p.node).loop.handshakes, 8);
			CHECK_INT(stats_of(&p.node).requests, 80);
			CHECK_INT(stats_of(&p.node).loop.faults, 0);
			CHECK_INT(count_said(&p.node, ""), 0);
			finish(&p);
		}
	}
}

static void test_a_reply_of_20_mb_arrives(void)
{
	struct pair p;

	init_pair(&p);
	CU_ASSERT_FATAL(setup_start(&p.node) == 0);
	p.client.program.count = 0;
	set(&p.client, "reply", "20MB");
	set(&p.client, "threads", "1");
	set(&p.client, "requests", "2");
	CHECK_INT(run_client(&p, 0), 0);
	CHECK_INT(p.result->counts.done, 2);
	CU_ASSERT(p.result->loop.bytes_in > 40 * 1000 * 1000);
	finish(&p);
}

static void test_a_node_that_cannot_serve_tls_says_what_to_give(void)
{
	struct tls_opts none, verify;
	const struct {
		const char *bind;
		const struct tls_opts *tls;
		const char *part;
	} rows[] = {
		{ "tls://127.0.0.1:0", NULL, "--tls-cert=FILE" },
		{ "tls://127.0.0.1:0", &none, "--tls-cert=FILE" },
		{ "tls://127.0.0.1:0", &verify, "--tls-ca=FILE" },
		{ "tls://0.0.0.0:0", &none, "tls:// with --tls-verify" },
	};

	knob_defaults(&tls_knobs, &none);
	verify = none;
	tls_opts_show(&verify, &certs, CERT_SERVER);
	verify.verify = true;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct node *node = NULL;
		struct err err = { 0 };
		struct setup s;

		setup_init(&s, backend);
		s.opts.tls = rows[i].tls;
		setup_bind(&s, rows[i].bind);
		CHECK_INT(node_start(&node, &s.opts, backend, s.backend_opts, NULL, &err), -EINVAL);
		CU_ASSERT(strstr(err.text, rows[i].part) != NULL);
		CU_ASSERT(strstr(err.text, "listen on tls://") != NULL);
		setup_finish(&s);
	}
}

/* Who may talk to it is known then. */
static void test_clients_that_show_certificates_may_be_elsewhere(void)
{
	struct pair p;

	init_pair(&p);
	p.node.opts.bind.count = 0;
	setup_bind(&p.node, "tls://0.0.0.0:0");
	tls_opts_trust(&p.node_tls, &certs, CERT_CA);
	CHECK_INT(setup_start(&p.node), 0);
	finish(&p);
}

static void test_a_client_that_is_not_sure_whom_it_talks_to_stops(void)
{
	struct pair p;

	init_pair(&p);
	CU_ASSERT_FATAL(setup_start(&p.node) == 0);
	strcpy(p.client_tls.ca, certs.cert[CERT_OTHER_CA]);
	CHECK_INT(run_client(&p, 0), -EKEYREJECTED);
	CU_ASSERT(strstr(p.err.text, "connect tls://127.0.0.1:") != NULL);
	CU_ASSERT(strstr(p.err.text, "not signed by an authority") != NULL);
	CHECK_INT(p.said.count, 0);
	WAIT_UNTIL(count_said(&p.node, "unknown ca") > 0);
	finish(&p);
}

static void test_a_client_that_does_not_check_says_so_once(void)
{
	struct pair p;

	init_pair(&p);
	CU_ASSERT_FATAL(setup_start(&p.node) == 0);
	p.client_tls.verify = false;
	CHECK_INT(run_client(&p, 0), 0);
	CHECK_INT(p.said.count, 1);
	CU_ASSERT(strstr(p.said.text[0], "not checked: --tls-verify") != NULL);
	CU_ASSERT(!p.result->tls.is_verified);
	finish(&p);
}

static bool tells(const struct pair *p, const char *part)
{
	if (strstr(p->err.text, part))
		return true;
	for (unsigned i = 0; p->result && i < p->result->reason_count; i++) {
		if (strstr(p->result->reasons[i], part))
			return true;
	}
	return false;
}

static void test_clients_must_show_a_certificate_when_asked(void)
{
	struct pair p;

	init_pair(&p);
	tls_opts_trust(&p.node_tls, &certs, CERT_CA);
	CU_ASSERT_FATAL(setup_start(&p.node) == 0);
	run_client(&p, 0);
	CU_ASSERT(tells(&p, "certificate required"));
	CHECK_INT(stats_of(&p.node).requests, 0);
	WAIT_UNTIL(count_said(&p.node, "showed no certificate") > 0);
	client_result_destroy(p.result);
	p.result = NULL;
	p.err = (struct err){ 0 };
	tls_opts_show(&p.client_tls, &certs, CERT_CLIENT);
	check_answers(&p, 0, "TLSv1.3");
	finish(&p);
}

static void test_plain_and_silent_clients_are_told_and_dropped(void)
{
	struct pair p;
	int plain, silent;

	init_pair(&p);
	p.node_tls.handshake_ns = 100 * MS;
	CU_ASSERT_FATAL(setup_start(&p.node) == 0);
	plain = connect_to_node(&p.node);
	silent = connect_to_node(&p.node);
	CHECK_INT(ask_reply(plain, 1, 64), 0);
	CU_ASSERT(is_at_end(plain));
	CU_ASSERT(is_at_end(silent));
	WAIT_UNTIL(count_said(&p.node, "what came is no TLS") == 1);
	WAIT_UNTIL(count_said(&p.node, "no TLS handshake within 100 ms") == 1);
	WAIT_UNTIL(stats_of(&p.node).connections == 0);
	CHECK_INT(stats_of(&p.node).loop.handshakes_failed, 2);
	close(plain);
	close(silent);
	finish(&p);
}

static void test_stopping_does_not_wait_for_handshakes(void)
{
	struct pair p;
	int64_t begin_ns;
	int silent;

	init_pair(&p);
	p.node_tls.handshake_ns = p.node.opts.drain_ns = 60 * SEC;
	CU_ASSERT_FATAL(setup_start(&p.node) == 0);
	silent = connect_to_node(&p.node);
	WAIT_UNTIL(stats_of(&p.node).connections == 1);
	begin_ns = clock_now_ns();
	finish(&p);
	CU_ASSERT(clock_now_ns() - begin_ns < 30 * SEC);
	CU_ASSERT(is_at_end(silent));
	close(silent);
}

static CU_TestInfo tests[] = {
	{ "every accept mode serves TLS beside TCP", test_every_accept_mode_serves_tls_beside_tcp },
	{ "a reply of 20 MB arrives", test_a_reply_of_20_mb_arrives },
	{ "a node that cannot serve TLS says what to give",
	  test_a_node_that_cannot_serve_tls_says_what_to_give },
	{ "clients that show certificates may be elsewhere",
	  test_clients_that_show_certificates_may_be_elsewhere },
	{ "a client that is not sure whom it talks to stops",
	  test_a_client_that_is_not_sure_whom_it_talks_to_stops },
	{ "a client that does not check says so once",
	  test_a_client_that_does_not_check_says_so_once },
	{ "clients must show a certificate when asked",
	  test_clients_must_show_a_certificate_when_asked },
	{ "plain and silent clients are told and dropped",
	  test_plain_and_silent_clients_are_told_and_dropped },
	{ "stopping does not wait for handshakes", test_stopping_does_not_wait_for_handshakes },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	int result;

	backend = choose_backend(argc, argv, &result);
	if (!backend)
		return result;
	certificates_make(&certs);
	result = test_main("node_tls", tests);
	certificates_remove(&certs);
	return result;
}
