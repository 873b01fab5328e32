/*
 * test_judge.c - verdicts from numbers: each rule below, at and above its limits, and its words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/judge.h"

#include "base/clock.h"
#include "tests/test.h"

/* A run without a blemish: 10,000 requests at 1000/s. */
static struct judge_facts good(void)
{
	return (struct judge_facts){
		.counts = { .planned = 10000, .sent = 10000, .done = 10000 },
		.offered_rate = 1000,
		.sent_rate = 1000,
		.lateness_p99_ns = 2 * US,
		.service_p50_ns = 50 * US,
		.busy_share = 0.3,
		.run_delay_share = 0.001,
		.connections = 4,
		.lost_text = "",
	};
}

static void test_a_good_run_is_valid_without_words(void)
{
	struct judge_facts f = good();
	struct judgement j;

	judge_run(&f, &j);
	CHECK_INT(j.validity, RUN_VALID);
	CHECK_INT(j.count, 0);
}

/* One number changed: what the verdict becomes, and a part of the only reason. */
struct row {
	double value;
	enum validity want;
	const char *words;
};

static void check_row(const struct judge_facts *f, const struct row *row)
{
	struct judgement j;

	judge_run(f, &j);
	CHECK_INT(j.validity, row->want);
	CHECK_INT(j.count, row->want != RUN_VALID);
	if (j.count && !strstr(j.reasons[0], row->words))
		printf("\n    %s", j.reasons[0]);
	CU_ASSERT(!j.count || strstr(j.reasons[0], row->words) != NULL);
}

#define CHECK_ROWS(rows, field)                                          \
	for (size_t i_ = 0; i_ < sizeof(rows) / sizeof(*(rows)); i_++) { \
		struct judge_facts f_ = good();                          \
		f_.field = (rows)[i_].value;                             \
		check_row(&f_, &(rows)[i_]);                             \
	}

static void test_the_rate_must_be_reached(void)
{
	static const struct row rows[] = {
		{ 1000, RUN_VALID, "" },
		{ 995.1, RUN_VALID, "" },
		{ 994, RUN_SUSPECT, "99.4%; at least 99.5%" },
		{ 979, RUN_INVALID, "97.9%; at least 98%" },
		{ 500, RUN_INVALID, "50%; at least 98%" },
	};

	CHECK_ROWS(rows, sent_rate);
}

static void test_lateness_is_judged_beside_the_service_time(void)
{
	static const struct row rows[] = {
		{ 20 * US, RUN_VALID, "" },
		{ 21 * US, RUN_SUSPECT, "limit 20.0 us" },
		{ 100 * US, RUN_SUSPECT, "limit 20.0 us" },
		{ 101 * US, RUN_INVALID, "p99 of lateness 101 us; limit 100 us" },
	};
	static const struct row slow_rows[] = {
		{ 490 * US, RUN_VALID, "" },
		{ 510 * US, RUN_SUSPECT, "limit 500 us (service time p50 is 10.0 ms)" },
		{ 2490 * US, RUN_SUSPECT, "limit 500 us" },
		{ 2510 * US, RUN_INVALID, "limit 2.50 ms" },
	};

	CHECK_ROWS(rows, lateness_p99_ns);
	for (size_t i = 0; i < sizeof(slow_rows) / sizeof(*slow_rows); i++) {
		struct judge_facts f = good();

		f.service_p50_ns = 10 * MS;
		f.lateness_p99_ns = slow_rows[i].value;
		check_row(&f, &slow_rows[i]);
	}
}

static void test_the_generators_own_machine_is_judged(void)
{
	static const struct row busy[] = {
		{ 0.70, RUN_VALID, "" },
		{ 0.75, RUN_SUSPECT, "75%; limit 70%" },
		{ 0.95, RUN_INVALID, "95%; limit 90%" },
	};
	static const struct row delay[] = {
		{ -1, RUN_VALID, "" },
		{ 0.01, RUN_VALID, "" },
		{ 0.02, RUN_SUSPECT, "2%; limit 1%" },
		{ 0.06, RUN_INVALID, "6%; limit 5%" },
	};
	static const struct row steal[] = {
		{ 0.004, RUN_VALID, "" },
		{ 0.006, RUN_SUSPECT, "0.6%; limit 0.5%" },
		{ 0.03, RUN_INVALID, "3%; limit 2%" },
	};

	CHECK_ROWS(busy, busy_share);
	CHECK_ROWS(delay, run_delay_share);
	CHECK_ROWS(steal, steal_share);
}

