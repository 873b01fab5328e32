/*
 * test_client.c - client_run() over loopback, against a node that answers, dies, or does not care.
 *
 * Times are bounded from above only where the contract promises an end, and generously: other
 * work may run on this machine.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/client.h"

#include <errno.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/load.h"
#include "tests/responder.h"
#include "tests/test.h"

/* Sooner than anything that would go on for ever, or for the minute of the drain. */
#define SOON (30 * SEC)

struct rig {
	struct client_opts opts;
	struct responder responder;
	const struct backend_ops *backend;
	_Alignas(16) uint8_t backend_opts[512];
	struct hooks hooks;
	atomic_bool stop;
	struct client_result *result;
	struct err err;
	int64_t took_ns;
};

static void set(struct rig *rig, const char *name, const char *text)
{
	CHECK_INT(knob_parse(knob_find(&client_knobs, name), text, &rig->opts, NULL), 0);
}

/* A small load, so slow that a client who has to wait for its CPU finds few requests due: what is
 * still not sent 100 ms after the last was due is never sent. */
static void init_rig(struct rig *rig, const char *backend)
{
	rig->backend = backend_find(backend, NULL);
	CU_ASSERT_FATAL(rig->backend != NULL);
	CU_ASSERT_FATAL(rig->backend->group.opts_size <= sizeof(rig->backend_opts));
	knob_defaults(&rig->backend->group, rig->backend_opts);
	knob_defaults(&client_knobs, &rig->opts);
	set(rig, "wait", "sleep");
	set(rig, "request-size", "64B");
	set(rig, "reply", "64B");
	set(rig, "rate", "100");
	set(rig, "seed", "7");
	set(rig, "drain", "60s");
}

static int run(struct rig *rig)
{
	int64_t begin = clock_now_ns();
	int rc = client_run(&rig->opts, rig->backend, rig->backend_opts, &rig->hooks, &rig->stop,
			    &rig->result, &rig->err);

	rig->took_ns = clock_now_ns() - begin;
	return rc;
}

static int run_against_responder(struct rig *rig)
{
	int rc;

	responder_start(&rig->responder, rig->backend, rig->backend_opts);
	address_format(&rig->responder.address, rig->opts.to, sizeof(rig->opts.to));
	rc = run(rig);
	responder_stop(&rig->responder);
	CHECK_INT(rc, 0);
	if (rc)
		printf("\n    %s", rig->err.text);
	return rc;
}

static bool has_reason(const struct client_result *r, const char *words)
{
	for (unsigned i = 0; i < r->reason_count; i++)
		if (strstr(r->reasons[i], words))
			return true;
	return false;
}

static void check_counts(const struct client_result *r)
{
	const struct client_counts *c = &r->counts;

	CHECK_INT(c->planned, c->sent + c->censored);
	CHECK_INT(c->sent, c->done + c->failed + c->timed_out + c->unanswered);
	CHECK_INT(hist_count(r->service), c->done);
	CHECK_INT(hist_count(r->response), c->planned - c->failed);
}

#define EACH 40 /* requests of a thread */

/* Requests at 10 ms steps of two threads, in between each other, and none before its time. */
static void check_records(const struct client_result *r)
{
	CHECK_INT(r->record_count, 2 * EACH);
	CHECK_INT(r->records_lost, 0);
	for (unsigned i = 0; i < r->record_count; i++) {
		const struct client_record *row = &r->records[i];

		CHECK_INT(row->thread, i / EACH);
		CHECK_INT(row->id, i % EACH);
		CHECK_INT(row->intended_ns, i % EACH * 10 * MS + row->thread * 5 * MS);
		CU_ASSERT(row->sent_ns >= row->intended_ns);
		CU_ASSERT(row->end_ns >= row->sent_ns);
		CHECK_INT(row->outcome, OUTCOME_DONE);
	}
}

static void run_backend(const char *name)
{
	struct rig rig = { .responder.hop = { .queue_ns = 1234, .service_ns = 5678 } };
	const struct client_result *r;

	init_rig(&rig, name);
	set(&rig, "requests", "40");
	set(&rig, "threads", "2");
	set(&rig, "connections", "3");
	set(&rig, "keep-records", "1000");
	if (run_against_responder(&rig))
		return;
	r = rig.result;
	CHECK_INT(r->counts.planned, 2 * EACH);
	CHECK_INT(r->counts.done, 2 * EACH);
	CHECK_INT(hist_max(r->queue), 1234);
	CHECK_INT(hist_min(r->node_service), 5678);
	CHECK_INT(r->loop.opened, 6);
	CHECK_INT(r->loop.messages_in, 2 * EACH);
	CHECK_INT(r->seed, 7);
	CHECK_NEAR(r->offered_rate, 200, 1);
	CHECK_TEXT(r->to, rig.opts.to);
	CU_ASSERT(r->end_ns - r->start_ns >= (EACH - 1) * 10 * MS);
	CU_ASSERT(r->start_epoch_ns > 1600000000 * SEC);
	CU_ASSERT(!has_reason(r, "could not be sent") && !has_reason(r, "unanswered"));
	check_counts(r);
	check_records(r);
	client_result_destroy(rig.result);
}

