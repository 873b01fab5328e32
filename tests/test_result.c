/*
 * test_result.c - what people and programs read of a result.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "client/result_json.h"
#include "client/result_text.h"
#include "tests/test.h"

static void open_result(struct client_result *r)
{
	*r = (struct client_result){
		.response = hist_create(),
		.service = hist_create(),
		.lateness = hist_create(),
		.queue = hist_create(),
		.node_service = hist_create(),
		.connect = hist_create(),
		.seed = 42,
		.to = "127.0.0.1:7891",
		.start_ns = 5 * SEC,
		.end_ns = 6 * SEC,
		.offered_rate = 1000,
		.sent_rate = 1000,
		.done_rate = 990,
		.run_delay_share_max = -1,
	};
}

static void close_result(struct client_result *r)
{
	hist_destroy(r->response);
	hist_destroy(r->service);
	hist_destroy(r->lateness);
	hist_destroy(r->queue);
	hist_destroy(r->node_service);
	hist_destroy(r->connect);
}

/* 1000 requests of 1, 2, ... 1000 us. */
static void fill(struct client_result *r)
{
	r->counts = (struct client_counts){ .planned = 1000, .sent = 1000, .done = 1000 };
	for (int i = 1; i <= 1000; i++) {
		hist_record(r->response, i * US);
		hist_record(r->service, i * US);
		hist_record(r->lateness, 10);
	}
}

static char *text_of(const struct client_result *r)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	CHECK_INT(result_write_text(r, out, NULL), 0);
	fclose(out);
	return text;
}

static void test_the_verdict_comes_first_with_its_reasons(void)
{
	struct client_result r;
	char *text;

	open_result(&r);
	fill(&r);
	text = text_of(&r);
	CU_ASSERT(!strncmp(text, "VALID\n", 6));
	free(text);
	r.validity = RUN_INVALID;
	r.reason_count = 2;
	strcpy(r.reasons[0], "first");
	strcpy(r.reasons[1], "second");
	text = text_of(&r);
	CU_ASSERT(!strncmp(text, "INVALID:\n  first\n  second\n", 26));
	free(text);
	close_result(&r);
}

static void test_a_percentile_needs_samples_beyond_it(void)
{
	struct client_result r;
	char *text;

	open_result(&r);
	fill(&r);
	CHECK_INT(result_samples_beyond(r.response, 99), 10);
	CHECK_INT(result_samples_beyond(r.response, 99.9), 1);
	CHECK_INT(result_samples_beyond(r.response, 50), 500);
	text = text_of(&r);
	/* p50 and p90 are sure, p99 rests on ten, p99.9 on one. */
	CU_ASSERT(strstr(text, "response         500 us     900 us    ~990 us          -    "
			       "1.00 ms\n") != NULL);
	CU_ASSERT(strstr(text, "~ rests on fewer than 100") != NULL);
	if (!strstr(text, "~990 us"))
		printf("\n%s", text);
	free(text);
	close_result(&r);
}

static void test_lower_bounds_are_said_to_be_such(void)
{
	struct client_result r;
	char *text;

	open_result(&r);
	fill(&r);
	r.counts.timed_out = 5;
	r.counts.censored = 7;
	text = text_of(&r);
	CU_ASSERT(strstr(text, "12 requests without an answer") != NULL);
	CU_ASSERT(strstr(text, "5 timed out, 7 never sent") != NULL);
	CU_ASSERT(!strstr(text, "failed on a node"));
	free(text);
	close_result(&r);
}

static void test_who_knows_why_requests_failed_is_said(void)
{
	struct client_result r;
	char *text;

	open_result(&r);
	r.shows_split = true;
	r.counts.failed = 6;
	r.counts.status[WIRE_ERROR] = 3;
	r.counts.status[WIRE_TIMEOUT] = 2;
	text = text_of(&r);
	CU_ASSERT(strstr(text, "6 failed (error 3, timeout 2, connection lost 1)") != NULL);
	CU_ASSERT(strstr(text, "5 requests failed on a node, or behind it") != NULL);
	CU_ASSERT(!strstr(text, "\n\n")); /* nothing was answered: there is no table */
	free(text);
	close_result(&r);
}

static void test_tls_is_one_line_and_one_object(void)
{
	struct client_result r;
	const char *version, *cipher;
	json_int_t handshakes;
	int is_verified;
	json_t *root;
	char *text;

	open_result(&r);
	text = text_of(&r);
	CU_ASSERT(!strstr(text, "tls"));
	free(text);
	root = result_json(&r);
	CU_ASSERT(json_is_null(json_object_get(root, "tls")));
	json_decref(root);
	r.tls = (struct client_tls){ "TLSv1.3", "TLS_AES_256_GCM_SHA384", true };
	r.loop.handshakes = 7;
	r.loop.handshakes_resumed = 3;
	text = text_of(&r);
	CU_ASSERT(strstr(text, "tls         TLSv1.3, TLS_AES_256_GCM_SHA384, 7 handshakes, 3 "
			       "resumed; node verified\n") != NULL);
	free(text);
	root = result_json(&r);
	CHECK_INT(json_unpack(root, "{s:{s:s s:s s:I s:b}}", "tls", "version", &version, "cipher",
			      &cipher, "handshakes", &handshakes, "verified", &is_verified),
		  0);
	CHECK_TEXT(version, "TLSv1.3");
	CHECK_INT(handshakes, 7);
	CU_ASSERT(is_verified);
	json_decref(root);
	close_result(&r);
}

