/*
 * test_napi.c - what the receive queues of its sockets mean for a backend that polls them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "backends/napi.h"

#include <sys/socket.h>
#include <unistd.h>

#include "tests/test.h"

static void test_judgement(void)
{
	static const struct {
		struct napi_census census;
		bool one_id;
		enum verdict verdict;
		const char *why;
	} rows[] = {
		{ { 0 }, true, VERDICT_OK, "" },
		{ { .sockets = 3, .ids = { 5 }, .id_count = 1 }, true, VERDICT_OK, "" },
		{ { .sockets = 3, .without = 3 },
		  true,
		  VERDICT_VACUOUS,
		  "k was accepted, but none of 3 sockets has a NAPI id (loopback and MPTCP "
		  "give none): nothing was polled" },
		{ { .datagram = 2 },
		  true,
		  VERDICT_VACUOUS,
		  "k was accepted, but none of 2 sockets has a NAPI id (loopback and MPTCP "
		  "give none): nothing was polled" },
		{ { .datagram = 2, .sockets = 1, .ids = { 5 }, .id_count = 1 },
		  true,
		  VERDICT_OK,
		  "" },
		{ { .sockets = 3, .without = 1, .ids = { 5 }, .id_count = 1 },
		  true,
		  VERDICT_OK,
		  "k: 1 of 3 sockets have no NAPI id and gain nothing" },
		{ { .sockets = 3, .ids = { 5, 6 }, .id_count = 2 },
		  true,
		  VERDICT_OK,
		  "k: the sockets are of 2 NAPI ids, and one of them at a time is polled" },
		{ { .sockets = 3, .ids = { 5, 6 }, .id_count = 2 }, false, VERDICT_OK, "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct verdict_report report = { 0 };

		napi_census_judge(&rows[i].census, "k", rows[i].one_id, &report);
		CHECK_INT(report.verdict, rows[i].verdict);
		CHECK_TEXT(report.why, rows[i].why);
	}
}

static void test_who_counts(void)
{
	struct napi_census census = { 0 };
	int listener = socket(AF_INET, SOCK_STREAM, 0), pipe_ends[2], silent[2];
	int datagram = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK_INT(listen(listener, 1), 0);
	CHECK_INT(pipe(pipe_ends), 0);
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, silent), 0);
	napi_census_add(&census, silent[0]);
	napi_census_add(&census, listener);
	shutdown(listener, SHUT_RDWR);
	napi_census_add(&census, listener);
	napi_census_add(&census, pipe_ends[0]);
	napi_census_add(&census, -1);
	CHECK_INT(census.sockets, 0);
	napi_census_add(&census, datagram);
	CHECK_INT(census.sockets, 0);
	CHECK_INT(census.datagram, 1);
	close(silent[0]);
	close(silent[1]);
	close(listener);
	close(datagram);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

static CU_TestInfo tests[] = {
	{ "each mixture of sockets has its sentence", test_judgement },
	{ "listeners, silent streams and what is no socket do not count", test_who_counts },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("napi", tests);
}