static void test_every_request_is_answered_on_every_backend(void)
{
	for (unsigned i = 0; backends[i]; i++)
		if (!backends[i]->probe(NULL))
			run_backend(backends[i]->group.name);
}

/* Each request waits for the answer before it, so each needs one at least; and it is the sum of
 * eight threads, of which one alone makes fewer. */
static void count_syscalls(const char *name)
{
	struct rig rig = { 0 };

	init_rig(&rig, name);
	set(&rig, "requests", "10");
	set(&rig, "outstanding", "1");
	set(&rig, "threads", "8");
	if (run_against_responder(&rig))
		return;
	CHECK_INT(rig.result->counts.done, 80);
	CU_ASSERT(rig.result->backend.syscalls >= 80);
	client_result_destroy(rig.result);
}

static void test_the_system_calls_of_all_threads_are_counted_on_every_backend(void)
{
	for (unsigned i = 0; backends[i]; i++)
		if (!backends[i]->probe(NULL))
			count_syscalls(backends[i]->group.name);
}

/* Of a busy machine's turns a part is longer than an idle one: then it is looked at once more. */
static void test_a_spinning_client_is_not_called_busy(void)
{
	double share = 1;

	for (int i = 0; i < 5 && share >= 0.7; i++) {
		struct rig rig = { 0 };

		init_rig(&rig, "epoll");
		set(&rig, "wait", "spin");
		set(&rig, "requests", "40");
		if (run_against_responder(&rig))
			return;
		CHECK_INT(rig.result->counts.done, 40);
		share = rig.result->cpu_share_max;
		client_result_destroy(rig.result);
	}
	CHECK_NEAR(share, 0, 0.7);
}

static void test_an_overloaded_node_is_reported_and_no_count_is_lost(void)
{
	struct rig rig = { .responder.work_ns = MS };
	const struct client_result *r;

	init_rig(&rig, "epoll");
	set(&rig, "rate", "20k");
	set(&rig, "duration", "400ms");
	set(&rig, "max-in-flight", "8");
	if (run_against_responder(&rig))
		return;
	r = rig.result;
	CHECK_INT(r->counts.planned, 8000);
	CHECK_INT(r->counts.sent + r->counts.censored, 8000);
	CU_ASSERT(r->counts.censored > 1000);
	CHECK_INT(r->validity, RUN_INVALID);
	CU_ASSERT(has_reason(r, "could not be sent by the end"));
	CU_ASSERT(has_reason(r, "are needed"));
	CU_ASSERT(has_reason(r, "sent late"));
	CU_ASSERT(hist_quantile(r->lateness, 0.99) > 50 * MS);
	CU_ASSERT(rig.took_ns < SOON);
	check_counts(r);
	client_result_destroy(rig.result);
}

static void test_a_node_that_never_reads_cannot_hold_the_client(void)
{
	const struct listen_opts listen_opts = { .backlog = 8 };
	struct address any, bound;
	struct rig rig = { 0 };
	int listener;

	address_parse("127.0.0.1:0", &any, NULL);
	listener = address_listen(&any, &listen_opts, &bound, NULL);
	init_rig(&rig, "epoll");
	address_format(&bound, rig.opts.to, sizeof(rig.opts.to));
	set(&rig, "request-size", "1MiB");
	set(&rig, "rate", "1k");
	set(&rig, "duration", "200ms");
	set(&rig, "drain", "300ms");
	set(&rig, "connections", "2");
	CHECK_INT(run(&rig), 0);
	close(listener);
	CHECK_INT(rig.result->counts.planned, 200);
	CHECK_INT(rig.result->counts.done, 0);
	CU_ASSERT(rig.result->counts.censored > 0);
	CU_ASSERT(rig.result->counts.unanswered > 0);
	CHECK_INT(rig.result->validity, RUN_INVALID);
	CU_ASSERT(rig.took_ns < SOON);
	check_counts(rig.result);
	client_result_destroy(rig.result);
}