static void add_split(struct client_result *r)
{
	struct program_hop hops[] = { { 0 }, { .tag = 2, .depth = 1, .name = ":7893" } };
	const struct program p = { .hop_count = 2, .hops = hops };
	uint8_t records[WIRE_HOP + WIRE_CHILD];

	CHECK_INT(split_init(&r->split, &p), 0);
	split_name(&r->split, "here");
	wire_put_hop(records, &(struct wire_hop){ .forward_ns = 900 * US });
	wire_put_child(records + WIRE_HOP,
		       &(struct wire_child){
			       1, 0, 2, 0, 1, 900 * US, 900 * US, { .storage_ns = 610 * US } });
	for (int i = 0; i < 1000; i++)
		split_add(&r->split, &(struct split_answer){ .service_ns = MS,
							     .records = records,
							     .len = sizeof(records) });
}

static void test_where_the_time_went_is_told(void)
{
	double response, storage, network, slowest;
	struct client_result r;
	int depth, operation;
	json_t *root, *hop;
	char *text;

	open_result(&r);
	fill(&r);
	add_split(&r);
	text = text_of(&r);
	CU_ASSERT(strstr(text, "where the time went") == NULL);
	free(text);
	r.shows_split = true;
	text = text_of(&r);
	CU_ASSERT(strstr(text, "  storage on :7893 ") != NULL);
	CU_ASSERT(strstr(text, "610 us  61 %") != NULL);
	CU_ASSERT(strstr(text, "slowest 1 %: 61 % waiting for storage on :7893\n") != NULL);
	free(text);
	root = result_json(&r);
	CHECK_INT(json_unpack(root, "{s:{s:{s:F} s:{s:F s:[o, o!]}}}", "split", "slowest",
			      "response_ns", &slowest, "all", "response_ns", &response, "hops",
			      &hop, &hop),
		  0);
	CHECK_INT(json_unpack(hop, "{s:F s:F s:i s:i}", "storage_ns", &storage, "network_ns",
			      &network, "depth", &depth, "operation", &operation),
		  0);
	CHECK_NEAR(response, 1 * MS, 1e-3);
	CHECK_NEAR(slowest, 1 * MS, 1e-3);
	CHECK_NEAR(storage, 610 * US, 1e-3);
	CHECK_NEAR(network, 290 * US, 1e-3);
	CHECK_INT(depth, 1);
	CHECK_INT(operation, 3);
	json_decref(root);
	split_finish(&r.split);
	close_result(&r);
}

static void test_an_empty_result_is_written_too(void)
{
	struct client_result r;
	char *text;

	open_result(&r);
	text = text_of(&r);
	CU_ASSERT(strstr(text, "0 planned, 0 sent, 0 done") != NULL);
	CU_ASSERT(!strstr(text, "p50"));
	free(text);
	close_result(&r);
}

static void test_json_has_what_a_program_needs(void)
{
	struct client_result r;
	const char *verdict;
	json_int_t schema, p50, p99, done, planned, seed, duration;
	json_t *root, *p999, *delay;

	open_result(&r);
	fill(&r);
	root = result_json(&r);
	CU_ASSERT_FATAL(root != NULL);
	CHECK_INT(json_unpack(root, "{s:I s:s s:I s:I s:{s:I s:I} s:{s:{s:{s:I s:I s:o}}} s:{s:o}}",
			      "schema", &schema, "verdict", &verdict, "seed", &seed, "duration_ns",
			      &duration, "counts", "planned", &planned, "done", &done, "latency",
			      "response", "percentiles_ns", "p50", &p50, "p99", &p99, "p99.9",
			      &p999, "generator", "run_delay_share_max", &delay),
		  0);
	CHECK_INT(schema, RESULT_JSON_SCHEMA);
	CHECK_TEXT(verdict, "VALID");
	CHECK_INT(seed, 42);
	CHECK_INT(duration, SEC);
	CHECK_INT(planned, 1000);
	CHECK_INT(done, 1000);
	CHECK_NEAR(p50, 500e3, 500);
	CHECK_NEAR(p99, 990e3, 1000);
	CU_ASSERT(json_is_null(p999));
	CU_ASSERT(json_is_null(delay));
	json_decref(root);
	close_result(&r);
}

static void test_a_full_disk_is_an_error(void)
{
	struct client_result r;
	FILE *out = fopen("/dev/full", "w");

	CU_ASSERT_FATAL(out != NULL);
	open_result(&r);
	fill(&r);
	CHECK_INT(result_write_text(&r, out, NULL), -ENOSPC);
	fclose(out);
	close_result(&r);
}

static CU_TestInfo tests[] = {
	{ "the verdict comes first, with its reasons",
	  test_the_verdict_comes_first_with_its_reasons },
	{ "a percentile needs samples beyond it", test_a_percentile_needs_samples_beyond_it },
	{ "lower bounds are said to be such", test_lower_bounds_are_said_to_be_such },
	{ "who knows why requests failed is said", test_who_knows_why_requests_failed_is_said },
	{ "TLS is one line and one object", test_tls_is_one_line_and_one_object },
	{ "where the time went is told", test_where_the_time_went_is_told },
	{ "an empty result is written, too", test_an_empty_result_is_written_too },
	{ "JSON has what a program needs", test_json_has_what_a_program_needs },
	{ "a full disk is an error", test_a_full_disk_is_an_error },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("result", tests);
}
