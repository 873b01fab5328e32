/*
 * test_udp.c - a real node and a real client over UDP on loopback, and senders who mean it badly.
 *
 *	test_udp BACKEND
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/client.h"

#include "tests/node_fixture.h"

static const struct backend_ops *backend;

struct load_run {
	struct client_opts opts;
	struct client_result *result;
	struct err err;
};

static void set(struct load_run *run, const char *name, const char *text)
{
	CHECK_INT(knob_parse(knob_find(&client_knobs, name), text, &run->opts, NULL), 0);
}

static void init_run(struct load_run *run, const struct address *to)
{
	memset(run, 0, sizeof(*run));
	knob_defaults(&client_knobs, &run->opts);
	set(run, "wait", "sleep");
	set(run, "request-size", "100B");
	set(run, "reply", "300B");
	set(run, "outstanding", "4");
	set(run, "timeout", "10s");
	set(run, "drain", "10s");
	address_format(to, run->opts.to, sizeof(run->opts.to));
}

static int go(struct load_run *run, const void *backend_opts)
{
	static const struct hooks no_hooks;
	int rc = client_run(&run->opts, backend, backend_opts, &no_hooks, NULL, &run->result,
			    &run->err);

	if (!rc) {
		const struct client_counts *c = &run->result->counts;

		CHECK_INT(c->planned, c->sent + c->censored);
		CHECK_INT(c->sent, c->done + c->failed + c->timed_out + c->unanswered);
		CU_ASSERT(c->late <= c->timed_out);
	}
	return rc;
}

static bool has_ipv6(void)
{
	struct address a, bound;
	int fd;

	address_parse("udp://[::1]:0", &a, NULL);
	fd = address_listen(&a, &(struct listen_opts){ 0 }, &bound, NULL);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void load_every_address(struct setup *s)
{
	uint64_t udp = 0;

	for (unsigned i = 0; i < node_address_count(s->node); i++) {
		const struct address *a = node_address(s->node, i);
		struct load_run run;

		init_run(&run, a);
		set(&run, "requests", "1000");
		set(&run, "connections", "5");
		CHECK_INT(go(&run, s->backend_opts), 0);
		CHECK_INT(run.result->counts.done, 1000);
		CHECK_INT(run.result->counts.duplicates, 0);
		CHECK_INT(run.result->strays, 0);
		CHECK_INT(run.result->is_datagram, a->transport == TRANSPORT_UDP);
		if (a->transport == TRANSPORT_UDP) {
			udp += 1000;
			CHECK_INT(run.result->loop.udp.out, 1000);
			CHECK_INT(run.result->loop.udp.in, 1000);
		}
		client_result_destroy(run.result);
	}
	WAIT_UNTIL(stats_of(s).requests == node_address_count(s->node) * 1000);
	CHECK_INT(stats_of(s).loop.udp.in, udp);
	CHECK_INT(stats_of(s).loop.udp.out, udp);
	CHECK_INT(count_said(s, ""), 0);
}

static void test_a_thousand_requests_are_answered_in_every_accept_mode(void)
{
	for (int mode = ACCEPT_CHILD; mode <= ACCEPT_PARENT; mode++) {
		for (int wait = ACCEPT_EVENT; wait <= ACCEPT_BLOCKING; wait++) {
			struct setup s;

			setup_init(&s, backend);
			s.opts.accept_mode = mode;
			s.opts.accept_wait = wait;
			s.opts.threads = 2;
			setup_bind(&s, "udp://127.0.0.1:0");
			setup_bind(&s, "127.0.0.1:0");
			if (has_ipv6())
				setup_bind(&s, "udp://[::1]:0");
			CU_ASSERT_FATAL(setup_start(&s) == 0);
			load_every_address(&s);
			setup_finish(&s);
		}
	}
}

static void test_segments_and_batches_change_no_count(void)
{
	static const char *const batches[] = { "1", "64" };

	for (unsigned i = 0; i < 4; i++) {
		struct load_run run;
		struct setup s;

		setup_init(&s, backend);
		setup_bind(&s, "udp://127.0.0.1:0");
		if (!strcmp(backend->group.name, "io_uring"))
			knob_parse(knob_find(&backend->group, "buffer-size"), "66KiB",
				   s.backend_opts, NULL);
		s.opts.udp.gso = s.opts.udp.gro = i / 2;
		s.opts.udp.batch = i % 2 ? 64 : 1;
		CU_ASSERT_FATAL(setup_start(&s) == 0);
		init_run(&run, node_address(s.node, 0));
		set(&run, "requests", "1000");
		set(&run, "outstanding", "16");
		set(&run, "udp.batch", batches[i % 2]);
		set(&run, "udp.gso", i / 2 ? "yes" : "no");
		set(&run, "udp.gro", i / 2 ? "yes" : "no");
		CHECK_INT(go(&run, s.backend_opts), 0);
		CHECK_INT(run.result->counts.done, 1000);
		CHECK_INT(run.result->loop.udp.out, 1000);
		CHECK_INT(run.result->loop.udp.in, 1000);
		CHECK_INT(run.result->loop.udp.gso > 0, i / 2);
		client_result_destroy(run.result);
		setup_finish(&s);
	}
}

static void test_one_address_cannot_be_taken_twice(void)
{
	struct setup s, other;
	struct node *node = NULL;
	struct err err = { 0 };
	char text[ADDRESS_TEXT];

	setup_init(&s, backend);
	s.opts.threads = 2; /* which share the port among themselves */
	setup_bind(&s, "udp://127.0.0.1:0");
	CU_ASSERT_FATAL(setup_start(&s) == 0);
	setup_init(&other, backend);
	other.opts.threads = 2;
	setup_bind(&other, address_format(node_address(s.node, 0), text, sizeof(text)));
	CHECK_INT(node_start(&node, &other.opts, backend, other.backend_opts, &other.hooks, &err),
		  -EADDRINUSE);
	CU_ASSERT(strstr(err.text, text) != NULL);
	setup_finish(&other);
	setup_finish(&s);
}

