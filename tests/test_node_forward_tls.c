/*
 * test_node_forward_tls.c - forwards over TLS between real nodes, on the backend that the argument
 * names.
 *
 * Node a listens on plain tcp and forwards; b is on TLS, c on plain tcp.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/certificate_opts.h"
#include "tests/forward_body.h"
#include "tests/node_fixture.h"

static const struct backend_ops *backend;
static struct certificates certs;
static struct setup a, b, c;
static struct tls_opts a_tls, b_tls;

static void init(void)
{
	setup_init(&a, backend);
	setup_init(&b, backend);
	setup_init(&c, backend);
	knob_defaults(&tls_knobs, &a_tls);
	knob_defaults(&tls_knobs, &b_tls);
	tls_opts_trust(&a_tls, &certs, CERT_CA);
	tls_opts_show(&b_tls, &certs, CERT_SERVER);
	a.opts.tls = &a_tls;
	b.opts.tls = &b_tls;
	setup_bind(&b, "tls://127.0.0.1:0");
}

static void start(void)
{
	CU_ASSERT_FATAL(setup_start(&a) == 0);
	CU_ASSERT_FATAL(setup_start(&b) == 0);
	CU_ASSERT_FATAL(setup_start(&c) == 0);
}

static void finish(void)
{
	setup_finish(&a);
	setup_finish(&b);
	setup_finish(&c);
}

static int ask_body(int fd, const struct body *body)
{
	struct wire_head head;
	struct wire_hop hop;

	send_body(fd, (struct wire_head){ 0 }, body);
	return read_reply(fd, &head, &hop) ? -1 : head.hops;
}

static struct body to_places(const struct wire_forward *f, const struct branch *places)
{
	struct body inner = nap_then_reply(0), body = { 0 };
	struct branch branch = *places;

	branch.program = &inner;
	while (branch.ports[branch.count])
		branch.count++;
	add_branches(&body, *f, &branch, 1);
	add_reply(&body, REPLY_SIZE);
	return body;
}

/* To b, over TLS. */
static struct body to_b(void)
{
	return to_places(
		&(struct wire_forward){ .timeout_us = 5000000 },
		&(struct branch){ .ports = { port_of(&b) }, .transports = { TRANSPORT_TLS } });
}

/* `count` requests to b by each of `clients` connections: the status of all of them. */
static int ask_b(int clients, int count)
{
	struct body body = to_b();
	int status = WIRE_OK;

	for (int i = 0; i < clients; i++) {
		int fd = connect_to_node(&a);

		for (int j = 0; j < count; j++) {
			int one = ask_body(fd, &body);

			status = i || j ? (one == status ? one : -2) : one;
		}
		close(fd);
	}
	return status;
}

static void test_20_requests_use_one_connection_for_each_worker(void)
{
	struct node_stats stats;

	init();
	a.opts.threads = 2;
	b.opts.threads = 2;
	start();
	CHECK_INT(ask_b(8, 20), WIRE_OK);
	stats = stats_of(&a);
	CHECK_INT(stats.forward.completed, 160);
	CU_ASSERT(stats.forward.opened >= 1 && stats.forward.opened <= 2);
	CHECK_INT(stats.loop.handshakes, stats.forward.opened);
	CHECK_INT(stats_of(&b).accepted, stats.forward.opened);
	finish();
	CHECK_INT(count_said(&a, "") + count_said(&b, ""), 0);
}

static void test_a_peer_of_tls_1_2_gets_what_waited_for_the_handshake(void)
{
	init();
	b_tls.max_version = TLS_1_2;
	start();
	CHECK_INT(ask_b(1, 3), WIRE_OK);
	CHECK_INT(stats_of(&a).forward.opened, 1);
	finish();
}

/* What is unused is closed here at once. */
static void test_a_later_connection_resumes_the_session(void)
{
	init();
	a.opts.forward_idle_ns = MS;
	start();
	for (int i = 1; i <= 3; i++) {
		CHECK_INT(ask_b(1, 1), WIRE_OK);
		WAIT_UNTIL(stats_of(&a).forward.connections == 0);
		CHECK_INT(stats_of(&a).forward.opened, i);
	}
	CHECK_INT(stats_of(&a).loop.handshakes_resumed, 2);
	finish();
}