static void test_a_silent_node_is_given_up_after_the_drain(void)
{
	struct rig rig = { .responder.manner = RESPONDER_SILENT };

	init_rig(&rig, "epoll");
	set(&rig, "requests", "50");
	set(&rig, "drain", "100ms");
	if (run_against_responder(&rig))
		return;
	CHECK_INT(rig.result->counts.unanswered, 50);
	CHECK_INT(rig.result->validity, RUN_INVALID);
	CU_ASSERT(rig.took_ns < SOON);
	check_counts(rig.result);
	client_result_destroy(rig.result);
}

static void test_a_timeout_ends_waiting_for_an_answer(void)
{
	struct rig rig = { .responder.manner = RESPONDER_SILENT };

	init_rig(&rig, "epoll");
	set(&rig, "requests", "50");
	set(&rig, "timeout", "20ms");
	set(&rig, "drain", "60s");
	if (run_against_responder(&rig))
		return;
	CHECK_INT(rig.result->counts.timed_out, 50);
	CU_ASSERT(rig.took_ns < SOON);
	check_counts(rig.result);
	client_result_destroy(rig.result);
}

/* How many were under way then is known in a closed loop alone. */
static void run_until_the_node_dies(const char *outstanding)
{
	bool closed = *outstanding != '0';
	struct rig rig = { .responder.close_after = 100 };
	const struct client_result *r;

	init_rig(&rig, "epoll");
	set(&rig, "duration", "60s");
	set(&rig, "outstanding", outstanding);
	set(&rig, "connections", "2");
	set(&rig, "threads", "2");
	if (run_against_responder(&rig))
		return;
	r = rig.result;
	CHECK_INT(r->validity, RUN_INVALID);
	CHECK_INT(r->connections_lost, 4);
	CU_ASSERT(has_reason(r, "the run ended early: 4 of 4 connections were lost"));
	CU_ASSERT(r->counts.done < 100);
	CU_ASSERT(!closed || r->counts.done >= 96);
	CU_ASSERT(closed ? r->counts.failed == 4 : r->counts.failed >= 4);
	CU_ASSERT(rig.took_ns < SOON);
	check_counts(r);
	client_result_destroy(rig.result);
}

static void test_a_node_that_dies_ends_the_run(void)
{
	run_until_the_node_dies("0");
	run_until_the_node_dies("1");
}

static void test_a_closed_loop_keeps_its_promise(void)
{
	struct rig rig = { 0 };
	const struct client_result *r;

	init_rig(&rig, "epoll");
	set(&rig, "requests", "1000");
	set(&rig, "outstanding", "4");
	set(&rig, "connections", "2");
	if (run_against_responder(&rig))
		return;
	r = rig.result;
	CHECK_INT(r->counts.planned, 1000);
	CHECK_INT(r->counts.done, 1000);
	CHECK_INT(hist_count(r->lateness), 0);
	CHECK_INT(hist_max(r->response), hist_max(r->service));
	CU_ASSERT(r->closed_loop);
	CU_ASSERT(!has_reason(r, "late") && !has_reason(r, "offered"));
	check_counts(r);
	client_result_destroy(rig.result);
}

/* When ten requests have come to the node, so that some have been answered. */
static void *stop_soon(void *arg)
{
	struct rig *rig = arg;
	int64_t end_ns = clock_now_ns() + 50 * SEC;

	while (rig->responder.seen < 10 && clock_now_ns() < end_ns)
		usleep(1000);
	atomic_store_explicit(&rig->stop, true, memory_order_relaxed);
	return NULL;
}

static void test_a_signal_ends_the_run_with_what_there_is(void)
{
	struct rig rig = { 0 };
	pthread_t thread;

	init_rig(&rig, "epoll");
	set(&rig, "duration", "60s");
	set(&rig, "drain", "60s");
	pthread_create(&thread, NULL, stop_soon, &rig);
	if (!run_against_responder(&rig)) {
		CU_ASSERT(rig.result->interrupted);
		CU_ASSERT(rig.result->counts.done > 0);
		CU_ASSERT(rig.result->validity != RUN_VALID);
		CU_ASSERT(has_reason(rig.result, "interrupted"));
		CU_ASSERT(rig.took_ns < SOON);
		check_counts(rig.result);
	}
	pthread_join(thread, NULL);
	client_result_destroy(rig.result);
}