static int hostile_socket(const struct setup *s)
{
	const struct address *a = node_address(s->node, 0);
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd = socket(a->storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK_INT(connect(fd, (const struct sockaddr *)&a->storage, a->len), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* The status of the next datagram's reply, or -1. */
static int status_of_next(int fd)
{
	uint8_t bytes[2048];
	struct wire_head head;
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

	if (n < WIRE_HEAD || wire_get_head(bytes, UINT32_MAX, &head) || head.length != n)
		return -1;
	return head.hops;
}

static void test_hostile_datagrams_do_not_stop_the_service(void)
{
	static uint8_t garbage[65507];
	const struct wire_operation hundred_k = { WIRE_SEND_REPLY, 0, 100000 };
	const struct wire_operation endless[] = { { WIRE_SLEEP, 0, INT64_MAX },
						  { WIRE_SEND_REPLY, 0, 64 } };
	uint8_t bytes[256];
	struct setup s;
	uint32_t len;
	int fd;

	setup_init(&s, backend);
	setup_bind(&s, "udp://127.0.0.1:0");
	CU_ASSERT_FATAL(setup_start(&s) == 0);
	fd = hostile_socket(&s);
	memset(garbage, 0xa5, sizeof(garbage));
	CHECK_INT(send(fd, garbage, 5, 0), 5);
	CHECK_INT(send(fd, garbage, 0, 0), 0);
	CHECK_INT(send(fd, garbage, sizeof(garbage), 0), sizeof(garbage));
	len = put_request(bytes, 1, &hundred_k, 1);
	bytes[5] = WIRE_REPLY;
	CHECK_INT(send(fd, bytes, len, 0), len);
	WAIT_UNTIL(stats_of(&s).loop.udp.malformed + stats_of(&s).loop.udp.cut == 4);
	CHECK_INT(stats_of(&s).connections, 0);
	len = put_request(bytes, 2, &hundred_k, 1);
	CHECK_INT(send(fd, bytes, len, 0), len);
	CHECK_INT(status_of_next(fd), WIRE_REFUSED);
	len = put_request(bytes, 3, endless, 2);
	CHECK_INT(send(fd, bytes, len, 0), len);
	CHECK_INT(status_of_next(fd), WIRE_REFUSED);
	CHECK_INT(count_said(&s, "request refused"), 2);
	CHECK_INT(count_said(&s, "udp://127.0.0.1:"), 2);
	CHECK_INT(stats_of(&s).refused, 2);
	len = put_request(bytes, 3, endless, 1); /* without a reply */
	CHECK_INT(send(fd, bytes, len, 0), len);
	WAIT_UNTIL(count_said(&s, "program without a reply: connection dropped") == 1);
	len = put_request(bytes, 4, (const struct wire_operation[]){ { WIRE_SEND_REPLY, 0, 64 } },
			  1);
	CHECK_INT(send(fd, bytes, len, 0), len);
	CHECK_INT(status_of_next(fd), WIRE_OK);
	CHECK_INT(stats_of(&s).loop.udp.in, 8);
	close(fd);
	setup_finish(&s);
}

static void test_stopping_answers_what_is_in_progress(void)
{
	uint8_t bytes[256];
	struct setup s;
	uint32_t len;
	int fd;

	setup_init(&s, backend);
	setup_bind(&s, "udp://127.0.0.1:0");
	CU_ASSERT_FATAL(setup_start(&s) == 0);
	fd = hostile_socket(&s);
	len = put_request(bytes, 1, nap_100ms, 2);
	CHECK_INT(send(fd, bytes, len, 0), len);
	WAIT_UNTIL(stats_of(&s).loop.messages_in == 1);
	setup_finish(&s);
	CHECK_INT(status_of_next(fd), WIRE_OK);
	close(fd);
}

/* A port that takes everything and answers nothing. */
static int silent_port(struct address *ret)
{
	struct address any;

	address_parse("udp://127.0.0.1:0", &any, NULL);
	return address_listen(&any, &(struct listen_opts){ 0 }, ret, NULL);
}

static void run_against(const struct address *to, struct load_run *run, const char *requests,
			const char *timeout)
{
	_Alignas(16) uint8_t backend_opts[512];

	knob_defaults(&backend->group, backend_opts);
	init_run(run, to);
	set(run, "requests", requests);
	set(run, "timeout", timeout);
	set(run, "drain", "300ms");
	CHECK_INT(go(run, backend_opts), 0);
}

static void test_loss_does_not_hang_a_closed_loop(void)
{
	static const char *const timeouts[] = { "20ms", "0s" };

	for (unsigned i = 0; i < 2; i++) {
		struct load_run run;
		struct address to;
		int fd = silent_port(&to);

		run_against(&to, &run, i ? "8" : "40", timeouts[i]);
		/* Half of the eight has a second, the other half the drain. */
		CHECK_INT(run.result->counts.timed_out, i ? 4 : 40);
		CHECK_INT(run.result->counts.unanswered, i ? 4 : 0);
		CHECK_INT(run.result->counts.late, 0);
		CHECK_INT(run.result->timeout_ns, i ? CLIENT_UDP_TIMEOUT_NS : 20 * MS);
		client_result_destroy(run.result);
		close(fd);
	}
}

static void test_a_refusal_fails_requests_and_the_run_goes_on(void)
{
	struct load_run run;
	struct address to;
	unsigned said = 0;

	close(silent_port(&to));
	run_against(&to, &run, "50", "500ms");
	CHECK_INT(run.result->counts.failed, 50);
	CHECK_INT(run.result->counts.refused, 50);
	CHECK_INT(run.result->connections_lost, 0);
	for (unsigned i = 0; i < run.result->reason_count; i++)
		said += strstr(run.result->reasons[i], "nobody listens") != NULL;
	CHECK_INT(said, 1);
	client_result_destroy(run.result);
}

static void test_late_answers_are_counted_apart(void)
{
	struct load_run run;
	struct setup s;

	setup_init(&s, backend);
	setup_bind(&s, "udp://127.0.0.1:0");
	CU_ASSERT_FATAL(setup_start(&s) == 0);
	init_run(&run, node_address(s.node, 0));
	set(&run, "outstanding", "0");
	set(&run, "rate", "200");
	set(&run, "requests", "100");
	set(&run, "timeout", "20ms");
	knob_list_cut(&run.opts.program, 0);
	set(&run, "program", "sleep 40ms");
	set(&run, "program", "reply 64B");
	CHECK_INT(go(&run, s.backend_opts), 0);
	CHECK_INT(run.result->counts.timed_out, 100);
	CU_ASSERT(run.result->counts.late > 0);
	CHECK_INT(run.result->counts.late, run.result->loop.udp.in);
	CHECK_INT(run.result->counts.duplicates, 0);
	CHECK_INT(run.result->strays, 0);
	client_result_destroy(run.result);
	setup_finish(&s);
}

static void test_what_cannot_be_is_refused_in_words(void)
{
	struct load_run run;
	struct address to;
	int fd = silent_port(&to);
	_Alignas(16) uint8_t backend_opts[512];

	knob_defaults(&backend->group, backend_opts);
	init_run(&run, &to);
	set(&run, "request-size", "65508B");
	CHECK_INT(go(&run, backend_opts), -EINVAL);
	CU_ASSERT(strstr(run.err.text, "65507") != NULL);
	init_run(&run, &to);
	set(&run, "udp.receive-buffer", "1GiB");
	CHECK_INT(go(&run, backend_opts), -ENOBUFS);
	CU_ASSERT(strstr(run.err.text, "net.core.rmem_max") != NULL);
	if (!strcmp(backend->group.name, "io_uring")) {
		init_run(&run, &to);
		set(&run, "udp.gro", "yes");
		CHECK_INT(go(&run, backend_opts), -EINVAL);
		CU_ASSERT(strstr(run.err.text, "io_uring.buffer-size") != NULL);
		init_run(&run, &to);
		set(&run, "reply", "20000B");
		CHECK_INT(go(&run, backend_opts), -EINVAL);
		CU_ASSERT(strstr(run.err.text, "io_uring.buffer-size") != NULL);
	}
	close(fd);
}

static CU_TestInfo tests[] = {
	{ "a thousand requests are answered in every accept mode",
	  test_a_thousand_requests_are_answered_in_every_accept_mode },
	{ "segments and batches change no count", test_segments_and_batches_change_no_count },
	{ "one address cannot be taken twice", test_one_address_cannot_be_taken_twice },
	{ "hostile datagrams do not stop the service",
	  test_hostile_datagrams_do_not_stop_the_service },
	{ "stopping answers what is in progress", test_stopping_answers_what_is_in_progress },
	{ "loss does not hang a closed loop", test_loss_does_not_hang_a_closed_loop },
	{ "a refusal fails requests, and the run goes on",
	  test_a_refusal_fails_requests_and_the_run_goes_on },
	{ "late answers are counted apart", test_late_answers_are_counted_apart },
	{ "what cannot be is refused in words", test_what_cannot_be_is_refused_in_words },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	int status;

	backend = choose_backend(argc, argv, &status);
	if (!backend)
		return status;
	return test_main("udp", tests);
}