static void test_requests_without_a_good_answer_are_judged(void)
{
	static const struct row rows[] = {
		{ 0, RUN_VALID, "" },
		{ 1, RUN_SUSPECT, "1 of 10000 requests" },
		{ 10, RUN_SUSPECT, "0.1%; limit 0%" },
		{ 11, RUN_INVALID, "0.11%; limit 0.1%" },
	};

	CHECK_ROWS(rows, counts.failed);
	CHECK_ROWS(rows, counts.timed_out);
	CHECK_ROWS(rows, counts.unanswered);
}

static void test_what_could_not_be_sent_makes_a_run_invalid(void)
{
	static const struct row rows[] = {
		{ 0, RUN_VALID, "" },
		{ 1, RUN_INVALID, "1 of 10000 planned requests could not be sent" },
	};

	CHECK_ROWS(rows, counts.censored);
}

static void test_nothing_measured_is_invalid(void)
{
	struct judge_facts f = { .connections = 1, .lost_text = "" };
	struct judgement j;

	judge_run(&f, &j);
	CHECK_INT(j.validity, RUN_INVALID);
	CHECK_INT(j.count, 1);
}

static void test_lost_connections_are_judged_and_named(void)
{
	static const struct row rows[] = {
		{ 1, RUN_SUSPECT, "1 of 4 connections were lost: Connection reset by peer" },
		{ 4, RUN_INVALID, "the run ended early: 4 of 4" },
	};

	for (size_t i = 0; i < 2; i++) {
		struct judge_facts f = good();

		f.connections_lost = rows[i].value;
		f.lost_text = "Connection reset by peer";
		check_row(&f, &rows[i]);
	}
}

static void test_interruption_and_strange_answers_are_suspect(void)
{
	static const struct row interrupted = { 1, RUN_SUSPECT, "interrupted" };
	static const struct row strays = { 3, RUN_SUSPECT, "3 answers" };
	struct judge_facts f = good();

	f.is_interrupted = true;
	check_row(&f, &interrupted);
	f = good();
	f.strays = 3;
	check_row(&f, &strays);
}

static void test_a_closed_loop_has_no_schedule_to_keep(void)
{
	struct judge_facts f = good();
	struct judgement j;

	f.is_closed_loop = true;
	f.offered_rate = 1e6;
	f.lateness_p99_ns = SEC;
	judge_run(&f, &j);
	CHECK_INT(j.validity, RUN_VALID);
}

static void test_the_worst_reason_decides_and_all_are_kept(void)
{
	struct judge_facts f = good();
	struct judgement j;

	f.is_interrupted = true;
	f.counts.censored = 5000;
	f.counts.sent = 5000;
	f.counts.failed = 3;
	f.sent_rate = 500;
	f.lateness_p99_ns = SEC;
	f.busy_share = 0.8;
	f.run_delay_share = 0.3;
	f.steal_share = 0.3;
	judge_run(&f, &j);
	CHECK_INT(j.validity, RUN_INVALID);
	CHECK_INT(j.count, 8);
}

static CU_TestInfo tests[] = {
	{ "a good run is valid, without words", test_a_good_run_is_valid_without_words },
	{ "the rate must be reached", test_the_rate_must_be_reached },
	{ "lateness is judged beside the service time",
	  test_lateness_is_judged_beside_the_service_time },
	{ "the generator's own machine is judged", test_the_generators_own_machine_is_judged },
	{ "requests without a good answer are judged",
	  test_requests_without_a_good_answer_are_judged },
	{ "what could not be sent makes a run invalid",
	  test_what_could_not_be_sent_makes_a_run_invalid },
	{ "nothing measured is invalid", test_nothing_measured_is_invalid },
	{ "lost connections are judged and named", test_lost_connections_are_judged_and_named },
	{ "interruption and strange answers are suspect",
	  test_interruption_and_strange_answers_are_suspect },
	{ "a closed loop has no schedule to keep", test_a_closed_loop_has_no_schedule_to_keep },
	{ "the worst reason decides, and all are kept",
	  test_the_worst_reason_decides_and_all_are_kept },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("judge", tests);
}