static void test_a_refused_connection_is_named(void)
{
	struct address deaf;
	struct rig rig = { 0 };
	char want[256];
	int fd;

	/* A port that no other program gets, of a socket that does not listen. */
	address_parse("127.0.0.1:0", &deaf, NULL);
	fd = address_socket(&deaf, NULL);
	CHECK_INT(bind(fd, (struct sockaddr *)&deaf.storage, deaf.len), 0);
	CHECK_INT(getsockname(fd, (struct sockaddr *)&deaf.storage, &deaf.len), 0);
	init_rig(&rig, "epoll");
	address_format(&deaf, rig.opts.to, sizeof(rig.opts.to));
	set(&rig, "threads", "3");
	CHECK_INT(run(&rig), -ECONNREFUSED);
	snprintf(want, sizeof(want), "connect %s: Connection refused: no node listens there",
		 rig.opts.to);
	CU_ASSERT(!strncmp(rig.err.text, "thread ", 7));
	CU_ASSERT(strstr(rig.err.text, want) != NULL);
	CU_ASSERT(!rig.result);
	close(fd);
}

static void test_what_cannot_work_is_refused_before_anything_starts(void)
{
	static const struct {
		const char *name, *text, *words;
	} rows[] = {
		{ "to", "nowhere://x", "nowhere://x" },
		{ "request-size", "30B", "at least 36 bytes" },
		{ "comp-time", "10us", "must come last" },
		{ "outstanding", "100000", "in flight" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rig rig = { 0 };

		init_rig(&rig, "epoll");
		set(&rig, rows[i].name, rows[i].text);
		CHECK_INT(run(&rig), -EINVAL);
		if (!strstr(rig.err.text, rows[i].words))
			printf("\n    %s", rig.err.text);
		CU_ASSERT(strstr(rig.err.text, rows[i].words) != NULL);
	}
}

struct hook_counts {
	atomic_uint threads, sockets;
	bool refuses;
};

static int on_thread(void *context, enum thread_role role, unsigned index, struct err *err)
{
	struct hook_counts *counts = context;

	CU_ASSERT(role == THREAD_CLIENT && index < 2);
	atomic_fetch_add(&counts->threads, 1);
	return counts->refuses ? err_set(err, -EPERM, "not here") : 0;
}

static int on_socket(void *context, enum socket_kind kind, int fd, struct err *err)
{
	struct hook_counts *counts = context;

	(void)err;
	CU_ASSERT(fd >= 0);
	CHECK_INT(prctl(PR_GET_TIMERSLACK), 1);
	atomic_fetch_add(&counts->sockets, 1);
	return 0;
}

static void test_hooks_see_every_thread_and_socket_and_may_refuse(void)
{
	for (int refuses = 0; refuses < 2; refuses++) {
		struct hook_counts counts = { .refuses = refuses };
		struct rig rig = { .hooks = { .context = &counts,
					      .thread_started = on_thread,
					      .socket_opened = on_socket } };
		int rc;

		init_rig(&rig, "epoll");
		set(&rig, "requests", "3");
		set(&rig, "threads", "2");
		set(&rig, "connections", "5");
		responder_start(&rig.responder, rig.backend, rig.backend_opts);
		address_format(&rig.responder.address, rig.opts.to, sizeof(rig.opts.to));
		rc = run(&rig);
		responder_stop(&rig.responder);
		CHECK_INT(rc, refuses ? -EPERM : 0);
		CHECK_INT(counts.threads, 2);
		CHECK_INT(counts.sockets, refuses ? 0 : 10);
		if (refuses)
			CU_ASSERT(strstr(rig.err.text, "not here") != NULL);
		client_result_destroy(rig.result);
	}
}

static CU_TestInfo tests[] = {
	{ "every request is answered, on every backend",
	  test_every_request_is_answered_on_every_backend },
	{ "the system calls of all threads are counted, on every backend",
	  test_the_system_calls_of_all_threads_are_counted_on_every_backend },
	{ "a spinning client is not called busy", test_a_spinning_client_is_not_called_busy },
	{ "an overloaded node is reported and no count is lost",
	  test_an_overloaded_node_is_reported_and_no_count_is_lost },
	{ "a node that never reads cannot hold the client",
	  test_a_node_that_never_reads_cannot_hold_the_client },
	{ "a silent node is given up after the drain",
	  test_a_silent_node_is_given_up_after_the_drain },
	{ "a timeout ends waiting for an answer", test_a_timeout_ends_waiting_for_an_answer },
	{ "a node that dies ends the run", test_a_node_that_dies_ends_the_run },
	{ "a closed loop keeps its promise", test_a_closed_loop_keeps_its_promise },
	{ "a signal ends the run with what there is",
	  test_a_signal_ends_the_run_with_what_there_is },
	{ "a refused connection is named", test_a_refused_connection_is_named },
	{ "what cannot work is refused before anything starts",
	  test_what_cannot_work_is_refused_before_anything_starts },
	{ "hooks see every thread and socket, and may refuse",
	  test_hooks_see_every_thread_and_socket_and_may_refuse },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("client", tests);
}