/* Each is one way not to be who should be there. */
static void test_who_is_not_trusted_gets_nothing_and_that_is_said_once(void)
{
	static const struct {
		enum certificate cert;
		const char *sentence;
	} rows[] = {
		{ CERT_STRANGER, "not signed by an authority that is trusted here" },
		{ CERT_EXPIRED, "expired on" },
		{ CERT_WRONG_NAME, "is for elsewhere.example, not for 127.0.0.1" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		init();
		tls_opts_show(&b_tls, &certs, rows[i].cert);
		start();
		CHECK_INT(ask_b(2, 5), WIRE_ERROR);
		CHECK_INT(stats_of(&a).forward.failures, 10);
		CHECK_INT(stats_of(&b).requests, 0);
		finish();
		CHECK_INT(count_said(&a, rows[i].sentence), 1);
		CHECK_INT(count_said(&a, ""), 1);
	}
}

static void test_what_is_checked_is_a_choice_of_its_own(void)
{
	static const struct {
		bool verify;
		int forward_verify, status;
		unsigned warnings;
	} rows[] = {
		{ true, FORWARD_VERIFY_AUTO, WIRE_ERROR, 0 },
		{ true, FORWARD_VERIFY_NO, WIRE_OK, 1 },
		{ false, FORWARD_VERIFY_AUTO, WIRE_OK, 1 },
		{ false, FORWARD_VERIFY_YES, WIRE_ERROR, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		init();
		tls_opts_show(&b_tls, &certs, CERT_STRANGER);
		a_tls.verify = rows[i].verify;
		a.opts.forward_tls_verify = rows[i].forward_verify;
		start();
		CHECK_INT(ask_b(2, 2), rows[i].status);
		finish();
		CHECK_INT(count_said(&a, "--forward-tls-verify does that"), rows[i].warnings);
	}
}

static void test_a_name_for_all_nodes_can_be_given(void)
{
	init();
	tls_opts_show(&b_tls, &certs, CERT_WRONG_NAME);
	strcpy(a_tls.name, "elsewhere.example");
	start();
	CHECK_INT(ask_b(1, 2), WIRE_OK);
	finish();
}

static void test_a_node_that_is_asked_who_it_is_shows_its_certificate(void)
{
	for (int has_one = 0; has_one < 2; has_one++) {
		init();
		tls_opts_trust(&b_tls, &certs, CERT_CA);
		if (has_one) {
			tls_opts_show(&a_tls, &certs, CERT_CLIENT);
		}
		start();
		CHECK_INT(ask_b(1, 3), has_one ? WIRE_OK : WIRE_ERROR);
		finish();
		CHECK_INT(count_said(&b, "showed no certificate") > 0, !has_one);
	}
}

static void test_tcp_and_tls_make_one_quorum(void)
{
	struct branch places = { .transports = { TRANSPORT_STREAM, TRANSPORT_TLS } };
	const struct wire_forward f = { .timeout_us = 5000000 };
	struct body body;
	int fd;

	init();
	start();
	places.ports[0] = port_of(&c);
	places.ports[1] = port_of(&b);
	body = to_places(&f, &places);
	fd = connect_to_node(&a);
	for (int i = 0; i < 20; i++)
		CHECK_INT(ask_body(fd, &body), WIRE_OK);
	close(fd);
	CHECK_INT(stats_of(&a).forward.opened, 2);
	CHECK_INT(stats_of(&b).requests, 20);
	CHECK_INT(stats_of(&c).requests, 20);
	finish();
}

static void test_a_peer_without_tls_is_an_error_with_a_sentence(void)
{
	struct branch place = { .transports = { TRANSPORT_TLS } };
	struct body body;
	int fd;

	init();
	start();
	place.ports[0] = port_of(&c);
	body = to_places(&(struct wire_forward){ .timeout_us = 5000000 }, &place);
	fd = connect_to_node(&a);
	for (int i = 0; i < 3; i++)
		CHECK_INT(ask_body(fd, &body), WIRE_ERROR);
	close(fd);
	finish();
	CHECK_INT(count_said(&a, "a forward to tls://127.0.0.1"), 1);
}

static void test_without_settings_of_tls_there_is_no_forward_by_it(void)
{
	init();
	a.opts.tls = NULL;
	start();
	CHECK_INT(ask_b(1, 2), WIRE_ERROR);
	CHECK_INT(stats_of(&a).forward.opened, 0);
	finish();
	CHECK_INT(count_said(&a, "a transport that is not there"), 1);
}

static void test_files_that_are_wrong_keep_a_node_from_starting(void)
{
	init();
	strcpy(a_tls.ca, "/nonexistent/ca.pem");
	CU_ASSERT(setup_start(&a) != 0);
	CU_ASSERT_FATAL(setup_start(&b) == 0);
	CU_ASSERT_FATAL(setup_start(&c) == 0);
	finish();
}

static CU_TestInfo tests[] = {
	{ "20 requests use one connection for each worker",
	  test_20_requests_use_one_connection_for_each_worker },
	{ "a peer of TLS 1.2 gets what waited for the handshake",
	  test_a_peer_of_tls_1_2_gets_what_waited_for_the_handshake },
	{ "a later connection resumes the session", test_a_later_connection_resumes_the_session },
	{ "who is not trusted gets nothing and that is said once",
	  test_who_is_not_trusted_gets_nothing_and_that_is_said_once },
	{ "what is checked is a choice of its own", test_what_is_checked_is_a_choice_of_its_own },
	{ "a name for all nodes can be given", test_a_name_for_all_nodes_can_be_given },
	{ "a node that is asked who it is shows its certificate",
	  test_a_node_that_is_asked_who_it_is_shows_its_certificate },
	{ "tcp and tls make one quorum", test_tcp_and_tls_make_one_quorum },
	{ "a peer without tls is an error with a sentence",
	  test_a_peer_without_tls_is_an_error_with_a_sentence },
	{ "without settings of tls there is no forward by it",
	  test_without_settings_of_tls_there_is_no_forward_by_it },
	{ "files that are wrong keep a node from starting",
	  test_files_that_are_wrong_keep_a_node_from_starting },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	int result;

	backend = choose_backend(argc, argv, &result);
	if (!backend)
		return result;
	certificates_make(&certs);
	result = test_main("node_forward_tls", tests);
	certificates_remove(&certs);
	return result;
}
